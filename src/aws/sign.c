/*
 * sign: Signature Version 4. See sign.h.
 *
 * canonical request = method, path, query, headers, names of headers, hash of the body; string to sign = date, scope,
 * hash of the canonical request; signature = HMAC of that under a key derived from secret, date, region and service.
 * Derived keys are kept as ready HMAC states in a small table, found by all four, the oldest
 * giving way: one identity in 34 regions of two services needs 68.
 */
#include "config.h"

#include "aws/sign.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/canon.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"

enum { KEYS_MAX = 512, KEY_NAME_BYTES = 80 };

struct derived {
	char *secret;
	char day[9];
	char region[KEY_NAME_BYTES];
	char service[KEY_NAME_BYTES];
	struct digest_hmac *hmac; /* NULL: free */
	uint64_t used;
};

struct header {
	const struct http_header *from;
	char name[96]; /* lower case */
};

struct signer {
	struct derived keys[KEYS_MAX];
	uint32_t hashes[KEYS_MAX]; /* of each key's four parts, to look through quickly */
	unsigned key_count;
	uint64_t clock;
	int64_t date_s; /* the second that date is of */
	char date[SIGN_DATE_BYTES];
	struct buf canonical, string_to_sign, authorization, signed_names, scratch;
	struct header headers[SIGN_HEADERS_MAX];
	size_t header_count;
};

struct signer *
signer_new(void)
{
	struct signer *s = mem_zalloc(sizeof(*s));
	s->date_s = INT64_MIN;
	return s;
}

static void
forget(struct derived *k)
{
	digest_hmac_free(k->hmac);
	mem_free_secret(k->secret);
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->key_count; i++)
		forget(&s->keys[i]);
	buf_done_secret(&s->canonical); /* holds session tokens */
	buf_done(&s->string_to_sign);
	buf_done(&s->authorization);
	buf_done(&s->signed_names);
	buf_done(&s->scratch);
	mem_free(s);
}

/* ---- headers ---- */

/* What proxies and libraries on the way may add or change is not signed; nor is what signing adds. */
static bool
is_signed_header(const char *name)
{
	static const char *const unsigned_names[] = { "authorization", "connection",
		                                      "expect",        "transfer-encoding",
		                                      "user-agent",    "x-amzn-trace-id" };

	for (size_t i = 0; i < sizeof(unsigned_names) / sizeof(unsigned_names[0]); i++)
		if (strcmp(name, unsigned_names[i]) == 0)
			return false;
	return true;
}

static int
take_header(struct signer *s, const struct http_header *h, struct err *e)
{
	size_t len = strlen(h->name);

	if (s->header_count == SIGN_HEADERS_MAX || len >= sizeof(s->headers[0].name))
		return err_set(
			e, ERR_LIMIT,
			"header '%.40s' cannot be signed: too many headers, or too long a name",
			h->name);
	struct header *to = &s->headers[s->header_count];
	for (size_t i = 0; i <= len; i++)
		to->name[i] = (char)(h->name[i] >= 'A' && h->name[i] <= 'Z' ? h->name[i] + 32
		                                                            : h->name[i]);
	if (!is_signed_header(to->name))
		return 0;
	to->from = h;
	/* In order from the start: most callers name them so. Equal names keep their order. */
	struct header moving = *to;
	size_t j = s->header_count++;
	for (; j > 0 && strcmp(moving.name, s->headers[j - 1].name) < 0; j--)
		s->headers[j] = s->headers[j - 1];
	s->headers[j] = moving;
	return 0;
}

/* Trimmed, inner runs of blanks (line folds too) one blank. */
static void
add_value(struct buf *b, const char *value)
{
	bool is_gap = false;
	size_t at = b->len;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
			is_gap = true;
			continue;
		}
		if (is_gap && b->len > at)
			(void)buf_add_char(b, ' ');
		is_gap = false;
		(void)buf_add_char(b, *p);
	}
}

