/*
 * test_health: readiness collects reasons, a line each, and stays bounded.
 */
#include "config.h"

#include "control/health.h"

#include "unit.h"

static void
test_without_reasons_it_is_ready(void **state)
{
	struct health h;
	struct buf out = { 0 };

	(void)state;
	health_init(&h);
	assert_true(health_is_ready(&h));
	health_print(&h, &out);
	assert_string_equal(out.data, "ready\n");
	buf_done(&out);
	health_done(&h);
}

static void
test_reasons_are_lines(void **state)
{
	struct health h;
	struct buf out = { 0 };

	(void)state;
	health_init(&h);
	health_add(&h, "source %s: no good poll", "hub\nforged");
	health_add(&h, "store: disk full");
	assert_false(health_is_ready(&h));
	health_print(&h, &out);
	assert_string_equal(out.data,
	                    "not ready\nsource hub forged: no good poll\nstore: disk full\n");
	buf_done(&out);
	health_done(&h);
}

static void
test_many_reasons_are_counted_not_kept(void **state)
{
	struct health h;
	struct buf out = { 0 };

	(void)state;
	health_init(&h);
	for (int i = 0; i < HEALTH_MAX_REASONS + 7; i++)
		health_add(&h, "reason %d", i);
	health_print(&h, &out);
	assert_non_null(strstr(out.data, "reason 99\n"));
	assert_null(strstr(out.data, "reason 100\n"));
	assert_non_null(strstr(out.data, "and 7 more\n"));
	buf_done(&out);
	health_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_reasons_it_is_ready),
		cmocka_unit_test(test_reasons_are_lines),
		cmocka_unit_test(test_many_reasons_are_counted_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
