/*
 * reconcile: reads again what has open notices, for changes that move no update instant (a Workflow set to RESOLVED, an
 * archive).
 *
 * Per feed: the watched findings that were read longest ago, CRITICAL and HIGH after `reconcile`, the rest after an hour,
 * as many as one call by id takes; one call at a time, and not more often than a quarter of the API's rate. The answers
 * are pages like any other; with each page's commit those that were asked about go to the end of the line.
 */
#include "config.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "daemon/plan.h"
#include "net/loop.h"
#include "source/poller.h"
#include "store/memory.h"
#include "store/store.h"

enum {
	REREAD_MAX = 100,
	REST_MS = 3600000,     /* how old the last reading of MEDIUM and below may get */
	IDLE_MS = 15000,       /* nothing was due: look again then */
	UNANSWERED_MS = 300000 /* an answer that did not come: ask again */
};

struct reconcile_job {
	struct feed *feed;
	int64_t now_ms, interval_ms, rest_ms;
	struct memory_watched **found;
	size_t count;
	uint64_t watched;
	int64_t oldest_ms;
};

static int
list_run(struct store_tx *tx, void *job, struct err *e)
{
	struct reconcile_job *j = job;
	const struct feed *f = j->feed;
	struct memory_origin origin = { f->source, f->account, f->region };
	size_t limit = f->kind->reread_max < REREAD_MAX ? f->kind->reread_max : REREAD_MAX;

	memory_watched_free(j->found, j->count);
	j->found = NULL;
	j->count = 0;
	if (memory_watch_count(tx, &origin, &j->watched, &j->oldest_ms, e) < 0)
		return -1;
	if (!j->watched)
		return 0;
	if (memory_watch_list(tx, &origin, SEVERITY_HIGH, j->now_ms - j->interval_ms, limit,
	                      &j->found, &j->count, e) < 0)
		return -1;
	if (j->count)
		return 0;
	memory_watched_free(j->found, 0);
	j->found = NULL;
	return memory_watch_list(tx, &origin, SEVERITY_INFORMATIONAL, j->now_ms - j->rest_ms, limit,
	                         &j->found, &j->count, e);
}

void
reconcile_forget(struct feed *f)
{
	memory_watched_free(f->reconcile.asked, f->reconcile.asked_count);
	f->reconcile.asked = NULL;
	f->reconcile.asked_count = 0;
}

static void
list_done(void *job, const struct err *failed)
{
	struct reconcile_job *j = job;
	struct feed *f = j->feed;
	struct daemon *d = f->owner;
	struct span ids[REREAD_MAX];
	bool is_asked = false;

	f->reconcile.is_busy = false;
	if (!failed)
		f->reconcile.oldest_ms = j->watched ? j->oldest_ms : 0;
	f->reconcile.next_mono_ms = clock_mono_ms() + IDLE_MS;
	if (!failed && j->count && j->count <= REREAD_MAX && !f->is_stopping) {
		for (size_t i = 0; i < j->count; i++)
			ids[i] = j->found[i]->finding;
		is_asked = poller_reread(f->poller, ids, j->count);
	}
	if (is_asked) {
		(void)FAULT("reconcile.asked");
		reconcile_forget(f);
		f->reconcile.asked = j->found;
		f->reconcile.asked_count = j->count;
		f->reconcile.next_mono_ms = clock_mono_ms() + UNANSWERED_MS;
		log_debug("reconcile.asked source=%s account=%s region=%s findings=%zu", f->source,
		          f->account, f->region, j->count);
	} else {
		memory_watched_free(j->found, j->count);
	}
	mem_free(j);
	if (f->is_stopped)
		feeds_release(d, f);
}

/* A rule that wants to hear again of what is still open hears of it when that is read: so often, then. */
static int64_t
rest_ms(const struct conf *conf, int64_t interval_ms)
{
	int64_t rest = REST_MS;

	for (size_t i = 0; i < conf->rule_count; i++) {
		const struct conf_rule *r = &conf->rules[i];
		if (r->is_enabled && r->repeat_interval_ms > 0 && r->repeat_interval_ms < rest)
			rest = r->repeat_interval_ms;
	}
	return rest > interval_ms ? rest : interval_ms;
}

void
reconcile_tick(struct daemon *d, int64_t now_ms)
{
	int64_t mono_ms = clock_mono_ms();
	struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		struct reconcile_job *j;
		struct poller_status s;

		if (f->is_stopping || f->is_off || f->reconcile.is_busy ||
		    !f->reconcile.interval_ms ||
		    (mono_ms < f->reconcile.next_mono_ms && !FAULT("reconcile.now")))
			continue;
		/* What is new comes first: once it was read, a back-fill of hours does not keep this waiting. */
		poller_get_status(f->poller, &s);
		if (!s.polls)
			continue;
		j = mem_zalloc(sizeof(*j));
		j->feed = f;
		j->now_ms = now_ms;
		j->interval_ms = f->reconcile.interval_ms;
		j->rest_ms = rest_ms(plan_conf(d->plan), j->interval_ms);
		f->reconcile.is_busy = true;
		store_run(d->store, list_run, list_done, j);
	}
}

void
reconcile_taken(struct feed *f, const struct page *page)
{
	if (page->stream != STREAM_REREAD)
		return;
	(void)FAULT("reconcile.taken");
	f->reconcile.next_mono_ms = clock_mono_ms() + f->reconcile.step_ms;
	if (page->is_last)
		reconcile_forget(f);
}
