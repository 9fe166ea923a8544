/*
 * courier: takes one sink's due items from the outbox to their outcome.
 *
 * One courier per sink, each with its own queue, pace, breaker and schedule: a sink that is down delays nobody else.
 * It fetches by store jobs, keeps at most max_in_flight items sent and not yet recorded (that is what can repeat after
 * a crash), and records outcomes by store jobs, many in one. What cannot be recorded is not sent: while the store fails
 * nothing goes out. Order holds per identity and sink because the outbox hands out the next item of an identity only when
 * the one before it is recorded.
 *
 * Loop's thread only. It logs (courier.*), and tells the daemon through its hooks.
 */
#ifndef FD_SINK_COURIER_H
#define FD_SINK_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/change.h"
#include "base/err.h"
#include "base/str.h"
#include "sink/sink.h"

struct conf_sink;
struct courier;
struct store;

/* Drawn, with the arrows, at the top of courier.c. */
enum courier_state {
	COURIER_STARTING, /* asks the store whether it was paused or held */
	COURIER_READY,    /* sends what is due, up to max_in_flight at once */
	COURIER_RESTING,  /* the sink failed: waits, then sends one item to see */
	COURIER_PROBING,  /* that one item is under way */
	COURIER_HELD, /* refused (401, 403): the oldest item every 5 min and at reload; max_age stands still */
	COURIER_DISABLED, /* gone (410), or enabled = false: nothing until reload or resume */
	COURIER_PAUSED,   /* by the operator; survives a restart */
	COURIER_BLOCKED,  /* the store fails: nothing is sent that cannot be recorded */
	COURIER_STOPPING, /* lets what is under way finish */
};
const char *courier_state_name(enum courier_state state);

/* One finished and recorded attempt, for metrics. */
struct courier_note {
	enum sink_outcome outcome;
	bool is_dead;   /* buried: the outcome was permanent, or the item too old */
	bool is_own;    /* of no finding: an alert of our own */
	bool is_digest; /* of many: they are told of by on_gathered */
	enum change change;
	int64_t took_ms;     /* the attempt alone */
	int64_t delivery_ms; /* outcome SINK_OK: from queued to taken; else -1 */
	unsigned attempts;   /* including this one */
	const char *message_key;
	const char *answer; /* clean line */
};

/* Items that got their outcome many at once. Those of a digest still collecting are not among them. */
struct courier_gathered {
	unsigned told;    /* in a digest that was delivered */
	unsigned dead;    /* with a digest that was refused */
	unsigned expired; /* older than max_age */
	const char *why;  /* of expired: clean line */
	/* Digests that are on their way now: how many, and how many they tell of. */
	unsigned digests;
	uint64_t digest_items;
};

/* All optional. arg is hook_arg. None of them may free the courier. */
struct courier_hooks {
	void (*on_note)(struct courier *c, const struct courier_note *note, void *arg);
	void (*on_failing)(struct courier *c, const char *why,
	                   void *arg); /* once, when it stops working */
	void (*on_recovered)(struct courier *c, int64_t down_ms,
	                     void *arg); /* once, when it works again */
	void (*on_quiet)(struct courier *c,
	                 void *arg); /* nothing under way, nothing due now: for --once and stop */
	void (*on_gathered)(struct courier *c, const struct courier_gathered *g, void *arg);
	/* The configuration's name of an account, or NULL; used in every text. */
	const char *(*account_name)(struct span account, void *arg);
};

struct courier_options {
	const struct sink_env *env;
	struct store *store;
	const struct conf_sink *
		conf; /* borrowed until courier_reconfigure or courier_free has let it go: see below */
	/* Called when the last attempt that uses conf is over (after a reconfigure, or in courier_free); may be NULL. */
	void (*release_conf)(const struct conf_sink *conf, void *arg);
	void *release_arg;
	struct courier_hooks hooks;
	void *hook_arg;
	uint32_t random_seed; /* 0 = a random one; tests fix it */
};

/* -1 with e: ERR_CONFIG (the sink cannot be opened). Starts by itself in the next turn of the loop. */
int courier_new(const struct courier_options *o, struct courier **ret, struct err *e);

/* Cancels what is under way (it will be sent again under the same key) and frees. NULL does nothing. The store must
 * have called back all jobs (store_drain after store_close, or courier_is_quiet). */
void courier_free(struct courier *c);

/* There may be something due for this sink. Cheap; call it after each commit that queued for it. */
void courier_wake(struct courier *c);

/* Try now whatever waits for a retry (USR2, reload, `sink resume`): rests and holds end, one item goes first. */
void courier_retry_now(struct courier *c);

/*
 * Forget what was fetched and not sent: the store knows better (an item was cancelled, dropped, put behind another one). What is under
 * way stays so.
 */
void courier_forget_fetched(struct courier *c);

/* Tell digests that still collect at once, from now on: nothing more will come (--once). */
void courier_flush(struct courier *c);

/* By the operator; kept in the store. done(NULL) when it is on disk; done may be NULL. */
typedef void courier_done_fn(void *arg, const struct err *failed);
void courier_pause(struct courier *c, courier_done_fn *done, void *arg);
void courier_resume(struct courier *c, courier_done_fn *done, void *arg);

/* Send with the new configuration from now on. On -1 the old one stays. Attempts under way end with the old one. */
int courier_reconfigure(struct courier *c, const struct conf_sink *conf, struct err *e);

/*
 * Send a marked test notice through the same code as a real one, past the queue, also while paused or failing.
 * on_step is called for each step; on_done once at the end (never before this returns) with the result, also when the courier is
 * drained or freed meanwhile.
 * -1 with e: it could not be started, or another test is under way (temporary).
 */
int courier_test(struct courier *c, sink_step_fn *on_step, sink_done_fn *on_done, void *arg,
                 struct err *e);

/* An alert of our own that the store could not take. */
struct courier_unrecorded {
	struct span event; /* copied */
	enum change change;
	enum severity severity;
	const char *thread_key, *message_key;
};
/* Send it, one attempt, past the queue. told is called once, never before this returns, and not after courier_free. -1 with e: not
 * started, told is not called (ERR_CANCELLED: this sink is not to be used). */
typedef void courier_told_fn(bool is_ok, void *arg);
int courier_tell(struct courier *c, const struct courier_unrecorded *u, courier_told_fn *told,
                 void *arg, struct err *e);

/* Start nothing new; hooks.on_quiet fires when what was under way is sent and recorded. */
void courier_drain(struct courier *c);
/* Not, after all: go on. What is still under way is this courier's; a second one would send it again. */
void courier_undrain(struct courier *c);

/* Nothing under way, no job, nothing known to be due now. */
bool courier_is_quiet(const struct courier *c);

/* For status, `sink list` and readiness. Strings live until the courier next runs. */
struct courier_status {
	const char *name, *kind;
	enum courier_state state;
	size_t in_flight;                 /* sent and not yet recorded */
	size_t fetched;                   /* taken from the store, not yet sent */
	uint64_t gathered;                /* in a digest that still collects */
	uint64_t delivered, failed, dead; /* attempts since start */
	unsigned streak;                  /* failures in a row */
	int64_t since_ms;                 /* in this state since (wall) */
	int64_t next_ms;                  /* next attempt or retry (wall), 0 = none planned */
	int64_t last_ok_ms;               /* 0 = never since start */
	const char *last_error;           /* clean line, "" = none */
};
void courier_get_status(const struct courier *c, struct courier_status *ret);

const char *courier_name(const struct courier *c);

#endif
