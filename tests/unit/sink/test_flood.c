/*
 * flood: how many alerts are told one by one, and when the digests of a flood are told.
 */
#include "config.h"

#include "unit.h"

#include "sink/flood.h"

static const struct flood_limit limit = { 3, 60000 };

static void
test_so_many_are_told_within_a_window(void **state)
{
	struct flood f = { 0 };

	(void)state;
	assert_int_equal(flood_room(&f, &limit, 1000), 3);
	for (int i = 0; i < 3; i++)
		flood_told(&f, &limit, SEVERITY_LOW, 1000 + i * 10000);
	assert_int_equal(flood_room(&f, &limit, 30000), 0);
	assert_int_equal(flood_room(&f, &limit, 60999), 0);
	assert_int_equal(flood_room(&f, &limit, 61000), 3); /* the window began at 1000 */
	/* A calendar that was set back ends it too: nobody waits longer than a window. */
	flood_told(&f, &limit, SEVERITY_LOW, 90000);
	assert_int_equal(flood_room(&f, &limit, 80000), 3);
}

static void
test_off_is_no_limit(void **state)
{
	static const struct flood_limit off = { 0, 0 };
	struct flood f = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		flood_told(&f, &off, SEVERITY_CRITICAL, 1);
	flood_digest(&f, &off, 500, SEVERITY_CRITICAL, 2);
	assert_true(flood_room(&f, &off, 3) == INT64_MAX);
	assert_int_equal(f.told, 0);
}

static void
test_digests_come_soon_then_a_window_apart(void **state)
{
	struct flood f = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		flood_told(&f, &limit, SEVERITY_HIGH, 1000);
	/* A twentieth of the window, to come together. */
	assert_int_equal(flood_digest_due_ms(&f, &limit, 2000, SEVERITY_HIGH), 5000);
	flood_digest(&f, &limit, 100, SEVERITY_HIGH, 5000);
	assert_int_equal(flood_digest_due_ms(&f, &limit, 5100, SEVERITY_HIGH), 65000);
	/* What is worse than all that was told does not wait for the window. */
	assert_int_equal(flood_digest_due_ms(&f, &limit, 5100, SEVERITY_CRITICAL), 8100);
	flood_digest(&f, &limit, 9, SEVERITY_CRITICAL, 8100);
	assert_int_equal(flood_digest_due_ms(&f, &limit, 8200, SEVERITY_CRITICAL), 68100);
	/* More than the limit in it: still a flood, though the window of the first three is over. */
	assert_int_equal(flood_room(&f, &limit, 62000), 0);
	assert_int_equal(flood_room(&f, &limit, 68099), 0);
	/* A window without a digest. */
	assert_int_equal(flood_room(&f, &limit, 68100), 3);
}

static void
test_a_small_digest_ends_the_flood(void **state)
{
	struct flood f = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		flood_told(&f, &limit, SEVERITY_HIGH, 1000);
	flood_digest(&f, &limit, 3, SEVERITY_HIGH, 5000);
	assert_int_equal(flood_room(&f, &limit, 60000), 0);
	assert_int_equal(flood_room(&f, &limit, 61000), 3);
}

static void
test_it_is_kept_over_a_restart(void **state)
{
	static const char *const bad[] = { "",           "1",           "1,2,3,1",   "1,2,3,1,9",
		                           "1,2,3,1,-1", "1,2,3,1,4,5", "x,2,3,1,4", "-1,2,3,1,4" };
	struct flood f = { 123, 7, 456, true, SEVERITY_CRITICAL }, g;
	struct buf text = { 0 };

	(void)state;
	flood_write(&f, &text);
	flood_read(&g, (struct span){ text.data, text.len });
	assert_memory_equal(&f.start_ms, &g.start_ms, sizeof f.start_ms);
	assert_int_equal(g.told, 7);
	assert_int_equal(g.digest_ms, 456);
	assert_true(g.is_flood);
	assert_int_equal(g.severity, SEVERITY_CRITICAL);
	buf_done(&text);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		flood_read(&g, span_of(bad[i]));
		assert_int_equal(g.start_ms, 0);
		assert_int_equal(g.told, 0);
		assert_false(g.is_flood);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_so_many_are_told_within_a_window),
		cmocka_unit_test(test_off_is_no_limit),
		cmocka_unit_test(test_digests_come_soon_then_a_window_apart),
		cmocka_unit_test(test_a_small_digest_ends_the_flood),
		cmocka_unit_test(test_it_is_kept_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
