/*
 * api_error: reading refusals of the rest-json, json and query protocols. See api_error.h.
 *
 * The header x-amzn-ErrorType wins over the body (GuardDuty's two differ); a body that cannot be read (a proxy's HTML)
 * leaves the status alone to speak. All text here is a peer's: cut, and its control bytes replaced.
 * Source: botocore parsers.py, retries/standard.py; AWS-FACTS sections 1.0 and 5.
 */
#include "config.h"

#include "aws/api_error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "aws/xml.h"
#include "base/timefmt.h"
#include "net/pace.h"

enum { ERROR_BODY_MAX_BYTES = 64 << 10 };

/* What a code means. Sorted by verdict, then name; looked up one by one: only refusals come here. */
static const struct {
	const char *code;
	enum api_verdict verdict;
	enum err_kind kind;
} codes[] = {
	{ "BandwidthLimitExceeded", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "EC2ThrottledException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "KMSThrottling", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "KMSThrottlingException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "LimitExceededException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "PriorRequestNotComplete", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "ProvisionedThroughputExceededException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "RequestLimitExceeded", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "RequestThrottled", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "RequestThrottledException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "SlowDown", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "Throttled", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "ThrottledException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "Throttling", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "ThrottlingException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "TooManyRequestsException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "TransactionInProgressException", VERDICT_THROTTLED, ERR_THROTTLE },
	{ "IDPCommunicationError", VERDICT_TRANSIENT, ERR_HTTP },
	{ "InternalError", VERDICT_TRANSIENT, ERR_HTTP },
	{ "InternalException", VERDICT_TRANSIENT, ERR_HTTP },
	{ "InternalServerErrorException", VERDICT_TRANSIENT, ERR_HTTP },
	{ "RequestTimeout", VERDICT_TRANSIENT, ERR_HTTP },
	{ "RequestTimeoutException", VERDICT_TRANSIENT, ERR_HTTP },
	{ "ServiceUnavailable", VERDICT_TRANSIENT, ERR_HTTP },
	{ "ExpiredToken", VERDICT_EXPIRED, ERR_AUTH },
	{ "ExpiredTokenException", VERDICT_EXPIRED, ERR_AUTH },
	{ "InvalidClientTokenId", VERDICT_EXPIRED, ERR_AUTH },
	{ "UnrecognizedClientException", VERDICT_EXPIRED, ERR_AUTH },
	{ "AuthFailure", VERDICT_SKEWED, ERR_AUTH },
	{ "InvalidSignatureException", VERDICT_SKEWED, ERR_AUTH },
	{ "RequestExpired", VERDICT_SKEWED, ERR_AUTH },
	{ "RequestInTheFuture", VERDICT_SKEWED, ERR_AUTH },
	{ "RequestTimeTooSkewed", VERDICT_SKEWED, ERR_AUTH },
	{ "SignatureDoesNotMatch", VERDICT_SKEWED, ERR_AUTH },
	{ "InvalidAccessException", VERDICT_FINAL, ERR_DISABLED },
	{ "OptInRequired", VERDICT_FINAL, ERR_DISABLED },
	{ "RegionDisabledException", VERDICT_FINAL, ERR_DISABLED },
	{ "SubscriptionRequiredException", VERDICT_FINAL, ERR_DISABLED },
	{ "AccessDenied", VERDICT_FINAL, ERR_AUTH },
	{ "AccessDeniedException", VERDICT_FINAL, ERR_AUTH },
	{ "AuthorizationError", VERDICT_FINAL, ERR_AUTH },
	{ "AuthorizationErrorException", VERDICT_FINAL, ERR_AUTH },
	{ "IncompleteSignature", VERDICT_FINAL, ERR_AUTH },
	{ "MissingAuthenticationTokenException", VERDICT_FINAL, ERR_AUTH },
	{ "UnauthorizedOperation", VERDICT_FINAL, ERR_AUTH },
	{ "NotFound", VERDICT_FINAL, ERR_NOT_FOUND },
	{ "NotFoundException", VERDICT_FINAL, ERR_NOT_FOUND },
	{ "ResourceNotFoundException", VERDICT_FINAL, ERR_NOT_FOUND },
};

/* ---- text of a peer ---- */

/* One line of UTF-8: a header may hold any byte. */
static void
copy_text(char *out, size_t bytes, const char *p, size_t len)
{
	size_t n;
	uint32_t cp;

	len = str_utf8_cut(p, len, bytes - 1);
	for (size_t i = 0; i < len; i += n) {
		n = str_utf8_decode(p + i, len - i, &cp);
		if (n == 0 || cp < 0x20 || cp == 0x7F)
			out[i] = n == 0 ? '?' : ' ';
		else
			memcpy(out + i, p + i, n);
		n += n == 0;
	}
	out[len] = '\0';
}

