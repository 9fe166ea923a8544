#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "json/scan.h"

static void
test_grammar(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" [ ] ",
		"0",
		"-0",
		"1.5e-3",
		"\"\"",
		"\"\\u00e9\\n\"",
		"true",
		"false",
		"null",
		"{\"a\":1,\"a\":2}",
		"[[],{},[[1]]]",
		"{\"a\" : [ 1 , 2 ] }",
		"\"\xF0\x9F\x98\x80\"",
		"\"\\ud83d\"",
		"\"0123456789abcdef0123456789abcdef\"",
		"\"\x7f\"",
	};
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"[1,]",
		"[,1]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"+1",
		"tru",
		"nul",
		"True",
		"NaN",
		"\"",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\u123\"",
		"\"\n\"",
		"\"\xC0\x80\"",
		"\"\xED\xA0\x80\"",
		"\"\x80\"",
		"1 2",
		"{} x",
		"[1 2]",
		"{\"a\":1 \"b\":2}",
		"\xEF\xBB\xBF{}",
		"[1}",
		"{\"a\":1]",
		"\"0123456789abcde\x01\"",
		"\"0123456789abcdef",
		"// c\n1",
		"[\"a\":1]",
		"{1:2}",
		"truefalse",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++)
		assert_int_equal(scan_check(span_of(good[i]), false, &e), 0);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		assert_int_equal(scan_check(span_of(bad[i]), false, &e), -1);
		assert_int_equal(e.kind, ERR_PARSE);
	}
	assert_int_equal(scan_check(SPAN_LIT("[]"), true, &e), -1);
	assert_int_equal(scan_check(SPAN_LIT("a\0b"), false, &e), -1);
}

static void
test_tokens_come_in_order(void **state)
{
	static const enum scan_token want[] = {
		SCAN_OBJECT_BEGIN, SCAN_KEY,  SCAN_ARRAY_BEGIN, SCAN_NUMBER, SCAN_STRING,
		SCAN_ARRAY_END,    SCAN_KEY,  SCAN_TRUE,        SCAN_KEY,    SCAN_FALSE,
		SCAN_KEY,          SCAN_NULL, SCAN_OBJECT_END,  SCAN_END,    SCAN_END,
	};
	struct scan s;

	(void)state;
	scan_init(&s, SPAN_LIT("{\"a\":[1,\"x\\n\"],\"b\":true,\"c\":false,\"d\":null}"), 0);
	for (size_t i = 0; i < LENGTH(want); i++) {
		assert_int_equal(scan_next(&s), want[i]);
		if (i == 1)
			assert_true(span_eq_str(s.token, "a"));
		if (i == 4) {
			assert_true(span_eq_str(s.token, "x\\n"));
			assert_true(s.has_escapes);
		}
	}
}

static void
test_depth_has_a_ceiling(void **state)
{
	char text[5000];
	struct err e;
	struct scan s;

	(void)state;
	memset(text, '[', 2500);
	memset(text + 2500, ']', 2500);
	assert_int_equal(scan_check((struct span){ text + 1400, 2200 }, false, &e), 0);
	assert_int_equal(scan_check((struct span){ text + 1399, 2202 }, false, &e), -1);
	assert_non_null(strstr(e.text, "too deeply"));
	scan_init(&s, (struct span){ text, 5000 }, 99999);
	assert_int_equal(scan_skip(&s), SCAN_ERROR);
	assert_int_equal(s.offset, SCAN_DEPTH_MAX);
}

static void
test_errors_have_a_place(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(scan_check(SPAN_LIT("{\n  \"\xC3\xA9\": nope}"), false, &e), -1);
	assert_string_equal(e.text, "line 2, column 8: not a JSON value");
}

static void
test_whole_values(void **state)
{
	struct scan s;
	struct span raw;

	(void)state;
	scan_init(&s, SPAN_LIT("[ {\"a\":[1, 2]} , \"x\" ,3]"), 0);
	assert_int_equal(scan_next(&s), SCAN_ARRAY_BEGIN);
	assert_int_equal(scan_value(&s, &raw), SCAN_OBJECT_BEGIN);
	assert_true(span_eq_str(raw, "{\"a\":[1, 2]}"));
	assert_int_equal(scan_value(&s, &raw), SCAN_STRING);
	assert_true(span_eq_str(raw, "\"x\""));
	assert_int_equal(scan_value(&s, &raw), SCAN_NUMBER);
	assert_true(span_eq_str(raw, "3"));
	assert_int_equal(scan_value(&s, &raw), SCAN_ARRAY_END);
	assert_int_equal(scan_next(&s), SCAN_END);
}

static void
test_unescape(void **state)
{
	static const struct {
		const char *escaped, *want,
			*kept; /* kept: with lone surrogates kept, NULL = want */
	} cases[] = {
		{ "abc", "abc", NULL },
		{ "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", NULL },
		{ "\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC", NULL },
		{ "\\ud83d\\ude00!", "\xF0\x9F\x98\x80!", NULL },
		{ "\\ud83dx", "\xEF\xBF\xBDx", "\xED\xA0\xBDx" },
		{ "\\ude00\\ud83d", "\xEF\xBF\xBD\xEF\xBF\xBD", "\xED\xB8\x80\xED\xA0\xBD" },
		{ "\\ud83d\\u0041",
		  "\xEF\xBF\xBD"
		  "A",
		  "\xED\xA0\xBD"
		  "A" },
	};
	struct buf b;
	char out[64];

	(void)state;
	buf_init(&b, 0);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *kept = cases[i].kept != NULL ? cases[i].kept : cases[i].want;
		buf_clear(&b);
		assert_int_equal(scan_unescape(span_of(cases[i].escaped), &b), 0);
		assert_string_equal(b.data, cases[i].want);
		size_t n = scan_unescape_to(span_of(cases[i].escaped), out, true);
		assert_true(span_eq_str((struct span){ out, n }, kept));
		assert_true(scan_string_is(span_of(cases[i].escaped), kept));
		assert_false(scan_string_is(span_of(cases[i].escaped), "abd"));
	}
	assert_false(scan_string_is(SPAN_LIT("a\\u0000"), "a"));
	assert_false(scan_string_is(SPAN_LIT("\\u0041"), "AB"));
	buf_done(&b);
}

