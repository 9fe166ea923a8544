/*
 * The lifecycle under random histories: whatever is read, in whatever order, these hold:
 * numbers per sink only rise; a thread is opened once (created or reopened first), told to be worse only upwards, and resolved at most once,
 * after which nothing comes in that thread; the generation never falls; what is closed has no open group; the same reading again tells
 * nothing; and the packed state gives the same decisions as the one in memory. A rule that stands apart with flap has threads of its own,
 * for which the same holds, but that they may outlive generations; a rule with collapse_by reports joining and leaving in turn.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/mem.h"
#include "route/lifecycle.h"

enum { HISTORIES = 3000, READINGS = 40, SINKS = 2 };

static const char *const both[] = { "hook", "mail" };
static const char *const hook[] = { "hook" };

static const struct rule_policy rules[] = {
	{ .name = "all", .sinks = hook, .sink_count = 1, .on = CHANGE_DEFAULT },
	{ .name = "both",
	  .sinks = both,
	  .sink_count = 2,
	  .on = CHANGE_DEFAULT | CHANGE_BIT(CHANGE_UPDATED) },
	{ .name = "count", .sinks = both, .sink_count = 2, .on = CHANGE_DEFAULT, .min_count = 3 },
	{ .name = "flap",
	  .sinks = both,
	  .sink_count = 2,
	  .on = CHANGE_DEFAULT,
	  .is_apart = true,
	  .flap_count = 1,
	  .flap_ms = 12 },
	{ .name = "shared", .sinks = both, .sink_count = 2, .on = CHANGE_DEFAULT },
	{ .name = "late", .sinks = hook, .sink_count = 1, .on = CHANGE_DEFAULT, .start_ms = 60 },
};

static uint64_t random_state;

static uint64_t
roll(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* What a receiver has seen. */
struct thread {
	uint32_t last_n, generation;
	bool is_open;
	int severity;
};

struct history {
	struct lifecycle_state a, b; /* b goes through its packed form each time */
	struct lifecycle_result ra, rb;
	struct buf packed;
	struct thread threads[SINKS], apart[SINKS];
	uint64_t joined[8]; /* values that it is in, 0 = free */
	bool is_missed;     /* the answers do not have it */
	unsigned aged;
	int64_t clock;
};

static void
random_reading(struct history *h, struct lifecycle_reading *r)
{
	memset(r, 0, sizeof(*r));
	h->clock += (int64_t)roll(3);
	r->view = (enum lifecycle_view)roll(2);
	r->updated_ms = 100 + h->clock - (int64_t)roll(4);
	r->digest[0] = (unsigned char)roll(3);
	r->request_started_ms = h->clock + (int64_t)roll(3);
	r->created_ms = 20 + (int64_t)roll(60);
	r->severity = (int)roll(5);
	r->status = roll(3) ? LIFECYCLE_OPEN : roll(4) ? LIFECYCLE_CLOSED : LIFECYCLE_NEUTRAL;
	r->is_suppressed = r->status == LIFECYCLE_CLOSED && roll(2);
	r->count = roll(6);
	r->start = (enum lifecycle_start)roll(3);
	r->start_ms = (int64_t)roll(100);
}

/* Joins and leaves in turn, and stays only in between. */
static void
hear_member(struct history *h, const struct lifecycle_action *a)
{
	size_t at = 0, unused = LENGTH(h->joined);

	for (size_t i = 0; i < LENGTH(h->joined); i++)
		unused = h->joined[i] == 0 ? i : unused;
	while (at < LENGTH(h->joined) && h->joined[at] != a->group)
		at++;
	if (a->member == LIFECYCLE_JOINS) {
		assert_true(at == LENGTH(h->joined) && unused < LENGTH(h->joined));
		assert_non_null(a->value);
		h->joined[unused] = a->group;
		return;
	}
	assert_true(at < LENGTH(h->joined));
	if (a->member == LIFECYCLE_LEAVES)
		h->joined[at] = 0;
}

static void
hear(struct history *h, const struct lifecycle_action *a)
{
	bool is_mail = span_eq_str(a->sink, "mail");
	struct thread *t = a->group ? &h->apart[is_mail] : &h->threads[is_mail];

	if (a->member != LIFECYCLE_ALONE) {
		hear_member(h, a);
		return;
	}
	assert_true(a->n > t->last_n);
	assert_true(a->generation >= t->generation);
	assert_true(a->rule_count > 0);
	if (a->generation > t->generation) {
		assert_false(t->is_open); /* the old thread was ended */
		assert_true(a->change == CHANGE_CREATED || a->change == CHANGE_REOPENED ||
		            a->change == CHANGE_SEVERITY_RAISED);
		assert_true(a->change != CHANGE_CREATED || a->generation == 1);
		assert_true(a->change != CHANGE_REOPENED || a->generation > 1);
		t->is_open = true;
		t->severity = a->severity;
		assert_int_equal(a->first_severity, a->severity);
	} else {
		assert_true(t->is_open);
		assert_true(a->change != CHANGE_CREATED && a->change != CHANGE_REOPENED);
		if (a->change == CHANGE_SEVERITY_RAISED) {
			assert_true(a->severity > t->severity);
			t->severity = a->severity;
		}
		if (a->change == CHANGE_RESOLVED)
			t->is_open = false;
	}
	t->last_n = a->n;
	t->generation = a->generation;
}

