/*
 * orphans: what is queued for sinks that are no longer configured: dead after max_age's default, and told.
 *
 * It is kept until then because a sink may return. A sink's own max_age went with its configuration.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "store/outbox.h"
#include "store/store.h"

enum { LOOK_EVERY_MS = 600000 };
#define ORPHAN_AGE_MS (3 * INT64_C(86400000))

struct orphan_job {
	struct daemon *daemon;
	struct plan *plan; /* referenced */
	int64_t now_ms;
	char sink[80]; /* the first that had some */
	unsigned buried;
};

static int
bury(struct store_tx *tx, struct orphan_job *j, const char *sink, struct err *e)
{
	struct outbox_outcome o = {
		.now_ms = j->now_ms,
		.answer = SPAN_LIT("never sent: its sink is no longer configured"),
	};
	unsigned count = 0;

	if (outbox_bury_older(tx, sink, j->now_ms - ORPHAN_AGE_MS, OUTBOX_FETCH_MAX, &o, &count,
	                      e) < 0)
		return -1;
	if (count && !j->buried)
		(void)snprintf(j->sink, sizeof(j->sink), "%s", sink);
	j->buried += count;
	return 0;
}

static int
orphans_run(struct store_tx *tx, void *job, struct err *e)
{
	struct orphan_job *j = job;
	struct outbox_count *counts;
	size_t count;
	int r = 0;

	j->buried = 0;
	if (outbox_counts(tx, &counts, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count && r == 0; i++) {
		if (counts[i].queued && !conf_sink_find(plan_conf(j->plan), counts[i].sink))
			r = bury(tx, j, counts[i].sink, e);
	}
	mem_free(counts);
	return r;
}

static void
orphans_done(void *job, const struct err *failed)
{
	struct orphan_job *j = job;
	struct daemon *d = j->daemon;
	char text[200];

	if (!failed && j->buried) {
		d->counts.dead += j->buried;
		d->orphans_ms = 0; /* there may be more */
		(void)snprintf(
			text, sizeof(text),
			"%u notices waited over 3 days for a sink that is no longer configured; "
			"'findingsctl dead list' shows them",
			j->buried);
		log_warn("sink.orphans_dead sink=%s count=%u", j->sink, j->buried);
		alerts_raise(d->alerts, ALERT_DEAD_LETTER, j->sink, text);
	}
	plan_unref(j->plan);
	mem_free(j);
}

void
orphans_tick(struct daemon *d, int64_t mono_ms)
{
	struct orphan_job *j;

	if (d->orphans_ms && mono_ms - d->orphans_ms < LOOK_EVERY_MS)
		return;
	d->orphans_ms = mono_ms;
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	j->plan = plan_ref(d->plan);
	j->now_ms = clock_now_ms();
	store_run(d->store, orphans_run, orphans_done, j);
}