/* "aws.protocoltests#FooException:http://..." -> FooException */
static void
copy_code(char *out, size_t bytes, const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len);
	const char *hash;

	if (colon != NULL)
		len = (size_t)(colon - p);
	while ((hash = memchr(p, '#', len)) != NULL) {
		len -= (size_t)(hash + 1 - p);
		p = hash + 1;
	}
	copy_text(out, bytes, p, len);
	for (; *out != '\0'; out++) /* codes are cut to fit where they are shown */
		if ((unsigned char)*out >= 0x80)
			*out = '?';
}

static void
copy_header(const struct http_answer *a, const char *name, char *out, size_t bytes)
{
	struct span v;

	if (http_answer_header(a, name, &v))
		copy_text(out, bytes, v.p, v.len);
}

/* ---- bodies ---- */

static const char *
member(const json_t *o, const char *const *names)
{
	for (; *names != NULL; names++) {
		const char *s = json_string_value(json_object_get(o, *names));
		if (s != NULL)
			return s;
	}
	return NULL;
}

static void
read_json_error(const struct buf *body, struct api_answer *ret)
{
	static const char *const code_names[] = { "__type", "code", "Code", NULL };
	static const char *const message_names[] = { "message", "Message", "errorMessage", NULL };
	json_t *o = body->len > 0 && body->len <= ERROR_BODY_MAX_BYTES
	                    ? json_loadb(body->data, body->len, JSON_ALLOW_NUL, NULL)
	                    : NULL;
	/* SNS and STS, and what stands in for them, wrap it as the query protocol does. */
	const json_t *inner = json_object_get(o, "Error"), *at = json_is_object(inner) ? inner : o;
	const char *code = member(at, code_names), *message = member(at, message_names);

	if (ret->code[0] == '\0' && code != NULL)
		copy_code(ret->code, sizeof(ret->code), code, strlen(code));
	if (message != NULL)
		copy_text(ret->message, sizeof(ret->message), message, strlen(message));
	json_decref(o);
}

static void
read_xml_error(const struct buf *body, struct api_answer *ret)
{
	struct xml *x = body->len <= ERROR_BODY_MAX_BYTES
	                        ? xml_read((struct span){ body->data, body->len }, NULL)
	                        : NULL;
	const char *code, *message, *id;

	if (x == NULL)
		return;
	code = xml_text(x, "ErrorResponse/Error/Code");
	message = xml_text(x, "ErrorResponse/Error/Message");
	id = xml_text(x, "ErrorResponse/RequestId");
	if (code == NULL) { /* EC2's form */
		code = xml_text(x, "Response/Errors/Error/Code");
		message = xml_text(x, "Response/Errors/Error/Message");
		id = xml_text(x, "Response/RequestID");
	}
	if (code != NULL)
		copy_code(ret->code, sizeof(ret->code), code, strlen(code));
	if (message != NULL)
		copy_text(ret->message, sizeof(ret->message), message, strlen(message));
	if (id != NULL && ret->request_id[0] == '\0')
		copy_text(ret->request_id, sizeof(ret->request_id), id, strlen(id));
	xml_free(x);
}

static bool
begins_with(const struct buf *body, char want)
{
	for (size_t i = 0; i < body->len; i++)
		if (strchr(" \t\r\n", body->data[i]) == NULL)
			return body->data[i] == want;
	return false;
}

/* A 200 can be a refusal all the same: small bodies are looked into, pages of findings are not. */
static bool
has_error_inside(enum api_protocol protocol, const struct http_answer *a, struct api_answer *ret)
{
	static const char *const names[] = { "__type", NULL };
	struct span v;

	if (http_answer_header(a, "x-amzn-ErrorType", &v))
		return true;
	if (protocol == API_QUERY)
		return memmem(a->body.data, a->body.len < 256 ? a->body.len : 256, "<ErrorResponse",
		              14) != NULL;
	if (a->body.len > 4096)
		return false;
	json_t *o = json_loadb(a->body.data, a->body.len, JSON_ALLOW_NUL, NULL);
	bool has = member(o, names) != NULL ||
	           (json_object_size(o) <= 3 && json_is_string(json_object_get(o, "Code")) &&
	            json_is_string(json_object_get(o, "Message")));
	json_decref(o);
	(void)ret;
	return has;
}

/* ---- verdicts ---- */

static void
read_headers(const struct http_answer *a, int64_t wall_ms, struct api_answer *ret)
{
	struct span v;

	copy_header(a, "x-amzn-RequestId", ret->request_id, sizeof(ret->request_id));
	if (ret->request_id[0] == '\0')
		copy_header(a, "x-amz-request-id", ret->request_id, sizeof(ret->request_id));
	if (!http_answer_header(a, "Date", &v) || !timefmt_parse_http(v, &ret->aws_date_ms))
		ret->aws_date_ms = -1;
	if (!(http_answer_header(a, "x-amz-retry-after", &v) &&
	      pace_amz_retry_after(v, &ret->retry_after_ms)) &&
	    !(http_answer_header(a, "Retry-After", &v) &&
	      pace_retry_after(v, wall_ms, &ret->retry_after_ms)))
		ret->retry_after_ms = -1;
}

