/*
 * test_wild: many wildcards of one field at once, whose parts end in each other: what they match, and that a value costs its
 * length, not its length times the number of parts.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "match/machine.h"
#include "match/machine_in.h"
#include "match/pattern.h"
#include "match/reference.h"
#include "randmatch.h"
#include "unit.h"

enum { RULES = 40, ROUNDS = 400, EVENTS = 25 };

static struct pattern *
wildcard(const char *text)
{
	struct buf b = { .len = 0 };
	struct pattern *p;
	struct err e;

	(void)buf_printf(&b, "{\"a\":[{\"wildcard\":\"%s\"}]}", text);
	p = pattern_parse((struct span){ b.data, b.len }, NULL, &e);
	if (p == NULL)
		fail_msg("%s: %s", b.data, e.text);
	buf_done(&b);
	return p;
}

/* Of two letters, so that parts overlap, repeat and end in each other. */
static void
add_letters(uint64_t *random, uint32_t max, struct buf *out)
{
	for (uint32_t n = rand_below(random, max + 1); n > 0; n--)
		(void)buf_add_char(out, "aab"[rand_below(random, 3)]);
}

static struct pattern *
random_wildcard(uint64_t *random)
{
	struct buf text = { .len = 0 };
	struct pattern *p;

	add_letters(random, 3, &text);
	for (uint32_t stars = 1 + rand_below(random, 4); stars > 0; stars--) {
		(void)buf_add_char(&text, '*');
		if (stars > 1)
			(void)buf_add_char(&text, "ab"[rand_below(random, 2)]);
		add_letters(random, 5, &text);
	}
	p = wildcard(text.data);
	buf_done(&text);
	return p;
}

static void
test_nested_parts_match_as_the_reference_says(void **state)
{
	uint64_t random = 0x9E3779B97F4A7C15u, matches = 0;
	(void)state;

	for (int round = 0; round < ROUNDS; round++) {
		struct pattern *patterns[RULES];
		struct machine *m;
		struct err e;
		for (size_t i = 0; i < RULES; i++)
			patterns[i] = random_wildcard(&random);
		m = machine_build((const struct pattern *const *)patterns, RULES, &e);
		assert_non_null(m);
		struct machine_scratch *s = machine_scratch_new(m);
		for (int k = 0; k < EVENTS; k++) {
			struct buf event = { .len = 0 };
			const uint32_t *rules;
			size_t count, at = 0;
			(void)buf_add_str(&event, "{\"a\":[\"");
			add_letters(&random, 30, &event);
			(void)buf_add_str(&event, "\",\"");
			add_letters(&random, 8, &event);
			(void)buf_add_str(&event, "\"]}");
			struct span text = { event.data, event.len };
			assert_int_equal(machine_match(m, s, text, &rules, &count, &e), 0);
			for (uint32_t i = 0; i < RULES; i++) {
				bool got = at < count && rules[at] == i;
				at += got;
				matches += got;
				if (got != (reference_match(patterns[i], text, &e) == 1))
					fail_msg("round %d, rule %u: %d on %s", round, i, got,
					         event.data);
			}
			buf_done(&event);
		}
		machine_scratch_free(s);
		machine_free(m);
		for (size_t i = 0; i < RULES; i++)
			pattern_free(patterns[i]);
	}
	assert_true(matches > 10000 && matches < (uint64_t)ROUNDS * EVENTS * RULES - 10000);
}

/* What one value of n letters costs: parts looked at. */
static uint64_t
steps_of(struct pattern **patterns, size_t count, const char *first, size_t n)
{
	struct buf event = { .len = 0 };
	const uint32_t *rules;
	size_t matched;
	struct err e;
	struct machine *m = machine_build((const struct pattern *const *)patterns, count, &e);
	struct machine_scratch *s = machine_scratch_new(m);

	(void)buf_printf(&event, "{\"a\":\"%s", first);
	for (size_t i = 0; i < n; i++)
		(void)buf_add_char(&event, 'a');
	(void)buf_add_str(&event, "\"}");
	assert_int_equal(
		machine_match(m, s, (struct span){ event.data, event.len }, &rules, &matched, &e),
		0);
	uint64_t steps = s->wild.steps;
	buf_done(&event);
	machine_scratch_free(s);
	machine_free(m);
	return steps;
}

static void
free_all(struct pattern **patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pattern_free(patterns[i]);
}

/* *a*, *aa*, *aaa*, ...: each letter of "aaaa..." is the end of them all. */
static void
test_a_value_costs_its_length(void **state)
{
	enum { PARTS = 300, LETTERS = 20000 };
	struct pattern *patterns[PARTS];
	char text[PARTS + 3] = "*";
	(void)state;

	for (size_t i = 0; i < PARTS; i++) {
		memset(text + 1, 'a', i + 1);
		memcpy(text + i + 2, "*", 2);
		patterns[i] = wildcard(text);
	}
	uint64_t steps = steps_of(patterns, PARTS, "", LETTERS);
	assert_true(steps > LETTERS / 2); /* it is counted at all */
	assert_true(steps < 4 * (LETTERS + PARTS));
	free_all(patterns, PARTS);
}

/* Parts that are wanted again and again: what was passed over has to be looked at anew, but not for each letter. */
static void
test_parts_wanted_again_cost_no_product(void **state)
{
	enum { RULES_AGAIN = 60, LETTERS = 20000 };
	struct pattern *patterns[RULES_AGAIN];
	uint64_t short_steps, long_steps;
	(void)state;

	for (size_t i = 0; i < RULES_AGAIN; i++) {
		struct buf text = { .len = 0 };
		(void)buf_add_str(&text, "*b");
		for (size_t k = i + 1; k > 0; k = k * 3 / 4) {
			(void)buf_add_char(&text, '*');
			for (size_t n = 0; n < k; n++)
				(void)buf_add_char(&text, 'a');
		}
		(void)buf_add_str(&text, "*c");
		patterns[i] = wildcard(text.data);
		buf_done(&text);
	}
	short_steps = steps_of(patterns, RULES_AGAIN, "b", LETTERS);
	long_steps = steps_of(patterns, RULES_AGAIN, "b", 2 * LETTERS);
	/* the wildcards cost once, whatever the length; each further letter costs a step or two */
	assert_true(long_steps > short_steps);
	assert_true(long_steps - short_steps <= 3 * LETTERS);
	free_all(patterns, RULES_AGAIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_parts_match_as_the_reference_says),
		cmocka_unit_test(test_a_value_costs_its_length),
		cmocka_unit_test(test_parts_wanted_again_cost_no_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
