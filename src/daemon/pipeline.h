/*
 * pipeline: a page of findings -> identified, matched, decided, durable: the loop's half of the wiring.
 *
 * pipeline_take reads each finding once, builds the event as patterns see it, runs the machine, and gives the store one
 * job per page (take.h). When that is committed the hook is called, on the loop. A page that could not be stored is told
 * as failed: its poller reads it again later. Loop's thread only.
 */
#ifndef FD_DAEMON_PIPELINE_H
#define FD_DAEMON_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/take.h"

struct feed;
struct page;
struct pipeline;
struct plan;
struct store;

/* Since the start; what --once prints. */
struct pipeline_totals {
	uint64_t findings, fresh, matched, stale, poisoned, queued, pages, failed_pages;
};

/* The take is committed (failed NULL) or not; it is freed when this returns. */
typedef void pipeline_taken_fn(void *arg, struct feed *feed, const struct take *take,
                               const struct err *failed);

struct pipeline_options {
	struct store *store;
	bool is_dry_run; /* keep the notices of each take for the hook */
	pipeline_taken_fn *on_taken;
	void *arg;
};

struct pipeline *pipeline_new(const struct pipeline_options *o);
/* No take may be under way. NULL does nothing. */
void pipeline_free(struct pipeline *pl);

/* Pages taken from now on are decided by this plan. Referenced. */
void pipeline_set_plan(struct pipeline *pl, struct plan *plan);

/* Takes the page. */
void pipeline_take(struct pipeline *pl, struct feed *feed, struct page *page);

size_t pipeline_pending(const struct pipeline *pl); /* takes not committed yet */
const struct pipeline_totals *pipeline_totals(const struct pipeline *pl);

#endif
