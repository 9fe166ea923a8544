/*
 * alert_memo: what of our own trouble is told, what waits, what is void. On a clock of our own.
 */
#include "config.h"

#include <stdio.h>

#include "unit.h"

#include "daemon/alert_memo.h"

#define F ALERT_SOURCE_FAILING
#define R ALERT_SOURCE_RECOVERED
#define D ALERT_DEAD_LETTER

static struct alert_memo *m;
static struct alert_say said;
static int64_t now;

static int
begin(void **state)
{
	(void)state;
	m = alert_memo_new();
	now = 1;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	alert_say_done(&said);
	alert_memo_free(m);
	return 0;
}

static bool
raise_it(enum alert_type type, const char *subject, const char *text)
{
	alert_say_done(&said);
	return alert_memo_raise(m, type, subject, text, (uint32_t)now, now, &said);
}

static bool
is_due(enum alert_type type)
{
	alert_say_done(&said);
	return alert_memo_due(m, type, now, &said);
}

static void
test_the_first_is_told_at_once_the_others_at_the_end_of_the_hour(void **state)
{
	(void)state;
	assert_true(raise_it(D, "hook", "no"));
	assert_int_equal(said.count, 1);
	assert_string_equal(said.words[0].subject, "hook");
	assert_false(raise_it(D, "mail", "550"));
	assert_false(raise_it(D, "topic", "403"));
	assert_false(raise_it(D, "mail", "551"));
	now += ALERT_HOUR_MS - 1;
	assert_false(is_due(D));
	now++;
	assert_true(is_due(D));
	assert_int_equal(said.count, 2);
	assert_string_equal(said.words[0].subject, "mail");
	assert_string_equal(said.words[0].text, "551");
	assert_string_equal(said.words[1].subject, "topic");
	assert_int_equal(said.more, 1);
	assert_false(is_due(D));
	assert_false(raise_it(D, "hook", "again")); /* the hour began anew */
}

static void
test_each_type_has_its_own_hour(void **state)
{
	(void)state;
	for (enum alert_type t = 0; t < ALERT_TYPE_COUNT; t++) {
		if (!alert_rows[t].is_recovery)
			assert_true(raise_it(t, "x", "y"));
	}
}

static void
test_an_end_is_told_to_who_heard_of_the_beginning(void **state)
{
	uint32_t generation;

	(void)state;
	assert_false(raise_it(R, "hub", "fine"));
	assert_true(raise_it(F, "hub", "bad"));
	generation = said.words[0].generation;
	now += 5;
	assert_true(alert_memo_is_open(m, R, "hub"));
	assert_false(alert_memo_is_open(m, R, "guardduty"));
	assert_true(raise_it(R, "hub", "fine"));
	assert_int_equal(said.words[0].generation, generation);
	assert_false(alert_memo_is_open(m, R, "hub"));
	assert_false(raise_it(R, "hub", "fine"));
}

static void
test_what_ended_before_it_was_told_is_not_told(void **state)
{
	(void)state;
	assert_true(raise_it(F, "one", "bad"));
	assert_false(raise_it(F, "two", "bad"));
	assert_false(raise_it(F, "three", "bad"));
	assert_false(raise_it(R, "two", "fine"));
	now += ALERT_HOUR_MS;
	assert_true(is_due(F));
	assert_int_equal(said.count, 1);
	assert_string_equal(said.words[0].subject, "three");
	assert_true(alert_memo_is_open(m, R, "three"));
	assert_false(alert_memo_is_open(m, R, "two"));
}

/* All three are well again within the hour in which one recovery may be told: the others are named at its end. */
static void
test_every_recovery_is_told_though_one_an_hour(void **state)
{
	static const char *const names[] = { "one", "two", "three" };

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		(void)raise_it(F, names[i], "bad");
		now += ALERT_HOUR_MS;
	}
	assert_true(raise_it(R, "one", "fine"));
	assert_false(raise_it(R, "two", "fine"));
	assert_false(raise_it(R, "three", "fine"));
	now += ALERT_HOUR_MS;
	assert_true(is_due(R));
	assert_int_equal(said.count, 2);
}

