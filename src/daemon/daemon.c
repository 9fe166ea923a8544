/*
 * daemon: owns the loop, the store, the plan and everything that hangs on them. See daemon.h.
 *
 *	STARTING --all stands--> RUNNING --SIGTERM, SIGINT, --once done--> STOPPING --all quiet, or grace over--> gone
 *
 * Start: store, control socket, plan; READY=1; then couriers and pollers, without waiting for AWS. Stop, in reverse: stop
 * asking, let what is under way finish for STOP_GRACE_MS, commit, close. A second signal leaves at once: the store makes
 * that safe. The watchdog is fed only while a store job comes back within BEAT_LIMIT_MS.
 */
#include "config.h"

#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "control/server.h"
#include "daemon/alerts.h"
#include "daemon/chores.h"
#include "daemon/commands.h"
#include "daemon/guard.h"
#include "daemon/heartbeat.h"
#include "daemon/inside.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "daemon/regions.h"
#include "daemon/timekeeper.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "sink/courier.h"
#include "source/poller.h"
#include "store/store.h"

enum {
	STOP_GRACE_MS = 10000,
	BUDGET_BYTES = 16 << 20,
	STORE_FILE_BYTES = 4096,
};

static int daemon_open(struct daemon *d, struct conf *conf, struct err *e);
static int daemon_begin(struct daemon *d, struct conf *conf, struct err *e);
static void daemon_close(struct daemon *d);
static void daemon_on_signal(int signo, void *arg);
static void daemon_on_store(int fd, short events, void *arg);
static void daemon_on_taken(void *arg, struct feed *feed, const struct take *take,
                            const struct err *failed);
static void daemon_on_grace_over(void *arg);

enum exit_code
daemon_main(const struct options *options, struct conf *conf)
{
	struct daemon *d = mem_zalloc(sizeof(*d));
	struct err e = { 0 };
	enum exit_code code;

	d->options = options;
	TAILQ_INIT(&d->plans);
	TAILQ_INIT(&d->feeds);
	TAILQ_INIT(&d->outlets);
	clock_refresh();
	d->started_mono_ms = clock_mono_ms();
	d->is_reload_good = true;
	d->notify = notify_new();
	if (daemon_open(d, conf, &e) < 0 || daemon_begin(d, conf, &e) < 0) {
		log_err("start.failed kind=%s error=\"%s\"", err_kind_name(e.kind), e.text);
		notify_sendf(d->notify, "STATUS=%s\nERRNO=%d", e.text, EINVAL);
		if (!d->plan)
			conf_free(conf);
		daemon_close(d);
		return exit_code_of(e.kind);
	}
	loop_run(d->loop);
	code = d->exit_code;
	if (!d->is_abrupt)
		daemon_close(d);
	return code;
}

/* There is no way back but a backup, so the day on which it happened is worth a line. */
static void
say_upgrade(struct daemon *d)
{
	struct store_stats s;

	store_get_stats(d->store, &s);
	if (s.schema_from != s.schema)
		log_info(
			"store.upgraded from=%d to=%d effect=\"an older findingsd refuses it from now on\"",
			s.schema_from, s.schema);
}

