/*
 * clock: now, once per turn of the loop.
 *
 * Two clocks. clock_now_ms is the calendar (base/calendar.h): instants that are kept, compared, shown. It does not jump
 * when somebody sets the machine's clock, nor over a restart with a wrong one: an age, `now - created_ms`, is time that
 * has really passed. Use it for all that is written into the store and for all that is judged by it (max_age, retention,
 * due, repeat): no other defence is needed there, but that an age below 0 is 0 (the calendar can be set back, when AWS
 * and the local clock agree that it was ahead). clock_mono_ms is for timers, rates, back-off: it never goes back, and
 * goes on while the machine is suspended. The loop refreshes both at the start of each turn; deciding code takes now_ms
 * as an argument and never asks. Tests set them. The machine's own clock is for log lines only.
 */
#ifndef FD_BASE_CLOCK_H
#define FD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct calendar_mark;

/* Of this turn of the loop (loop's thread only). */
int64_t
clock_now_ms(void); /* the calendar, ms since 1970; the machine's clock before clock_begin */
int64_t clock_mono_ms(void); /* monotonic, ms since some start, suspension included */
void clock_refresh(void);    /* read the real clocks again (or the ones that a test set) */

/* The real clocks, any thread. */
int64_t clock_real_wall_ms(void);
int64_t clock_real_mono_ms(void);
int64_t clock_real_mono_us(void);

/* The calendar goes on from what the last run left (NULL: nothing). Once, before the first answer of AWS. */
void clock_begin(const struct calendar_mark *last);
/* An answer of AWS's came just now and bore this Date. */
void clock_witness(int64_t aws_ms);
/* AWS's time as far as it can be true: in place of a Date that is far from a settled calendar (a proxy's) stands that. */
int64_t clock_believe(int64_t aws_ms);
/* What the next run goes on from. false: not settled yet, so that the mark of the last run stays the better one. */
bool clock_mark(struct calendar_mark *ret);
/* How often the calendar was set by a witness, by how much the last time; by how much the machine's clock is ahead of it. */
struct clock_report {
	uint64_t steps;
	int64_t last_step_ms;
	int64_t wall_ahead_ms;
};
void clock_get_report(struct clock_report *ret);

/* For tests: from now on refresh gives these; -1, -1 returns to the real clocks. */
void clock_set_for_test(int64_t wall_ms, int64_t mono_ms);

#endif
