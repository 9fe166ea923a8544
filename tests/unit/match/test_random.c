/*
 * The machine, with many rules at once, agrees with the plain matcher that asks one pattern after the other, on random
 * patterns and events, with every walk that this processor can run. FINDINGSD_RANDOM_CASES: how many pairs (default
 * 60,000); FINDINGSD_RANDOM_SEED: where to begin.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "match/machine.h"
#include "match/pattern.h"
#include "match/reference.h"
#include "randmatch.h"

enum { RULES_MAX = 24, EVENTS_PER_MACHINE = 20 };

static const char *const walks[] = { "portable", "sse2", "avx2", "avx512", "neon" };

struct set {
	struct pattern *patterns[RULES_MAX];
	char *texts[RULES_MAX];
	size_t count;
	struct machine *machine;
};

static uint64_t
from_env(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	uint64_t v;

	return s != NULL && str_to_u64(span_of(s), &v) ? v : otherwise;
}

static void
set_make(struct set *set, uint64_t *state)
{
	uint32_t want = 1 + rand_below(state, RULES_MAX);
	struct err e;

	set->count = 0;
	while (set->count < want) {
		struct buf text = { .len = 0 };
		struct pattern *p;
		rand_pattern(state, &text);
		p = pattern_parse((struct span){ text.data, text.len }, NULL, &e);
		if (p == NULL) {
			buf_done(&text);
			continue;
		}
		set->patterns[set->count] = p;
		set->texts[set->count++] = buf_take(&text, &(size_t){ 0 });
	}
	set->machine = machine_build((const struct pattern *const *)set->patterns, set->count, &e);
	assert_non_null(set->machine);
}

static void
set_free(struct set *set)
{
	machine_free(set->machine);
	for (size_t i = 0; i < set->count; i++) {
		pattern_free(set->patterns[i]);
		mem_free(set->texts[i]);
	}
}

static void
compare(const struct set *set, struct machine_scratch *s, struct span event, uint64_t *matches)
{
	const uint32_t *rules;
	size_t count, at = 0;
	struct err e;

	if (machine_match(set->machine, s, event, &rules, &count, &e) != 0)
		fail_msg("event refused: %s: %.*s", e.text, SPAN_FMT(event));
	for (uint32_t i = 0; i < set->count; i++) {
		int want = reference_match(set->patterns[i], event, &e);
		bool got = at < count && rules[at] == i;
		at += got;
		*matches += got;
		if (want != got)
			fail_msg("plain %d, machine %d: {\"pattern\":%s,\"event\":%.*s}", want, got,
			         set->texts[i], SPAN_FMT(event));
	}
	assert_int_equal(at, count);
}

static void
test_machine_agrees_with_plain(void **state)
{
	uint64_t random = from_env("FINDINGSD_RANDOM_SEED", 1) * 0x9E3779B97F4A7C15u | 1;
	uint64_t want = from_env("FINDINGSD_RANDOM_CASES", 60000), done = 0, matches = 0;

	(void)state;
	while (done < want) {
		struct set set;
		struct machine_scratch *s;

		set_make(&set, &random);
		(void)setenv("FINDINGSD_WALK", walks[rand_below(&random, LENGTH(walks))], 1);
		s = machine_scratch_new(set.machine);
		for (int i = 0; i < EVENTS_PER_MACHINE; i++) {
			struct buf event = { .len = 0 };
			rand_event(&random, &event);
			compare(&set, s, (struct span){ event.data, event.len }, &matches);
			buf_done(&event);
			done += set.count;
		}
		machine_scratch_free(s);
		set_free(&set);
	}
	/* a generator whose patterns never match would prove nothing */
	assert_true(matches > done / 100);
	print_message("%llu pairs, %llu matches\n", (unsigned long long)done,
	              (unsigned long long)matches);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_machine_agrees_with_plain) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
