#include "config.h"

#include "unit.h"

#include "match/address.h"

static void
test_literals(void **state)
{
	static const struct {
		const char *text;
		int len; /* 0: no address */
		unsigned char first, last;
	} cases[] = {
		{ "10.0.0.1", 4, 10, 1 },
		{ "010.000.00.01", 4, 10, 1 },
		{ "255.255.255.255", 4, 255, 255 },
		{ "256.0.0.1", 0, 0, 0 },
		{ "1.2.3", 0, 0, 0 },
		{ "1.2.3.4.5", 0, 0, 0 },
		{ "1..2.3", 0, 0, 0 },
		{ "1.2.3.4 ", 0, 0, 0 },
		{ "0000000000001.2.3.4", 0, 0, 0 },
		{ "::", 16, 0, 0 },
		{ "::1", 16, 0, 1 },
		{ "2001:db8::1", 16, 0x20, 1 },
		{ "2001:DB8:0:0:0:0:0:1", 16, 0x20, 1 },
		{ "::ffff:a00:1", 4, 10, 1 },
		{ "::ffff:10.0.0.1", 0, 0, 0 },
		{ "1:2:3:4:5:6:7", 0, 0, 0 },
		{ "1:2:3:4:5:6:7:8", 16, 0, 8 },
		{ "1:2:3:4:5:6:7:8:9", 0, 0, 0 },
		{ "1::2::3", 0, 0, 0 },
		{ ":1:2", 0, 0, 0 },
		{ "1:2:3:4:5:6:7:", 0, 0, 0 },
		{ "12:30", 0, 0, 0 },
		{ ":", 0, 0, 0 },
		{ "", 0, 0, 0 },
		{ "fffff::", 0, 0, 0 },
		{ "fe80::1%eth0", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct address a;
		bool ok = address_parse(span_of(cases[i].text), &a);
		if (ok != (cases[i].len > 0) ||
		    (ok && (a.len != cases[i].len || a.bytes[0] != cases[i].first ||
		            a.bytes[a.len - 1] != cases[i].last)))
			fail_msg("%s: %d", cases[i].text, ok);
	}
}

static void
test_blocks(void **state)
{
	static const struct {
		const char *block, *inside, *outside;
	} cases[] = {
		{ "10.0.0.7/24", "10.0.0.255", "10.0.1.0" },
		{ "10.0.0.0/31", "10.0.0.1", "10.0.0.2" },
		{ "0.0.0.0/0", "255.1.2.3", "::1" },
		{ "::/0", "2001::", "10.0.0.1" },
		{ "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
	};
	static const char *const bad[] = { "10.0.0.0",    "10.0.0.0/32", "::/128",
		                           "10.0.0.0/-1", "10.0.0.0/x",  "x/8",
		                           "/8",          "10.0.0.0/",   "::ffff:a00:0/120",
		                           "10.0.0.0/8/8" };
	unsigned bits;
	struct address block, a;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_null(address_parse_block(span_of(cases[i].block), &block, &bits));
		assert_true(address_parse(span_of(cases[i].inside), &a) &&
		            address_is_in(&a, &block, bits));
		assert_true(address_parse(span_of(cases[i].outside), &a) &&
		            !address_is_in(&a, &block, bits));
	}
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_non_null(address_parse_block(span_of(bad[i]), &block, &bits));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_literals),
		                            cmocka_unit_test(test_blocks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
