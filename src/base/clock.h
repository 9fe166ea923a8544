/*
 * clock: now, once per turn of the loop.
 *
 * Two clocks: wall (RFC 3339 instants, may jump) and monotonic (timers, rates, back-off; never goes back). The loop
 * refreshes both at the start of each turn; deciding code takes now_ms as an argument and never asks. Tests set them.
 */
#ifndef FD_BASE_CLOCK_H
#define FD_BASE_CLOCK_H

#include <stdint.h>

/* Of this turn of the loop (loop's thread only). */
int64_t clock_now_ms(void);  /* wall, ms since 1970 */
int64_t clock_mono_ms(void); /* monotonic, ms since some start */
void clock_refresh(void);    /* read the real clocks again (or the ones that a test set) */

/* The real clocks, any thread. */
int64_t clock_real_wall_ms(void);
int64_t clock_real_mono_ms(void);
int64_t clock_real_mono_us(void);

/* For tests: from now on refresh gives these; -1, -1 returns to the real clocks. */
void clock_set_for_test(int64_t wall_ms, int64_t mono_ms);

#endif
