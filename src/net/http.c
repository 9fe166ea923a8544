/*
 * http: one HTTP request. See http.h.
 *
 * A struct http owns what its handle points to until the handle is out of the multi: at its completion, or some turn
 * after http_cancel. curl's own headers (Accept, Expect, Content-Type, User-Agent) are suppressed, so that what is
 * signed is what goes out.
 * Source: libcurl-easy(3), RFC 9110, RFC 9112.
 */
#include "config.h"

#include "net/http.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/xfer.h"

enum { HTTP_MAGIC = 0x68747470, WHERE_BYTES = 300 };

static const int64_t default_timeout_ms = 30000;
static const int64_t default_connect_ms = 10000;
static const size_t default_answer_bytes = 1u << 20;
static const size_t default_header_bytes = 64u << 10;
static const size_t reserve_max_bytes = 1u << 20; /* a Content-Length is believed up to here */

struct http {
	unsigned magic;
	struct xfer *xfer;
	CURL *easy;
	struct curl_slist *headers;
	char *body; /* copied body, or NULL */
	http_done_fn *on_done;
	void *arg;
	struct http_answer answer;
	size_t max_answer_bytes;
	bool is_body_over;
	bool is_head_over;
	bool is_head_whole;
	char errbuf[CURL_ERROR_SIZE];
	char where[WHERE_BYTES]; /* for messages; "" until one is needed */
};

const char *
http_where(const char *url, char *out, size_t len)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;

	if (u != NULL &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		(void)curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
		(void)curl_url_get(u, CURLUPART_HOST, &host, 0);
		(void)curl_url_get(u, CURLUPART_PORT, &port, 0);
	}
	if (scheme != NULL && host != NULL)
		(void)snprintf(out, len, "%s://%s%s%s", scheme, host, port ? ":" : "",
		               port ? port : "");
	else
		(void)snprintf(out, len, "(malformed URL)");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return out;
}

/* ---- curl's callbacks: record, nothing else ---- */

static size_t
on_body(char *p, size_t one, size_t len, void *arg)
{
	struct http *h = arg;
	curl_off_t length = 0;

	(void)one;
	if (h->answer.body.len == 0) {
		(void)curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
		if (length > 0)
			(void)buf_reserve(&h->answer.body, (size_t)length < reserve_max_bytes
			                                           ? (size_t)length
			                                           : reserve_max_bytes);
	}
	if (buf_add(&h->answer.body, p, len) == 0)
		return len;
	h->is_body_over = true;
	return 0;
}

/* Keep the lines of the last answer: interim ones (1xx) go. */
static size_t
on_head(char *p, size_t one, size_t len, void *arg)
{
	struct http *h = arg;
	size_t n = len;

	(void)one;
	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		buf_clear(&h->answer.head);
		h->is_head_whole = false;
		return len;
	}
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	h->is_head_whole = n == 0;
	if (n == 0)
		return len;
	if (buf_add(&h->answer.head, p, n) == 0 && buf_add_char(&h->answer.head, '\n') == 0)
		return len;
	h->is_head_over = true;
	return 0;
}

/* ---- making the request ---- */

static bool
is_token(const char *s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	if (s == NULL || s[0] == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr(marks, *s) != NULL))
			return false;
	return true;
}

static int
add_header(struct http *h, const char *line)
{
	h->headers = mem_check(curl_slist_append(h->headers, line));
	return 0;
}

/* printf is a tenth of what a request costs. */
static char *
header_line(const struct http_header *a)
{
	size_t name = strlen(a->name), value = strlen(a->value);
	char *line = mem_alloc(name + value + 3);

	memcpy(line, a->name, name);
	/* curl's way to send a header without a value. */
	memcpy(line + name, value ? ": " : ";", 2); /* the latter with its NUL */
	if (value)
		memcpy(line + name + 2, a->value, value + 1);
	return line;
}

static int
set_headers(struct http *h, const struct http_request *req, struct err *e)
{
	bool has_type = false;

	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *a = &req->headers[i];
		if (!is_token(a->name))
			return err_set(e, ERR_PARSE, "header name '%s' cannot be sent",
			               a->name ? a->name : "");
		if (strpbrk(a->value, "\r\n") != NULL)
			return err_set(e, ERR_PARSE, "the value of header '%s' has a line break",
			               a->name);
		char *line = header_line(a);
		(void)add_header(h, line);
		mem_free_secret(line);
		has_type = has_type || strcasecmp(a->name, "Content-Type") == 0;
	}
	(void)add_header(h, "Accept:");
	(void)add_header(h, "Expect:");
	if (!has_type)
		(void)add_header(h, "Content-Type:");
	(void)curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	/* What is meant for the server (credentials) is not for a proxy on the way to it. */
	(void)curl_easy_setopt(h->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	(void)curl_easy_setopt(h->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return 0;
}

static int
set_method(struct http *h, const struct http_request *req, struct err *e)
{
	const char *method = req->method ? req->method : req->body.p ? "POST" : "GET";
	const char *body = req->body.p ? req->body.p : "";

	if (!is_token(method))
		return err_set(e, ERR_PARSE, "method '%s' cannot be sent", method);
	if (req->body.p != NULL || strcmp(method, "POST") == 0) {
		if (!req->is_body_held && req->body.len > 0)
			body = h->body = mem_dup(req->body.p, req->body.len);
		(void)curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		                       (curl_off_t)req->body.len);
		(void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, body);
	} else if (strcmp(method, "HEAD") == 0) {
		(void)curl_easy_setopt(h->easy, CURLOPT_NOBODY, 1L);
	} else {
		(void)curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0 &&
	    strcmp(method, "HEAD") != 0)
		(void)curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, method);
	return 0;
}