static int
open_store(struct daemon *d, const struct conf *conf, struct err *e)
{
	struct store_options o = { .is_read_only = d->options->is_dry_run };
	char path[STORE_FILE_BYTES];

	if (!o.is_read_only && mkdir(conf->state_dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, ERR_IO,
		               "state_dir %s: cannot make it: %s; make it, owned by the user that "
		               "findingsd runs as",
		               conf->state_dir, strerror(errno));
	(void)snprintf(path, sizeof(path), "%s/findingsd.db", conf->state_dir);
	o.path = path;
	if (store_open(&o, &d->store, e) < 0)
		return -1;
	say_upgrade(d);
	d->store_path = mem_strdup(path);
	d->store_watch = loop_watch_fd(d->loop, store_fd(d->store), WATCH_READ, daemon_on_store, d);
	return 0;
}

static int
open_server(struct daemon *d, const struct conf *conf, struct err *e)
{
	int port;

	if (d->options->is_once)
		return 0;
	d->server = server_new(loop_base(d->loop), daemon_routes, daemon_route_count, d);
	if (server_listen_unix(d->server, conf->control.socket, "findingsd", e) < 0)
		return -1;
	if (!*conf->control.listen)
		return 0;
	if (server_listen_tcp(d->server, conf->control.listen, &port, e) < 0)
		return -1;
	log_info("control.listening socket=%s port=%d", conf->control.socket, port);
	return 0;
}

static void
open_network(struct daemon *d, const struct conf *conf)
{
	const struct endpoint_override overrides[] = {
		{ "guardduty", conf->aws.endpoints.guardduty },
		{ "securityhub", conf->aws.endpoints.securityhub },
		{ "sns", conf->aws.endpoints.sns },
		{ "sts", conf->aws.endpoints.sts },
	};
	struct api_options o = { .loop = d->loop };
	struct cred_options keys = { 0 };

	d->xfer = xfer_new(d->loop);
	endpoint_options_from_env(&o.endpoints);
	o.xfer = d->xfer;
	o.endpoints.overrides = overrides;
	o.endpoints.override_count = sizeof(overrides) / sizeof(overrides[0]);
	o.endpoints.url = conf->aws.endpoint_url;
	d->api = api_env_new(&o);
	d->cred = cred_new_chain(d->api, &keys);
	d->budget = budget_new(BUDGET_BYTES);
	d->sink_env = (struct sink_env){
		.loop = d->loop, .xfer = d->xfer, .api = d->api, .cred = d->cred
	};
	d->heartbeat = heartbeat_new(d->xfer);
}

static int
daemon_open(struct daemon *d, struct conf *conf, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
	const struct pipeline_options pipeline = { .is_dry_run = d->options->is_dry_run,
		                                   .on_taken = daemon_on_taken,
		                                   .arg = d };
	struct pipeline_options with_store = pipeline;

	d->loop = loop_new();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_on_signal(d->loop, signals[i], daemon_on_signal, d);
	if (open_store(d, conf, e) < 0 || timekeeper_begin(d, e) < 0 || open_server(d, conf, e) < 0)
		return -1;
	open_network(d, conf);
	with_store.store = d->store;
	d->pipeline = pipeline_new(&with_store);
	d->alerts = alerts_new(d, d->options->is_once);
	d->stop_timer = timer_new(d->loop, daemon_on_grace_over, d);
	return 0;
}

/* All stands: take the plan, say that we are ready, begin. */
static int
daemon_begin(struct daemon *d, struct conf *conf, struct err *e)
{
	struct seed seed;
	struct plan *plan;
	int r = -1;

	seed_init(&seed, conf);
	if (alerts_load(d->alerts, e) < 0 || store_run_wait(d->store, seed_run, &seed, e) < 0)
		goto out;
	if (plan_new(conf, seed.starts, &plan, e) < 0)
		goto out;
	daemon_set_plan(d, plan);
	d->repaired_since_ms = seed.repaired_since_ms;
	d->state = DAEMON_RUNNING;
	guard_start(d);
	if (!d->options->is_dry_run && outlets_apply(d, e) < 0)
		goto out;
	notify_send(d->notify, "READY=1");
	log_info("daemon.ready version=%s sources=%zu sinks=%zu rules=%zu state_dir=%s",
	         PACKAGE_VERSION, conf->source_count, conf->sink_count, plan_rule_count(plan),
	         conf->state_dir);
	enabled_start(d, seed.regions);
	feeds_apply(d, seed.cursors, seed.cursor_count);
	chores_start(d);
	once_check(d);
	r = 0;
out:
	seed_done(&seed);
	return r;
}

void
daemon_set_plan(struct daemon *d, struct plan *plan)
{
	struct plan *old = d->plan;

	d->plan = plan;
	pipeline_set_plan(d->pipeline, plan);
	log_set_level(plan_conf(plan)->log_level);
	plan_unref(old);
}

/* In reverse of the start. The store goes before those that its last completions belong to. */
static void
daemon_close(struct daemon *d)
{
	d->state = DAEMON_STOPPING;
	chores_stop(d);
	watch_free(d->store_watch);
	timekeeper_end(d);
	store_close(d->store);
	d->store = NULL;
	guard_stop(d);
	db_free(d);
	feeds_free(d);
	outlets_free(d);
	server_free(d->server);
	alerts_free(d->alerts);
	mem_free(d->store_path);
	pipeline_free(d->pipeline);
	heartbeat_free(d->heartbeat);
	regions_free(d->regions);
	timer_free(d->stop_timer);
	plan_unref(d->plan);
	cred_free(d->cred);
	if (d->loop)
		loop_turn(d->loop, 0);
	if (d->api)
		api_env_free(d->api);
	if (d->budget)
		budget_free(d->budget);
	if (d->xfer)
		xfer_free(d->xfer);
	if (d->loop)
		loop_free(d->loop);
	notify_free(d->notify);
	metrics_done();
	mem_free(d);
}

void
daemon_stop(struct daemon *d, enum exit_code code)
{
	if (d->state == DAEMON_STOPPING)
		return;
	d->state = DAEMON_STOPPING;
	d->exit_code = code;
	notify_send(d->notify, "STOPPING=1\nSTATUS=letting what is under way finish");
	log_info("daemon.stopping pages=%zu", pipeline_pending(d->pipeline));
	timer_set(d->stop_timer, STOP_GRACE_MS);
	(void)FAULT("stop.before");
	feeds_stop(d);
	outlets_drain(d);
	(void)FAULT("stop.draining");
	daemon_check_stopped(d);
}

void
daemon_check_stopped(struct daemon *d)
{
	if (d->state != DAEMON_STOPPING || !feeds_are_stopped(d) ||
	    pipeline_pending(d->pipeline) > 0 || !outlets_are_quiet(d))
		return;
	(void)FAULT("stop.drained");
	log_info("daemon.stopped delivered=%" PRIu64, d->counts.delivered);
	loop_stop(d->loop);
}

static void
daemon_on_grace_over(void *arg)
{
	struct daemon *d = arg;

	log_warn("daemon.grace_over effect=\"what is under way is sent again at the next start, "
	         "under the same key\"");
	loop_stop(d->loop);
}

static void
daemon_on_signal(int signo, void *arg)
{
	struct daemon *d = arg;

	switch (signo) {
	case SIGHUP:
		daemon_reload(d, NULL, NULL);
		break;
	case SIGUSR1:
		daemon_log_status(d);
		break;
	case SIGUSR2:
		log_info("daemon.poked");
		feeds_poke(d, NULL, NULL);
		outlets_retry_now(d);
		break;
	default:
		if (d->state != DAEMON_STOPPING) {
			/* --once that was stopped has not done what was asked. */
			daemon_stop(d, d->options->is_once ? EXIT_TRY_AGAIN : EXIT_OK);
			return;
		}
		log_warn("daemon.left effect=\"a second signal: nothing is waited for; the store "
		         "has all that is needed\"");
		d->is_abrupt = true;
		loop_stop(d->loop);
	}
}

static void
daemon_on_store(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	store_drain(((struct daemon *)arg)->store);
}

/* A page is durable, or could not be made so: wake who has something to send, let the poller go on. */
static void
daemon_on_taken(void *arg, struct feed *feed, const struct take *take, const struct err *failed)
{
	struct daemon *d = arg;
	const struct take_result *r = &take->result;
	char text[160];

	if (!failed && d->state == DAEMON_RUNNING && !d->options->is_dry_run) {
		for (size_t i = 0; i < r->tally_count; i++)
			outlets_wake(d, r->tallies[i].sink);
		if (r->has_more_sinks)
			outlets_wake(d, NULL);
	}
	if (!failed && d->options->is_dry_run)
		once_print_notices(d, take);
	if (!failed && r->poisoned) {
		(void)snprintf(text, sizeof(text),
		               "%" PRIu32 " findings of a page could not be identified; "
		               "they are kept in the store's quarantine",
		               r->poisoned);
		alerts_raise(d->alerts, ALERT_QUARANTINE, feed->source, text);
	}
	reconcile_taken(feed, take->page);
	poller_page_done(feed->poller, failed);
	once_check(d);
	daemon_check_stopped(d);
}
