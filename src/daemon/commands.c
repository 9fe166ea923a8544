/*
 * commands: what findingsctl asks of the daemon. See commands.h.
 */
#include "config.h"

#include "daemon/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "control/server.h"
#include "daemon/chores.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "daemon/scrape.h"
#include "sink/courier.h"
#include "source/poller.h"
#include "store/store.h"
#include "json/emit.h"

static void serve_status(void *arg, struct server_request *r);
static void serve_sinks(void *arg, struct server_request *r);
static void serve_sink_test(void *arg, struct server_request *r);
static void serve_sink_pause(void *arg, struct server_request *r);
static void serve_sink_resume(void *arg, struct server_request *r);
static void serve_poll(void *arg, struct server_request *r);
static void serve_reload(void *arg, struct server_request *r);

const struct server_route daemon_routes[] = {
	{ .path = "/healthz", .fn = scrape_healthy, .is_public = true },
	{ .path = "/metrics", .fn = scrape_metrics, .is_public = true },
	{ .path = "/readyz", .fn = scrape_ready, .is_public = true },
	{ .path = "/v1/db/backup", .fn = db_backup_start, .is_post = true },
	{ .path = "/v1/db/backup", .fn = db_backup_show },
	{ .path = "/v1/db/check", .fn = db_check },
	{ .path = "/v1/dead", .fn = lists_dead },
	{ .path = "/v1/dead/drop", .fn = lists_dead_drop, .is_post = true },
	{ .path = "/v1/dead/retry", .fn = lists_dead_retry, .is_post = true },
	{ .path = "/v1/dead/show", .fn = lists_dead_show },
	{ .path = "/v1/history", .fn = history_serve },
	{ .path = "/v1/poll", .fn = serve_poll, .is_post = true },
	{ .path = "/v1/queue", .fn = lists_queue },
	{ .path = "/v1/recent", .fn = lists_recent },
	{ .path = "/v1/reload", .fn = serve_reload, .is_post = true },
	{ .path = "/v1/replay", .fn = replay_serve, .is_post = true },
	{ .path = "/v1/sinks", .fn = serve_sinks },
	{ .path = "/v1/sinks/pause", .fn = serve_sink_pause, .is_post = true },
	{ .path = "/v1/sinks/resume", .fn = serve_sink_resume, .is_post = true },
	{ .path = "/v1/sinks/test", .fn = serve_sink_test, .is_post = true },
	{ .path = "/v1/status", .fn = serve_status },
};
const size_t daemon_route_count = sizeof(daemon_routes) / sizeof(daemon_routes[0]);

static void
add_text(struct emit *w, const char *key, const char *value)
{
	emit_key(w, key);
	emit_str(w, value ? value : "");
}

static void
add_number(struct emit *w, const char *key, int64_t value)
{
	emit_key(w, key);
	emit_i64(w, value);
}

/* An instant, or null. */
static void
add_time(struct emit *w, const char *key, int64_t ms)
{
	char text[TIMEFMT_BYTES];

	emit_key(w, key);
	if (ms > 0)
		emit_str(w, timefmt_rfc3339_ms(ms, text));
	else
		emit_null(w);
}

static void
line_begin(struct emit *w, struct buf *out, const char *kind)
{
	emit_init(w, out);
	emit_object_begin(w);
	add_text(w, "kind", kind);
}

static void
line_end(struct emit *w, struct buf *out)
{
	emit_object_end(w);
	(void)buf_add_char(out, '\n');
}

static void
print_daemon(struct daemon *d, struct buf *out)
{
	const struct pipeline_totals *t = pipeline_totals(d->pipeline);
	struct store_stats s;
	struct emit w;

	store_get_stats(d->store, &s);
	line_begin(&w, out, "daemon");
	add_text(&w, "version", PACKAGE_VERSION);
	add_time(&w, "started", d->started_ms);
	add_time(&w, "configured", d->reloaded_ms);
	emit_key(&w, "reload_ok");
	emit_bool(&w, d->is_reload_good);
	add_number(&w, "rules", (int64_t)plan_rule_count(d->plan));
	add_number(&w, "findings", (int64_t)t->findings);
	add_number(&w, "new", (int64_t)t->fresh);
	add_number(&w, "matched", (int64_t)t->matched);
	add_number(&w, "queued", (int64_t)t->queued);
	add_number(&w, "quarantined", (int64_t)t->poisoned);
	add_number(&w, "delivered", (int64_t)d->counts.delivered);
	add_number(&w, "dead", (int64_t)d->counts.dead);
	emit_key(&w, "store_ok");
	emit_bool(&w, chores_store_is_well(d));
	add_text(&w, "store_error", s.trouble);
	add_number(&w, "store_bytes", s.file_bytes + s.wal_bytes);
	line_end(&w, out);
}

static void
print_source(const struct feed *f, struct buf *out)
{
	struct poller_status s;
	struct emit w;

	poller_get_status(f->poller, &s);
	line_begin(&w, out, "source");
	add_text(&w, "source", f->source);
	add_text(&w, "account", f->account);
	add_text(&w, "account_name", f->account_name);
	add_text(&w, "region", f->region);
	add_text(&w, "state", poller_state_name(s.state));
	emit_key(&w, "lag_seconds");
	if (s.lag_ms >= 0)
		emit_double(&w, (double)s.lag_ms / 1000);
	else
		emit_null(&w);
	add_time(&w, "last_success", s.last_success_ms);
	add_time(&w, "next", s.next_ms);
	add_number(&w, "backfill_seconds", s.backfill_ms / 1000);
	add_number(&w, "findings", (int64_t)s.findings);
	add_number(&w, "polls", (int64_t)s.polls);
	add_number(&w, "failures", (int64_t)s.failures);
	add_text(&w, "error", s.last_error);
	line_end(&w, out);
}

