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

/* An alert hears at least so often of a member that is still open. */
#define STILL_THERE_MS (7 * INT64_C(86400000))

bool
lifecycle_has_open(const struct lifecycle_state *state)
{
	for (size_t i = 0; i < state->group_count; i++) {
		if (state->groups[i].is_open || state->groups[i].is_watcher)
			return true;
	}
	return false;
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

/* How a group's rules want flapping to be held: the first of them in file order decides. */
static const struct rule_policy *
flap_policy(const struct turn *t, const struct lifecycle_group *g)
{
	struct names names = { .count = 0 };

	names_add_members(t, g, UINT32_MAX, &names);
	return names.count > 0 ? names.list[0].policy : NULL;
}

/* A held group: has the finding stood still for long enough? So it has when nobody is left who wants it held. */
static bool
is_calm(const struct turn *t, const struct lifecycle_group *g, int64_t *ret_ms)
{
	const struct rule_policy *p = flap_policy(t, g);

	*ret_ms = p != NULL && p->flap_count > 0 ? p->flap_ms : 0;
	return t->r->request_started_ms - t->state->flipped_ms >= *ret_ms;
}

static void
leave(struct turn *t, struct target *target)
{
	struct names names = { .count = 0 };

	target->group->is_open = false;
	names_add_members(t, target->group, UINT32_MAX, &names);
	lifecycle_report(t, target, LIFECYCLE_LEAVES, CHANGE_RESOLVED, &names);
}

static void
resolve(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };
	int64_t flap_ms = 0;
	bool was_held = g->is_held;

	if (was_held && !t->is_aged && !is_calm(t, g, &flap_ms))
		return;
	g->is_open = g->is_held = false;
	t->ret->is_state_changed = true;
	names_add_members(t, g, CHANGE_BIT(CHANGE_RESOLVED), &names);
	if (names.count == 0)
		return;
	if (dead_in(t, g) >= g->queued) {
		t->ret->pairs_dropped++;
		return;
	}
	struct lifecycle_action *a = lifecycle_tell(t, target, CHANGE_RESOLVED, &names);
	if (a == NULL)
		return;
	a->flap_ms = flap_ms;
	a->aside = t->is_aged ? LIFECYCLE_ASIDE_AGED
	           : was_held ? LIFECYCLE_ASIDE_CALM
	                      : LIFECYCLE_ASIDE_NONE;
	lifecycle_note_told(t, g);
}

static bool
is_silent(const struct turn *t, const struct rule_policy *p)
{
	const struct lifecycle_reading *r = t->r;

	if (p->is_start_open)
		return false;
	if (t->is_baseline)
		return true;
	/* As for the source's own start: what is new so long after it may have been known and forgotten. */
	if (t->ret->verdict == LIFECYCLE_NEW && r->remembered_ms > 0 &&
	    r->request_started_ms - p->start_ms > r->remembered_ms)
		return false;
	return p->start_ms != 0 && t->state->created_ms > 0 && t->state->created_ms < p->start_ms;
}

/* What happened to the member that joins, where the rule wants that. */
static enum change
want_member(const struct turn *t, const struct rule_policy *p)
{
	for (enum change c = 0; c < CHANGE_COUNT; c++) {
		if ((t->r->as & p->on & CHANGE_BIT(c)) != 0)
			return c;
	}
	return CHANGE_COUNT;
}

