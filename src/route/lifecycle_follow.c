/*
 * lifecycle_follow: the identity's half of a turn: which reading counts, what each view showed, open or closed, and the keys that
 * generations give. See lifecycle.h.
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "route/lifecycle_turn.h"

void
lifecycle_init(struct lifecycle_state *state)
{
	memset(state, 0, offsetof(struct lifecycle_state, groups));
	state->group_count = 0;
	state->generation = state->generation_first = 1;
}

static int
compare_instant(int64_t a_ms, int32_t a_ns, int64_t b_ms, int32_t b_ns)
{
	if (a_ms != b_ms)
		return a_ms < b_ms ? -1 : 1;
	return a_ns < b_ns ? -1 : a_ns > b_ns;
}

enum lifecycle_verdict
lifecycle_compare(const struct lifecycle_state *state, const struct lifecycle_reading *r)
{
	const struct lifecycle_view_state *v = &state->views[r->view];
	int order =
		compare_instant(r->updated_ms, r->updated_sub_ns, v->updated_ms, v->updated_sub_ns);

	if (!v->is_known || order > 0)
		return LIFECYCLE_VERSION;
	if (order < 0)
		return LIFECYCLE_OLDER;
	if (memcmp(r->digest, v->digest, sizeof(v->digest)) == 0)
		return LIFECYCLE_SAME;
	for (size_t i = 0; i < v->before_count; i++) {
		if (r->place != v->place && memcmp(r->digest, v->before[i], 8) == 0)
			return LIFECYCLE_OLDER;
	}
	return r->request_started_ms > v->request_started_ms ? LIFECYCLE_VERSION : LIFECYCLE_OLDER;
}

/* An instant that the finding does not tell (0) makes nothing silent: rather told than missed. */
static bool
is_baseline(const struct lifecycle_state *state, const struct lifecycle_reading *r)
{
	switch (r->start) {
	case LIFECYCLE_START_NOW:
		/* Perhaps it was known once, and forgotten, and is worse now: rather told. */
		if (r->remembered_ms > 0 && r->request_started_ms - r->start_ms > r->remembered_ms)
			return false;
		/* The earliest of all views: a copy has a CreatedAt of its own, often that of its import. */
		return state->created_ms > 0 && state->created_ms < r->start_ms;
	case LIFECYCLE_START_SINCE:
		return r->updated_ms > 0 && r->updated_ms < r->start_ms;
	case LIFECYCLE_START_OPEN:
		break;
	}
	return false;
}

/* Move the closers by what this view shows now. Only a change of the view counts, never that it stays as it was. */
static void
follow_status(struct lifecycle_state *s, const struct lifecycle_view_state *v,
              const struct lifecycle_reading *r, bool is_closed)
{
	unsigned bit = 1u << r->view;
	bool was_closed = v->is_known && v->is_closed;

	if (is_closed && !was_closed) {
		if (s->closers == 0)
			s->closed_version_ms = r->updated_ms;
		s->closers |= bit;
	} else if (!is_closed && was_closed) {
		s->closers &= ~bit;
	}
	if (!is_closed)
		s->closers &= ~(unsigned)AGED_CLOSER; /* there it is again */
	if (is_closed && (s->closers & bit) != 0 && r->view == LIFECYCLE_SECURITYHUB)
		s->is_suppressed = r->is_suppressed;
	if (r->view == LIFECYCLE_GUARDDUTY && !is_closed && s->closers != 0 && !s->is_suppressed &&
	    v->is_known && v->count > 0 && r->count > v->count &&
	    r->updated_ms > s->closed_version_ms)
		s->closers = 0; /* it goes on happening after somebody called it done */
	if (s->closers == 0)
		s->is_suppressed = false;
}

/* Another content at the same instant: a copy elsewhere may go on showing the old one for a while. */
static void
note_before(struct lifecycle_view_state *v, const struct lifecycle_reading *r)
{
	if (!v->is_known || compare_instant(r->updated_ms, r->updated_sub_ns, v->updated_ms,
	                                    v->updated_sub_ns) != 0) {
		v->before_count = 0;
		return;
	}
	if (v->before_count == LIFECYCLE_BEFORE)
		memmove(v->before[0], v->before[1], --v->before_count * sizeof(v->before[0]));
	memcpy(v->before[v->before_count++], v->digest, sizeof(v->before[0]));
	v->place = r->place;
}

