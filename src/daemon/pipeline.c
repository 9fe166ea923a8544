/*
 * pipeline: a page of findings -> identified, matched, decided, durable. See pipeline.h.
 */
#include "config.h"

#include "daemon/pipeline.h"

#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "daemon/feed.h"
#include "daemon/plan.h"
#include "event/envelope.h"
#include "route/collapse.h"
#include "source/page.h"
#include "store/outbox.h"
#include "store/store.h"

struct pipeline {
	struct store *store;
	bool is_dry_run;
	pipeline_taken_fn *on_taken;
	void *arg;
	struct plan *plan;
	struct take_scratch *scratch;
	struct buf event; /* of the finding that is being matched */
	size_t pending;
	struct pipeline_totals totals;
};

/* A take on its way through the store. */
struct passage {
	struct take take; /* first: the store's job */
	struct pipeline *pipeline;
	struct feed *feed;
	int64_t began_us;
};

static void read_finding(struct pipeline *pl, struct take *t, size_t i);
static void match_finding(struct pipeline *pl, struct take *t, struct take_item *item);
static void pipeline_on_taken(void *job, const struct err *failed);
static void note_asked(struct take *t, const struct feed *feed);

struct pipeline *
pipeline_new(const struct pipeline_options *o)
{
	struct pipeline *pl = mem_zalloc(sizeof(*pl));

	pl->store = o->store;
	pl->is_dry_run = o->is_dry_run;
	pl->on_taken = o->on_taken;
	pl->arg = o->arg;
	pl->scratch = take_scratch_new();
	buf_init(&pl->event, 0);
	return pl;
}

void
pipeline_free(struct pipeline *pl)
{
	if (!pl)
		return;
	take_scratch_free(pl->scratch);
	buf_done(&pl->event);
	plan_unref(pl->plan);
	mem_free(pl);
}

void
pipeline_set_plan(struct pipeline *pl, struct plan *plan)
{
	struct plan *old = pl->plan;

	pl->plan = plan_ref(plan);
	plan_unref(old);
}

size_t
pipeline_pending(const struct pipeline *pl)
{
	return pl->pending;
}

const struct pipeline_totals *
pipeline_totals(const struct pipeline *pl)
{
	return &pl->totals;
}

void
pipeline_take(struct pipeline *pl, struct feed *feed, struct page *page)
{
	struct passage *w = mem_zalloc(sizeof(*w));
	struct take *t = &w->take;

	(void)FAULT("page.before");
	w->pipeline = pl;
	w->feed = feed;
	w->began_us = clock_real_mono_us();
	t->plan = plan_ref(pl->plan);
	t->page = page;
	t->origin = (struct take_origin){ feed->source, feed->account, feed->region };
	t->now_ms = clock_now_ms();
	t->remembered_ms = plan_conf(pl->plan)->retention_ms;
	t->is_kept = pl->is_dry_run;
	t->scratch = pl->scratch;
	t->count = page->count;
	t->items = mem_calloc(page->count + 1, sizeof(t->items[0]));
	for (size_t i = 0; i < page->count; i++)
		read_finding(pl, t, i);
	note_asked(t, feed);
	(void)FAULT("page.parsed");
	pl->pending++;
	store_run(pl->store, take_run, pipeline_on_taken, w);
}

static void
read_finding(struct pipeline *pl, struct take *t, size_t i)
{
	struct take_item *item = &t->items[i];
	struct finding_polled polled = { t->page->account, t->page->region, true };
	struct err e = { 0 };

	item->raw = t->page->findings[i];
	item->first_match = (uint32_t)t->matched_count;
	if (finding_parse(t->page->view, item->raw, &polled, &item->finding, &e) < 0) {
		item->poison = mem_strdup(e.text);
		return;
	}
	envelope_id(&item->finding, item->finding.event_id);
	item->account_name = plan_account_name(t->plan, item->finding.account);
	match_finding(pl, t, item);
}

/* What the collapse_by of the rules that were just added finds in the event; others find nothing. */
static void
find_values(struct take *t, struct span event, size_t count)
{
	t->values = mem_reallocn(t->values, t->matched_cap + 1, sizeof(t->values[0]));
	for (size_t i = t->matched_count; i < t->matched_count + count; i++)
		collapse_value(rule_set_at(plan_rules(t->plan), t->matched[i]), event,
		               &t->values[i]);
}

/* Which rules match; a finding that cannot be matched is poison too: it must not pass in silence. */
static void
match_finding(struct pipeline *pl, struct take *t, struct take_item *item)
{
	struct envelope_place place = { t->page->account, t->page->region, item->account_name };
	const uint32_t *rules;
	size_t count;
	struct err e = { 0 };

	buf_clear(&pl->event);
	if (envelope_for_match(&item->finding, &place, &pl->event) < 0 ||
	    pl->event.len > OUTBOX_EVENT_MAX) {
		item->poison = mem_strdup("its event is too long");
		return;
	}
	if (plan_match(t->plan, (struct span){ pl->event.data, pl->event.len }, &rules, &count,
	               &e) < 0) {
		item->poison = mem_strdup(e.text);
		return;
	}
	if (t->matched_count + count > t->matched_cap) {
		t->matched_cap = 2 * (t->matched_count + count);
		t->matched = mem_reallocn(t->matched, t->matched_cap, sizeof(t->matched[0]));
	}
	if (count)
		memcpy(t->matched + t->matched_count, rules, count * sizeof(rules[0]));
	if (rule_set_collapses(plan_rules(t->plan)))
		find_values(t, (struct span){ pl->event.data, pl->event.len }, count);
	t->matched_count += count;
	item->match_count = (uint32_t)count;
}

