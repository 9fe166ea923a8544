/*
 * email: mails to a real SMTP server on loopback that answers as told: an outcome for each recipient, repeats under the
 * same Message-ID, nothing in clear, and the bytes.
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
#include "net/loop.h"
#include "sink/mail.h"
#include "sink/rcpts.h"

/* What to answer to a command that begins with this; "DROP" ends the connection, "WAIT" says nothing. count answers, then the usual one. */
struct told {
	const char *command, *answer;
	int count;
};

static struct {
	struct evconnlistener *listener;
	int port;
	struct told told[8];
	const char *ehlo; /* what EHLO offers */
	unsigned connections, mails, dots;
	unsigned in_a_row, most_in_a_row; /* commands that came in one piece */
	char rcpts[2000]; /* every address asked for, in order, separated by blanks */
	struct buf data;  /* the last mail */
	bool is_in_data;
	struct bufferevent *open[16];
	size_t open_count;
} smtp;

static struct rig rig;
static struct sink_result result;
static unsigned done;
static char *context;

static void
say(struct bufferevent *bev, const char *text)
{
	(void)evbuffer_add_printf(bufferevent_get_output(bev), "%s\r\n", text);
}

static void
hang_up(struct bufferevent *bev)
{
	for (size_t i = 0; i < smtp.open_count; i++)
		if (smtp.open[i] == bev)
			smtp.open[i] = NULL;
	bufferevent_free(bev);
}

/* true when the test told what to answer. */
static bool
say_told(struct bufferevent *bev, const char *command, bool *ret_dropped)
{
	for (size_t i = 0; i < LENGTH(smtp.told); i++) {
		struct told *t = &smtp.told[i];

		if (!t->command || !t->count ||
		    strncmp(command, t->command, strlen(t->command)) != 0)
			continue;
		t->count--;
		*ret_dropped = strcmp(t->answer, "DROP") == 0;
		if (*ret_dropped)
			hang_up(bev);
		else if (strcmp(t->answer, "WAIT") != 0)
			say(bev, t->answer);
		return true;
	}
	return false;
}

static bool
on_line(struct bufferevent *bev, char *line)
{
	bool is_dropped = false;

	if (smtp.is_in_data) {
		if (strcmp(line, ".") != 0) {
			(void)buf_add_str(&smtp.data, line[0] == '.' ? line + 1 : line);
			(void)buf_add_str(&smtp.data, "\r\n");
			return true;
		}
		smtp.is_in_data = false;
		smtp.dots++;
		if (!say_told(bev, ".", &is_dropped))
			say(bev, "250 2.0.0 queued as 42");
		return !is_dropped;
	}
	if (++smtp.in_a_row > smtp.most_in_a_row)
		smtp.most_in_a_row = smtp.in_a_row;
	if (strncmp(line, "RCPT TO:<", 9) == 0)
		(void)snprintf(smtp.rcpts + strlen(smtp.rcpts),
		               sizeof smtp.rcpts - strlen(smtp.rcpts), "%.*s ",
		               (int)strcspn(line + 9, ">"), line + 9);
	if (say_told(bev, line, &is_dropped))
		return !is_dropped;
	if (strncmp(line, "EHLO", 4) == 0) {
		say(bev, smtp.ehlo);
	} else if (strcmp(line, "DATA") == 0) {
		smtp.is_in_data = true;
		smtp.mails++;
		buf_clear(&smtp.data);
		say(bev, "354 go ahead");
	} else {
		say(bev, "250 ok");
	}
	return true;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	char *line;

	(void)arg;
	smtp.in_a_row = 0;
	while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL,
	                               EVBUFFER_EOL_CRLF_STRICT))) {
		bool is_open = on_line(bev, line);

		free(line);
		if (!is_open)
			return;
	}
}

static void
on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	smtp.is_in_data = false;
	hang_up(bev);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct bufferevent *bev =
		bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);
	bool is_dropped;

	(void)sa;
	(void)len;
	(void)arg;
	bufferevent_setcb(bev, on_read, NULL, on_end, NULL);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	smtp.open[smtp.open_count++ % LENGTH(smtp.open)] = bev;
	smtp.connections++;
	if (!say_told(bev, "(greeting)", &is_dropped))
		say(bev, "220 mx ready");
}

static char from[] = "findingsd <findingsd@example.com>";
static char *to[] = { (char[]){ "a@example.com" }, (char[]){ "Bea <b@example.com>" },
	              (char[]){ "c@example.com" }, NULL };

