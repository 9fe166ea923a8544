/*
 * test_table: JSON lines as tables; text from elsewhere cannot take the terminal over.
 */
#include "config.h"

#include "ctl/table.h"

#include <stdlib.h>

#include "unit.h"

static const struct table_column columns[] = {
	{ "sink", "SINK", 8 }, { "n", "N", 0 }, { "rules", "RULES", 0 }, { 0 }
};

static void
expect_table(const char *lines, const char *kind, size_t rows, const char *text)
{
	struct buf out = { 0 };

	assert_int_equal(table_print(span_of(lines), kind, columns, &out), rows);
	assert_string_equal(out.data ? out.data : "", text);
	buf_done(&out);
}

static void
test_columns_are_aligned(void **state)
{
	(void)state;
	expect_table("{\"sink\":\"a\",\"n\":12345,\"rules\":[\"x\",\"y\"]}\n"
	             "{\"sink\":\"hook\",\"n\":1,\"rules\":[]}\n",
	             NULL, 2,
	             "SINK  N      RULES\n"
	             "a     12345  x,y\n"
	             "hook  1      -\n");
}

static void
test_missing_and_null_are_dashes(void **state)
{
	(void)state;
	expect_table("{\"n\":null}", NULL, 1, "SINK  N  RULES\n-     -  -\n");
}

static void
test_only_the_kind_that_is_asked_for(void **state)
{
	(void)state;
	expect_table("{\"kind\":\"a\",\"n\":1}\n{\"kind\":\"b\",\"n\":2}\n", "b", 1,
	             "SINK  N  RULES\n-     2  -\n");
	expect_table("{\"kind\":\"a\",\"n\":1}\n", "b", 0, "");
	expect_table("", NULL, 0, "");
}

static void
test_long_text_is_cut_on_a_code_point(void **state)
{
	(void)state;
	expect_table(
		"{\"sink\":\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6x\","
		"\"n\":1}",
		NULL, 1,
		"SINK      N  RULES\n"
		"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6...  1  -\n");
}

static void
test_escape_sequences_are_defused(void **state)
{
	(void)state;
	expect_table("{\"sink\":\"\\u001b[2J\\n\",\"n\":1}", NULL, 1,
	             "SINK   N  RULES\n [2J   1  -\n");
	/* the same as raw bytes of C1, a turn of direction, and a byte that is no UTF-8 */
	expect_table("{\"sink\":\"\\u009b\\u202ea\",\"n\":1}", NULL, 1,
	             "SINK  N  RULES\n  a   1  -\n");
}

static void
test_a_text_is_found_in_a_line(void **state)
{
	struct buf out = { 0 };

	(void)state;
	table_text(SPAN_LIT("{\"a\":{\"b\":1},\"changes\":\"sink \\\"x\\\" added\"}"), "changes",
	           &out);
	assert_string_equal(out.data, "sink \"x\" added");
	buf_clear(&out);
	table_text(SPAN_LIT("{\"a\":1}"), "b", &out);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_are_aligned),
		cmocka_unit_test(test_missing_and_null_are_dashes),
		cmocka_unit_test(test_only_the_kind_that_is_asked_for),
		cmocka_unit_test(test_long_text_is_cut_on_a_code_point),
		cmocka_unit_test(test_escape_sequences_are_defused),
		cmocka_unit_test(test_a_text_is_found_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
