/*
 * lifecycle: what happened, and who is to be told. See lifecycle.h for the rules of it.
 *
 * A turn has two halves: lifecycle_follow moves the identity (versions, views, open or closed, generation); then each target, that is
 * each sink (with an apart-standing rule: each pair) that a matching rule names or that has an open group, decides for itself.
 */
#include "config.h"

#include "route/lifecycle.h"

#include <stddef.h>
#include <string.h>

#include "route/lifecycle_turn.h"

enum { TARGETS_MAX = 2 * LIFECYCLE_GROUPS };

/* Who a change is told to: one notice at most. */
struct target {
	struct span sink;
	uint64_t key;
	struct lifecycle_group *group; /* NULL: none yet */
};

/* Rules that a notice names, before they are put in order. */
struct names {
	struct {
		struct span name;
		const struct rule_policy *policy; /* NULL: removed */
		size_t index;
	} list[LIFECYCLE_GROUP_RULES];
	size_t count;
};

bool
lifecycle_has_open(const struct lifecycle_state *state)
{
	for (size_t i = 0; i < state->group_count; i++) {
		if (state->groups[i].is_open)
			return true;
	}
	return false;
}

static struct lifecycle_group *
find_group(struct lifecycle_state *s, struct span sink, uint64_t key)
{
	for (size_t i = 0; i < s->group_count; i++) {
		if (s->groups[i].key == key && span_eq(s->groups[i].sink, sink))
			return &s->groups[i];
	}
	return NULL;
}

static void
add_target(struct turn *t, struct target targets[TARGETS_MAX], size_t *count, struct span sink,
           uint64_t key)
{
	for (size_t i = 0; i < *count; i++) {
		if (targets[i].key == key && span_eq(targets[i].sink, sink))
			return;
	}
	if (*count < TARGETS_MAX)
		targets[(*count)++] = (struct target){ sink, key, find_group(t->state, sink, key) };
}

static size_t
collect_targets(struct turn *t, struct target targets[TARGETS_MAX])
{
	size_t count = 0;

	/* Open groups first: they may not be crowded out. */
	for (size_t i = 0; i < t->state->group_count; i++) {
		const struct lifecycle_group *g = &t->state->groups[i];
		if (g->is_open)
			add_target(t, targets, &count, g->sink, g->key);
	}
	if (t->is_closed)
		return count;
	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		for (size_t k = 0; p != NULL && k < p->sink_count; k++)
			add_target(t, targets, &count, span_of(p->sinks[k]),
			           p->is_apart ? p->key : 0);
	}
	return count;
}

static bool
is_aimed(const struct rule_policy *p, const struct target *target)
{
	if ((p->is_apart ? p->key : 0) != target->key)
		return false;
	for (size_t i = 0; i < p->sink_count; i++) {
		if (span_eq_str(target->sink, p->sinks[i]))
			return true;
	}
	return false;
}

/* Keep the list in file order, removed rules at its end; no name twice. */
static bool
add_name(struct names *n, struct span name, const struct rule_policy *policy, size_t index)
{
	size_t at = n->count;

	for (size_t i = 0; i < n->count; i++) {
		if (span_eq(n->list[i].name, name))
			return false;
	}
	if (n->count == LIFECYCLE_GROUP_RULES)
		return false;
	for (; at > 0 && policy != NULL &&
	       (n->list[at - 1].policy == NULL || n->list[at - 1].index > index);
	     at--)
		n->list[at] = n->list[at - 1];
	n->list[at].name = name;
	n->list[at].policy = policy;
	n->list[at].index = index;
	n->count++;
	return true;
}

/* Rules already in the group; those of them that want the change. */
static void
add_members(const struct turn *t, const struct lifecycle_group *g, unsigned wanted,
            struct names *ret)
{
	for (size_t i = 0; i < g->rule_count; i++) {
		size_t index = 0;
		const struct rule_policy *p = rule_set_find(t->in->rules, g->rules[i], &index);
		/* Of a removed rule only the group remembers what it wanted. */
		if (((p ? p->on : g->on) & wanted) != 0)
			(void)add_name(ret, p ? span_of(p->name) : g->rules[i], p, index);
	}
}

static uint32_t
next_n(const struct lifecycle_state *s, struct span sink)
{
	uint32_t n = s->n_floor;

	for (size_t i = 0; i < s->group_count; i++) {
		if (s->groups[i].n > n && span_eq(s->groups[i].sink, sink))
			n = s->groups[i].n;
	}
	return n + 1;
}