/* A page that answers a re-read: what was asked about goes to the end of the line, also what was not returned. */
static void
note_asked(struct take *t, const struct feed *feed)
{
	const struct page *p = t->page;

	if (p->stream != STREAM_REREAD || !feed->reconcile.asked_count)
		return;
	t->asked = mem_calloc(feed->reconcile.asked_count, sizeof(t->asked[0]));
	for (size_t i = 0; i < p->asked_count; i++) {
		for (size_t k = 0; k < feed->reconcile.asked_count; k++) {
			const struct memory_watched *m = feed->reconcile.asked[k];

			if (span_eq(m->finding, p->asked[i]) &&
			    t->asked_count < feed->reconcile.asked_count)
				t->asked[t->asked_count++] = m->id;
		}
	}
}

static void
count_taken(struct passage *w)
{
	const struct take_result *r = &w->take.result;
	const struct feed *f = w->feed;
	struct pipeline_totals *sum = &w->pipeline->totals;

	sum->pages++;
	sum->findings += w->take.count;
	sum->fresh += r->fresh;
	sum->matched += r->matched;
	sum->stale += r->stale;
	sum->poisoned += r->poisoned;
	sum->queued += r->queued;
	metric_count(METRIC_PAGES_TOTAL, f->source, NULL, NULL);
	metric_observe(metric_series(METRIC_PAGE_SECONDS, f->source, NULL, NULL),
	               (double)(clock_real_mono_us() - w->began_us) / 1e6);
	metric_add(metric_series(METRIC_FINDINGS_TOTAL, f->source, f->account, f->region),
	           (double)w->take.count);
	metric_add(metric_series(METRIC_FINDINGS_NEW_TOTAL, f->source, NULL, NULL), r->fresh);
	metric_add(metric_series(METRIC_FINDINGS_MATCHED_TOTAL, f->source, NULL, NULL), r->matched);
	metric_add(metric_series(METRIC_FINDINGS_STALE_TOTAL, f->source, NULL, NULL), r->stale);
	metric_add(metric_series(METRIC_QUARANTINED_TOTAL, f->source, NULL, NULL), r->poisoned);
	for (size_t i = 0; i < plan_rule_count(w->take.plan); i++) {
		if (r->rule_hits[i])
			metric_add(metric_series(METRIC_RULE_MATCHES_TOTAL,
			                         plan_rule_name(w->take.plan, i), NULL, NULL),
			           r->rule_hits[i]);
	}
	for (size_t i = 0; i < r->tally_count; i++) {
		for (enum change c = 0; c < CHANGE_COUNT; c++) {
			if (r->tallies[i].queued[c])
				metric_add(metric_series(METRIC_NOTICES_TOTAL, r->tallies[i].sink,
				                         change_name(c), NULL),
				           r->tallies[i].queued[c]);
		}
	}
}

/* One line per poisoned finding, few per page: the rest is in the quarantine. */
static void
log_poison(const struct passage *w)
{
	const struct feed *f = w->feed;
	unsigned told = 0;

	for (size_t i = 0; i < w->take.count && told < 3; i++) {
		if (!w->take.items[i].poison)
			continue;
		told++;
		log_warn(
			"finding.quarantined source=%s account=%s region=%s bytes=%zu reason=\"%s\"",
			f->source, f->account, f->region, w->take.items[i].raw.len,
			w->take.items[i].poison);
	}
}

static void
passage_free(struct passage *w)
{
	struct take *t = &w->take;

	for (size_t i = 0; i < t->count; i++)
		mem_free(t->items[i].poison);
	take_result_done(&t->result);
	mem_free(t->items);
	mem_free(t->matched);
	mem_free(t->values);
	mem_free(t->asked);
	page_free(t->page);
	plan_unref(t->plan);
	mem_free(w);
}

static void
pipeline_on_taken(void *job, const struct err *failed)
{
	struct passage *w = job;
	struct pipeline *pl = w->pipeline;

	pl->pending--;
	(void)FAULT("page.committed");
	if (failed) {
		pl->totals.failed_pages++;
		log_err("page.refused source=%s account=%s region=%s findings=%zu error=\"%s\"",
		        w->feed->source, w->feed->account, w->feed->region, w->take.count,
		        failed->text);
	} else {
		count_taken(w);
		log_poison(w);
	}
	pl->on_taken(pl->arg, w->feed, &w->take, failed);
	passage_free(w);
}
