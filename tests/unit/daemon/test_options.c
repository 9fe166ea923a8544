/*
 * test_options: the command line of findingsd.
 */
#include "config.h"

#include "daemon/options.h"

#include <stdio.h>

#include "unit.h"

static int
parse(const char *line, struct options *ret, struct err *e)
{
	static char copy[256];
	char *argv[16], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "findingsd %s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return options_parse(argc, argv, ret, e);
}

static void
test_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("", &o, NULL), 0);
	assert_string_equal(o.conf_path, SYSCONFDIR "/findingsd/findingsd.conf");
	assert_false(o.is_check || o.is_once || o.is_dry_run || o.is_version || o.is_help);
	assert_int_equal(o.list, LIST_NONE);
}

static void
test_options_are_taken(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("-c a.conf --once", &o, NULL), 0);
	assert_string_equal(o.conf_path, "a.conf");
	assert_true(o.is_once);
	assert_false(o.is_dry_run);
	assert_int_equal(parse("--dry-run", &o, NULL), 0);
	assert_true(o.is_once && o.is_dry_run);
	assert_int_equal(parse("--list=presets", &o, NULL), 0);
	assert_int_equal(o.list, LIST_PRESETS);
	assert_int_equal(parse("--check", &o, NULL), 0);
	assert_true(o.is_check);
	assert_int_equal(parse("--version", &o, NULL), 0);
	assert_true(o.is_version);
}

static void
test_what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "--list", "needs a value" },
		{ "-c", "needs a value" },
		{ "--list nothing", "one of keys, operators, presets, sinks, sources" },
		{ "--bogus", "unknown option '--bogus'" },
		{ "-x", "unknown option" },
		{ "word", "options only" },
		{ "--check --once", "does not go with" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct options o;
		struct err e = { 0 };

		assert_int_equal(parse(cases[i].line, &o, &e), -1);
		if (!strstr(e.text, cases[i].text))
			fail_msg("%s: '%s'", cases[i].line, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_options_are_taken),
		cmocka_unit_test(test_what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
