/*
 * pattern_tree: what a parsed pattern is made of; for the files of this room (and the reference matcher of the tests).
 *
 * A pattern is a list of clauses (what $or multiplies out to; one without $or). A clause is a condition per path; it
 * matches when every condition finds a value at its path, consistently over arrays. A condition is a list of tests, one
 * of which has to hold. Conditions are shared by clauses.
 */
#ifndef FD_MATCH_PATTERN_TREE_H
#define FD_MATCH_PATTERN_TREE_H

#include <stdint.h>

#include "match/address.h"
#include "match/pattern.h"
#include "match/pool.h"

enum test_kind {
	TEST_STRING,      /* text */
	TEST_TOKEN,       /* text: true, false or null */
	TEST_NUMBER,      /* low */
	TEST_NUMBER_TEXT, /* text: a number that equals only its own spelling */
	TEST_ADDRESS,     /* address; of a string that is an IP literal */
	TEST_BLOCK,       /* address, bits */
	TEST_PREFIX,
	TEST_SUFFIX,
	TEST_IGNORE_CASE,
	TEST_PREFIX_IGNORE_CASE,
	TEST_SUFFIX_IGNORE_CASE,
	TEST_WILDCARD, /* parts: what stands between the stars, unescaped; at least two */
	TEST_RANGE,    /* low, high, is_low_open, is_high_open */
	TEST_EXISTS,
	TEST_ABSENT,
	TEST_ANYTHING_BUT, /* except */
};

struct test {
	enum test_kind kind : 8;
	bool is_low_open, is_high_open;
	uint8_t bits;
	uint32_t offset; /* in the pattern's text */
	union {
		uint32_t part_count, except_count;
	};
	union {
		struct span text;
		const struct span *parts;
		const struct test
			*except; /* STRING, NUMBER, PREFIX, SUFFIX, IGNORE_CASE, WILDCARD */
	};
	union {
		struct {
			double low, high;
		};
		struct address address;
	};
};

struct condition {
	uint32_t path;
	uint32_t offset; /* of the value array in the pattern's text */
	struct span raw; /* the value array as written */
	struct test *tests;
	uint32_t test_count;
};

/* condition per path, indexed by path; NULL where the clause says nothing. path_count entries, maybe fewer than all. */
struct clause {
	const struct condition **by_path;
	size_t path_count;
};

struct pattern {
	struct pool pool;
	struct span *paths;   /* joined by dots, unescaped */
	uint32_t *path_order; /* rank of each path, as UTF-16 sorts them */
	size_t path_count;
	struct clause *clauses;
	size_t clause_count;
};

/* Paths in the order of their UTF-16 code units. */
int pattern_path_compare(struct span a, struct span b);

/* A leaf of an event: decoded text of a string, or the token of anything else. */
struct leaf {
	bool is_string;
	struct span text;
};

/* Does a test hold for one leaf? TEST_EXISTS: true; TEST_ABSENT: false. Slow and obvious. */
bool test_holds(const struct test *t, const struct leaf *leaf);

/* Wildcard parts against a decoded string. */
bool wildcard_matches(const struct span *parts, size_t n, struct span s);

#endif
