/*
 * once: --once and --dry-run: run until caught up and nothing is due, print what was done, leave.
 *
 * Done when every poller has read all that was due (or cannot now), every page is committed, and every courier has
 * nothing due. It does not wait for retries of the future: what is left is counted, and gives exit code 75.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "daemon/guard.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "net/loop.h"
#include "sink/courier.h"
#include "sink/render.h"
#include "source/poller.h"
#include "store/outbox.h"
#include "store/store.h"
#include "json/emit.h"

struct count_job {
	struct daemon *daemon;
	struct outbox_count *counts;
	size_t count;
};

static void once_finish(void *arg);
static void once_on_counted(void *job, const struct err *failed);

static int
count_run(struct store_tx *tx, void *job, struct err *e)
{
	struct count_job *j = job;

	mem_free(j->counts);
	j->counts = NULL;
	return outbox_counts(tx, &j->counts, &j->count, e);
}

static bool
is_caught_up(const struct daemon *d)
{
	const struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		if (!f->is_caught_up)
			return false;
	}
	if (d->is_asking_regions || !guard_is_open(d))
		return false;
	return pipeline_pending(d->pipeline) == 0 && outlets_are_quiet(d);
}

void
once_check(struct daemon *d)
{
	if (!d->options->is_once || d->is_once_over || d->state != DAEMON_RUNNING ||
	    !is_caught_up(d))
		return;
	d->is_once_over = true;
	/* What was told to us in this turn may still set something going: look again at its end. */
	loop_later(d->loop, once_finish, d);
}

static void
once_finish(void *arg)
{
	struct daemon *d = arg;
	struct count_job *j;

	/* All that there was has been read: a digest has nothing more to wait for. */
	d->is_once_over = is_caught_up(d) && d->state == DAEMON_RUNNING && !outlets_flush(d);
	if (!d->is_once_over)
		return;
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	store_run(d->store, count_run, once_on_counted, j);
}

/*
 * A region that does not know the credentials, while another one takes them, is not opted in: no error, as in the daemon. Known only now
 * that all have answered, whoever was first.
 */
static void
call_off(struct feed *f)
{
	struct poller_status s;

	poller_get_status(f->poller, &s);
	if (!f->is_failed || !s.is_region_refused || !feeds_is_account_working(f))
		return;
	f->is_failed = false;
	log_warn(
		"poll.off source=%s region=%s account=%s error=\"%s\" \"not opted in: nothing is read there\"",
		f->source, f->region, f->account_name, s.last_error);
}

/* Sources that could not be read to the end, and sinks that do not take what they are given. */
static unsigned
count_errors(struct daemon *d)
{
	struct feed *f;
	const struct outlet *o;
	unsigned n = d->has_regions_failed;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		call_off(f);
		n += f->is_failed;
	}
	TAILQ_FOREACH(o, &d->outlets, entry)
		n += o->is_failing;
	return n;
}

/* An operator's pause, or enabled = false, is on purpose: what waits there is no reason to try again. */
static bool
is_held_on_purpose(struct daemon *d, const char *sink)
{
	struct outlet *o = outlets_find(d, sink);
	struct courier_status s;

	if (!o)
		return false;
	courier_get_status(o->courier, &s);
	return s.state == COURIER_PAUSED || s.state == COURIER_DISABLED;
}

static void
print_summary(struct daemon *d, uint64_t pending, unsigned errors)
{
	const struct pipeline_totals *t = pipeline_totals(d->pipeline);
	int64_t took_ms = clock_real_mono_ms() - d->started_mono_ms;

	(void)printf("{\"findings\":%" PRIu64 ",\"new\":%" PRIu64 ",\"matched\":%" PRIu64
	             ",\"queued\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"pending\":%" PRIu64
	             ",\"dead\":%" PRIu64 ",\"errors\":%u,\"seconds\":%.3f}\n",
	             t->findings, t->fresh, t->matched, t->queued, d->counts.delivered, pending,
	             d->counts.dead, errors, (double)took_ms / 1000);
	(void)fflush(stdout);
}

static void
once_on_counted(void *job, const struct err *failed)
{
	struct count_job *j = job;
	struct daemon *d = j->daemon;
	uint64_t pending = 0, left = 0;
	unsigned errors = count_errors(d);

	for (size_t i = 0; i < j->count; i++) {
		pending += j->counts[i].queued;
		if (!is_held_on_purpose(d, j->counts[i].sink))
			left += j->counts[i].queued;
	}
	if (failed)
		log_err("once.uncounted error=\"%s\"", failed->text);
	if (!d->options->is_dry_run)
		print_summary(d, pending, errors);
	mem_free(j->counts);
	mem_free(j);
	if (d->options->is_dry_run)
		left = 0;
	daemon_stop(d, failed || left || errors || pipeline_totals(d->pipeline)->failed_pages
	                       ? EXIT_TRY_AGAIN
	                       : EXIT_OK);
}

static const char *
account_name(struct span account, void *arg)
{
	return plan_account_name(arg, account);
}

/* {"sink","rules","change","identity","body"}, a line per notice that would have been queued. */
static void
print_notice(struct daemon *d, const struct take_notice *k)
{
	const struct conf_sink *sink = conf_sink_find(plan_conf(d->plan), k->sink);
	char hex[2 * FINDING_IDENTITY_BYTES + 1];
	struct notice n = { .event = { k->event, k->event_bytes },
		            .change = k->change,
		            .rules = span_of(k->rules),
		            .note = span_of(k->note),
		            .message_key = k->message_key,
		            .thread_key = k->thread_key,
		            .severity = (enum severity)k->severity,
		            .first_severity = (enum severity)k->first_severity,
		            .account_name = account_name,
		            .account_arg = d->plan,
		            .sink_name = k->sink,
		            .queued_ms = clock_now_ms() };
	struct buf body = { 0 }, line = { 0 };
	struct render_view view;
	struct emit w;

	render_view_init(&view, &n, false);
	if (sink)
		sink_render(sink, &view, &body);
	digest_hex(k->identity, sizeof(k->identity), hex);
	emit_init(&w, &line);
	emit_object_begin(&w);
	emit_key(&w, "sink");
	emit_str(&w, k->sink);
	emit_key(&w, "rules");
	emit_array_begin(&w);
	for (const char *p = k->rules, *end; *p; p = *end ? end + 1 : end) {
		end = p;
		while (*end && *end != '\n')
			end++;
		emit_string(&w, (struct span){ p, (size_t)(end - p) });
	}
	emit_array_end(&w);
	emit_key(&w, "change");
	emit_str(&w, change_name(k->change));
	emit_key(&w, "identity");
	emit_str(&w, hex);
	emit_key(&w, "body");
	emit_string(&w, (struct span){ body.data, body.len });
	emit_object_end(&w);
	(void)printf("%s\n", line.data ? line.data : "");
	render_view_done(&view);
	buf_done(&body);
	buf_done(&line);
}

void
once_print_notices(struct daemon *d, const struct take *take)
{
	for (size_t i = 0; i < take->result.notice_count; i++)
		print_notice(d, &take->result.notices[i]);
	(void)fflush(stdout);
}
