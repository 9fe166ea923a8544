/*
 * poller_impl: the poller's inside, shared by its three files: poller.c (states and time), poller_ask.c (requests and
 * answers), poller_walks.c (what to read, and what was committed). Nobody else includes it.
 */
#ifndef FD_SOURCE_POLLER_IMPL_H
#define FD_SOURCE_POLLER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/poller.h"
#include "source/walk.h"

struct api;
struct api_answer;
struct timer;

#define POLLER_MAGIC UINT32_C(0x706f6c6c)

enum {
	POLLER_LIVE_OVERLAP_MS = 2 * 60 * 1000,
	POLLER_LATE_EVERY_MS = 5 * 60 * 1000,
	POLLER_PERSIST_EVERY_MS = 5 * 60 * 1000, /* of a watermark that moves without findings */
	POLLER_GAP_MS = 10 * 60 * 1000,
	POLLER_AHEAD_MS = 60 * 1000, /* a watermark further in the future is wrong */
	POLLER_OFF_EVERY_MS = 60 * 60 * 1000,
	POLLER_DETECTOR_EVERY_MS = 60 * 60 * 1000,
	POLLER_BACKOFF_BASE_MS = 1000,
	POLLER_BACKOFF_MAX_MS = 5 * 60 * 1000,
	POLLER_BACKOFF_MIN_MS = 250,
	POLLER_FAILING_AFTER = 3, /* tries in a row */
	POLLER_LIVE_TURNS = 3, /* pages of the live walk for one of another, while both have some */
	POLLER_WALK_TURNS = 3, /* pages of walks for one re-read */
};
#define POLLER_SWEEP_BACK_MS (INT64_C(7) * 24 * 60 * 60 * 1000)
#define POLLER_KEPT_MS       (INT64_C(100) * 24 * 60 * 60 * 1000) /* both services delete after 90 days */

/* Bytes of an answer: what is taken from the budget before it is asked for, and its ceiling. */
enum {
	POLLER_IDS_BYTES = 256 * 1024,
	POLLER_RESERVE_MIN = 64 * 1024,
	POLLER_RESERVE_FIRST = 1024 * 1024,
	POLLER_RESERVE_MAX = 8 * 1024 * 1024,
};

/* A walk under way. */
struct slot {
	struct walk walk;
	int64_t begun_mono_ms;
	int64_t rest_until_mono_ms; /* its own trouble (a page that cannot be read); 0 = none */
	unsigned attempt;
};

enum unit_phase { UNIT_PROBE, UNIT_DETECTOR, UNIT_LIST, UNIT_GET };

/* One page under way, through one or two calls. */
struct unit {
	enum unit_phase phase;
	enum source_stream stream;
	struct source_request request;
	struct api *call;
	struct budget_wait wait;
	size_t reserved; /* taken from the budget for the answer under way */
	size_t ceiling;  /* of the answer */
	struct walk_page
		facts; /* of the list call; its token points into ids_bytes (two calls) or the answer */
	struct buf ids_bytes;   /* two calls: the list call's answer */
	struct source_page ids; /* points into ids_bytes */
	size_t ids_taken;       /* the first so many were handed over */
	size_t batch;           /* ids in the call under way */
	unsigned batch_max;
	unsigned detector_pages; /* that named none and went on */
	bool has_asked_again;    /* for ids that were missing */
};

/* The page that waits for poller_page_done. */
struct handed {
	enum source_stream stream;
	struct walk_result result;
	bool has_cursor[SOURCE_CURSOR_COUNT];
	struct source_cursor cursors[SOURCE_CURSOR_COUNT];
};

/* The page that waits for its turn. */
struct ready {
	struct page *page;
	struct walk_result result;
};

/* Who is told when it has stopped. */
struct stopping {
	void (*on_stopped)(struct poller *p, void *arg);
	void *arg;
};

/* What of a cursor differs between the streams. */
struct mark {
	int64_t watermark_ms, success_ms;
};

/* Some hundred bytes, of which there may be tens of thousands: what only asking needs is in slots and units. */
struct poller {
	uint32_t magic;
	enum poller_state state;
	struct loop *loop;
	struct api_env *api;
	struct budget *budget;
	struct cred *cred;
	const struct source_kind *kind;
	const char *source, *account, *account_name, *region; /* into names */
	char *names;
	poller_page_fn *on_page;
	struct poller_hooks hooks;
	void *arg;
	int64_t interval_ms, overlap_ms, sweep_ms;
	uint32_t timeout_ms; /* of one attempt of one call; 0: api's own */
	float rate_per_s;    /* 0: AWS's published quota */
	/* Cursors, committed or as good as; started_ms 0: none yet, and start is the configuration's. */
	struct mark marks[SOURCE_CURSOR_COUNT];
	int64_t started_ms, fill_until_ms;
	int64_t sweep_at_ms; /* how far the sweep under way is; 0 = none is */
	struct source_start start;
	int64_t live_persisted_ms, late_persisted_ms; /* watermarks that are on disk */
	struct timer *timer;

