/*
 * http: one HTTP request, from bytes to an answer or a reason.
 *
 * TLS is always verified, redirects are never followed, answers have a ceiling, every exchange has a deadline. Whatever
 * the status, an answer that came whole is no error here: callers judge it.
 */
#ifndef FD_NET_HTTP_H
#define FD_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct http;
struct xfer;

struct http_header {
	const char *name;
	const char *value; /* without CR, LF, NUL */
};

enum http_version { HTTP_VERSION_1_1 = 0, HTTP_VERSION_2 /* where TLS offers it */ };

/* Borrowed until http_start returns, but for a held body. Zero is the default of every field but url. */
struct http_request {
	const char *method; /* NULL: POST with a body, else GET */
	const char *url;    /* http or https; sent as it is (no dot segments removed) */
	const struct http_header *headers; /* these, Host, Content-Length and nothing else */
	size_t header_count;
	struct span body; /* p NULL: none; p set and len 0: an empty body (Content-Length: 0) */
	bool is_body_held; /* the caller keeps the body's bytes until done or cancelled + 1 turn; else copied */
	int64_t timeout_ms;         /* the whole exchange; 0: 30 s */
	int64_t connect_timeout_ms; /* name, TCP and TLS; 0: 10 s, at most timeout_ms */
	size_t max_answer_bytes;    /* 0: 1 MiB */
	size_t max_header_bytes;    /* 0: 64 KiB */
	const char *ca_file;        /* PEM; NULL: the system's */
	const char
		*proxy; /* NULL: http_proxy, https_proxy, no_proxy as curl reads them; "": none */
	const char *unix_socket; /* NULL: TCP */
	enum http_version version;
};

struct http_answer {
	struct err err;  /* kind ERR_NONE: status, headers and body are whole */
	int status;      /* 0: none came; may be set although err is (a body that was cut) */
	struct buf body; /* may be taken with buf_take; with err set: what had come */
	struct buf head; /* "Name: value\n" lines as they came; use http_answer_header */
	int64_t started_mono_ms;
	int64_t took_ms;       /* start to last byte */
	int64_t first_byte_ms; /* start to first byte of the answer, -1: none */
	char remote[64];       /* "192.0.2.1:443", "" when there was no connection */
	bool is_reused;        /* an open connection was used */
	bool is_sent; /* the request went out, or began to: the peer may have acted on it */
};

/* The answer is the callee's to read and its body's to take until it returns; then it is freed, and the http with it. */
typedef void http_done_fn(void *arg, struct http_answer *a);

/*
 * Start the request and return at once.
 *
 * on_done  called once, never before this returns, not after http_cancel()
 *
 * Returns NULL with e: ERR_PARSE for a url, method or header that cannot be sent.
 */
struct http *http_start(struct xfer *x, const struct http_request *req, http_done_fn *on_done,
                        void *arg, struct err *e);

/* on_done will not be called. Not from within it. A held body is free at the end of this turn. NULL does nothing. */
void http_cancel(struct http *h);

/*
 * The first header of that name (case ignored), blanks trimmed. false: none. The span lives as long as the answer.
 */
bool http_answer_header(const struct http_answer *a, const char *name, struct span *ret);

/* Wipe and free an answer filled by http_blocking. */
void http_answer_done(struct http_answer *a);

/*
 * The same exchange, waiting for it: for findingsctl only, never on the loop. Fills *ret in every case.
 * Returns 0, or -1 when ret->err is set.
 */
int http_blocking(const struct http_request *req, struct http_answer *ret);

/* "https://host:port" of a URL, for messages: no user, path or query, which can be secrets. -> out (len bytes). */
const char *http_where(const char *url, char *out, size_t len);

#endif