static void
expect_same_decision(const struct history *h)
{
	assert_int_equal(h->ra.verdict, h->rb.verdict);
	assert_int_equal(h->ra.action_count, h->rb.action_count);
	assert_int_equal(h->ra.is_open, h->rb.is_open);
	for (size_t i = 0; i < h->ra.action_count; i++) {
		assert_int_equal(h->ra.actions[i].change, h->rb.actions[i].change);
		assert_string_equal(h->ra.actions[i].message_key, h->rb.actions[i].message_key);
	}
}

static void
step(struct history *h, const struct rule_set *set, bool is_new)
{
	struct lifecycle_reading r;
	uint32_t matched[LENGTH(rules)];
	struct lifecycle_value values[LENGTH(rules)] = { 0 };
	struct lifecycle_input in = {
		.reading = &r, .rules = set, .matched = matched, .values = values
	};
	uint32_t generation = is_new ? 1 : h->a.generation;
	struct err e = { 0 };

	random_reading(h, &r);
	for (uint32_t i = 0; i < LENGTH(rules); i++) {
		if (roll(3) == 0)
			continue;
		if (strcmp(rules[i].name, "shared") == 0) {
			values[in.matched_count].is_set = roll(4) > 0;
			memset(values[in.matched_count].bytes, 1 + (int)roll(3),
			       LIFECYCLE_VALUE_BYTES);
		}
		matched[in.matched_count++] = i;
	}
	if (is_new) {
		lifecycle_init(&h->a);
		lifecycle_init(&h->b);
	} else {
		assert_int_equal(
			lifecycle_unpack((struct span){ h->packed.data, h->packed.len }, &h->b, &e),
			0);
	}
	bool is_absent = !is_new && (h->is_missed || roll(10) == 0);
	h->is_missed = is_absent && roll(3) > 0;
	if (h->is_missed && roll(4) == 0) {
		h->clock += LIFECYCLE_AGE_MS; /* long enough to age out */
		r.request_started_ms = h->clock;
	}
	if (is_absent) {
		lifecycle_absent(&h->a, &in, &h->ra);
		lifecycle_absent(&h->b, &in, &h->rb);
	} else {
		lifecycle_decide(&h->a, is_new, &in, &h->ra);
		lifecycle_decide(&h->b, is_new, &in, &h->rb);
	}
	expect_same_decision(h);
	for (size_t i = 0; i < h->ra.action_count; i++) {
		hear(h, &h->ra.actions[i]);
		h->aged += h->ra.actions[i].aside == LIFECYCLE_ASIDE_AGED;
	}
	assert_true(h->a.generation == generation || h->a.generation == generation + 1);
	for (size_t i = 0; i < h->a.group_count; i++)
		assert_true(h->a.closers == 0 || !h->a.groups[i].is_open || h->a.groups[i].is_held);
	struct buf next = { 0 }; /* b still borrows from the old one */
	lifecycle_pack(&h->b, &next);
	buf_done(&h->packed);
	h->packed = next;
	assert_true(h->ra.verdict != LIFECYCLE_OLDER || !h->ra.is_state_changed);
	if (is_absent)
		return;
	lifecycle_decide(&h->a, false, &in, &h->ra); /* the same again */
	assert_int_equal(h->ra.action_count, 0);
}

static void
test_random_histories_keep_the_promises(void **state)
{
	struct history *h = mem_zalloc(sizeof(*h));
	struct rule_set *set = NULL;
	struct err e = { 0 };

	(void)state;
	random_state = 88172645463325252u;
	assert_int_equal(rule_set_new(rules, LENGTH(rules), &set, &e), 0);
	for (int i = 0; i < HISTORIES; i++) {
		memset(h->threads, 0, sizeof(h->threads));
		memset(h->apart, 0, sizeof(h->apart));
		memset(h->joined, 0, sizeof(h->joined));
		h->clock = 0;
		h->is_missed = false;
		for (int k = 0; k < READINGS; k++)
			step(h, set, k == 0);
	}
	assert_true(h->aged > 100);
	buf_done(&h->packed);
	rule_set_free(set);
	mem_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_histories_keep_the_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
