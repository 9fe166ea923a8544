#include "config.h"

#include "unit.h"

#include "base/err.h"

static void
test_wraps_outside_in(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_temp(&e, ERR_PARSE, "unknown operator '%s'", "prefx"), -1);
	(void)err_wrap(&e, "rule %d", 3);
	(void)err_wrap(&e, "/etc/x.conf");
	assert_string_equal(e.text, "/etc/x.conf: rule 3: unknown operator 'prefx'");
	assert_true(e.is_temporary);
	assert_int_equal(e.kind, ERR_PARSE);
	assert_string_equal(err_kind_name(e.kind), "parse");
	assert_int_equal(err_set(NULL, ERR_BUG, "nobody listens"), -1);
}

static void
test_long_text_is_cut_on_a_code_point(void **state)
{
	struct err e = { 0 };
	char text[700];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 509; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xC3\xA9", 2);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, ERR_IO, "%s", text);
	assert_int_equal(strlen(e.text), 511);
	(void)err_set(&e, ERR_IO, "b%s", text);
	assert_int_equal(strlen(e.text), 510);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wraps_outside_in),
		cmocka_unit_test(test_long_text_is_cut_on_a_code_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
