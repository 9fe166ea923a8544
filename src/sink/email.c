/*
 * email: a mail by SMTP, with an outcome for each recipient.
 *
 * libcurl speaks SMTP on the loop's multi; connections are reused. With tls = "required" nothing is said before
 * STARTTLS has succeeded, also when the server no longer offers it. Refused recipients do not stop the others
 * (MAIL_RCPT_ALLLOWFAILS); who was refused, and for how long, is read from the conversation (smtptalk).
 */
#include "config.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "sink/answer.h"
#include "sink/kinds.h"
#include "sink/mail.h"
#include "sink/mime.h"
#include "sink/plain.h"
#include "sink/rcpts.h"
#include "sink/smtptalk.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

struct email {
	char *url; /* with the scheme that tls asks for, and the name for EHLO */
	char *from;
	char **to; /* bare addresses */
	size_t to_count;
};

struct email_call {
	struct sink *sink;
	CURL *easy; /* NULL: nothing was left to send */
	struct curl_slist *rcpt_list;
	struct buf mail;
	size_t mail_at;
	struct rcpts rcpts;
	size_t asked[RCPTS_MAX]; /* which of rcpts the transaction asks for, in its order */
	size_t asked_count;
	struct smtptalk talk;
	char errbuf[CURL_ERROR_SIZE];
	sink_done_fn *on_done; /* NULL: cancelled */
	void *arg;
	sink_step_fn *on_step;
	void *step_arg;
};

static bool
is_bare_address(struct span a)
{
	const char *at = memrchr(a.p, '@', a.len);

	if (!at || at == a.p || at + 1 == a.p + a.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if ((unsigned char)a.p[i] <= 0x20 || (unsigned char)a.p[i] >= 0x7f ||
		    strchr("<>,;\"\\()", a.p[i]))
			return false;
	return true;
}

static int
email_check(const struct conf_sink *conf, struct err *e)
{
	if (!str_starts(conf->url, "smtp://") && !str_starts(conf->url, "smtps://"))
		return err_set(e, ERR_CONFIG, "url: has to begin with smtp:// or smtps://");
	if (str_starts(conf->url, "smtps://") && conf->tls != CONF_TLS_IMPLICIT)
		return err_set(e, ERR_CONFIG, "url: smtps:// wants tls = \"implicit\"");
	if (!is_bare_address(mime_address(conf->from)))
		return err_set(e, ERR_CONFIG, "from: \"%.100s\" holds no mail address", conf->from);
	if (conf->to.count == 0)
		return err_set(e, ERR_CONFIG, "to: names nobody");
	if (conf->to.count > RCPTS_MAX)
		return err_set(e, ERR_CONFIG, "to: more than %d recipients; use a mailing list",
		               RCPTS_MAX);
	for (size_t i = 0; i < conf->to.count; i++)
		if (!is_bare_address(mime_address(conf->to.items[i])))
			return err_set(e, ERR_CONFIG, "to: \"%.100s\" holds no mail address",
			               conf->to.items[i]);
	if (conf->password.value[0] && !conf->username.value[0])
		return err_set(e, ERR_CONFIG, "password: needs username too");
	return 0;
}

/* SCHEME://HOST:PORT/NAME: libcurl says EHLO NAME. */
static char *
url_of(const struct sink_env *env, const struct conf_sink *conf)
{
	const char *rest = strstr(conf->url, "://") + 3;
	size_t len = strcspn(rest, "/");
	char name[256] = "localhost";

	if (env->host_name)
		(void)snprintf(name, sizeof name, "%s", env->host_name);
	else if (gethostname(name, sizeof name - 1))
		(void)snprintf(name, sizeof name, "localhost");
	if (rest[len] == '/' && rest[len + 1])
		(void)snprintf(name, sizeof name, "%s", rest + len + 1);
	return mem_printf("%s://%.*s/%s", conf->tls == CONF_TLS_IMPLICIT ? "smtps" : "smtp",
	                  (int)len, rest, name);
}

static int
email_open(const struct sink_env *env, const struct conf_sink *conf, void **ret_state,
           struct err *e)
{
	struct email *m;

	if (email_check(conf, e))
		return -1;
	m = mem_zalloc(sizeof *m);
	m->url = url_of(env, conf);
	m->from = span_dup(mime_address(conf->from));
	m->to = mem_calloc(conf->to.count, sizeof *m->to);
	m->to_count = conf->to.count;
	for (size_t i = 0; i < m->to_count; i++)
		m->to[i] = span_dup(mime_address(conf->to.items[i]));
	*ret_state = m;
	return 0;
}

static void
email_close(void *state)
{
	struct email *m = state;

	for (size_t i = 0; i < m->to_count; i++)
		mem_free(m->to[i]);
	mem_free(m->to);
	mem_free(m->from);
	mem_free(m->url);
	mem_free(m);
}

/* What people see of it: the text part. */
static enum render_room
email_render(const struct conf_sink *conf, const struct render_view *view, enum render_room room,
             struct buf *out)
{
	(void)conf;
	render_text(view, room, out);
	return room;
}

static size_t
on_read(char *p, size_t size, size_t count, void *arg)
{
	struct email_call *call = arg;
	size_t n = call->mail.len - call->mail_at;

	if (n > size * count)
		n = size * count;
	memcpy(p, call->mail.data + call->mail_at, n);
	call->mail_at += n;
	return n;
}

static int
on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct email_call *call = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_IN)
		smtptalk_received(&call->talk, (struct span){ data, len });
	else if (type == CURLINFO_HEADER_OUT)
		smtptalk_sent(&call->talk, (struct span){ data, len });
	return 0;
}

