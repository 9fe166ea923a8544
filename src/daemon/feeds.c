/*
 * feeds: the pollers, one per (source, account, region): started, changed and stopped as the plan says.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/cred.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "daemon/regions.h"
#include "net/loop.h"
#include "source/poller.h"

static void feed_on_page(void *arg, struct poller *p, struct page *page);
static void feed_on_failing(struct poller *p, const struct err *why, void *arg);
static void feed_on_recovered(struct poller *p, int64_t down_ms, void *arg);
static void feed_on_off(struct poller *p, bool is_off, const char *why, void *arg);
static void feed_on_gap(struct poller *p, int64_t from_ms, int64_t to_ms, void *arg);
static void feed_on_caught_up(struct poller *p, bool is_failed, void *arg);
static bool feed_is_account_working(struct poller *p, void *arg);
static void feed_on_stopped(struct poller *p, void *arg);
static void feed_later_free(void *arg);

static const enum source_start_kind start_kinds[] = {
	[CONF_START_NOW] = SOURCE_START_NOW,
	[CONF_START_OPEN] = SOURCE_START_OPEN,
	[CONF_START_AGO] = SOURCE_START_AGO,
	[CONF_START_AT] = SOURCE_START_AT,
};

/* What one poller is to be. */
struct wish {
	const struct conf_source *source;
	const struct conf_account *account; /* NULL: the process's own */
	const char *region;
};

static struct feed *
find_feed(struct daemon *d, const struct wish *w)
{
	const char *account = w->account ? w->account->account_id : "";
	struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (!f->is_stopping && strcmp(f->source, w->source->name) == 0 &&
		    strcmp(f->account, account) == 0 && strcmp(f->region, w->region) == 0)
			return f;
	}
	return NULL;
}

static void
fill_cursors(const struct feed *f, const struct cursor *cursors, size_t count,
             struct source_cursor *ret)
{
	static const enum source_stream streams[CURSOR_STREAM_COUNT] = {
		[CURSOR_LIVE] = STREAM_LIVE,
		[CURSOR_LATE] = STREAM_LATE,
		[CURSOR_BACKFILL] = STREAM_BACKFILL,
		[CURSOR_SWEEP] = STREAM_SWEEP,
	};

	for (size_t i = 0; i < count; i++) {
		const struct cursor *c = &cursors[i];

		if (c->stream == CURSOR_RECONCILE || strcmp(c->source, f->source) != 0 ||
		    strcmp(c->account, f->account) != 0 || strcmp(c->region, f->region) != 0)
			continue;
		ret[streams[c->stream]] = (struct source_cursor){
			.watermark_ms = c->watermark_ms,
			.started_ms = c->started_ms,
			.until_ms = c->target_ms,
			.last_success_ms = c->last_success_ms,
			.start = { (enum source_start_kind)c->start_kind, c->start_ms },
		};
	}
}

static void
fill_options(struct feed *f, const struct wish *w, struct poller_options *ret)
{
	struct daemon *d = f->owner;
	const struct conf_source *s = w->source;

	*ret = (struct poller_options){
		.loop = d->loop,
		.api = d->api,
		.budget = d->budget,
		.cred = f->cred ? f->cred : d->cred,
		.kind = f->kind,
		.source = f->source,
		.account = f->account,
		.account_name = f->account_name,
		.region = f->region,
		.interval_ms = s->interval_ms,
		.overlap_ms = s->overlap_ms,
		.sweep_ms = s->sweep_ms,
		.timeout_ms = s->timeout_ms,
		.rate_per_s = s->rate.count > 0
		                      ? 1000.0 * (double)s->rate.count / (double)s->rate.per_ms
		                      : 0,
		.start = { start_kinds[s->start.kind], s->start.ms },
		.is_once = d->options->is_once,
		.on_page = feed_on_page,
		.hooks = { .on_failing = feed_on_failing,
		           .on_recovered = feed_on_recovered,
		           .on_off = feed_on_off,
		           .on_gap = feed_on_gap,
		           .on_caught_up = feed_on_caught_up,
		           .is_account_working = feed_is_account_working },
		.arg = f,
	};
	f->reconcile.interval_ms = s->reconcile_ms;
	f->reconcile.step_ms = RECONCILE_STEP_MS;
	if (ret->rate_per_s > 0)
		f->reconcile.step_ms = (int64_t)(4000 / ret->rate_per_s) + 1;
}

/* What the credentials of a wish are made of; caller wipes and frees. */
static char *
role_text(const struct wish *w)
{
	if (!w->account)
		return mem_strdup("");
	return mem_printf("%s\n%s", w->account->role_arn, w->account->external_id.value);
}