	struct slot *slots[SOURCE_CURSOR_COUNT];
	uint16_t page_sizes[SOURCE_CURSOR_COUNT]; /* that the last walk ended with */
	struct unit *unit;
	struct ready *ready; /* has come while another is handed over */
	struct handed *handed;
	char *reread; /* ids, one after the other, each with a NUL */

	char *detector;
	int64_t detector_mono_ms;
	int64_t live_due_mono_ms;   /* INT64_MAX: not before a poke */
	int64_t rest_until_mono_ms; /* the service's trouble, or OFF; 0 = none */
	uint32_t reserve;           /* bytes of the budget for the next page */
	uint32_t attempt;
	uint32_t random;
	uint16_t reread_count;
	uint8_t live_turns, walk_turns; /* pages since another walk, since a re-read had its turn */
	int8_t failing_stream;          /* whose trouble made it fail; -1 = the service's */
	bool is_region_refused; /* the last refusal was of the kind of a region that is not opted in */
	bool is_off, is_failing, is_poked, is_once, is_stopping;
	bool is_quiet_due; /* on_quiet waits in the loop */
	bool is_freed;     /* on_quiet frees what is left */
	bool has_polled;   /* the live walk was done once */
	int64_t failing_since_mono_ms;
	int64_t gap_ms; /* watermark of the gap told last */
	int64_t last_success_ms;
	char *last_error;
	struct stopping *stopping;
	uint64_t pages, findings;
	uint32_t polls, failures, pages_repeated, restarts, halvings;
};

/* poller.c */
void poller_next(struct poller *p); /* decide what to do now; nothing if something is under way */
void poller_enter(struct poller *p, enum poller_state state);
/* Something failed. slot: only this walk rests; NULL: the whole poller. */
void poller_failed(struct poller *p, struct slot *slot, const char *what, const struct err *e,
                   int64_t retry_after_ms);
void poller_went_off(struct poller *p, const struct err *e);
void poller_works(struct poller *p,
                  enum source_stream stream); /* its watermark moved: forget the failures */
bool poller_aws_now(const struct poller *p, int64_t *ret_ms);

/* poller_ask.c */
void unit_start(struct poller *p, enum unit_phase phase, enum source_stream stream);
void unit_resume(struct poller *p); /* the call of p->unit again */
void unit_free(struct poller *p);   /* cancels */
bool unit_is_under_way(const struct unit *u);
struct slot *unit_slot(struct poller *p, const struct unit *u); /* its walk; NULL = none */
void unit_give_back(struct poller *p, struct unit *u);          /* to the budget */
void unit_reread_ids(const struct poller *p, struct span *ids); /* reread_count of them */
/* What has come is no use: the walk's trouble, not the service's. Frees the unit. */
void unit_page_failed(struct poller *p, const struct err *e);
/* Do what the walk decided about p->unit, when it is not WALK_TAKE. Frees the unit. */
void unit_obey(struct poller *p, enum walk_verdict verdict, const char *why);

/* poller_answer.c: answers to the calls of p->unit that are no refusals */
void unit_on_detectors(struct poller *p, struct api_answer *a);
void unit_on_list(struct poller *p, struct api_answer *a);
void unit_on_findings(struct poller *p, struct api_answer *a);

/* poller_walks.c */
void walks_begin_due(struct poller *p, int64_t aws_now_ms);
bool walks_pick(struct poller *p, int64_t mono_ms, enum source_stream *ret);
int64_t walks_rest_until(
	const struct poller *p);   /* the earliest of the resting ones; INT64_MAX = none rests */
void walks_drop(struct poller *p); /* all; they begin again from what is committed */
void walks_hand(struct poller *p, struct page *page, const struct walk_result *result);
struct source_cursor walks_cursor(const struct poller *p, enum source_stream stream);
void walks_set_cursor(struct poller *p, enum source_stream stream, const struct source_cursor *c);
void walks_first_start(struct poller *p, int64_t aws_now_ms);
void walks_on_committed(struct poller *p);
struct page *walks_page_new(struct poller *p, enum source_stream stream);

#endif
