/*
 * http over real sockets: every way in which an answer can go wrong ends, once, with a reason.
 */
#include "config.h"

#include "unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alone.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "scripted.h"

#define OK_TEXT "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Thing:  a b \r\n\r\nok"

static bool is_alone; /* nothing outside can be reached, nothing leaves */
static struct loop *loop;
static struct xfer *xfer;

struct seen {
	unsigned calls;
	bool was_early;
	bool is_starting;
	struct http_answer answer; /* err, status, remote, flags */
	char *body;
	char thing[64];
};

static void
on_done(void *arg, struct http_answer *a)
{
	struct seen *s = arg;
	struct span v;

	s->calls++;
	s->was_early = s->is_starting;
	s->answer = *a;
	mem_free(s->body);
	s->body = buf_take(&a->body, NULL);
	s->thing[0] = '\0';
	if (http_answer_header(a, "x-thing", &v))
		(void)snprintf(s->thing, sizeof(s->thing), "%.*s", SPAN_FMT(v));
}

static struct http *
start(const struct http_request *req, struct seen *s)
{
	struct err e = { 0 };

	s->is_starting = true;
	struct http *h = http_start(xfer, req, on_done, s, &e);
	s->is_starting = false;
	assert_string_equal(e.text, "");
	assert_non_null(h);
	return h;
}

static void
run_until_idle(void)
{
	while (xfer_count(xfer) > 0)
		loop_turn(loop, 1000);
}

static void
ask(const struct http_request *req, struct seen *s)
{
	unsigned before = s->calls;

	(void)start(req, s);
	run_until_idle();
	assert_int_equal(s->calls, before + 1);
	assert_false(s->was_early);
}

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	xfer = xfer_new(loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	xfer_free(xfer);
	loop_free(loop);
	return 0;
}

static void
test_request_goes_out_as_given(void **state)
{
	static const struct script scripts[] = { { .text = OK_TEXT } };
	struct scripted *srv = scripted_new(loop, scripts, 1);
	struct http_header headers[] = { { "X-One", "1" }, { "X-None", "" } };
	struct http_request req = { .url = scripted_url(srv, "/a/../b//%2f?q=%20"),
		                    .headers = headers,
		                    .header_count = 2 };
	struct seen s = { 0 };
	char want[512];

	(void)state;
	ask(&req, &s);
	assert_int_equal(s.answer.err.kind, ERR_NONE);
	assert_int_equal(s.answer.status, 200);
	assert_string_equal(s.body, "ok");
	assert_string_equal(s.thing, "a b");
	(void)snprintf(
		want, sizeof(want),
		"GET /a/../b//%%2f?q=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-One: 1\r\nX-None:\r\n\r\n",
		scripted_port(srv));
	assert_string_equal(scripted_request(srv, 0), want);
	(void)snprintf(want, sizeof(want), "127.0.0.1:%u", scripted_port(srv));
	assert_string_equal(s.answer.remote, want);
	assert_false(s.answer.is_reused);

	/* The second request, another method, a body: the same connection. */
	req = (struct http_request){ .url = scripted_url(srv, "/p"),
		                     .method = "PATCH",
		                     .body = SPAN_LIT("{\"a\":1}") };
	ask(&req, &s);
	assert_true(s.answer.is_reused);
	assert_int_equal(scripted_connections(srv), 1);
	(void)snprintf(
		want, sizeof(want),
		"PATCH /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
		scripted_port(srv));
	assert_string_equal(scripted_request(srv, 1), want);

	req = (struct http_request){ .url = scripted_url(srv, "/p"), .body = { "", 0 } };
	ask(&req, &s);
	assert_non_null(strstr(scripted_request(srv, 2), "POST /p HTTP/1.1\r\n"));
	assert_non_null(strstr(scripted_request(srv, 2), "Content-Length: 0\r\n"));
	mem_free(s.body);
	scripted_free(srv);
}

