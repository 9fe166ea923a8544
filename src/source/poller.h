/*
 * poller: polls one (source, account, region): asks, pages, hands over, waits.
 *
 * It walks frozen windows (walk.h) by AWS's clock, hands each page to on_page and moves on only when told that the page
 * is committed. It never gives up: trouble is logged in one line that says what to do, backed off from, and tried
 * again; a service that is off there is a state. What it costs while idle is this struct: no handle, no buffer.
 *
 * Loop's thread only. It logs (poll.*).
 */
#ifndef FD_SOURCE_POLLER_H
#define FD_SOURCE_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/page.h"
#include "source/source.h"

struct api_env;
struct cred;
struct loop;
struct poller;

/* Drawn, with the arrows, at the top of poller.c. */
enum poller_state {
	POLLER_IDLE = 0, /* before poller_start */
	POLLER_CLOCK,    /* asks for AWS's time */
	POLLER_DETECTOR, /* asks which detector there is */
	POLLER_BUDGET,   /* waits for room in memory */
	POLLER_LISTING,  /* asks for a page, or for a page of ids */
	POLLER_GETTING,  /* asks for the findings of these ids */
	POLLER_HANDING, /* has a page that cannot be handed over yet: the one before it is not committed */
	POLLER_WAITING,  /* all is read; until the next poll */
	POLLER_BACKOFF,  /* something failed; until it is tried again */
	POLLER_OFF,      /* the service is off in this region; asked again every hour */
	POLLER_STOPPING, /* waits for the commit of what was handed over */
	POLLER_STOPPED,
};
const char *poller_state_name(enum poller_state s);

/*
 * Take a page: it is the callee's now (page_free), and poller_page_done must be called once for it, later, never from
 * within. page->has_cursor may be set on a page without findings.
 */
typedef void poller_page_fn(void *arg, struct poller *p, struct page *page);

/* All optional. None of them may free the poller. */
struct poller_hooks {
	void (*on_failing)(struct poller *p, const struct err *why,
	                   void *arg); /* once, when it stops working */
	void (*on_recovered)(struct poller *p, int64_t down_ms,
	                     void *arg); /* once, when it works again */
	void (*on_off)(struct poller *p, bool is_off, const char *why,
	               void *arg); /* service off, or on again */
	/* A live window starts over 10 min late: we were blind from..to (AWS's time). What happened then is read now. */
	void (*on_gap)(struct poller *p, int64_t from_ms, int64_t to_ms, void *arg);
	/* Does another region answer with the same credentials? Then a refusal of theirs means that this region is not
	 * opted in: a state, not a fault. Missing: no. */
	bool (*is_account_working)(struct poller *p, void *arg);
	/* All that is due was read and committed, or (is_failed) cannot be now. For --once. May fire often. */
	void (*on_caught_up)(struct poller *p, bool is_failed, void *arg);
};

struct poller_options {
	struct loop *loop;
	struct api_env *api;
	struct budget *budget;
	struct cred *
		cred; /* whose credentials; borrowed, outlives the poller; NULL = the process's own */
	const struct source_kind *kind;
	const char *source;                        /* name; copied */
	const char *account;                       /* account id; copied; may be "" */
	const char *account_name;                  /* for logs; copied; may be "" */
	const char *region;                        /* copied */
	int64_t interval_ms, overlap_ms, sweep_ms; /* sweep_ms 0 = no sweep */
	int64_t timeout_ms;                        /* of one attempt of one call; 0 = api's own */
	double rate_per_s; /* of the findings API; 0 = AWS's published quota */
	struct source_start start;
	struct source_cursor
		cursors[SOURCE_CURSOR_COUNT]; /* as the store has them, by stream; zero = none */
	bool is_once;         /* stop polling when all that is due was read: WAITING, no timer */
	uint32_t random_seed; /* 0 = a random one; tests fix it */
	poller_page_fn *on_page;
	struct poller_hooks hooks;
	void *arg; /* of on_page and the hooks */
};

/* Cannot fail. Nothing happens before poller_start. */
struct poller *poller_new(const struct poller_options *o);

/* Begin; the first request goes out delay_ms from now (spreads pollers over the interval; 0 = at once). */
void poller_start(struct poller *p, int64_t delay_ms);

/* The page handed over last is committed (failed = NULL), or could not be: then its window is read again later. */
void poller_page_done(struct poller *p, const struct err *failed);

/* Poll now: ends waiting, back-off and OFF. While it asks: once more afterwards. */
void poller_poke(struct poller *p);

/* New intervals after a reload; cursor and back-off stay. Only interval_ms, overlap_ms, sweep_ms,
 * timeout_ms, rate_per_s and is_once are read. */
void poller_reconfigure(struct poller *p, const struct poller_options *o);

/*
 * Re-read findings by id (identity's id, raw) soon: each answer is a page of STREAM_REREAD. Copies them.
 * false: a re-read is under way already, or the poller cannot ask now.
 */
bool poller_reread(struct poller *p, const struct span *ids, size_t count);

/* Stop asking. on_stopped is called once, never from within, when nothing is under way any more and no page waits for
 * its poller_page_done. */
void poller_stop(struct poller *p, void (*on_stopped)(struct poller *p, void *arg), void *arg);

/* Free; cancels what is under way. Not while a page waits for poller_page_done (stop first). NULL does nothing. */
void poller_free(struct poller *p);

/* For status, metrics and readiness. Strings live until the poller next runs. */
struct poller_status {
	const char *source, *account, *account_name, *region;
	enum poller_state state;
	int64_t lag_ms;          /* AWS's now - live watermark; -1 = not known yet */
	int64_t watermark_ms;    /* live; 0 = none */
	int64_t last_success_ms; /* wall; 0 = never since start */
	int64_t next_ms;         /* wall, of the next poll or try; 0 = under way */
	bool is_caught_up; /* the live walk reached its end since start, and back-fill is done */
	bool is_failing;
	bool is_region_refused; /* last: credentials that this region does not know; maybe it is not opted in */
	const char *last_error; /* "" = none */
	int64_t backfill_ms;    /* what is left to fill in, 0 = done */
	uint64_t polls, pages, findings, failures, pages_repeated, restarts, halvings;
};
void poller_get_status(const struct poller *p, struct poller_status *ret);

#endif
