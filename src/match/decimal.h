/*
 * decimal: when two spellings of a number are the same number.
 *
 * EventBridge's matcher takes a JSON number as comparable when its value equals the shortest decimal that identifies
 * its IEEE double (Java's Double.toString): up to 15 significant digits always, 16 and 17 when they are that very
 * form. Others (9007199254740993, 1e400) equal only their own spelling and satisfy no numeric test.
 */
#ifndef FD_MATCH_DECIMAL_H
#define FD_MATCH_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A number as it is written: digits * 10^exponent, digits not ending in 0. */
struct decimal {
	uint64_t digits; /* not all of them when count is over 17 */
	unsigned count;  /* of significant digits */
	long exponent;
	bool is_negative;
	struct span token;
};

/* false: not a number of JSON's grammar. */
bool decimal_read(struct span token, struct decimal *ret);

/* The double that it is comparable as; false: it is not comparable. */
bool decimal_value(const struct decimal *d, double *ret);

/* The double nearest to it, give or take two units in the last place; false: no quick answer. */
bool decimal_about(const struct decimal *d, double *ret);

/* Both steps at once. -0 gives 0. */
bool decimal_comparable(struct span token, double *ret);

/* The same by the C library alone: what the tests hold the short cuts against. */
bool decimal_comparable_slow(struct span token, double *ret);

#endif
