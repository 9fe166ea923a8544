#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "match/machine.h"
#include "match/pattern.h"

static const struct {
	const char *pattern, *event;
	bool is_match;
} cases[] = {
	{ "{\"source\":[\"aws.guardduty\"]}", "{\"source\":\"aws.guardduty\"}", true },
	{ "{\"source\":[\"aws.guardduty\"]}", "{\"source\":\"aws.guarddut\"}", false },
	{ "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":1.0}}", true },
	{ "{\"a\":{\"b\":[1]}}", "{\"a\":[{\"c\":0},{\"b\":1e0}]}", true },
	{ "{\"a\":{\"b\":[1]}}", "{\"a.b\":1}", true },
	{ "{\"a\":[null]}", "{\"a\":null}", true },
	{ "{\"a\":[null]}", "{\"b\":null}", false },
	{ "{\"a\":[{\"exists\":false}]}", "{\"a\":{\"b\":1}}", true },
	{ "{\"a\":[{\"exists\":true}]}", "{\"a\":[[]]}", false },
	{ "{\"a\":[{\"prefix\":\"x\"},{\"suffix\":\"y\"}]}", "{\"a\":\"zy\"}", true },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":[\"x\",\"x\"]}", false },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":[\"x\",\"y\"]}", true },
	{ "{\"a\":[{\"anything-but\":\"x\"}]}", "{}", false },
	{ "{\"a\":[{\"numeric\":[\">\",4,\"<=\",8.9]}]}", "{\"a\":8.90}", true },
	{ "{\"a\":[{\"numeric\":[\">\",4,\"<=\",8.9]}]}", "{\"a\":4}", false },
	{ "{\"a\":[{\"numeric\":[\">\",4]}]}", "{\"a\":\"5\"}", false },
	{ "{\"a\":[{\"wildcard\":\"*a*b\"}]}", "{\"a\":\"xayb\"}", true },
	{ "{\"a\":[{\"wildcard\":\"ab*ba\"}]}", "{\"a\":\"aba\"}", false },
	{ "{\"a\":[{\"equals-ignore-case\":\"stra\xC3\x9F"
	  "e\"}]}",
	  "{\"a\":\"STRASSE\"}", true },
	{ "{\"a\":[{\"cidr\":\"10.0.0.0/8\"}]}", "{\"a\":\"10.255.1.2\"}", true },
	{ "{\"a\":[\"10.0.0.1\"]}", "{\"a\":\"::ffff:a00:1\"}", true },
	{ "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"b\":2}", true },
	{ "{\"a\":[\"1\"],\"$or\":[{\"a\":[\"2\"]},{\"b\":[\"3\"]}]}", "{\"a\":\"1\",\"b\":\"3\"}",
	  true },
	{ "{\"a\":[\"1\"],\"$or\":[{\"a\":[\"2\"]},{\"b\":[\"3\"]}]}", "{\"a\":\"1\"}", false },
	{ "{\"a\":{\"x\":[1],\"y\":[2]}}", "{\"a\":[{\"x\":1},{\"y\":2}]}", false },
	{ "{\"a\":{\"x\":[1],\"y\":[2]}}", "{\"a\":[{\"x\":1},{\"x\":1,\"y\":2}]}", true },
	{ "{\"a\":[1]}", "{\"a\":1,\"a\":2}", false },
	{ "{\"a\":[2]}", "{\"a\":1,\"\\u0061\":2}", true },
};

static int
match(const char *pattern, const char *event)
{
	struct err e = { .kind = ERR_NONE };
	struct pattern *p = pattern_parse(span_of(pattern), NULL, &e);
	struct machine *m;
	struct machine_scratch *s;
	const uint32_t *rules;
	size_t n = 0;
	int result;

	assert_non_null(p);
	m = machine_build((const struct pattern *const *)&p, 1, &e);
	assert_non_null(m);
	pattern_free(p);
	s = machine_scratch_new(m);
	result = machine_match(m, s, span_of(event), &rules, &n, &e);
	machine_scratch_free(s);
	machine_free(m);
	return result < 0 ? -1 : (int)n;
}

static void
test_one_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		if (match(cases[i].pattern, cases[i].event) != cases[i].is_match)
			fail_msg("%s on %s: expected %d", cases[i].pattern, cases[i].event,
			         cases[i].is_match);
}

