/*
 * plain: one pattern against one event, slowly and obviously.
 *
 * The event is flattened to leaves, every test is asked of every leaf at its path, and a search looks for values that
 * agree over arrays. It explains (explain.c), and it is the reference that the tests hold the machine against.
 */
#ifndef FD_MATCH_PLAIN_H
#define FD_MATCH_PLAIN_H

#include "base/buf.h"
#include "match/pattern_tree.h"

struct err;

/* An object or array that is element `index` of array `array`. Number 0 is none. */
struct plain_member {
	uint32_t parent, array, index;
};

struct plain_leaf {
	uint32_t path; /* of the pattern */
	uint32_t member;
	struct leaf leaf;
};

struct plain_event {
	struct pool pool;
	struct buf copy; /* the event without duplicate keys, if it had some */
	struct plain_leaf *leaves;
	size_t leaf_count, leaf_cap;
	struct plain_member *members;
	size_t member_count, member_cap;
};

/* Leaves at the pattern's paths, in the event's order. 0, or -1 with e. plain_done afterwards, also on failure. */
int plain_flatten(const struct pattern *p, struct span event, struct plain_event *ret,
                  struct err *e);
void plain_done(struct plain_event *ev);

bool plain_condition_holds(const struct condition *c, const struct leaf *leaf);
bool plain_clause_matches(const struct pattern *p, const struct clause *c,
                          const struct plain_event *ev);

/* 1: matches, 0: does not, -1 with e: the event is no JSON object. */
int plain_match(const struct pattern *p, struct span event, struct err *e);

#endif