static void
test_get_takes_the_last_duplicate(void **state)
{
	static const char text[] =
		"{\"a\":{\"b\":1,\"c\":3},\"x\":[{\"y\":7},{\"y\":8}],\"a\":{\"\\u0062\":2},\"s\":\"q\"}";
	struct span raw;

	(void)state;
	assert_true(scan_get(span_of(text), (const char *const[]){ "a", "b" }, 2, &raw));
	assert_true(span_eq_str(raw, "2"));
	assert_false(scan_get(span_of(text), (const char *const[]){ "a", "c" }, 2, &raw));
	assert_true(
		scan_get(span_of(text), (const char *const[]){ "x", SCAN_INDEX_0, "y" }, 3, &raw));
	assert_true(span_eq_str(raw, "7"));
	assert_true(scan_get(span_of(text), (const char *const[]){ "s" }, 1, &raw));
	assert_true(span_eq_str(raw, "\"q\""));
	assert_false(scan_get(span_of(text), (const char *const[]){ "s", "t" }, 2, &raw));
	assert_false(scan_get(SPAN_LIT("{\"s\":1"), (const char *const[]){ "s" }, 1, &raw));
}

static void
test_many_fields_in_one_pass(void **state)
{
	struct scan_field f[] = {
		{ "Id", { NULL, 0 } },
		{ "Severity", { NULL, 0 } },
		{ "Severity.Label", { NULL, 0 } },
		{ "Resources.[0].Id", { NULL, 0 } },
		{ "Resources.[0].Tags.k", { NULL, 0 } },
		{ "ProductFields.aws/securityhub/SeverityLabel", { NULL, 0 } },
		{ "Absent.x", { NULL, 0 } },
		{ "Resources", { NULL, 0 } },
		{ "Empty.[0]", { NULL, 0 } },
		{ "Id.deeper", { NULL, 0 } },
	};
	static const char *const want[] = {
		"\"x\"",    "{\"Label\": \"HIGH\",\"n\":[1]}",
		"\"HIGH\"", "\"r1\"",
		"\"v\"",    "\"LOW\"",
		NULL,       "[ {\"Id\":\"r1\",\"Tags\":{\"k\":\"v\"}} , {\"Id\":\"r2\"}]",
		NULL,       NULL,
	};
	static const char text[] =
		"{ \"Id\" : \"x\" , \"Severity\":{\"Label\": \"HIGH\",\"n\":[1]},"
		"\"Skip\":{\"Id\":[[[{}]]]},\"Empty\":[ ],"
		"\"Resources\":[ {\"Id\":\"r1\",\"Tags\":{\"k\":\"v\"}} , {\"Id\":\"r2\"}],"
		"\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"LOW\"}} ";
	struct err e;

	(void)state;
	assert_int_equal(scan_fields(span_of(text), f, LENGTH(f), &e), 0);
	for (size_t i = 0; i < LENGTH(f); i++) {
		if (want[i] == NULL)
			assert_null(f[i].raw.p);
		else
			assert_true(span_eq_str(f[i].raw, want[i]));
	}
	assert_int_equal(scan_fields(SPAN_LIT("{\"Id\":\"x\",\"Skip\":{\"a\" 1}}"), f, 1, &e), -1);
	assert_string_equal(e.text, "line 1, column 23: expected ':' after a key");
	assert_int_equal(scan_fields(SPAN_LIT("[1]"), f, 1, &e), -1);
	assert_int_equal(scan_fields(SPAN_LIT("{\"Id\":1} 2"), f, 1, &e), -1);
	assert_int_equal(scan_fields(SPAN_LIT(""), f, 1, &e), -1);
}

static void
test_array_elements(void **state)
{
	static const char *const want[] = { "1", "{\"a\":[2]}", "\"x\"" };
	struct scan_array a;
	struct span element;
	size_t n = 0;

	(void)state;
	for (bool more = scan_array_first(&a, SPAN_LIT("[1, {\"a\":[2]},\"x\"]"), &element); more;
	     more = scan_array_next(&a, &element))
		assert_true(span_eq_str(element, want[n++]));
	assert_int_equal(n, 3);
	assert_false(scan_array_failed(&a));
	assert_false(scan_array_first(&a, SPAN_LIT("[ ]"), &element));
	assert_false(scan_array_failed(&a));
	assert_false(scan_array_first(&a, SPAN_LIT("{}"), &element));
	assert_true(scan_array_failed(&a));
	assert_true(scan_array_first(&a, SPAN_LIT("[1 2]"), &element));
	assert_false(scan_array_next(&a, &element));
	assert_true(scan_array_failed(&a));
	assert_true(scan_array_first(&a, SPAN_LIT("[1] x"), &element));
	assert_false(scan_array_next(&a, &element));
	assert_true(scan_array_failed(&a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_tokens_come_in_order),
		cmocka_unit_test(test_depth_has_a_ceiling),
		cmocka_unit_test(test_errors_have_a_place),
		cmocka_unit_test(test_whole_values),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_get_takes_the_last_duplicate),
		cmocka_unit_test(test_many_fields_in_one_pass),
		cmocka_unit_test(test_array_elements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
