/*
 * chores: what happens by the clock. See chores.h.
 */
#include "config.h"

#include "daemon/chores.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "daemon/alerts.h"
#include "daemon/guard.h"
#include "daemon/heartbeat.h"
#include "daemon/inside.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "daemon/timekeeper.h"
#include "net/loop.h"
#include "sink/courier.h"
#include "source/poller.h"
#include "store/meta.h"
#include "store/outbox.h"
#include "store/store.h"

enum {
	TICK_MS = 1000,
	BEAT_EVERY_MS = 5000,
	BEAT_LIMIT_MS = 30000,
	PRUNE_EVERY_MS = 600000,
	PRUNE_FIRST_MS = 60000,
	PRUNE_CATCH_UP = 24,
	STATUS_EVERY_MS = 15000,
};

static void chores_on_tick(void *arg);
static void chores_on_watchdog(void *arg);

void
chores_start(struct daemon *d)
{
	int64_t watchdog_ms = notify_watchdog_ms(d->notify);

	if (d->options->is_once)
		return;
	d->beat_back_ms = clock_mono_ms();
	d->watched_ms = clock_mono_ms();
	d->pruned_ms = clock_mono_ms() - PRUNE_EVERY_MS + PRUNE_FIRST_MS;
	d->tick = timer_new(d->loop, chores_on_tick, d);
	timer_set(d->tick, 0);
	d->watchdog = timer_new(d->loop, chores_on_watchdog, d);
	if (watchdog_ms > 0)
		timer_set(d->watchdog, 0);
}

void
chores_stop(struct daemon *d)
{
	timer_free(d->tick);
	timer_free(d->watchdog);
	d->tick = d->watchdog = NULL;
}

bool
chores_store_is_well(const struct daemon *d)
{
	struct store_stats s;

	store_get_stats(d->store, &s);
	return !s.is_failing && !s.is_space_low && !guard_is_corrupt(d) &&
	       clock_mono_ms() - d->beat_back_ms < BEAT_LIMIT_MS;
}

/* A job that does nothing: its coming back shows that the store's thread, disk and loop live. */
static int
beat_run(struct store_tx *tx, void *job, struct err *e)
{
	(void)tx;
	(void)job;
	(void)e;
	return 0;
}

static void
beat_back(void *job, const struct err *failed)
{
	struct daemon *d = job;

	(void)failed; /* that it came back at all is what counts here */
	d->beat_sent_ms = 0;
	d->beat_back_ms = clock_mono_ms();
}

static void
beat(struct daemon *d, int64_t now)
{
	if (d->beat_sent_ms || now - d->beat_back_ms < BEAT_EVERY_MS)
		return;
	d->beat_sent_ms = now;
	store_run(d->store, beat_run, beat_back, d);
}

static void
chores_on_watchdog(void *arg)
{
	struct daemon *d = arg;

	if (clock_mono_ms() - d->beat_back_ms < BEAT_LIMIT_MS)
		notify_send(d->notify, "WATCHDOG=1");
	else
		log_err("store.stuck waited_ms=%" PRId64
		        " effect=\"the service manager restarts findingsd; nothing is lost\"",
		        clock_mono_ms() - d->beat_back_ms);
	timer_set(d->watchdog, notify_watchdog_ms(d->notify) / 3);
}

/* The store failed, or works again: say so once. */
static void
watch_store(struct daemon *d)
{
	struct store_stats s;
	bool is_failing;

	store_get_stats(d->store, &s);
	is_failing = s.is_failing || s.is_space_low;
	if (s.commit_failures != d->store_lost_count)
		log_warn("store.lost count=%" PRIu64
		         " error=\"%s\" effect=\"undone as a whole and done again, one by one\"",
		         s.commit_failures - d->store_lost_count, s.lost);
	d->store_lost_count = s.commit_failures;
	if (!is_failing && !d->is_store_failing)
		alerts_well(d->alerts, ALERT_STORE_RECOVERED, "store",
		            "it works since the restart");
	if (is_failing == d->is_store_failing)
		return;
	d->is_store_failing = is_failing;
	if (is_failing) {
		log_err("store.failing error=\"%s\" effect=\"nothing new is read or sent until it "
		        "works again\"",
		        s.trouble);
		alerts_raise(d->alerts, ALERT_STORE_FAILING, "store", s.trouble);
	} else {
		log_info("store.recovered");
		alerts_raise(d->alerts, ALERT_STORE_RECOVERED, "store", "it works again");
		outlets_retry_now(d);
		feeds_poke(d, NULL, NULL);
	}
}

/* Moved or deleted under us: we go on in the file that we have open, and the next start would find nothing, in silence. */
static void
watch_file(struct daemon *d)
{
	struct stat st = { 0 };
	bool is_there = stat(d->store_path, &st) == 0, is_ours;

	if (!d->store_ino) {
		d->store_dev = st.st_dev;
		d->store_ino = st.st_ino;
		return;
	}
	is_ours = is_there && st.st_dev == d->store_dev && st.st_ino == d->store_ino;
	if (is_ours && !d->is_store_moved)
		alerts_well(d->alerts, ALERT_STORE_RECOVERED, "store file", "it was opened anew");
	if (is_ours != d->is_store_moved)
		return;
	d->is_store_moved = !is_ours;
	if (is_ours) {
		log_info("store.file_back path=%s", d->store_path);
		alerts_raise(d->alerts, ALERT_STORE_RECOVERED, "store file", "it is back");
		return;
	}
	log_err("store.moved path=%s effect=\"a restart would begin with nothing: put it back before\"",
	        d->store_path);
	alerts_raise(
		d->alerts, ALERT_STORE_FAILING, "store file",
		"the file of the store was moved, deleted or replaced while findingsd runs; it goes on in "
		"the old one, but a restart would begin with nothing: put it back first");
}

