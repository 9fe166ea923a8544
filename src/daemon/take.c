/*
 * take: one page of findings, made durable. See take.h.
 */
#include "config.h"

#include "daemon/take.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "daemon/plan.h"
#include "daemon/take_in.h"
#include "store/cursor.h"
#include "store/memory.h"
#include "store/quarantine.h"

static int take_item(struct store_tx *tx, struct take *t, const struct take_item *item,
                     struct err *e);
static int take_poison(struct store_tx *tx, struct take *t, const struct take_item *item,
                       const char *reason, struct err *e);
static int write_cursors(struct store_tx *tx, const struct take *t, struct err *e);

struct take_scratch *
take_scratch_new(void)
{
	struct take_scratch *s = mem_zalloc(sizeof(*s));

	buf_init(&s->event, 0);
	return s;
}

void
take_scratch_free(struct take_scratch *s)
{
	if (!s)
		return;
	buf_done(&s->own.packed);
	buf_done(&s->own.remembered);
	buf_done(&s->together.packed);
	buf_done(&s->together.remembered);
	buf_done(&s->event);
	buf_done(&s->rules);
	buf_done(&s->subject);
	buf_done(&s->note);
	buf_done(&s->made);
	buf_done(&s->parts);
	mem_free(s->seen);
	mem_free(s);
}