static int
say(struct api_answer *ret, enum err_kind kind, bool is_temporary, const char *where)
{
	char id[96] = "";

	if (ret->request_id[0] != '\0')
		(void)snprintf(id, sizeof(id), " (request %s)", ret->request_id);
	(void)err_set(&ret->err, kind, "%s: %d %s%s%s%s", where, ret->status,
	              ret->code[0] ? ret->code : "without a code", ret->message[0] ? ": " : "",
	              ret->message, id);
	ret->err.is_temporary = is_temporary;
	return -1;
}

static enum api_verdict
judge_status(const char *where, struct api_answer *ret)
{
	int s = ret->status;

	if (s == 429) {
		(void)say(ret, ERR_THROTTLE, true, where);
		return VERDICT_THROTTLED;
	}
	if (s >= 500) {
		(void)say(ret, ERR_HTTP, true, where);
		/* 501 and 505 and their like stay as they are. */
		return s == 500 || s == 502 || s == 503 || s == 504 ? VERDICT_TRANSIENT
		                                                    : VERDICT_FINAL;
	}
	(void)say(ret,
	          s == 401 || s == 403 ? ERR_AUTH
	          : s == 404           ? ERR_NOT_FOUND
	                               : ERR_HTTP,
	          s == 408, where);
	return s == 408 ? VERDICT_TRANSIENT : VERDICT_FINAL;
}

static enum api_verdict
judge_refusal(const char *service, const char *where, struct api_answer *ret)
{
	bool is_quota =
		strcmp(service, "email") == 0 && strcmp(ret->code, "LimitExceededException") == 0;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]) && !is_quota; i++) {
		if (strcmp(codes[i].code, ret->code) != 0)
			continue;
		enum api_verdict v = codes[i].verdict;
		(void)say(ret, codes[i].kind, v == VERDICT_THROTTLED || v == VERDICT_TRANSIENT,
		          where);
		return v;
	}
	return judge_status(where, ret);
}

static enum api_verdict
judge_redirect(const char *where, const struct http_answer *a, struct api_answer *ret)
{
	char to[256] = "nowhere", shown[300];
	struct span v;

	if (http_answer_header(a, "Location", &v)) {
		copy_text(to, sizeof(to), v.p, v.len);
		(void)err_set(
			&ret->err, ERR_HTTP,
			"%s: %d redirects to %s; not followed: check endpoint_url and proxies",
			where, ret->status,
			str_starts(to, "http") ? http_where(to, shown, sizeof(shown)) : to);
	} else {
		(void)err_set(&ret->err, ERR_HTTP,
		              "%s: %d without a Location; check endpoint_url and proxies", where,
		              ret->status);
	}
	return VERDICT_FINAL;
}

enum api_verdict
api_judge(enum api_protocol protocol, const char *service, const char *where,
          const struct http_answer *a, int64_t wall_ms, struct api_answer *ret)
{
	struct span type;
	bool is_json = protocol != API_QUERY;

	ret->status = a->status;
	ret->code[0] = ret->message[0] = ret->request_id[0] = '\0';
	err_clear(&ret->err);
	read_headers(a, wall_ms, ret);
	if (a->err.kind != ERR_NONE) {
		ret->err = a->err;
		(void)err_wrap(&ret->err, "%s", where);
		return a->err.is_temporary ? VERDICT_TRANSIENT : VERDICT_FINAL;
	}
	if (a->status >= 300 && a->status < 400)
		return judge_redirect(where, a, ret);
	bool is_success = a->status >= 200 && a->status < 300;
	bool may_be_empty = protocol == API_JSON_1_0 || protocol == API_JSON_1_1;
	if (is_success && !(may_be_empty && a->body.len == 0) &&
	    !begins_with(&a->body, is_json ? '{' : '<')) {
		(void)err_temp(
			&ret->err, ERR_HTTP,
			"%s: %d, but the body is not %s; something else than AWS answers there",
			where, a->status, is_json ? "JSON" : "XML");
		return VERDICT_TRANSIENT;
	}
	if (is_success && !has_error_inside(protocol, a, ret))
		return VERDICT_OK;
	if (http_answer_header(a, "x-amzn-ErrorType", &type))
		copy_code(ret->code, sizeof(ret->code), type.p, type.len);
	if (is_json || begins_with(&a->body, '{'))
		read_json_error(&a->body, ret);
	else
		read_xml_error(&a->body, ret);
	enum api_verdict v = judge_refusal(service, where, ret);
	/* A 200 that refuses without a known code is a server in trouble. */
	if (is_success && v == VERDICT_FINAL && ret->err.kind == ERR_HTTP) {
		ret->err.is_temporary = true;
		return VERDICT_TRANSIENT;
	}
	return v;
}
