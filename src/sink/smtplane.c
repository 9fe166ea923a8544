/*
 * smtplane: one connection to a mail server, used for one mail after the other.
 *
 *	NEW --smtplane_send--> CONNECTING --connected--> TALKING --last answer--> IDLE --smtplane_send--> TALKING
 *	CONNECTING, TALKING, IDLE --error, deadline, 421, unasked for bytes--> BROKEN --smtplane_close--> (freed)
 *
 * Ways out on time: CONNECTING and TALKING by the mail's deadline, IDLE after IDLE_MS.
 * Source: RFC 5321 sections 3.3, 4.1.1, 4.5.2; libcurl's CURLOPT_CONNECT_ONLY.
 */
#include "config.h"

#include "sink/smtplane.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/xfer.h"

enum { LANE_MAGIC = 0x4c616e65, IDLE_MS = 30000, CONNECT_MS = 10000, READ_ROUNDS = 64 };

enum lane_state { LANE_NEW, LANE_CONNECTING, LANE_TALKING, LANE_IDLE, LANE_BROKEN, LANE_CLOSED };

struct smtplane {
	unsigned magic;
	enum lane_state state;
	struct loop *loop;
	struct xfer *xfer;
	CURL *easy; /* NULL: not connected, nor connecting */
	char *url, *where, *username, *password, *ca_file, *proxy;
	enum smtplane_tls tls;
	char errbuf[CURL_ERROR_SIZE];
	int fd;
	struct watch *watch;
	short watched; /* WATCH_* */
	struct timer *timer;
	/* TALKING: */
	struct smtplane_mail mail;
	smtplane_done_fn *on_done;
	void *arg;
	bool is_reused;
	bool is_pipelining; /* offered on this connection */
	unsigned finals_at_start;
	size_t rcpt_at;
	struct buf out;
	size_t out_at;
};

static void lane_step(struct smtplane *l);
static void lane_on_ready(int fd, short events, void *arg);

/* Watch the socket for these events, and no others. */
static void
lane_watch(struct smtplane *l, short events)
{
	if (l->watched == events)
		return;
	watch_free(l->watch);
	l->watch = events ? loop_watch_fd(l->loop, l->fd, events, lane_on_ready, l) : NULL;
	l->watched = events;
}

/* Tell the mail's owner, once. */
static void
lane_finish(struct smtplane *l, const struct err *broken, bool is_reusable)
{
	smtplane_done_fn *on_done = l->on_done;
	bool is_stale = broken && l->is_reused && l->mail.talk->finals == l->finals_at_start &&
	                broken->kind != ERR_TIMEOUT;

	l->on_done = NULL;
	buf_clear(&l->out);
	l->out_at = 0;
	if (!is_reusable) {
		l->state = LANE_BROKEN;
		lane_watch(l, 0);
		timer_stop(l->timer);
	} else {
		l->state = LANE_IDLE;
		l->is_reused = true;
		lane_watch(l, WATCH_READ);
		timer_set(l->timer, IDLE_MS);
	}
	on_done(l, broken, is_stale, l->arg);
}

static void
lane_break(struct smtplane *l, enum err_kind kind, const char *what)
{
	struct err e = { 0 };

	(void)err_temp(&e, kind, "%s: %s (waiting for the answer to %s)", l->where, what,
	               smtptalk_stage_name(l->mail.talk->stage));
	lane_finish(l, &e, false);
}

static void
lane_on_timer(void *arg)
{
	struct smtplane *l = arg;

	assert(l->magic == LANE_MAGIC);
	if (l->state == LANE_TALKING) {
		lane_break(l, ERR_TIMEOUT, "no answer in time");
	} else if (l->state == LANE_IDLE) {
		l->state = LANE_BROKEN;
		lane_watch(l, 0);
	}
}

/* ---- bytes ---- */

