/*
 * lifecycle_target: who a reading concerns: the groups that are open, and those that matching rules aim at. See lifecycle.h.
 */
#include "config.h"

#include <string.h>

#include "route/lifecycle_turn.h"

uint64_t
lifecycle_value_key(const struct lifecycle_value *value)
{
	uint64_t key;

	memcpy(&key, value->bytes, sizeof(key));
	return key;
}

bool
lifecycle_names(const struct lifecycle_group *g, struct span name)
{
	for (size_t i = 0; i < g->rule_count; i++) {
		if (span_eq(g->rules[i], name))
			return true;
	}
	return false;
}

/* The open group that the rule is in: the membership, or the first of a sink; NULL: none. */
static const struct lifecycle_group *
home_of(const struct turn *t, const struct rule_policy *p)
{
	const struct lifecycle_group *home = NULL;

	for (size_t i = 0; i < t->state->group_count; i++) {
		const struct lifecycle_group *g = &t->state->groups[i];
		if (!g->is_open || !lifecycle_names(g, span_of(p->name)))
			continue;
		if (g->is_membership)
			return g;
		if (home == NULL)
			home = g;
	}
	return home;
}

/* The open group of that sink that the rule is in. */
static const struct lifecycle_group *
home_at(const struct turn *t, const struct rule_policy *p, const char *sink)
{
	for (size_t i = 0; i < t->state->group_count; i++) {
		const struct lifecycle_group *g = &t->state->groups[i];
		if (g->is_open && !g->is_membership && span_eq_str(g->sink, sink) &&
		    lifecycle_names(g, span_of(p->name)))
			return g;
	}
	return NULL;
}

/*
 * Where the matching rule m, which is p, aims with its sink k. While it is in an open group it stays there: a reload that changes its
 * collapse_by, or a value that changes, may not tell once more what is told.
 */
static struct target
aim(const struct turn *t, size_t m, const struct rule_policy *p, size_t k)
{
	const struct lifecycle_value *value =
		t->in->values != NULL && t->in->values[m].is_set ? &t->in->values[m] : NULL;
	const struct lifecycle_group *home = t->is_shared ? home_of(t, p) : NULL;
	struct target at = { .sink = span_of(p->sinks[k]), .key = p->is_apart ? p->key : 0 };

	if (home != NULL && home->is_membership)
		return (struct target){ .sink = home->sink, .key = home->key };
	if (home == NULL && value != NULL)
		return (struct target){ .sink = { "", 0 },
			                .key = lifecycle_value_key(value),
			                .value = value };
	if (home != NULL && (home = home_at(t, p, p->sinks[k])) != NULL)
		at.key = home->key;
	return at;
}

bool
lifecycle_is_aimed(const struct turn *t, size_t m, const struct rule_policy *p,
                   const struct target *target)
{
	for (size_t k = 0; k < p->sink_count; k++) {
		struct target at = aim(t, m, p, k);
		if (at.key == target->key && span_eq(at.sink, target->sink))
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
add_target(struct turn *t, struct target targets[TARGETS_MAX], size_t *count, struct target at)
{
	for (size_t i = 0; i < *count; i++) {
		if (targets[i].key != at.key || !span_eq(targets[i].sink, at.sink))
			continue;
		if (at.value != NULL)
			targets[i].value =
				at.value; /* one that watches for its alert joins it again */
		return;
	}
	if (*count == TARGETS_MAX)
		return;
	at.group = find_group(t->state, at.sink, at.key);
	targets[(*count)++] = at;
}

size_t
lifecycle_targets(struct turn *t, struct target targets[TARGETS_MAX])
{
	size_t count = 0;

	t->is_shared = t->in->values != NULL;
	for (size_t i = 0; i < t->state->group_count && !t->is_shared; i++)
		t->is_shared = t->state->groups[i].is_membership;
	/* Open groups first: they may not be crowded out. */
	for (size_t i = 0; i < t->state->group_count; i++) {
		const struct lifecycle_group *g = &t->state->groups[i];
		if (g->is_open || g->is_watcher)
			add_target(t, targets, &count,
			           (struct target){ .sink = g->sink, .key = g->key });
	}
	if (t->is_closed)
		return count;
	for (size_t i = 0; i < t->in->matched_count; i++) {
		const struct rule_policy *p = rule_set_at(t->in->rules, t->in->matched[i]);
		for (size_t k = 0; p != NULL && k < p->sink_count; k++)
			add_target(t, targets, &count, aim(t, i, p, k));
	}
	return count;
}

bool
names_add(struct names *n, struct span name, const struct rule_policy *policy, size_t index)
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

void
names_add_members(const struct turn *t, const struct lifecycle_group *g, unsigned wanted,
                  struct names *ret)
{
	for (size_t i = 0; i < g->rule_count; i++) {
		size_t index = 0;
		const struct rule_policy *p = rule_set_find(t->in->rules, g->rules[i], &index);
		/* Of a removed rule only the group remembers what it wanted. */
		if (((p ? p->on : g->on) & wanted) != 0)
			(void)names_add(ret, p ? span_of(p->name) : g->rules[i], p, index);
	}
}
