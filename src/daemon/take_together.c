/*
 * take_together: alerts that stand for several findings (collapse_by). See take_in.h.
 *
 * Such an alert is remembered like a finding: its identity is the value that its findings share, its readings are made here, one
 * for each thing that happens to a member: open while one member is. So it opens, gets worse, repeats, flaps, resolves and
 * reopens by the same rules as a finding does (route/lifecycle.h), under keys of its own. Who is open in it stands in the
 * table of members; what its next notice says of those who joined silently is part of its state.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "daemon/plan.h"
#include "daemon/take_in.h"
#include "route/note.h"
#include "store/member.h"
#include "json/scan.h"

enum {
	COUNTED_MAX = 1000, /* members that a notice counts */
	PARTS = 4,
	PART_BYTES = 100,
	COUNT_ENOUGH =
		1000000000, /* of occurrences: each rule's min_count was asked at the finding */
};

/* One thing that happened to a member. */
struct news {
	const struct take_item *item;
	const struct lifecycle_action *action;
	uint32_t open; /* members, after it */
	bool was_open; /* the alert, before it */
	bool is_turn;  /* it changes the alert's state, or may */
	unsigned as;
};

static struct span
cut(struct span s, size_t max)
{
	return (struct span){ s.p, str_utf8_cut(s.p ? s.p : "", s.len, max) };
}

/* What may tell one member from another, decoded: account, region, source of the check, resource. */
static void
read_parts(struct buf *out, const struct finding *f, struct span ret[PARTS])
{
	const struct span raw[PARTS] = { f->account, f->region, f->generator_id, f->resource_id };

	buf_clear(out);
	(void)buf_reserve(out, f->account.len + f->region.len + f->generator_id.len +
	                               f->resource_id.len + LIFECYCLE_ALSO_BYTES);
	for (size_t i = 0; i < PARTS; i++) {
		size_t at = out->len;

		if (raw[i].len > 0)
			(void)scan_unescape(raw[i], out);
		ret[i] = cut((struct span){ out->data + at, out->len - at }, PART_BYTES);
	}
}

/* By what it differs from the one that was told; by its id when by nothing that is known here. */
static struct span
make_name(struct buf *out, const struct span base[PARTS], const struct span parts[PARTS],
          struct span id)
{
	size_t at = out->len, tail = id.len > 40 ? id.len - 40 : 0;

	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].len == 0 || span_eq(parts[i], base[i]) ||
		    out->len - at + parts[i].len + 1 > LIFECYCLE_ALSO_BYTES)
			continue;
		if (out->len > at)
			(void)buf_add_char(out, ' ');
		(void)buf_add(out, parts[i].p, parts[i].len);
	}
	if (out->len == at) {
		(void)buf_add_str(out, "finding ");
		for (size_t i = tail; i < id.len; i++)
			(void)buf_add_char(out, id.p[i] > ' ' && id.p[i] < 0x7f ? id.p[i] : '?');
	}
	return (struct span){ out->data + at, out->len - at };
}

/* It joined, and nobody was told: the next notice says so. The texts live in scratch->parts until the state is packed. */
static void
note_joined(struct take *t, const struct news *n)
{
	struct take_scratch *s = t->scratch;
	struct lifecycle_state *state = &s->together.state;
	struct span parts[PARTS], name;

	read_parts(&s->parts, &n->item->finding, parts);
	s->together.decided.is_state_changed = true;
	if (!n->was_open) {
		memcpy(state->base, parts, sizeof(state->base));
		state->also_count = 0;
		state->also_named = 0;
		return;
	}
	if (s->together.decided.action_count > 0)
		return;
	state->also_count++;
	name = make_name(&s->parts, state->base, parts, n->item->finding.id);
	for (size_t i = 0; i < state->also_named; i++) {
		if (span_eq(state->also[i], name))
			return;
	}
	if (state->also_named < LIFECYCLE_ALSO)
		state->also[state->also_named++] = name;
}

static void
fill_reading(const struct take *t, const struct news *n, struct lifecycle_reading *r)
{
	const struct take_mind *g = &t->scratch->together;
	const struct lifecycle_view_state *v = &g->state.views[LIFECYCLE_TOGETHER];
	bool is_partial = n->action->member == LIFECYCLE_LEAVES && n->open > 0;

	memset(r, 0, sizeof(*r));
	memcpy(r->identity, g->identity, sizeof(r->identity));
	r->view = LIFECYCLE_TOGETHER;
	/* Versions are counted: nothing that happens to a member is older than what happened before. */
	r->updated_ms = (v->is_known ? v->updated_ms : 0) + n->is_turn;
	r->request_started_ms = t->page->request_started_ms;
	r->severity = n->action->severity;
	if (is_partial && v->is_known && r->severity > v->severity_peak)
		r->severity = v->severity_peak; /* that one is done: its worst is no news */
	r->status = n->open > 0 ? LIFECYCLE_OPEN : LIFECYCLE_CLOSED;
	r->count = COUNT_ENOUGH;
	r->as = n->as;
	r->start = LIFECYCLE_START_OPEN;
	r->remembered_ms = t->remembered_ms;
}

static int
decide(struct store_tx *tx, struct take *t, const struct news *n, struct err *e)
{
	struct take_mind *g = &t->scratch->together;
	const struct rule_set *rules = plan_rules(t->plan);
	uint32_t matched[LIFECYCLE_GROUP_RULES];
	struct lifecycle_reading reading;
	struct lifecycle_input in = { .reading = &reading, .matched = matched };
	size_t index;

	fill_reading(t, n, &reading);
	for (size_t i = 0; i < n->action->rule_count; i++) {
		if (rule_set_find(rules, n->action->rules[i], &index) != NULL)
			matched[in.matched_count++] = (uint32_t)index;
	}
	if (take_decide(tx, g, t, &in, false, e) < 0)
		return -1;
	g->is_new = false;
	for (size_t i = 0; i < g->decided.action_count; i++) {
		struct lifecycle_action *a = &g->decided.actions[i];
		if (a->change == CHANGE_RESOLVED && n->action->aside == LIFECYCLE_ASIDE_AGED)
			a->aside = LIFECYCLE_ASIDE_AGED;
	}
	return 0;
}