static bool
is_link_local(const char *host)
{
	return str_starts(host, "169.254.") || str_starts(host, "[fe80:") ||
	       str_starts(host, "[fd00:ec2:");
}

/* Parse once: the scheme must be ours, and metadata services are never reached through a proxy. */
static int
set_url(struct http *h, const struct http_request *req, struct err *e)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	int r = 0;

	if (u == NULL || req->url == NULL ||
	    curl_url_set(u, CURLUPART_URL, req->url, CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		r = err_set(e, ERR_PARSE,
		            "not a URL that can be asked (want http:// or https:// and a host)");
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		r = err_set(e, ERR_PARSE,
		            "URLs of the scheme %s cannot be asked, only http and https", scheme);
	else
		(void)curl_easy_setopt(h->easy, CURLOPT_URL, req->url);
	if (r == 0 && (req->unix_socket != NULL || is_link_local(host)))
		(void)curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
	else if (r == 0 && req->proxy != NULL)
		(void)curl_easy_setopt(h->easy, CURLOPT_PROXY, req->proxy);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

static int64_t
timeout_of(const struct http_request *req)
{
	return req->timeout_ms > 0 ? req->timeout_ms : default_timeout_ms;
}

static void
set_limits(struct http *h, const struct http_request *req)
{
	int64_t connect_ms =
		req->connect_timeout_ms > 0 ? req->connect_timeout_ms : default_connect_ms;

	h->max_answer_bytes = req->max_answer_bytes ? req->max_answer_bytes : default_answer_bytes;
	buf_init(&h->answer.body, h->max_answer_bytes);
	buf_init(&h->answer.head,
	         req->max_header_bytes ? req->max_header_bytes : default_header_bytes);
	if (connect_ms > timeout_of(req))
		connect_ms = timeout_of(req);
	(void)curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	(void)curl_easy_setopt(h->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)h->max_answer_bytes);
	(void)curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	(void)curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_head);
	(void)curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	(void)curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->errbuf);
}

