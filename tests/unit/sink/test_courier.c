/*
 * courier: from the outbox to a real receiver on loopback, with a real store: what each answer does to the item, to the
 * queue and to the sink.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "net/loop.h"
#include "sink/hooksign.h"

static struct rig rig;

static int
setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static enum courier_state
state_now(const struct courier *c)
{
	struct courier_status s;

	courier_get_status(c, &s);
	return s.state;
}

/* Free as the daemon does: no job may be under way. */
static bool
has_no_job(struct rig *r, void *arg)
{
	(void)r;
	return courier_is_quiet(arg);
}

static void
stop(struct courier *c)
{
	courier_drain(c);
	assert_true(rig_until(&rig, has_no_job, c));
	courier_free(c);
	rig_turns(&rig, 2);
}

static void
test_each_item_is_delivered_once_and_recorded(void **state)
{
	struct courier *c = rig_courier(&rig);
	char answer[600];
	int64_t ids[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "key-%d", i);
		ids[i] = rig_queue(&rig, 0, key, clock_real_wall_ms());
	}
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 20));
	assert_true(rig_until_quiet(&rig, c));
	assert_int_equal(rig.hit_count, 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rig_state(&rig, ids[i], answer), OUTBOX_DONE);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(rig.hits[i].id, rig.hits[k].id);
	}
	assert_int_equal(rig.notes, 20);
	assert_string_equal(rig.hits[0].change, "created");
	assert_string_equal(rig.hits[0].severity, "HIGH");
	assert_non_null(strstr(rig.hits[0].finding,
	                       "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/key-"));
	stop(c);
}

static void
test_the_signature_is_that_of_the_body(void **state)
{
	char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	struct hooksign h;
	struct courier *c;
	struct buf want;

	(void)state;
	rig.conf.secret.value = secret;
	c = rig_courier(&rig);
	(void)rig_queue(&rig, 0, "key", clock_real_wall_ms());
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 1));
	buf_init(&want, 0);
	assert_int_equal(hooksign_init(&h, secret, NULL), 0);
	hooksign_add(&h, "key", strtoll(rig.hits[0].at, NULL, 10),
	             (struct span){ rig.hits[0].body, rig.hits[0].body_len }, &want);
	assert_string_equal(rig.hits[0].signature, want.data);
	hooksign_done(&h);
	buf_done(&want);
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static void
test_order_holds_per_identity(void **state)
{
	struct courier *c;

	(void)state;
	(void)rig_queue(&rig, 7, "first", 1000);
	(void)rig_queue(&rig, 7, "second", 1000);
	(void)rig_queue(&rig, 7, "third", 1000);
	(void)rig_queue(&rig, 8, "other", 1000);
	rig.conf.max_age_ms = INT64_MAX / 2;
	rig.status_count = 2;
	rig.statuses[0] = rig.statuses[1] = 0;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 2));
	rig_turns(&rig, 20);
	/* the first of each identity is under way; nothing behind them */
	assert_int_equal(rig.hit_count, 2);
	rig_release(&rig);
	assert_true(rig_until_hits(&rig, 4));
	assert_true(rig_until_quiet(&rig, c));
	assert_string_equal(rig.hits[2].id, "second");
	assert_string_equal(rig.hits[3].id, "third");
	stop(c);
}

static void
test_no_more_than_max_in_flight(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.max_in_flight = 3;
	for (int i = 0; i < 10; i++)
		rig.statuses[i] = 0;
	rig.status_count = 10;
	for (int i = 0; i < 10; i++)
		(void)rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	for (size_t i = 3; i <= 9; i += 3) {
		assert_true(rig_until_hits(&rig, i));
		rig_turns(&rig, 10);
		assert_int_equal(rig.held_count, 3);
		rig_release(&rig);
	}
	assert_true(rig_until_hits(&rig, 10));
	rig_release(&rig);
	assert_true(rig_until_quiet(&rig, c));
	assert_int_equal(rig.held_max, 3);
	stop(c);
}