/* Queue what was decided, with who joined since the last notice; those are told with it. */
static int
conclude(struct store_tx *tx, struct take *t, const struct news *n, struct err *e)
{
	struct take_mind *g = &t->scratch->together;
	struct note_together note = { .open = n->open,
		                      .is_more = n->open >= COUNTED_MAX,
		                      .more = g->state.also_count,
		                      .in_count = g->state.also_named };

	memcpy(note.in, g->state.also, sizeof(note.in));
	if (g->decided.action_count > 0)
		g->state.also_count = 0, g->state.also_named = 0;
	(void)FAULT("take.together");
	if (take_remember(tx, g, t->now_ms, e) < 0)
		return -1;
	return take_queue(tx, t, n->item, g, &note, e);
}

/* Its members went without a word (forgotten rows): what is open there is over before somebody joins again. */
static int
close_orphan(struct store_tx *tx, struct take *t, const struct news *joins, struct err *e)
{
	struct news n = { .item = joins->item, .action = joins->action, .is_turn = true };

	if (decide(tx, t, &n, e) < 0)
		return -1;
	t->scratch->together.decided.is_state_changed = true;
	return conclude(tx, t, &n, e);
}

static int
join(struct store_tx *tx, struct take *t, struct news *n, struct err *e)
{
	struct take_mind *own = &t->scratch->own, *g = &t->scratch->together;
	uint32_t others = 0;

	memcpy(g->identity, n->action->value->bytes, sizeof(g->identity));
	if (take_recall(tx, g, e) < 0 ||
	    (g->id > 0 && member_count(tx, g->id, COUNTED_MAX, &others, e) < 0))
		return -1;
	n->was_open = !g->is_new && g->state.closers == 0;
	if (n->was_open && others == 0) {
		if (close_orphan(tx, t, n, e) < 0)
			return -1;
		n->was_open = false;
	}
	n->open = others + 1;
	n->as = CHANGE_BIT(n->action->change);
	n->is_turn = true;
	if (decide(tx, t, n, e) < 0)
		return -1;
	note_joined(t, n);
	if (conclude(tx, t, n, e) < 0)
		return -1;
	return member_add(tx, own->id, n->action->group, g->id, e);
}

/* 1 found, 0 the alert is forgotten, -1. */
static int
find_alert(struct store_tx *tx, struct take *t, const struct news *n, struct err *e)
{
	struct take_mind *g = &t->scratch->together;
	int64_t id = 0;
	int found = member_find(tx, t->scratch->own.id, n->action->group, &id, e);

	if (found < 0)
		return -1;
	found = found ? take_recall_id(tx, g, id, e) : take_recall_key(tx, g, n->action->group, e);
	if (found <= 0)
		return found;
	return !g->is_new && g->state.views[LIFECYCLE_TOGETHER].is_known;
}

static int
go_on(struct store_tx *tx, struct take *t, struct news *n, struct err *e)
{
	struct take_mind *own = &t->scratch->own, *g = &t->scratch->together;
	const struct lifecycle_action *a = n->action;
	int found = find_alert(tx, t, n, e);

	if (found < 0 ||
	    (a->member == LIFECYCLE_LEAVES && member_remove(tx, own->id, a->group, e) < 0))
		return -1;
	if (found == 0)
		return 0;
	if (member_count(tx, g->id, COUNTED_MAX, &n->open, e) < 0)
		return -1;
	n->was_open = g->state.closers == 0;
	n->is_turn = a->member == LIFECYCLE_LEAVES ||
	             (a->member == LIFECYCLE_STAYS && a->change != CHANGE_REPEAT);
	if (decide(tx, t, n, e) < 0)
		return -1;
	return conclude(tx, t, n, e);
}

/* An alert that flaps is asked about through the member that it last heard of, also when that one is closed. */
static bool
mark_watcher(struct take *t, uint64_t key)
{
	struct lifecycle_group *g = lifecycle_membership(&t->scratch->own.state, key);
	const struct lifecycle_state *alert = &t->scratch->together.state;
	bool is_held = false;

	for (size_t i = 0; i < alert->group_count; i++)
		is_held |= alert->groups[i].is_open && alert->groups[i].is_held;
	if (g == NULL || g->is_watcher == is_held)
		return false;
	g->is_watcher = is_held;
	return true;
}

int
take_together(struct store_tx *tx, struct take *t, const struct take_item *item, struct err *e)
{
	struct take_mind *own = &t->scratch->own;
	bool is_marked = false;

	for (size_t i = 0; i < own->decided.action_count; i++) {
		const struct lifecycle_action *a = &own->decided.actions[i];
		struct news n = { .item = item, .action = a };

		if (a->member == LIFECYCLE_ALONE)
			continue;
		lifecycle_init(&t->scratch->together.state);
		if ((a->member == LIFECYCLE_JOINS ? join : go_on)(tx, t, &n, e) < 0)
			return -1;
		is_marked |= mark_watcher(t, a->group);
	}
	if (!is_marked)
		return 0;
	own->decided.is_state_changed = true;
	own->decided.is_open = lifecycle_has_open(&own->state);
	return take_remember(tx, own, t->now_ms, e);
}
