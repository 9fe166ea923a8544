/*
 * webhook: POST to a receiver, signed as Standard Webhooks 1.0.0 says.
 *
 * The id is the message key: the same over retries, restarts and replays. The timestamp, and so the signature, is that
 * of the attempt. Redirects are not followed. Any 2xx status means taken, also when the rest of the answer is lost.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/http.h"
#include "net/pace.h"
#include "sink/answer.h"
#include "sink/hooksign.h"
#include "sink/kinds.h"
#include "sink/plain.h"
#include "sink/preset.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	ANSWER_MAX_BYTES = 64 * 1024,
	OWN_HEADERS = 12,
};

struct webhook {
	struct hooksign sign;
	bool is_signed;
	char *authorization; /* NULL = none */
};

struct webhook_call {
	struct http *http;
	sink_done_fn *on_done;
	void *arg;
	bool can_shrink; /* a smaller body than this one exists */
	sink_step_fn *on_step;
	void *step_arg;
};

static int
webhook_check(const struct conf_sink *conf, struct err *e)
{
	struct hooksign sign;

	if (!str_starts(conf->url, "https://") && !str_starts(conf->url, "http://"))
		return err_set(e, ERR_CONFIG, "url: has to begin with https:// or http://");
	if (conf->secret.value[0]) {
		if (hooksign_init(&sign, conf->secret.value, e))
			return -1;
		hooksign_done(&sign);
	}
	if (conf->auth == CONF_AUTH_BEARER && !conf->token.value[0])
		return err_set(e, ERR_CONFIG, "auth = \"bearer\" needs token");
	if (conf->auth == CONF_AUTH_BASIC && !conf->username.value[0])
		return err_set(e, ERR_CONFIG, "auth = \"basic\" needs username and password");
	return 0;
}

static char *
authorization_of(const struct conf_sink *conf)
{
	struct buf pair, out;
	size_t len;

	if (conf->auth == CONF_AUTH_NONE)
		return NULL;
	if (conf->auth == CONF_AUTH_BEARER)
		return mem_printf("Bearer %s", conf->token.value);
	buf_init(&pair, 0);
	buf_init(&out, 0);
	(void)buf_printf(&pair, "%s:%s", conf->username.value, conf->password.value);
	(void)buf_add_str(&out, "Basic ");
	digest_base64(pair.data, pair.len, &out);
	buf_done_secret(&pair);
	return buf_take(&out, &len);
}

static int
webhook_open(const struct sink_env *env, const struct conf_sink *conf, void **ret_state,
             struct err *e)
{
	struct webhook *w = mem_zalloc(sizeof *w);

	(void)env;
	if (conf->secret.value[0]) {
		if (hooksign_init(&w->sign, conf->secret.value, e)) {
			mem_free(w);
			return -1;
		}
		w->is_signed = true;
	}
	w->authorization = authorization_of(conf);
	*ret_state = w;
	return 0;
}

static void
webhook_close(void *state)
{
	struct webhook *w = state;

	hooksign_done(&w->sign);
	mem_free_secret(w->authorization);
	mem_free(w);
}

static enum render_room
webhook_render(const struct conf_sink *conf, const struct render_view *view, enum render_room room,
               struct buf *out)
{
	return sink_preset_of(conf)->render(conf, view, room, out);
}

static void
tell_step(const struct webhook_call *call, const char *name, bool is_ok, const char *text)
{
	struct sink_step step = { .name = name, .is_ok = is_ok };

	if (!call->on_step)
		return;
	plain_answer(text, strlen(text), step.text, sizeof step.text);
	call->on_step(&step, call->step_arg);
}

static void
tell_steps(const struct webhook_call *call, const struct http_answer *a,
           const struct sink_result *r)
{
	char text[128];

	if (!call->on_step)
		return;
	if (a->remote[0]) {
		(void)snprintf(text, sizeof text, "connected to %.64s%s", a->remote,
		               a->is_reused ? " (a connection that was open)" : "");
		tell_step(call, "connect", true, text);
	}
	if (a->status == 0)
		tell_step(call, a->remote[0] ? "exchange" : "connect", false, r->answer);
	else
		tell_step(call, "answer", r->outcome == SINK_OK, r->answer);
}

static void
on_answer(void *arg, struct http_answer *a)
{
	struct webhook_call *call = arg;
	struct sink_result r = { 0 };
	struct span after = { 0 }, location = { 0 };
	int64_t wait_ms = 0;

	if (a->status == 0) {
		answer_from_err(&r, &a->err);
		r.is_lost = a->is_sent;
	} else {
		/* Headers came: the status stands, whatever became of the rest. */
		if (http_answer_header(a, "Retry-After", &after) &&
		    pace_retry_after(after, clock_now_ms(), &wait_ms) && wait_ms == 0)
			wait_ms = 1;
		(void)http_answer_header(a, "Location", &location);
		answer_from_http(&r, a->status, wait_ms, location,
		                 (struct span){ a->body.data, a->body.len });
	}
	r.is_too_big = r.is_too_big && call->can_shrink;
	tell_steps(call, a, &r);
	call->on_done(&r, call->arg);
	mem_free(r.context);
	mem_free(call);
}

