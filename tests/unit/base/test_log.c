#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/log.h"

static char seen[4][512];
static size_t seen_count;

static void
tap(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	if (seen_count < LENGTH(seen))
		(void)snprintf(seen[seen_count], sizeof(seen[0]), "%s", line);
	seen_count++;
}

static void
test_text_cannot_forge_a_line(void **state)
{
	(void)state;
	seen_count = 0;
	log_tap(tap, NULL);
	log_info("x.y title=\"%s\"", "a\nerr z.z \x1b[31m\xff \xe2\x80\xae");
	assert_int_equal(seen_count, 1);
	assert_string_equal(seen[0], "x.y title=\"a\\x0aerr z.z \\x1b[31m\\xff \\u202e\"");
}

static void
test_repeats_are_counted(void **state)
{
	(void)state;
	seen_count = 0;
	log_tap(tap, NULL);
	for (int i = 0; i < 100; i++)
		log_warn("same.line n=1");
	assert_int_equal(seen_count, 1);
	log_warn("other.line");
	assert_int_equal(seen_count, 3);
	assert_string_equal(seen[1], "log.repeated times=99");
}

static void
test_levels(void **state)
{
	enum log_level level;

	(void)state;
	seen_count = 0;
	log_tap(tap, NULL);
	log_debug("not.shown");
	assert_int_equal(seen_count, 0);
	assert_true(log_level_parse("debug", &level));
	log_set_level(level);
	log_debug("is.shown");
	assert_int_equal(seen_count, 1);
	assert_false(log_level_parse("loud", &level));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_cannot_forge_a_line),
		cmocka_unit_test(test_repeats_are_counted),
		cmocka_unit_test(test_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