/* Keys of the account's role; of the process itself where there is none. */
static struct cred *
role_cred(struct daemon *d, const struct wish *w, const char *text)
{
	struct cred_role role = { .region = w->region };

	if (!w->account)
		return NULL;
	role.role_arn = w->account->role_arn;
	if (*w->account->external_id.value)
		role.external_id = w->account->external_id.value;
	/* One identity per account is enough: pollers of other regions share it. */
	for (struct feed *f = TAILQ_FIRST(&d->feeds); f; f = TAILQ_NEXT(f, entry)) {
		if (!f->is_stopping && f->cred && strcmp(f->role, text) == 0)
			return cred_ref(f->cred);
	}
	return cred_new_role(d->api, d->cred, &role);
}

static void
feed_open(struct daemon *d, const struct wish *w, const struct cursor *cursors, size_t count,
          int64_t delay_ms)
{
	struct feed *f = mem_zalloc(sizeof(*f));
	struct poller_options options;

	f->owner = d;
	f->is_wanted = true;
	f->kind = source_find(conf_source_type_name(w->source->type));
	f->source = mem_strdup(w->source->name);
	f->account = mem_strdup(w->account ? w->account->account_id : "");
	f->account_name = mem_strdup(w->account ? w->account->name : "");
	f->region = mem_strdup(w->region);
	f->role = role_text(w);
	f->cred = role_cred(d, w, f->role);
	fill_options(f, w, &options);
	fill_cursors(f, cursors, count, options.cursors);
	if (d->repaired_since_ms > 0 && options.cursors[STREAM_LIVE].started_ms == 0)
		options.start = (struct source_start){ SOURCE_START_AT, d->repaired_since_ms };
	f->poller = poller_new(&options);
	TAILQ_INSERT_TAIL(&d->feeds, f, entry);
	poller_start(f->poller, delay_ms);
}

static void
feed_free(struct feed *f)
{
	struct daemon *d = f->owner;

	TAILQ_REMOVE(&d->feeds, f, entry);
	poller_free(f->poller);
	cred_free(f->cred);
	reconcile_forget(f);
	mem_free(f->source);
	mem_free(f->account);
	mem_free(f->account_name);
	mem_free(f->region);
	mem_free_secret(f->role);
	mem_free(f);
}

static void
take_wish(struct daemon *d, const struct wish *w, const struct cursor *cursors, size_t count,
          unsigned *nth)
{
	struct feed *f = find_feed(d, w);
	struct poller_options options;
	int64_t delay_ms = 0;
	char *role = role_text(w);
	/* Another service or role under the same name: a new poller, from where the old one's cursors stand. */
	bool is_same = f && f->kind == source_find(conf_source_type_name(w->source->type)) &&
	               strcmp(f->role, role) == 0;

	mem_free_secret(role);
	if (is_same) {
		f->is_wanted = true;
		fill_options(f, w, &options);
		poller_reconfigure(f->poller, &options);
		return;
	}
	/* The first few at once, so that a small installation sees something now; many are spread over the interval. */
	if (*nth >= 8 && !d->options->is_once)
		delay_ms = (int64_t)(*nth - 8) * 50 % w->source->interval_ms;
	(*nth)++;
	feed_open(d, w, cursors, count, delay_ms);
}

/* One source in one region: a poller per account. */
static void
take_region(struct daemon *d, struct wish *w, const struct cursor *cursors, size_t count,
            unsigned *nth)
{
	const struct conf_list *accounts = &w->source->accounts;

	w->account = NULL;
	if (!accounts->count)
		take_wish(d, w, cursors, count, nth);
	for (size_t i = 0; i < accounts->count; i++) {
		w->account = conf_account_find(plan_conf(d->plan), accounts->items[i]);
		take_wish(d, w, cursors, count, nth);
	}
}

static void
take_source(struct daemon *d, const struct conf_source *s, const struct cursor *cursors,
            size_t count, unsigned *nth)
{
	const char *const *regions = (const char *const *)s->regions.list.items;
	size_t region_count = s->regions.list.count;
	struct wish w = { .source = s };

	if (s->regions.is_enabled)
		regions = regions_list(d->regions, &region_count);
	for (size_t i = 0; i < region_count; i++) {
		w.region = regions[i];
		take_region(d, &w, cursors, count, nth);
	}
}

void
feeds_apply(struct daemon *d, const struct cursor *cursors, size_t count)
{
	const struct conf *conf = plan_conf(d->plan);
	struct feed *f;
	unsigned nth = 0;

	TAILQ_FOREACH(f, &d->feeds, entry)
		f->is_wanted = false;
	for (size_t i = 0; i < conf->source_count; i++) {
		if (conf->sources[i].is_enabled)
			take_source(d, &conf->sources[i], cursors, count, &nth);
	}
	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (f->is_wanted || f->is_stopping)
			continue;
		f->is_stopping = true;
		poller_stop(f->poller, feed_on_stopped, f);
	}
}

