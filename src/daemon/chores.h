/*
 * chores: what happens by the clock: the watchdog, the store's check and pruning, heartbeat, alerts held back, reconcile.
 */
#ifndef FD_DAEMON_CHORES_H
#define FD_DAEMON_CHORES_H

#include <stdbool.h>

struct daemon;

void chores_start(struct daemon *d);
void chores_stop(struct daemon *d);

/* The store takes what it is given: commits succeed, and a job came back within 30 s. */
bool chores_store_is_well(const struct daemon *d);

#endif