/* People know it as failing; its end was to be told, and is no more. */
static void
test_failing_anew_before_the_end_was_told_changes_nothing(void **state)
{
	uint32_t generation;

	(void)state;
	assert_true(raise_it(F, "one", "bad"));
	now += ALERT_HOUR_MS;
	assert_true(raise_it(F, "two", "bad"));
	generation = said.words[0].generation;
	assert_true(raise_it(R, "one", "fine"));
	assert_false(raise_it(R, "two", "fine"));
	now += 1000;
	assert_false(raise_it(F, "two", "bad again"));
	now += ALERT_HOUR_MS;
	assert_false(is_due(F));
	assert_false(is_due(R));
	assert_true(raise_it(R, "two", "fine"));
	assert_int_equal(said.words[0].generation, generation);
}

static void
test_a_restart_goes_on(void **state)
{
	(void)state;
	now = 100;
	alert_memo_load_told(m, F, now, ALERT_HOUR_MS / 2);
	alert_memo_load_told(m, D, now, ALERT_HOUR_MS + 1);
	alert_memo_load_told(m, ALERT_QUARANTINE, now, -5); /* the calendar was set back */
	alert_memo_load_open(m, "Source/hub", 77);
	assert_false(raise_it(F, "hub", "still bad"));
	assert_true(raise_it(D, "hook", "no"));
	assert_false(raise_it(ALERT_QUARANTINE, "hub", "x"));
	assert_true(raise_it(R, "hub", "fine"));
	assert_int_equal(said.words[0].generation, 77);
	now += ALERT_HOUR_MS;
	assert_false(is_due(F));
	assert_true(is_due(ALERT_QUARANTINE));
}

static void
test_what_nobody_took_is_told_again_in_a_minute(void **state)
{
	(void)state;
	assert_true(raise_it(F, "store", "bad"));
	alert_memo_again(m, &said, now);
	now += ALERT_AGAIN_MS - 1;
	assert_false(is_due(F));
	now++;
	assert_true(is_due(F));
	assert_string_equal(said.words[0].subject, "store");
	alert_memo_again(m, &said, now);
	assert_false(raise_it(F, "other", "bad"));
	alert_memo_heard(m, F, now);
	now += ALERT_AGAIN_MS;
	assert_false(is_due(F));
	now += ALERT_HOUR_MS;
	assert_true(is_due(F));
	assert_int_equal(said.count, 1);
	assert_string_equal(said.words[0].subject, "other");
	assert_int_equal(said.more, 0);
}

static void
test_it_is_bounded(void **state)
{
	char name[32];

	(void)state;
	assert_true(raise_it(D, "first", ""));
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		assert_false(raise_it(D, name, NULL));
	}
	now += ALERT_HOUR_MS;
	assert_true(is_due(D));
	assert_int_equal(said.count, ALERT_HELD_MAX);
	assert_int_equal(said.count + said.more, 1000);
	for (int i = 0; i < ALERT_OPEN_MAX + 10; i++) {
		(void)snprintf(name, sizeof(name), "Source/s%d", i);
		alert_memo_load_open(m, name, 1);
	}
	assert_true(alert_memo_is_open(m, R, "s0"));
	assert_false(alert_memo_is_open(m, R, "s10009"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_is_told_at_once_the_others_at_the_end_of_the_hour),
		TEST(test_each_type_has_its_own_hour),
		TEST(test_an_end_is_told_to_who_heard_of_the_beginning),
		TEST(test_what_ended_before_it_was_told_is_not_told),
		TEST(test_every_recovery_is_told_though_one_an_hour),
		TEST(test_failing_anew_before_the_end_was_told_changes_nothing),
		TEST(test_a_restart_goes_on),
		TEST(test_what_nobody_took_is_told_again_in_a_minute),
		TEST(test_it_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
