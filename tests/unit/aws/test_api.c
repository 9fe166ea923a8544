/*
 * api against a scripted server on loopback: what is sent, what is retried, what is mended, what is said.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "scripted.h"

#define HEAD(status, extra, len) "HTTP/1.1 " status "\r\nContent-Length: " #len "\r\n" extra "\r\n"
#define OK_JSON                  HEAD("200 OK", "x-amzn-RequestId: r-1\r\n", 2) "{}"

struct got {
	unsigned calls;
	bool is_starting, was_early;
	struct api_answer a;
	char *body;
};

static struct loop *loop;
static struct xfer *xfer;
static struct api_env *env;
static struct cred *cred;
static struct scripted *srv;
static char url[128];

static void
on_answer(void *arg, struct api_answer *a)
{
	struct got *g = arg;

	g->calls++;
	g->was_early = g->is_starting;
	g->a = *a;
	mem_free(g->body);
	g->body = buf_take(&a->body, NULL);
	memset(&g->a.body, 0, sizeof(g->a.body));
}

/* Begin a test: a server with these scripts, an environment that finds it. */
static void
begin(const struct script *scripts, size_t count)
{
	loop = loop_new();
	xfer = xfer_new(loop);
	srv = scripted_new(loop, scripts, count);
	(void)snprintf(url, sizeof(url), "%s", scripted_url(srv, ""));
	struct api_options o = { .loop = loop,
		                 .xfer = xfer,
		                 .endpoints = { .url = url },
		                 .user_agent = "ua",
		                 .backoff_base_ms = 1 };
	env = api_env_new(&o);
	cred = cred_new_static(env, "AKID", "secret", "token");
}

static void
end(void)
{
	cred_free(cred);
	loop_turn(loop, 0);
	scripted_free(srv);
	xfer_free(xfer);
	api_env_free(env);
	loop_free(loop);
	clock_set_for_test(-1, -1);
}

static void
run(const struct api_call *call, struct got *g)
{
	struct err e = { 0 };
	unsigned before = g->calls;

	g->is_starting = true;
	struct api *a = api_start(env, call, on_answer, g, &e);
	g->is_starting = false;
	assert_string_equal(e.text, "");
	assert_non_null(a);
	while (g->calls == before)
		loop_turn(loop, 1000);
	assert_false(g->was_early);
}

static const struct api_call hub = { .service = "securityhub",
	                             .operation = "GetFindings",
	                             .region = "us-east-1",
	                             .path = "/findings" };

static struct api_call
hub_call(void)
{
	struct api_call c = hub;

	c.cred = cred;
	c.body = SPAN_LIT("{\"MaxResults\":1}");
	return c;
}

