/*
 * sign: Signature Version 4, in headers.
 *
 * The canonical request is made from the bytes that go on the wire. Derived keys are kept per secret, date, region and
 * service, as ready HMAC states. It does not presign URLs and does not sign chunks.
 * Source: docs.aws.amazon.com "Signature Version 4 signing process"; checked by AWS's own suite.
 */
#ifndef FD_AWS_SIGN_H
#define FD_AWS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/http.h"

struct err;
struct signer;

struct sign_keys {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL or "": none */
};

struct sign_request {
	const char *method;
	struct span path;  /* as on the wire, encoded, begins with '/' ("" counts as "/") */
	struct span query; /* as on the wire, without '?' */
	/* Host must be among them; all are signed but those that proxies may change (user-agent, connection, expect, ...). */
	const struct http_header *headers;
	size_t header_count;
	struct span body;
	const char *service; /* signing name */
	const char *region;
	int64_t now_ms; /* AWS's time */
	bool is_path_raw; /* leave dot segments and double slashes (S3; the suite's "normalize": false) */
	bool is_body_header;    /* send and sign x-amz-content-sha256 */
	bool is_token_unsigned; /* send the token without signing it ("omit_session_token") */
};

enum { SIGN_DATE_BYTES = 17, SIGN_SHA_BYTES = 65, SIGN_HEADERS_MAX = 64 };

/* Headers to add to the request. The strings live in the signer until its next use. */
struct sign_result {
	char date[SIGN_DATE_BYTES];    /* X-Amz-Date */
	char body_sha[SIGN_SHA_BYTES]; /* X-Amz-Content-Sha256; "" unless asked for */
	const char *authorization;     /* Authorization */
	const char *signature;         /* its last part, 64 hex digits */
	/* For tests and for explaining a refused signature; they hold no secret but the session token. */
	const char *canonical_request;
	const char *string_to_sign;
};

struct signer *signer_new(void);
void signer_free(struct signer *s); /* wipes the keys */

/* Returns 0, or -1 with e: ERR_LIMIT too many headers, ERR_PARSE no access key. X-Amz-Security-Token is the caller's to add. */
int sign_request(struct signer *s, const struct sign_request *req, const struct sign_keys *keys,
                 struct sign_result *ret, struct err *e);

#endif