static void
call_free(void *arg)
{
	struct email_call *call = arg;

	curl_slist_free_all(call->rcpt_list);
	buf_done(&call->mail);
	mem_free(call);
}

static void
tell_step(const struct email_call *call, const char *name, bool is_ok, const char *text)
{
	struct sink_step step = { .name = name, .is_ok = is_ok };

	(void)snprintf(step.text, sizeof step.text, "%s", text);
	call->on_step(&step, call->step_arg);
}

/* The conversation, stage by stage, for `sink test`. */
static void
tell_steps(const struct email_call *call, const struct sink_result *r)
{
	if (!call->on_step)
		return;
	for (int s = SMTPTALK_GREETING; s < SMTPTALK_QUIT; s++) {
		const struct smtptalk_reply *reply = &call->talk.replies[s];

		if (s == SMTPTALK_RCPT) {
			for (size_t i = 0; i < call->asked_count; i++) {
				const struct smtptalk_reply *one = &call->talk.rcpt[i];
				char text[SINK_ANSWER_BYTES];

				(void)snprintf(text, sizeof text, "%s: %s",
				               call->rcpts.items[call->asked[i]].address,
				               one->text);
				if (one->code)
					tell_step(call, smtptalk_stage_name(SMTPTALK_RCPT),
					          one->code < 400, text);
			}
		} else if (reply->code) {
			tell_step(call, smtptalk_stage_name((enum smtptalk_stage)s),
			          reply->code < 400, reply->text);
		}
	}
	tell_step(call, "result", r->outcome == SINK_OK, r->answer);
}

/* Sort each recipient that was asked; returns the last reply that put one off, or NULL. */
static const struct smtptalk_reply *
sort_recipients(struct email_call *call)
{
	const struct smtptalk_reply *put_off = NULL, *reply;

	for (size_t i = 0; i < call->asked_count; i++) {
		switch (smtptalk_rcpt_outcome(&call->talk, i, &reply)) {
		case SINK_OK:
			rcpts_set(&call->rcpts, call->asked[i], RCPT_DONE, "");
			break;
		case SINK_PERMFAIL:
			rcpts_set(&call->rcpts, call->asked[i], RCPT_DEAD, reply->text);
			break;
		case SINK_TEMPFAIL:
		case SINK_HOLD:
			put_off = reply ? reply : put_off;
			break;
		}
	}
	return put_off;
}

