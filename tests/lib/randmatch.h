/*
 * randmatch: random patterns and events for holding the machine against the plain matcher.
 */
#ifndef FD_TESTS_RANDMATCH_H
#define FD_TESTS_RANDMATCH_H

#include <stdint.h>

struct buf;

/* A pattern, mostly valid; an event, always a JSON object. Appended to out. *state is the generator's; not 0. */
void rand_pattern(uint64_t *state, struct buf *out);
void rand_event(uint64_t *state, struct buf *out);
uint32_t rand_below(uint64_t *state, uint32_t n);

#endif
