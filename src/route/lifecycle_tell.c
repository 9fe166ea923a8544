/*
 * lifecycle_tell: a notice, or news for an alert, with its number and its keys; and the group that remembers it. See lifecycle.h.
 */
#include "config.h"

#include <string.h>

#include "route/lifecycle_turn.h"

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

struct lifecycle_group *
lifecycle_make_group(struct lifecycle_state *s, const struct target *target)
{
	struct lifecycle_group *g = NULL;

	if (s->group_count < LIFECYCLE_GROUPS) {
		g = &s->groups[s->group_count++];
	} else {
		for (size_t i = 0; i < s->group_count; i++) {
			struct lifecycle_group *old = &s->groups[i];
			if (!old->is_open && !old->is_watcher &&
			    (g == NULL || old->told_ms < g->told_ms))
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
	g->is_membership = target->value != NULL;
	return g;
}

static struct lifecycle_action *
add_action(struct turn *t, const struct target *target, enum change change,
           const struct names *names)
{
	const struct lifecycle_group *g = target->group;
	struct lifecycle_action *a = &t->ret->actions[t->ret->action_count++];

	a->change = change;
	a->aside = LIFECYCLE_ASIDE_NONE;
	a->turns = 0;
	a->flap_ms = 0;
	a->member = LIFECYCLE_ALONE;
	a->value = target->value;
	a->sink = target->sink;
	a->group = target->key;
	a->n = 0;
	/* A thread is its group's: one that was held has seen generations come and go. */
	a->generation = g ? g->generation : t->state->generation;
	a->severity = t->r->severity;
	a->first_severity = g ? g->severity_first : t->r->severity;
	a->rule_count = names->count;
	a->policy = names->count > 0 ? names->list[0].policy : NULL;
	for (size_t i = 0; i < names->count; i++)
		a->rules[i] = names->list[i].name;
	a->thread_key[0] = a->message_key[0] = '\0';
	return a;
}

struct lifecycle_action *
lifecycle_tell(struct turn *t, const struct target *target, enum change change,
               const struct names *names)
{
	struct lifecycle_state *s = t->state;

	if (t->ret->action_count == LIFECYCLE_ACTIONS)
		return NULL;
	struct lifecycle_action *a = add_action(t, target, change, names);
	a->n = next_n(s, target->sink);
	lifecycle_thread_key(t->r->identity, a->generation, a->thread_key);
	lifecycle_message_key(a->thread_key, a->sink, a->n, a->message_key);
	if (target->group == NULL)
		s->n_floor =
			a->n; /* no room for its group: at least the number is not used twice */
	t->ret->is_state_changed = true;
	return a;
}

void
lifecycle_report(struct turn *t, const struct target *target, enum lifecycle_member member,
                 enum change change, const struct names *names)
{
	if (t->ret->action_count == LIFECYCLE_ACTIONS)
		return;
	struct lifecycle_action *a = add_action(t, target, change, names);
	a->member = member;
	a->aside = t->is_aged ? LIFECYCLE_ASIDE_AGED : LIFECYCLE_ASIDE_NONE;
	if (target->group != NULL) {
		target->group->told_ms = t->in->now_ms;
		if (t->r->severity > target->group->severity_told)
			target->group->severity_told = t->r->severity;
	}
	t->ret->is_state_changed = true;
}

void
lifecycle_note_told(struct turn *t, struct lifecycle_group *g)
{
	g->n = t->ret->actions[t->ret->action_count - 1].n;
	g->told_ms = t->in->now_ms;
	g->queued++;
	if (t->r->severity > g->severity_told)
		g->severity_told = t->r->severity;
}
