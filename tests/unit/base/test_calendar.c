/*
 * calendar: who is believed when the clocks disagree. Each case is a story: what the last run left, then what the local
 * clock, the boot clock and AWS say, and what time it is to us.
 */
#include "config.h"

#include "unit.h"

#include "base/calendar.h"

#define MIN_MS  INT64_C(60000)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS  (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)
/* A Tuesday in 2026, and what the boot clock says then. */
#define T0   INT64_C(1790000000000)
#define BOOT INT64_C(5000000)

enum { SAME_BOOT, OTHER_BOOT, NO_MARK };

/* One answer of AWS's: how long after the start, what both clocks say besides the truth. */
struct say {
	int64_t after_ms, wall_off_ms, aws_off_ms;
};

static const struct story {
	const char *name;
	int mark;         /* left DOWN ago */
	int64_t down_ms;  /* time that really passed since the mark */
	int64_t wall_ms;  /* the local clock at the start, less the truth */
	int64_t begun_ms; /* wanted at the start, less the truth */
	struct say says[4];
	int64_t end_ms; /* wanted after the last, less the truth */
} stories[] = {
	{ "all is well", SAME_BOOT, MIN_MS, 0, 0, { { MIN_MS, 0, 0 } }, 0 },
	{ "first start, right clock", NO_MARK, 0, 0, 0, { { MIN_MS, 0, 0 } }, 0 },
	{ "first start in 1970: AWS's time", NO_MARK, 0, -T0, -T0, { { MIN_MS, -T0, 0 } }, 0 },
	{ "first start in 2030: AWS's time",
	  NO_MARK,
	  0,
	  4 * YEAR_MS,
	  4 * YEAR_MS,
	  { { MIN_MS, 4 * YEAR_MS, 0 } },
	  0 },
	{ "first start in 1970, then NTP: the local clock is followed",
	  NO_MARK,
	  0,
	  -T0,
	  -T0,
	  { { 0 } },
	  -T0 },
	{ "set ahead by an hour while we run",
	  SAME_BOOT,
	  0,
	  0,
	  0,
	  { { MIN_MS, HOUR_MS, 0 }, { HOUR_MS, HOUR_MS, 0 } },
	  0 },
	{ "set back by 30 days while we run",
	  SAME_BOOT,
	  0,
	  0,
	  0,
	  { { MIN_MS, -30 * DAY_MS, 0 } },
	  0 },
	{ "set ahead by a year while we were off",
	  SAME_BOOT,
	  HOUR_MS,
	  YEAR_MS,
	  0,
	  { { MIN_MS, YEAR_MS, 0 } },
	  0 },
	{ "set back while we were off",
	  SAME_BOOT,
	  HOUR_MS,
	  -DAY_MS,
	  0,
	  { { MIN_MS, -DAY_MS, 0 } },
	  0 },
	{ "rebooted into 1970: the mark, then AWS",
	  OTHER_BOOT,
	  DAY_MS,
	  -T0,
	  -DAY_MS,
	  { { MIN_MS, -T0, 0 } },
	  0 },
	{ "rebooted into 2030: the mark, then AWS",
	  OTHER_BOOT,
	  DAY_MS,
	  4 * YEAR_MS,
	  -DAY_MS,
	  { { MIN_MS, 4 * YEAR_MS, 0 } },
	  0 },
	{ "rebooted into 1970, NTP before AWS",
	  OTHER_BOOT,
	  DAY_MS,
	  -T0,
	  -DAY_MS,
	  { { MIN_MS, 0, 0 } },
	  0 },
	{ "a week-end off", OTHER_BOOT, 3 * DAY_MS, 0, 0, { { MIN_MS, 0, 0 } }, 0 },
	{ "60 days off: believed when AWS says so too",
	  OTHER_BOOT,
	  60 * DAY_MS,
	  0,
	  -60 * DAY_MS,
	  { { MIN_MS, 0, 0 } },
	  0 },
	{ "AWS a year ahead, alone",
	  SAME_BOOT,
	  0,
	  0,
	  0,
	  { { MIN_MS, 0, YEAR_MS }, { HOUR_MS, 0, YEAR_MS } },
	  0 },
	{ "AWS a year ahead, alone, after a reboot",
	  OTHER_BOOT,
	  HOUR_MS,
	  0,
	  0,
	  { { MIN_MS, 0, YEAR_MS }, { HOUR_MS, 0, YEAR_MS } },
	  0 },
	{ "100 days off, and rebooted into 1970",
	  OTHER_BOOT,
	  100 * DAY_MS,
	  -T0,
	  -100 * DAY_MS,
	  { { MIN_MS, -T0, 0 }, { 12 * MIN_MS, -T0, 0 } },
	  0 },
	{ "AWS an hour behind, for a moment", SAME_BOOT, 0, 0, 0, { { MIN_MS, 0, -HOUR_MS } }, 0 },
	{ "AWS alone, for 11 minutes: the boot clock had stood still",
	  SAME_BOOT,
	  0,
	  -HOUR_MS,
	  0,
	  { { MIN_MS, -HOUR_MS, -5 * HOUR_MS }, { 12 * MIN_MS, -HOUR_MS, -5 * HOUR_MS } },
	  -5 * HOUR_MS },
	{ "AWS alone, but each time otherwise",
	  SAME_BOOT,
	  0,
	  0,
	  0,
	  { { MIN_MS, 0, HOUR_MS },
	    { 9 * MIN_MS, 0, 2 * HOUR_MS },
	    { 18 * MIN_MS, 0, 3 * HOUR_MS } },
	  0 },
	{ "AWS alone, but once it agreed",
	  SAME_BOOT,
	  0,
	  -HOUR_MS,
	  0,
	  { { MIN_MS, -HOUR_MS, HOUR_MS },
	    { 5 * MIN_MS, -HOUR_MS, 0 },
	    { 12 * MIN_MS, -HOUR_MS, HOUR_MS } },
	  0 },
	{ "we were wrong: AWS and the local clock agree",
	  SAME_BOOT,
	  0,
	  0,
	  0,
	  { { MIN_MS, 5 * DAY_MS, 5 * DAY_MS } },
	  5 * DAY_MS },
	{ "a leap second", SAME_BOOT, 0, 0, 0, { { MIN_MS, -1000, 0 } }, -1000 },
};

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(stories); i++) {
		const struct story *s = &stories[i];
		struct calendar_mark last = { T0 - s->down_ms, BOOT - s->down_ms, "one" };
		struct calendar c;
		int64_t after_ms = 0, wall_ms = T0 + s->wall_ms;

		if (last.boot_ms < 0)
			last.boot_ms = 0;
		calendar_begin(&c, s->mark == NO_MARK ? NULL : &last,
		               s->mark == OTHER_BOOT ? "two" : "one", wall_ms, BOOT);
		if (calendar_now(&c, wall_ms, BOOT) - T0 != s->begun_ms)
			fail_msg("%s: begun %lld ms off", s->name,
			         (long long)(calendar_now(&c, wall_ms, BOOT) - T0));
		for (size_t k = 0; k < LENGTH(s->says) && s->says[k].after_ms; k++) {
			after_ms = s->says[k].after_ms;
			wall_ms = T0 + after_ms + s->says[k].wall_off_ms;
			int64_t before = calendar_now(&c, wall_ms, BOOT + after_ms);
			int64_t step = calendar_witness(&c, T0 + after_ms + s->says[k].aws_off_ms,
			                                wall_ms, BOOT + after_ms);
			assert_int_equal(calendar_now(&c, wall_ms, BOOT + after_ms) - before, step);
		}
		if (calendar_now(&c, wall_ms, BOOT + after_ms) - T0 - after_ms != s->end_ms)
			fail_msg("%s: ends %lld ms off", s->name,
			         (long long)(calendar_now(&c, wall_ms, BOOT + after_ms) - T0 -
			                     after_ms));
	}
}

