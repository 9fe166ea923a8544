/*
 * walk: every decision about pages, tokens and windows, played as tables and at random against a list of instants.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "source/walk.h"

static const struct source_kind ms_kind = { .page_max = 100, .window_min_ms = 1 };
static const struct source_kind s_kind = { .page_max = 100, .window_min_ms = 1000 };

static struct walk_page
page_of(size_t count, const char *token, uint64_t fingerprint)
{
	return (struct walk_page){ .count = count,
		                   .token = span_of(token),
		                   .fingerprint = fingerprint,
		                   .has_times = true,
		                   .min_ms = INT64_MAX,
		                   .max_ms = INT64_MIN };
}

static struct source_query
query(const struct walk *w)
{
	struct source_query q;
	struct span token;

	assert_true(walk_query(w, &q, &token));
	return q;
}

static struct span
token_of(const struct walk *w)
{
	struct source_query q;
	struct span token;

	assert_true(walk_query(w, &q, &token));
	return token;
}

static void
assert_same(const struct source_query *a, const struct source_query *b)
{
	assert_true(a->start_ms == b->start_ms && a->end_ms == b->end_ms &&
	            a->page_size == b->page_size && a->is_open_only == b->is_open_only);
}

/* A page that must be taken. */
static struct walk_result
take(struct walk *w, struct walk_page p)
{
	struct walk_result r;

	assert_int_equal(walk_on_page(w, &p), WALK_TAKE);
	walk_take(w, &p, &r);
	return r;
}

static void
test_one_page(void **state)
{
	struct walk w = { 0 };
	struct walk_result r;
	struct source_query q;
	struct span token;

	(void)state;
	assert_false(walk_query(&w, &q, &token));
	walk_begin(&w, &ms_kind, 1000, 3000, 5000, true);
	q = query(&w);
	assert_true(q.start_ms == 1000 && q.end_ms == 5000 && q.page_size == 100 && q.is_open_only);
	assert_int_equal(token_of(&w).len, 0);
	r = take(&w, page_of(7, "", 1));
	assert_true(r.is_last && r.is_final && r.has_watermark && r.watermark_ms == 5000);
	/* Not done, and nothing to ask, before it is committed. */
	assert_true(w.is_active);
	assert_false(walk_query(&w, &q, &token));
	assert_true(walk_on_committed(&w, &r));
	assert_false(w.is_active);
	assert_true(w.watermark_ms == 5000);
}

static void
test_ends_are_whole_units(void **state)
{
	struct walk w = { 0 };

	(void)state;
	walk_begin(&w, &s_kind, 1999, 0, 4001, false);
	assert_true(query(&w).start_ms == 1000 && query(&w).end_ms == 5000);
	walk_begin(&w, &s_kind, 9000, 0, 4000, false); /* begins after its end */
	assert_true(query(&w).start_ms == 4000 && query(&w).end_ms == 4000);
	walk_done(&w);
}

static void
test_only_the_token_changes(void **state)
{
	static const char *const tokens[] = { "a", "b\\u0022", "c" };
	struct walk w = { 0 };
	struct source_query first, q;
	struct walk_result r;

	(void)state;
	walk_begin(&w, &ms_kind, 0, 0, 5000, false);
	first = query(&w);
	for (size_t i = 0; i < LENGTH(tokens); i++) {
		r = take(&w, page_of(i == 1 ? 0 : 3, tokens[i],
		                     i + 1)); /* an empty page with a token is no end */
		assert_false(r.is_last || r.has_watermark);
		assert_false(walk_on_committed(&w, &r));
		q = query(&w);
		assert_same(&q, &first);
		assert_true(span_eq_str(token_of(&w), tokens[i]));
	}
	r = take(&w, page_of(0, "", 0));
	assert_true(r.is_final && walk_on_committed(&w, &r));
}