/* Everything but who runs it. */
static int
set_up(struct http *h, const struct http_request *req, struct err *e)
{
	(void)curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(h->easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION,
	                       (long)(req->version == HTTP_VERSION_2 ? CURL_HTTP_VERSION_2TLS
	                                                             : CURL_HTTP_VERSION_1_1));
	if (req->ca_file != NULL)
		(void)curl_easy_setopt(h->easy, CURLOPT_CAINFO, req->ca_file);
	if (req->unix_socket != NULL)
		(void)curl_easy_setopt(h->easy, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	set_limits(h, req);
	if (set_url(h, req, e) != 0 || set_headers(h, req, e) != 0 || set_method(h, req, e) != 0)
		return -1;
	if (req->unix_socket != NULL)
		(void)snprintf(h->where, sizeof(h->where), "%s", req->unix_socket);
	return 0;
}

/* ---- the answer ---- */

static void
explain(struct http *h, CURLcode result)
{
	struct http_answer *a = &h->answer;
	const char *url = NULL;

	if (h->where[0] == '\0') {
		(void)curl_easy_getinfo(h->easy, CURLINFO_EFFECTIVE_URL, &url);
		(void)http_where(url, h->where, sizeof(h->where));
	}
	if (h->is_body_over || result == CURLE_FILESIZE_EXCEEDED)
		(void)err_set(&a->err, ERR_LIMIT, "%s: the answer is larger than %zu bytes",
		              h->where, h->max_answer_bytes);
	else if (h->is_head_over)
		(void)err_set(&a->err, ERR_LIMIT,
		              "%s: the answer's headers are larger than %zu bytes", h->where,
		              a->head.max_bytes);
	else if (result != CURLE_OK)
		(void)xfer_explain(h->easy, result, h->errbuf, h->where, &a->err);
	else
		(void)err_temp(&a->err, ERR_NET, "%s: the answer was cut within its headers",
		               h->where);
}

static void
fill_answer(struct http *h, CURLcode result)
{
	struct http_answer *a = &h->answer;
	curl_off_t first_us = 0, sending_us = 0;
	long status = 0, port = 0, connections = 0;
	const char *address = NULL;

	(void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(h->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
	(void)curl_easy_getinfo(h->easy, CURLINFO_PRETRANSFER_TIME_T, &sending_us);
	(void)curl_easy_getinfo(h->easy, CURLINFO_PRIMARY_IP, &address);
	(void)curl_easy_getinfo(h->easy, CURLINFO_PRIMARY_PORT, &port);
	(void)curl_easy_getinfo(h->easy, CURLINFO_NUM_CONNECTS, &connections);
	/* An interim answer (1xx) is none: what was to follow it is not known. */
	a->status = status >= 200 ? (int)status : 0;
	a->first_byte_ms = first_us > 0 ? first_us / 1000 : -1;
	if (address != NULL && address[0] != '\0')
		(void)snprintf(a->remote, sizeof(a->remote),
		               strchr(address, ':') ? "[%s]:%ld" : "%s:%ld", address, port);
	a->is_reused = connections == 0 && status != 0;
	a->is_sent = sending_us > 0;
	/* libcurl takes a head that was cut for a whole one. */
	if (result != CURLE_OK || a->status == 0 || !h->is_head_whole)
		explain(h, result);
}

void
http_answer_done(struct http_answer *a)
{
	buf_done_secret(&a->body);
	buf_done(&a->head);
}

static void
http_free(struct http *h)
{
	h->magic = 0;
	curl_slist_free_all(h->headers);
	mem_free(h->body);
	buf_done(&h->answer.body);
	buf_done(&h->answer.head);
	mem_free(h);
}

static void
http_finish(CURL *easy, CURLcode result, void *arg)
{
	struct http *h = arg;

	assert(h->magic == HTTP_MAGIC && h->easy == easy);
	h->answer.took_ms = clock_mono_ms() - h->answer.started_mono_ms;
	fill_answer(h, result);
	h->on_done(h->arg, &h->answer);
	http_free(h);
}

static void
on_gone(void *arg)
{
	struct http *h = arg;

	assert(h->magic == HTTP_MAGIC);
	http_free(h);
}

struct http *
http_start(struct xfer *x, const struct http_request *req, http_done_fn *on_done, void *arg,
           struct err *e)
{
	struct http *h = mem_zalloc(sizeof(*h));

	h->magic = HTTP_MAGIC;
	h->xfer = x;
	h->on_done = on_done;
	h->arg = arg;
	h->easy = xfer_easy(x);
	h->answer.started_mono_ms = clock_mono_ms();
	if (set_up(h, req, e) != 0) {
		xfer_put(x, h->easy);
		http_free(h);
		return NULL;
	}
	xfer_add(x, h->easy, timeout_of(req), http_finish, h);
	return h;
}

void
http_cancel(struct http *h)
{
	if (h == NULL)
		return;
	assert(h->magic == HTTP_MAGIC);
	xfer_remove(h->xfer, h->easy, on_gone);
}

bool
http_answer_header(const struct http_answer *a, const char *name, struct span *ret)
{
	size_t name_len = strlen(name);
	const char *p = a->head.data, *end = p ? p + a->head.len : NULL;

	while (p != NULL && p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *next = eol ? eol + 1 : end;
		if (eol == NULL)
			eol = end;
		if ((size_t)(eol - p) > name_len && p[name_len] == ':' &&
		    strncasecmp(p, name, name_len) == 0) {
			p += name_len + 1;
			while (p < eol && (*p == ' ' || *p == '\t'))
				p++;
			while (eol > p && (eol[-1] == ' ' || eol[-1] == '\t'))
				eol--;
			*ret = (struct span){ p, (size_t)(eol - p) };
			return true;
		}
		p = next;
	}
	return false;
}

int
http_blocking(const struct http_request *req, struct http_answer *ret)
{
	struct http *h = mem_zalloc(sizeof(*h));

	h->magic = HTTP_MAGIC;
	xfer_ignore_sigpipe();
	h->easy = mem_check(curl_easy_init());
	xfer_prepare(h->easy);
	h->answer.started_mono_ms = clock_real_mono_ms();
	if (set_up(h, req, &h->answer.err) == 0) {
		(void)curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS, (long)timeout_of(req));
		fill_answer(h, curl_easy_perform(h->easy));
		h->answer.took_ms = clock_real_mono_ms() - h->answer.started_mono_ms;
	}
	*ret = h->answer;
	h->answer.body = h->answer.head = (struct buf){ 0 };
	curl_easy_cleanup(h->easy);
	http_free(h);
	return ret->err.kind == ERR_NONE ? 0 : -1;
}
