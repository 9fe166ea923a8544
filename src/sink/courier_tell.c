/*
 * courier_tell: a notice past the queue and without a record: trouble of our own while the store cannot take it.
 *
 * One attempt, whatever state the queue is in, but not where people said no: paused, disabled, removed.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sink/courier_in.h"

enum { TELLS_MAX = 4 };

struct courier_tell {
	TAILQ_ENTRY(courier_tell) entry;
	struct courier *c;
	struct courier_place *place;
	void *call;
	courier_told_fn *told;
	void *arg;
};

static void
tell_free(struct courier_tell *t)
{
	TAILQ_REMOVE(&t->c->tells, t, entry);
	t->c->tell_count--;
	courier_place_unref(t->c, t->place);
	mem_free(t);
}

static void
on_done(struct sink_result *r, void *arg)
{
	struct courier_tell *t = arg;
	courier_told_fn *told = t->told;
	bool is_ok = r->outcome == SINK_OK;
	void *told_arg = t->arg;

	log_info("courier.unrecorded sink=%s ok=%s answer=\"%s\"", courier_name(t->c),
	         is_ok ? "yes" : "no", r->answer);
	tell_free(t);
	told(is_ok, told_arg);
}

static int
start(struct courier_tell *t, const struct courier_unrecorded *u, struct err *e)
{
	const struct conf_sink *conf = t->place->conf;
	struct notice n = {
		.event = u->event,
		.change = u->change,
		.rules = SPAN_LIT("findingsd"),
		.message_key = u->message_key,
		.thread_key = u->thread_key,
		.severity = u->severity,
		.first_severity = u->severity,
		.account_name = t->c->o.hooks.account_name,
		.account_arg = t->c->o.hook_arg,
		.sink_name = conf->name,
		.queued_ms = clock_now_ms(),
	};
	struct sink_message m = { .now_ms = clock_now_ms() };
	struct render_view v;
	int rc;

	render_view_init(&v, &n,
	                 conf->format == CONF_FORMAT_RAW && conf->type == CONF_SINK_WEBHOOK);
	m.view = &v;
	rc = sink_send(t->place->sink, &m, on_done, t, &t->call, e);
	render_view_done(&v);
	return rc;
}

int
courier_tell(struct courier *c, const struct courier_unrecorded *u, courier_told_fn *told,
             void *arg, struct err *e)
{
	struct courier_tell *t;

	if (c->is_paused || c->is_gone || c->is_stopping || !c->place->conf->is_enabled)
		return err_set(e, ERR_CANCELLED, "sink %s: %s", courier_name(c),
		               courier_state_name(c->state));
	if (c->tell_count == TELLS_MAX)
		return err_temp(e, ERR_LIMIT, "sink %s: earlier alerts are still under way",
		                courier_name(c));
	t = mem_zalloc(sizeof *t);
	t->c = c;
	t->place = courier_place_ref(c->place);
	t->told = told;
	t->arg = arg;
	TAILQ_INSERT_TAIL(&c->tells, t, entry);
	c->tell_count++;
	if (start(t, u, e)) {
		tell_free(t);
		return err_wrap(e, "sink %s", courier_name(c));
	}
	return 0;
}

void
courier_tell_cancel(struct courier *c)
{
	struct courier_tell *t;

	while ((t = TAILQ_FIRST(&c->tells))) {
		sink_cancel(t->place->sink, t->call);
		tell_free(t);
	}
}
