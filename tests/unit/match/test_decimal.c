#include "config.h"

#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "match/decimal.h"

static void
test_what_is_comparable(void **state)
{
	static const struct {
		const char *token;
		bool is_comparable;
		double value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0.0e5", true, 0 },
		{ "1", true, 1 },
		{ "300.0", true, 300 },
		{ "3.0e2", true, 300 },
		{ "0.1", true, 0.1 },
		{ "0.30000000000000004", true, 0.30000000000000004 },
		{ "0.3000000000000000", true, 0.3 },
		{ "9007199254740993", false, 0 },
		{ "9007199254740992", true, 9007199254740992 },
		{ "123456789.123456789", false, 0 },
		{ "-122.42916360922355", true, -122.42916360922355 },
		{ "-122.429163609223551", false, 0 },
		{ "1e400", false, 0 },
		{ "1e-400", false, 0 },
		{ "5e-324", false, 0 },
		{ "4.9e-324", true, 4.9e-324 },
		{ "1.7976931348623157e308", true, 1.7976931348623157e308 },
		{ "1.7976931348623158e308", false, 0 },
		{ "12345678901234567890", false, 0 },
		{ "100000000000000000000000", true, 1e23 },
		{ "0.1000000000000000055", false, 0 },
		{ "1e99999999999999999999", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		double d = -1;
		bool ok = decimal_comparable(span_of(cases[i].token), &d);
		if (ok != cases[i].is_comparable || (ok && d != cases[i].value))
			fail_msg("%s: %d %.17g", cases[i].token, ok, d);
	}
}

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
test_short_cuts_agree_with_the_library(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[64];
		double fast = 0, slow = 0,
		       d = (double)(int64_t)next(&x) / (double)(1 + next(&x) % 1000000007);
		bool a, b;
		int digits = 14 + (int)(next(&x) % 4);
		int n = snprintf(text, sizeof(text), next(&x) % 2 ? "%.*g" : "%.*e", digits,
		                 d / (double)(1ull << next(&x) % 60));

		if (i % 3 == 0)
			text[n - 1 - 4 * (text[n - 4] == 'e')] = (char)('0' + next(&x) % 10);
		a = decimal_comparable((struct span){ text, (size_t)n }, &fast);
		b = decimal_comparable_slow((struct span){ text, (size_t)n }, &slow);
		if (a != b || (a && fast != slow))
			fail_msg("%s: %d %.17g, library %d %.17g", text, a, fast, b, slow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_comparable),
		cmocka_unit_test(test_short_cuts_agree_with_the_library),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