/* Send what waits. false: the connection broke, and the owner was told. */
static bool
lane_flush(struct smtplane *l)
{
	while (l->out_at < l->out.len) {
		size_t n = 0;
		CURLcode rc = curl_easy_send(l->easy, l->out.data + l->out_at,
		                             l->out.len - l->out_at, &n);

		if (rc == CURLE_AGAIN)
			break;
		if (rc != CURLE_OK) {
			lane_break(l, ERR_NET, "the connection broke");
			return false;
		}
		l->out_at += n;
		if (l->out_at == l->out.len && l->mail.talk->stage == SMTPTALK_BODY)
			smtptalk_sent_dot(l->mail.talk);
	}
	lane_watch(l, l->out_at < l->out.len ? WATCH_READ | WATCH_WRITE : WATCH_READ);
	return true;
}

static void
lane_say(struct smtplane *l, const char *verb, const char *address)
{
	size_t start;

	buf_clear(&l->out);
	l->out_at = 0;
	start = l->out.len;
	(void)buf_add_str(&l->out, verb);
	if (address)
		(void)buf_printf(&l->out, ":<%s>", address);
	(void)buf_add_str(&l->out, "\r\n");
	smtptalk_sent(l->mail.talk, (struct span){ l->out.data + start, l->out.len - start });
}

/* All that stands before the mail, in one go: RFC 2920 section 3.1 has DATA end such a group. */
static void
lane_say_group(struct smtplane *l)
{
	buf_clear(&l->out);
	l->out_at = 0;
	(void)buf_printf(&l->out, "MAIL FROM:<%s>\r\n", l->mail.from);
	for (size_t i = 0; i < l->mail.to_count; i++)
		(void)buf_printf(&l->out, "RCPT TO:<%s>\r\n", l->mail.to[i]);
	(void)buf_add_str(&l->out, "DATA\r\n");
	smtptalk_sent_group(l->mail.talk);
}

/* The mail with its dots doubled and the final one. */
static void
lane_say_mail(struct smtplane *l)
{
	struct span m = l->mail.bytes;

	buf_clear(&l->out);
	l->out_at = 0;
	while (m.len) {
		const char *end = memchr(m.p, '\n', m.len);
		size_t len = end ? (size_t)(end - m.p) + 1 : m.len;

		if (m.p[0] == '.')
			(void)buf_add_char(&l->out, '.');
		(void)buf_add(&l->out, m.p, len);
		m = (struct span){ m.p + len, m.len - len };
	}
	(void)buf_add_str(&l->out, ".\r\n");
}

/* ---- the conversation ---- */

/* The server has answered: say what comes next. */
static void
lane_next(struct smtplane *l)
{
	struct smtptalk *t = l->mail.talk;
	int code = t->replies[t->stage].code;

	if (t->ahead > 0 || (t->is_group && t->is_awaited))
		return; /* more of the group is to be answered */
	switch (t->stage) {
	case SMTPTALK_MAIL:
		if (code / 100 != 2)
			break;
		lane_say(l, "RCPT TO", l->mail.to[l->rcpt_at++]);
		return;
	case SMTPTALK_RCPT:
		if (code == 421)
			break;
		if (l->rcpt_at < l->mail.to_count) {
			lane_say(l, "RCPT TO", l->mail.to[l->rcpt_at++]);
			return;
		}
		if (!smtptalk_is_anyone_taken(t))
			break;
		lane_say(l, "DATA", NULL);
		return;
	case SMTPTALK_BODY:
		/* 354 moves the stage from DATA to BODY: what was answered is still DATA. */
		if (t->replies[SMTPTALK_BODY].code == 0) {
			if (!smtptalk_is_anyone_taken(t))
				break;
			lane_say_mail(l);
			return;
		}
		if (code / 100 == 2) {
			lane_finish(l, NULL, true);
			return;
		}
		break;
	case SMTPTALK_GREETING:
	case SMTPTALK_EHLO:
	case SMTPTALK_STARTTLS:
	case SMTPTALK_AUTH:
	case SMTPTALK_DATA:
	case SMTPTALK_QUIT:
	case SMTPTALK_STAGES:
		break;
	}
	/* Short of being taken: the server still holds half of this mail, so its connection is not used again. */
	lane_finish(l, NULL, false);
}