static void
test_sends_a_signed_request_and_learns_the_clock(void **state)
{
	static const struct script scripts[] = {
		{ .text = HEAD("200 OK",
		               "Date: Sat, 22 Aug 2026 11:40:05 GMT\r\nx-amzn-RequestId: r-1\r\n",
		               15) "{\"Findings\":[]}" }
	};
	struct got g = { 0 };
	int64_t now;

	(void)state;
	begin(scripts, 1);
	struct api_call call = hub_call();
	assert_false(api_now_ms(env, "securityhub", "us-east-1", &now));
	run(&call, &g);
	assert_int_equal(g.a.err.kind, ERR_NONE);
	assert_string_equal(g.body, "{\"Findings\":[]}");
	assert_string_equal(g.a.request_id, "r-1");
	assert_int_equal(g.a.attempts, 1);
	assert_int_equal(g.a.aws_date_ms, 1787398805000);
	assert_true(api_now_ms(env, "securityhub", "us-east-1", &now));
	assert_in_range(now, 1787398805000, 1787398905000);
	assert_in_range(g.a.request_started_aws_ms, 1787398705000, 1787398805000);
	assert_false(api_now_ms(env, "securityhub", "us-east-2", &now));
	const char *r = scripted_request(srv, 0);
	assert_non_null(strstr(r, "POST /findings HTTP/1.1\r\n"));
	assert_non_null(strstr(r, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(r, "X-Amz-Security-Token: token\r\n"));
	assert_non_null(strstr(
		r,
		"/us-east-1/securityhub/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="));
	assert_non_null(strstr(r, "User-Agent: ua\r\n"));
	assert_null(strstr(r, "Accept"));
	assert_non_null(strstr(r, "\r\n\r\n{\"MaxResults\":1}"));
	/* The next request is signed for AWS's time, not ours. */
	run(&call, &g);
	assert_non_null(strstr(scripted_request(srv, 1), "X-Amz-Date: 20260822T1140"));
	mem_free(g.body);
	end();
}

/* One answer, no retry: what is said and which kind it is. */
static void
test_reads_every_kind_of_refusal(void **state)
{
	static const struct {
		enum api_protocol protocol;
		const char *status, *headers, *body;
		enum err_kind kind;
		bool is_temporary;
		const char *code, *says;
	} rows[] = {
		{ API_REST_JSON, "401 Unauthorized", "x-amzn-ErrorType: InvalidAccessException\r\n",
		  "{\"Code\":\"x\",\"Message\":\"Account 1 is not subscribed to AWS Security Hub\"}",
		  ERR_DISABLED, false, "InvalidAccessException", "is not subscribed" },
		{ API_REST_JSON, "400 Bad", "x-amzn-ErrorType: BadRequestException\r\n",
		  "{\"message\":\"rejected\",\"__type\":\"InvalidInputException\"}", ERR_HTTP,
		  false, "BadRequestException", "400 BadRequestException: rejected" },
		{ API_REST_JSON, "403 No",
		  "x-amzn-errortype: AccessDeniedException:http://internal/\r\n",
		  "{\"Message\":\"User: arn:x is not authorized to perform: securityhub:GetFindings on resource: y\"}",
		  ERR_AUTH, false, "AccessDeniedException",
		  "securityhub:GetFindings on resource: y" },
		{ API_REST_JSON, "403 No", "",
		  "{\"__type\":\"com.amazon.coral#UnrecognizedClientException\",\"message\":\"The security token included in the request is invalid.\"}",
		  ERR_AUTH, false, "UnrecognizedClientException", "" },
		{ API_REST_JSON, "429 Slow", "", "", ERR_THROTTLE, true, "", "429" },
		{ API_QUERY, "403 No", "",
		  "{\"Error\":{\"Type\":\"Sender\",\"Code\":\"AuthorizationError\",\"Message\":\"not "
		  "authorized\"},\"RequestId\":\"r\"}",
		  ERR_AUTH, false, "AuthorizationError", "403 AuthorizationError: not authorized" },
		{ API_QUERY, "403 No", "", "{\"message\":\"Forbidden\",\"code\":\"AccessDenied\"}",
		  ERR_AUTH, false, "AccessDenied", "403 AccessDenied: Forbidden" },
		{ API_REST_JSON, "400 Bad", "x-amzn-ErrorType: ThrottlingException\r\n", "{}",
		  ERR_THROTTLE, true, "ThrottlingException", "" },
		{ API_REST_JSON, "429 Slow", "x-amzn-ErrorType: LimitExceededException\r\n", "{}",
		  ERR_THROTTLE, true, "LimitExceededException", "" },
		{ API_REST_JSON, "503 No", "", "<html>\nload balancer</html>", ERR_HTTP, true, "",
		  "503 without a code" },
		{ API_REST_JSON, "500 No", "", "{\"message\":", ERR_HTTP, true, "", "500" },
		{ API_REST_JSON, "501 No", "", "", ERR_HTTP, true, "", "501" },
		{ API_REST_JSON, "404 No", "x-amzn-ErrorType: ResourceNotFoundException\r\n", "{}",
		  ERR_NOT_FOUND, false, "ResourceNotFoundException", "" },
		{ API_REST_JSON, "302 Found",
		  "Location: https://user:pw@login.example.com/secret?x\r\n", "", ERR_HTTP, false,
		  "", "https://login.example.com; not followed" },
		{ API_REST_JSON, "200 OK", "",
		  "{\"__type\":\"InternalException\",\"message\":\"m\"}", ERR_HTTP, true,
		  "InternalException", "m" },
		{ API_REST_JSON, "200 OK", "", "{\"Code\":\"SomethingNew\",\"Message\":\"m\"}",
		  ERR_HTTP, true, "SomethingNew", "m" },
		{ API_REST_JSON, "200 OK", "", "<html>welcome to the hotel</html>", ERR_HTTP, true,
		  "", "not JSON" },
		{ API_REST_JSON, "200 OK", "", "", ERR_HTTP, true, "", "not JSON" },
		{ API_REST_JSON, "418 Tea\x01pot", "", "{\"message\":\"a\\u0001\\nb\"}", ERR_HTTP,
		  false, "", "a  b" },
		{ API_QUERY, "403 No", "",
		  "<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>not authorized to perform: SNS:Publish</Message></Error><RequestId>q-1</RequestId></ErrorResponse>",
		  ERR_AUTH, false, "AuthorizationError", "SNS:Publish (request q-1)" },
		{ API_QUERY, "429 Slow", "",
		  "<ErrorResponse><Error><Code>Throttled</Code></Error></ErrorResponse>",
		  ERR_THROTTLE, true, "Throttled", "" },
		{ API_QUERY, "400 Bad", "",
		  "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors><RequestID>e</RequestID></Response>",
		  ERR_THROTTLE, true, "RequestLimitExceeded", "request e" },
		{ API_QUERY, "200 OK", "",
		  "<ErrorResponse><Error><Code>InternalError</Code></Error></ErrorResponse>",
		  ERR_HTTP, true, "InternalError", "" },
		{ API_QUERY, "200 OK", "", "{}", ERR_HTTP, true, "", "not XML" },
		{ API_QUERY, "404 No", "", "<!DOCTYPE x [<!ENTITY a \"b\">]><ErrorResponse/>",
		  ERR_NOT_FOUND, false, "", "404" },
		{ API_JSON_1_1, "400 Bad", "",
		  "{\"__type\":\"com.amazonaws.cloudtrail#AccessDenied\"}", ERR_AUTH, false,
		  "AccessDenied", "" },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		(void)snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		               rows[i].status, strlen(rows[i].body), rows[i].headers, rows[i].body);
		struct script script = { .text = text };
		struct got g = { 0 };
		begin(&script, 1);
		struct api_call call = hub_call();
		call.protocol = rows[i].protocol;
		call.max_attempts = 1;
		run(&call, &g);
		if (g.a.err.kind != rows[i].kind || strstr(g.a.err.text, rows[i].says) == NULL ||
		    strcmp(g.a.code, rows[i].code) != 0 ||
		    g.a.err.is_temporary != rows[i].is_temporary)
			fail_msg("row %zu: %s %d '%s' %s", i, err_kind_name(g.a.err.kind),
			         g.a.err.is_temporary, g.a.code, g.a.err.text);
		assert_non_null(strstr(g.a.err.text, "securityhub GetFindings in us-east-1"));
		assert_null(strstr(g.a.err.text, "secret"));
		assert_int_equal(g.a.attempts, 1);
		mem_free(g.body);
		end();
	}
}

