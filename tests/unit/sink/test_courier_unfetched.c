/*
 * courier, when the store fails as it is asked for the first items: there is no outcome to record then, and yet it is asked again,
 * and all goes out. Needs --enable-fault-points; a program of its own, because the fault is read from the environment once.
 */
#include "config.h"

#include "unit.h"

#include <stdlib.h>

#include "rig.h"

#include "base/clock.h"

static struct rig rig;

static bool
is_blocked(struct rig *r, void *arg)
{
	struct courier_status s;

	(void)r;
	courier_get_status(arg, &s);
	return s.state == COURIER_BLOCKED && courier_is_quiet(arg);
}

static void
test_a_failed_fetch_is_made_again(void **state)
{
#ifdef FAULT_POINTS
	struct courier *c;
	int64_t ids[10];

	(void)state;
	rig_open(&rig);
	rig.conf.max_in_flight = 2;
	for (int i = 0; i < 10; i++)
		ids[i] = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(rig_until(&rig, is_blocked, c));
	assert_int_equal(rig.hit_count, 0);
	/* It waits for its time, and asks by itself. */
	assert_true(rig_until_hits(&rig, 10));
	assert_true(rig_until_quiet(&rig, c));
	for (int i = 0; i < 10; i++)
		assert_int_equal(rig_state(&rig, ids[i], NULL), OUTBOX_DONE);
	courier_drain(c);
	assert_true(rig_until_quiet(&rig, c));
	courier_free(c);
	rig_turns(&rig, 2);
	rig_close(&rig);
#else
	(void)state;
	(void)is_blocked;
	(void)rig;
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failed_fetch_is_made_again),
	};

	/* What is loaded at first passes no point; the first job that fetches does. */
	(void)setenv("FINDINGSD_FAULT", "courier.record:fail@1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