static int
setup(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ev_socklen_t len = sizeof sin;

	(void)state;
	rig_open(&rig);
	memset(&smtp, 0, sizeof smtp);
	buf_init(&smtp.data, 0);
	smtp.ehlo = "250-mx\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN";
	smtp.listener =
		evconnlistener_new_bind(loop_base(rig.loop), on_accept, NULL, LEV_OPT_CLOSE_ON_FREE,
	                                8, (struct sockaddr *)&sin, sizeof sin);
	assert_non_null(smtp.listener);
	assert_int_equal(
		getsockname(evconnlistener_get_fd(smtp.listener), (struct sockaddr *)&sin, &len),
		0);
	smtp.port = ntohs(sin.sin_port);
	mem_free(rig.conf.name);
	rig_conf(&rig.conf, CONF_SINK_EMAIL);
	(void)snprintf(rig.url, sizeof rig.url, "smtp://127.0.0.1:%d", smtp.port);
	rig.conf.url = rig.url;
	rig.conf.tls = CONF_TLS_NONE;
	rig.conf.from = from;
	rig.conf.to.items = to;
	rig.conf.to.count = 3;
	context = NULL;
	return 0;
}

static int
setup_pipelining(void **state)
{
	(void)setup(state);
	smtp.ehlo = "250-mx\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN";
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mem_free(context);
	evconnlistener_free(smtp.listener);
	for (size_t i = 0; i < LENGTH(smtp.open); i++)
		if (smtp.open[i])
			bufferevent_free(smtp.open[i]);
	buf_done(&smtp.data);
	rig_close(&rig);
	return 0;
}

static void
on_done(struct sink_result *r, void *arg)
{
	(void)arg;
	result = *r;
	if (r->context) {
		mem_free(context);
		context = r->context;
		r->context = NULL;
	}
	done++;
}

static bool
is_done(struct rig *r, void *arg)
{
	(void)r;
	(void)arg;
	return done > 0;
}

/* One attempt, with the context that the last one left. */
static void
attempt(struct sink *s)
{
	char *event = rig_event("abc", "Tor", ".a dot\\nFrom me");
	struct notice n = {
		.event = span_of(event),
		.change = CHANGE_CREATED,
		.rules = SPAN_LIT("prod-high"),
		.message_key = "fd1-aa-bb-1",
		.thread_key = "fd1-aa",
		.severity = SEVERITY_HIGH,
		.first_severity = SEVERITY_MEDIUM,
		.sink_name = "mail",
		.queued_ms = 1787398805000,
	};
	struct sink_message m = { .now_ms = 1787398805000, .context = context };
	struct render_view v;
	struct err e = { 0 };
	void *call;

	done = 0;
	render_view_init(&v, &n, false);
	m.view = &v;
	assert_int_equal(sink_send(s, &m, on_done, NULL, &call, &e), 0);
	render_view_done(&v);
	mem_free(event);
	assert_int_equal(done, 0);
	assert_true(rig_until(&rig, is_done, NULL));
	if (getenv("SHOW"))
		print_message("%d %s\n", (int)result.outcome, result.answer);
}