static void
add_headers(struct signer *s)
{
	buf_clear(&s->signed_names);
	for (size_t i = 0; i < s->header_count; i++) {
		struct header *h = &s->headers[i];
		bool is_again = i > 0 && strcmp(h->name, s->headers[i - 1].name) == 0;
		if (is_again) {
			(void)buf_add_char(&s->canonical, ',');
		} else {
			if (i > 0) {
				(void)buf_add_char(&s->canonical, '\n');
				(void)buf_add_char(&s->signed_names, ';');
			}
			(void)buf_add_str(&s->canonical, h->name);
			(void)buf_add_char(&s->canonical, ':');
			(void)buf_add_str(&s->signed_names, h->name);
		}
		add_value(&s->canonical, h->from->value);
	}
	(void)buf_add_str(&s->canonical, "\n\n");
	(void)buf_add(&s->canonical, s->signed_names.data, s->signed_names.len);
	(void)buf_add_char(&s->canonical, '\n');
}

/* ---- keys ---- */

static struct digest_hmac *
derive(const char *secret, const char *day, const char *region, const char *service)
{
	unsigned char k[DIGEST_BYTES];
	char *first = mem_printf("AWS4%s", secret);

	digest_hmac_sha256(first, strlen(first), day, strlen(day), k);
	mem_free_secret(first);
	digest_hmac_sha256(k, sizeof(k), region, strlen(region), k);
	digest_hmac_sha256(k, sizeof(k), service, strlen(service), k);
	digest_hmac_sha256(k, sizeof(k), "aws4_request", 12, k);
	struct digest_hmac *h = digest_hmac_new(k, sizeof(k));
	explicit_bzero(k, sizeof(k));
	return h;
}

