/*
 * scrape: /metrics, /healthz and /readyz: what is known at the moment they are asked for.
 *
 * Gauges are collected at each scrape. The numbers of the queues come from the store, so those answers come a job later.
 */
#include "config.h"

#include "daemon/scrape.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aws/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "control/health.h"
#include "control/metrics.h"
#include "control/server.h"
#include "daemon/chores.h"
#include "daemon/guard.h"
#include "daemon/heartbeat.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "sink/courier.h"
#include "source/poller.h"
#include "store/outbox.h"
#include "store/store.h"

struct scrape_job {
	struct daemon *daemon;
	struct server_request *request;
	struct outbox_count *counts;
	size_t count;
};

static int
counts_run(struct store_tx *tx, void *job, struct err *e)
{
	struct scrape_job *j = job;

	mem_free(j->counts);
	j->counts = NULL;
	return outbox_counts(tx, &j->counts, &j->count, e);
}

static void
collect_sources(struct daemon *d)
{
	const struct feed *f;

	TAILQ_FOREACH(f, &d->feeds, entry) {
		struct poller_status s;

		if (f->is_stopping)
			continue;
		poller_get_status(f->poller, &s);
		metric_gauge(METRIC_SOURCE_UP, f->source, f->account, f->region,
		             !s.is_failing && s.state != POLLER_OFF);
		if (s.lag_ms >= 0 && s.state != POLLER_OFF)
			metric_gauge(METRIC_SOURCE_LAG_SECONDS, f->source, f->account, f->region,
			             (double)s.lag_ms / 1000);
		metric_gauge(METRIC_RECONCILE_AGE_SECONDS, f->source, f->account, f->region,
		             f->reconcile.oldest_ms
		                     ? (double)(clock_now_ms() - f->reconcile.oldest_ms) / 1000
		                     : 0);
	}
}

static void
collect_sinks(struct daemon *d, const struct scrape_job *j)
{
	const struct outlet *o;

	TAILQ_FOREACH(o, &d->outlets, entry) {
		struct courier_status s;

		if (o->is_removed)
			continue;
		courier_get_status(o->courier, &s);
		metric_gauge(METRIC_SINK_UP, o->name, NULL, NULL,
		             !o->is_failing &&
		                     (s.state == COURIER_READY || s.state == COURIER_STARTING));
		metric_gauge(METRIC_QUEUE_ITEMS, o->name, NULL, NULL, 0);
		metric_gauge(METRIC_DEAD_ITEMS, o->name, NULL, NULL, 0);
		metric_gauge(METRIC_QUEUE_OLDEST_SECONDS, o->name, NULL, NULL, 0);
	}
	for (size_t i = 0; i < j->count; i++) {
		const struct outbox_count *c = &j->counts[i];

		metric_gauge(METRIC_QUEUE_ITEMS, c->sink, NULL, NULL, (double)c->queued);
		metric_gauge(METRIC_DEAD_ITEMS, c->sink, NULL, NULL, (double)c->dead);
		metric_gauge(METRIC_QUEUE_OLDEST_SECONDS, c->sink, NULL, NULL,
		             c->oldest_ms ? (double)(clock_now_ms() - c->oldest_ms) / 1000 : 0);
	}
}

static void
collect_store(struct daemon *d)
{
	struct store_stats s;

	store_get_stats(d->store, &s);
	metric_gauge(METRIC_STORE_WRITABLE, NULL, NULL, NULL, chores_store_is_well(d));
	metric_gauge(METRIC_STORE_BYTES, NULL, NULL, NULL, (double)(s.file_bytes + s.wal_bytes));
	metric_set(metric_series(METRIC_STORE_COMMITS_TOTAL, NULL, NULL, NULL), (double)s.groups);
	metric_set(metric_series(METRIC_STORE_JOBS_TOTAL, NULL, NULL, NULL), (double)s.jobs);
	metric_gauge(METRIC_STORE_COMMIT_SECONDS, NULL, NULL, NULL, (double)s.last_commit_us / 1e6);
}

/* /proc/self/statm: pages in all, then resident. */
static double
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128], *second;
	uint64_t pages;
	bool is_read;

	if (!f)
		return 0;
	is_read = fgets(line, sizeof(line), f);
	(void)fclose(f);
	second = is_read ? strchr(line, ' ') : NULL;
	if (!second || !str_to_u64((struct span){ second + 1, strcspn(second + 1, " ") }, &pages))
		return 0;
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* /proc/self/fd is not ours to read (PR_SET_DUMPABLE): one poll() tells which descriptors are open. */
static unsigned
open_fds(void)
{
	enum { LOOKED_AT = 4096 };
	struct pollfd *fds = mem_calloc(LOOKED_AT, sizeof(fds[0]));
	unsigned n = 0;

	for (int i = 0; i < LOOKED_AT; i++)
		fds[i].fd = i;
	if (poll(fds, LOOKED_AT, 0) >= 0) {
		for (int i = 0; i < LOOKED_AT; i++)
			n += !(fds[i].revents & POLLNVAL);
	}
	mem_free(fds);
	return n;
}

