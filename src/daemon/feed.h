/*
 * feed: one poller and what the daemon knows of it: whose findings it polls, under which key its cursors stand.
 *
 * One per (source, account, region) of the plan. A reload keeps the feed, and with it cursor and back-off, of what stays.
 */
#ifndef FD_DAEMON_FEED_H
#define FD_DAEMON_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "store/memory.h"

struct cred;
struct poller;
struct source_kind;

/* A quarter of the 3 per second that AWS allows Security Hub. */
enum { RECONCILE_STEP_MS = 1334 };

struct feed {
	TAILQ_ENTRY(feed) entry;
	void *owner; /* struct daemon; what the poller's callbacks start from */
	struct poller *poller;
	const struct source_kind *kind;
	char *source, *account, *account_name, *region; /* account "" = the process's own */
	struct cred *cred;                              /* referenced; NULL: the process's own */
	char *role;     /* what cred was made of: the role's ARN and external id; secret */
	bool is_wanted; /* by the plan that is being taken over */
	bool is_stopping, is_stopped;
	bool is_caught_up, is_failed; /* for --once */
	bool is_failing;              /* told so, and not yet that it recovered */
	bool is_off;
	/* Re-reading what has open notices (reconcile.h). */
	struct {
		int64_t interval_ms,
			step_ms; /* step: between two calls, a quarter of the API's rate */
		int64_t next_mono_ms;
		int64_t oldest_ms; /* when what waits longest was read; 0 = nothing is watched */
		bool is_busy;
		struct memory_watched **asked;
		size_t asked_count;
	} reconcile;
};

#endif
