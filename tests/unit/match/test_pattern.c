#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/err.h"
#include "match/pattern.h"

static void
test_errors_say_where_and_what(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{\"detail\":{\"severity\":[{\"numerc\":[\">\",7]}]}}",
		  "1:25: detail.severity: unknown operator \"numerc\" (did you mean \"numeric\"?)" },
		{ "{\n  \"source\": \"aws.guardduty\"\n}",
		  "2:13: source: a value has to be in a list: write [aws.guardduty]" },
		{ "[]", "1:1: a pattern is a JSON object" },
		{ "{}", "1:1: an empty object matches nothing" },
		{ "{\"a\":{}}", "1:6: a: an empty object matches nothing" },
		{ "{\"a\":[]}", "1:6: a: an empty list of values matches nothing" },
		{ "{\"a\":[1,]}", "1:9: a: not a JSON value" },
		{ "{\"a\":[1]} x", "1:11: text after the end of the value" },
		{ "{\"a\":[{\"exists\":1}]}", "1:17: a: \"exists\" takes true or false" },
		{ "{\"a\":[{\"wildcard\":\"a**\"}]}",
		  "1:19: a: two stars in a row at byte 2 of the wildcard; one says the same" },
		{ "{\"a\":[{\"cidr\":\"10.0.0.1/32\"}]}",
		  "1:15: a: an IPv4 block has 0 to 31 bits; for one address give it as text" },
		{ "{\"a\":[{\"numeric\":[\">\",5,\"<\",5]}]}",
		  "1:25: a: the lower bound has to be below the upper one" },
		{ "{\"a\":[{\"anything-but\":[1,\"x\"]}]}",
		  "1:26: a: \"anything-but\" takes strings or numbers, not both in one list" },
		{ "{\"$or\":[{\"a\":[1]}]}", "1:2: \"$or\" takes at least two objects" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct pattern_where where;
		struct err e;
		assert_null(pattern_parse(span_of(cases[i].text), &where, &e));
		assert_string_equal(e.text, cases[i].want);
		assert_int_equal(e.kind, ERR_PARSE);
	}
}

static void
test_or_has_a_ceiling(void **state)
{
	char text[4096] = "{";
	struct err e;
	size_t n = 1;

	(void)state;
	for (int i = 0; i < 14; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		                      "%s\"k%d\":{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}",
		                      i == 0 ? "" : ",", i);
	(void)snprintf(text + n, sizeof(text) - n, "}");
	assert_null(pattern_parse(span_of(text), NULL, &e));
	assert_non_null(strstr(e.text, "combinations"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_say_where_and_what),
		cmocka_unit_test(test_or_has_a_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