/* The header lines of one attempt; texts live in arena. */
struct header_set {
	struct http_header *items;
	size_t count;
	char id[160], at[24];
	struct buf signature, finding;
};

static void
add_header(struct header_set *h, const char *name, const char *value)
{
	h->items[h->count].name = name;
	h->items[h->count].value = value;
	h->count++;
}

/* Configured headers win over ours. */
static bool
has_header(const struct conf_sink *conf, const char *name)
{
	for (size_t i = 0; i < conf->headers.count; i++)
		if (str_ieq(conf->headers.items[i].name, name))
			return true;
	return false;
}

static void
make_headers(struct header_set *h, struct sink *s, const struct sink_message *m, struct span body)
{
	const struct conf_sink *conf = sink_conf(s);
	const struct webhook *w = sink_state(s);
	const struct render_view *v = m->view;

	h->items = mem_calloc(conf->headers.count + OWN_HEADERS, sizeof *h->items);
	buf_init(&h->signature, 0);
	buf_init(&h->finding, 0);
	(void)snprintf(h->id, sizeof h->id, "%s",
	               v->notice->message_key ? v->notice->message_key : "");
	(void)snprintf(h->at, sizeof h->at, "%lld", (long long)(m->now_ms / 1000));
	for (size_t i = 0; i < conf->headers.count; i++)
		add_header(h, conf->headers.items[i].name, conf->headers.items[i].value.value);
	if (!has_header(conf, "Content-Type"))
		add_header(h, "Content-Type", sink_preset_of(conf)->content_type);
	if (!has_header(conf, "User-Agent"))
		add_header(h, "User-Agent", "findingsd/" PACKAGE_VERSION);
	if (w->authorization && !has_header(conf, "Authorization"))
		add_header(h, "Authorization", w->authorization);
	add_header(h, "webhook-id", h->id);
	add_header(h, "webhook-timestamp", h->at);
	if (w->is_signed) {
		hooksign_add(&w->sign, h->id, m->now_ms / 1000, body, &h->signature);
		add_header(h, "webhook-signature", h->signature.data);
	}
	add_header(h, "X-Findingsd-Change", v->change);
	add_header(h, "X-Findingsd-Severity", v->severity);
	plain_percent(&h->finding, v->finding);
	if (h->finding.len)
		add_header(h, "X-Findingsd-Finding", h->finding.data);
	if (v->notice->is_test)
		add_header(h, "X-Findingsd-Test", "true");
}

static void
header_set_done(struct header_set *h)
{
	mem_free(h->items);
	buf_done(&h->signature);
	buf_done(&h->finding);
}

static int
webhook_send(struct sink *s, const struct sink_message *m, sink_done_fn *on_done, void *arg,
             void **ret_call, struct err *e)
{
	const struct conf_sink *conf = sink_conf(s);
	struct webhook_call *call = mem_zalloc(sizeof *call);
	struct header_set h = { 0 };
	struct buf body;

	buf_init(&body, 0);
	call->on_done = on_done;
	call->arg = arg;
	call->on_step = m->on_step;
	call->step_arg = m->step_arg;
	call->can_shrink = webhook_render(conf, m->view, m->room, &body) < RENDER_SHORT;
	make_headers(&h, s, m, (struct span){ body.data, body.len });
	call->http = http_start(sink_env_of(s)->xfer,
	                        &(struct http_request){
					.method = "POST",
					.url = conf->url,
					.headers = h.items,
					.header_count = h.count,
					.body = { body.data ? body.data : "", body.len },
					.timeout_ms = conf->timeout_ms,
					.connect_timeout_ms = CONNECT_TIMEOUT_MS,
					.max_answer_bytes = ANSWER_MAX_BYTES,
					.ca_file = conf->ca_file[0] ? conf->ca_file : NULL,
					.proxy = conf->proxy[0] ? conf->proxy : NULL,
				},
	                        on_answer, call, e);
	header_set_done(&h);
	buf_done(&body);
	if (!call->http) {
		mem_free(call);
		return -1;
	}
	*ret_call = call;
	return 0;
}

static void
webhook_cancel(void *arg)
{
	struct webhook_call *call = arg;

	http_cancel(call->http);
	mem_free(call);
}

const struct sink_kind sink_kind_webhook = {
	.name = "webhook",
	.help = "HTTP POST, signed as Standard Webhooks 1.0.0",
	.formats = "json raw",
	.check = webhook_check,
	.open = webhook_open,
	.close = webhook_close,
	.render = webhook_render,
	.send = webhook_send,
	.cancel = webhook_cancel,
};