/* What a matching rule wants to be told where nothing is open yet: a change, or CHANGE_COUNT for nothing. */
static enum change
want(struct turn *t, const struct rule_policy *p, const struct lifecycle_group *g)
{
	bool is_raised = t->is_view_known && t->r->severity > t->severity_before;
	bool is_quiet = is_silent(t, p);

	if (p->min_count > 1 && t->count < p->min_count)
		return CHANGE_COUNT;
	if (t->ret->verdict == LIFECYCLE_SAME && !p->is_start_open)
		return CHANGE_COUNT;
	bool is_again = t->state->generation > t->state->generation_first;
	if (is_again && (t->is_reopened || !is_quiet) && (p->on & CHANGE_BIT(CHANGE_REOPENED)) != 0)
		return CHANGE_REOPENED;
	/* A rule that was never told of it hears of it first now, whatever it has been through before. */
	if ((!is_again || g == NULL || !lifecycle_names(g, span_of(p->name))) && !is_quiet &&
	    (p->on & CHANGE_BIT(CHANGE_CREATED)) != 0)
		return CHANGE_CREATED;
	if (is_raised && (p->on & CHANGE_BIT(CHANGE_SEVERITY_RAISED)) != 0)
		return CHANGE_SEVERITY_RAISED;
	t->ret->is_silent |= is_quiet;
	return want_member(t, p);
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

/* Told as reopened more often than its rule bears: say so, and say no more until it is calm. */
static void
hold_if_flapping(struct turn *t, struct lifecycle_group *g, struct lifecycle_action *a)
{
	const struct rule_policy *p = a->policy;
	uint32_t turns;

	if (a->change != CHANGE_REOPENED || p == NULL || p->flap_count == 0)
		return;
	turns = lifecycle_turns_within(t, p->flap_ms);
	if (turns <= p->flap_count)
		return;
	a->aside = LIFECYCLE_ASIDE_FLAPPING;
	a->turns = turns;
	a->flap_ms = p->flap_ms;
	g->is_held = true;
}

/* Changes that open a group, the one that says most first. */
static enum change
opening_of(unsigned wanted)
{
	static const enum change by_rank[] = { CHANGE_CREATED, CHANGE_REOPENED,
		                               CHANGE_SEVERITY_RAISED };

	for (size_t i = 0; i < sizeof(by_rank) / sizeof(by_rank[0]); i++) {
		if ((wanted & CHANGE_BIT(by_rank[i])) != 0)
			return by_rank[i];
	}
	return CHANGE_COUNT;
}

/* Matching rules that want it opened there: their names, and the change that it is told as; CHANGE_COUNT: none. */
static enum change
gather(struct turn *t, const struct target *target, struct names *ret)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		if (p == NULL || !lifecycle_is_aimed(t, i, p, target))
			continue;
		enum change change = want(t, p, target->group);
		if (change == CHANGE_COUNT)
			continue;
		wanted |= CHANGE_BIT(change);
		(void)names_add(ret, span_of(p->name), p, t->in->matched[i]);
	}
	return opening_of(wanted);
}

static void
open_target(struct turn *t, struct target *target)
{
	struct names names = { .count = 0 };
	enum change change = gather(t, target, &names);

	if (change == CHANGE_COUNT)
		return;
	if (target->group == NULL)
		target->group = lifecycle_make_group(t->state, target);
	struct lifecycle_group *g = target->group;
	if (g != NULL) {
		g->is_open = true;
		g->is_held = false;
		g->generation = t->state->generation;
		g->queued = g->repeats = 0;
		g->severity_told = g->severity_first = t->r->severity;
		remember_rules(g, &names);
	}
	if (target->value != NULL || (g != NULL && g->is_membership)) {
		lifecycle_report(t, target, LIFECYCLE_JOINS, change, &names);
		return;
	}
	struct lifecycle_action *a = lifecycle_tell(t, target, change, &names);
	if (g == NULL || a == NULL)
		return;
	lifecycle_note_told(t, g);
	hold_if_flapping(t, g, a);
}

/* Rules that match now and whose sink is told already are in it from now on. */
static bool
join(struct turn *t, const struct target *target)
{
	struct lifecycle_group *g = target->group;
	size_t before = g->rule_count;

	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		bool is_in = p == NULL || lifecycle_names(g, span_of(p->name)) ||
		             !lifecycle_is_aimed(t, i, p, target);
		if (is_in || g->rule_count == LIFECYCLE_GROUP_RULES)
			continue;
		g->rules[g->rule_count++] = span_of(p->name);
		g->on |= p->on;
		t->ret->is_state_changed = true;
	}
	return g->rule_count > before;
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
add_repeating(struct turn *t, struct lifecycle_group *g, struct names *ret)
{
	for (size_t i = 0; i < g->rule_count; i++) {
		size_t index = 0;
		const struct rule_policy *p = rule_set_find(t->in->rules, g->rules[i], &index);
		if (p == NULL || p->repeat_interval_ms <= 0)
			continue;
		/* Told in the future: by a clock that was wrong. From now on, or it would be silent until then. */
		if (g->told_ms > t->in->now_ms) {
			g->told_ms = t->in->now_ms;
			t->ret->is_state_changed = true;
		}
		if (is_repeat_due(t, g, p))
			(void)names_add(ret, span_of(p->name), p, index);
	}
}

/* What there is to tell of a group that is open and of an identity that is: CHANGE_COUNT for nothing. */
static enum change
news_of(struct turn *t, struct lifecycle_group *g, struct names *names)
{
	if (t->r->severity > g->severity_told) {
		names_add_members(t, g, CHANGE_BIT(CHANGE_SEVERITY_RAISED), names);
		if (names->count > 0)
			return CHANGE_SEVERITY_RAISED;
	}
	if (!g->is_held && t->ret->verdict == LIFECYCLE_VERSION && t->is_view_known) {
		names_add_members(t, g, CHANGE_BIT(CHANGE_UPDATED), names);
		if (names->count > 0)
			return CHANGE_UPDATED;
	}
	add_repeating(t, g, names);
	return names->count > 0 ? CHANGE_REPEAT : CHANGE_COUNT;
}