static void
count_row(const struct api_stat *row, void *arg)
{
	struct api_stat *sum = arg;

	for (int i = 0; i < API_OUTCOMES; i++)
		sum->calls[i] += row->calls[i];
	sum->retries += row->retries;
	sum->throttled += row->throttled;
}

static void
test_tries_again_as_the_sdks_do(void **state)
{
	static const struct {
		struct script scripts[3];
		unsigned attempts;
		enum err_kind kind;
	} rows[] = {
		{ { { .text = HEAD("500 No", "x-amz-retry-after: 0\r\n", 0) },
		    { .text = OK_JSON } },
		  2,
		  ERR_NONE },
		{ { { .text = HEAD("429 No", "Retry-After: 0\r\n", 0) },
		    { .text = HEAD("503 No", "Retry-After: 0\r\n", 0) },
		    { .text = OK_JSON } },
		  3,
		  ERR_NONE },
		{ { { .text = HEAD("200 OK", "Retry-After: 0\r\n", 9) "x", .then = THEN_CLOSE },
		    { .text = OK_JSON } },
		  2,
		  ERR_NONE },
		{ { { .text = HEAD("500 No", "Retry-After: 0\r\n", 0) },
		    { .text = HEAD("500 No", "Retry-After: 0\r\n", 0) },
		    { .text = HEAD("500 No", "Retry-After: 0\r\n", 0) } },
		  3,
		  ERR_HTTP },
		{ { { .text = HEAD("400 No", "x-amzn-ErrorType: InvalidInputException\r\n",
		                   2) "{}" },
		    { .text = OK_JSON } },
		  1,
		  ERR_HTTP },
		/* asked to wait longer than a back-off: the caller's to keep */
		{ { { .text = HEAD("429 No", "Retry-After: 120\r\n", 0) }, { .text = OK_JSON } },
		  1,
		  ERR_THROTTLE },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct got g = { 0 };
		struct api_stat sum = { 0 };
		begin(rows[i].scripts, 3);
		struct api_call call = hub_call();
		run(&call, &g);
		assert_int_equal(g.a.err.kind, rows[i].kind);
		assert_int_equal(g.a.attempts, rows[i].attempts);
		assert_int_equal(scripted_count(srv), rows[i].attempts);
		api_stats(env, count_row, &sum);
		assert_int_equal(sum.retries, rows[i].attempts - 1);
		assert_int_equal(sum.calls[API_OK] + sum.calls[API_REFUSED] +
		                         sum.calls[API_THROTTLED] + sum.calls[API_FAILED],
		                 rows[i].attempts);
		assert_int_equal(sum.throttled, sum.calls[API_THROTTLED]);
		if (i == 5)
			assert_int_equal(g.a.retry_after_ms, 120000);
		mem_free(g.body);
		end();
	}
}

