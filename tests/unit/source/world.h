/*
 * world: a service, a store, a clock and a loop to play a poller against; all of them simulated, no second passes.
 *
 * It gives the symbols of net/loop and of aws/api that the source room uses, so the real ones are not linked. The service has
 * findings with an update instant each, lists them as the real ones do (filter, order, pages, tokens bound to their query),
 * and fails as a fault function says. Time jumps to whatever comes next.
 */
#ifndef FD_TESTS_WORLD_H
#define FD_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/api.h"
#include "base/buf.h"
#include "source/page.h"
#include "source/poller.h"

enum { WORLD_FINDINGS_MAX = 8192, WORLD_CALLS_MAX = 65536 };

enum world_fault {
	FAULT_NONE = 0,
	FAULT_NET,      /* temporary, no answer */
	FAULT_THROTTLE, /* temporary, Retry-After 2 s */
	FAULT_AUTH,
	FAULT_DISABLED,
	FAULT_BAD_REQUEST, /* 400 */
	FAULT_TOKEN,       /* 400, when there was a token */
	FAULT_TOO_BIG,     /* over the ceiling */
	FAULT_GARBAGE,     /* 200, not JSON */
	FAULT_CUT,         /* 200, cut in the middle */
	FAULT_ERROR_200,   /* 200 with an error inside */
	FAULT_SAME_TOKEN,  /* the page, with the token that was asked with */
	FAULT_EMPTY,       /* no items, the right token for the same place */
	FAULT_UNSORTED,    /* the page's items the other way round */
	FAULT_MISSING,     /* GetFindings leaves one out */
	FAULT_REGION,      /* credentials refused as where a region is not opted in */
};

/* One call as it was asked. */
struct world_call {
	char operation[32];
	int64_t start_ms, end_ms;
	unsigned page_size;
	bool has_token;
	uint64_t query_hash; /* of the body without the token */
	int64_t at_ms;       /* monotonic */
	size_t ceiling;
};

typedef enum world_fault world_fault_fn(const struct world_call *call, size_t index, void *arg);

struct world_finding {
	int64_t updated_ms;
	int64_t visible_ms; /* AWS's time from which on it is listed */
	unsigned committed; /* times it was in a committed page */
	bool is_archived;
};

struct world {
	const struct source_kind *kind;
	int64_t mono_ms, aws_offset_ms;
	bool has_clock; /* an answer was had */
	struct world_finding findings[WORLD_FINDINGS_MAX];
	size_t finding_count;
	world_fault_fn *fault;
	void *fault_arg;
	bool is_hub_on;
	unsigned empty_detector_pages; /* before the one that names it; each with a token */
	size_t filler_bytes;           /* in each finding */
	struct world_call calls[WORLD_CALLS_MAX];
	size_t call_count;
	/* The store. */
	bool is_store_failing;
	int hold_pages; /* > 0: pages wait for world_commit */
	struct page *held;
	struct poller *poller;
	struct source_cursor cursors[SOURCE_CURSOR_COUNT];
	size_t pages_handed, pages_committed;
	void (*on_page)(struct world *w, const struct page *page);
	/* What the poller told. */
	unsigned failing, recovered, off, on, gaps, caught_up, caught_up_failed;
	char last_error[512];
	bool is_stopped;
	struct budget *budget;
	struct loop *loop;
};

extern struct world *world; /* the one that the fakes serve */

void world_init(struct world *w, const struct source_kind *kind);
void world_done(struct world *w);
int64_t world_aws_ms(const struct world *w);
size_t world_add(struct world *w, int64_t updated_ms);

/* A poller on the world's cursors; options may be changed by the caller before poller_new. */
struct poller_options world_options(struct world *w);
struct poller *world_poller(struct world *w, const struct poller_options *o);
/* As a kill would: nothing is told, what was handed over and not committed is lost. */
void world_kill(struct world *w);

/* Do the next thing: a "later", an answer, else the next timer (time jumps). False: nothing will ever happen. */
bool world_step(struct world *w);
/* Steps until the state (or for at most so many steps). */
bool world_run_to(struct world *w, enum poller_state state, size_t steps);
/* Until AWS's time has passed so much. */
void world_run_for(struct world *w, int64_t ms);
void world_commit(struct world *w, bool is_ok);

#endif
