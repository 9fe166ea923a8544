/*
 * test_pretty: JSON laid out for people; only blanks change.
 */
#include "config.h"

#include "json/pretty.h"

#include "base/buf.h"
#include "base/err.h"
#include "unit.h"
#include "json/scan.h"

static void
test_layout(void **state)
{
	static const struct {
		const char *text, *laid_out;
	} cases[] = {
		{ "1.50", "1.50" },
		{ " \"a\\u0041\" ", "\"a\\u0041\"" },
		{ "{ }", "{}" },
		{ "[\n]", "[]" },
		{ "{\"a\":[1 , 2.0],\"a\":{}}", "{\n  \"a\": [1, 2.0],\n  \"a\": {}\n}" },
		{ "{\"a\":{\"b\":[{\"numeric\":[\">=\",7]}]}}",
		  "{\n  \"a\": {\n    \"b\": [{\"numeric\": [\">=\", 7]}]\n  }\n}" },
		{ "[[],{},[{}],null,true]", "[[], {}, [{}], null, true]" },
		/* 91 columns on one line: each element on its own */
		{ "{\"k\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",{\"prefix\":\"bbbbbbbbbbbbbbbbbbb"
		  "bbbbbbbbbbbbb\"}]}",
		  "{\n  \"k\": [\n    \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\n    {\"prefix\": "
		  "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}\n  ]\n}" },
		{ "{\"k\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",{\"prefix\":\"bbbbbbbbbbbbbbbbbb"
		  "bbbbb\"}]}",
		  "{\n  \"k\": [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", {\"prefix\": "
		  "\"bbbbbbbbbbbbbbbbbbbbbbb\"}]\n}" },
	};
	(void)state;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf out = { .len = 0 };
		struct err e;
		assert_int_equal(pretty_add(span_of(cases[i].text), &out, &e), 0);
		assert_string_equal(out.data, cases[i].laid_out);
		/* laid out once, it stays */
		struct buf again = { .len = 0 };
		assert_int_equal(pretty_add(span_of(out.data), &again, &e), 0);
		assert_string_equal(again.data, out.data);
		buf_done(&again);
		buf_done(&out);
	}
}

static void
test_broken_text_is_refused(void **state)
{
	static const char *const cases[] = {
		"", "{", "[1,]", "[[1}", "{\"a\":[1,2}", "1 2", "[1]]"
	};
	(void)state;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf out = { .len = 0 };
		struct err e = { .kind = ERR_NONE };
		assert_int_equal(pretty_add(span_of(cases[i]), &out, &e), -1);
		assert_int_equal(e.kind, ERR_PARSE);
		buf_done(&out);
	}
}

/* Nothing grows faster than the text: 2,000 lists in each other, and one more is refused. */
static void
test_depth_is_bounded(void **state)
{
	struct buf text = { .len = 0 }, out = { .len = 0 };
	struct err e;
	(void)state;

	for (int i = 0; i < SCAN_DEPTH_MAX; i++)
		(void)buf_add_char(&text, '[');
	for (int i = 0; i < SCAN_DEPTH_MAX; i++)
		(void)buf_add_char(&text, ']');
	assert_int_equal(pretty_add(span_of(text.data), &out, &e), 0);
	assert_true(out.len < (size_t)SCAN_DEPTH_MAX * 2 * 64);
	(void)buf_add_char(&text, ']');
	buf_clear(&out);
	assert_int_equal(pretty_add(span_of(text.data), &out, &e), -1);
	buf_done(&text);
	buf_done(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_broken_text_is_refused),
		cmocka_unit_test(test_depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
