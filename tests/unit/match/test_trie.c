/* The automata against doing the same by hand: trie, ranges, keytable. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "match/keytable.h"
#include "match/ranges.h"
#include "match/trie.h"
#include "randmatch.h"

enum { STRINGS = 300, ROUNDS = 40 };

/* Distinct strings of a few letters; some tries get so many that not all nodes have rows. */
static size_t
make_strings(uint64_t *random, char texts[][8], struct trie_string *out)
{
	struct keytable seen = { .count = 0 };
	size_t n = 0;

	for (size_t i = 0; i < STRINGS; i++) {
		uint32_t len = 1 + rand_below(random, 6);
		for (uint32_t k = 0; k < len; k++)
			texts[n][k] = (char)("ab\xC3z"[rand_below(random, 4)]);
		if (keytable_add(&seen, (struct span){ texts[n], len }, (uint32_t)n) !=
		    KEYTABLE_NONE)
			continue;
		out[n] = (struct trie_string){ { texts[n], len }, (uint32_t)n };
		n++;
	}
	keytable_done(&seen);
	return n;
}

static void
test_search_finds_all(void **state)
{
	static char texts[STRINGS][8];
	static struct trie_string strings[STRINGS];
	uint64_t random = 77;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = make_strings(&random, texts, strings), found = 0, want = 0;
		struct trie *t = trie_build(strings, n, false, true);
		char text[64];
		uint32_t node = 0;
		for (size_t i = 0; i < sizeof(text); i++) {
			text[i] = (char)("ab\xC3zq"[rand_below(&random, 5)]);
			node = trie_step(t, node, (unsigned char)text[i]);
			for (uint32_t up = t->up[node]; up != 0; up = t->up[t->fail[up]], found++) {
				struct span s = strings[t->value[up]].text;
				assert_true(i + 1 >= s.len &&
				            memcmp(text + i + 1 - s.len, s.p, s.len) == 0);
			}
			for (size_t k = 0; k < n; k++) {
				struct span s = strings[k].text;
				want += i + 1 >= s.len &&
				        memcmp(text + i + 1 - s.len, s.p, s.len) == 0;
			}
		}
		assert_int_equal(found, want);
		trie_free(t);
	}
}

static void
test_ranges_find_all(void **state)
{
	uint64_t random = 99;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct range list[40];
		size_t n = 1 + rand_below(&random, round % 2 ? 6 : 40);
		for (size_t i = 0; i < n; i++) {
			double low = rand_below(&random, 20);
			list[i] = (struct range){ low, low + rand_below(&random, 8),
				                  rand_below(&random, 2) != 0,
				                  rand_below(&random, 2) != 0, (uint32_t)i };
			if (list[i].low == list[i].high)
				list[i].is_low_open = list[i].is_high_open = false;
		}
		struct ranges *r = ranges_build(list, n);
		for (double d = -1; d < 30; d += 0.5) {
			unsigned char hits[40] = { 0 };
			uint32_t about;
			for (uint32_t i = ranges_leaf(r, d); i > 0; i = ranges_up(r, i))
				for (uint32_t k = r->first[i]; k < r->first[i + 1]; k++)
					hits[r->values[k]]++;
			for (size_t i = 0; i < n; i++) {
				bool holds = (d > list[i].low ||
				              (d == list[i].low && !list[i].is_low_open)) &&
				             (d < list[i].high ||
				              (d == list[i].high && !list[i].is_high_open));
				assert_int_equal(hits[i], holds);
			}
			if (ranges_leaf_about(r, d, &about))
				assert_int_equal(about, ranges_leaf(r, d));
		}
		ranges_free(r);
	}
}

static void
test_keys_of_every_length(void **state)
{
	static char texts[3000][24];
	struct keytable t = { .count = 0 };

	(void)state;
	for (uint32_t i = 0; i < LENGTH(texts); i++) {
		size_t len = i % 20;
		(void)snprintf(texts[i], sizeof(texts[i]), "%020u", i * 7919u);
		assert_int_equal(keytable_add(&t, (struct span){ texts[i] + 20 - len, len }, i),
		                 keytable_find(&t, texts[i] + 20 - len, len) == i
		                         ? KEYTABLE_NONE
		                         : keytable_find(&t, texts[i] + 20 - len, len));
	}
	for (uint32_t i = 0; i < LENGTH(texts); i++) {
		uint32_t found = keytable_find(&t, texts[i] + 20 - i % 20, i % 20);
		assert_true(found != KEYTABLE_NONE && found % 20 == i % 20);
		assert_memory_equal(texts[found] + 20 - i % 20, texts[i] + 20 - i % 20, i % 20);
	}
	assert_int_equal(keytable_find(&t, "x", 1), KEYTABLE_NONE);
	assert_int_equal(keytable_find(&t, "0123456789012345678901234", 25), KEYTABLE_NONE);
	keytable_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_finds_all),
		cmocka_unit_test(test_ranges_find_all),
		cmocka_unit_test(test_keys_of_every_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
