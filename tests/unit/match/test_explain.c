/* explain and lint: what people read. And dedupe, which both matchers lean on. */
#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "match/dedupe.h"
#include "match/pattern.h"

static void
test_the_first_failing_field_is_told(void **state)
{
	static const struct {
		const char *pattern, *event, *want; /* NULL: matches */
	} cases[] = {
		{ "{\"source\":[\"x\"],\"detail\":{\"severity\":[{\"numeric\":[\">=\",7]}]}}",
		  "{\"source\":\"x\",\"detail\":{\"severity\":5.3}}",
		  "detail.severity: asked for [{\"numeric\":[\">=\",7]}], there is 5.3" },
		{ "{\"source\":[\"x\"],\"detail\":{\"severity\":[1]}}",
		  "{\"detail\":{\"severity\":5.3}}",
		  "source: asked for [\"x\"], there is no value" },
		{ "{\"a\":[\"x\"]}", "{\"a\":[\"p\",\"q\\u0022\",null]}",
		  "a: asked for [\"x\"], there is \"p\", \"q\\\"\", null" },
		{ "{\"a\":[\"x\"]}", "{\"a\":[1,2,3,4,5,6,7]}",
		  "a: asked for [\"x\"], there is 1, 2, 3, 4, 5 and 2 more" },
		{ "{\"a\":{\"x\":[1],\"y\":[2]}}", "{\"a\":[{\"x\":1},{\"y\":2}]}",
		  "each field has a value that was asked for, but not all within the same element of an array" },
		{ "{\"$or\":[{\"a\":[1],\"b\":[1]},{\"c\":[1]}]}", "{\"a\":1,\"b\":2}",
		  "none of the 2 alternatives of \"$or\"; the nearest: b: asked for [1], there is 2" },
		{ "{\"a\":[{\"exists\":false}]}", "{\"a\":0}",
		  "a: asked for [{\"exists\":false}], there is 0" },
		{ "{\"a\":[1]}", "{\"a\":1.0}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf out = { .len = 0 };
		struct err e;
		struct pattern *p = pattern_parse(span_of(cases[i].pattern), NULL, &e);
		assert_non_null(p);
		assert_int_equal(pattern_explain(p, span_of(cases[i].event), &out, &e),
		                 cases[i].want == NULL);
		if (cases[i].want != NULL)
			assert_string_equal(out.data, cases[i].want);
		buf_done(&out);
		pattern_free(p);
	}
}

static void
keep(void *arg, const struct pattern_where *where, const char *text)
{
	assert_true(where->line > 0);
	(void)buf_add_str(arg, text);
	(void)buf_add_char(arg, '\n');
}

static void
test_what_can_hardly_be_meant(void **state)
{
	static const struct {
		const char *pattern, *want; /* part of the warnings; NULL: there are none */
	} cases[] = {
		{ "{\"source\":[\"aws.guarduty\"]}",
		  "1:12: source: findingsd has no source \"aws.guarduty\" (did you mean \"aws.guardduty\"?)" },
		{ "{\"detail-type\":[\"GuardDuty Findings\"]}",
		  "did you mean \"GuardDuty Finding\"" },
		{ "{\"Source\":[\"aws.guardduty\"]}",
		  "events have no field \"Source\" (did you mean \"source\"?)" },
		{ "{\"source\":[\"aws.guardduty\"],\"detail\":{\"Severity\":[7]}}",
		  "did you mean \"severity\"" },
		{ "{\"source\":[\"aws.securityhub\"],\"detail\":{\"severity\":[7]}}",
		  "the finding is at detail.findings" },
		{ "{\"source\":[\"aws.securityhub\"],\"detail\":{\"findings\":{\"severity\":{\"Label\":[\"HIGH\"]}}}}",
		  "did you mean \"Severity\"" },
		{ "{\"detail\":{\"findings\":{\"Severity\":{\"Label\":[\"HIGH\",\"MEDIUM\"]}}}}",
		  "stops below \"CRITICAL\"" },
		{ "{\"detail\":{\"severity\":[\"8\"]}}", "it holds numbers" },
		{ "{\"account\":[123456789012]}", "it holds strings" },
		{ "{\"source\":[{\"prefix\":\"aws.s3\"}]}", "this matches no source" },
		{ "{\"source\":[\"aws.guardduty\"],\"detail\":{\"severity\":[{\"numeric\":[\">=\",7]}]}}",
		  NULL },
		{ "{\"detail\":{\"findings\":{\"Severity\":{\"Label\":[\"HIGH\",\"CRITICAL\"]}}}}",
		  NULL },
		{ "{\"findingsd\":{\"severity\":[\"CRITICAL\"]},\"source\":[{\"prefix\":\"aws.\"}]}",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf out = { .len = 0 };
		struct err e;
		struct pattern *p = pattern_parse(span_of(cases[i].pattern), NULL, &e);
		assert_non_null(p);
		pattern_lint(p, span_of(cases[i].pattern), keep, &out);
		if (cases[i].want == NULL && out.len > 0)
			fail_msg("%s: %s", cases[i].pattern, out.data);
		if (cases[i].want != NULL &&
		    (out.data == NULL || strstr(out.data, cases[i].want) == NULL))
			fail_msg("%s: not \"%s\" but: %s", cases[i].pattern, cases[i].want,
			         out.data == NULL ? "" : out.data);
		buf_done(&out);
		pattern_free(p);
	}
}

static void
test_the_last_duplicate_stays(void **state)
{
	static const struct {
		const char *event, *want; /* NULL: has none */
	} cases[] = {
		{ "{\"a\":1,\"b\":2}", NULL },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}" },
		{ "{ \"a\" : 1 , \"\\u0061\" : 2 }", "{ \"\\u0061\" : 2 }" },
		{ "{\"a\":1,\"a\":2,\"a\":3}", "{\"a\":3}" },
		{ "{\"a\":{\"b\":1,\"b\":2},\"c\":[{\"d\":1,\"d\":2}],\"a\":{\"b\":3}}",
		  "{\"c\":[{\"d\":2}],\"a\":{\"b\":3}}" },
		{ "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buf out = { .len = 0 };
		struct err e;
		assert_int_equal(dedupe(span_of(cases[i].event), &out, &e), cases[i].want != NULL);
		if (cases[i].want != NULL)
			assert_string_equal(out.data, cases[i].want);
		buf_done(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_failing_field_is_told),
		cmocka_unit_test(test_what_can_hardly_be_meant),
		cmocka_unit_test(test_the_last_duplicate_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