/*
 * What is forgotten is seen as new when it comes again, and pages people. So the line behind which things are forgotten
 * moves with the time in which we watched, at most PRUNE_CATCH_UP times as fast: after a month off, or with a calendar
 * that is wrong after all, what is remembered is there until polling has had its chance to see it again.
 */
struct prune_job {
	struct daemon *daemon;
	int64_t before_ms;  /* wanted: now - retention */
	int64_t watched_ms; /* since the last time */
	bool has_more;
};

static const char prune_key[] = "prune.before";

static int
prune_run(struct store_tx *tx, void *job, struct err *e)
{
	struct prune_job *j = job;
	int64_t before_ms = j->before_ms, last_ms;
	int r = meta_get_i64(tx, prune_key, &last_ms, e);

	if (r > 0 && before_ms > last_ms + PRUNE_CATCH_UP * j->watched_ms)
		before_ms = last_ms + PRUNE_CATCH_UP * j->watched_ms;
	if (r < 0 || meta_set_i64(tx, prune_key, before_ms, e) < 0)
		return -1;
	(void)FAULT("prune.before");
	r = store_prune(tx, before_ms, &j->has_more, e);
	(void)FAULT("prune.after");
	return r;
}

static void
prune_done(void *job, const struct err *failed)
{
	struct prune_job *j = job;

	if (failed)
		log_warn("store.prune_failed error=\"%s\"", failed->text);
	/* A chunk is some ms; the next one waits for the next tick, so that pages come first. */
	if (!failed && j->has_more)
		j->daemon->pruned_ms = clock_mono_ms() - PRUNE_EVERY_MS;
	mem_free(j);
}

static void
prune(struct daemon *d, int64_t now)
{
	struct prune_job *j;

	if (now - d->pruned_ms < PRUNE_EVERY_MS && !FAULT("prune.now"))
		return;
	if (!d->is_lean)
		lean_after_start();
	d->is_lean = true;
	d->pruned_ms = now;
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	j->before_ms = clock_now_ms() - plan_conf(d->plan)->retention_ms;
	j->watched_ms = now - d->watched_ms;
	d->watched_ms = now;
	store_run(d->store, prune_run, prune_done, j);
}

static void
chores_on_tick(void *arg)
{
	struct daemon *d = arg;
	const struct conf *conf = plan_conf(d->plan);
	int64_t now = clock_mono_ms();

	timer_set(d->tick, TICK_MS);
	if (d->state != DAEMON_RUNNING)
		return;
	beat(d, now);
	guard_tick(d, now);
	if (!guard_is_corrupt(d))
		watch_store(d);
	watch_file(d);
	timekeeper_tick(d);
	prune(d, now);
	orphans_tick(d, now);
	alerts_tick(d->alerts);
	backlog_tick(d, now);
	enabled_tick(d);
	reconcile_tick(d, clock_now_ms());
	heartbeat_tick(d->heartbeat, conf->heartbeat.url.value, conf->heartbeat.interval_ms,
	               chores_store_is_well(d));
	if (now - d->status_ms >= STATUS_EVERY_MS) {
		d->status_ms = now;
		daemon_status_line(d);
	}
}

void
daemon_status_line(struct daemon *d)
{
	unsigned feeds = 0, failing = 0, off = 0, sinks = 0, sinks_failing = 0;
	const struct feed *f;
	const struct outlet *o;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		feeds++;
		failing += f->is_failing;
		off += f->is_off;
	}
	TAILQ_FOREACH(o, &d->outlets, entry) {
		sinks++;
		sinks_failing += o->is_failing;
	}
	notify_sendf(d->notify,
	             "STATUS=%u pollers (%u failing, %u off), %u sinks (%u failing), %" PRIu64
	             " delivered",
	             feeds, failing, off, sinks, sinks_failing, d->counts.delivered);
}

void
daemon_log_status(struct daemon *d)
{
	const struct pipeline_totals *t = pipeline_totals(d->pipeline);
	const struct feed *f;
	const struct outlet *o;

	log_info("daemon.status findings=%" PRIu64 " new=%" PRIu64 " matched=%" PRIu64
	         " queued=%" PRIu64 " delivered=%" PRIu64 " dead=%" PRIu64,
	         t->findings, t->fresh, t->matched, t->queued, d->counts.delivered, d->counts.dead);
	TAILQ_FOREACH(f, &d->feeds, entry) {
		struct poller_status s;

		poller_get_status(f->poller, &s);
		log_info("daemon.source source=%s account=%s region=%s state=%s lag_ms=%" PRId64
		         " findings=%" PRIu64 " error=\"%s\"",
		         s.source, s.account, s.region, poller_state_name(s.state), s.lag_ms,
		         s.findings, s.last_error);
	}
	TAILQ_FOREACH(o, &d->outlets, entry) {
		struct courier_status s;

		courier_get_status(o->courier, &s);
		log_info("daemon.sink sink=%s state=%s in_flight=%zu delivered=%" PRIu64
		         " error=\"%s\"",
		         s.name, courier_state_name(s.state), s.in_flight, s.delivered,
		         s.last_error);
	}
}