static void
test_broken_events_are_refused(void **state)
{
	static const char *const bad[] = { "",        "[]",       "1",         "{",
		                           "{\"a\":", "{\"a\":1", "{\"a\" 1}", "x" };

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_int_equal(match("{\"a\":[{\"exists\":false}]}", bad[i]), -1);
}

/* What would take for ever if it were tried combination by combination. The answers are known. */
static void
test_hostile_events_end(void **state)
{
	static const struct {
		const char *pattern, *element;
		int want;
	} hostile[] = {
		/* each element lacks one of the fields */
		{ "{\"a\":{\"p\":[1],\"q\":[1],\"r\":[1],\"s\":[2]}}",
		  "{\"p\":1,\"q\":1,\"r\":1,\"s\":1}", 0 },
		{ "{\"a\":{\"p\":[1],\"q\":[1],\"r\":{\"s\":[2],\"t\":[1]}}}",
		  "{\"p\":1,\"q\":1,\"r\":[{\"s\":2},{\"t\":1},{\"s\":2}]}", 0 },
		/* absences: past the ceiling it counts as matched */
		{ "{\"a\":{\"p\":[1],\"q\":[1],\"r\":[1],\"s\":[{\"exists\":false}]}}",
		  "{\"p\":1,\"s\":1},{\"q\":1,\"s\":1},{\"r\":1,\"s\":1}", 1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(hostile); i++) {
		struct buf event = { .len = 0 };
		(void)buf_add_str(&event, "{\"a\":[");
		for (int k = 0; k < 3000; k++)
			(void)buf_printf(&event, "%s%s", k == 0 ? "" : ",", hostile[i].element);
		(void)buf_add_str(&event, "]}");
		assert_int_equal(match(hostile[i].pattern, event.data), hostile[i].want);
		buf_done(&event);
	}
}

static void
test_deep_nesting_is_refused_or_skipped(void **state)
{
	struct buf event = { .len = 0 };

	(void)state;
	(void)buf_add_str(&event, "{\"a\":");
	for (int i = 0; i < 5000; i++)
		(void)buf_add_char(&event, '[');
	(void)buf_add_char(&event, '1');
	for (int i = 0; i < 5000; i++)
		(void)buf_add_char(&event, ']');
	(void)buf_add_str(&event, "}");
	assert_int_equal(match("{\"a\":[1]}", event.data), -1);
	assert_int_equal(match("{\"b\":[{\"exists\":false}]}", event.data), 1);
	buf_done(&event);
}

static int
count_hits(struct machine *m, const char *event)
{
	struct machine_scratch *s = machine_scratch_new(m);
	const uint32_t *rules;
	size_t n;
	struct err e;

	assert_int_equal(machine_match(m, s, span_of(event), &rules, &n, &e), 0);
	for (size_t i = 1; i < n; i++)
		assert_true(rules[i - 1] < rules[i]);
	machine_scratch_free(s);
	return (int)n;
}

static void
test_many_rules_share_a_number(void **state)
{
	enum { MANY = 300 };
	struct pattern *patterns[MANY];
	uint32_t rules[MANY];
	struct machine *m;
	struct err e;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "{\"a\":[%u,%u]}", i % 3, i % 100);
		patterns[i] = pattern_parse(span_of(text), NULL, &e);
		rules[i] = (MANY - i) / 2;
	}
	m = machine_build2((const struct pattern *const *)patterns, rules, MANY, &e);
	for (uint32_t i = 0; i < MANY; i++)
		pattern_free(patterns[i]);
	assert_int_equal(count_hits(m, "{\"a\":99}"), 3);
	assert_int_equal(count_hits(m, "{\"a\":0}"), 101);
	assert_int_equal(count_hits(m, "{\"a\":[0,1,2]}"), 151);
	assert_int_equal(count_hits(m, "{\"a\":100}"), 0);
	machine_free(m);
	m = machine_build(NULL, 0, &e);
	assert_int_equal(count_hits(m, "{\"a\":1}"), 0);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_rule),
		cmocka_unit_test(test_broken_events_are_refused),
		cmocka_unit_test(test_hostile_events_end),
		cmocka_unit_test(test_deep_nesting_is_refused_or_skipped),
		cmocka_unit_test(test_many_rules_share_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
