/*
 * ranges: which of many numeric ranges hold a number. A segment tree over the ends that occur: a look-up costs the
 * logarithm of their number and what it finds.
 */
#ifndef FD_MATCH_RANGES_H
#define FD_MATCH_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	double low, high;
	bool is_low_open, is_high_open;
	uint32_t value;
};

struct ranges {
	double *ends; /* sorted, distinct */
	uint32_t end_count;
	uint32_t leaf_count; /* a power of two */
	uint32_t *first;     /* per tree node, into values; one more at the end */
	bool is_flat; /* few ranges: each leaf has all of its own, so there is no way to go */
	uint32_t *values;
};

struct ranges *ranges_build(const struct range *list, size_t n);
void ranges_free(struct ranges *r);

/* Leaf of a number: the values of each node on the way from here to the root hold. */
uint32_t ranges_leaf(const struct ranges *r, double d);

/* The next node on that way; 0 = no more. */
static inline uint32_t
ranges_up(const struct ranges *r, uint32_t node)
{
	return r->is_flat ? 0 : node / 2;
}

/* The same for a number known to a few units in its last place; false when that may lead to the wrong leaf. */
bool ranges_leaf_about(const struct ranges *r, double d, uint32_t *ret);

#endif
