/*
 * hooksign: the signature of Standard Webhooks 1.0.0 (symmetric, v1).
 */
#include "config.h"

#include "sink/hooksign.h"

#include <string.h>

#include "base/digest.h"

static int
add_key(struct hooksign *h, struct span word, struct err *e)
{
	struct buf *key;

	if (h->count == HOOKSIGN_KEYS_MAX)
		return err_set(e, ERR_CONFIG, "secret: more than %d secrets; remove the oldest",
		               HOOKSIGN_KEYS_MAX);
	key = &h->keys[h->count];
	buf_init(key, 0);
	h->count++;
	if (!span_starts(word, "whsec_")) {
		if (word.len < HOOKSIGN_KEY_MIN)
			return err_set(e, ERR_CONFIG,
			               "secret: %zu bytes are too few to sign with; make one with: "
			               "echo whsec_$(openssl rand -base64 32)",
			               word.len);
		(void)buf_add(key, word.p, word.len);
		return 0;
	}
	if (digest_base64_decode((struct span){ word.p + 6, word.len - 6 }, key))
		return err_set(e, ERR_CONFIG, "secret: what follows whsec_ is not base64");
	if (key->len < HOOKSIGN_KEY_MIN || key->len > HOOKSIGN_KEY_MAX)
		return err_set(
			e, ERR_CONFIG,
			"secret: whsec_ is followed by %zu bytes; Standard Webhooks wants 24 to 64",
			key->len);
	return 0;
}

int
hooksign_init(struct hooksign *h, const char *secrets, struct err *e)
{
	memset(h, 0, sizeof *h);
	for (const char *p = secrets; *p;) {
		size_t blanks = strspn(p, " \t\r\n");
		size_t len = strcspn(p + blanks, " \t\r\n");

		p += blanks;
		if (len && add_key(h, (struct span){ p, len }, e)) {
			hooksign_done(h);
			return -1;
		}
		p += len;
	}
	if (h->count == 0)
		return err_set(e, ERR_CONFIG, "secret: is empty");
	return 0;
}

void
hooksign_done(struct hooksign *h)
{
	for (size_t i = 0; i < h->count; i++)
		buf_done_secret(&h->keys[i]);
	h->count = 0;
}

void
hooksign_add(const struct hooksign *h, const char *id, int64_t timestamp_s, struct span body,
             struct buf *out)
{
	struct buf signed_bytes;

	buf_init(&signed_bytes, 0);
	(void)buf_add_str(&signed_bytes, id);
	(void)buf_add_char(&signed_bytes, '.');
	(void)buf_add_i64(&signed_bytes, timestamp_s);
	(void)buf_add_char(&signed_bytes, '.');
	(void)buf_add(&signed_bytes, body.p, body.len);
	for (size_t i = 0; i < h->count; i++) {
		unsigned char mac[DIGEST_BYTES];

		digest_hmac_sha256(h->keys[i].data, h->keys[i].len, signed_bytes.data,
		                   signed_bytes.len, mac);
		(void)buf_add_str(out, i ? " v1," : "v1,");
		digest_base64(mac, sizeof mac, out);
	}
	buf_done(&signed_bytes);
}
