#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"

static void
test_ceiling_holds_and_shows(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_add_str(&b, "12345"), 0);
	assert_int_equal(buf_add_str(&b, "678901"), -1);
	assert_true(b.is_full);
	assert_string_equal(b.data, "12345");
	assert_int_equal(buf_add_char(&b, 'x'), -1);
	buf_clear(&b);
	assert_int_equal(buf_add_str(&b, "1234567890"), 0);
	assert_int_equal(b.len, 10);
	buf_done(&b);
}

static void
test_numbers_and_text(void **state)
{
	struct buf b = { 0 };
	size_t len;

	(void)state;
	(void)buf_add_i64(&b, INT64_MIN);
	(void)buf_add_char(&b, ' ');
	(void)buf_add_u64(&b, UINT64_MAX);
	(void)buf_printf(&b, " %s-%03d", "x", 7);
	assert_string_equal(b.data, "-9223372036854775808 18446744073709551615 x-007");
	buf_truncate(&b, 4);
	char *s = buf_take(&b, &len);
	assert_string_equal(s, "-922");
	assert_int_equal(len, 4);
	mem_free(s);
	s = buf_take(&b, &len);
	assert_string_equal(s, "");
	mem_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling_holds_and_shows),
		cmocka_unit_test(test_numbers_and_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
