/*
 * backlog: a queue that does not get shorter, told before anybody misses what is in it.
 *
 * Once per sink when what it has to tell waits for a quarter of an hour, and again only after it was empty of such. What an
 * operator holds on purpose (pause, enabled = false) is no trouble.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "sink/courier.h"
#include "store/outbox.h"
#include "store/store.h"

enum {
	LOOK_EVERY_MS = 60000,
	LATE_MS = 900000,
	MINUTE_MS = 60000,
};

struct backlog_job {
	struct daemon *daemon;
	struct outbox_count *counts;
	size_t count;
};

static int
counts_run(struct store_tx *tx, void *job, struct err *e)
{
	struct backlog_job *j = job;

	mem_free(j->counts);
	j->counts = NULL;
	return outbox_counts(tx, &j->counts, &j->count, e);
}

static const struct outbox_count *
find_count(const struct backlog_job *j, const char *sink)
{
	for (size_t i = 0; i < j->count; i++) {
		if (strcmp(j->counts[i].sink, sink) == 0)
			return &j->counts[i];
	}
	return NULL;
}

static void
look(struct daemon *d, struct outlet *o, const struct outbox_count *c)
{
	int64_t age_ms = c && c->oldest_ms ? clock_now_ms() - c->oldest_ms : 0;
	struct courier_status s;
	char text[400], age[24];
	bool is_late;

	courier_get_status(o->courier, &s);
	is_late = age_ms >= LATE_MS && s.state != COURIER_PAUSED && s.state != COURIER_DISABLED;
	if (is_late == o->is_backlogged)
		return;
	o->is_backlogged = is_late;
	if (!is_late) {
		log_info("queue.caught_up sink=%s", o->name);
		return;
	}
	(void)snprintf(text, sizeof(text),
	               "%" PRIu64 " notices wait, the oldest for %s; the sink's last error: %s",
	               c->queued, str_duration(age_ms / MINUTE_MS * MINUTE_MS, age, sizeof(age)),
	               *s.last_error ? s.last_error
	                             : "none (it is slower than what comes: rate, max_in_flight)");
	log_warn("queue.backlog sink=%s queued=%" PRIu64 " oldest_ms=%" PRId64, o->name, c->queued,
	         age_ms);
	alerts_raise(d->alerts, ALERT_QUEUE_BACKLOG, o->name, text);
}

static void
counts_done(void *job, const struct err *failed)
{
	struct backlog_job *j = job;
	struct daemon *d = j->daemon;
	struct outlet *o;

	if (!failed && d->state == DAEMON_RUNNING) {
		TAILQ_FOREACH(o, &d->outlets, entry) {
			if (!o->is_removed)
				look(d, o, find_count(j, o->name));
		}
	}
	mem_free(j->counts);
	mem_free(j);
}

void
backlog_tick(struct daemon *d, int64_t mono_ms)
{
	struct backlog_job *j;

	if (d->backlog_ms && mono_ms - d->backlog_ms < LOOK_EVERY_MS)
		return;
	d->backlog_ms = mono_ms;
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	store_run(d->store, counts_run, counts_done, j);
}
