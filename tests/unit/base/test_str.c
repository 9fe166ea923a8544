#include "config.h"

#include "unit.h"

#include "base/str.h"

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "0", 0 },        { "250ms", 250 },   { "30s", 30000 },
		{ "15m", 900000 }, { "6h", 21600000 }, { "3d", 259200000 },
		{ "5", -1 },       { "", -1 },         { "s", -1 },
		{ "-1s", -1 },     { "1 s", -1 },      { "1S", -1 },
		{ "1.5s", -1 },    { "4000d", -1 },    { "99999999999999999999s", -1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int64_t ms = -7;
		bool ok = str_to_duration_ms(span_of(cases[i].text), &ms);
		assert_int_equal(ok, cases[i].ms >= 0);
		assert_int_equal(ms, ok ? cases[i].ms : -7);
	}
}

static void
test_duration_round_trip(void **state)
{
	static const int64_t values[] = { 0, 1, 999, 1000, 90000, 3600000, 86400000, 86400001 };
	char out[24];

	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++) {
		int64_t ms;
		assert_true(str_to_duration_ms(span_of(str_duration(values[i], out, sizeof(out))),
		                               &ms));
		assert_int_equal(ms, values[i]);
	}
}

static void
test_integers_and_sizes(void **state)
{
	int64_t v;
	uint64_t u;

	(void)state;
	assert_true(str_to_i64(SPAN_LIT("-9223372036854775808"), &v));
	assert_true(v == INT64_MIN);
	assert_false(str_to_i64(SPAN_LIT("9223372036854775808"), &v));
	assert_true(str_to_u64(SPAN_LIT("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_false(str_to_u64(SPAN_LIT("18446744073709551616"), &u));
	assert_false(str_to_i64(SPAN_LIT("-"), &v));
	assert_false(str_to_i64(SPAN_LIT("1x"), &v));
	assert_true(str_to_size(SPAN_LIT("64k"), &v));
	assert_int_equal(v, 65536);
	assert_false(str_to_size(SPAN_LIT("k"), &v));
}

static void
test_doubles_follow_the_json_grammar(void **state)
{
	static const char *const good[] = { "0", "-0", "5.4", "8", "1e3", "1E+3", "0.000001" };
	static const char *const bad[] = { "",    "05",  ".5",  "5.",    "+1", "1e",
		                           "nan", "inf", "0x1", "1e999", " 1" };
	double d;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++)
		assert_true(str_to_double(span_of(good[i]), &d));
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_false(str_to_double(span_of(bad[i]), &d));
}

static void
test_nearest_word(void **state)
{
	static const char *const words[] = { "numeric", "prefix", "suffix", "exists" };

	(void)state;
	assert_string_equal(str_nearest("numerc", words, LENGTH(words)), "numeric");
	assert_string_equal(str_nearest("perfix", words, LENGTH(words)), "prefix");
	assert_null(str_nearest("elephant", words, LENGTH(words)));
	assert_int_equal(str_distance("ab", "ba"), 1);
}

static void
test_utf8_is_never_cut_within_a_code_point(void **state)
{
	const char *s = "a\xC3\xA9\xF0\x9F\x98\x80"; /* a, e acute, an emoji */
	uint32_t cp;

	(void)state;
	assert_int_equal(str_utf8_cut(s, 7, 7), 7);
	assert_int_equal(str_utf8_cut(s, 7, 6), 3);
	assert_int_equal(str_utf8_cut(s, 7, 2), 1);
	assert_int_equal(str_utf8_prefix(s, 7, 2), 3);
	assert_int_equal(str_utf8_count(s, 7), 3);
	assert_int_equal(str_utf8_decode("\xC0\x80", 2, &cp), 0);
	assert_int_equal(str_utf8_decode("\xED\xA0\x80", 3, &cp), 0);
	assert_int_equal(str_utf8_decode("\xF4\x90\x80\x80", 4, &cp), 0);
	assert_int_equal(str_utf8_decode("\xE2\x82", 2, &cp), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_duration_round_trip),
		cmocka_unit_test(test_integers_and_sizes),
		cmocka_unit_test(test_doubles_follow_the_json_grammar),
		cmocka_unit_test(test_nearest_word),
		cmocka_unit_test(test_utf8_is_never_cut_within_a_code_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