static void
test_bad_requests_are_refused_at_once(void **state)
{
	static const struct http_header line_break[] = { { "X", "a\r\nY: b" } },
					name[] = { { "X Y", "a" } };
	static const struct http_request rows[] = {
		{ .url = NULL },
		{ .url = "" },
		{ .url = "file:///etc/passwd" },
		{ .url = "ftp://127.0.0.1/" },
		{ .url = "http://127.0.0.1:99999/" },
		{ .url = "http:///" },
		{ .url = "http://127.0.0.1/", .method = "GE T" },
		{ .url = "http://127.0.0.1/", .headers = line_break, .header_count = 1 },
		{ .url = "http://127.0.0.1/", .headers = name, .header_count = 1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err e = { 0 };
		struct seen s = { 0 };
		assert_null(http_start(xfer, &rows[i], on_done, &s, &e));
		assert_int_equal(e.kind, ERR_PARSE);
		assert_int_equal(s.calls, 0);
		assert_int_equal(xfer_count(xfer), 0);
	}
}

/* Every way to answer badly: the kind, what the text says, whether trying again helps. */
static void
test_bad_answers_end_once_with_a_reason(void **state)
{
	static const struct {
		struct script script;
		int status;
		enum err_kind kind;
		const char *says;
		bool is_temporary;
	} rows[] = {
		{ { .text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
		    .then = THEN_CLOSE },
		  200,
		  ERR_NET,
		  "5 of 100",
		  true },
		{ { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
		    .then = THEN_CLOSE },
		  200,
		  ERR_NET,
		  "cut",
		  true },
		{ { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
		    .then = THEN_CLOSE },
		  200,
		  ERR_NET,
		  "",
		  true },
		{ { .then = THEN_CLOSE }, 0, ERR_NET, "without an answer", true },
		{ { .then = THEN_RESET }, 0, ERR_NET, "", true },
		{ { .text = "HTTP/1.1 200 OK\r\nContent-Le", .then = THEN_CLOSE },
		  200,
		  ERR_NET,
		  "within its headers",
		  true },
		{ { .text = "SSH-2.0-OpenSSH_9\r\n", .then = THEN_CLOSE },
		  0,
		  ERR_NET,
		  "protocol",
		  true },
		{ { .text = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
		    .then = THEN_SILENCE },
		  200,
		  ERR_LIMIT,
		  "larger than 1000",
		  false },
		{ { .text = "xxxxxxxxxxxxxxxx", .then = THEN_REPEAT }, 0, ERR_NET, "", true },
		{ { .then = THEN_SILENCE }, 0, ERR_TIMEOUT, "no answer within", true },
		{ { .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		    .then = THEN_SILENCE },
		  200,
		  ERR_TIMEOUT,
		  "not complete",
		  true },
		{ { .text = "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nX-Thing: moved\r\nContent-Length: 0\r\n\r\n" },
		  301,
		  ERR_NONE,
		  "",
		  false },
		{ { .text = "HTTP/1.1 100 Continue\r\nX-Thing: no\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" },
		  503,
		  ERR_NONE,
		  "",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct scripted *srv = scripted_new(loop, &rows[i].script, 1);
		struct http_request req = { .url = scripted_url(srv, "/"),
			                    .timeout_ms = 300,
			                    .max_answer_bytes = 1000 };
		struct seen s = { 0 };
		ask(&req, &s);
		if (s.answer.err.kind != rows[i].kind ||
		    strstr(s.answer.err.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s: %s", i, err_kind_name(s.answer.err.kind),
			         s.answer.err.text);
		assert_int_equal(s.answer.status, rows[i].status);
		assert_int_equal(s.answer.err.is_temporary, rows[i].is_temporary);
		if (rows[i].status == 301)
			assert_string_equal(s.thing, "moved");
		if (rows[i].status == 503)
			assert_string_equal(s.thing, "");
		mem_free(s.body);
		scripted_free(srv);
	}
}

static void
test_endless_answers_hit_the_ceiling(void **state)
{
	static const struct script body[] = {
		{ .text = "HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxx", .then = THEN_REPEAT }
	};
	static const struct script head[] = {
		{ .text = "HTTP/1.1 200 OK\r\nX-A: 0123456789012345678901234567890123456789\r\nX-B: 0123456789012345678901234567890123456789\r\n",
		  .then = THEN_REPEAT }
	};
	struct seen s = { 0 };
	struct scripted *srv = scripted_new(loop, body, 1);
	struct http_request req = { .url = scripted_url(srv, "/"), .max_answer_bytes = 100000 };

	(void)state;
	ask(&req, &s);
	assert_int_equal(s.answer.err.kind, ERR_LIMIT);
	assert_int_equal(s.answer.status, 200);
	scripted_free(srv);
	srv = scripted_new(loop, head, 1);
	req = (struct http_request){ .url = scripted_url(srv, "/"), .max_header_bytes = 80 };
	ask(&req, &s);
	assert_int_equal(s.answer.err.kind, ERR_LIMIT);
	assert_non_null(strstr(s.answer.err.text, "headers"));
	scripted_free(srv);
	mem_free(s.body);
}

static unsigned
closed_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void
test_refused_connection_and_unknown_name(void **state)
{
	struct seen s = { 0 };
	char url[64];
	struct http_request req = { .url = url };

	(void)state;
	if (!is_alone)
		skip();
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/secret-path", closed_port());
	ask(&req, &s);
	assert_int_equal(s.answer.err.kind, ERR_NET);
	assert_true(s.answer.err.is_temporary);
	assert_non_null(strstr(s.answer.err.text, "Connection refused"));
	assert_null(strstr(s.answer.err.text, "secret"));
	req.url = "http://no-such-name.invalid/secret-path";
	ask(&req, &s);
	assert_int_equal(s.answer.err.kind, ERR_NET);
	assert_true(s.answer.err.is_temporary);
	assert_non_null(strstr(s.answer.err.text, "cannot be resolved"));
	assert_null(strstr(s.answer.err.text, "secret"));
	mem_free(s.body);
}

/* 200 requests for 20 names that fail: all end; never more than 8 names at a time, one transfer each (asserted in xfer). */
static void
test_many_names_are_resolved_in_turn(void **state)
{
	struct seen s[200];
	char url[64];

	(void)state;
	if (!is_alone)
		skip();
	memset(s, 0, sizeof(s));
	for (unsigned i = 0; i < 200; i++) {
		struct http_request req = { .url = url, .timeout_ms = 20000 };
		(void)snprintf(url, sizeof(url), "http://n%u.invalid/", i % 20);
		(void)start(&req, &s[i]);
	}
	run_until_idle();
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(s[i].calls, 1);
		assert_int_equal(s[i].answer.err.kind, ERR_NET);
		mem_free(s[i].body);
	}
}

static void
test_localhost_passes_the_gate_together(void **state)
{
	static const struct script scripts[] = { { .text = OK_TEXT } };
	struct scripted *srv = scripted_new(loop, scripts, 1);
	struct seen s[50];
	char url[64];

	(void)state;
	memset(s, 0, sizeof(s));
	(void)snprintf(url, sizeof(url), "http://localhost:%u/", scripted_port(srv));
	for (unsigned i = 0; i < 50; i++) {
		struct http_request req = { .url = url };
		(void)start(&req, &s[i]);
	}
	run_until_idle();
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(s[i].calls, 1);
		assert_int_equal(s[i].answer.status, 200);
		mem_free(s[i].body);
	}
	assert_int_equal(scripted_count(srv), 50);
	scripted_free(srv);
}

/* Cancelled after n turns, for every n until it would have ended by itself: never called, nothing leaks. */
static void
test_cancel_at_every_moment(void **state)
{
	static const struct script scripts[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .then = THEN_CLOSE }
	};

	(void)state;
	for (const char *const *host = (const char *const[]){ "127.0.0.1", "localhost", NULL };
	     *host; host++) {
		bool is_over = false;
		for (unsigned turns = 0; !is_over; turns++) {
			struct scripted *srv = scripted_new(loop, scripts, 1);
			struct seen s = { 0 };
			char url[64];
			(void)snprintf(url, sizeof(url), "http://%s:%u/", *host,
			               scripted_port(srv));
			struct http_request req = { .url = url, .body = SPAN_LIT("x") };
			struct http *h = start(&req, &s);
			for (unsigned i = 0; i < turns && s.calls == 0; i++)
				loop_turn(loop, 1000);
			is_over = s.calls > 0;
			if (!is_over)
				http_cancel(h);
			run_until_idle();
			assert_int_equal(s.calls, is_over);
			mem_free(s.body);
			scripted_free(srv);
			assert_true(turns < 1000);
		}
	}
}

