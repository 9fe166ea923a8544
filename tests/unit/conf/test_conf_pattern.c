/*
 * Patterns: from the rule or from a file, wrong ones told with their place.
 */
#include "config.h"

#include "conf_fixture.h"

#define RULE(keys) FIXTURE_SOURCES FIXTURE_SINKS "\nrules=({name=\"r\";sinks=[\"h\"];\n" keys "});"

static void
test_a_pattern_in_the_rule_is_told_by_the_rules_line(void **state)
{
	(void)state;
	fixture_expect(
		RULE("pattern=\"{\\\"detail\\\":{\\\"severity\\\":[{\\\"numerc\\\":[\\\">\\\",1]}]}}\";"),
		"findingsd.conf:3: rule 'r': pattern: 1:25: detail.severity: unknown operator "
		"\"numerc\" (did you mean \"numeric\"?)\n");
	fixture_expect(RULE("pattern=\"\";"),
	               "findingsd.conf:3: rule 'r': pattern: is missing: wants pattern "
	               "or pattern_file\n");
	fixture_expect(
		RULE("pattern=1;"),
		"findingsd.conf:3: rule 'r': pattern: wants a text in quotes; found the integer 1\n");
}

static void
test_a_pattern_in_a_file_is_told_by_its_own_line_and_column(void **state)
{
	static const char bad[] =
		"{\n  \"source\": [\"aws.guardduty\"],\n  \"detail\": { \"x\": \"y\" }\n}\n";
	static const char good[] = "{\n  \"source\": [\"aws.guardduty\"]\n}\n";
	struct conf *c;

	(void)state;
	fixture_write("p.json", bad, strlen(bad));
	char *found = fixture_load(RULE("pattern_file=\"p.json\";"), NULL);
	assert_memory_equal(found, "FOLDER/p.json:3:20: detail.x: ", 30);
	mem_free(found);
	fixture_write("p.json", "", 0);
	found = fixture_load(RULE("pattern_file=\"p.json\";"), NULL);
	assert_memory_equal(found, "FOLDER/p.json:1:1: ", 19);
	mem_free(found);
	fixture_write("p.json", "{\"a\"\0:[1]}", 10);
	fixture_expect(RULE("pattern_file=\"p.json\";"),
	               "FOLDER/p.json: has a NUL byte: this is not JSON\n");
	fixture_write("p.json", good, strlen(good));
	found = fixture_load(RULE("pattern_file=\"p.json\";"), &c);
	assert_string_equal(found, "");
	assert_string_equal(c->rules[0].pattern_text, good);
	assert_non_null(c->rules[0].pattern);
	assert_int_equal(c->rules[0].pattern_where.line, 1);
	mem_free(found);
	conf_free(c);
}

static void
test_an_unknown_escape_is_told_where_the_pattern_stands(void **state)
{
	(void)state;
	fixture_expect(
		RULE("pattern=\"{\\\"id\\\":[\\\"x\\/y\\\"]}\";"),
		"findingsd.conf:3: warning: \\/ is no escape of libconfig: the backslash stays in the "
		"text; write \\\\ for a backslash\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pattern_in_the_rule_is_told_by_the_rules_line),
		cmocka_unit_test(test_a_pattern_in_a_file_is_told_by_its_own_line_and_column),
		cmocka_unit_test(test_an_unknown_escape_is_told_where_the_pattern_stands),
	};

	return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
