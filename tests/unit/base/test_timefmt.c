#include "config.h"

#include "unit.h"

#include "base/timefmt.h"

static void
test_reads_what_aws_sends(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
		int32_t sub_ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026-08-22T11:40:03.120Z", 1787398803120, 0 },
		{ "2026-08-22T11:40:03.120456789Z", 1787398803120, 456789 },
		{ "2026-08-22T11:40:03+00:00", 1787398803000, 0 },
		{ "2026-08-22T13:40:03+02:00", 1787398803000, 0 },
		{ "2026-08-22 11:40:03Z", 1787398803000, 0 },
		{ "2026-08-22T11:40:60Z", 1787398860000, 0 },
		{ "2024-02-29T00:00:00Z", 1709164800000, 0 },
		{ "2023-02-29T00:00:00Z", -1, 0 },
		{ "2026-13-01T00:00:00Z", -1, 0 },
		{ "2026-08-22T24:00:00Z", -1, 0 },
		{ "2026-08-22T11:40:03", -1, 0 },
		{ "2026-08-22T11:40:03Zx", -1, 0 },
		{ "2026-08-22T11:40:03.Z", -1, 0 },
		{ "", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int64_t ms = -1;
		int32_t ns = 0;
		(void)timefmt_parse(span_of(cases[i].text), &ms, &ns);
		assert_int_equal(ms, cases[i].ms);
		assert_int_equal(ns, cases[i].sub_ns);
	}
}

static void
test_writes_every_form(void **state)
{
	char out[TIMEFMT_BYTES];
	int64_t ms = 1787398803120;

	(void)state;
	assert_string_equal(timefmt_rfc3339_ms(ms, out), "2026-08-22T11:40:03.120Z");
	assert_string_equal(timefmt_rfc3339_s(ms, out), "2026-08-22T11:40:03Z");
	assert_string_equal(timefmt_basic(ms, out), "20260822T114003Z");
	assert_string_equal(timefmt_rfc5322(ms, out), "Sat, 22 Aug 2026 11:40:03 +0000");
	assert_string_equal(timefmt_http(ms, out), "Sat, 22 Aug 2026 11:40:03 GMT");
	assert_string_equal(timefmt_rfc3339_ms(-1, out), "1969-12-31T23:59:59.999Z");
}

static void
test_reads_the_three_http_dates(void **state)
{
	static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		                            "Sunday, 06-Nov-94 08:49:37 GMT",
		                            "Sun Nov  6 08:49:37 1994" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < LENGTH(same); i++) {
		ms = 0;
		assert_true(timefmt_parse_http(span_of(same[i]), &ms));
		assert_int_equal(ms, 784111777000);
	}
	assert_false(timefmt_parse_http(SPAN_LIT("Sun, 06 Nov 1994 08:49:37 PST"), &ms));
	assert_false(timefmt_parse_http(SPAN_LIT("tomorrow"), &ms));
	assert_false(timefmt_parse_http(SPAN_LIT(""), &ms));
}

static void
test_every_day_round_trips(void **state)
{
	char out[TIMEFMT_BYTES];

	(void)state;
	for (int64_t day = -40000; day < 60000; day += 13) {
		int64_t ms;
		assert_true(timefmt_parse(span_of(timefmt_rfc3339_ms(day * 86400000 + 7, out)), &ms,
		                          NULL));
		assert_int_equal(ms, day * 86400000 + 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_aws_sends),
		cmocka_unit_test(test_writes_every_form),
		cmocka_unit_test(test_reads_the_three_http_dates),
		cmocka_unit_test(test_every_day_round_trips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