/* The trouble in words when nobody could be asked: the server's own, else the network's. */
static void
explain(struct email_call *call, CURLcode code, struct sink_result *r)
{
	enum smtptalk_stage stage;
	const struct smtptalk_reply *refusal = smtptalk_last_refusal(&call->talk, &stage);
	struct err e = { 0 };

	if (refusal) {
		r->outcome = smtptalk_session_outcome(&call->talk);
		if (r->outcome == SINK_OK)
			r->outcome = SINK_TEMPFAIL;
		r->status = refusal->code;
		(void)snprintf(r->answer, sizeof r->answer, "SMTP %s: %s%s",
		               smtptalk_stage_name(stage), refusal->text,
		               r->outcome == SINK_HOLD
		                       ? " (check username, password and from of this sink)"
		                       : "");
		return;
	}
	(void)xfer_explain(call->easy, code, call->errbuf, "the mail server", &e);
	answer_from_err(r, &e);
	if (code == CURLE_USE_SSL_FAILED) {
		/* Perhaps someone on the way takes STARTTLS out of the offer: never in clear, and again later. */
		r->outcome = SINK_TEMPFAIL;
		(void)snprintf(
			r->answer, sizeof r->answer,
			"the server offers no STARTTLS and tls = \"required\": nothing was sent");
	}
	r->is_unreached =
		r->outcome == SINK_TEMPFAIL && call->talk.replies[SMTPTALK_GREETING].code == 0;
}

static void
add_counts(const struct email_call *call, struct buf *text)
{
	size_t done = rcpts_count(&call->rcpts, RCPT_DONE);

	(void)buf_printf(text, " (%zu of %zu recipients have it)", done, call->rcpts.count);
	rcpts_tell_dead(&call->rcpts, text, 250);
}

/* The outcome of the whole mail, from those of its recipients. */
static void
conclude(struct email_call *call, CURLcode code, struct sink_result *r)
{
	size_t left_before = rcpts_count(&call->rcpts, RCPT_LEFT), left;
	const struct smtptalk_reply *put_off = sort_recipients(call);
	const struct smtptalk_reply *body = &call->talk.replies[SMTPTALK_BODY];
	struct buf text, context;

	left = rcpts_count(&call->rcpts, RCPT_LEFT);
	buf_init(&text, 0);
	buf_init(&context, 0);
	if (left == 0 && rcpts_count(&call->rcpts, RCPT_DONE)) {
		r->outcome = SINK_OK;
		r->status = body->code;
		(void)snprintf(r->reference, sizeof r->reference, "%.150s", body->text);
		(void)buf_printf(&text, "SMTP %s", body->code ? body->text : "done before");
	} else if (left == 0) {
		r->outcome = SINK_PERMFAIL;
		r->status = call->asked_count ? call->talk.rcpt[0].code : 0;
		(void)buf_add_str(&text, "SMTP: every recipient was refused");
	} else if (put_off && smtptalk_session_outcome(&call->talk) == SINK_OK) {
		r->outcome = SINK_TEMPFAIL;
		r->status = put_off->code;
		r->is_partial = left < left_before;
		(void)buf_printf(&text, "SMTP: put off: %s", put_off->text);
	} else {
		explain(call, code, r);
		r->is_partial = r->outcome == SINK_TEMPFAIL && left < left_before;
		(void)buf_add_str(&text, r->answer);
	}
	if (left < call->rcpts.count)
		add_counts(call, &text);
	plain_answer(text.data, text.len, r->answer, sizeof r->answer);
	if (left && left < left_before) {
		size_t len;

		rcpts_write(&call->rcpts, &context);
		r->context = buf_take(&context, &len);
	}
	buf_done(&text);
	buf_done(&context);
}