/* A place for a new group; when all are taken, that of the one closed longest ago. NULL: all are open. */
static struct lifecycle_group *
make_group(struct lifecycle_state *s, const struct target *target)
{
	struct lifecycle_group *g = NULL;

	if (s->group_count < LIFECYCLE_GROUPS) {
		g = &s->groups[s->group_count++];
	} else {
		for (size_t i = 0; i < s->group_count; i++) {
			struct lifecycle_group *old = &s->groups[i];
			if (!old->is_open && (g == NULL || old->told_ms < g->told_ms))
				g = old;
		}
		if (g == NULL)
			return NULL;
		if (g->n > s->n_floor)
			s->n_floor = g->n;
	}
	memset(g, 0, sizeof(*g));
	g->sink = target->sink;
	g->key = target->key;
	return g;
}

static void
tell(struct turn *t, const struct target *target, enum change change, const struct names *names)
{
	struct lifecycle_state *s = t->state;
	const struct lifecycle_group *g = target->group;

	if (t->ret->action_count == LIFECYCLE_ACTIONS)
		return;
	struct lifecycle_action *a = &t->ret->actions[t->ret->action_count++];
	a->change = change;
	a->sink = target->sink;
	a->group = target->key;
	a->n = next_n(s, target->sink);
	a->generation = s->generation;
	a->severity = t->r->severity;
	a->first_severity = g ? g->severity_first : t->r->severity;
	a->rule_count = names->count;
	a->policy = names->count > 0 ? names->list[0].policy : NULL;
	for (size_t i = 0; i < names->count; i++)
		a->rules[i] = names->list[i].name;
	lifecycle_thread_key(t->r->identity, a->generation, a->thread_key);
	lifecycle_message_key(a->thread_key, a->sink, a->n, a->message_key);
	if (g == NULL)
		s->n_floor =
			a->n; /* no room for its group: at least the number is not used twice */
	t->ret->is_state_changed = true;
}

/* After tell: the group remembers it. */
static void
note_told(struct turn *t, struct lifecycle_group *g)
{
	g->n = t->ret->actions[t->ret->action_count - 1].n;
	g->told_ms = t->in->now_ms;
	g->queued++;
	if (t->r->severity > g->severity_told)
		g->severity_told = t->r->severity;
}

static unsigned
dead_in(const struct turn *t, const struct lifecycle_group *g)
{
	for (size_t i = 0; i < t->in->dead_count; i++) {
		const struct lifecycle_dead *d = &t->in->dead[i];
		if (d->group == g->key && d->generation == g->generation &&
		    span_eq(d->sink, g->sink))
			return d->count;
	}
	return 0;
}

static void
resolve(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };

	g->is_open = false;
	t->ret->is_state_changed = true;
	add_members(t, g, CHANGE_BIT(CHANGE_RESOLVED), &names);
	if (names.count == 0)
		return;
	if (dead_in(t, g) >= g->queued) {
		t->ret->pairs_dropped++;
		return;
	}
	tell(t, target, CHANGE_RESOLVED, &names);
	note_told(t, g);
}

static bool
is_silent(const struct turn *t, const struct rule_policy *p)
{
	if (p->is_start_open)
		return false;
	return t->is_baseline ||
	       (p->start_ms != 0 && t->state->created_ms > 0 && t->state->created_ms < p->start_ms);
}

/* What a matching rule wants to be told where nothing is open yet: a change, or CHANGE_COUNT for nothing. */
static enum change
want(struct turn *t, const struct rule_policy *p)
{
	bool is_raised = t->is_view_known && t->r->severity > t->severity_before;
	bool is_quiet = is_silent(t, p);

	if (p->min_count > 1 && t->count < p->min_count)
		return CHANGE_COUNT;
	if (t->ret->verdict == LIFECYCLE_SAME && !p->is_start_open)
		return CHANGE_COUNT;
	bool is_again = t->state->generation > 1;
	if (is_again && (t->is_reopened || !is_quiet) && (p->on & CHANGE_BIT(CHANGE_REOPENED)) != 0)
		return CHANGE_REOPENED;
	if (!is_again && !is_quiet && (p->on & CHANGE_BIT(CHANGE_CREATED)) != 0)
		return CHANGE_CREATED;
	if (is_raised && (p->on & CHANGE_BIT(CHANGE_SEVERITY_RAISED)) != 0)
		return CHANGE_SEVERITY_RAISED;
	t->ret->is_silent |= is_quiet;
	return CHANGE_COUNT;
}

static void
remember_rules(struct lifecycle_group *g, const struct names *names)
{
	g->rule_count = names->count;
	g->on = 0;
	for (size_t i = 0; i < names->count; i++) {
		g->rules[i] = names->list[i].name;
		g->on |= names->list[i].policy ? names->list[i].policy->on : CHANGE_DEFAULT;
	}
}

