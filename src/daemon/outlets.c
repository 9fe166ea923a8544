/*
 * outlets: the sinks' couriers: opened, changed and closed as the plan says; what they tell us, counted.
 *
 * A courier borrows its struct conf_sink from a plan. daemon_lend_sink holds that plan until the courier gives the sink
 * back (daemon_return_sink), which can be long after a reload: what is under way ends with the configuration it began with.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "net/loop.h"
#include "sink/courier.h"

static void outlet_on_note(struct courier *c, const struct courier_note *note, void *arg);
static void outlet_on_failing(struct courier *c, const char *why, void *arg);
static void outlet_on_recovered(struct courier *c, int64_t down_ms, void *arg);
static void outlet_on_quiet(struct courier *c, void *arg);
static void outlet_on_gathered(struct courier *c, const struct courier_gathered *g, void *arg);
static const char *outlet_account_name(struct span account, void *arg);
static void outlet_go(struct outlet *o);
static void outlet_gone(void *arg);

const struct conf_sink *
daemon_lend_sink(struct daemon *d, const struct conf_sink *sink)
{
	struct plan_link *l;

	TAILQ_FOREACH(l, &d->plans, entry) {
		if (l->plan == d->plan)
			break;
	}
	if (!l) {
		l = mem_zalloc(sizeof(*l));
		l->plan = plan_ref(d->plan);
		TAILQ_INSERT_HEAD(&d->plans, l, entry);
	}
	assert(plan_has_sink(l->plan, sink));
	l->lent++;
	return sink;
}

void
daemon_return_sink(const struct conf_sink *sink, void *daemon)
{
	struct daemon *d = daemon;
	struct plan_link *l;

	TAILQ_FOREACH(l, &d->plans, entry) {
		if (plan_has_sink(l->plan, sink))
			break;
	}
	assert(l && l->lent > 0);
	if (--l->lent > 0)
		return;
	TAILQ_REMOVE(&d->plans, l, entry);
	plan_unref(l->plan);
	mem_free(l);
}

struct outlet *
outlets_find(struct daemon *d, const char *name)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		if (!o->is_removed && span_eq_str(span_of(name), o->name))
			return o;
	}
	return NULL;
}

/* Removed, but still sending what it had taken. */
static struct outlet *
find_leaving(struct daemon *d, const char *name)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		if (o->is_removed && !o->is_going && span_eq_str(span_of(name), o->name))
			return o;
	}
	return NULL;
}

static void
outlet_free(struct outlet *o)
{
	TAILQ_REMOVE(&o->daemon->outlets, o, entry);
	courier_free(o->courier);
	mem_free(o->name);
	mem_free(o);
}

static int
outlet_open(struct daemon *d, const struct conf_sink *sink, struct err *e)
{
	struct outlet *o = mem_zalloc(sizeof(*o));
	struct courier_options options = {
		.env = &d->sink_env,
		.store = d->store,
		.release_conf = daemon_return_sink,
		.release_arg = d,
		.hooks = { .on_note = outlet_on_note,
		           .on_failing = outlet_on_failing,
		           .on_recovered = outlet_on_recovered,
		           .on_quiet = outlet_on_quiet,
		           .on_gathered = outlet_on_gathered,
		           .account_name = outlet_account_name },
		.hook_arg = o,
	};

	o->daemon = d;
	o->name = mem_strdup(sink->name);
	o->is_wanted = true;
	TAILQ_INSERT_TAIL(&d->outlets, o, entry);
	options.conf = daemon_lend_sink(d, sink);
	/* Shown from the start, so that a rate of it has something to begin with. */
	(void)metric_series(METRIC_DELIVERY_SECONDS, o->name, NULL, NULL);
	metric_add(metric_series(METRIC_DIGESTS_TOTAL, o->name, NULL, NULL), 0);
	metric_add(metric_series(METRIC_DIGEST_ALERTS_TOTAL, o->name, NULL, NULL), 0);
	if (courier_new(&options, &o->courier, e) < 0) {
		daemon_return_sink(sink, d);
		outlet_free(o);
		return err_wrap(e, "sink %s", sink->name);
	}
	return 0;
}

static int
outlet_change(struct outlet *o, const struct conf_sink *sink, struct err *e)
{
	o->is_wanted = true;
	(void)daemon_lend_sink(o->daemon, sink);
	if (courier_reconfigure(o->courier, sink, e) == 0)
		return 0;
	daemon_return_sink(sink, o->daemon);
	return err_wrap(e, "sink %s", sink->name);
}

int
outlets_apply(struct daemon *d, struct err *e)
{
	const struct conf *conf = plan_conf(d->plan);
	struct outlet *o;
	int r = 0;

	TAILQ_FOREACH(o, &d->outlets, entry)
		o->is_wanted = false;
	for (size_t i = 0; i < conf->sink_count; i++) {
		const struct conf_sink *sink = &conf->sinks[i];

		o = outlets_find(d, sink->name);
		if (!o && (o = find_leaving(d, sink->name))) {
			o->is_removed = false;
			courier_undrain(o->courier);
		}
		if ((o ? outlet_change(o, sink, e) : outlet_open(d, sink, e)) < 0)
			r = -1;
	}
	TAILQ_FOREACH(o, &d->outlets, entry) {
		if (o->is_wanted || o->is_removed)
			continue;
		/* Its queue stays in the store, as an orphan; what is under way ends as it would have. */
		o->is_removed = true;
		courier_drain(o->courier);
		if (courier_is_quiet(o->courier))
			outlet_go(o);
	}
	return r;
}