struct chain {
	struct http_request req;
	struct http *other;
	unsigned calls, cancelled_calls;
};

static void
on_never(void *arg, struct http_answer *a)
{
	struct chain *c = arg;

	(void)a;
	c->other = NULL; /* it ended before it was cancelled */
	c->cancelled_calls++;
}

static void
on_chain(void *arg, struct http_answer *a)
{
	struct chain *c = arg;
	struct err e = { 0 };

	assert_int_equal(a->status, 200);
	http_cancel(c->other);
	c->other = NULL;
	if (++c->calls < 5) {
		c->other = http_start(xfer, &c->req, on_never, c, &e);
		assert_non_null(http_start(xfer, &c->req, on_chain, c, &e));
	}
}

static void
test_start_and_cancel_from_within_done(void **state)
{
	static const struct script scripts[] = { { .text = OK_TEXT } };
	struct scripted *srv = scripted_new(loop, scripts, 1);
	struct chain c = { .req = { .url = scripted_url(srv, "/") } };
	struct err e = { 0 };

	(void)state;
	assert_non_null(http_start(xfer, &c.req, on_chain, &c, &e));
	run_until_idle();
	assert_int_equal(c.calls, 5);
	/* Each was cancelled by the next done, unless it had ended itself in the same turn before. */
	assert_in_range(c.cancelled_calls, 0, 4);
	scripted_free(srv);
}