static void
finish(struct email_call *call, CURLcode code)
{
	struct sink_result r = { 0 };

	conclude(call, code, &r);
	tell_steps(call, &r);
	call->on_done(&r, call->arg);
	mem_free(r.context);
	call_free(call);
}

static void
on_xfer(CURL *easy, CURLcode code, void *arg)
{
	(void)easy;
	finish(arg, code);
}

/* Everybody has it, or is refused: an earlier attempt was not recorded as such. */
static void
on_nothing_left(void *arg)
{
	struct email_call *call = arg;

	if (call->on_done)
		finish(call, CURLE_OK);
	else
		call_free(call);
}

static void
set_options(struct email_call *call, const struct conf_sink *conf, const struct email *m)
{
	CURL *h = call->easy;

	curl_easy_setopt(h, CURLOPT_URL, m->url);
	curl_easy_setopt(h, CURLOPT_USE_SSL,
	                 (long)(conf->tls == CONF_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(h, CURLOPT_MAIL_FROM, m->from);
	curl_easy_setopt(h, CURLOPT_MAIL_RCPT, call->rcpt_list);
	curl_easy_setopt(h, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(h, CURLOPT_READDATA, call);
	curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->mail.len);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, call->errbuf);
	/* The conversation: see smtptalk. */
	curl_easy_setopt(h, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(h, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(h, CURLOPT_DEBUGDATA, call);
	if (conf->username.value[0]) {
		curl_easy_setopt(h, CURLOPT_USERNAME, conf->username.value);
		curl_easy_setopt(h, CURLOPT_PASSWORD, conf->password.value);
	}
	if (conf->ca_file[0])
		curl_easy_setopt(h, CURLOPT_CAINFO, conf->ca_file);
	if (conf->proxy[0]) {
		curl_easy_setopt(h, CURLOPT_PROXY, conf->proxy);
		curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	}
}

static void
ask_for(struct email_call *call, size_t i)
{
	struct curl_slist *longer =
		curl_slist_append(call->rcpt_list, call->rcpts.items[i].address);

	/* Out of memory ends the process elsewhere; here the recipient is simply left for the next attempt. */
	if (!longer)
		return;
	call->rcpt_list = longer;
	call->asked[call->asked_count++] = i;
}

static int
email_send(struct sink *sink, const struct sink_message *msg, sink_done_fn *on_done, void *arg,
           void **ret_call, struct err *e)
{
	const struct email *m = sink_state(sink);
	const struct sink_env *env = sink_env_of(sink);
	struct email_call *call = mem_zalloc(sizeof *call);

	(void)e;
	call->sink = sink;
	call->on_done = on_done;
	call->arg = arg;
	call->on_step = msg->on_step;
	call->step_arg = msg->step_arg;
	rcpts_init(&call->rcpts, (const char *const *)m->to, m->to_count, msg->context);
	for (size_t i = 0; i < call->rcpts.count; i++)
		if (call->rcpts.items[i].state == RCPT_LEFT)
			ask_for(call, i);
	smtptalk_init(&call->talk, call->asked_count);
	buf_init(&call->mail, 0);
	*ret_call = call;
	if (call->asked_count == 0) {
		loop_later(env->loop, on_nothing_left, call);
		return 0;
	}
	mail_write(sink_conf(sink), msg->view, msg->room, &call->mail);
	call->easy = xfer_easy(env->xfer);
	set_options(call, sink_conf(sink), m);
	xfer_add(env->xfer, call->easy, sink_conf(sink)->timeout_ms, on_xfer, call);
	return 0;
}

static void
email_cancel(void *arg)
{
	struct email_call *call = arg;

	call->on_done = NULL;
	if (call->easy)
		xfer_remove(sink_env_of(call->sink)->xfer, call->easy, call_free);
}

const struct sink_kind sink_kind_email = {
	.name = "email",
	.help = "mail by SMTP, text and HTML",
	.formats = "text",
	.check = email_check,
	.open = email_open,
	.close = email_close,
	.render = email_render,
	.send = email_send,
	.cancel = email_cancel,
};