static bool
is_delivered(struct rig *r, void *arg)
{
	return rig_state(r, *(int64_t *)arg, NULL) == OUTBOX_DONE;
}

static bool
is_dead(struct rig *r, void *arg)
{
	return rig_state(r, *(int64_t *)arg, NULL) == OUTBOX_DEAD;
}

static void
test_a_failure_is_tried_again_under_the_same_key(void **state)
{
	static const int statuses[] = { 500, 503, 429, 408 };
	struct courier *c = rig_courier(&rig);

	(void)state;
	for (size_t i = 0; i < LENGTH(statuses); i++) {
		size_t before = rig.hit_count;
		int64_t id;

		rig.statuses[before] = statuses[i];
		rig.status_count = before + 1;
		id = rig_queue(&rig, 0, "same-key", clock_real_wall_ms());
		courier_wake(c);
		assert_true(rig_until(&rig, is_delivered, &id));
		assert_int_equal(rig.hit_count, before + 2);
		assert_string_equal(rig.hits[before].id, "same-key");
		assert_string_equal(rig.hits[before + 1].id, "same-key");
		assert_true(rig_until_quiet(&rig, c));
	}
	stop(c);
}

static void
test_a_refused_item_is_buried_alone(void **state)
{
	static const int statuses[] = { 400, 404, 405, 415, 422, 302 };
	struct courier *c = rig_courier(&rig);
	char answer[600];

	(void)state;
	for (size_t i = 0; i < LENGTH(statuses); i++) {
		size_t before = rig.hit_count;
		int64_t id;

		rig.statuses[before] = statuses[i];
		rig.status_count = before + 1;
		id = rig_queue(&rig, 0, "bad", clock_real_wall_ms());
		courier_wake(c);
		assert_true(rig_until(&rig, is_dead, &id));
		(void)rig_state(&rig, id, answer);
		assert_non_null(strstr(answer, "HTTP "));
		id = rig_queue(&rig, 0, "good", clock_real_wall_ms());
		courier_wake(c);
		assert_true(rig_until(&rig, is_delivered, &id));
	}
	assert_int_equal(rig.failings, 0);
	assert_int_equal(rig.deads, LENGTH(statuses));
	stop(c);
}

static bool
is_in_state(struct rig *r, void *arg)
{
	struct {
		struct courier *c;
		enum courier_state want;
	} *w = arg;

	(void)r;
	return state_now(w->c) == w->want && courier_is_quiet(w->c);
}

static bool
until_state(struct courier *c, enum courier_state want)
{
	struct {
		struct courier *c;
		enum courier_state want;
	} w = { c, want };

	return rig_until(&rig, is_in_state, &w);
}

static void
test_401_holds_the_sink_and_keeps_the_queue(void **state)
{
	struct courier *c;
	int64_t ids[5];

	(void)state;
	rig.conf.max_in_flight = 1;
	rig.statuses[0] = 401;
	rig.statuses[1] = 403;
	rig.status_count = 2;
	for (int i = 0; i < 5; i++)
		ids[i] = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_HELD));
	assert_int_equal(rig.hit_count, 1);
	assert_int_equal(rig.failings, 1);
	assert_non_null(strstr(rig.failing, "401"));
	/* a reload tries one; still refused */
	courier_retry_now(c);
	assert_true(rig_until_hits(&rig, 2));
	assert_true(until_state(c, COURIER_HELD));
	assert_int_equal(rig.hit_count, 2);
	assert_int_equal(rig.failings, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rig_state(&rig, ids[i], NULL), OUTBOX_QUEUED);
	courier_retry_now(c);
	assert_true(rig_until_hits(&rig, 7));
	assert_true(until_state(c, COURIER_READY));
	assert_int_equal(rig.recoveries, 1);
	stop(c);
}