static void
lane_begin(struct smtplane *l)
{
	l->state = LANE_TALKING;
	l->rcpt_at = 0;
	l->finals_at_start = l->mail.talk->finals;
	if (l->is_pipelining)
		lane_say_group(l);
	else
		lane_say(l, "MAIL FROM", l->mail.from);
	lane_step(l);
}

/* Write, read, and go on while there is something to read. The owner may close the lane within. */
static void
lane_step(struct smtplane *l)
{
	char bytes[4096];

	if (!lane_flush(l))
		return;
	for (int round = 0; round < READ_ROUNDS && l->state == LANE_TALKING; round++) {
		unsigned finals = l->mail.talk->finals;
		size_t n = 0;
		CURLcode rc = curl_easy_recv(l->easy, bytes, sizeof bytes, &n);

		if (rc == CURLE_AGAIN)
			return;
		if (rc != CURLE_OK || n == 0) {
			lane_break(l, ERR_NET, "the server closed the connection");
			return;
		}
		smtptalk_received(l->mail.talk, (struct span){ bytes, n });
		if (l->mail.talk->finals == finals)
			continue;
		if (l->mail.talk->is_out_of_turn ||
		    (l->out_at < l->out.len && l->mail.talk->stage != SMTPTALK_BODY &&
		     !l->mail.talk->is_group)) {
			lane_break(l, ERR_NET, "the server answers out of turn");
			return;
		}
		lane_next(l);
		if (l->state == LANE_TALKING && !lane_flush(l))
			return;
	}
}

static void
lane_on_ready(int fd, short events, void *arg)
{
	struct smtplane *l = arg;

	(void)fd;
	(void)events;
	assert(l->magic == LANE_MAGIC);
	if (l->state == LANE_TALKING) {
		lane_step(l);
	} else if (l->state == LANE_IDLE) {
		/* It hangs up, or says so (421): either way not for us any more. */
		l->state = LANE_BROKEN;
		lane_watch(l, 0);
		timer_stop(l->timer);
	}
}

/* ---- connecting ---- */

static int
lane_on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct smtplane *l = arg;

	(void)easy;
	if (l->state != LANE_CONNECTING)
		return 0;
	if (type == CURLINFO_HEADER_IN)
		smtptalk_received(l->mail.talk, (struct span){ data, len });
	else if (type == CURLINFO_HEADER_OUT)
		smtptalk_sent(l->mail.talk, (struct span){ data, len });
	return 0;
}

static void
lane_on_connected(CURL *easy, CURLcode code, void *arg)
{
	struct smtplane *l = arg;
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct err e = { 0 };

	assert(l->magic == LANE_MAGIC);
	if (code != CURLE_OK) {
		(void)xfer_explain(easy, code, l->errbuf, l->where, &e);
		if (code == CURLE_USE_SSL_FAILED)
			/* Perhaps someone on the way takes STARTTLS out of the offer: never in clear, and again later. */
			(void)err_temp(
				&e, ERR_NET,
				"%s offers no STARTTLS and tls = \"required\": nothing was sent",
				l->where);
		l->easy = NULL;
		lane_finish(l, &e, false);
		return;
	}
	(void)curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		lane_break(l, ERR_NET, "the connection is gone");
		return;
	}
	l->fd = fd;
	l->is_pipelining = l->mail.talk->offers_pipelining;
	timer_set(l->timer, l->mail.timeout_ms);
	lane_begin(l);
}

