/*
 * holds: does one test hold for one value? Slow and obvious: for explanations, and what the machine is held against.
 */
#include "config.h"

#include <string.h>

#include "match/decimal.h"
#include "match/fold.h"
#include "match/pattern_tree.h"

static bool
starts(struct span s, struct span with)
{
	return s.len >= with.len && (with.len == 0 || memcmp(s.p, with.p, with.len) == 0);
}

static bool
ends(struct span s, struct span with)
{
	return s.len >= with.len &&
	       (with.len == 0 || memcmp(s.p + s.len - with.len, with.p, with.len) == 0);
}

bool
wildcard_matches(const struct span *parts, size_t n, struct span s)
{
	struct span last = parts[n - 1];

	if (!starts(s, parts[0]))
		return false;
	s = (struct span){ s.p + parts[0].len, s.len - parts[0].len };
	for (size_t i = 1; i + 1 < n; i++) { /* the earliest place is always right */
		const char *at =
			parts[i].len == 0 ? s.p : memmem(s.p, s.len, parts[i].p, parts[i].len);
		if (at == NULL)
			return false;
		at += parts[i].len;
		s = (struct span){ at, s.len - (size_t)(at - s.p) };
	}
	return ends(s, last);
}

static bool
string_holds(const struct test *t, struct span s)
{
	struct address a;

	switch (t->kind) {
	case TEST_STRING:
		return span_eq(t->text, s);
	case TEST_PREFIX:
		return starts(s, t->text);
	case TEST_SUFFIX:
		return ends(s, t->text);
	case TEST_IGNORE_CASE:
		return fold_equals(t->text, s);
	case TEST_PREFIX_IGNORE_CASE:
		return fold_starts(t->text, s);
	case TEST_SUFFIX_IGNORE_CASE:
		return fold_ends(t->text, s);
	case TEST_WILDCARD:
		return wildcard_matches(t->parts, t->part_count, s);
	case TEST_ADDRESS:
		return address_parse(s, &a) && address_eq(&a, &t->address);
	case TEST_BLOCK:
		return address_parse(s, &a) && address_is_in(&a, &t->address, t->bits);
	default:
		return false;
	}
}

static bool
token_holds(const struct test *t, struct span token)
{
	bool is_number = token.p[0] == '-' || (token.p[0] >= '0' && token.p[0] <= '9');
	double d;

	if (t->kind == TEST_TOKEN || t->kind == TEST_NUMBER_TEXT)
		return span_eq(t->text, token);
	if (!is_number || (t->kind != TEST_NUMBER && t->kind != TEST_RANGE) ||
	    !decimal_comparable(token, &d))
		return false;
	if (t->kind == TEST_NUMBER)
		return d == t->low;
	return (d > t->low || (d == t->low && !t->is_low_open)) &&
	       (d < t->high || (d == t->high && !t->is_high_open));
}

bool
test_holds(const struct test *t, const struct leaf *leaf)
{
	if (t->kind == TEST_EXISTS)
		return true;
	if (t->kind == TEST_ABSENT)
		return false;
	if (t->kind == TEST_ANYTHING_BUT) {
		for (size_t i = 0; i < t->except_count; i++)
			if (test_holds(&t->except[i], leaf))
				return false;
		return true;
	}
	return leaf->is_string ? string_holds(t, leaf->text) : token_holds(t, leaf->text);
}
