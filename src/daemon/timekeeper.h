/*
 * timekeeper: the calendar (base/clock.h) over restarts, and what is said when the machine's clock is wrong.
 *
 * It keeps the calendar's mark in the store, sees the machine's clock jump and this process stand still (suspension,
 * SIGSTOP, a machine that starves it), says so, and lets what waited for that go on. It logs (clock.*).
 */
#ifndef FD_DAEMON_TIMEKEEPER_H
#define FD_DAEMON_TIMEKEEPER_H

#include "base/err.h"

struct daemon;

/* Go on from the mark in the store. Before anything else reads clock_now_ms for the store. 0, or -1 with e. */
int timekeeper_begin(struct daemon *d, struct err *e);

/* Every second. */
void timekeeper_tick(struct daemon *d);

/* Write the mark; before the store is closed. Nothing in a dry run, or before timekeeper_begin. */
void timekeeper_end(struct daemon *d);

#endif
