/*
 * hooksign: the signature of Standard Webhooks 1.0.0 (symmetric, v1).
 *
 * Signed are the bytes id "." timestamp "." body. A secret is "whsec_" and base64 of 24 to 64 bytes. Several secrets,
 * separated by blanks, give several signatures: the receiver takes any, so that keys can be rotated.
 * Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */
#ifndef FD_SINK_HOOKSIGN_H
#define FD_SINK_HOOKSIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { HOOKSIGN_KEYS_MAX = 4, HOOKSIGN_KEY_MIN = 16, HOOKSIGN_KEY_MAX = 256 };

/* Keys ready to sign with. Wiped by hooksign_done. */
struct hooksign {
	struct buf keys[HOOKSIGN_KEYS_MAX];
	size_t count;
};

/*
 * Read the secrets. "whsec_" + base64, or any other text of at least 16 bytes, whose bytes are the key then (what
 * receivers without the prefix expect). -1 with e (ERR_CONFIG), which never shows the secret.
 */
int hooksign_init(struct hooksign *h, const char *secrets, struct err *e);
void hooksign_done(struct hooksign *h);

/* Append "v1,BASE64 v1,BASE64". */
void hooksign_add(const struct hooksign *h, const char *id, int64_t timestamp_s, struct span body,
                  struct buf *out);

#endif