/* Token and page sequences that run in circles, with any lead and period. */
static void
test_circles_are_found(void **state)
{
	(void)state;
	for (unsigned lead = 0; lead < 12; lead++)
		for (unsigned period = 1; period < 12; period++)
			for (int by_page = 0; by_page <= 1; by_page++) {
				struct walk w = { 0 };
				unsigned i;

				walk_begin(&w, &ms_kind, 0, 0, 1000000, false);
				for (i = 0; i < 500; i++) {
					unsigned at = i < lead ? i : lead + (i - lead) % period;
					struct walk_result r;
					struct walk_page p;
					char token[32];

					(void)snprintf(token, sizeof(token), "t%u",
					               by_page ? i : at);
					p = page_of(5, token, by_page ? at + 1 : i + 1);
					if (walk_on_page(&w, &p) != WALK_TAKE)
						break;
					walk_take(&w, &p, &r);
				}
				if (i > 3 * (lead > period ? lead : period) + 4)
					fail_msg("lead %u, period %u: found after %u", lead, period,
					         i);
				walk_done(&w);
			}
}

static void
test_a_circle_restarts_then_halves_then_is_stuck(void **state)
{
	struct walk_page same = page_of(5, "t", 1);
	int64_t length = 8000;
	struct walk w = { 0 };

	(void)state;
	walk_begin(&w, &s_kind, 0, 0, length, false);
	for (;;) {
		enum walk_verdict v;

		(void)take(&w, same);
		assert_int_equal(walk_on_page(&w, &same), WALK_RESTART); /* once from the start */
		assert_true(query(&w).end_ms == length && token_of(&w).len == 0);
		(void)take(&w, same);
		v = walk_on_page(&w, &same);
		if (length == 1000) {
			assert_int_equal(v, WALK_STUCK);
			break;
		}
		assert_int_equal(v, WALK_RESTART);
		length /= 2;
		assert_true(query(&w).start_ms == 0 && query(&w).end_ms == length);
	}
	assert_int_equal(w.halvings, 3);
	/* Later the same window can be read after all, and the walk goes on behind it. */
	struct walk_result r = take(&w, page_of(5, "", 9));

	assert_true(r.is_last && !r.is_final && r.watermark_ms == 1000);
	assert_false(walk_on_committed(&w, &r));
	assert_true(query(&w).start_ms == 1000 && query(&w).end_ms == 3000);
	walk_done(&w);
}

static void
test_endless_empty_pages_end(void **state)
{
	struct walk w = { 0 };
	enum walk_verdict v = WALK_TAKE;
	unsigned i;

	(void)state;
	walk_begin(&w, &ms_kind, 0, 0, 1000, false);
	for (i = 0; v == WALK_TAKE && i < 5000; i++) {
		char token[32];
		struct walk_page p;
		struct walk_result r;

		(void)snprintf(token, sizeof(token), "t%u", i);
		p = page_of(0, token, 0);
		v = walk_on_page(&w, &p);
		if (v == WALK_TAKE)
			walk_take(&w, &p, &r);
	}
	assert_int_equal(v, WALK_RESTART);
	assert_int_equal(i, WALK_EMPTY_PAGES_MAX + 1);
	walk_done(&w);
}

static void
test_a_refused_token(void **state)
{
	struct walk w = { 0 };

	(void)state;
	walk_begin(&w, &ms_kind, 0, 0, 8000, false);
	/* Without a token it is no refused token. */
	assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOKEN), WALK_AGAIN);
	for (int i = 0; i < WALK_TOKEN_RESTARTS; i++) {
		(void)take(&w, page_of(5, "t", 1));
		assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOKEN), WALK_RESTART);
		assert_true(query(&w).end_ms == 8000 && token_of(&w).len == 0);
	}
	(void)take(&w, page_of(5, "t", 1));
	assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOKEN), WALK_RESTART);
	assert_true(query(&w).end_ms == 4000);
	walk_done(&w);
}

static void
test_too_big_halves_the_page_down_to_one(void **state)
{
	static const unsigned sizes[] = { 50, 25, 12, 6, 3, 1 };
	struct walk w = { 0 };
	struct walk_result r;

	(void)state;
	walk_begin(&w, &ms_kind, 0, 0, 8000, false);
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOO_BIG), WALK_RESTART);
		assert_int_equal(query(&w).page_size, sizes[i]);
		assert_int_equal(token_of(&w).len, 0); /* a changed question has no token */
	}
	assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOO_BIG), WALK_STUCK);
	r = take(&w, page_of(1, "", 1));
	assert_true(walk_on_committed(&w, &r));
	/* The next walk tries twice as much. */
	walk_begin(&w, &ms_kind, 8000, 8000, 9000, false);
	assert_int_equal(query(&w).page_size, 2);
	walk_done(&w);
}

