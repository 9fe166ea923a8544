/*
 * breaker: delays, when a sink rests, and ages without the times it was held.
 */
#include "config.h"

#include "unit.h"

#include "sink/breaker.h"

static void
test_delays(void **state)
{
	static const struct {
		unsigned attempt;
		bool is_unreached;
		int64_t asked;
		uint32_t random32;
		int64_t want;
	} rows[] = {
		{ 1, false, 0, 0, 1 },
		{ 1, false, 0, UINT32_MAX, 1000 },
		{ 2, false, 0, UINT32_MAX, 2000 },
		{ 3, true, 0, 1u << 31, 2001 },
		{ 6, true, 0, UINT32_MAX, 30000 },
		{ 60, true, 0, UINT32_MAX, 30000 },
		{ 6, false, 0, UINT32_MAX, 32000 },
		{ 60, false, 0, UINT32_MAX, 300000 },
		{ UINT32_MAX, false, 0, UINT32_MAX, 300000 },
		{ 1, false, 7000, UINT32_MAX, 7000 },
		{ 9, true, 7000, 0, 7000 },
		{ 1, false, 7200000, 0, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_int_equal(breaker_delay_ms(rows[i].attempt, rows[i].is_unreached,
		                                  rows[i].asked, rows[i].random32),
		                 rows[i].want);
}

static void
test_one_bad_item_does_not_stop_a_sink(void **state)
{
	struct breaker b = { 0 };
	struct sink_result bad = { .outcome = SINK_TEMPFAIL, .status = 500 };

	(void)state;
	assert_false(breaker_fail(&b, &bad, 1000, 0));
	assert_int_equal(breaker_room(&b, 3, 0, 8, 1000), 5);
	assert_false(breaker_ok(&b));
	assert_false(breaker_fail(&b, &bad, 1000, 0));
	assert_false(breaker_fail(&b, &bad, 1000, 0));
	assert_int_equal(breaker_room(&b, 8, 0, 8, 1000), 0);
	assert_int_equal(breaker_room(&b, 0, 0, 8, 1000), 8);
}

static void
test_a_sink_that_fails_is_probed_by_one_item(void **state)
{
	struct breaker b = { 0 };
	struct sink_result bad = { .outcome = SINK_TEMPFAIL, .status = 500 };

	(void)state;
	assert_false(breaker_fail(&b, &bad, 1000, UINT32_MAX));
	assert_false(breaker_fail(&b, &bad, 1000, UINT32_MAX));
	assert_true(breaker_fail(&b, &bad, 1000, UINT32_MAX));
	/* third failure: up to 4 s */
	assert_int_equal(b.rest_until_ms, 5000);
	assert_int_equal(breaker_room(&b, 0, 0, 8, 4999), 0);
	assert_int_equal(breaker_room(&b, 0, 0, 8, 5000), 1);
	assert_int_equal(breaker_room(&b, 1, 1, 8, 5000), 0);
	/* those that hang from before are none that went to see; all places taken are taken */
	assert_int_equal(breaker_room(&b, 3, 0, 8, 5000), 1);
	assert_int_equal(breaker_room(&b, 8, 0, 8, 5000), 0);
	/* a straggler that fails with a shorter rest does not shorten it */
	assert_false(breaker_fail(&b, &bad, 1000, 0));
	assert_int_equal(b.rest_until_ms, 5000);
	assert_true(breaker_ok(&b));
	assert_int_equal(breaker_room(&b, 0, 0, 8, 1000), 8);
}

static void
test_unreached_and_asked_to_wait_stop_at_once(void **state)
{
	struct breaker b = { 0 };
	struct sink_result unreached = { .outcome = SINK_TEMPFAIL, .is_unreached = true };
	struct sink_result asked = { .outcome = SINK_TEMPFAIL,
		                     .status = 429,
		                     .retry_after_ms = 90000 };

	(void)state;
	assert_true(breaker_fail(&b, &unreached, 0, UINT32_MAX));
	assert_int_equal(b.rest_until_ms, 1000);
	assert_true(breaker_ok(&b));
	assert_true(breaker_fail(&b, &asked, 0, UINT32_MAX));
	assert_int_equal(b.rest_until_ms, 90000);
}

static void
test_age_stands_still_while_held(void **state)
{
	struct breaker_holds h = { 0 };

	(void)state;
	assert_int_equal(breaker_age_ms(&h, 1000, 5000), 4000);
	assert_int_equal(breaker_age_ms(&h, 5000, 1000), 0);
	breaker_hold_begin(&h, 2000);
	breaker_hold_begin(&h, 2500);
	assert_true(breaker_is_held(&h));
	assert_int_equal(breaker_age_ms(&h, 1000, 5000), 1000);
	assert_int_equal(breaker_age_ms(&h, 3000, 5000), 0);
	breaker_hold_end(&h, 4000);
	assert_int_equal(breaker_age_ms(&h, 1000, 5000), 2000);
	assert_int_equal(breaker_age_ms(&h, 4500, 5000), 500);
	breaker_hold_forget(&h, 4001);
	assert_int_equal(h.count, 0);
	/* a clock that went back leaves no negative span */
	breaker_hold_begin(&h, 9000);
	breaker_hold_end(&h, 8000);
	assert_int_equal(h.count, 0);
}

/* The store is asked for what was queued before the cutoff: it has to be what has the age. */
static void
test_the_cutoff_is_where_the_age_is(void **state)
{
	static const char *const held[] = { "",           "100-200", "100-200,300-400",
		                            "0-50,900-0", "950-0",   "100-200,999-1000" };

	(void)state;
	for (size_t i = 0; i < LENGTH(held); i++) {
		struct breaker_holds h;

		breaker_holds_read(&h, span_of(held[i]));
		for (int64_t age = 1; age < 1200; age += 7) {
			int64_t cutoff = breaker_cutoff_ms(&h, age, 1000);

			for (int64_t at = -300; at <= 1000; at++)
				assert_int_equal(breaker_age_ms(&h, at, 1000) > age, at < cutoff);
		}
	}
}

static void
test_many_holds_are_joined_not_lost(void **state)
{
	struct breaker_holds h = { 0 };

	(void)state;
	for (int64_t i = 0; i < 40; i++) {
		breaker_hold_begin(&h, i * 100);
		breaker_hold_end(&h, i * 100 + 50);
	}
	assert_true(h.count <= BREAKER_HOLDS_MAX);
	/* at least the 40 * 50 ms that it was held are taken off */
	assert_true(breaker_age_ms(&h, 0, 4000) <= 2000);
}

static void
test_holds_survive_the_store(void **state)
{
	static const char *const bad[] = { "x",       "1",       "1-",   "5-3",    "1-2,",
		                           "1-2,1-3", "1-0,2-3", "-1-2", "1-2;3-4" };
	struct breaker_holds h = { 0 }, back;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	breaker_hold_begin(&h, 100);
	breaker_hold_end(&h, 200);
	breaker_hold_begin(&h, 300);
	breaker_holds_write(&h, &out);
	assert_string_equal(out.data, "100-200,300-0");
	breaker_holds_read(&back, (struct span){ out.data, out.len });
	assert_int_equal(back.count, 2);
	assert_true(breaker_is_held(&back));
	for (size_t i = 0; i < LENGTH(bad); i++) {
		breaker_holds_read(&back, span_of(bad[i]));
		if (strcmp(bad[i], "1-2,") != 0)
			assert_int_equal(back.count, 0);
	}
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_one_bad_item_does_not_stop_a_sink),
		cmocka_unit_test(test_a_sink_that_fails_is_probed_by_one_item),
		cmocka_unit_test(test_unreached_and_asked_to_wait_stop_at_once),
		cmocka_unit_test(test_age_stands_still_while_held),
		cmocka_unit_test(test_the_cutoff_is_where_the_age_is),
		cmocka_unit_test(test_many_holds_are_joined_not_lost),
		cmocka_unit_test(test_holds_survive_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