int
take_run(struct store_tx *tx, void *job, struct err *e)
{
	struct take *t = job;
	struct memory_origin origin = { t->origin.source, t->origin.account, t->origin.region };

	take_result_done(&t->result);
	t->scratch->seen_count = 0;
	t->result.rule_hits =
		mem_calloc(plan_rule_count(t->plan) + 1, sizeof(t->result.rule_hits[0]));
	for (size_t i = 0; i < t->count; i++) {
		const struct take_item *item = &t->items[i];

		if ((item->poison ? take_poison(tx, t, item, item->poison, e)
		                  : take_item(tx, t, item, e)) < 0)
			return -1;
	}
	if (take_absent(tx, t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->asked_count; i++) {
		if (memory_watch_checked(tx, t->asked[i], &origin, t->now_ms, e) < 0)
			return -1;
	}
	(void)FAULT("take.cursors");
	return write_cursors(tx, t, e);
}

void
take_result_done(struct take_result *r)
{
	for (size_t i = 0; i < r->notice_count; i++) {
		mem_free(r->notices[i].rules);
		mem_free(r->notices[i].event);
		mem_free(r->notices[i].note);
	}
	mem_free(r->notices);
	mem_free(r->rule_hits);
	memset(r, 0, sizeof(*r));
}

static int
take_poison(struct store_tx *tx, struct take *t, const struct take_item *item, const char *reason,
            struct err *e)
{
	char where[3 * CURSOR_NAME_MAX + 3];

	t->result.poisoned++;
	(void)snprintf(where, sizeof(where), "%s/%s/%s", t->origin.source, t->origin.account,
	               t->origin.region);
	return quarantine_add(tx, where, reason, item->raw, t->now_ms, e);
}

/*
 * What is silent at first sight. A finding without a readable instant is not held to be old: AWS gave it as updated in the
 * window that was asked for, and better told than never.
 */
static void
fill_start(const struct page *p, const struct finding *f, struct lifecycle_reading *r)
{
	r->start = LIFECYCLE_START_OPEN;
	switch (p->start.kind) {
	case SOURCE_START_NOW:
		if (f->is_undated && !f->created_ms)
			return;
		r->start = LIFECYCLE_START_NOW;
		r->start_ms = p->started_ms;
		return;
	case SOURCE_START_OPEN:
		return;
	case SOURCE_START_AGO:
	case SOURCE_START_AT:
		if (f->is_undated)
			return;
		r->start = LIFECYCLE_START_SINCE;
		r->start_ms = p->start.kind == SOURCE_START_AGO ? p->started_ms - p->start.ms
		                                                : p->start.ms;
		return;
	}
}

/* Short for the account and region that were asked, as cursors name them (FNV-1a): two sources that ask the same see the same. */
static uint32_t
place_of(const struct take *t)
{
	uint32_t h = 2166136261u;

	for (const char *p = t->origin.account; p && *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	for (const char *p = t->origin.region; p && *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return h;
}

static void
fill_reading(const struct take *t, const struct finding *f, struct lifecycle_reading *r)
{
	const struct page *p = t->page;

	memset(r, 0, sizeof(*r));
	memcpy(r->identity, f->identity, sizeof(r->identity));
	r->view = f->view == VIEW_GUARDDUTY ? LIFECYCLE_GUARDDUTY : LIFECYCLE_SECURITYHUB;
	r->updated_ms = f->updated_ms;
	r->updated_sub_ns = f->updated_sub_ns;
	memcpy(r->digest, f->digest, sizeof(r->digest));
	r->request_started_ms = p->request_started_ms;
	r->place = place_of(t);
	r->created_ms = f->created_ms;
	r->severity = (int)f->severity;
	r->status = f->state == FINDING_CLOSED    ? LIFECYCLE_CLOSED
	            : f->state == FINDING_NEUTRAL ? LIFECYCLE_NEUTRAL
	                                          : LIFECYCLE_OPEN;
	r->is_suppressed = f->workflow == WORKFLOW_SUPPRESSED;
	r->count = f->count > 0 ? (uint64_t)f->count : 0;
	r->remembered_ms = t->remembered_ms;
	fill_start(p, f, r);
}

/* With an open notice it is asked about again, through the place that showed it. */
static int
remember(struct store_tx *tx, struct take *t, const struct take_item *item, struct err *e)
{
	struct take_mind *m = &t->scratch->own;
	struct memory_origin origin = { t->origin.source, t->origin.account, t->origin.region };
	const struct finding *f = &item->finding;
	bool is_written = m->id == 0 || m->decided.is_state_changed;

	if (take_remember(tx, m, t->now_ms, e) < 0)
		return -1;
	if (!m->decided.is_open || !is_written)
		return 0;
	return memory_watch(tx, m->id, &origin, f->id, (int)f->severity, t->now_ms, e);
}

/* An answer to a re-read had it. */
static void
note_seen(struct take *t, int64_t id)
{
	struct take_scratch *s = t->scratch;

	if (t->asked_count == 0)
		return;
	if (s->seen_count == s->seen_cap) {
		s->seen_cap = s->seen_cap ? 2 * s->seen_cap : 64;
		s->seen = mem_reallocn(s->seen, s->seen_cap, sizeof(s->seen[0]));
	}
	s->seen[s->seen_count++] = id;
}

static void
count_verdict(struct take *t, const struct take_item *item, enum lifecycle_verdict verdict)
{
	struct take_result *r = &t->result;

	if (verdict == LIFECYCLE_SAME || verdict == LIFECYCLE_OLDER) {
		r->stale++;
		return;
	}
	r->fresh += verdict == LIFECYCLE_NEW;
	r->matched += item->match_count > 0;
	for (uint32_t i = 0; i < item->match_count; i++)
		r->rule_hits[t->matched[item->first_match + i]]++;
}

static int
take_item(struct store_tx *tx, struct take *t, const struct take_item *item, struct err *e)
{
	struct take_mind *m = &t->scratch->own;
	struct lifecycle_reading reading;
	struct lifecycle_input in = { .reading = &reading,
		                      .matched = t->matched + item->first_match,
		                      .matched_count = item->match_count };

	if (t->values != NULL)
		in.values = t->values + item->first_match;
	memcpy(m->identity, item->finding.identity, sizeof(m->identity));
	if (take_recall(tx, m, e) < 0)
		return -1;
	fill_reading(t, &item->finding, &reading);
	if (take_decide(tx, m, t, &in, false, e) < 0)
		return -1;
	/* What cannot be told may not count as told, and may not hold up its page. */
	if (m->decided.action_count > 0 && take_build_event(t, item) < 0)
		return take_poison(tx, t, item, "its event is too long", e);
	count_verdict(t, item, m->decided.verdict);
	if (remember(tx, t, item, e) < 0)
		return -1;
	note_seen(t, m->id);
	if (m->decided.action_count == 0)
		return 0;
	return take_queue(tx, t, item, m, NULL, e) < 0 ? -1 : take_together(tx, t, item, e);
}

/* The streams that have cursors, as the store numbers them. */
static const enum cursor_stream stored_streams[SOURCE_CURSOR_COUNT] = {
	[STREAM_LIVE] = CURSOR_LIVE,
	[STREAM_LATE] = CURSOR_LATE,
	[STREAM_BACKFILL] = CURSOR_BACKFILL,
	[STREAM_SWEEP] = CURSOR_SWEEP,
};

static int
write_cursors(struct store_tx *tx, const struct take *t, struct err *e)
{
	for (size_t i = 0; i < SOURCE_CURSOR_COUNT; i++) {
		const struct source_cursor *from = &t->page->cursors[i];
		struct cursor c = { .stream = stored_streams[i],
			            .watermark_ms = from->watermark_ms,
			            .target_ms = from->until_ms,
			            .started_ms = from->started_ms,
			            .start_kind = (int32_t)from->start.kind,
			            .start_ms = from->start.ms,
			            .last_success_ms = from->last_success_ms };

		if (!t->page->has_cursor[i])
			continue;
		(void)snprintf(c.source, sizeof(c.source), "%s", t->origin.source);
		(void)snprintf(c.account, sizeof(c.account), "%s", t->origin.account);
		(void)snprintf(c.region, sizeof(c.region), "%s", t->origin.region);
		if (cursor_set(tx, &c, e) < 0)
			return -1;
	}
	return 0;
}