static void
test_other_failures_ask_the_same_again(void **state)
{
	struct walk w = { 0 };
	struct source_query before, after;

	(void)state;
	walk_begin(&w, &ms_kind, 0, 0, 8000, false);
	(void)take(&w, page_of(5, "t", 1));
	before = query(&w);
	for (int i = 0; i < 100; i++)
		assert_int_equal(walk_on_failure(&w, WALK_FAILED_ELSE), WALK_AGAIN);
	after = query(&w);
	assert_same(&before, &after);
	assert_true(span_eq_str(token_of(&w), "t"));
	walk_done(&w);
}

/* n pages of two instants each, from start on; the k-th page out of order when asked for. */
static struct walk_result
pages(struct walk *w, unsigned n, int64_t start_ms, unsigned odd)
{
	struct walk_result r = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct walk_page p;
		char token[32];

		(void)snprintf(token, sizeof(token), "t%u", i);
		p = page_of(2, token, i + 1);
		p.min_ms = start_ms + (i + 1 == odd ? -50 : 10 * (int64_t)i);
		p.max_ms = p.min_ms + 5;
		p.has_times = i + 2 != odd || odd > 100;
		r = take(w, p);
		assert_false(walk_on_committed(w, &r));
		if (i + 1 < n)
			assert_false(r.has_watermark);
	}
	return r;
}

static void
test_checkpoints_in_verified_order_only(void **state)
{
	struct walk w = { 0 };
	struct walk_result r;

	(void)state;
	walk_begin(&w, &s_kind, 100000, 90000, 900000, false);
	r = pages(&w, WALK_CHECKPOINT_PAGES, 100000, 0);
	assert_true(r.has_watermark && !r.is_last && r.watermark_ms == 100000 + 10 * 49 + 5);
	assert_true(w.watermark_ms == r.watermark_ms);
	/* The question of the window stays; should it start again, then from the checkpoint. */
	assert_true(query(&w).start_ms == 100000);
	walk_restart(&w);
	assert_true(query(&w).start_ms == 100000 && query(&w).end_ms == 900000);
	walk_done(&w);

	for (unsigned odd = 2; odd < 20; odd += 5) {
		walk_begin(&w, &s_kind, 100000, 90000, 900000, false);
		r = pages(&w, WALK_CHECKPOINT_PAGES, 100000, odd);
		assert_false(r.has_watermark);
		walk_done(&w);
	}
}

static void
test_a_checkpoint_is_where_it_starts_again(void **state)
{
	struct walk w = { 0 };
	struct walk_result r;

	(void)state;
	walk_begin(&w, &ms_kind, 100000, 90000, 900000, false);
	r = pages(&w, WALK_CHECKPOINT_PAGES, 200000, 0);
	assert_true(r.has_watermark);
	assert_true(query(&w).start_ms == 100000);
	for (int i = 0; i <= WALK_TOKEN_RESTARTS; i++) {
		assert_int_equal(walk_on_failure(&w, WALK_FAILED_TOKEN), WALK_RESTART);
		assert_true(query(&w).start_ms == r.watermark_ms);
		(void)take(&w, page_of(1, "x", 7));
	}
	assert_true(query(&w).end_ms < 900000);
	walk_done(&w);
}

/* A window inside the overlap does not take the watermark back. */
static void
test_the_watermark_never_goes_back(void **state)
{
	struct walk w = { 0 };
	struct walk_result r;

	(void)state;
	walk_begin(&w, &s_kind, 0, 90000, 100000, false);
	while (query(&w).end_ms > 50000) {
		(void)take(&w, page_of(5, "t", 1));
		(void)walk_on_failure(&w, WALK_FAILED_TOKEN);
	}
	r = take(&w, page_of(5, "", 1));
	assert_true(r.watermark_ms <= 50000);
	assert_false(walk_on_committed(&w, &r));
	assert_true(w.watermark_ms == 90000);
	walk_done(&w);
}

struct peer {
	int64_t instants[400];
	size_t count;
	unsigned seed;
	unsigned per_mille;
	bool seen[400];
};

