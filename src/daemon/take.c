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
#include "event/envelope.h"
#include "route/lifecycle.h"
#include "store/cursor.h"
#include "store/memory.h"
#include "store/outbox.h"
#include "store/quarantine.h"

enum { DEAD_MAX = 64 };

/* Too big for a stack, and needed one at a time. */
struct take_scratch {
	struct lifecycle_state state;
	struct lifecycle_result decided;
	struct outbox_dead_count dead_rows[DEAD_MAX];
	struct lifecycle_dead dead[DEAD_MAX];
	size_t dead_count;
	struct buf packed, event, rules, remembered, subject;
};

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
	buf_done(&s->packed);
	buf_done(&s->event);
	buf_done(&s->rules);
	buf_done(&s->remembered);
	buf_done(&s->subject);
	mem_free(s);
}

int
take_run(struct store_tx *tx, void *job, struct err *e)
{
	struct take *t = job;
	struct memory_origin origin = { t->origin.source, t->origin.account, t->origin.region };

	take_result_done(&t->result);
	t->result.rule_hits =
		mem_calloc(plan_rule_count(t->plan) + 1, sizeof(t->result.rule_hits[0]));
	for (size_t i = 0; i < t->count; i++) {
		const struct take_item *item = &t->items[i];

		if ((item->poison ? take_poison(tx, t, item, item->poison, e)
		                  : take_item(tx, t, item, e)) < 0)
			return -1;
	}
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
	r->created_ms = f->created_ms;
	r->severity = (int)f->severity;
	r->status = f->state == FINDING_CLOSED    ? LIFECYCLE_CLOSED
	            : f->state == FINDING_NEUTRAL ? LIFECYCLE_NEUTRAL
	                                          : LIFECYCLE_OPEN;
	r->is_suppressed = f->workflow == WORKFLOW_SUPPRESSED;
	r->count = f->count > 0 ? (uint64_t)f->count : 0;
	fill_start(p, f, r);
}

/* Which notices of this identity died: lifecycle tells no `resolved` of what was never told. */
static int
load_dead(struct store_tx *tx, struct take_scratch *s, int64_t memory_id, struct err *e)
{
	s->dead_count = 0;
	if (!lifecycle_has_open(&s->state))
		return 0;
	if (outbox_dead_of(tx, memory_id, s->dead_rows, DEAD_MAX, &s->dead_count, e) < 0)
		return -1;
	for (size_t i = 0; i < s->dead_count; i++)
		s->dead[i] =
			(struct lifecycle_dead){ span_of(s->dead_rows[i].sink),
			                         s->dead_rows[i].group, s->dead_rows[i].generation,
			                         s->dead_rows[i].count };
	return 0;
}

/* What is remembered of it, into s->state; *ret_id stays 0 when nothing is. */
static int
recall(struct store_tx *tx, struct take_scratch *s, const struct finding *f, bool *ret_is_new,
       int64_t *ret_id, int64_t *ret_seen_ms, struct err *e)
{
	struct span state;
	struct err damaged;
	int found = memory_get(tx, f->identity, ret_id, &state, ret_seen_ms, e);

	if (found < 0)
		return -1;
	lifecycle_init(&s->state);
	*ret_is_new = true;
	if (found == 0)
		return 0;
	/* The bytes live until the next call of the store, the state that points into them for the whole decision. */
	buf_clear(&s->remembered);
	(void)buf_add(&s->remembered, state.p, state.len);
	state = (struct span){ s->remembered.data, s->remembered.len };
	/* Its checksum was right, so a newer or older version wrote it: better told twice than never. */
	*ret_is_new = lifecycle_unpack(state, &s->state, &damaged) < 0;
	if (*ret_is_new)
		lifecycle_init(&s->state);
	return 0;
}

/* Named once, wherever it goes: the tally of a sink. NULL: there are too many. */
static struct take_tally *
tally_of(struct take_result *r, struct span sink)
{
	struct take_tally *t;

	for (size_t i = 0; i < r->tally_count; i++) {
		if (span_eq_str(sink, r->tallies[i].sink))
			return &r->tallies[i];
	}
	if (r->tally_count == TAKE_SINKS_MAX || sink.len >= TAKE_NAME_BYTES) {
		r->has_more_sinks = true;
		return NULL;
	}
	t = &r->tallies[r->tally_count++];
	memset(t, 0, sizeof(*t));
	memcpy(t->sink, sink.p, sink.len);
	return t;
}

static void
keep_notice(struct take *t, const struct take_item *item, const struct outbox_new *n)
{
	struct take_result *r = &t->result;
	struct take_scratch *s = t->scratch;
	struct take_notice *k;

	if (r->notice_count == r->notice_cap) {
		r->notice_cap = r->notice_cap ? 2 * r->notice_cap : 16;
		r->notices = mem_reallocn(r->notices, r->notice_cap, sizeof(r->notices[0]));
	}
	k = &r->notices[r->notice_count++];
	memset(k, 0, sizeof(*k));
	(void)snprintf(k->sink, sizeof(k->sink), "%s", n->sink);
	k->change = n->change;
	k->severity = n->severity;
	k->first_severity = n->first_severity;
	memcpy(k->identity, item->finding.identity, sizeof(k->identity));
	k->rules = mem_strndup(n->rules.p, n->rules.len);
	k->event = mem_strndup(s->event.data, s->event.len);
	k->event_bytes = s->event.len;
	(void)snprintf(k->message_key, sizeof(k->message_key), "%s", n->message_key);
	(void)snprintf(k->thread_key, sizeof(k->thread_key), "%s", n->thread_key);
}