static void
collect_process(struct daemon *d)
{
	static const struct {
		enum log_level level;
		const char *name;
	} levels[] = { { LOG_LEVEL_ERR, "err" },
		       { LOG_LEVEL_WARN, "warn" },
		       { LOG_LEVEL_INFO, "info" },
		       { LOG_LEVEL_DEBUG, "debug" } };
	struct clock_report clock;
	struct rusage u;

	metric_gauge(METRIC_BUILD_INFO, PACKAGE_VERSION, NULL, NULL, 1);
	metric_gauge(METRIC_START_TIME, NULL, NULL, NULL, (double)d->started_ms / 1000);
	clock_get_report(&clock);
	metric_gauge(METRIC_CLOCK_WRONG_SECONDS, NULL, NULL, NULL,
	             (double)clock.wall_ahead_ms / 1000);
	metric_gauge(METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, NULL, NULL, NULL, d->is_reload_good);
	metric_gauge(METRIC_CONFIG_LAST_RELOAD_TIMESTAMP, NULL, NULL, NULL,
	             (double)d->reloaded_ms / 1000);
	if (heartbeat_last_ms(d->heartbeat))
		metric_gauge(METRIC_HEARTBEAT_SUCCESS_TIMESTAMP, NULL, NULL, NULL,
		             (double)heartbeat_last_ms(d->heartbeat) / 1000);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		metric_set(metric_series(METRIC_LOG_LINES_TOTAL, levels[i].name, NULL, NULL),
		           (double)log_count(levels[i].level));
	metric_gauge(METRIC_RESIDENT_BYTES, NULL, NULL, NULL, resident_bytes());
	metric_gauge(METRIC_OPEN_FDS, NULL, NULL, NULL, open_fds());
	if (getrusage(RUSAGE_SELF, &u) == 0)
		metric_set(metric_series(METRIC_CPU_SECONDS_TOTAL, NULL, NULL, NULL),
		           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		                   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

static void
collect_api(const struct api_stat *row, void *arg)
{
	struct metric_series *throttled =
		metric_series(METRIC_THROTTLED_TOTAL, row->service, row->region, NULL);
	uint64_t calls = 0;

	/* One row per operation: the sums of a service in a region begin at 0 with each scrape. */
	(void)arg;
	for (enum api_outcome o = 0; o < API_OUTCOMES; o++) {
		calls += row->calls[o];
		if (o == API_REFUSED || o == API_FAILED)
			metric_add(metric_series(METRIC_API_ERRORS_TOTAL, row->service, row->region,
			                         api_outcome_name(o)),
			           (double)row->calls[o]);
	}
	metric_set(metric_series(METRIC_API_CALLS_TOTAL, row->service, row->operation, row->region),
	           (double)calls);
	metric_add(throttled, (double)row->throttled);
}

static void
zero_api(const struct api_stat *row, void *arg)
{
	(void)arg;
	metric_set(metric_series(METRIC_THROTTLED_TOTAL, row->service, row->region, NULL), 0);
	metric_set(metric_series(METRIC_API_ERRORS_TOTAL, row->service, row->region,
	                         api_outcome_name(API_REFUSED)),
	           0);
	metric_set(metric_series(METRIC_API_ERRORS_TOTAL, row->service, row->region,
	                         api_outcome_name(API_FAILED)),
	           0);
}

static void
metrics_on_counted(void *job, const struct err *failed)
{
	struct scrape_job *j = job;
	struct daemon *d = j->daemon;
	const char *accept = server_header(j->request, "Accept");
	bool is_open = accept && strstr(accept, "application/openmetrics-text");

	(void)failed; /* the store's own gauges say so; the queues' are not shown then */
	metrics_begin_scrape();
	collect_sources(d);
	collect_sinks(d, j);
	if (d->store)
		collect_store(d);
	collect_process(d);
	api_stats(d->api, zero_api, NULL);
	api_stats(d->api, collect_api, NULL);
	metrics_print(server_body(j->request), is_open);
	server_reply(j->request, 200, is_open ? metrics_type_openmetrics : metrics_type_text);
	mem_free(j->counts);
	mem_free(j);
}

void
scrape_metrics(void *arg, struct server_request *r)
{
	struct scrape_job *j = mem_zalloc(sizeof(*j));

	j->daemon = arg;
	j->request = r;
	store_run(j->daemon->store, counts_run, metrics_on_counted, j);
}

/* Fresh: read to the end within three intervals (and at least two minutes) from now. */
static void
check_source(const struct feed *f, const struct conf *conf, struct health *h)
{
	const struct conf_source *source = conf_source_find(conf, f->source);
	int64_t limit = source ? 3 * source->interval_ms : 0;
	struct poller_status s;
	char age[24];

	if (limit < 120000)
		limit = 120000;
	poller_get_status(f->poller, &s);
	if (f->is_stopping || s.state == POLLER_OFF)
		return;
	if (!s.last_success_ms)
		health_add(h, "source %s %s %s: no good poll yet%s%s", f->source, f->account_name,
		           f->region, *s.last_error ? ": " : "", s.last_error);
	else if (clock_now_ms() - s.last_success_ms > limit)
		health_add(h, "source %s %s %s: no good poll for %s: %s", f->source,
		           f->account_name, f->region,
		           str_duration(clock_now_ms() - s.last_success_ms, age, 24),
		           *s.last_error ? s.last_error : "it takes long");
}

void
scrape_ready(void *arg, struct server_request *r)
{
	struct daemon *d = arg;
	struct store_stats s;
	const struct feed *f;
	struct health h;

	health_init(&h);
	store_get_stats(d->store, &s);
	if (!chores_store_is_well(d))
		health_add(&h, "store: %s", *s.trouble ? s.trouble : "no job came back for 30 s");
	if (!guard_is_open(d))
		health_add(&h, "store: it is being checked; nothing is sent before that is done");
	if (d->state != DAEMON_RUNNING)
		health_add(&h, "findingsd is stopping");
	TAILQ_FOREACH(f, &d->feeds, entry)
		check_source(f, plan_conf(d->plan), &h);
	health_print(&h, server_body(r));
	server_reply(r, health_is_ready(&h) ? 200 : 503, "text/plain; charset=utf-8");
	health_done(&h);
}

void
scrape_healthy(void *arg, struct server_request *r)
{
	(void)arg;
	(void)buf_add_str(server_body(r), "alive\n");
	server_reply(r, 200, "text/plain; charset=utf-8");
}
