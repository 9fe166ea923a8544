/*
 * webhook: the request as it goes out, byte by byte from a socket, and answers of receivers that misbehave.
 */
#include "config.h"

#include "unit.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#include "base/mem.h"
#include "base/timefmt.h"
#include "net/loop.h"

/* A receiver that reads a request's head, says the bytes it was given, and hangs up or keeps silent. */
static struct {
	struct evconnlistener *listener;
	const char *answer; /* NULL: nothing */
	size_t filler;      /* bytes of body behind it */
	bool keeps_open;
	struct buf request;
	struct bufferevent *open[32];
	size_t open_count;
} peer;

static struct rig rig;
static struct sink_result result;
static unsigned done;

static void
hang_up(struct bufferevent *bev, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < peer.open_count; i++)
		if (peer.open[i] == bev)
			peer.open[i] = NULL;
	bufferevent_free(bev);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	hang_up(bev, arg);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);

	(void)arg;
	(void)buf_add(&peer.request, evbuffer_pullup(in, -1), len);
	(void)evbuffer_drain(in, len);
	if (!strstr(peer.request.data, "\r\n\r\n"))
		return;
	if (!peer.answer && peer.keeps_open)
		return;
	if (!peer.answer) {
		hang_up(bev, NULL);
		return;
	}
	(void)evbuffer_add_printf(bufferevent_get_output(bev), "%s", peer.answer);
	for (size_t i = 0; i < peer.filler; i += 1000) {
		static const char thousand[1000] = { 'x' };

		(void)evbuffer_add(bufferevent_get_output(bev), thousand, sizeof thousand);
	}
	if (!peer.keeps_open)
		bufferevent_setcb(bev, NULL, hang_up, on_event, NULL);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct bufferevent *bev =
		bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);

	(void)sa;
	(void)len;
	(void)arg;
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	assert_true(peer.open_count < LENGTH(peer.open));
	peer.open[peer.open_count++] = bev;
}

static int
setup(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ev_socklen_t len = sizeof sin;

	(void)state;
	rig_open(&rig);
	memset(&peer, 0, sizeof peer);
	buf_init(&peer.request, 0);
	peer.listener =
		evconnlistener_new_bind(loop_base(rig.loop), on_accept, NULL, LEV_OPT_CLOSE_ON_FREE,
	                                8, (struct sockaddr *)&sin, sizeof sin);
	assert_non_null(peer.listener);
	assert_int_equal(
		getsockname(evconnlistener_get_fd(peer.listener), (struct sockaddr *)&sin, &len),
		0);
	(void)snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%d/in/tok3n",
	               ntohs(sin.sin_port));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	evconnlistener_free(peer.listener);
	for (size_t i = 0; i < peer.open_count; i++)
		if (peer.open[i])
			bufferevent_free(peer.open[i]);
	buf_done(&peer.request);
	rig_close(&rig);
	return 0;
}

static void
on_done(struct sink_result *r, void *arg)
{
	(void)arg;
	result = *r;
	done++;
}

static void
post(void)
{
	char *event = rig_event("abc", "Tor", "text");
	struct notice n = {
		.event = span_of(event),
		.change = CHANGE_REOPENED,
		.rules = SPAN_LIT("a"),
		.message_key = "fd1-aa-bb-3",
		.thread_key = "fd1-aa",
		.severity = SEVERITY_CRITICAL,
		.first_severity = SEVERITY_HIGH,
		.sink_name = "hook",
		.queued_ms = 1787398805000,
	};
	struct sink_message m = { .now_ms = 1614265330999 };
	struct render_view v;
	struct sink *s;
	struct err e = { 0 };
	void *call;

	if (sink_open(&rig.env, &rig.conf, &s, &e))
		fail_msg("%s", e.text);
	render_view_init(&v, &n, false);
	m.view = &v;
	done = 0;
	buf_clear(&peer.request);
	if (sink_send(s, &m, on_done, NULL, &call, &e))
		fail_msg("%s", e.text);
	render_view_done(&v);
	mem_free(event);
	assert_int_equal(done, 0);
	while (!done)
		loop_turn(rig.loop, 100);
	sink_close(s);
	rig_turns(&rig, 2);
}