static uint32_t
hash_on(uint32_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

/* FNV-1a. The secret is left out: identities are few, and compared in full. */
static uint32_t
hash_of(const char *day, const struct sign_request *req)
{
	return hash_on(hash_on(hash_on(2166136261u, day), req->region), req->service);
}

static struct derived *
find_key(struct signer *s, uint32_t hash, const char *secret, const char *day,
         const struct sign_request *req)
{
	for (unsigned i = 0; i < s->key_count; i++) {
		struct derived *k = &s->keys[i];
		if (s->hashes[i] == hash && memcmp(k->day, day, 8) == 0 &&
		    strcmp(k->region, req->region) == 0 && strcmp(k->service, req->service) == 0 &&
		    strcmp(k->secret, secret) == 0)
			return k;
	}
	return NULL;
}

static unsigned
free_place(struct signer *s)
{
	unsigned at = 0;

	if (s->key_count < KEYS_MAX)
		return s->key_count++;
	for (unsigned i = 1; i < KEYS_MAX; i++)
		if (s->keys[i].used < s->keys[at].used)
			at = i;
	forget(&s->keys[at]);
	return at;
}

static struct digest_hmac *
key_for(struct signer *s, const char *secret, const char *day, const struct sign_request *req)
{
	uint32_t hash = hash_of(day, req);
	struct derived *k = find_key(s, hash, secret, day, req);

	if (k == NULL) {
		unsigned at = free_place(s);
		k = &s->keys[at];
		s->hashes[at] = hash;
		k->secret = mem_strdup(secret);
		memcpy(k->day, day, sizeof(k->day));
		(void)snprintf(k->region, sizeof(k->region), "%s", req->region);
		(void)snprintf(k->service, sizeof(k->service), "%s", req->service);
		k->hmac = derive(secret, day, req->region, req->service);
	}
	k->used = ++s->clock;
	return k->hmac;
}

/* ---- all of it ---- */

static int
collect_headers(struct signer *s, const struct sign_request *req, const char *token,
                const struct sign_result *made, struct http_header added[3], struct err *e)
{
	size_t n = 0;

	s->header_count = 0;
	added[n++] = (struct http_header){ "X-Amz-Date", made->date };
	if (token != NULL && !req->is_token_unsigned)
		added[n++] = (struct http_header){ "X-Amz-Security-Token", token };
	if (req->is_body_header)
		added[n++] = (struct http_header){ "X-Amz-Content-Sha256", made->body_sha };
	for (size_t i = 0; i < req->header_count; i++)
		if (take_header(s, &req->headers[i], e) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (take_header(s, &added[i], e) != 0)
			return -1;
	return 0;
}

static int
make_canonical(struct signer *s, const struct sign_request *req, const char *body_sha,
               struct err *e)
{
	struct buf *c = &s->canonical;

	buf_clear(c);
	(void)buf_add_str(c, req->method);
	(void)buf_add_char(c, '\n');
	canon_path(c, &s->scratch, req->path, req->is_path_raw);
	(void)buf_add_char(c, '\n');
	if (canon_query(c, &s->scratch, req->query, e) != 0)
		return -1;
	(void)buf_add_char(c, '\n');
	add_headers(s);
	(void)buf_add_str(c, body_sha);
	return c->is_full ? err_set(e, ERR_LIMIT, "the request is too large to be signed") : 0;
}

static void
add_scope(struct buf *b, const char *day, const struct sign_request *req)
{
	(void)buf_add_str(b, day);
	(void)buf_add_char(b, '/');
	(void)buf_add_str(b, req->region);
	(void)buf_add_char(b, '/');
	(void)buf_add_str(b, req->service);
	(void)buf_add_str(b, "/aws4_request");
}

static void
make_authorization(struct signer *s, const struct sign_request *req, const struct sign_keys *keys,
                   const char *date, const char *day)
{
	unsigned char sum[DIGEST_BYTES];
	char hex[DIGEST_HEX_BYTES];
	struct buf *t = &s->string_to_sign, *a = &s->authorization;

	buf_clear(t);
	(void)buf_add_str(t, "AWS4-HMAC-SHA256\n");
	(void)buf_add_str(t, date);
	(void)buf_add_char(t, '\n');
	add_scope(t, day, req);
	(void)buf_add_char(t, '\n');
	digest_sha256(s->canonical.data, s->canonical.len, sum);
	digest_hex(sum, sizeof(sum), hex);
	(void)buf_add_str(t, hex);
	digest_hmac_run(key_for(s, keys->secret_access_key, day, req), t->data, t->len, sum);
	digest_hex(sum, sizeof(sum), hex);
	buf_clear(a);
	(void)buf_add_str(a, "AWS4-HMAC-SHA256 Credential=");
	(void)buf_add_str(a, keys->access_key_id);
	(void)buf_add_char(a, '/');
	add_scope(a, day, req);
	(void)buf_add_str(a, ", SignedHeaders=");
	(void)buf_add(a, s->signed_names.data, s->signed_names.len);
	(void)buf_add_str(a, ", Signature=");
	(void)buf_add_str(a, hex);
}

/* Requests come many a second: the text is made once for each. */
static void
set_date(struct signer *s, int64_t now_ms)
{
	char text[TIMEFMT_BYTES];

	if (s->date_s == now_ms / 1000)
		return;
	s->date_s = now_ms / 1000;
	(void)snprintf(s->date, sizeof(s->date), "%.16s", timefmt_basic(now_ms, text));
}

int
sign_request(struct signer *s, const struct sign_request *req, const struct sign_keys *keys,
             struct sign_result *ret, struct err *e)
{
	struct sign_result made = { 0 };
	struct http_header added[3];
	unsigned char sum[DIGEST_BYTES];
	char day[9], body_sha[SIGN_SHA_BYTES];
	const char *token =
		keys->session_token && keys->session_token[0] ? keys->session_token : NULL;

	if (keys->access_key_id == NULL || keys->access_key_id[0] == '\0' ||
	    keys->secret_access_key == NULL)
		return err_set(e, ERR_PARSE, "credentials without an access key cannot sign");
	if (strlen(req->region) >= KEY_NAME_BYTES || strlen(req->service) >= KEY_NAME_BYTES)
		return err_set(e, ERR_LIMIT, "name of region or service is too long to be signed");
	set_date(s, req->now_ms);
	memcpy(made.date, s->date, sizeof(made.date));
	memcpy(day, s->date, 8);
	day[8] = '\0';
	digest_sha256(req->body.p ? req->body.p : "", req->body.len, sum);
	digest_hex(sum, sizeof(sum), body_sha);
	if (req->is_body_header)
		memcpy(made.body_sha, body_sha, sizeof(body_sha));
	if (collect_headers(s, req, token, &made, added, e) != 0 ||
	    make_canonical(s, req, body_sha, e) != 0)
		return -1;
	make_authorization(s, req, keys, made.date, day);
	made.authorization = s->authorization.data;
	made.signature = s->authorization.data + s->authorization.len - 2 * DIGEST_BYTES;
	made.canonical_request = s->canonical.data;
	made.string_to_sign = s->string_to_sign.data;
	*ret = made;
	return 0;
}
