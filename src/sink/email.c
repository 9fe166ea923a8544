/*
 * email: a mail by SMTP, with an outcome for each recipient.
 *
 * Connections are kept and used again (smtplane), up to max_in_flight of them. With tls = "required" nothing is said
 * before STARTTLS has succeeded, also when the server no longer offers it. A refused recipient does not stop the others;
 * who was refused, and for how long, is read from the conversation (smtptalk) and kept with the item (rcpts).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "sink/answer.h"
#include "sink/kinds.h"
#include "sink/mail.h"
#include "sink/mime.h"
#include "sink/plain.h"
#include "sink/rcpts.h"
#include "sink/smtplane.h"

enum { LANES_MAX = 64 };

struct email {
	char *url;   /* with the scheme that tls asks for, and the name for EHLO */
	char *where; /* host and port, for messages */
	char *from;
	char **to; /* bare addresses */
	size_t to_count;
	struct smtplane *idle[LANES_MAX]; /* connections that wait for a mail */
	size_t idle_count;
};

struct email_call {
	struct sink *sink;
	struct smtplane *lane; /* NULL: nothing was left to send */
	struct buf mail;
	struct rcpts rcpts;
	size_t asked[RCPTS_MAX]; /* which of rcpts the transaction asks for, in its order */
	const char *asked_to[RCPTS_MAX];
	size_t asked_count;
	struct smtptalk talk;
	struct err broken;     /* why the conversation broke off; kind ERR_NONE: it did not */
	bool is_second;        /* the first connection was stale */
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

/* The one address of "Name <a@b>" or "a@b", without anything that could begin a line of its own. */
static bool
is_address(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return is_bare_address(mime_address(text));
}

static int
email_check(const struct conf_sink *conf, struct err *e)
{
	if (!str_starts(conf->url, "smtp://") && !str_starts(conf->url, "smtps://"))
		return err_set(e, ERR_CONFIG, "url: has to begin with smtp:// or smtps://");
	if (str_starts(conf->url, "smtps://") && conf->tls != CONF_TLS_IMPLICIT)
		return err_set(e, ERR_CONFIG, "url: smtps:// wants tls = \"implicit\"");
	if (!is_address(conf->from))
		return err_set(e, ERR_CONFIG, "from: \"%.100s\" holds no mail address", conf->from);
	if (conf->to.count == 0)
		return err_set(e, ERR_CONFIG, "to: names nobody");
	if (conf->to.count > RCPTS_MAX)
		return err_set(e, ERR_CONFIG, "to: more than %d recipients; use a mailing list",
		               RCPTS_MAX);
	for (size_t i = 0; i < conf->to.count; i++)
		if (!is_address(conf->to.items[i]))
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

static char *
where_of(const struct conf_sink *conf)
{
	const char *rest = strstr(conf->url, "://") + 3;

	return mem_strndup(rest, strcspn(rest, "/"));
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
	m->where = where_of(conf);
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

	for (size_t i = 0; i < m->idle_count; i++)
		smtplane_close(m->idle[i]);
	for (size_t i = 0; i < m->to_count; i++)
		mem_free(m->to[i]);
	mem_free(m->to);
	mem_free(m->from);
	mem_free(m->where);
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

static void
call_free(void *arg)
{
	struct email_call *call = arg;

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
explain(struct email_call *call, struct sink_result *r)
{
	enum smtptalk_stage stage;
	const struct smtptalk_reply *refusal = smtptalk_last_refusal(&call->talk, &stage);

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
	if (call->broken.kind == ERR_NONE)
		(void)err_temp(&call->broken, ERR_NET,
		               "the mail server ended the conversation early");
	answer_from_err(r, &call->broken);
	r->is_unreached = r->outcome == SINK_TEMPFAIL && call->talk.finals == 0;
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
conclude(struct email_call *call, struct sink_result *r)
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
		explain(call, r);
		r->is_partial = r->outcome == SINK_TEMPFAIL && left < left_before;
		(void)buf_add_str(&text, r->answer);
	}
	if (left < call->rcpts.count)
		add_counts(call, &text);
	plain_answer(text.data, text.len, r->answer, sizeof r->answer);
	/* The final dot is out, and not answered: those that it went to may have it. */
	r->is_lost = r->outcome == SINK_TEMPFAIL && call->talk.stage == SMTPTALK_BODY &&
	             call->talk.is_awaited;
	if (left && left < left_before) {
		size_t len;

		rcpts_write(&call->rcpts, &context);
		r->context = buf_take(&context, &len);
	}
	buf_done(&text);
	buf_done(&context);
}

static void
finish(struct email_call *call)
{
	struct sink_result r = { 0 };

	conclude(call, &r);
	tell_steps(call, &r);
	call->on_done(&r, call->arg);
	mem_free(r.context);
	call_free(call);
}

/* A connection that waits, or a new one. */
static struct smtplane *
take_lane(struct email_call *call)
{
	const struct conf_sink *conf = sink_conf(call->sink);
	const struct sink_env *env = sink_env_of(call->sink);
	struct email *m = sink_state(call->sink);
	struct smtplane_options o = {
		.loop = env->loop,
		.xfer = env->xfer,
		.url = m->url,
		.where = m->where,
		.tls = conf->tls == CONF_TLS_NONE ? SMTPLANE_NONE : SMTPLANE_REQUIRED,
		.username = conf->username.value,
		.password = conf->password.value,
		.ca_file = conf->ca_file,
		.proxy = conf->proxy,
	};

	while (m->idle_count && !call->is_second) {
		struct smtplane *lane = m->idle[--m->idle_count];

		if (smtplane_is_usable(lane))
			return lane;
		smtplane_close(lane);
	}
	return smtplane_new(&o);
}

static void
give_lane(struct email *m, struct smtplane *lane)
{
	if (smtplane_is_usable(lane) && m->idle_count < LANES_MAX)
		m->idle[m->idle_count++] = lane;
	else
		smtplane_close(lane);
}

static void talk(struct email_call *call);

static void
on_talked(struct smtplane *lane, const struct err *broken, bool is_stale, void *arg)
{
	struct email_call *call = arg;

	call->lane = NULL;
	if (is_stale && !call->is_second) {
		/* The server had closed a connection that we kept: nothing of this mail was said. */
		smtplane_close(lane);
		call->is_second = true;
		talk(call);
		return;
	}
	if (broken)
		call->broken = *broken;
	give_lane(sink_state(call->sink), lane);
	finish(call);
}

static void
talk(struct email_call *call)
{
	const struct email *m = sink_state(call->sink);
	struct smtplane_mail mail = {
		.from = m->from,
		.to = call->asked_to,
		.to_count = call->asked_count,
		.bytes = { call->mail.data, call->mail.len },
		.timeout_ms = sink_conf(call->sink)->timeout_ms,
		.talk = &call->talk,
	};

	smtptalk_init(&call->talk, call->asked_count);
	call->lane = take_lane(call);
	smtplane_send(call->lane, &mail, on_talked, call);
}

/* Everybody has it, or is refused: an earlier attempt was not recorded as such. */
static void
on_nothing_left(void *arg)
{
	struct email_call *call = arg;

	if (call->on_done)
		finish(call);
	else
		call_free(call);
}

static void
ask_for(struct email_call *call, size_t i)
{
	call->asked_to[call->asked_count] = call->rcpts.items[i].address;
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
	buf_init(&call->mail, 0);
	*ret_call = call;
	if (call->asked_count == 0) {
		loop_later(env->loop, on_nothing_left, call);
		return 0;
	}
	mail_write(sink_conf(sink), msg->view, msg->room, &call->mail);
	talk(call);
	return 0;
}

static void
email_cancel(void *arg)
{
	struct email_call *call = arg;

	call->on_done = NULL;
	if (!call->lane)
		return;
	smtplane_close(call->lane);
	call_free(call);
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
