#include "config.h"

#include "unit.h"

#include "base/timefmt.h"
#include "net/pace.h"

static void
test_burst_then_rate(void **state)
{
	struct pace p;
	int64_t now = 1000;

	(void)state;
	pace_init(&p, 3, 6, now);
	for (int i = 0; i < 6; i++)
		assert_int_equal(pace_take(&p, now), 0);
	assert_int_equal(pace_take(&p, now), 334);
	assert_int_equal(pace_take(&p, now), 334); /* asking takes nothing */
	assert_int_equal(pace_take(&p, now + 334), 0);
	/* Whoever waits as told always gets a token, at once; and never more than rate * time + burst. */
	pace_init(&p, 3, 6, 0);
	int taken = 0;
	for (now = 0; now < 100000;) {
		int64_t wait = pace_take(&p, now);
		taken += wait == 0;
		now += wait;
	}
	assert_in_range(taken, 300, 306);
}

static void
test_bucket_never_holds_more_than_burst(void **state)
{
	struct pace p;
	int taken = 0;

	(void)state;
	pace_init(&p, 5, 2, 0);
	while (pace_take(&p, 3600000) == 0)
		taken++;
	assert_int_equal(taken, 2);
	assert_true(pace_take(&p, 1000) > 0); /* a clock that goes back gives nothing */
}

static void
test_zero_rate_is_no_limit(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0, 0, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pace_take(&p, 0), 0);
	pace_throttled(&p, 0);
	assert_int_equal(pace_take(&p, 0), 0);
}

static void
test_throttle_halves_and_regains(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 8, 8, 0);
	pace_throttled(&p, 0);
	assert_true(pace_rate(&p, 0) == 4);
	assert_int_equal(pace_take(&p, 0), 250);
	pace_throttled(&p, 999); /* the same burst */
	assert_true(pace_rate(&p, 999) > 4 && pace_rate(&p, 999) < 4.1);
	pace_throttled(&p, 1000);
	assert_true(pace_rate(&p, 1000) < 2.1);
	/* 10 % of the full rate a minute */
	double before = pace_rate(&p, 1000);
	double after = pace_rate(&p, 61000);
	assert_true(after > before + 0.79 && after < before + 0.81);
	assert_true(pace_rate(&p, 1000 + 600000) == 8);
	for (int i = 0; i < 100; i++)
		pace_throttled(&p, 1000000 + i * 1000);
	assert_true(pace_rate(&p, 1100000) >= 8.0 / 32);
}

static void
test_backoff_is_full_jitter(void **state)
{
	static const struct {
		unsigned attempt;
		int64_t top;
	} rows[] = { { 1, 1000 },  { 2, 2000 },   { 3, 4000 },           { 5, 16000 },
		     { 6, 20000 }, { 64, 20000 }, { 4000000000u, 20000 } };

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_int_equal(pace_backoff_ms(1000, 20000, rows[i].attempt, 0), 0);
		assert_int_equal(pace_backoff_ms(1000, 20000, rows[i].attempt, UINT32_MAX),
		                 rows[i].top);
		int64_t half = pace_backoff_ms(1000, 20000, rows[i].attempt, 0x80000000u);
		assert_in_range(half, rows[i].top / 2, rows[i].top / 2 + 1);
	}
	assert_int_equal(pace_backoff_ms(5000, 2000, 1, UINT32_MAX), 2000);
	assert_int_equal(pace_backoff_ms(0, 2000, 9, UINT32_MAX), 0);
}

static void
test_retry_after_forms(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
		int64_t wait_ms;
	} rows[] = {
		{ "0", true, 0 },
		{ "120", true, 120000 },
		{ "99999999999999999", true, 316224000000 },
		{ "Sat, 22 Aug 2026 11:40:05 GMT", true, 5000 },
		{ "Saturday, 22-Aug-26 11:40:05 GMT", true, 5000 },
		{ "Sat, 22 Aug 2026 11:39:00 GMT", true, 0 },
		{ "Sat, 22 Aug 9999 11:39:00 GMT", true, 316224000000 },
		{ "-1", false, 0 },
		{ "1.5", false, 0 },
		{ "", false, 0 },
		{ "soon", false, 0 },
		{ "99999999999999999999999", false, 0 },
	};
	int64_t now, wait;

	(void)state;
	assert_true(timefmt_parse(SPAN_LIT("2026-08-22T11:40:00Z"), &now, NULL));
	for (size_t i = 0; i < LENGTH(rows); i++) {
		wait = -7;
		assert_int_equal(pace_retry_after(span_of(rows[i].text), now, &wait),
		                 rows[i].is_good);
		assert_int_equal(wait, rows[i].is_good ? rows[i].wait_ms : -7);
	}
	assert_true(pace_amz_retry_after(SPAN_LIT("1500"), &wait));
	assert_int_equal(wait, 1500);
	assert_false(pace_amz_retry_after(SPAN_LIT("x"), &wait));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_bucket_never_holds_more_than_burst),
		cmocka_unit_test(test_zero_rate_is_no_limit),
		cmocka_unit_test(test_throttle_halves_and_regains),
		cmocka_unit_test(test_backoff_is_full_jitter),
		cmocka_unit_test(test_retry_after_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
