/*
 * alerts: trouble of our own, told as an event like any other.
 *
 * Source "findingsd", detail-type as in the table below. An alert goes to the sinks of self_alerts (default: all) without
 * a rule, and to the sinks of rules that match it, through the outbox like every notice; past it, unrecorded, while the store
 * fails. At most one per type in an hour, restarts included; what was held back is told at the end of that hour, as one.
 * That something recovered is told only where its failing was, by whichever run. A sink is told of its own trouble only
 * where there is no other.
 */
#ifndef FD_DAEMON_ALERTS_H
#define FD_DAEMON_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct alerts;
struct daemon;

enum alert_type {
	ALERT_SOURCE_FAILING = 0,
	ALERT_SOURCE_RECOVERED,
	ALERT_SINK_FAILING,
	ALERT_SINK_RECOVERED,
	ALERT_STORE_FAILING,
	ALERT_STORE_RECOVERED,
	ALERT_QUEUE_BACKLOG,
	ALERT_DEAD_LETTER,
	ALERT_QUARANTINE,
	ALERT_RELOAD_REFUSED,
	ALERT_COVERAGE_GAP,
	ALERT_CLOCK_WRONG,
	ALERT_TYPE_COUNT
};
const char *alert_type_name(enum alert_type type); /* "Source Failing" */

/* is_silent: raise nothing (--once says it by its exit code). */
struct alerts *alerts_new(struct daemon *d, bool is_silent);
void alerts_free(struct alerts *a);

/* Go on from what the last run told: its hours, and what it said was failing. 0, or -1 with e. */
int alerts_load(struct alerts *a, struct err *e);

/* Tell what was held back, when its hour is over. Call it every few seconds. */
void alerts_tick(struct alerts *a);

/* Tell. subject: what it is about ("hook", "hub/prod/us-east-1"); text: what happened and what to do, may be NULL. */
void alerts_raise(struct alerts *a, enum alert_type type, const char *subject, const char *text);

/* Tell at once, whatever was told this hour, and past the queue, without a record: the store cannot be trusted. */
void alerts_last_word(struct alerts *a, enum alert_type type, const char *subject,
                      const char *text);

/* It works: tell that it recovered, if it was told to be failing and nothing since, also by an earlier run. */
void alerts_well(struct alerts *a, enum alert_type recovered, const char *subject,
                 const char *text);

#endif
