/*
 * walk: see walk.h.
 *
 * A window is [start_ms, end_ms]. The next one starts at the end of the one before it, inclusive: an instant read twice is
 * deduplicated by the store, an instant read never is lost. Ends are multiples of unit_ms, so that an API that cuts
 * fractions of a second off its filters still sees whole windows.
 *
 * Brent: the token and page at anchor_index are kept; every later page is compared with them, and the anchor moves to
 * the current page whenever page_index has doubled. A sequence that repeats with any period p from any page m on is found
 * within 3 * max(m, p) pages, with two numbers of memory. The page before is kept too, to find the common case at once.
 */
#include "config.h"

#include "source/walk.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static void begin_window(struct walk *w, int64_t start_ms, int64_t end_ms);
static void rewind_window(struct walk *w);
static enum walk_verdict halve(struct walk *w);
static bool is_repeat(struct walk *w, const struct walk_page *page);
static void follow_order(struct walk *w, const struct walk_page *page);
static void judge_watermark(struct walk *w, struct walk_result *r);

static int64_t
floor_to(int64_t ms, int64_t unit)
{
	return ms - ((ms % unit) + unit) % unit;
}

static int64_t
ceil_to(int64_t ms, int64_t unit)
{
	return floor_to(ms + unit - 1, unit);
}

void
walk_begin(struct walk *w, const struct source_kind *kind, int64_t from_ms, int64_t watermark_ms,
           int64_t goal_ms, bool is_open_only)
{
	unsigned page_size = w->page_size == 0 ? kind->page_max : w->page_size * 2;

	walk_done(w);
	w->is_active = true;
	w->unit_ms = kind->window_min_ms;
	w->page_max = kind->page_max;
	w->page_size = page_size < w->page_max ? page_size : w->page_max;
	w->is_open_only = is_open_only;
	w->watermark_ms = watermark_ms;
	w->goal_ms = ceil_to(goal_ms, w->unit_ms);
	w->pages = w->findings = w->repeats = w->restarts = w->halvings = 0;
	begin_window(w, floor_to(from_ms < goal_ms ? from_ms : goal_ms, w->unit_ms), w->goal_ms);
}

void
walk_done(struct walk *w)
{
	mem_free(w->token);
	w->token = NULL;
	w->token_len = 0;
	w->is_active = false;
}

bool
walk_query(const struct walk *w, struct source_query *ret, struct span *ret_token)
{
	if (!w->is_active || w->is_window_read)
		return false;
	*ret = (struct source_query){
		.start_ms = w->start_ms,
		.end_ms = w->end_ms,
		.is_open_only = w->is_open_only,
		.page_size = w->page_size,
	};
	*ret_token = (struct span){ w->token, w->token_len };
	return true;
}

static uint64_t
hash_span(struct span s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h | 1; /* 0 means none */
}

/* The window cannot go on like this: from its start first, then smaller. */
static enum walk_verdict
restart_or_halve(struct walk *w, unsigned *count, unsigned limit)
{
	if (*count >= limit)
		return halve(w);
	(*count)++;
	w->restarts++;
	rewind_window(w);
	return WALK_RESTART;
}

enum walk_verdict
walk_on_page(struct walk *w, const struct walk_page *page)
{
	assert(w->is_active && !w->is_window_read);
	w->empty_run = page->count == 0 ? w->empty_run + 1 : 0;
	if (!is_repeat(w, page) && w->empty_run <= WALK_EMPTY_PAGES_MAX)
		return WALK_TAKE;
	w->repeats++;
	return restart_or_halve(w, &w->loop_restarts, 1);
}

void
walk_take(struct walk *w, const struct walk_page *page, struct walk_result *ret)
{
	assert(w->is_active && !w->is_window_read);
	w->page_index++;
	w->pages++;
	w->findings += page->count;
	follow_order(w, page);

	mem_free(w->token);
	w->token_len = page->token.len;
	w->token = w->token_len == 0 ? NULL : span_dup(page->token);
	w->is_window_read = w->token_len == 0;

	*ret = (struct walk_result){
		.is_last = w->is_window_read,
		.is_final = w->is_window_read && w->end_ms >= w->goal_ms,
	};
	judge_watermark(w, ret);
}

