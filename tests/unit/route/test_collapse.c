/*
 * What collapse_by finds in an event: which events are equal for a rule, which are not, and which have no value at all.
 */
#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "route/collapse.h"

static const char *const hook[] = { "hook" };
static const char *const two[] = { "hook", "mail" };
static const char *const two_turned[] = { "mail", "hook" };

enum wanted { EQUAL, DIFFERENT, UNSET /* the second one has no value */ };

static void
value_of(const char *const *paths, size_t count, const char *event, struct lifecycle_value *ret)
{
	struct rule_policy p = { .name = "r",
		                 .sinks = hook,
		                 .sink_count = 1,
		                 .collapse_by = paths,
		                 .collapse_count = count };

	memset(ret, 0, sizeof(*ret));
	collapse_value(&p, span_of(event), ret);
}

static void
test_which_events_are_equal(void **state)
{
	static const struct {
		const char *path, *a, *b;
		enum wanted wanted;
	} cases[] = {
		{ "detail.type", "{\"detail\":{\"type\":\"x\",\"id\":1}}",
		  "{\"detail\":{\"id\":2,\"type\":\"x\"}}", EQUAL },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"type\":\"y\"}}",
		  DIFFERENT },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}",
		  "{\"detail\":{\"type\":\"\\u0078\"}}", EQUAL },
		{ "detail.type", "{\"detail\":{\"type\":\"1\"}}", "{\"detail\":{\"type\":1}}",
		  DIFFERENT },
		{ "detail.n", "{\"detail\":{\"n\":1}}", "{\"detail\":{\"n\":1.0}}", DIFFERENT },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"Type\":\"x\"}}",
		  UNSET },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"type\":null}}",
		  UNSET },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"type\":[]}}",
		  UNSET },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":\"type\"}", UNSET },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"type\":\"\"}}",
		  DIFFERENT },
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}", "{\"detail\":{\"type\":{}}}",
		  DIFFERENT },
		/* of duplicate names the last one counts */
		{ "detail.type", "{\"detail\":{\"type\":\"x\"}}",
		  "{\"detail\":{\"type\":\"y\",\"type\":\"x\"}}", EQUAL },
		/* arrays are looked through, neither order nor repeats count */
		{ "detail.f.R.Id", "{\"detail\":{\"f\":[{\"R\":[{\"Id\":\"a\"},{\"Id\":\"b\"}]}]}}",
		  "{\"detail\":{\"f\":[{\"R\":[{\"Id\":\"b\"},{\"Id\":\"a\"},{\"Id\":\"b\"},{\"No\":1}]}]}}",
		  EQUAL },
		{ "detail.f.R.Id", "{\"detail\":{\"f\":[{\"R\":[{\"Id\":\"a\"},{\"Id\":\"b\"}]}]}}",
		  "{\"detail\":{\"f\":[{\"R\":[{\"Id\":\"a\"}]}]}}", DIFFERENT },
		{ "detail.t", "{\"detail\":{\"t\":[\"a\",\"b\"]}}",
		  "{\"detail\":{\"t\":[[[\"b\"]],\"a\",null]}}", EQUAL },
		/* too deep to be looked through: a value of its own, but no more work */
		{ "detail.t", "{\"detail\":{\"t\":\"a\"}}",
		  "{\"detail\":{\"t\":[[[[[[\"a\"]]]]]]}}", DIFFERENT },
		/* a sample shares no alert with what is none */
		{ "detail.t", "{\"detail\":{\"t\":1},\"findingsd\":{\"sample\":false}}",
		  "{\"detail\":{\"t\":1},\"findingsd\":{\"sample\":true}}", DIFFERENT },
		{ "resources", "{\"resources\":[\"arn:1\"]}", "{\"resources\":[\"arn:1\"],\"x\":1}",
		  EQUAL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct lifecycle_value a, b;

		value_of(&cases[i].path, 1, cases[i].a, &a);
		value_of(&cases[i].path, 1, cases[i].b, &b);
		if (!a.is_set || b.is_set != (cases[i].wanted != UNSET))
			fail_msg("case %zu: set %d %d", i, a.is_set, b.is_set);
		bool is_equal = memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
		if (cases[i].wanted != UNSET && is_equal != (cases[i].wanted == EQUAL))
			fail_msg("case %zu: equal %d", i, is_equal);
	}
}

static void
test_all_paths_are_needed_and_none_runs_into_the_next(void **state)
{
	static const char *const paths[] = { "detail.a", "detail.b" }, *const one[] = {
		"detail.a"
	};
	struct lifecycle_value a, b;

	(void)state;
	value_of(paths, 2, "{\"detail\":{\"a\":\"1\"}}", &a);
	assert_false(a.is_set);
	value_of(one, 1, "{\"detail\":{\"a\":\"1\"}}", &a);
	value_of(paths, 2, "{\"detail\":{\"a\":\"1\",\"b\":\"1\"}}", &b);
	assert_true(a.is_set && b.is_set);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	value_of(paths, 2, "{\"detail\":{\"a\":[\"1\",\"2\"],\"b\":\"3\"}}", &a);
	value_of(paths, 2, "{\"detail\":{\"a\":\"1\",\"b\":[\"2\",\"3\"]}}", &b);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
}

static void
test_who_listens_is_part_of_what_is_equal(void **state)
{
	static const char *const paths[] = { "detail.a" };
	static const struct span event = { "{\"detail\":{\"a\":1}}", 18 };
	struct rule_policy p = { .name = "r",
		                 .sinks = two,
		                 .sink_count = 2,
		                 .collapse_by = paths,
		                 .collapse_count = 1 };
	struct lifecycle_value a, b;

	(void)state;
	collapse_value(&p, event, &a);
	p.name = "another";
	p.sinks = two_turned;
	collapse_value(&p, event, &b);
	assert_memory_equal(a.bytes, b.bytes, sizeof(a.bytes));
	p.sink_count = 1;
	collapse_value(&p, event, &b);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	p.sink_count = 2;
	p.is_apart = true;
	collapse_value(&p, event, &b);
	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	p.collapse_count = 0;
	collapse_value(&p, event, &b);
	assert_false(b.is_set);
}

/* Thousands of values cost no more than the first few: the rest is not looked at. */
static void
test_many_values_are_bounded(void **state)
{
	static const char *const paths[] = { "detail.a" };
	struct buf event = { 0 };
	struct lifecycle_value a, b;

	(void)state;
	for (int round = 0; round < 2; round++) {
		buf_clear(&event);
		(void)buf_add_str(&event, "{\"detail\":{\"a\":[0");
		for (int i = 1; i < 100000; i++)
			(void)buf_printf(&event, ",%d", i < COLLAPSE_VALUES_MAX ? i : i + round);
		(void)buf_add_str(&event, "]}}");
		value_of(paths, 1, event.data, round ? &b : &a);
	}
	assert_true(a.is_set && b.is_set);
	assert_memory_equal(a.bytes, b.bytes, sizeof(a.bytes));
	buf_done(&event);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_events_are_equal),
		cmocka_unit_test(test_all_paths_are_needed_and_none_runs_into_the_next),
		cmocka_unit_test(test_who_listens_is_part_of_what_is_equal),
		cmocka_unit_test(test_many_values_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