static int
queue_notice(struct store_tx *tx, struct take *t, const struct take_item *item,
             const struct lifecycle_action *a, struct outbox_new *n, struct err *e)
{
	struct take_tally *tally = tally_of(&t->result, a->sink);
	struct buf *rules = &t->scratch->rules;
	char sink[TAKE_NAME_BYTES];

	(void)snprintf(sink, sizeof(sink), "%.*s", SPAN_FMT(a->sink));
	buf_clear(rules);
	for (size_t i = 0; i < a->rule_count; i++) {
		if (i)
			(void)buf_add_char(rules, '\n');
		(void)buf_add(rules, a->rules[i].p, a->rules[i].len);
	}
	n->sink = sink;
	n->change = a->change;
	n->n = a->n;
	n->generation = a->generation;
	n->group = a->group;
	n->severity = a->severity;
	n->first_severity = a->first_severity;
	n->thread_key = a->thread_key;
	n->message_key = a->message_key;
	n->rules = (struct span){ rules->data, rules->len };
	t->result.queued++;
	if (tally)
		tally->queued[a->change]++;
	if (t->is_kept)
		keep_notice(t, item, n);
	return outbox_add(tx, n, NULL, e);
}

/* What the record of a notice says of the finding when its event is gone. What does not fit is left empty, never cut. */
static struct span
make_subject(struct buf *out, const struct finding *f)
{
	const struct span parts[] = { f->id, f->title, f->product, f->account, f->region };
	size_t left = OUTBOX_SUBJECT_MAX - sizeof(parts) / sizeof(parts[0]);

	buf_clear(out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (i)
			(void)buf_add_char(out, '\n');
		if (parts[i].len > left)
			continue;
		(void)buf_add(out, parts[i].p, parts[i].len);
		left -= parts[i].len;
	}
	return (struct span){ out->data, out->len };
}

/* The event's bytes into the scratch. -1: no event can be made of it, or none that the store would take. */
static int
build_event(struct take *t, const struct take_item *item)
{
	struct envelope_place place = { t->page->account, t->page->region, item->account_name };
	struct buf *event = &t->scratch->event;

	buf_clear(event);
	if (envelope_build(&item->finding, &place, event) < 0 || event->len > OUTBOX_EVENT_MAX)
		return -1;
	return 0;
}

/* The event goes in once, then a row per notice. */
static int
queue_all(struct store_tx *tx, struct take *t, const struct take_item *item, int64_t memory_id,
          struct err *e)
{
	struct take_scratch *s = t->scratch;
	struct outbox_new n = { .memory_id = memory_id,
		                .created_ms = t->now_ms,
		                .due_ms = t->now_ms };

	if (outbox_event_add(tx, (struct span){ s->event.data, s->event.len }, &n.event_id, e) < 0)
		return -1;
	(void)FAULT("take.queue");
	n.subject = make_subject(&s->subject, &item->finding);
	for (size_t i = 0; i < s->decided.action_count; i++) {
		if (queue_notice(tx, t, item, &s->decided.actions[i], &n, e) < 0)
			return -1;
	}
	return 0;
}

/* Write what is now to be remembered; *id is 0 for a new identity, and set here. */
static int
remember(struct store_tx *tx, struct take *t, const struct take_item *item, int64_t *id,
         int64_t seen_ms, struct err *e)
{
	struct take_scratch *s = t->scratch;
	struct memory_origin origin = { t->origin.source, t->origin.account, t->origin.region };
	const struct finding *f = &item->finding;
	struct span packed;

	if (*id > 0 && !s->decided.is_state_changed)
		return memory_touch(tx, *id, seen_ms, t->now_ms, e);
	(void)FAULT("take.remember");
	buf_clear(&s->packed);
	lifecycle_pack(&s->state, &s->packed);
	packed = (struct span){ s->packed.data, s->packed.len };
	if (*id == 0) {
		if (memory_add(tx, f->identity, packed, s->decided.is_open, t->now_ms, id, e) < 0)
			return -1;
	} else if (memory_set(tx, *id, packed, s->decided.is_open, t->now_ms, e) < 0) {
		return -1;
	}
	if (!s->decided.is_open)
		return 0;
	return memory_watch(tx, *id, &origin, f->id, (int)f->severity, t->now_ms, e);
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
	struct take_scratch *s = t->scratch;
	struct lifecycle_reading reading;
	struct lifecycle_input in = { .reading = &reading,
		                      .rules = plan_rules(t->plan),
		                      .matched = t->matched + item->first_match,
		                      .matched_count = item->match_count,
		                      .dead = s->dead,
		                      .now_ms = t->now_ms };
	int64_t id = 0, seen_ms = 0;
	bool is_new;

	if (recall(tx, s, &item->finding, &is_new, &id, &seen_ms, e) < 0)
		return -1;
	fill_reading(t, &item->finding, &reading);
	if (load_dead(tx, s, id, e) < 0)
		return -1;
	in.dead_count = s->dead_count;
	lifecycle_decide(&s->state, is_new, &in, &s->decided);
	/* What cannot be told may not count as told, and may not hold up its page. */
	if (s->decided.action_count && build_event(t, item) < 0)
		return take_poison(tx, t, item, "its event is too long", e);
	count_verdict(t, item, s->decided.verdict);
	if (remember(tx, t, item, &id, seen_ms, e) < 0)
		return -1;
	return s->decided.action_count ? queue_all(tx, t, item, id, e) : 0;
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
