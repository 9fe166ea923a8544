/*
 * guard: the store is checked after each start, and nothing is sent before what sending needs was found well.
 *
 * Polls, and whatever they record, go on meanwhile. Where the store is damaged, then or later, whoever is on call is told past the queue,
 * and the daemon leaves with EXIT_STORE_UNREADABLE: a restart would not help, and nothing is replaced in silence.
 */
#ifndef FD_DAEMON_GUARD_H
#define FD_DAEMON_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Hold what is to be sent, begin the check. */
void guard_start(struct daemon *d);
void guard_stop(struct daemon *d);

/* Has what sending needs been checked? */
bool guard_is_open(const struct daemon *d);

/* It is damaged: the daemon is on its way out. */
bool guard_is_corrupt(const struct daemon *d);

/* Each second. */
void guard_tick(struct daemon *d, int64_t mono_ms);

#endif
