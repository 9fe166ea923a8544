#include "config.h"

#include "unit.h"

#include "match/case_table.h"
#include "match/fold.h"

static void
test_letters(void **state)
{
	static const struct {
		const char *pattern, *value;
		bool equals;
	} cases[] = {
		{ "abc", "ABC", true },
		{ "abc", "abd", false },
		{ "", "", true },
		{ "a", "", false },
		{ "stra\xC3\x9F"
		  "e",
		  "STRASSE", true },
		{ "stra\xC3\x9F"
		  "e",
		  "strasse", false },
		{ "strasse",
		  "stra\xC3\x9F"
		  "e",
		  false },
		{ "\xCF\x82", "\xCE\xA3", true },  /* final sigma, capital */
		{ "\xCF\x82", "\xCF\x83", false }, /* final sigma, sigma */
		{ "k", "\xE2\x84\xAA", false },    /* kelvin sign */
		{ "\xE2\x84\xAA", "k", true },
		{ "\xC4\xB0", "i\xCC\x87", true },                 /* capital i with dot */
		{ "\xC7\x85", "\xC7\x85", true },                  /* title case */
		{ "\xF0\x90\x90\xA8", "\xF0\x90\x90\x80", false }, /* beyond the BMP */
		{ "\xF0\x9F\x98\x80"
		  "A",
		  "\xF0\x9F\x98\x80"
		  "a",
		  true },
		{ "\xEF\xAC\x83", "FFI", true }, /* ligature */
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct span p = span_of(cases[i].pattern), v = span_of(cases[i].value);
		char a[64], b[64];
		assert_int_equal(fold_equals(p, v), cases[i].equals);
		if (!cases[i].equals)
			continue;
		assert_true(fold_starts(p, v) && fold_ends(p, v));
		size_t n = fold_key(p, a), m = fold_key(v, b);
		assert_true(n == m && memcmp(a, b, n) == 0);
	}
	assert_true(fold_starts(SPAN_LIT("ab"), SPAN_LIT("ABC")));
	assert_false(fold_starts(SPAN_LIT("ab"), SPAN_LIT("A")));
	assert_true(fold_ends(SPAN_LIT("\xC3\x9F"), SPAN_LIT("xSS")));
	assert_false(fold_ends(SPAN_LIT("\xC3\x9F"), SPAN_LIT("xss")));
}

/* What the machine leans on: a letter's forms have one key, no key grows past its bound, tables are sorted. */
static void
test_the_key_joins_all_forms(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp < 0x10000; cp++) {
		char one[4], key[64], other[64], joined[64];
		size_t n, k;
		if (cp >= 0xD800 && cp < 0xE000)
			continue;
		n = str_utf8_encode(cp, one);
		k = fold_key((struct span){ one, n }, key);
		assert_true(k <= FOLD_GROWTH * n);
		/* whatever equals it, of one code point, has its key */
		for (int delta = -40; delta <= 40; delta++) {
			size_t m = str_utf8_encode(
				cp + (uint32_t)delta < 0xD800 ? cp + (uint32_t)delta : 'x', other);
			if (!fold_equals((struct span){ one, n }, (struct span){ other, m }))
				continue;
			size_t j = fold_key((struct span){ other, m }, joined);
			assert_true(j == k && memcmp(joined, key, k) == 0);
		}
	}
	for (size_t i = 1; i < case_upper_count; i++)
		assert_true(case_upper[i].first > case_upper[i - 1].last);
	for (size_t i = 1; i < case_lower_count; i++)
		assert_true(case_lower[i].first > case_lower[i - 1].last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_the_key_joins_all_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