void
feeds_poke(struct daemon *d, const char *source, size_t *ret_count)
{
	struct feed *f;
	size_t n = 0;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (f->is_stopping || (source && strcmp(f->source, source) != 0))
			continue;
		poller_poke(f->poller);
		n++;
	}
	if (ret_count)
		*ret_count = n;
}

void
feeds_stop(struct daemon *d)
{
	struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (f->is_stopping)
			continue;
		f->is_stopping = true;
		poller_stop(f->poller, feed_on_stopped, f);
	}
}

bool
feeds_are_stopped(const struct daemon *d)
{
	const struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (!f->is_stopped)
			return false;
	}
	return true;
}

void
feeds_free(struct daemon *d)
{
	while (!TAILQ_EMPTY(&d->feeds))
		feed_free(TAILQ_FIRST(&d->feeds));
}

static void
feed_later_free(void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;

	feed_free(f);
	daemon_check_stopped(d);
}

void
feeds_release(struct daemon *d, struct feed *f)
{
	/* At the end daemon.c frees them all, after the store has called back its last jobs. */
	if (d->state == DAEMON_RUNNING && !f->reconcile.is_busy)
		loop_later(d->loop, feed_later_free, f);
}

static void
feed_on_stopped(struct poller *p, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;

	(void)p;
	f->is_stopped = true;
	feeds_release(d, f);
	daemon_check_stopped(d);
}

static void
feed_on_page(void *arg, struct poller *p, struct page *page)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;

	(void)p;
	pipeline_take(d->pipeline, f, page);
}

/* "hub/prod/us-east-1", as alerts name it. */
static const char *
feed_name(const struct feed *f, char *out, size_t bytes)
{
	const char *account = *f->account_name ? f->account_name : f->account;

	(void)snprintf(out, bytes, "%s%s%s/%s", f->source, *account ? "/" : "", account, f->region);
	return out;
}

static void
feed_on_failing(struct poller *p, const struct err *why, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;
	char name[200];

	(void)p;
	f->is_failing = true;
	metric_count(METRIC_POLLS_TOTAL, f->source, "failed", NULL);
	alerts_raise(d->alerts, ALERT_SOURCE_FAILING, feed_name(f, name, sizeof(name)), why->text);
}

static void
feed_on_recovered(struct poller *p, int64_t down_ms, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;
	char name[200], text[80];

	(void)p;
	f->is_failing = false;
	(void)snprintf(text, sizeof(text), "polls again after %" PRId64 " s", down_ms / 1000);
	alerts_raise(d->alerts, ALERT_SOURCE_RECOVERED, feed_name(f, name, sizeof(name)), text);
}

static void
feed_on_off(struct poller *p, bool is_off, const char *why, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;
	char name[200];

	(void)p;
	f->is_off = is_off;
	if (is_off)
		alerts_raise(d->alerts, ALERT_COVERAGE_GAP, feed_name(f, name, sizeof(name)), why);
}

static void
feed_on_gap(struct poller *p, int64_t from_ms, int64_t to_ms, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;
	char name[200], text[200], from[TIMEFMT_BYTES], to[TIMEFMT_BYTES];

	(void)p;
	(void)snprintf(text, sizeof(text),
	               "blind from %s to %s; what happened then is read and told now",
	               timefmt_rfc3339_ms(from_ms, from), timefmt_rfc3339_ms(to_ms, to));
	alerts_raise(d->alerts, ALERT_COVERAGE_GAP, feed_name(f, name, sizeof(name)), text);
}

bool
feeds_is_account_working(const struct feed *f)
{
	const struct daemon *d = f->owner;
	const struct feed *other;
	struct poller_status s;

	TAILQ_FOREACH(other, &d->feeds, entry) {
		if (other->cred != f->cred || strcmp(other->region, f->region) == 0)
			continue;
		poller_get_status(other->poller, &s);
		if (s.polls > 0 && !s.is_failing)
			return true;
	}
	return false;
}

static bool
feed_is_account_working(struct poller *p, void *arg)
{
	(void)p;
	return feeds_is_account_working(arg);
}

static void
feed_on_caught_up(struct poller *p, bool is_failed, void *arg)
{
	struct feed *f = arg;
	struct daemon *d = f->owner;
	char name[200];

	(void)p;
	f->is_caught_up = true;
	f->is_failed = is_failed;
	if (!is_failed)
		metric_count(METRIC_POLLS_TOTAL, f->source, "ok", NULL);
	if (!is_failed && !f->is_failing && !f->is_off)
		alerts_well(d->alerts, ALERT_SOURCE_RECOVERED, feed_name(f, name, sizeof(name)),
		            "polls again since the restart");
	once_check(d);
}
