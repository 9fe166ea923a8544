/*
 * guard: the store is checked after each start. See guard.h.
 */
#include "config.h"

#include "daemon/guard.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/exits.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "store/check.h"
#include "store/store.h"

enum { LAST_WORD_MS = 5000, AGAIN_MS = 1000, IO_LASTS_MS = 600000 };

struct guard {
	struct daemon *daemon;
	struct check check;
	int64_t started_ms, failed_ms, corrupt_ms, io_ms; /* monotonic; 0 = not */
	bool is_open, is_over, is_running;
};

static void guard_run(struct guard *g);

void
guard_start(struct daemon *d)
{
	struct guard *g = mem_zalloc(sizeof(*g));

	d->guard = g;
	g->daemon = d;
	g->started_ms = clock_mono_ms();
	/* A dry run sends nothing, and looks only at what it is asked about. */
	g->is_open = g->is_over = d->options->is_dry_run;
	if (g->is_over)
		return;
	g->check.now_ms = clock_now_ms();
	store_hold_sends(d->store, true);
	guard_run(g);
}

void
guard_stop(struct daemon *d)
{
	mem_free(d->guard);
	d->guard = NULL;
}

bool
guard_is_open(const struct daemon *d)
{
	return d->guard == NULL || d->guard->is_open;
}

bool
guard_is_corrupt(const struct daemon *d)
{
	return d->guard != NULL && d->guard->corrupt_ms != 0;
}

/* Told past the queue, which can no longer be trusted; then, some seconds later, the end. */
static void
give_up(struct guard *g, const char *why)
{
	if (g->corrupt_ms != 0)
		return;
	g->corrupt_ms = clock_mono_ms();
	g->is_over = true;
	store_hold_sends(g->daemon->store, true);
	if (g->io_ms != 0)
		log_err("store.lost error=\"%s\" effect=\"findingsd ends; nothing is lost\"", why);
	else
		log_err("store.corrupt error=\"%s\"", why);
	if (g->daemon->options->is_once)
		daemon_stop(g->daemon, EXIT_STORE_UNREADABLE);
	else
		alerts_last_word(g->daemon->alerts, ALERT_STORE_FAILING, "store", why);
}

static void
open_gate(struct guard *g)
{
	g->is_open = true;
	store_hold_sends(g->daemon->store, false);
	log_info("store.checked part=queue took_ms=%" PRId64, clock_mono_ms() - g->started_ms);
	outlets_wake(g->daemon, NULL);
	once_check(g->daemon);
}

static void
say_bad_rows(const struct guard *g)
{
	for (int i = 0; i < CHECK_PARTS; i++) {
		const struct check_found *f = &g->check.found[i];
		if (f->bad > 0)
			log_warn("store.rows_damaged part=%s bad=%" PRIu64 " of=%" PRIu64
			         " first=\"%s\" effect=\"each is set aside when it is met; see "
			         "findingsctl db check\"",
			         check_part_name((enum check_part)i), f->bad, f->rows, f->trouble);
	}
}

static void
guard_done(void *job, const struct err *failed)
{
	struct guard *g = job;

	g->is_running = false;
	if (g->daemon->state == DAEMON_STOPPING)
		return;
	if (failed != NULL && failed->kind == ERR_CORRUPT) {
		give_up(g, failed->text);
		return;
	}
	if (failed != NULL) { /* a disk that is full or gone: nothing is sent now anyway */
		g->failed_ms = clock_mono_ms();
		log_warn("store.check_failed error=\"%s\" effect=\"tried again\"", failed->text);
		if (g->daemon->options->is_once) /* nobody ticks */
			daemon_stop(g->daemon, exit_code_of(failed->kind));
		return;
	}
	bool is_more = check_next(&g->check);
	if (!g->is_open && (g->check.at.part >= CHECK_GATE || !is_more))
		open_gate(g);
	if (is_more) {
		guard_run(g);
		return;
	}
	g->is_over = true;
	say_bad_rows(g);
	log_info("store.checked part=all took_ms=%" PRId64, clock_mono_ms() - g->started_ms);
}

static int
guard_check(struct store_tx *tx, void *job, struct err *e)
{
	struct guard *g = job;

	return check_run(tx, &g->check, e);
}

static void
guard_run(struct guard *g)
{
	g->is_running = true;
	store_run(g->daemon->store, guard_check, guard_done, g);
}

void
guard_tick(struct daemon *d, int64_t mono_ms)
{
	struct guard *g = d->guard;
	struct store_stats s;

	if (g == NULL)
		return;
	if (g->corrupt_ms != 0) {
		if (mono_ms - g->corrupt_ms >= LAST_WORD_MS)
			daemon_stop(d, EXIT_STORE_UNREADABLE);
		return;
	}
	store_get_stats(d->store, &s);
	if (!s.is_io_failing)
		g->io_ms = 0;
	else if (g->io_ms == 0)
		g->io_ms = mono_ms;
	if (s.is_corrupt)
		give_up(g, s.trouble);
	else if (g->io_ms != 0 && (mono_ms - g->io_ms >= IO_LASTS_MS || FAULT("guard.io_lasts")))
		give_up(g, s.trouble);
	else if (!g->is_over && !g->is_running && mono_ms - g->failed_ms >= AGAIN_MS)
		guard_run(g);
}