static void
lane_connect(struct smtplane *l)
{
	CURL *h = xfer_easy(l->xfer);

	l->state = LANE_CONNECTING;
	l->easy = h;
	(void)curl_easy_setopt(h, CURLOPT_URL, l->url);
	(void)curl_easy_setopt(h, CURLOPT_USE_SSL,
	                       (long)(l->tls == SMTPLANE_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	(void)curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, l->errbuf);
	/* The conversation: see smtptalk. Nothing of it is kept but verbs and replies. */
	(void)curl_easy_setopt(h, CURLOPT_VERBOSE, 1L);
	(void)curl_easy_setopt(h, CURLOPT_DEBUGFUNCTION, lane_on_debug);
	(void)curl_easy_setopt(h, CURLOPT_DEBUGDATA, l);
	if (l->username[0]) {
		(void)curl_easy_setopt(h, CURLOPT_USERNAME, l->username);
		(void)curl_easy_setopt(h, CURLOPT_PASSWORD, l->password);
	}
	if (l->ca_file[0])
		(void)curl_easy_setopt(h, CURLOPT_CAINFO, l->ca_file);
	if (l->proxy[0]) {
		(void)curl_easy_setopt(h, CURLOPT_PROXY, l->proxy);
		(void)curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	}
	xfer_connect(l->xfer, h, l->mail.timeout_ms, lane_on_connected, l);
}

/* ---- public ---- */

struct smtplane *
smtplane_new(const struct smtplane_options *o)
{
	struct smtplane *l = mem_zalloc(sizeof *l);

	l->magic = LANE_MAGIC;
	l->loop = o->loop;
	l->xfer = o->xfer;
	l->url = mem_strdup(o->url);
	l->where = mem_strdup(o->where);
	l->username = mem_strdup(o->username);
	l->password = mem_strdup(o->password);
	l->ca_file = mem_strdup(o->ca_file);
	l->proxy = mem_strdup(o->proxy);
	l->tls = o->tls;
	l->fd = -1;
	l->timer = timer_new(o->loop, lane_on_timer, l);
	buf_init(&l->out, 0);
	return l;
}

static void
lane_free(void *arg)
{
	struct smtplane *l = arg;

	l->magic = 0;
	timer_free(l->timer);
	mem_free(l->url);
	mem_free(l->where);
	mem_free(l->username);
	mem_free_secret(l->password);
	mem_free(l->ca_file);
	mem_free(l->proxy);
	buf_done(&l->out);
	mem_free(l);
}

void
smtplane_close(struct smtplane *l)
{
	size_t n;

	if (!l)
		return;
	assert(l->magic == LANE_MAGIC && l->state != LANE_CLOSED);
	l->on_done = NULL;
	timer_stop(l->timer);
	lane_watch(l, 0);
	if (l->fd >= 0) {
		if (l->state == LANE_IDLE)
			(void)curl_easy_send(l->easy, "QUIT\r\n", 6, &n);
		/* See xfer_connect: libcurl must not wait for an answer to a QUIT of its own. */
		(void)shutdown(l->fd, SHUT_RDWR);
	}
	l->state = LANE_CLOSED;
	if (l->easy)
		xfer_remove(l->xfer, l->easy, lane_free);
	else
		loop_later(l->loop, lane_free, l);
}

bool
smtplane_is_usable(const struct smtplane *l)
{
	return l->state == LANE_NEW || l->state == LANE_IDLE;
}

static void
lane_on_later(void *arg)
{
	struct smtplane *l = arg;

	/* Closed meanwhile: its memory goes behind this in the queue. */
	if (l->state == LANE_TALKING)
		lane_begin(l);
}

void
smtplane_send(struct smtplane *l, const struct smtplane_mail *mail, smtplane_done_fn *on_done,
              void *arg)
{
	assert(l->magic == LANE_MAGIC && smtplane_is_usable(l) && mail->to_count > 0);
	l->mail = *mail;
	l->on_done = on_done;
	l->arg = arg;
	if (l->state == LANE_NEW) {
		lane_connect(l);
		return;
	}
	l->state = LANE_TALKING;
	l->finals_at_start = mail->talk->finals;
	timer_set(l->timer, mail->timeout_ms);
	loop_later(l->loop, lane_on_later, l);
}
