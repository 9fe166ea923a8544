/*
 * digest: hashes and encodings. See digest.h.
 */
#include "config.h"

#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static _Noreturn void
leave(void)
{
	static const char line[] =
		"<2>digest.failed \"libcrypto failed; leaving, nothing is lost\"\n";

	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(71);
}

static EVP_MD *sha256, *sha1; /* for the life of the process */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	if (sha256 == NULL || sha1 == NULL)
		leave();
}

/* OpenSSL 3 looks an algorithm up on every use that names it: 97 ns for 40 bytes in place of SHA256()'s 335. */
static const EVP_MD *
sha256_md(void)
{
	(void)pthread_once(&fetch_once, fetch);
	return sha256;
}

void
digest_sha256(const void *p, size_t len, unsigned char ret[DIGEST_BYTES])
{
	unsigned n = DIGEST_BYTES;

	if (EVP_Digest(p, len, ret, &n, sha256_md(), NULL) != 1)
		leave();
}

void
digest_sha256_spans(const struct span *spans, size_t n, unsigned char ret[DIGEST_BYTES])
{
	static const char none[1];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, sha256_md(), NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, spans[i].p ? spans[i].p : none, spans[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		leave();
}

void
digest_hmac_sha256(const void *key, size_t key_len, const void *p, size_t len,
                   unsigned char ret[DIGEST_BYTES])
{
	static const unsigned char none[1];
	unsigned n = DIGEST_BYTES;

	if (HMAC(sha256_md(), key_len ? key : none, (int)key_len, p, len, ret, &n) == NULL)
		leave();
}

/* OpenSSL's EVP_MAC keeps the state after the key was absorbed; init without a key goes back to it. */
struct digest_hmac *
digest_hmac_new(const void *key, size_t key_len)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", name, 0),
		                OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	if (ctx == NULL || EVP_MAC_init(ctx, key, key_len, params) != 1)
		leave();
	EVP_MAC_free(mac); /* the context holds its own reference */
	return (struct digest_hmac *)ctx;
}

void
digest_hmac_run(struct digest_hmac *h, const void *p, size_t len, unsigned char ret[DIGEST_BYTES])
{
	EVP_MAC_CTX *ctx = (EVP_MAC_CTX *)h;
	size_t n = 0;

	if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1 || EVP_MAC_update(ctx, p, len) != 1 ||
	    EVP_MAC_final(ctx, ret, &n, DIGEST_BYTES) != 1 || n != DIGEST_BYTES)
		leave();
}

void
digest_hmac_free(struct digest_hmac *h)
{
	EVP_MAC_CTX_free((EVP_MAC_CTX *)h);
}

void
digest_hex(const void *p, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *u = p;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex[u[i] >> 4];
		out[2 * i + 1] = hex[u[i] & 15];
	}
	out[2 * len] = '\0';
}

void
digest_uuid5(const unsigned char ns[16], const void *name, size_t len, char ret[37])
{
	unsigned char sum[20];
	unsigned n = sizeof(sum);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char hex[33];

	(void)pthread_once(&fetch_once, fetch);
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, sha1, NULL) == 1 &&
	          EVP_DigestUpdate(ctx, ns, 16) == 1 && EVP_DigestUpdate(ctx, name, len) == 1 &&
	          EVP_DigestFinal_ex(ctx, sum, &n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		leave();
	sum[6] = (unsigned char)((sum[6] & 0x0F) | 0x50);
	sum[8] = (unsigned char)((sum[8] & 0x3F) | 0x80);
	digest_hex(sum, 16, hex);
	for (size_t i = 0, at = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			ret[at++] = '-';
		ret[at++] = hex[i];
	}
	ret[36] = '\0';
}

void
digest_base64(const void *p, size_t len, struct buf *out)
{
	static const char abc[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *u = p;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = (unsigned)u[i] << 16 | (n > 1 ? (unsigned)u[i + 1] << 8 : 0) |
		             (n > 2 ? u[i + 2] : 0u);
		char four[4] = { abc[v >> 18], abc[v >> 12 & 63], n > 1 ? abc[v >> 6 & 63] : '=',
			         n > 2 ? abc[v & 63] : '=' };
		(void)buf_add(out, four, 4);
	}
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

int
digest_base64_decode(struct span s, struct buf *out)
{
	unsigned acc = 0;
	int bits = 0;

	for (int pad = 0; s.len > 0 && s.p[s.len - 1] == '=' && pad < 2; pad++)
		s.len--;
	if (s.len % 4 == 1)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		int v = base64_value(s.p[i]);
		if (v < 0)
			return -1;
		acc = acc << 6 | (unsigned)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (buf_add_char(out, (char)(acc >> bits)) < 0)
				return -1;
			acc &= (1u << bits) - 1;
		}
	}
	return acc == 0 ? 0 : -1;
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
digest_random(void *p, size_t len)
{
	unsigned char *u = p;

	while (len > 0) {
		ssize_t n = getrandom(u, len, 0);
		if (n <= 0)
			leave();
		u += n;
		len -= (size_t)n;
	}
}

uint32_t
digest_crc32(uint32_t crc, const void *p, size_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
		0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
		0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
	};
	const unsigned char *u = p;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc = nibble[(crc ^ u[i]) & 15] ^ crc >> 4;
		crc = nibble[(crc ^ u[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}
