/*
 * inside: the daemon as its own files see it. Nobody outside src/daemon includes this.
 *
 * daemon.c owns and runs; outlets.c has the sinks' couriers, feeds.c the pollers, reload.c takes a new configuration
 * over, alerts.c tells of trouble of our own, reconcile.c reads what is open again, scrape.c fills metrics and readiness,
 * commands.c and lists.c answer findingsctl, once.c is --once. Loop's thread only.
 */
#ifndef FD_DAEMON_INSIDE_H
#define FD_DAEMON_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/exits.h"
#include "base/str.h"
#include "daemon/feed.h"
#include "daemon/take.h"
#include "sink/sink.h"
#include "store/cursor.h"

struct alerts;
struct api_env;
struct budget;
struct conf;
struct conf_sink;
struct courier;
struct cred;
struct heartbeat;
struct loop;
struct notify;
struct options;
struct pipeline;
struct plan;
struct regions;
struct reload;
struct server;
struct store;
struct store_tx;
struct page;
struct timer;
struct watch;
struct xfer;

enum daemon_state { DAEMON_STARTING = 0, DAEMON_RUNNING, DAEMON_STOPPING };

/* One sink: its courier and what we were told of it. */
struct outlet {
	TAILQ_ENTRY(outlet) entry;
	struct daemon *daemon;
	struct courier *courier;
	char *name;
	bool is_wanted;  /* by the plan that is being taken over */
	bool is_removed; /* no longer configured: goes as soon as it is quiet */
	bool is_going;   /* it is quiet: freed at the end of this turn */
	bool is_failing;
	bool is_backlogged; /* told so */
};

/* A plan that somebody still holds, so that what a courier lets go of finds its way back. */
struct plan_link {
	TAILQ_ENTRY(plan_link) entry;
	struct plan *plan;
	unsigned lent; /* references held for couriers */
};

struct daemon {
	const struct options *options;
	enum daemon_state state;
	enum exit_code exit_code;
	bool is_abrupt; /* second signal: leave without tidying up */
	int64_t started_ms, reloaded_ms, started_mono_ms;
	bool is_reload_good, is_reload_again;

	struct loop *loop;
	struct xfer *xfer;
	struct api_env *api;
	struct cred *cred;
	struct budget *budget;
	struct notify *notify;
	struct store *store;
	struct watch *store_watch;
	char *store_path;
	uint64_t store_dev, store_ino; /* of the file that we have open */
	bool is_store_moved;
	struct server *server;
	struct pipeline *pipeline;
	struct alerts *alerts;
	struct guard *guard;
	int64_t repaired_since_ms; /* see struct seed */
	struct db_backup *backup;  /* the last one, or NULL */
	struct heartbeat *heartbeat;
	struct regions *regions;
	bool is_asking_regions, has_regions_failed;
	struct reload *reload; /* under way, or NULL */
	struct sink_env sink_env;

	struct plan *plan;
	TAILQ_HEAD(, plan_link) plans;
	TAILQ_HEAD(feed_list, feed) feeds;
	TAILQ_HEAD(outlet_list, outlet) outlets;

	struct timer *watchdog, *tick, *stop_timer;
	int64_t beat_sent_ms,
		beat_back_ms;         /* store jobs that only show that it lives (monotonic) */
	int64_t pruned_ms, status_ms; /* monotonic */
	bool is_lean;                 /* what only the start needed was given back */
	int64_t watched_ms;           /* monotonic, of the last pruning */
	int64_t orphans_ms;           /* monotonic; 0 = look at the next tick */
	int64_t backlog_ms;           /* monotonic; 0 = look at the next tick */
	uint64_t store_lost_count;    /* transactions that were lost and are told of */
	bool is_store_failing;
	bool is_once_over; /* --once: the last question to the store is under way */

	/* timekeeper.c's */
	struct {
		bool is_begun, is_wrong;
		int64_t wall_ahead_ms;     /* the machine's clock less ours, as said last */
		int64_t tick_ms, saved_ms; /* monotonic */
		uint64_t steps;
	} time;

	/* Since the start. */
	struct {
		uint64_t delivered, dead, attempts_failed;
	} counts;
};

/* daemon.c */
void daemon_stop(struct daemon *d, enum exit_code code);
void daemon_check_stopped(struct daemon *d); /* all quiet while stopping: leave the loop */
void daemon_status_line(struct daemon *d);   /* STATUS= for the service manager */
void daemon_log_status(struct daemon *d);

/* plans: references that couriers hold through a struct conf_sink */
const struct conf_sink *daemon_lend_sink(struct daemon *d, const struct conf_sink *sink);
void daemon_return_sink(const struct conf_sink *sink, void *daemon);
void daemon_set_plan(struct daemon *d, struct plan *plan); /* takes the reference */

/* outlets.c */
int outlets_apply(struct daemon *d,
                  struct err *e); /* open what is new, change what stays, drain what is gone */
struct outlet *outlets_find(struct daemon *d, const char *name);
void outlets_wake(struct daemon *d, const char *name); /* NULL: all */
void outlets_retry_now(struct daemon *d);
bool outlets_flush(struct daemon *d); /* tell digests that collect now; false: there are none */
/* Items were changed behind the couriers' backs. */
void outlets_forget_fetched(struct daemon *d);
void outlets_drain(struct daemon *d);
bool outlets_are_quiet(const struct daemon *d);
void outlets_free(struct daemon *d);

/* feeds.c */
void feeds_apply(struct daemon *d, const struct cursor *cursors, size_t count);
void feeds_poke(struct daemon *d, const char *source, size_t *ret_count); /* NULL: all */
void feeds_stop(struct daemon *d);
bool feeds_are_stopped(const struct daemon *d);
void feeds_release(struct daemon *d, struct feed *f); /* stopped: free it when nothing needs it */
void feeds_free(struct daemon *d);
bool feeds_is_account_working(
	const struct feed *f); /* another region has answered with the same credentials */

/* reload.c: what the store knows that a plan needs; at the start and at each reload */
struct seed {
	char **rules; /* names, in conf's order */
	size_t rule_count;
	int64_t now_ms;
	int64_t *starts; /* filled: per rule */
	struct cursor *cursors;
	size_t cursor_count;
	int64_t repaired_since_ms; /* filled: where a repair of late begins anew what has no cursor; 0 = none */
	char *regions;             /* filled: the last answer for regions = "enabled", "" = none */
};
void seed_init(struct seed *s, const struct conf *conf);
void seed_done(struct seed *s);
int seed_run(struct store_tx *tx, void *job, struct err *e); /* store_job_fn */
typedef void reload_done_fn(void *arg, const char *refused, const char *changes);
/* Read the configuration again and take it over, or keep the old one and say why. done may be NULL. */
void daemon_reload(struct daemon *d, reload_done_fn *done, void *arg);

/* enabled.c: regions = "enabled" */
int enabled_load(struct store_tx *tx, char **ret, struct err *e);
void enabled_start(struct daemon *d, const char *known);
void enabled_tick(struct daemon *d);

/* backlog.c */
void backlog_tick(struct daemon *d, int64_t mono_ms);

/* db.c */
void db_free(struct daemon *d);

/* orphans.c */
void orphans_tick(struct daemon *d, int64_t mono_ms);

/* once.c */
void once_check(struct daemon *d);
void once_print_notices(struct daemon *d, const struct take *take);

/* reconcile.c */
void reconcile_tick(struct daemon *d, int64_t now_ms);
void reconcile_taken(struct feed *f, const struct page *page);
void reconcile_forget(struct feed *f);

#endif
