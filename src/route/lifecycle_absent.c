/*
 * lifecycle_absent: an answer that should have had the finding had it not. See lifecycle.h.
 *
 * One answer proves little: AWS's indices lag, and a call may be answered by half of them. Several over an hour, and so long after
 * the last update that AWS no longer keeps it, do. Until then nothing is known, and nothing is told.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "route/lifecycle_turn.h"

static bool
is_aged_out(const struct lifecycle_state *s, int64_t now_ms)
{
	int64_t updated_ms = 0;

	if (s->absent_count < LIFECYCLE_ABSENT_ANSWERS ||
	    now_ms - s->absent_since_ms < LIFECYCLE_ABSENT_MS)
		return false;
	for (size_t i = 0; i < LIFECYCLE_VIEWS; i++) {
		if (s->views[i].is_known && s->views[i].updated_ms > updated_ms)
			updated_ms = s->views[i].updated_ms;
	}
	if (updated_ms <= 0) /* it never said when: from when it was missed on */
		updated_ms = s->absent_since_ms;
	return now_ms - updated_ms >= LIFECYCLE_AGE_MS;
}

static void
count_answer(struct turn *t)
{
	struct lifecycle_state *s = t->state;

	if (s->absent_count == 0 || t->r->request_started_ms < s->absent_since_ms) {
		s->absent_since_ms = t->r->request_started_ms;
		s->absent_count = 0;
	}
	if (s->absent_count < LIFECYCLE_ABSENT_ANSWERS) {
		s->absent_count++;
		t->ret->is_state_changed = true;
	}
}

/* Should it come back as it was last seen, that is news: it is open again. */
static void
age_out(struct turn *t)
{
	struct lifecycle_state *s = t->state;

	s->closers |= AGED_CLOSER;
	for (size_t i = 0; i < LIFECYCLE_VIEWS; i++)
		memset(s->views[i].digest, 0, sizeof(s->views[i].digest));
	lifecycle_flip(t);
	t->is_aged = true;
	t->ret->is_state_changed = true;
}

void
lifecycle_absent(struct lifecycle_state *state, const struct lifecycle_input *in,
                 struct lifecycle_result *ret)
{
	struct lifecycle_reading r = *in->reading;
	struct lifecycle_input none = *in;
	struct turn t = { .state = state, .in = &none, .r = &r, .ret = ret };

	memset(ret, 0, offsetof(struct lifecycle_result, actions));
	ret->action_count = 0;
	ret->verdict = LIFECYCLE_SAME;
	none.matched_count = 0;
	none.reading = &r;
	r.severity = state->severity;
	count_answer(&t);
	if (state->closers == 0 && is_aged_out(state, r.request_started_ms))
		age_out(&t);
	t.is_closed = state->closers != 0;
	if (t.is_closed)
		lifecycle_tell_targets(&t);
	ret->is_open = lifecycle_has_open(state);
}

struct lifecycle_group *
lifecycle_membership(struct lifecycle_state *state, uint64_t key)
{
	for (size_t i = 0; i < state->group_count; i++) {
		if (state->groups[i].is_membership && state->groups[i].key == key)
			return &state->groups[i];
	}
	return NULL;
}