static void
test_answers_of_all_kinds(void **state)
{
	static const struct {
		const char *answer;
		size_t filler;
		bool keeps_open;
		enum sink_outcome want;
		bool is_unreached;
		const char *says;
	} rows[] = {
		{ "HTTP/1.1 204 No Content\r\n\r\n", 0, false, SINK_OK, false, "HTTP 204" },
		/* the status came: what is behind it decides nothing */
		{ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", 0, false, SINK_OK, false,
		  "HTTP 200: cut" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n", 200000, false, SINK_OK,
		  false, "HTTP 200" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow", 0, true, SINK_OK, false,
		  "HTTP 200" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, false, SINK_OK,
		  false, "HTTP 200" },
		{ "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\ncut", 0, false, SINK_TEMPFAIL,
		  false, "HTTP 500" },
		{ "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n",
		  0, false, SINK_PERMFAIL, false, "(Location: https://login.example/)" },
		{ "HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nnope", 0, false, SINK_HOLD, false,
		  "login refused" },
		{ NULL, 0, false, SINK_TEMPFAIL, true, "" },
		{ NULL, 0, true, SINK_TEMPFAIL, false, "" },
		{ "220 mx.example.com ESMTP\r\n", 0, false, SINK_TEMPFAIL, true, "" },
		{ "HTTP/1.1 2", 0, false, SINK_TEMPFAIL, true, "" },
		/* an interim answer is none: what would have come is not known */
		{ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0, false, SINK_TEMPFAIL, true,
		  "" },
		{ "HTTP/1.1 100 Continue\r\n\r\n", 0, true, SINK_TEMPFAIL, false, "" },
		{ "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 0, false,
		  SINK_OK, false, "HTTP 204" },
		{ "HTTP/1.1 777 What\r\nContent-Length: 0\r\n\r\n", 0, false, SINK_TEMPFAIL, false,
		  "HTTP 777" },
	};

	(void)state;
	rig.conf.timeout_ms = 400;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		peer.answer = rows[i].answer;
		peer.filler = rows[i].filler;
		peer.keeps_open = rows[i].keeps_open;
		post();
		if (result.outcome != rows[i].want || result.is_unreached != rows[i].is_unreached ||
		    !strstr(result.answer, rows[i].says))
			fail_msg("row %zu: %d unreached=%d \"%s\"", i, (int)result.outcome,
			         result.is_unreached, result.answer);
		assert_true(result.answer[0] != '\0');
		/* a URL's path can be a secret */
		assert_null(strstr(result.answer, "tok3n"));
	}
}

static void
test_retry_after_in_both_forms(void **state)
{
	char date[TIMEFMT_BYTES], answer[200];

	(void)state;
	peer.answer = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
	post();
	assert_int_equal(result.retry_after_ms, 7000);
	peer.answer = "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n";
	post();
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_int_equal(result.retry_after_ms, 0);
	(void)snprintf(answer, sizeof answer,
	               "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
	               timefmt_http(4102444800000, date));
	peer.answer = answer;
	post();
	assert_true(result.retry_after_ms > 3600000);
}

static void
test_the_request(void **state)
{
	char team[] = "X-Team", blue[] = "blue", type[] = "content-type",
	     own[] = "application/x-own";
	struct conf_pair pairs[] = { { team, { blue, NULL } }, { type, { own, NULL } } };
	char token[] = "sesame", secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	const char *r;

	(void)state;
	peer.answer = "HTTP/1.1 204 No Content\r\n\r\n";
	rig.conf.headers.items = pairs;
	rig.conf.headers.count = LENGTH(pairs);
	rig.conf.auth = CONF_AUTH_BEARER;
	rig.conf.token.value = token;
	rig.conf.secret.value = secret;
	post();
	r = peer.request.data;
	assert_ptr_equal(strstr(r, "POST /in/tok3n HTTP/1.1\r\n"), r);
	assert_non_null(strstr(r, "\r\nX-Team: blue\r\n"));
	assert_non_null(strstr(r, "\r\ncontent-type: application/x-own\r\n"));
	assert_null(strstr(r, "\r\nContent-Type:"));
	assert_non_null(strstr(r, "\r\nUser-Agent: findingsd/"));
	assert_non_null(strstr(r, "\r\nAuthorization: Bearer sesame\r\n"));
	assert_non_null(strstr(r, "\r\nwebhook-id: fd1-aa-bb-3\r\n"));
	assert_non_null(strstr(r, "\r\nwebhook-timestamp: 1614265330\r\n"));
	assert_non_null(strstr(r, "\r\nwebhook-signature: v1,"));
	assert_non_null(strstr(r, "\r\nX-Findingsd-Change: reopened\r\n"));
	assert_non_null(strstr(r, "\r\nX-Findingsd-Severity: CRITICAL\r\n"));
	assert_non_null(strstr(
		r,
		"\r\nX-Findingsd-Finding: arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/abc\r\n"));
	assert_null(strstr(r, "X-Findingsd-Test"));
}

static void
test_basic_auth(void **state)
{
	char user[] = "Aladdin", password[] = "open sesame";

	(void)state;
	peer.answer = "HTTP/1.1 204 No Content\r\n\r\n";
	rig.conf.auth = CONF_AUTH_BASIC;
	rig.conf.username.value = user;
	rig.conf.password.value = password;
	post();
	assert_non_null(strstr(peer.request.data,
	                       "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}

static void
test_bad_configurations_are_refused(void **state)
{
	char ftp[] = "ftp://x/", short_secret[] = "abc";
	struct err e = { 0 };

	(void)state;
	rig.conf.secret.value = short_secret;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	assert_null(strstr(e.text, "abc"));
	mem_free(rig.conf.name);
	rig_conf(&rig.conf, CONF_SINK_WEBHOOK);
	rig.conf.url = ftp;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.url = rig.url;
	assert_int_equal(sink_check(&rig.conf, &e), 0);
	rig.conf.auth = CONF_AUTH_BEARER;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.auth = CONF_AUTH_BASIC;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answers_of_all_kinds),
		T(test_retry_after_in_both_forms),
		T(test_the_request),
		T(test_basic_auth),
		T(test_bad_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