static void
test_410_disables_until_resumed(void **state)
{
	struct courier *c;
	int64_t id;

	(void)state;
	rig.statuses[0] = 410;
	rig.status_count = 1;
	id = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_DISABLED));
	(void)rig_queue(&rig, 0, "key2", clock_real_wall_ms());
	courier_wake(c);
	rig_turns(&rig, 20);
	assert_int_equal(rig.hit_count, 1);
	courier_resume(c, NULL, NULL);
	assert_true(rig_until(&rig, is_delivered, &id));
	assert_true(rig_until_hits(&rig, 3));
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static void
test_413_is_tried_once_with_less(void **state)
{
	struct courier *c;
	int64_t id;
	char *text = mem_alloc(6000), *event;

	(void)state;
	memset(text, 'd', 5999);
	text[5999] = '\0';
	event = rig_event("big", "title", text);
	rig.conf.is_full = true;
	rig.statuses[0] = 413;
	rig.status_count = 1;
	c = rig_courier(&rig);
	rig_queue_event(&rig, "big", span_of(event));
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 2));
	assert_true(rig_until_quiet(&rig, c));
	assert_true(rig.hits[1].body_len < 4000);
	assert_true(rig.hits[0].body_len > 12000);
	assert_non_null(strstr(rig.hits[1].body, "\"truncated\":true"));
	assert_string_equal(rig.hits[0].id, rig.hits[1].id);
	/* too big even so: dead */
	rig.statuses[2] = rig.statuses[3] = 413;
	rig.status_count = 4;
	id = rig_queue(&rig, 0, "big2", clock_real_wall_ms());
	courier_wake(c);
	assert_true(rig_until(&rig, is_dead, &id));
	assert_int_equal(rig.hit_count, 4);
	mem_free(event);
	mem_free(text);
	stop(c);
}

static void
test_pause_survives_a_restart(void **state)
{
	struct courier *c = rig_courier(&rig);
	int64_t id;

	(void)state;
	assert_true(rig_until_quiet(&rig, c));
	courier_pause(c, NULL, NULL);
	assert_true(until_state(c, COURIER_PAUSED));
	id = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	courier_wake(c);
	rig_turns(&rig, 20);
	assert_int_equal(rig.hit_count, 0);
	stop(c);
	rig_reopen_store(&rig);
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_PAUSED));
	rig_turns(&rig, 20);
	assert_int_equal(rig.hit_count, 0);
	courier_resume(c, NULL, NULL);
	assert_true(rig_until(&rig, is_delivered, &id));
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_READY));
	stop(c);
}

static void
test_what_was_in_flight_goes_again_after_a_restart(void **state)
{
	struct courier *c;
	int64_t id;

	(void)state;
	rig.statuses[0] = 0;
	rig.status_count = 1;
	id = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 1));
	rig_turns(&rig, 5);
	courier_free(c);
	rig_turns(&rig, 3);
	rig_reopen_store(&rig);
	assert_int_equal(rig_state(&rig, id, NULL), OUTBOX_QUEUED);
	c = rig_courier(&rig);
	assert_true(rig_until(&rig, is_delivered, &id));
	assert_string_equal(rig.hits[1].id, "key");
	assert_int_equal(rig.hit_count, 2);
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static void
test_too_old_items_are_dead_letters_unsent(void **state)
{
	struct courier *c;
	int64_t old = rig_queue(&rig, 0, "old", clock_real_wall_ms() - 4 * 86400000LL);
	int64_t young = rig_queue(&rig, 0, "young", clock_real_wall_ms());
	char answer[600];

	(void)state;
	c = rig_courier(&rig);
	assert_true(rig_until(&rig, is_delivered, &young));
	assert_true(rig_until(&rig, is_dead, &old));
	(void)rig_state(&rig, old, answer);
	assert_non_null(strstr(answer, "older than max_age (3d)"));
	assert_non_null(strstr(answer, "counted in digest 3"));
	assert_true(rig_until_hits(&rig, 2));
	/* The answer says that `dead retry` sends it: asked for by a person, it is young again. */
	rig_retry_dead(&rig, old);
	courier_wake(c);
	assert_true(rig_until(&rig, is_delivered, &old));
	assert_string_equal(rig.hits[2].id, "old");
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static void
test_an_unreachable_sink_is_probed_by_one(void **state)
{
	char url[64];
	struct courier_status s;
	struct courier *c;

	(void)state;
	/* port 1 on loopback: refused */
	(void)snprintf(url, sizeof url, "http://127.0.0.1:1/");
	rig.conf.url = url;
	rig.conf.max_in_flight = 2;
	for (int i = 0; i < 10; i++)
		(void)rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_RESTING));
	courier_get_status(c, &s);
	assert_true(s.failed >= 1 && s.failed <= 2);
	assert_non_null(strstr(s.last_error, "127.0.0.1:1"));
	assert_int_equal(rig.failings, 1);
	/* one goes to see, and no more */
	courier_retry_now(c);
	assert_true(until_state(c, COURIER_RESTING));
	courier_get_status(c, &s);
	assert_true(s.failed <= 3);
	/* it comes back, at a new address */
	rig.conf.url = rig.url;
	assert_int_equal(courier_reconfigure(c, &rig.conf, NULL), 0);
	assert_true(rig_until_hits(&rig, 10));
	assert_true(rig_until_quiet(&rig, c));
	assert_int_equal(rig.recoveries, 1);
	stop(c);
}