static struct sink *
open_sink(void)
{
	struct sink *s;
	struct err e = { 0 };

	if (sink_open(&rig.env, &rig.conf, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

static void
test_all_recipients_get_it_over_one_connection(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(result.status, 250);
	assert_non_null(strstr(result.answer, "queued as 42"));
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(smtp.mails, 2);
	assert_int_equal(smtp.connections, 1);
	assert_string_equal(
		smtp.rcpts,
		"a@example.com b@example.com c@example.com a@example.com b@example.com c@example.com ");
	sink_close(s);
}

/* RFC 2920: what was offered is used, what was not is not. */
static void
test_commands_go_together_only_when_offered(void **state)
{
	static const struct {
		const char *ehlo;
		unsigned want;
	} rows[] = {
		{ "250-mx\r\n250-PIPELINING\r\n250 8BITMIME", 5 },
		{ "250-mx\r\n250 pipelining", 5 },
		{ "250-mx\r\n250-XPIPELINING\r\n250 8BITMIME", 1 },
		{ "250-PIPELINING.example.com\r\n250 8BITMIME", 1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink *s = open_sink();

		smtp.ehlo = rows[i].ehlo;
		for (int round = 0; round < 2; round++) {
			smtp.most_in_a_row = 0;
			attempt(s);
			assert_int_equal(result.outcome, SINK_OK);
			assert_int_equal(smtp.most_in_a_row, rows[i].want);
		}
		sink_close(s);
	}
}

/* Nobody is taken and DATA is said yes to: no mail goes out, and nobody is told that it did. */
static void
test_a_mail_for_nobody_is_not_sent(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	smtp.told[0] = (struct told){ "RCPT TO:", "550 no", 3 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_PERMFAIL);
	assert_int_equal(smtp.dots, 0);
	/* The sender is put off: what is said of the recipients then means nothing. */
	smtp.told[0] = (struct told){ "MAIL FROM", "451 later", 1 };
	smtp.told[1] = (struct told){ "RCPT TO:", "503 sender first", 3 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_false(result.is_partial);
	assert_int_equal(smtp.dots, 0);
	smtp.told[1].count = 0;
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(smtp.dots, 1);
	sink_close(s);
}

static const char head[] = "Date: Sat, 22 Aug 2026 11:40:05 +0000\r\n"
			   "From: findingsd <findingsd@example.com>\r\n"
			   "To: a@example.com, Bea <b@example.com>, c@example.com\r\n"
			   "Subject: [MEDIUM] GuardDuty: Tor - 111122223333 us-east-1\r\n"
			   "Message-ID: <fd1-aa-bb-1@example.com>\r\n"
			   "In-Reply-To: <fd1-aa.root@example.com>\r\n"
			   "References: <fd1-aa.root@example.com>\r\n"
			   "Auto-Submitted: auto-generated\r\n"
			   "X-Auto-Response-Suppress: All\r\n"
			   "List-Id: findingsd prod-high <prod-high.findingsd.example.com>\r\n"
			   "Importance: high\r\n"
			   "X-Findingsd-Severity: HIGH\r\n"
			   "X-Findingsd-Change: created\r\n"
			   "X-Findingsd-State: open\r\n"
			   "X-Findingsd-Finding:\r\n"
			   " arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/abc\r\n"
			   "MIME-Version: 1.0\r\n"
			   "Content-Type: multipart/alternative;\r\n"
			   " boundary=\"=_fd_fd1-aa-bb-1\"\r\n"
			   "\r\n"
			   "--=_fd_fd1-aa-bb-1\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: quoted-printable\r\n"
			   "\r\n"
			   "New finding: Tor\r\n";

static void
test_the_bytes(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	attempt(s);
	smtp.data.data[sizeof head - 1] = '\0';
	assert_string_equal(smtp.data.data, head);
	sink_close(s);
}

static void
test_one_refused_recipient_does_not_stop_the_others(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	smtp.told[0] = (struct told){ "RCPT TO:<b@", "550 5.1.1 no such user", 1 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_non_null(strstr(result.answer, "2 of 3 recipients"));
	assert_non_null(strstr(result.answer, "b@example.com (550 5.1.1 no such user)"));
	assert_int_equal(smtp.mails, 1);
	sink_close(s);
}

static void
test_a_recipient_put_off_is_asked_alone_later(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	smtp.told[0] = (struct told){ "RCPT TO:<c@", "451 4.7.1 greylisted", 1 };
	smtp.told[1] = (struct told){ "RCPT TO:<a@", "550 gone", 1 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_true(result.is_partial);
	assert_non_null(strstr(result.answer, "greylisted"));
	assert_string_equal(
		context,
		"{\"done\":[\"b@example.com\"],\"dead\":[[\"a@example.com\",\"550 gone\"]]}");
	smtp.rcpts[0] = '\0';
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_string_equal(smtp.rcpts, "c@example.com ");
	assert_non_null(strstr(smtp.data.data, "Message-ID: <fd1-aa-bb-1@example.com>\r\n"));
	assert_non_null(strstr(result.answer, "a@example.com (550 gone)"));
	sink_close(s);
}

static void
test_all_refused_is_dead_and_all_put_off_is_not(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	smtp.told[0] = (struct told){ "RCPT TO:", "550 no", 3 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_PERMFAIL);
	smtp.told[0] = (struct told){ "RCPT TO:", "452 full", 3 };
	mem_free(context);
	context = NULL;
	attempt(s);
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_false(result.is_partial);
	assert_null(context);
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	sink_close(s);
}

static void
test_lost_after_the_dot_is_repeated_under_the_same_id(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	smtp.told[0] = (struct told){ ".", "DROP", 1 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_null(context);
	assert_non_null(strstr(smtp.data.data, "Message-ID: <fd1-aa-bb-1@example.com>\r\n"));
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(smtp.dots, 2);
	assert_non_null(strstr(smtp.data.data, "Message-ID: <fd1-aa-bb-1@example.com>\r\n"));
	sink_close(s);
}

static void
test_what_each_stage_can_answer(void **state)
{
	static const struct {
		const char *command, *answer;
		enum sink_outcome want;
		bool is_unreached;
	} rows[] = {
		{ "(greeting)", "421 busy", SINK_TEMPFAIL, false },
		{ "(greeting)", "554 go away", SINK_TEMPFAIL, false },
		{ "(greeting)", "DROP", SINK_TEMPFAIL, true },
		{ "MAIL", "421 later", SINK_TEMPFAIL, false },
		{ "MAIL", "550 not from you", SINK_HOLD, false },
		{ "MAIL", "530 5.7.0 login first", SINK_HOLD, false },
		{ "MAIL", "DROP", SINK_TEMPFAIL, false },
		{ "RCPT", "DROP", SINK_TEMPFAIL, false },
		{ "DATA", "451 later", SINK_TEMPFAIL, false },
		{ "DATA", "554 no", SINK_PERMFAIL, false },
		/* answers out of turn: nothing counts as taken whose final dot was not answered */
		{ "DATA", "250 ok", SINK_TEMPFAIL, false },
		{ "DATA", "354 go ahead\r\n250 queued", SINK_TEMPFAIL, false },
		{ "RCPT", "250 ok\r\n354 go\r\n250 queued", SINK_TEMPFAIL, false },
		{ "RCPT", "250 ok\r\n250 ok", SINK_TEMPFAIL, false },
		{ ".", "354 go on", SINK_TEMPFAIL, false },
		{ ".", "421 bye", SINK_TEMPFAIL, false },
		{ ".", "550 spam", SINK_PERMFAIL, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		/* A sink of its own: other attempts' connections do not greet again. */
		struct sink *s;

		(void)snprintf(rig.url, sizeof rig.url, "smtp://127.0.0.1:%d/h%zu", smtp.port, i);
		s = open_sink();
		mem_free(context);
		context = NULL;
		if (rows[i].command[0] == '(')
			for (size_t k = 0; k < LENGTH(smtp.open); k++)
				if (smtp.open[k])
					hang_up(smtp.open[k]);
		rig_turns(&rig, 3);
		smtp.told[0] = (struct told){ rows[i].command, rows[i].answer, 4 };
		attempt(s);
		if (result.outcome != rows[i].want || result.is_unreached != rows[i].is_unreached)
			fail_msg("%s %s: %d unreached=%d \"%s\"", rows[i].command, rows[i].answer,
			         (int)result.outcome, result.is_unreached, result.answer);
		assert_true(result.answer[0] != '\0');
		sink_close(s);
	}
}

/* libcurl's own SMTP would wait inside its call: the loop would not turn until the deadline. */
static void
test_a_server_that_is_silent_stops_nobody_else(void **state)
{
	static const char *const commands[] = { "(greeting)", "MAIL", "RCPT", "DATA", "." };

	(void)state;
	rig.conf.timeout_ms = 300;
	for (size_t i = 0; i < LENGTH(commands); i++) {
		struct sink *s = open_sink();
		char *event = rig_event("abc", "Tor", "d");
		struct notice n = { .event = span_of(event),
			            .message_key = "k",
			            .thread_key = "t",
			            .sink_name = "mail" };
		struct sink_message m = { .now_ms = 1 };
		struct render_view v;
		unsigned turns = 0;
		void *call;

		smtp.told[0] = (struct told){ commands[i], "WAIT", 1 };
		done = 0;
		render_view_init(&v, &n, false);
		m.view = &v;
		assert_int_equal(sink_send(s, &m, on_done, NULL, &call, NULL), 0);
		render_view_done(&v);
		while (!done) {
			loop_turn(rig.loop, 5);
			turns++;
		}
		assert_int_equal(result.outcome, SINK_TEMPFAIL);
		assert_true(turns > 20);
		assert_true(result.answer[0] != '\0');
		mem_free(event);
		sink_close(s);
	}
}

static void
test_no_starttls_no_mail(void **state)
{
	struct sink *s;
	char user[] = "u", password[] = "sesame";

	(void)state;
	rig.conf.tls = CONF_TLS_REQUIRED;
	rig.conf.username.value = user;
	rig.conf.password.value = password;
	s = open_sink();
	attempt(s);
	assert_int_equal(result.outcome, SINK_TEMPFAIL);
	assert_non_null(strstr(result.answer, "STARTTLS"));
	assert_int_equal(smtp.mails, 0);
	assert_string_equal(smtp.rcpts, "");
	sink_close(s);
}

static void
test_a_refused_login_holds_the_sink(void **state)
{
	struct sink *s;
	char user[] = "u", password[] = "sesame";

	(void)state;
	rig.conf.username.value = user;
	rig.conf.password.value = password;
	smtp.told[0] = (struct told){ "AUTH", "535 5.7.8 bad password", 4 };
	s = open_sink();
	attempt(s);
	assert_int_equal(result.outcome, SINK_HOLD);
	assert_non_null(strstr(result.answer, "535 5.7.8 bad password"));
	assert_null(strstr(result.answer, "sesame"));
	smtp.told[0] = (struct told){ "AUTH PLAIN", "334 ", 1 };
	smtp.told[1] = (struct told){ "AHUAc2VzYW1l", "235 welcome", 1 };
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	sink_close(s);
}

static void
test_nothing_left_is_no_mail(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	context = mem_strdup(
		"{\"done\":[\"a@example.com\",\"b@example.com\"],\"dead\":[[\"c@example.com\",\"550 x\"]]}");
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(smtp.connections, 0);
	mem_free(context);
	context = mem_strdup("not json");
	attempt(s);
	assert_int_equal(result.outcome, SINK_OK);
	assert_int_equal(smtp.mails, 1);
	sink_close(s);
}

static void
test_cancel_at_once_and_under_way(void **state)
{
	struct sink *s = open_sink();
	char *event = rig_event("abc", "Tor", "d");
	struct notice n = {
		.event = span_of(event), .message_key = "k", .thread_key = "t", .sink_name = "mail"
	};
	struct sink_message m = { .now_ms = 1 };

	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct render_view v;
		void *call;

		done = 0;
		render_view_init(&v, &n, false);
		m.view = &v;
		assert_int_equal(sink_send(s, &m, on_done, NULL, &call, NULL), 0);
		render_view_done(&v);
		for (int i = 0; i < turns && !done; i++)
			loop_turn(rig.loop, 1);
		if (!done)
			sink_cancel(s, call);
		rig_turns(&rig, 3);
	}
	mem_free(event);
	sink_close(s);
}

static void
test_bad_configurations_are_refused(void **state)
{
	static char bad_url[] = "http://x", no_address[] = "findingsd",
		    evil[] = "a@b\r\nRCPT TO:<x@y>";
	static char *evil_list[] = { evil, NULL };
	struct err e = { 0 };

	(void)state;
	rig.conf.url = bad_url;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.url = rig.url;
	rig.conf.from = no_address;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.from = from;
	rig.conf.to.items = evil_list;
	rig.conf.to.count = 1;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.to.count = 0;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
	rig.conf.to.count = RCPTS_MAX + 1;
	assert_int_equal(sink_check(&rig.conf, &e), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f)                                                            \
	{                                                               \
#f " (pipelining)", f, setup_pipelining, teardown, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_recipients_get_it_over_one_connection),
		T(test_the_bytes),
		T(test_one_refused_recipient_does_not_stop_the_others),
		T(test_a_recipient_put_off_is_asked_alone_later),
		T(test_all_refused_is_dead_and_all_put_off_is_not),
		T(test_lost_after_the_dot_is_repeated_under_the_same_id),
		T(test_what_each_stage_can_answer),
		T(test_a_server_that_is_silent_stops_nobody_else),
		T(test_no_starttls_no_mail),
		T(test_a_refused_login_holds_the_sink),
		T(test_nothing_left_is_no_mail),
		T(test_cancel_at_once_and_under_way),
		T(test_bad_configurations_are_refused),
		T(test_commands_go_together_only_when_offered),
		P(test_a_mail_for_nobody_is_not_sent),
		P(test_all_recipients_get_it_over_one_connection),
		P(test_the_bytes),
		P(test_one_refused_recipient_does_not_stop_the_others),
		P(test_a_recipient_put_off_is_asked_alone_later),
		P(test_all_refused_is_dead_and_all_put_off_is_not),
		P(test_lost_after_the_dot_is_repeated_under_the_same_id),
		P(test_what_each_stage_can_answer),
		P(test_a_server_that_is_silent_stops_nobody_else),
		P(test_cancel_at_once_and_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