enum walk_verdict
walk_on_failure(struct walk *w, enum walk_failure failure)
{
	if (failure == WALK_FAILED_TOKEN && w->token)
		return restart_or_halve(w, &w->token_restarts, WALK_TOKEN_RESTARTS);
	if (failure != WALK_FAILED_TOO_BIG)
		return WALK_AGAIN;
	if (w->page_size <= 1)
		return WALK_STUCK;
	w->page_size /= 2;
	rewind_window(w);
	return WALK_RESTART;
}

bool
walk_on_committed(struct walk *w, const struct walk_result *result)
{
	int64_t length = w->end_ms - w->start_ms;

	if (!w->is_active)
		return false;
	if (result->has_watermark && result->watermark_ms > w->watermark_ms)
		w->watermark_ms = result->watermark_ms;
	if (!result->is_last) {
		/* A checkpoint: should the window start again, then from here. Its question stays as it is. */
		if (result->has_watermark && result->watermark_ms > w->resume_ms)
			w->resume_ms = floor_to(
				result->watermark_ms < w->end_ms ? result->watermark_ms : w->end_ms,
				w->unit_ms);
		return false;
	}
	if (w->end_ms >= w->goal_ms) {
		walk_done(w);
		return true;
	}
	length = length < w->unit_ms ? w->unit_ms : length;
	begin_window(w, w->end_ms,
	             w->goal_ms - w->end_ms > 2 * length ? w->end_ms + 2 * length : w->goal_ms);
	return false;
}

void
walk_restart(struct walk *w)
{
	if (w->is_active)
		rewind_window(w);
}

static void
begin_window(struct walk *w, int64_t start_ms, int64_t end_ms)
{
	w->start_ms = w->resume_ms = start_ms;
	w->end_ms = end_ms;
	w->loop_restarts = w->token_restarts = 0;
	rewind_window(w);
}

/* To the first page of what is left of the window. */
static void
rewind_window(struct walk *w)
{
	w->start_ms = w->resume_ms;
	mem_free(w->token);
	w->token = NULL;
	w->token_len = 0;
	w->is_window_read = false;
	w->page_index = 0;
	w->anchor_index = 0;
	w->anchor_token = w->anchor_page = w->last_token = w->last_page = 0;
	w->empty_run = 0;
	w->is_ascending = true;
	w->max_seen_ms = INT64_MIN;
	w->checkpoint_index = 0;
}

static enum walk_verdict
halve(struct walk *w)
{
	int64_t half = floor_to((w->end_ms - w->resume_ms) / 2, w->unit_ms);

	if (half < w->unit_ms) {
		begin_window(w, w->resume_ms, w->end_ms);
		return WALK_STUCK;
	}
	w->halvings++;
	begin_window(w, w->resume_ms, w->resume_ms + half);
	return WALK_RESTART;
}

static bool
is_repeat(struct walk *w, const struct walk_page *page)
{
	uint64_t token = page->token.len == 0 ? 0 : hash_span(page->token);
	uint64_t print = page->count == 0 ? 0 : page->fingerprint;

	if (token != 0 && (token == w->anchor_token || token == w->last_token))
		return true;
	if (print != 0 && (print == w->anchor_page || print == w->last_page))
		return true;
	w->last_token = token;
	w->last_page = print;
	if (w->page_index >= 2 * w->anchor_index) {
		w->anchor_index = w->page_index == 0 ? 1 : w->page_index;
		w->anchor_token = token;
		w->anchor_page = print;
	}
	return false;
}

/* Does every page begin where the one before it ended, within the window? */
static void
follow_order(struct walk *w, const struct walk_page *page)
{
	if (page->count == 0)
		return;
	if (!page->has_times || page->min_ms < w->max_seen_ms || page->min_ms < w->start_ms ||
	    page->max_ms > w->end_ms)
		w->is_ascending = false;
	if (page->max_ms > w->max_seen_ms)
		w->max_seen_ms = page->max_ms;
}

/*
 * What may be committed with the page just taken: the window's end with its last page; else, every so many pages in
 * verified order, the newest instant seen: all that lies before it was on this page or an earlier one. It never goes back.
 */
static void
judge_watermark(struct walk *w, struct walk_result *r)
{
	int64_t mark;

	if (r->is_last) {
		mark = w->end_ms;
	} else {
		if (!w->is_ascending || w->max_seen_ms == INT64_MIN ||
		    w->page_index - w->checkpoint_index < WALK_CHECKPOINT_PAGES)
			return;
		w->checkpoint_index = w->page_index;
		mark = w->max_seen_ms;
	}
	r->has_watermark = true;
	r->watermark_ms = mark;
}