static void
outlet_go(struct outlet *o)
{
	if (o->is_going)
		return;
	o->is_going = true;
	loop_later(o->daemon->loop, outlet_gone, o);
}

void
outlets_wake(struct daemon *d, const char *name)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		if (!name || span_eq_str(span_of(name), o->name))
			courier_wake(o->courier);
	}
}

void
outlets_retry_now(struct daemon *d)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry)
		courier_retry_now(o->courier);
}

bool
outlets_flush(struct daemon *d)
{
	bool has_any = false;
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		struct courier_status s;

		courier_get_status(o->courier, &s);
		if (!s.gathered)
			continue;
		has_any = true;
		courier_flush(o->courier);
	}
	return has_any;
}

void
outlets_forget_fetched(struct daemon *d)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry)
		courier_forget_fetched(o->courier);
}

void
outlets_drain(struct daemon *d)
{
	struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry)
		courier_drain(o->courier);
}

bool
outlets_are_quiet(const struct daemon *d)
{
	const struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		if (!courier_is_quiet(o->courier))
			return false;
	}
	return true;
}

void
outlets_free(struct daemon *d)
{
	while (!TAILQ_EMPTY(&d->outlets))
		outlet_free(TAILQ_FIRST(&d->outlets));
}

static void
outlet_gone(void *arg)
{
	outlet_free(arg);
}

static const char *
outcome_word(const struct courier_note *note)
{
	switch (note->outcome) {
	case SINK_OK:
		return "ok";
	case SINK_TEMPFAIL:
		return "tempfail";
	case SINK_PERMFAIL:
		return "permfail";
	case SINK_HOLD:
		return "hold";
	}
	return "unknown";
}

static void
outlet_on_note(struct courier *c, const struct courier_note *note, void *arg)
{
	struct outlet *o = arg;
	struct daemon *d = o->daemon;

	(void)c;
	metric_count(METRIC_DELIVERIES_TOTAL, o->name, outcome_word(note), NULL);
	if (note->outcome == SINK_OK) {
		/* A digest is told once; those that it tells of are counted when they are on record. */
		d->counts.delivered += !note->is_digest;
		if (!o->is_failing)
			alerts_well(d->alerts, ALERT_SINK_RECOVERED, o->name,
			            "delivers again since the restart");
		if (note->delivery_ms >= 0)
			metric_observe(metric_series(METRIC_DELIVERY_SECONDS, o->name, NULL, NULL),
			               (double)note->delivery_ms / 1000);
	} else {
		d->counts.attempts_failed++;
	}
	if (note->is_dead) {
		d->counts.dead += !note->is_digest;
		/* An alert of our own that dies would make the next: it is in the dead letters, and other sinks had it. */
		if (!note->is_own)
			alerts_raise(d->alerts, ALERT_DEAD_LETTER, o->name, note->answer);
	}
}

static void
outlet_on_gathered(struct courier *c, const struct courier_gathered *g, void *arg)
{
	struct outlet *o = arg;
	struct daemon *d = o->daemon;
	char text[400];

	(void)c;
	d->counts.delivered += g->told;
	d->counts.dead += g->dead + g->expired;
	if (g->digests) {
		metric_add(metric_series(METRIC_DIGESTS_TOTAL, o->name, NULL, NULL), g->digests);
		metric_add(metric_series(METRIC_DIGEST_ALERTS_TOTAL, o->name, NULL, NULL),
		           (double)g->digest_items);
	}
	if (!g->expired)
		return;
	(void)snprintf(text, sizeof(text), "%u notices: %s", g->expired, g->why);
	alerts_raise(d->alerts, ALERT_DEAD_LETTER, o->name, text);
}

static void
outlet_on_failing(struct courier *c, const char *why, void *arg)
{
	struct outlet *o = arg;

	(void)c;
	o->is_failing = true;
	alerts_raise(o->daemon->alerts, ALERT_SINK_FAILING, o->name, why);
}

static void
outlet_on_recovered(struct courier *c, int64_t down_ms, void *arg)
{
	struct outlet *o = arg;
	char text[80];

	(void)c;
	o->is_failing = false;
	(void)snprintf(text, sizeof(text), "delivers again after %" PRId64 " s", down_ms / 1000);
	alerts_raise(o->daemon->alerts, ALERT_SINK_RECOVERED, o->name, text);
}

static void
outlet_on_quiet(struct courier *c, void *arg)
{
	struct outlet *o = arg;
	struct daemon *d = o->daemon;

	(void)c;
	if (o->is_removed)
		outlet_go(o);
	once_check(d);
	daemon_check_stopped(d);
}

static const char *
outlet_account_name(struct span account, void *arg)
{
	return plan_account_name(((struct outlet *)arg)->daemon->plan, account);
}
