/*
 * page: the findings of one answer, on their way from the poller to the store, and the budget for their bytes.
 *
 * A page belongs to whoever was handed it (poller_page_fn) until page_free, which gives its bytes back to the budget;
 * it stays valid after the poller is gone. It is read by the loop's and the store's thread, one after the other.
 */
#ifndef FD_SOURCE_PAGE_H
#define FD_SOURCE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "event/finding.h"
#include "source/source.h"

struct budget;

/* The cursor of one stream of one (source, account, region), as kept in the store. Zero = never ran. */
struct source_cursor {
	int64_t watermark_ms; /* all that was updated before this (AWS's time) was read */
	int64_t started_ms;   /* AWS's time at the very first start; the same in all streams */
	int64_t until_ms; /* STREAM_BACKFILL: where it ends; done when watermark_ms has reached it. STREAM_SWEEP: how far the
	                   * one under way is; 0 = none is. Else 0 */
	int64_t last_success_ms;   /* AWS's time when the watermark was last moved */
	struct source_start start; /* what `start` was then; the baseline follows it for ever */
};

struct page {
	struct span *findings; /* raw objects, in the order of the answer */
	size_t count;
	enum finding_view view;
	enum source_stream stream;
	const char *source; /* name in the configuration */
	const char *
		account; /* id of the polled account, "" = not known yet (own account before its first answer) */
	const char *region;
	int64_t request_started_ms; /* AWS's time when the request for these findings was started */
	bool is_last;               /* of its window */

	/* To be written in the page's transaction: cursors[i] for streams where has_cursor[i]. Nothing else moves a cursor. */
	struct source_cursor cursors[SOURCE_CURSOR_COUNT];
	bool has_cursor[SOURCE_CURSOR_COUNT];

	/* First sight: what is silent when it was never seen before (page_is_baseline). */
	struct source_start start;
	int64_t started_ms;

	/* STREAM_REREAD: the ids that were asked for (raw), findings that are not among the answer's are gone or aged out. */
	struct span *asked;
	size_t asked_count;
	bool is_partial; /* the answer goes on elsewhere: what is not in it is not known to be gone */

	/* Private: use page_free. */
	struct buf bytes;
	char *asked_bytes;
	char *names;
	struct budget *budget;
	size_t reserved;
};

/* True: a finding of these instants that was never seen before is remembered silently (DESIGN, "First sight"). */
bool page_is_baseline(const struct page *p, int64_t created_ms, int64_t updated_ms);

/* The instant that belongs to start: NOW: the first start; AGO, AT: since when what is updated is told; OPEN: 0. */
int64_t page_start_ms(const struct page *p);

/* Free, and give the bytes back to the budget. Loop's thread. NULL does nothing. */
void page_free(struct page *p);

/*
 * The budget: bytes of answers that may be in memory or under way at once, over all pollers. Who does not get its share
 * is called, in order of asking, when there is room.
 */
typedef void budget_fn(void *arg);
struct budget_wait {
	struct budget_wait *next, *prev; /* private */
	bool is_waiting;
	size_t bytes;
	budget_fn *fn;
	void *arg;
};

struct budget *budget_new(size_t max_bytes);
void budget_free(struct budget *b); /* nobody may hold or wait any more */
/* True: taken. False: w is queued; fn is called once, when bytes were taken for it (never within this call). */
bool budget_take(struct budget *b, size_t bytes, struct budget_wait *w, budget_fn *fn, void *arg);
void budget_cancel(struct budget *b, struct budget_wait *w); /* not waiting: nothing */
void budget_give(struct budget *b, size_t bytes);
size_t budget_used(const struct budget *b);

#endif