static void
follow_view(struct turn *t, struct lifecycle_view_state *v, bool is_closed)
{
	const struct lifecycle_reading *r = t->r;

	t->is_view_known = v->is_known;
	if (!v->is_known) {
		v->is_baseline = is_baseline(t->state, r);
		v->severity_peak = r->severity;
		v->count = 0;
	}
	t->severity_before = v->severity_peak;
	if (r->severity > v->severity_peak)
		v->severity_peak = r->severity;
	note_before(v, r);
	v->is_known = true;
	v->is_closed = is_closed;
	v->updated_ms = r->updated_ms;
	v->updated_sub_ns = r->updated_sub_ns;
	memcpy(v->digest, r->digest, sizeof(v->digest));
	v->request_started_ms = r->request_started_ms;
	if (r->count > 0)
		v->count = r->count;
}

void
lifecycle_flip(struct turn *t)
{
	t->state->flipped_ms = t->r->request_started_ms;
}

uint32_t
lifecycle_turns_within(const struct turn *t, int64_t ms)
{
	const struct lifecycle_state *s = t->state;
	uint32_t count = 0;

	for (size_t i = 0; i < s->turn_count; i++)
		count += t->r->request_started_ms - s->turns[i] < ms;
	return count;
}

static void
note_turn(struct turn *t)
{
	struct lifecycle_state *s = t->state;

	if (s->turn_count == LIFECYCLE_TURNS)
		memmove(&s->turns[0], &s->turns[1], --s->turn_count * sizeof(s->turns[0]));
	s->turns[s->turn_count++] = t->r->request_started_ms;
}

/*
 * The first generation of what is new. What is first read longer after its creation than anything is remembered was perhaps known
 * before: its threads and messages may not have the keys of that time, or a receiver takes the news for a repeat. Ages apart by what
 * is remembered give different numbers; the same age gives the same, so that a store that was lost repeats its keys.
 */
static uint32_t
first_generation(const struct lifecycle_reading *r)
{
	enum { PER_AGE = 1024, AGES = 1 << 20 };
	int64_t since_ms = r->view == LIFECYCLE_TOGETHER ? 0 : r->created_ms;

	if (r->remembered_ms <= 0 || r->request_started_ms <= since_ms ||
	    (since_ms == 0 && r->view != LIFECYCLE_TOGETHER))
		return 1;
	int64_t age = (r->request_started_ms - since_ms) / r->remembered_ms;
	return 1 + (uint32_t)(age % AGES) * PER_AGE;
}

/* A new generation: what was told in the last one is over. */
static void
reopen(struct turn *t)
{
	struct lifecycle_state *s = t->state;

	note_turn(t);
	t->is_reopened = true;
	s->generation++;
	for (size_t i = 0; i < LIFECYCLE_VIEWS; i++)
		s->views[i].severity_peak = t->r->severity;
}

void
lifecycle_follow(struct turn *t, bool is_new)
{
	struct lifecycle_state *s = t->state;
	const struct lifecycle_reading *r = t->r;
	struct lifecycle_view_state *v = &s->views[r->view];
	bool was_closed = s->closers != 0;
	bool is_closed = r->status == LIFECYCLE_NEUTRAL ? v->is_known && v->is_closed
	                                                : r->status == LIFECYCLE_CLOSED;

	if (is_new || (r->created_ms > 0 && (s->created_ms <= 0 || r->created_ms < s->created_ms)))
		s->created_ms = r->created_ms;
	if (is_new)
		s->generation = s->generation_first = first_generation(r);
	s->severity = r->severity;
	follow_status(s, v, r, is_closed);
	follow_view(t, v, is_closed);
	if (!is_new && was_closed && s->closers == 0)
		reopen(t);
	if (is_new || was_closed != (s->closers != 0))
		lifecycle_flip(t);
}

void
lifecycle_thread_key(const unsigned char identity[32], uint32_t generation,
                     char ret[LIFECYCLE_KEY_BYTES])
{
	unsigned char bytes[36], sum[DIGEST_BYTES];

	memcpy(bytes, identity, 32);
	for (int i = 0; i < 4; i++)
		bytes[32 + i] = (unsigned char)(generation >> (24 - 8 * i));
	digest_sha256(bytes, sizeof(bytes), sum);
	memcpy(ret, "fd1-", 4);
	digest_hex(sum, 20, ret + 4);
}

void
lifecycle_message_key(const char *thread_key, struct span sink, uint32_t n,
                      char ret[LIFECYCLE_KEY_BYTES])
{
	unsigned char sum[DIGEST_BYTES];
	char hex[9];

	digest_sha256(sink.p ? sink.p : "", sink.len, sum);
	digest_hex(sum, 4, hex);
	(void)snprintf(ret, LIFECYCLE_KEY_BYTES, "%.44s-%s-%u", thread_key, hex, (unsigned)n);
}