/* What the service lists for the query and token; then a fault, now and then. Returns the verdict of the walk. */
static enum walk_verdict
answer(struct peer *s, struct walk *w)
{
	struct source_query q = query(w);
	struct span token = token_of(w);
	size_t from = token.len > 0 ? strtoul(token.p, NULL, 10) : 0, n = 0, taken[400];
	struct walk_page p = { .has_times = true, .min_ms = INT64_MAX, .max_ms = INT64_MIN };
	unsigned dice = (unsigned)rand_r(&s->seed) % 1000;
	struct walk_result r;
	enum walk_verdict v;
	char next[24] = "";
	bool is_more = false;

	if (dice < s->per_mille)
		return walk_on_failure(w, (enum walk_failure)(dice % 3));
	for (size_t i = 0, k = 0; i < s->count; i++) {
		if (s->instants[i] < q.start_ms || s->instants[i] > q.end_ms)
			continue;
		if (k++ < from)
			continue;
		if (n == q.page_size) {
			is_more = true;
			break;
		}
		taken[n++] = i;
		p.min_ms = s->instants[i] < p.min_ms ? s->instants[i] : p.min_ms;
		p.max_ms = s->instants[i] > p.max_ms ? s->instants[i] : p.max_ms;
	}
	if (is_more)
		(void)snprintf(next, sizeof(next), "%zu", from + n);
	if (is_more && dice < 2 * s->per_mille && from > 0)
		(void)snprintf(next, sizeof(next), "%zu", from); /* the token again */
	p.count = n;
	p.token = span_of(next);
	p.fingerprint = n > 0 ? taken[0] + 1 : 0;
	v = walk_on_page(w, &p);
	if (v != WALK_TAKE)
		return v;
	walk_take(w, &p, &r);
	if ((unsigned)rand_r(&s->seed) % 1000 < s->per_mille) {
		walk_restart(w); /* the store did not take it */
		return WALK_RESTART;
	}
	for (size_t i = 0; i < n; i++)
		s->seen[taken[i]] = true;
	/* A committed watermark is true: all before it was seen. */
	if (r.has_watermark)
		for (size_t i = 0; i < s->count; i++)
			if (s->instants[i] < r.watermark_ms)
				assert_true(s->seen[i]);
	(void)walk_on_committed(w, &r);
	return v;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
test_random_faults_lose_nothing_and_end(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 600; seed++) {
		struct source_kind kind = { .page_max = 1 + seed % 7,
			                    .window_min_ms = seed % 2 ? 1 : 1000 };
		struct peer s = { .seed = seed, .per_mille = seed % 4 * 90, .count = seed % 400 };
		struct walk w = { 0 };
		unsigned steps = 0;

		for (size_t i = 0; i < s.count; i++)
			s.instants[i] = rand_r(&s.seed) % (seed % 5 == 0 ? 3 : 100000);
		qsort(s.instants, s.count, sizeof(s.instants[0]), by_value);
		walk_begin(&w, &kind, 0, 0, 100000, false);
		while (w.is_active) {
			(void)answer(&s, &w);
			if (++steps == 40000)
				s.per_mille = 0; /* trouble ends some day */
			assert_true(steps < 60000);
		}
		for (size_t i = 0; i < s.count; i++)
			if (!s.seen[i])
				fail_msg("seed %u: lost %zu", seed, i);
		assert_true(w.watermark_ms == 100000);
		walk_done(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_page),
		cmocka_unit_test(test_ends_are_whole_units),
		cmocka_unit_test(test_only_the_token_changes),
		cmocka_unit_test(test_circles_are_found),
		cmocka_unit_test(test_a_circle_restarts_then_halves_then_is_stuck),
		cmocka_unit_test(test_endless_empty_pages_end),
		cmocka_unit_test(test_a_refused_token),
		cmocka_unit_test(test_too_big_halves_the_page_down_to_one),
		cmocka_unit_test(test_other_failures_ask_the_same_again),
		cmocka_unit_test(test_checkpoints_in_verified_order_only),
		cmocka_unit_test(test_a_checkpoint_is_where_it_starts_again),
		cmocka_unit_test(test_the_watermark_never_goes_back),
		cmocka_unit_test(test_random_faults_lose_nothing_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