static bool
is_resting(struct rig *r, void *arg)
{
	(void)r;
	return state_now(arg) == COURIER_RESTING;
}

/* An attempt without an answer takes its whole timeout: what goes to see does not wait for it. */
static void
test_an_attempt_that_hangs_holds_up_no_probe(void **state)
{
	struct courier *c;

	(void)state;
	rig.statuses[0] = 0;
	rig.statuses[1] = 503;
	rig.status_count = 2;
	rig.retry_after = "1";
	rig.conf.timeout_ms = 60000;
	rig.conf.max_in_flight = 2;
	for (int i = 0; i < 4; i++)
		(void)rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 2));
	assert_true(rig_until(&rig, is_resting, c));
	courier_retry_now(c);
	/* the one that was put off, and the two behind it */
	assert_true(rig_until_hits(&rig, 5));
	assert_int_equal(rig.held_count, 1);
	assert_int_equal(rig.recoveries, 1);
	rig_release(&rig);
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static void
test_retry_now_does_not_wait_for_the_schedule(void **state)
{
	struct courier *c;
	int64_t id;

	(void)state;
	rig.statuses[0] = 503;
	rig.status_count = 1;
	rig.retry_after = "3000";
	id = rig_queue(&rig, 0, "key", clock_real_wall_ms());
	c = rig_courier(&rig);
	assert_true(until_state(c, COURIER_RESTING));
	rig_turns(&rig, 20);
	assert_int_equal(rig.hit_count, 1);
	courier_retry_now(c);
	assert_true(rig_until(&rig, is_delivered, &id));
	assert_int_equal(rig.hit_count, 2);
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

static unsigned steps, tests_done;
static enum sink_outcome test_outcome;
static char test_answer[600];

static void
on_step(const struct sink_step *step, void *arg)
{
	(void)arg;
	assert_true(step->text[0] != '\0');
	steps++;
}

static void
on_test(struct sink_result *r, void *arg)
{
	(void)arg;
	tests_done++;
	test_outcome = r->outcome;
	(void)snprintf(test_answer, sizeof test_answer, "%s", r->answer);
}

static bool
is_tested(struct rig *r, void *arg)
{
	(void)r;
	return tests_done == *(unsigned *)arg;
}

static void
test_sink_test_is_marked_and_explains(void **state)
{
	struct courier *c;
	unsigned want = 1;
	char url[] = "http://127.0.0.1:1/";

	(void)state;
	steps = tests_done = 0;
	c = rig_courier(&rig);
	courier_pause(c, NULL, NULL);
	assert_int_equal(courier_test(c, on_step, on_test, NULL, NULL), 0);
	assert_int_equal(tests_done, 0);
	assert_int_equal(courier_test(c, on_step, on_test, NULL, NULL), -1);
	assert_true(rig_until(&rig, is_tested, &want));
	assert_int_equal(test_outcome, SINK_OK);
	assert_true(steps >= 2);
	assert_string_equal(rig.hits[0].test, "true");
	assert_non_null(strstr(rig.hits[0].body, "\"test\":true"));
	rig.conf.url = url;
	assert_int_equal(courier_reconfigure(c, &rig.conf, NULL), 0);
	assert_int_equal(courier_test(c, on_step, on_test, NULL, NULL), 0);
	want = 2;
	assert_true(rig_until(&rig, is_tested, &want));
	assert_int_equal(test_outcome, SINK_TEMPFAIL);
	assert_non_null(strstr(test_answer, "127.0.0.1:1"));
	assert_true(rig_until_quiet(&rig, c));
	stop(c);
}

/* Whoever asked is answered: else findingsctl waits for a daemon that is gone. */
static void
test_a_sink_test_under_way_ends_when_the_sink_is_closed(void **state)
{
	struct courier *c;

	(void)state;
	steps = tests_done = 0;
	rig.statuses[0] = 0; /* never answered */
	rig.status_count = 1;
	c = rig_courier(&rig);
	assert_int_equal(courier_test(c, on_step, on_test, NULL, NULL), 0);
	assert_true(rig_until_hits(&rig, 1));
	assert_int_equal(tests_done, 0);
	courier_drain(c);
	assert_int_equal(tests_done, 1);
	assert_int_equal(test_outcome, SINK_TEMPFAIL);
	assert_non_null(strstr(test_answer, "broken off"));
	stop(c);
}

static void
test_samples_can_be_dropped(void **state)
{
	struct courier *c;
	char *event = rig_event("s", "[SAMPLE] title", "d");
	int64_t id;

	(void)state;
	rig.conf.samples = CONF_SAMPLES_DROP;
	c = rig_courier(&rig);
	rig_queue_event(&rig, "sample", span_of(event));
	id = rig_queue(&rig, 0, "real", clock_real_wall_ms());
	courier_wake(c);
	assert_true(rig_until(&rig, is_delivered, &id));
	assert_true(rig_until_quiet(&rig, c));
	assert_int_equal(rig.hit_count, 1);
	assert_string_equal(rig.hits[0].id, "real");
	mem_free(event);
	stop(c);
}

static void
test_raw_is_the_event_untouched(void **state)
{
	char *event = rig_event("r", "caf\\u00e9 \\\"x\\\"", "a\\nb");
	struct courier *c;

	(void)state;
	rig.conf.format = CONF_FORMAT_RAW;
	c = rig_courier(&rig);
	rig_queue_event(&rig, "raw", span_of(event));
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 1));
	assert_true(rig_until_quiet(&rig, c));
	assert_int_equal(rig.hits[0].body_len, strlen(event));
	assert_memory_equal(rig.hits[0].body, event, strlen(event));
	mem_free(event);
	stop(c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_each_item_is_delivered_once_and_recorded),
		T(test_the_signature_is_that_of_the_body),
		T(test_order_holds_per_identity),
		T(test_no_more_than_max_in_flight),
		T(test_a_failure_is_tried_again_under_the_same_key),
		T(test_a_refused_item_is_buried_alone),
		T(test_401_holds_the_sink_and_keeps_the_queue),
		T(test_410_disables_until_resumed),
		T(test_413_is_tried_once_with_less),
		T(test_pause_survives_a_restart),
		T(test_what_was_in_flight_goes_again_after_a_restart),
		T(test_too_old_items_are_dead_letters_unsent),
		T(test_an_unreachable_sink_is_probed_by_one),
		T(test_an_attempt_that_hangs_holds_up_no_probe),
		T(test_retry_now_does_not_wait_for_the_schedule),
		T(test_sink_test_is_marked_and_explains),
		T(test_a_sink_test_under_way_ends_when_the_sink_is_closed),
		T(test_samples_can_be_dropped),
		T(test_raw_is_the_event_untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
