/*
 * What a reload changes, in one line; secrets are compared and never told.
 */
#include "config.h"

#include "conf_fixture.h"

#include "conf/conf_diff.h"

static struct conf *
load(const char *text)
{
	struct conf *c;
	char *problems = fixture_load(text, &c);

	assert_string_equal(problems, "");
	mem_free(problems);
	return c;
}

static void
expect(const char *before, const char *after, const char *line)
{
	struct conf *a = load(before), *b = load(after);
	struct conf_diff d;
	struct buf out = { 0 };

	conf_diff(a, b, &d);
	conf_diff_print(&d, &out);
	assert_string_equal(out.data, line);
	conf_diff_done(&d);
	buf_done(&out);
	conf_free(a);
	conf_free(b);
}

#define HOOK(name, keys) "{name=\"" name "\";type=\"webhook\";url=\"https://x.example/\";" keys "}"
#define RULE(name, keys) \
	"{name=\"" name  \
	"\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"h\"];" keys "}"
#define ALL(top, sinks, rules) top FIXTURE_SOURCES "sinks=(" sinks ");rules=(" rules ");"

static void
test_changes_are_told_by_name_and_key(void **state)
{
	static const char base[] = ALL("", HOOK("h", ""), RULE("r", ""));

	(void)state;
	expect(base, base, "nothing changed");
	expect(base, ALL("log_level=\"debug\";", HOOK("h", ""), RULE("r", "")),
	       "log_level changed");
	expect(base, ALL("", HOOK("h", "timeout=\"5s\";"), RULE("r", "")),
	       "sink h changed (timeout)");
	expect(base, ALL("", HOOK("h", "timeout=\"30s\";"), RULE("r", "")), "nothing changed");
	expect(base, ALL("", HOOK("g", "") "," HOOK("h", ""), RULE("r", "")), "sink g added");
	expect(base, ALL("", HOOK("h", ""), RULE("r2", "") "," RULE("r", "")), "rule r2 added");
	expect(ALL("", HOOK("h", ""), RULE("r2", "") "," RULE("r", "")), base, "rule r2 removed");
	expect(ALL("", HOOK("h", "") "," HOOK("g", ""), RULE("r", "")),
	       ALL("", HOOK("g", "") "," HOOK("h", ""), RULE("r", "")), "nothing changed");
	expect(base,
	       ALL("", "{name=\"h\";type=\"email\";url=\"smtp://x\";from=\"a@b\";to=[\"a@b\"];}",
	           RULE("r", "")),
	       "sink h changed (type)");
	expect(base, ALL("self_alerts={sinks=[];};", HOOK("h", ""), RULE("r", "")),
	       "self_alerts.sinks changed");
}

static void
test_restart_only_keys_are_told_apart(void **state)
{
	static const char base[] = ALL("", HOOK("h", ""), RULE("r", ""));

	(void)state;
	expect(base, ALL("state_dir=\"/x\";", HOOK("h", ""), RULE("r", "")),
	       "nothing changed; only a restart takes state_dir");
	expect(base,
	       ALL("state_dir=\"/x\";control={listen=\"\";};retention=\"1d\";", HOOK("h", ""),
	           RULE("r", "")),
	       "retention changed; only a restart takes state_dir, control.listen");
}

static void
test_a_changed_secret_is_seen_and_not_told(void **state)
{
	struct conf *a = load(ALL("", HOOK("h", "secret=\"alpha\";"), RULE("r", "")));
	struct conf *b = load(ALL("", HOOK("h", "secret=\"bravo\";"), RULE("r", "")));
	struct conf_diff d;
	struct buf out = { 0 };

	(void)state;
	conf_diff(a, b, &d);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.items[0].key, "secret");
	assert_string_equal(d.items[0].name, "h");
	assert_int_equal(d.items[0].kind, CONF_DIFF_CHANGED);
	conf_diff_print(&d, &out);
	assert_string_equal(out.data, "sink h changed (secret)");
	conf_diff_done(&d);
	buf_done(&out);
	conf_free(a);
	conf_free(b);
}

static void
test_a_changed_pattern_file_is_seen(void **state)
{
	static const char text[] = FIXTURE_SOURCES FIXTURE_SINKS
		"rules=({name=\"r\";pattern_file=\"p.json\";sinks=[\"h\"];});";
	struct conf_diff d;

	(void)state;
	fixture_write("p.json", "{\"source\":[\"aws.guardduty\"]}", 28);
	struct conf *a = load(text);
	fixture_write("p.json", "{\"source\":[\"aws.securityhub\"]}", 30);
	struct conf *b = load(text);
	conf_diff(a, b, &d);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.items[0].key, "pattern");
	conf_diff_done(&d);
	conf_free(a);
	conf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_told_by_name_and_key),
		cmocka_unit_test(test_restart_only_keys_are_told_apart),
		cmocka_unit_test(test_a_changed_secret_is_seen_and_not_told),
		cmocka_unit_test(test_a_changed_pattern_file_is_seen),
	};

	return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
