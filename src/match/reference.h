/*
 * reference: one pattern against one event, slowly and obviously.
 *
 * The event is flattened to leaves, every test is asked of every leaf at its path, and a search looks for values that
 * agree over arrays. It explains (explain.c), and it is the reference that the tests hold the machine against.
 */
#ifndef FD_MATCH_REFERENCE_H
#define FD_MATCH_REFERENCE_H

#include "base/buf.h"
#include "match/pattern_tree.h"

struct err;

/* An object or array that is element `index` of array `array`. Number 0 is none. */
struct reference_member {
	uint32_t parent, array, index;
};

struct reference_leaf {
	uint32_t path; /* of the pattern */
	uint32_t member;
	struct leaf leaf;
};

struct reference_event {
	struct pool pool;
	struct buf copy; /* the event without duplicate keys, if it had some */
	struct reference_leaf *leaves;
	size_t leaf_count, leaf_cap;
	struct reference_member *members;
	size_t member_count, member_cap;
};

/* Leaves at the pattern's paths, in the event's order. 0, or -1 with e. reference_done afterwards, also on failure. */
int reference_flatten(const struct pattern *p, struct span event, struct reference_event *ret,
                      struct err *e);
void reference_done(struct reference_event *ev);

bool reference_condition_holds(const struct condition *c, const struct leaf *leaf);
bool reference_clause_matches(const struct pattern *p, const struct clause *c,
                              const struct reference_event *ev);

/* 1: matches, 0: does not, -1 with e: the event is no JSON object. */
int reference_match(const struct pattern *p, struct span event, struct err *e);

#endif
