/*
 * digest: SHA-256, SHA-1 (for UUIDv5 only), HMAC-SHA-256, hex and base64, over OpenSSL's libcrypto.
 *
 * Thread safe. A failure of libcrypto is out of memory or a broken installation: it leaves with 71 as mem does.
 */
#ifndef FD_BASE_DIGEST_H
#define FD_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX_BYTES = 65 };

void digest_sha256(const void *p, size_t len, unsigned char ret[DIGEST_BYTES]);
/* Over the concatenation of n spans. */
void digest_sha256_spans(const struct span *spans, size_t n, unsigned char ret[DIGEST_BYTES]);
void digest_hmac_sha256(const void *key, size_t key_len, const void *p, size_t len,
                        unsigned char ret[DIGEST_BYTES]);

/* A key made ready once for many messages (signing keys): a third of the cost of the call above. One thread at a time. */
struct digest_hmac;
struct digest_hmac *digest_hmac_new(const void *key, size_t key_len);
void digest_hmac_run(struct digest_hmac *h, const void *p, size_t len,
                     unsigned char ret[DIGEST_BYTES]);
void digest_hmac_free(struct digest_hmac *h); /* wipes; NULL does nothing */

/* UUID version 5 (RFC 9562) of name in a namespace: "xxxxxxxx-xxxx-5xxx-yxxx-xxxxxxxxxxxx", 37 bytes with the NUL. */
void digest_uuid5(const unsigned char ns[16], const void *name, size_t len, char ret[37]);

/* Lower-case hex, NUL-terminated; out needs 2 * len + 1 bytes. */
void digest_hex(const void *p, size_t len, char *out);

/* Standard base64 with padding. */
void digest_base64(const void *p, size_t len, struct buf *out);
/* Standard or URL alphabet, padding optional, no blanks. -1: not base64 (out may hold a part). */
int digest_base64_decode(struct span s, struct buf *out);

/* Equal in constant time. */
bool digest_equal(const void *a, const void *b, size_t len);

/* Cryptographically random bytes. */
void digest_random(void *p, size_t len);

/* 32-bit CRC (IEEE 802.3), for stored rows; start with crc = 0. */
uint32_t digest_crc32(uint32_t crc, const void *p, size_t len);

#endif