/* It was held, and has stood still, open: told whoever was told that it flaps. */
static bool
tell_calm(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };
	struct lifecycle_action *a;
	int64_t flap_ms;

	if (!g->is_held || !is_calm(t, g, &flap_ms))
		return false;
	g->is_held = false;
	t->ret->is_state_changed = true;
	names_add_members(t, g, CHANGE_BIT(CHANGE_REOPENED), &names);
	if (names.count == 0 || (a = lifecycle_tell(t, target, CHANGE_REPEAT, &names)) == NULL)
		return false;
	a->aside = LIFECYCLE_ASIDE_CALM;
	a->flap_ms = flap_ms;
	lifecycle_note_told(t, g);
	return true;
}

/* A membership goes on: news for the alert; now and then nothing but that it is still there, so that it is not forgotten. */
static void
stay(struct turn *t, struct target *target, bool is_joined)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };
	enum change change = news_of(t, g, &names);

	if (change != CHANGE_COUNT) {
		lifecycle_report(t, target, LIFECYCLE_STAYS, change, &names);
		return;
	}
	/* The alert has to know of the rule before its end, which only that one may want to hear of. */
	if (is_joined)
		names_add_members(t, g, UINT32_MAX, &names);
	if (is_joined || g->is_watcher || t->in->now_ms - g->told_ms > STILL_THERE_MS)
		lifecycle_report(t, target, LIFECYCLE_LOOKS, CHANGE_REPEAT, &names);
}

/* A finding joins an alert whose notices all died: what joins it silently nobody would ever hear of. */
static bool
tell_unheard(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };
	enum change change = CHANGE_CREATED;

	if (t->r->as == 0 || g->queued == 0 || dead_in(t, g) < g->queued)
		return false;
	while ((t->r->as & CHANGE_BIT(change)) == 0)
		change++;
	names_add_members(t, g, CHANGE_BIT(change), &names);
	if (names.count == 0 || lifecycle_tell(t, target, change, &names) == NULL)
		return false;
	lifecycle_note_told(t, g);
	return true;
}

static void
go_on(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	struct names names = { .count = 0 };

	bool is_joined = join(t, target);
	if (g->is_membership) {
		stay(t, target, is_joined);
		return;
	}
	if (tell_calm(t, target) || tell_unheard(t, target))
		return;
	enum change change = news_of(t, g, &names);
	if (change == CHANGE_COUNT || lifecycle_tell(t, target, change, &names) == NULL)
		return;
	lifecycle_note_told(t, g);
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

static void
tell_target(struct turn *t, struct target *target)
{
	struct lifecycle_group *g = target->group;
	size_t before = t->ret->action_count;
	struct names none = { .count = 0 };

	if (g != NULL && g->is_open) {
		if (!t->is_closed)
			go_on(t, target);
		else if (g->is_membership)
			leave(t, target);
		else
			resolve(t, target);
		return;
	}
	if (!t->is_closed)
		open_target(t, target);
	if (g != NULL && g->is_watcher && t->ret->action_count == before)
		lifecycle_report(t, target, LIFECYCLE_LOOKS, CHANGE_REPEAT, &none);
}

void
lifecycle_tell_targets(struct turn *t)
{
	struct target targets[TARGETS_MAX];
	size_t count = lifecycle_targets(t, targets);

	for (size_t i = 0; i < count; i++)
		tell_target(t, &targets[i]);
}

void
lifecycle_decide(struct lifecycle_state *state, bool is_new, const struct lifecycle_input *in,
                 struct lifecycle_result *ret)
{
	struct turn t = { .state = state, .in = in, .r = in->reading, .ret = ret };

	memset(ret, 0, offsetof(struct lifecycle_result, actions));
	ret->action_count = 0;
	ret->verdict = is_new ? LIFECYCLE_NEW : lifecycle_compare(state, in->reading);
	if (ret->verdict == LIFECYCLE_NEW || ret->verdict == LIFECYCLE_VERSION) {
		lifecycle_follow(&t, is_new);
		ret->is_state_changed = true;
	}
	if (ret->verdict != LIFECYCLE_OLDER) {
		ret->is_state_changed |= state->absent_count > 0;
		state->absent_count = 0;
		t.is_closed = state->closers != 0;
		t.is_baseline = state->views[t.r->view].is_baseline;
		t.count = best_count(state);
		lifecycle_tell_targets(&t);
	}
	ret->is_open = lifecycle_has_open(state);
}