static void
test_link_local_is_never_proxied(void **state)
{
	static const struct script scripts[] = { { .text = OK_TEXT } };
	struct scripted *srv = scripted_new(loop, scripts, 1);
	struct seen s = { 0 };
	struct http_request req = { .url = "http://169.254.169.254/latest",
		                    .proxy = NULL,
		                    .timeout_ms = 200 };

	(void)state;
	if (!is_alone) {
		scripted_free(srv);
		skip();
	}
	assert_int_equal(setenv("http_proxy", scripted_url(srv, ""), 1), 0);
	ask(&req, &s);
	assert_int_equal(scripted_count(srv), 0);
	assert_int_not_equal(s.answer.err.kind, ERR_NONE);
	/* while any other host is */
	req = (struct http_request){ .url = "http://192.0.2.1/x" };
	ask(&req, &s);
	assert_int_equal(s.answer.status, 200);
	assert_non_null(strstr(scripted_request(srv, 0), "GET http://192.0.2.1/x HTTP/1.1\r\n"));
	assert_int_equal(setenv("no_proxy", "192.0.2.1", 1), 0);
	req.timeout_ms = 200;
	ask(&req, &s);
	assert_int_equal(scripted_count(srv), 1);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("no_proxy"), 0);
	mem_free(s.body);
	scripted_free(srv);
}

static void
test_where_hides_paths_and_users(void **state)
{
	char out[300];

	(void)state;
	assert_string_equal(
		http_where("https://u:p@hooks.example.com/T0/secret?x=y", out, sizeof(out)),
		"https://hooks.example.com");
	assert_string_equal(http_where("http://[::1]:8080/x", out, sizeof(out)),
	                    "http://[::1]:8080");
	assert_string_equal(http_where("smtp://mail.example.com:587", out, sizeof(out)),
	                    "smtp://mail.example.com:587");
	assert_string_equal(http_where("secret", out, sizeof(out)), "(malformed URL)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request_goes_out_as_given, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_requests_are_refused_at_once, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_bad_answers_end_once_with_a_reason, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_endless_answers_hit_the_ceiling, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_refused_connection_and_unknown_name, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_many_names_are_resolved_in_turn, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_localhost_passes_the_gate_together, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_cancel_at_every_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_start_and_cancel_from_within_done, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_link_local_is_never_proxied, set_up,
		                                tear_down),
		cmocka_unit_test(test_where_hides_paths_and_users),
	};
	is_alone = alone_on_loopback();
	/* The machine's own proxy settings are not for these tests. */
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	(void)unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
