/*
 * case_table: the data behind fold. See case_table.c.
 */
#ifndef FD_MATCH_CASE_TABLE_H
#define FD_MATCH_CASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Each step-th code point from first to last becomes itself + distance. Sorted; ranges do not overlap. */
struct case_range {
	uint16_t first, last;
	uint16_t step;
	int32_t distance;
};

struct case_many {
	uint16_t from;
	uint16_t count;
	uint16_t to[3];
};

extern const struct case_range case_upper[];
extern const size_t case_upper_count;
extern const struct case_range case_lower[];
extern const size_t case_lower_count;
extern const struct case_many case_upper_many[];
extern const size_t case_upper_many_count;

#endif