static void
print_sink(const struct outlet *o, struct buf *out)
{
	struct courier_status s;
	struct emit w;

	courier_get_status(o->courier, &s);
	line_begin(&w, out, "sink");
	add_text(&w, "sink", o->name);
	add_text(&w, "type", s.kind);
	add_text(&w, "state", courier_state_name(s.state));
	add_time(&w, "since", s.since_ms);
	add_number(&w, "in_flight", (int64_t)s.in_flight);
	add_number(&w, "delivered", (int64_t)s.delivered);
	add_number(&w, "failed", (int64_t)s.failed);
	add_number(&w, "dead", (int64_t)s.dead);
	add_time(&w, "last_ok", s.last_ok_ms);
	add_time(&w, "next", s.next_ms);
	add_text(&w, "error", s.last_error);
	line_end(&w, out);
}

static void
serve_status(void *arg, struct server_request *r)
{
	struct daemon *d = arg;
	const struct feed *f;
	const struct outlet *o;

	print_daemon(d, server_body(r));
	TAILQ_FOREACH(f, &d->feeds, entry)
		print_source(f, server_body(r));
	TAILQ_FOREACH(o, &d->outlets, entry)
		print_sink(o, server_body(r));
	server_reply(r, 200, NULL);
}

static void
serve_sinks(void *arg, struct server_request *r)
{
	const struct outlet *o;

	TAILQ_FOREACH(o, &((struct daemon *)arg)->outlets, entry)
		print_sink(o, server_body(r));
	server_reply(r, 200, NULL);
}

/* The outlet that ?name= asks for; NULL: the request is answered. */
static struct outlet *
asked_outlet(struct daemon *d, struct server_request *r)
{
	const char *name = server_param(r, "name");
	struct outlet *o = name ? outlets_find(d, name) : NULL;

	if (!name)
		server_fail(r, 400, "which sink? give ?name=");
	else if (!o)
		server_fail(r, 404, "no sink is called '%s'; findingsctl sink list shows them",
		            name);
	return o;
}

/* A `sink test` under way. */
struct test {
	struct server_request *request;
	struct outlet *outlet;
};

static void
test_on_step(const struct sink_step *step, void *arg)
{
	struct test *t = arg;
	struct buf *out = server_body(t->request);
	struct emit w;

	line_begin(&w, out, "step");
	add_text(&w, "step", step->name);
	emit_key(&w, "ok");
	emit_bool(&w, step->is_ok);
	add_text(&w, "text", step->text);
	line_end(&w, out);
}

static void
test_on_done(struct sink_result *result, void *arg)
{
	struct test *t = arg;
	struct buf *out = server_body(t->request);
	struct emit w;

	line_begin(&w, out, "result");
	emit_key(&w, "ok");
	emit_bool(&w, result->outcome == SINK_OK);
	add_number(&w, "status", result->status);
	add_text(&w, "reference", result->reference);
	add_text(&w, "text", result->answer);
	line_end(&w, out);
	server_reply(t->request, 200, NULL);
	mem_free(t);
}

static void
serve_sink_test(void *arg, struct server_request *r)
{
	struct outlet *o = asked_outlet(arg, r);
	struct test *t;
	struct err e = { 0 };

	if (!o)
		return;
	t = mem_zalloc(sizeof(*t));
	t->request = r;
	t->outlet = o;
	if (courier_test(o->courier, test_on_step, test_on_done, t, &e) == 0)
		return;
	mem_free(t);
	server_fail(r, e.is_temporary ? 409 : 500, "%s", e.text);
}

static void
pause_done(void *arg, const struct err *failed)
{
	struct server_request *r = arg;

	if (failed) {
		server_fail(r, 503, "%s", failed->text);
		return;
	}
	(void)buf_add_str(server_body(r), "{\"kind\":\"done\",\"ok\":true}\n");
	server_reply(r, 200, NULL);
}

static void
serve_sink_pause(void *arg, struct server_request *r)
{
	struct outlet *o = asked_outlet(arg, r);

	if (!o)
		return;
	log_info("sink.pause_asked sink=%s", o->name);
	courier_pause(o->courier, pause_done, r);
}

static void
serve_sink_resume(void *arg, struct server_request *r)
{
	struct outlet *o = asked_outlet(arg, r);

	if (!o)
		return;
	log_info("sink.resume_asked sink=%s", o->name);
	courier_resume(o->courier, pause_done, r);
}

static void
serve_poll(void *arg, struct server_request *r)
{
	struct daemon *d = arg;
	const char *source = server_param(r, "source");
	size_t count;

	if (source && !conf_source_find(plan_conf(d->plan), source)) {
		server_fail(r, 404, "no source is called '%s'", source);
		return;
	}
	feeds_poke(d, source, &count);
	(void)buf_printf(server_body(r), "{\"kind\":\"done\",\"ok\":true,\"pollers\":%zu}\n",
	                 count);
	server_reply(r, 200, NULL);
}

static void
reload_done(void *arg, const char *refused, const char *changes)
{
	struct server_request *r = arg;
	struct buf *out = server_body(r);
	struct emit w;

	if (refused) {
		server_fail(r, 409, "%s", refused);
		return;
	}
	line_begin(&w, out, "done");
	emit_key(&w, "ok");
	emit_bool(&w, true);
	add_text(&w, "changes", changes);
	line_end(&w, out);
	server_reply(r, 200, NULL);
}

static void
serve_reload(void *arg, struct server_request *r)
{
	daemon_reload(arg, reload_done, r);
}
