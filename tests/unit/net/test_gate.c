/*
 * gate: how many names are in work at once, and who waits for whom. On a clock of our own.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/clock.h"
#include "net/gate.h"
#include "net/loop.h"
#include "net/xfer.h"

static struct loop *loop;
static struct gates *gates;
static unsigned changes;

static void
on_change(void *arg)
{
	++*(unsigned *)arg;
}

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	clock_set_for_test(1000000, 1000);
	changes = 0;
	gates = gates_new(loop, on_change, &changes);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	gates_free(gates);
	loop_free(loop);
	clock_set_for_test(-1, -1);
	return 0;
}

static void
test_addresses_need_no_gate(void **state)
{
	static const char *const urls[] = { "http://127.0.0.1:80/x", "https://[::1]/",
		                            "smtp://192.0.2.1:25", "not a url \x01", NULL };

	(void)state;
	for (size_t i = 0; i < LENGTH(urls); i++) {
		struct gate_pass p = { 0 };
		assert_true(gate_enter(gates, &p, urls[i]));
		assert_null(p.gate);
		assert_false(gate_over(gates, &p, true));
	}
}

static void
test_one_resolves_and_the_others_follow(void **state)
{
	struct gate_pass p[4] = { 0 };

	(void)state;
	assert_true(gate_enter(gates, &p[0], "https://a.example/1"));
	assert_false(gate_enter(gates, &p[1], "https://a.example:8443/2"));
	assert_false(gate_enter(gates, &p[2], "http://a.example/3"));
	assert_null(gates_next(gates));
	gate_resolved(gates, &p[0]);
	assert_int_equal(changes, 1);
	assert_ptr_equal(gates_next(gates), &p[1]);
	assert_ptr_equal(gates_next(gates), &p[2]);
	assert_null(gates_next(gates));
	assert_true(gate_enter(gates, &p[3], "http://a.example/4")); /* open now */
	for (int i = 0; i < 4; i++)
		assert_false(gate_over(gates, &p[i], false));
	/* curl's cache forgets: one resolves again */
	clock_set_for_test(1000000, 1000 + 50000);
	memset(p, 0, sizeof(p));
	assert_true(gate_enter(gates, &p[0], "http://a.example/"));
	assert_false(gate_enter(gates, &p[1], "http://a.example/"));
	assert_true(gate_over(gates, &p[0], false)); /* it failed */
	assert_ptr_equal(gates_next(gates), &p[1]);  /* the next tries */
	assert_true(gate_over(gates, &p[1], false));
}

static void
test_at_most_eight_names_are_in_work(void **state)
{
	struct gate_pass p[12] = { 0 }, late = { 0 };
	char url[64];

	(void)state;
	for (int i = 0; i < 12; i++) {
		(void)snprintf(url, sizeof(url), "http://n%d.example/", i);
		assert_int_equal(gate_enter(gates, &p[i], url), i < XFER_RESOLVING_MAX);
	}
	assert_null(gates_next(gates));
	gate_resolved(gates, &p[3]);
	assert_ptr_equal(gates_next(gates), &p[8]); /* in order of arrival */
	assert_null(gates_next(gates));
	gate_leave(gates, &p[9]);
	assert_true(gate_over(gates, &p[0], false));
	assert_ptr_equal(gates_next(gates), &p[10]);
	/* one that hangs keeps its slot, and its gate shut, for a while */
	assert_true(gate_over(gates, &p[1], true));
	assert_null(gates_next(gates));
	assert_false(gate_enter(gates, &late, "http://n1.example/"));
	clock_set_for_test(1000000, 1000 + 5001);
	for (int i = 0; i < 200 && changes < 3; i++)
		loop_turn(loop, 100);
	assert_ptr_equal(gates_next(gates), &p[11]); /* has waited longer than the late one */
	assert_null(gates_next(gates));
	gate_leave(gates, &late);
	for (int i = 2; i < 12; i++)
		if (i != 9)
			(void)gate_over(gates, &p[i], false);
}

static void
test_a_failure_is_shared(void **state)
{
	struct gate_pass p[3] = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(gate_enter(gates, &p[i], "http://a.example/"), i == 0);
	struct gate *g = p[0].gate;
	assert_true(gate_over(gates, &p[0], false));
	assert_ptr_equal(gate_take_waiting(gates, g), &p[1]);
	assert_ptr_equal(gate_take_waiting(gates, g), &p[2]);
	assert_null(gate_take_waiting(gates, g));
	assert_null(gates_next(gates));
}

static void
test_gates_at_rest_are_dropped(void **state)
{
	struct gate_pass first = { 0 };
	char url[64];

	(void)state;
	assert_true(gate_enter(gates, &first, "http://held.example/"));
	/* Ten thousand names, one after the other: memory does not grow with them (valgrind and ASan see the ends). */
	for (int i = 0; i < 10000; i++) {
		struct gate_pass p = { 0 };
		(void)snprintf(url, sizeof(url), "http://n%d.example/", i);
		assert_true(gate_enter(gates, &p, url));
		assert_true(gate_over(gates, &p, false));
	}
	gate_resolved(gates, &first); /* its gate is still there */
	assert_false(gate_over(gates, &first, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_addresses_need_no_gate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_resolves_and_the_others_follow, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_at_most_eight_names_are_in_work, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_a_failure_is_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gates_at_rest_are_dropped, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
