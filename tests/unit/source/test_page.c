/*
 * page: what is baseline, and the budget of bytes: in order of asking, never over, never for ever.
 */
#include "config.h"

#include "unit.h"

#include "source/page.h"

static void
test_baseline(void **state)
{
	static const struct {
		struct source_start start;
		int64_t created_ms, updated_ms;
		bool want;
	} cases[] = {
		{ { SOURCE_START_NOW, 0 }, 999, 5000, true },
		{ { SOURCE_START_NOW, 0 }, 1000, 5000, false },
		{ { SOURCE_START_AGO, 300 }, 0, 699, true },
		{ { SOURCE_START_AGO, 300 }, 0, 700, false },
		{ { SOURCE_START_AT, 400 }, 0, 399, true },
		{ { SOURCE_START_AT, 400 }, 0, 400, false },
		{ { SOURCE_START_OPEN, 0 }, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct page p = { .start = cases[i].start, .started_ms = 1000 };

		assert_int_equal(page_is_baseline(&p, cases[i].created_ms, cases[i].updated_ms),
		                 cases[i].want);
	}
}

static int order[8];
static size_t granted;
static struct budget *shared;

static void
note(void *arg)
{
	order[granted++] = *(int *)arg;
}

static void
note_and_give(void *arg)
{
	note(arg);
	budget_give(shared, 50);
}

static void
fail_grant(void *arg)
{
	(void)arg;
	fail_msg("granted after it was cancelled");
}

static void
test_order_of_asking(void **state)
{
	struct budget *b = budget_new(100);
	struct budget_wait w[4] = { { 0 } };
	int ids[4] = { 0, 1, 2, 3 };

	(void)state;
	granted = 0;
	assert_true(budget_take(b, 60, &w[0], fail_grant, NULL));
	assert_false(budget_take(b, 60, &w[1], note, &ids[1]));
	/* There would be room, but others were first: nobody big starves. */
	assert_false(budget_take(b, 10, &w[2], note, &ids[2]));
	assert_false(budget_take(b, 30, &w[3], note, &ids[3]));
	budget_give(b, 10);
	assert_int_equal(granted, 0);
	budget_give(b, 50);
	assert_int_equal(granted, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order[i], i + 1);
	assert_int_equal(budget_used(b), 100);
	budget_give(b, 100);
	budget_free(b);
}

static void
test_cancel_lets_the_next_in(void **state)
{
	struct budget *b = budget_new(100);
	struct budget_wait w[3] = { { 0 } };
	int id = 7;

	(void)state;
	granted = 0;
	assert_true(budget_take(b, 60, &w[0], fail_grant, NULL));
	assert_false(budget_take(b, 90, &w[1], fail_grant, NULL));
	assert_false(budget_take(b, 40, &w[2], note, &id));
	budget_cancel(b, &w[1]);
	budget_cancel(b, &w[1]);
	assert_int_equal(granted, 1);
	budget_give(b, 100);
	budget_free(b);
}

static void
test_more_than_all_is_had_alone(void **state)
{
	struct budget *b = budget_new(100);
	struct budget_wait w[2] = { { 0 } };
	int id = 1;

	(void)state;
	granted = 0;
	assert_true(budget_take(b, 10, &w[0], fail_grant, NULL));
	assert_false(budget_take(b, 1000, &w[1], note, &id));
	budget_give(b, 10);
	assert_int_equal(granted, 1);
	assert_int_equal(budget_used(b), 1000);
	budget_give(b, 1000);
	budget_free(b);
}

static void
test_who_is_called_may_give(void **state)
{
	struct budget_wait w[3] = { { 0 } };
	int ids[3] = { 0, 1, 2 };

	(void)state;
	granted = 0;
	shared = budget_new(50);
	assert_true(budget_take(shared, 50, &w[0], fail_grant, NULL));
	assert_false(budget_take(shared, 50, &w[1], note_and_give, &ids[1]));
	assert_false(budget_take(shared, 50, &w[2], note_and_give, &ids[2]));
	budget_give(shared, 50);
	assert_int_equal(granted, 2);
	assert_int_equal(budget_used(shared), 0);
	budget_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_order_of_asking),
		cmocka_unit_test(test_cancel_lets_the_next_in),
		cmocka_unit_test(test_more_than_all_is_had_alone),
		cmocka_unit_test(test_who_is_called_may_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
