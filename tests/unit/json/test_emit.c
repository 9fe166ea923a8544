#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "json/emit.h"
#include "json/scan.h"

static void
test_shape(void **state)
{
	struct buf b;
	struct emit w;

	(void)state;
	buf_init(&b, 0);
	emit_init(&w, &b);
	emit_object_begin(&w);
	emit_key(&w, "a");
	emit_array_begin(&w);
	emit_i64(&w, -1);
	emit_u64(&w, UINT64_MAX);
	emit_array_begin(&w);
	emit_array_end(&w);
	emit_object_begin(&w);
	emit_object_end(&w);
	emit_array_end(&w);
	emit_key(&w, "q\"");
	emit_bool(&w, true);
	emit_key(&w, "n");
	emit_str(&w, NULL);
	emit_key(&w, "raw");
	emit_raw(&w, SPAN_LIT("1.50"));
	emit_key(&w, "esc");
	emit_string_escaped(&w, SPAN_LIT("\\u0041"));
	emit_key(&w, "d");
	emit_double(&w, 0.1);
	emit_object_end(&w);
	assert_string_equal(b.data,
	                    "{\"a\":[-1,18446744073709551615,[],{}],\"q\\\"\":true,\"n\":null,"
	                    "\"raw\":1.50,\"esc\":\"\\u0041\",\"d\":0.1}");
	buf_done(&b);
}

static void
test_escapes_and_repairs(void **state)
{
	static const struct {
		struct span in;
		const char *want;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { "plain", 5 }, "\"plain\"" },
		{ { "\"\\/\n\x01\x7f", 6 }, "\"\\\"\\\\/\\n\\u0001\x7f\"" },
		{ { "a\0b", 3 }, "\"a\\u0000b\"" },
		{ { "\xC3\xA9\xFFz", 4 }, "\"\xC3\xA9\xEF\xBF\xBDz\"" },
		{ { "\xE2\x82", 2 }, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	};
	struct buf b;
	struct emit w;
	struct err e;

	(void)state;
	buf_init(&b, 0);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		buf_clear(&b);
		emit_init(&w, &b);
		emit_string(&w, cases[i].in);
		assert_string_equal(b.data, cases[i].want);
		assert_int_equal(scan_check((struct span){ b.data, b.len }, false, &e), 0);
	}
	buf_done(&b);
}

static void
test_a_full_buffer_says_so(void **state)
{
	struct buf b;
	struct emit w;

	(void)state;
	buf_init(&b, 10);
	emit_init(&w, &b);
	emit_string(&w, SPAN_LIT("0123456789abc"));
	assert_true(b.is_full);
	buf_done(&b);
}

static void
test_doubles_read_back(void **state)
{
	static const double values[] = { 0, 1, -2.5, 0.30000000000000004, 1e300, 5e-324, 8.9 };
	struct buf b;
	struct emit w;
	double back;

	(void)state;
	buf_init(&b, 0);
	for (size_t i = 0; i < LENGTH(values); i++) {
		buf_clear(&b);
		emit_init(&w, &b);
		emit_double(&w, values[i]);
		assert_true(str_to_double((struct span){ b.data, b.len }, &back));
		assert_true(back == values[i]);
	}
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_escapes_and_repairs),
		cmocka_unit_test(test_a_full_buffer_says_so),
		cmocka_unit_test(test_doubles_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
