/*
 * test_plan: a configuration, made into what findings are decided by.
 */
#include "config.h"

#include "daemon/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "route/rule.h"
#include "unit.h"

static const char text[] =
	"state_dir = \"/tmp\";\n"
	"aws = { regions = [ \"us-east-1\" ]; accounts = (\n"
	"  { name = \"prod\"; role_arn = \"arn:aws:iam::111122223333:role/findingsd\"; } ); };\n"
	"sources = ( { name = \"hub\"; type = \"securityhub\"; } );\n"
	"sinks = ( { name = \"hook\"; type = \"webhook\"; url = \"http://127.0.0.1:1/\"; } );\n"
	"rules = (\n"
	"  { name = \"first\"; pattern = \"{\\\"a\\\":[1]}\"; sinks = [ \"hook\" ]; enabled = false; },\n"
	"  { name = \"second\"; pattern = \"{\\\"a\\\":[1,2]}\"; sinks = [ \"hook\" ]; merge = false; },\n"
	"  { name = \"third\"; pattern = \"{\\\"a\\\":[2]}\"; sinks = [ \"hook\" ]; on = [ \"resolved\" ]; } );\n";

static struct conf *
load(void)
{
	char path[] = "/tmp/fdtest.XXXXXX";
	int fd = mkstemp(path);
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	if (conf_load(path, &conf, &problems) < 0)
		fail_msg("%s", problems.items[0].text);
	conf_problems_done(&problems);
	unlink(path);
	return conf;
}

static int
setup(void **state)
{
	const int64_t starts[] = { 1, 2, 3 };
	struct plan *p;
	struct err e = { 0 };

	if (plan_new(load(), starts, &p, &e) < 0)
		fail_msg("%s", e.text);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	plan_unref(*state);
	return 0;
}

static void
test_disabled_rules_are_left_out_of_both(void **state)
{
	struct plan *p = *state;
	const uint32_t *rules;
	size_t count;

	assert_int_equal(plan_rule_count(p), 2);
	assert_string_equal(plan_rule_name(p, 0), "second");
	assert_string_equal(plan_rule_name(p, 1), "third");
	assert_int_equal(plan_match(p, SPAN_LIT("{\"a\":1}"), &rules, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rules[0], 0);
	assert_int_equal(plan_match(p, SPAN_LIT("{\"a\":2}"), &rules, &count, NULL), 0);
	assert_int_equal(count, 2);
}

static void
test_a_policy_belongs_to_its_rule(void **state)
{
	const struct rule_policy *second = rule_set_at(plan_rules(*state), 0);
	const struct rule_policy *third = rule_set_at(plan_rules(*state), 1);

	assert_true(second->is_apart);
	assert_int_equal(second->start_ms, 2);
	assert_int_equal(second->on, CHANGE_DEFAULT);
	assert_false(third->is_apart);
	assert_int_equal(third->start_ms, 3);
	assert_int_equal(third->on, CHANGE_BIT(CHANGE_RESOLVED));
	assert_string_equal(third->sinks[0], "hook");
}

static void
test_accounts_have_their_names(void **state)
{
	assert_string_equal(plan_account_name(*state, SPAN_LIT("111122223333")), "prod");
	assert_null(plan_account_name(*state, SPAN_LIT("111122223334")));
	assert_null(plan_account_name(*state, SPAN_LIT("")));
}

static void
test_a_plan_lives_as_long_as_somebody_holds_it(void **state)
{
	struct plan *p = plan_ref(*state);

	assert_true(plan_has_sink(p, &plan_conf(p)->sinks[0]));
	assert_false(plan_has_sink(p, &plan_conf(p)->sinks[1]));
	plan_unref(p);
	/* still held by the fixture: sanitizers tell when it is not */
	assert_int_equal(plan_rule_count(p), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disabled_rules_are_left_out_of_both),
		TEST(test_a_policy_belongs_to_its_rule),
		TEST(test_accounts_have_their_names),
		TEST(test_a_plan_lives_as_long_as_somebody_holds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
