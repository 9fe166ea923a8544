/*
 * walk: one stretch of time of one API, read window by window and page by page. Deciding only.
 *
 * The question of a window is frozen: start, end and page size are the same on every page, only the token changes. The
 * watermark becomes the window's end only with its last page; a long window in verified ascending order also commits what it
 * has passed every 50 pages. Whatever goes wrong makes the window start again, then makes it smaller, and below the
 * smallest size the walk is stuck: the poller backs off and says so. A walk never loops and never skips:
 * - a token or page that comes again (any period; Brent's cycle finding, in constant memory), or too many empty pages in
 *   a row: once from the start of the window, then half the window;
 * - a token that the API refuses (expired, changed query): three times from the start, then half the window;
 * - an answer over the ceiling: half the page size, down to 1;
 * - anything else: the same page again, later.
 *
 * Pure: no clock, no I/O; memory is one token. Sources: DESIGN section 3 "Cursor"; AWS-FACTS 2.3; ASKS R1-R7, R12, R13.
 */
#ifndef FD_SOURCE_WALK_H
#define FD_SOURCE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "source/source.h"

enum {
	WALK_CHECKPOINT_PAGES = 50,
	WALK_TOKEN_RESTARTS = 3,
	WALK_EMPTY_PAGES_MAX = 1000,
};

/* Open value type; change it only through these functions. Zero-initialised: not walking. */
struct walk {
	bool is_active;
	/* What is to be read: up to goal_ms. What is done: watermark_ms, committed. */
	int64_t goal_ms;
	int64_t watermark_ms;
	/* The window under way, both ends inclusive. */
	int64_t start_ms, end_ms;
	int64_t resume_ms; /* where it starts should it start again: the last checkpoint */
	int64_t unit_ms;   /* smallest window; ends are multiples of it */
	unsigned page_size, page_max;
	bool is_open_only;
	char *token; /* raw; NULL = first page is next */
	size_t token_len;
	bool is_window_read; /* its last page was taken; waits for the commit */
	/* Guards, per window. */
	uint64_t page_index;   /* pages taken */
	uint64_t anchor_index; /* Brent: compared with until page_index reaches twice this */
	uint64_t anchor_token, anchor_page, last_token, last_page;
	unsigned empty_run;
	unsigned loop_restarts, token_restarts;
	/* Ascending order, per window. */
	bool is_ascending;
	int64_t max_seen_ms;
	uint64_t checkpoint_index; /* page at which the last checkpoint was */
	/* For status. */
	uint64_t pages, findings, repeats, restarts, halvings;
};

/* What the poller does next. */
enum walk_verdict {
	WALK_TAKE,    /* go on with walk_take, then hand the page over */
	WALK_AGAIN,   /* ask the same again, after a back-off */
	WALK_RESTART, /* the page is void: ask walk_query again, at once */
	WALK_STUCK,   /* cannot get smaller: back off, say so, then walk_query again */
};

/* What a page that came looks like. */
struct walk_page {
	size_t count;
	struct span token;    /* raw; empty = last */
	uint64_t fingerprint; /* of the page's items: equal pages have equal ones; 0 = none */
	/* Instants of the items; has_times false: at least one could not be read, or they are not known (yet). */
	bool has_times;
	int64_t min_ms, max_ms;
};

/* With WALK_TAKE: what is to be committed with the page. */
struct walk_result {
	bool is_last;       /* of the window */
	bool is_final;      /* of the walk */
	bool has_watermark; /* all up to watermark_ms was read */
	int64_t watermark_ms;
};

/*
 * Begin: read [from_ms, goal_ms] of what watermark_ms says is known up to (from_ms may lie behind it: overlap). An
 * earlier walk of the same struct leaves its page size.
 */
void walk_begin(struct walk *w, const struct source_kind *kind, int64_t from_ms,
                int64_t watermark_ms, int64_t goal_ms, bool is_open_only);
void walk_done(struct walk *w); /* frees the token; not walking */

/* The question to ask now. False: nothing to ask (not active, or the window waits for its commit). */
bool walk_query(const struct walk *w, struct source_query *ret, struct span *ret_token);

/* A page came: may it be taken? Looks at its count, token and fingerprint only. */
enum walk_verdict walk_on_page(struct walk *w, const struct walk_page *page);
/* Then, when its findings are there: take it. */
void walk_take(struct walk *w, const struct walk_page *page, struct walk_result *ret);

enum walk_failure {
	WALK_FAILED_TOKEN,   /* the API refused the token */
	WALK_FAILED_TOO_BIG, /* over the ceiling */
	WALK_FAILED_ELSE,
};
enum walk_verdict walk_on_failure(struct walk *w, enum walk_failure failure);

/*
 * The page with this result was committed. True: the whole walk is done (watermark_ms has reached the goal); else there
 * may be a next window.
 */
bool walk_on_committed(struct walk *w, const struct walk_result *result);

/* A page could not be committed: read again from what is committed. */
void walk_restart(struct walk *w);

#endif
