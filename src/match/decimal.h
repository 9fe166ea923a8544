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

#include "base/str.h"

/* token follows JSON's grammar. false: not comparable. -0 gives 0. */
bool decimal_comparable(struct span token, double *ret);

/* The same by the C library alone: what the tests hold the short cuts against. */
bool decimal_comparable_slow(struct span token, double *ret);

#endif
