/*
 * timekeeper: clocks that jump, and a process that stands still. See timekeeper.h.
 */
#include "config.h"

#include "daemon/timekeeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/metrics.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "store/meta.h"
#include "store/store.h"

enum {
	JUMP_MS = 2000,           /* said in the log */
	WRONG_MS = 5 * 60 * 1000, /* said aloud: AWS refuses signatures of such a clock */
	STOOD_MS = 60 * 1000,     /* between two ticks of a second */
	MINUTE_MS = 60 * 1000,
	SAVE_EVERY_MS = 60 * 1000, /* what a power cut may take from the mark */
};

static const char mark_key[] = "clock.mark";

static int
load_run(struct store_tx *tx, void *job, struct err *e)
{
	struct buf *text = job;

	buf_clear(text);
	return meta_get(tx, mark_key, text, e) < 0 ? -1 : 0;
}

int
timekeeper_begin(struct daemon *d, struct err *e)
{
	struct buf text = { .max_bytes = META_VALUE_MAX };
	struct calendar_mark last;
	struct clock_report r;
	bool has_last;

	if (store_run_wait(d->store, load_run, &text, e) < 0) {
		buf_done(&text);
		return -1;
	}
	has_last = calendar_mark_parse((struct span){ text.data, text.len }, &last);
	buf_done(&text);
	clock_begin(has_last ? &last : NULL);
	clock_get_report(&r);
	d->time.wall_ahead_ms = r.wall_ahead_ms;
	d->time.tick_ms = clock_mono_ms();
	d->time.is_begun = true;
	d->started_ms = d->reloaded_ms = clock_now_ms();
	if (llabs(r.wall_ahead_ms) >= JUMP_MS)
		log_warn(
			"clock.differs ahead_ms=%" PRId64
			" effect=\"the machine's clock is not what it was in the last run and the time "
			"since; findingsd goes on by the latter until AWS has told the time\"",
			r.wall_ahead_ms);
	return 0;
}

static int
save_run(struct store_tx *tx, void *job, struct err *e)
{
	return meta_set(tx, mark_key, span_of(job), e);
}

static void
save_done(void *job, const struct err *failed)
{
	(void)failed; /* the store's own trouble is told elsewhere; the next minute tries again */
	mem_free(job);
}

static void
save(struct daemon *d)
{
	char text[CALENDAR_MARK_BYTES];
	struct calendar_mark mark;

	if (!clock_mark(&mark))
		return;
	calendar_mark_print(&mark, text);
	store_run(d->store, save_run, save_done, mem_strdup(text));
}

/* AWS's Date has set our calendar: what is put off by the old one would wait for too long, or not at all. */
static void
watch_steps(struct daemon *d, const struct clock_report *r)
{
	if (r->steps == d->time.steps)
		return;
	d->time.steps = r->steps;
	metric_count(METRIC_CLOCK_STEPS_TOTAL, NULL, NULL, NULL);
	log_warn("clock.set step_ms=%" PRId64
	         " effect=\"findingsd's own time was put right by AWS's; what "
	         "waits for a retry is tried now\"",
	         r->last_step_ms);
	d->time.wall_ahead_ms = r->wall_ahead_ms;
	outlets_retry_now(d);
	save(d);
}

/* A clock that is wrong, or was, harms nothing here; but AWS's tools, TLS and all logs of the machine go by it. */
static void
watch_wall(struct daemon *d, const struct clock_report *r)
{
	int64_t jump_ms = r->wall_ahead_ms - d->time.wall_ahead_ms;
	bool is_wrong = llabs(r->wall_ahead_ms) >= WRONG_MS;
	char by[24], text[300];

	if (llabs(jump_ms) >= JUMP_MS) {
		d->time.wall_ahead_ms = r->wall_ahead_ms;
		metric_count(METRIC_CLOCK_JUMPS_TOTAL, NULL, NULL, NULL);
		log_warn("clock.jump step_ms=%" PRId64 " ahead_ms=%" PRId64
		         " effect=\"findingsd goes on by its own time; nothing is lost\"",
		         jump_ms, r->wall_ahead_ms);
	}
	if (is_wrong == d->time.is_wrong || !clock_mark(&(struct calendar_mark){ 0 }))
		return;
	d->time.is_wrong = is_wrong;
	if (!is_wrong) {
		log_info("clock.right");
		return;
	}
	(void)snprintf(
		text, sizeof(text),
		"the machine's clock is %s %s; findingsd goes on by AWS's time and by time that has "
		"really passed, nothing is lost; set the clock (timedatectl, chronyc makestep): logs "
		"and certificates are judged by it",
		str_duration((llabs(r->wall_ahead_ms) + MINUTE_MS / 2) / MINUTE_MS * MINUTE_MS, by,
	                     sizeof(by)),
		r->wall_ahead_ms > 0 ? "ahead" : "behind");
	alerts_raise(d->alerts, ALERT_CLOCK_WRONG, "clock", text);
}

/* We were not run: suspended, stopped, or starved. What waited has waited long enough. */
static void
watch_standstill(struct daemon *d, int64_t mono_ms)
{
	int64_t stood_ms = mono_ms - d->time.tick_ms;

	d->time.tick_ms = mono_ms;
	if (stood_ms < STOOD_MS)
		return;
	log_warn("clock.stood ms=%" PRId64
	         " effect=\"findingsd was not run for so long (suspended, stopped, "
	         "starved); it polls and retries now\"",
	         stood_ms);
	feeds_poke(d, NULL, NULL);
	outlets_retry_now(d);
}

void
timekeeper_tick(struct daemon *d)
{
	int64_t mono_ms = clock_mono_ms();
	struct clock_report r;

	clock_get_report(&r);
	watch_standstill(d, mono_ms);
	watch_steps(d, &r);
	watch_wall(d, &r);
	if (mono_ms - d->time.saved_ms < SAVE_EVERY_MS)
		return;
	d->time.saved_ms = mono_ms;
	save(d);
}

void
timekeeper_end(struct daemon *d)
{
	if (d->time.is_begun && d->store && !d->options->is_dry_run)
		save(d);
}