static void
open_target(struct turn *t, struct target *target)
{
	static const enum change by_rank[] = { CHANGE_CREATED, CHANGE_REOPENED,
		                               CHANGE_SEVERITY_RAISED };
	struct names names = { .count = 0 };
	unsigned wanted = 0;

	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		if (p == NULL || !is_aimed(p, target))
			continue;
		enum change change = want(t, p);
		if (change == CHANGE_COUNT)
			continue;
		wanted |= CHANGE_BIT(change);
		(void)add_name(&names, span_of(p->name), p, t->in->matched[i]);
	}
	if (wanted == 0)
		return;
	if (target->group == NULL)
		target->group = make_group(t->state, target);
	struct lifecycle_group *g = target->group;
	if (g != NULL) {
		g->is_open = true;
		g->generation = t->state->generation;
		g->queued = g->repeats = 0;
		g->severity_told = g->severity_first = t->r->severity;
		remember_rules(g, &names);
	}
	for (size_t i = 0; i < sizeof(by_rank) / sizeof(by_rank[0]); i++) {
		if ((wanted & CHANGE_BIT(by_rank[i])) == 0)
			continue;
		tell(t, target, by_rank[i], &names);
		if (g != NULL)
			note_told(t, g);
		return;
	}
}

/* Rules that match now and whose sink is told already are in it from now on. */
static void
join(struct turn *t, const struct target *target)
{
	struct lifecycle_group *g = target->group;

	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		bool is_in = p == NULL || !is_aimed(p, target);
		for (size_t k = 0; !is_in && k < g->rule_count; k++)
			is_in = span_eq_str(g->rules[k], p->name);
		if (is_in || g->rule_count == LIFECYCLE_GROUP_RULES)
			continue;
		g->rules[g->rule_count++] = span_of(p->name);
		g->on |= p->on;
		t->ret->is_state_changed = true;
	}
}

/* Fixed, or each time longer by the factor; never longer than ten years. */
static bool
is_repeat_due(const struct turn *t, const struct lifecycle_group *g, const struct rule_policy *p)
{
	double wait_ms = (double)p->repeat_interval_ms;

	if (p->repeat_interval_ms <= 0)
		return false;
	for (uint32_t i = 0; i < g->repeats && p->repeat_backoff > 1 && wait_ms < 3.2e11; i++)
		wait_ms *= p->repeat_backoff;
	return (double)(t->in->now_ms - g->told_ms) >= wait_ms;
}

static void
add_repeating(const struct turn *t, const struct lifecycle_group *g, struct names *ret)
{
	for (size_t i = 0; i < g->rule_count; i++) {
		size_t index = 0;
		const struct rule_policy *p = rule_set_find(t->in->rules, g->rules[i], &index);
		if (p != NULL && is_repeat_due(t, g, p))
			(void)add_name(ret, span_of(p->name), p, index);
	}
}

static void
go_on(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };
	enum change change = CHANGE_COUNT;

	join(t, target);
	if (t->r->severity > g->severity_told) {
		add_members(t, g, CHANGE_BIT(CHANGE_SEVERITY_RAISED), &names);
		change = CHANGE_SEVERITY_RAISED;
	}
	if (names.count == 0 && t->ret->verdict == LIFECYCLE_VERSION && t->is_view_known) {
		add_members(t, g, CHANGE_BIT(CHANGE_UPDATED), &names);
		change = CHANGE_UPDATED;
	}
	if (names.count == 0) {
		add_repeating(t, g, &names);
		change = CHANGE_REPEAT;
	}
	if (names.count == 0)
		return;
	tell(t, target, change, &names);
	note_told(t, g);
	if (change == CHANGE_REPEAT)
		g->repeats++;
}

static uint64_t
best_count(const struct lifecycle_state *s)
{
	uint64_t count = 1;

	for (size_t i = 0; i < LIFECYCLE_VIEWS; i++) {
		if (s->views[i].is_known && s->views[i].count > count)
			count = s->views[i].count;
	}
	return count;
}

void
lifecycle_decide(struct lifecycle_state *state, bool is_new, const struct lifecycle_input *in,
                 struct lifecycle_result *ret)
{
	struct turn t = { .state = state, .in = in, .r = in->reading, .ret = ret };
	struct target targets[TARGETS_MAX];

	memset(ret, 0, offsetof(struct lifecycle_result, actions));
	ret->action_count = 0;
	ret->verdict = is_new ? LIFECYCLE_NEW : lifecycle_compare(state, in->reading);
	if (ret->verdict == LIFECYCLE_NEW || ret->verdict == LIFECYCLE_VERSION) {
		lifecycle_follow(&t, is_new);
		ret->is_state_changed = true;
	}
	if (ret->verdict != LIFECYCLE_OLDER) {
		t.is_closed = state->closers != 0;
		t.is_baseline = state->views[t.r->view].is_baseline;
		t.count = best_count(state);
		size_t count = collect_targets(&t, targets);
		for (size_t i = 0; i < count; i++) {
			bool is_open = targets[i].group != NULL && targets[i].group->is_open;
			if (is_open && t.is_closed)
				resolve(&t, &targets[i]);
			else if (is_open)
				go_on(&t, &targets[i]);
			else
				open_target(&t, &targets[i]);
		}
	}
	ret->is_open = lifecycle_has_open(state);
}