static void
test_an_empty_retry_quota_ends_retries(void **state)
{
	static const struct script scripts[] = { { .text = HEAD("500 No", "Retry-After: 0\r\n",
		                                                0) } };
	struct got g = { 0 };
	unsigned attempts = 0;

	(void)state;
	begin(scripts, 1);
	struct api_call call = hub_call();
	call.max_attempts = 4;
	for (int i = 0; i < 40; i++) {
		run(&call, &g);
		attempts += g.a.attempts;
	}
	/* 500 tokens, 5 a retry: 100 retries for forty calls that would have made 120. */
	assert_int_equal(attempts, 140);
	mem_free(g.body);
	end();
}

static void
test_without_a_date_our_own_clock_holds(void **state)
{
	static const struct script none[] = {
		{ .text = HEAD("200 OK", "", 2) "{}" },
		{ .text = HEAD("200 OK", "Date: soon\r\n", 2) "{}" },
		{ .text = HEAD("200 OK", "Date: Sat, 22 Aug 2026 11:40:05 GMT\r\n", 2) "{}" },
		{ .text = HEAD("200 OK", "", 2) "{}" }
	};
	static const struct script refused[] = { { .text = HEAD("403 No", "", 2) "{}" } };
	static const int64_t told_ms = 1787398805000, wall_ms = 1787402405000;
	struct api_call call;
	struct got g = { 0 };
	int64_t now;

	(void)state;
	begin(none, 4);
	clock_set_for_test(wall_ms, 5000);
	call = hub_call();
	run(&call, &g);
	assert_int_equal(g.a.aws_date_ms, -1);
	assert_true(api_now_ms(env, "securityhub", "us-east-1", &now));
	assert_int_equal(now, wall_ms);
	assert_int_equal(g.a.request_started_aws_ms, wall_ms);
	/* Ours may be set meanwhile. */
	clock_set_for_test(wall_ms - 60000, 5000);
	run(&call, &g);
	assert_true(api_now_ms(env, "securityhub", "us-east-1", &now));
	assert_int_equal(now, wall_ms - 60000);
	/* AWS's is better than ours, and stays. */
	run(&call, &g);
	run(&call, &g);
	assert_true(api_now_ms(env, "securityhub", "us-east-1", &now));
	assert_int_equal(now, told_ms);
	end();
	begin(refused, 1);
	call = hub_call();
	run(&call, &g);
	assert_false(api_now_ms(env, "securityhub", "us-east-1", &now));
	mem_free(g.body);
	end();
}

static void
test_a_wrong_clock_is_mended_once(void **state)
{
	static const struct script mended[] = {
		{ .text = HEAD(
			  "403 No",
			  "Date: Sat, 22 Aug 2026 11:40:05 GMT\r\nx-amzn-ErrorType: InvalidSignatureException\r\n",
			  36) "{\"message\":\"Signature expired: now.\"}" },
		{ .text = HEAD("200 OK", "Date: Sat, 22 Aug 2026 11:40:05 GMT\r\n", 2) "{}" },
	};
	static const struct script wrong_secret[] = {
		{ .text = HEAD("403 No", "x-amzn-ErrorType: SignatureDoesNotMatch\r\n", 2) "{}" },
	};
	struct got g = { 0 };
	struct api_call call;
	int64_t aws_ms;

	(void)state;
	assert_true(timefmt_parse(SPAN_LIT("2026-08-22T12:40:05Z"), &aws_ms, NULL));
	begin(mended, 2);
	clock_set_for_test(aws_ms, 5000); /* an hour fast */
	call = hub_call();
	call.max_attempts = 1; /* mending is no retry */
	run(&call, &g);
	assert_int_equal(g.a.err.kind, ERR_NONE);
	assert_non_null(strstr(scripted_request(srv, 0), "X-Amz-Date: 20260822T124005Z"));
	assert_non_null(strstr(scripted_request(srv, 1), "X-Amz-Date: 20260822T114005Z"));
	end();
	begin(wrong_secret, 1);
	call = hub_call();
	run(&call, &g);
	assert_int_equal(g.a.err.kind, ERR_AUTH);
	assert_int_equal(scripted_count(srv), 1);
	mem_free(g.body);
	end();
}

