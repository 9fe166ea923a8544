/*
 * fold: equals-ignore-case, letter by letter.
 *
 * For each code point of the pattern the event may have that code point, its lower case or its upper case (which may be
 * several code points: the pattern's sharp s matches SS), nothing else. That is what EventBridge's matcher does within
 * the Basic Multilingual Plane; a code point beyond it equals only itself. Not symmetric, no normalisation.
 */
#ifndef FD_MATCH_FOLD_H
#define FD_MATCH_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* The whole value, its beginning, its end. Both are decoded UTF-8. */
bool fold_equals(struct span pattern, struct span value);
bool fold_starts(struct span pattern, struct span value);
bool fold_ends(struct span pattern, struct span value);

/*
 * A key that is equal for a pattern and for every value it matches (and a prefix, or suffix, of the value's key for the
 * prefix and suffix forms); the reverse need not hold unless both are ASCII. out takes at most FOLD_GROWTH * s.len
 * bytes. Returns the length.
 */
enum { FOLD_GROWTH = 3 };
size_t fold_key(struct span s, char *out);

bool fold_is_ascii(struct span s);

#endif