static void
test_a_boot_clock_of_another_world_is_not_believed(void **state)
{
	const struct calendar_mark last = { T0, BOOT, "one" };
	struct calendar c;

	(void)state;
	calendar_begin(&c, &last, "one", T0 + HOUR_MS, T0);
	assert_int_equal(calendar_now(&c, T0 + HOUR_MS, T0), T0 + HOUR_MS);
	calendar_begin(&c, &last, "one", T0 + HOUR_MS, BOOT - 1);
	assert_int_equal(calendar_now(&c, T0 + HOUR_MS, BOOT - 1), T0 + HOUR_MS);
	calendar_begin(&c, &last, "", T0 + HOUR_MS, BOOT + 1);
	assert_int_equal(calendar_now(&c, T0 + HOUR_MS, BOOT + 1), T0 + HOUR_MS);
}

static void
test_a_mark_goes_through_text(void **state)
{
	static const char *const bad[] = {
		"", "1", "1 2", "x 2 id", "1 x id", "0 1 id", "1 -1 id", "99999999999999999999 1 id"
	};
	const struct calendar_mark m = { T0, BOOT, "0a0b0c0d-1234-5678-9abc-def012345678" };
	struct calendar_mark back;
	char text[CALENDAR_MARK_BYTES];

	(void)state;
	calendar_mark_print(&m, text);
	assert_true(calendar_mark_parse(span_of(text), &back));
	assert_memory_equal(&m, &back, sizeof(m));
	assert_false(calendar_mark_parse((struct span){ NULL, 0 }, &back));
	assert_true(calendar_mark_parse(span_of("1 2 "), &back));
	assert_string_equal(back.boot_id, "");
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_false(calendar_mark_parse(span_of(bad[i]), &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_a_boot_clock_of_another_world_is_not_believed),
		cmocka_unit_test(test_a_mark_goes_through_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