static void
test_paced_calls_wait_for_their_turn(void **state)
{
	static const struct script scripts[] = { { .text = OK_JSON } };
	struct got g[9];
	struct api *calls[9];
	struct err e = { 0 };

	(void)state;
	memset(g, 0, sizeof(g));
	begin(scripts, 1);
	clock_set_for_test(1787398805000, 5000);
	struct api_call call = hub_call();
	call.is_paced = true;
	for (size_t i = 0; i < 9; i++)
		calls[i] = api_start(env, &call, on_answer, &g[i], &e);
	for (int i = 0; i < 200; i++)
		loop_turn(loop, 1);
	assert_int_equal(scripted_count(srv), 6); /* Security Hub's burst, while the clock stands */
	api_cancel(calls[7]);
	clock_set_for_test(1787398805000, 5000 + 334);
	while (scripted_count(srv) < 7)
		loop_turn(loop, 400);
	clock_set_for_test(1787398805000, 5000 + 668);
	while (scripted_count(srv) < 8)
		loop_turn(loop, 400);
	while (g[8].calls == 0)
		loop_turn(loop, 400);
	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(g[i].calls, i != 7);
		mem_free(g[i].body);
	}
	end();
}

static void
test_cancel_at_every_moment(void **state)
{
	static const struct script scripts[] = {
		{ .text = HEAD("500 No", "Retry-After: 0\r\n", 0) }, { .text = OK_JSON }
	};
	bool is_over = false;

	(void)state;
	for (unsigned turns = 0; !is_over; turns++) {
		struct got g = { 0 };
		struct err e = { 0 };
		begin(scripts, 2);
		struct api_call call = hub_call();
		struct api *a = api_start(env, &call, on_answer, &g, &e);
		for (unsigned i = 0; i < turns && g.calls == 0; i++)
			loop_turn(loop, 1000);
		is_over = g.calls > 0;
		if (!is_over)
			api_cancel(a);
		for (int i = 0; i < 3; i++)
			loop_turn(loop, 0);
		assert_int_equal(g.calls, is_over);
		mem_free(g.body);
		end();
	}
}

static void
test_what_cannot_be_called_is_refused_at_once(void **state)
{
	static const struct script scripts[] = { { .text = OK_JSON } };
	struct err e = { 0 };
	char path[20000];

	(void)state;
	begin(scripts, 1);
	struct api_call call = hub_call();
	call.region = "useast1";
	assert_null(api_start(env, &call, on_answer, NULL, &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	call = hub_call();
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	call.path = path;
	assert_null(api_start(env, &call, on_answer, NULL, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	end();
}

static void
test_form_encoding(void **state)
{
	struct buf b = { 0 };

	(void)state;
	api_form_add(&b, "Action", "Publish");
	api_form_add(&b, "A.1", "a b+c~d/e=\xC3\xA9&\n");
	api_form_add_span(&b, "N", (struct span){ "\0x", 2 });
	assert_string_equal(b.data, "Action=Publish&A.1=a+b%2Bc~d%2Fe%3D%C3%A9%26%0A&N=%00x");
	buf_clear(&b);
	api_encode(&b, SPAN_LIT("arn:aws:x/y z"));
	assert_string_equal(b.data, "arn%3Aaws%3Ax%2Fy%20z");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sends_a_signed_request_and_learns_the_clock),
		cmocka_unit_test(test_reads_every_kind_of_refusal),
		cmocka_unit_test(test_tries_again_as_the_sdks_do),
		cmocka_unit_test(test_an_empty_retry_quota_ends_retries),
		cmocka_unit_test(test_without_a_date_our_own_clock_holds),
		cmocka_unit_test(test_a_wrong_clock_is_mended_once),
		cmocka_unit_test(test_paced_calls_wait_for_their_turn),
		cmocka_unit_test(test_cancel_at_every_moment),
		cmocka_unit_test(test_what_cannot_be_called_is_refused_at_once),
		cmocka_unit_test(test_form_encoding),
	};
	(void)unsetenv("AWS_MAX_ATTEMPTS");
	(void)unsetenv("http_proxy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
