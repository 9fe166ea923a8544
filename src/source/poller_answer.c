/*
 * poller_answer: what came is read, judged by its walk, and made a page.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "aws/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "source/poller_impl.h"
#include "json/pick.h"
#include "json/scan.h"

static void on_ids(struct poller *p, struct api_answer *a);

/* AWS gives empty pages that go on: none on this page says nothing of the next. True: the next one is asked for. */
static bool
ask_for_more_detectors(struct unit *u, struct api_answer *a, struct span token, struct err *e)
{
	enum { PAGES_MAX = 20 };

	if (++u->detector_pages == PAGES_MAX) {
		(void)err_set(e, ERR_PARSE, "page after page without a detector");
		return false;
	}
	buf_done(&u->ids_bytes);
	u->ids_bytes = a->body;
	a->body = (struct buf){ 0 };
	u->facts.token = token;
	u->phase = UNIT_DETECTOR; /* poller_next resumes it */
	return true;
}

void
unit_on_detectors(struct poller *p, struct api_answer *a)
{
	struct span detector, token;
	struct err e = { 0 };

	if (p->kind->read_detectors((struct span){ a->body.data, a->body.len }, &detector, &token,
	                            &e)) {
		unit_page_failed(p, &e);
		return;
	}
	if (detector.len == 0 && token.len > 0) {
		if (!ask_for_more_detectors(p->unit, a, token, &e))
			unit_page_failed(p, &e);
		return;
	}
	unit_free(p);
	mem_free(p->detector);
	p->detector = NULL;
	if (detector.len == 0) {
		(void)err_set(&e, ERR_DISABLED, "no detector: %s is not enabled there",
		              p->kind->name);
		poller_went_off(p, &e);
		return;
	}
	p->detector = span_dup(detector);
	p->detector_mono_ms = a->request_started_mono_ms;
}

/* The member that the API sorts by. */
static bool
updated_of(struct span finding, const char *key, int64_t *ret_ms)
{
	const struct pick_key wanted = { key, strlen(key), 0, NULL, 0 };
	struct span raw, text;

	return pick(finding, &wanted, 1, &raw, 1) && raw.p != NULL && scan_string_of(raw, &text) &&
	       timefmt_parse(text, ret_ms, NULL);
}

/* Order matters only to walks of several pages. */
static void
follow_times(struct walk_page *facts, const struct source_kind *kind,
             const struct source_page *page)
{
	for (size_t i = 0; facts->has_times && i < page->count; i++) {
		int64_t ms;

		if (!updated_of(page->items[i], kind->updated_key, &ms)) {
			facts->has_times = false;
		} else {
			facts->min_ms = ms < facts->min_ms ? ms : facts->min_ms;
			facts->max_ms = ms > facts->max_ms ? ms : facts->max_ms;
		}
	}
}

static uint64_t
fingerprint(const struct source_page *page)
{
	uint64_t h = 14695981039346656037u ^ page->count; /* FNV-1a */

	if (page->count == 0)
		return 0;
	for (size_t i = 0; i < page->items[0].len; i++)
		h = (h ^ (unsigned char)page->items[0].p[i]) * 1099511628211u;
	return h | 1;
}

static struct walk_page
facts_of(const struct source_page *page)
{
	return (struct walk_page){ .count = page->count,
		                   .token = page->token,
		                   .fingerprint = fingerprint(page),
		                   .has_times = true,
		                   .min_ms = INT64_MAX,
		                   .max_ms = INT64_MIN };
}

/* Give back what was reserved too much, and guess the next page's size from this one's. */
static void
settle_reserve(struct poller *p, struct unit *u, size_t bytes)
{
	size_t want = POLLER_RESERVE_MIN;

	if (u->reserved > bytes) {
		budget_give(p->budget, u->reserved - bytes);
		u->reserved = bytes;
	}
	while (want < bytes + bytes / 2 && want < POLLER_RESERVE_MAX)
		want *= 2;
	/* Grows at once, shrinks by halves. */
	p->reserve = want > p->reserve / 2 ? (uint32_t)want : p->reserve / 2;
}

/* Turn the answer into a page; it owns bytes, spans and its part of the budget from then on. */
static struct page *
make_page(struct poller *p, struct api_answer *a, struct source_page *found)
{
	struct unit *u = p->unit;
	struct page *page = walks_page_new(p, u->stream);

	settle_reserve(p, u, a->body.len);
	page->findings = found->items;
	page->count = found->count;
	*found = (struct source_page){ 0 };
	page->bytes = a->body;
	a->body = (struct buf){ 0 };
	page->budget = p->budget;
	page->reserved = u->reserved;
	u->reserved = 0;
	page->request_started_ms = a->request_started_aws_ms;
	if (page->request_started_ms < 0)
		(void)poller_aws_now(p, &page->request_started_ms);
	return page;
}

static void
deliver(struct poller *p, struct page *page, const struct walk_result *result)
{
	page->is_last = result->is_last;
	if (!p->handed) {
		walks_hand(p, page, result);
		return;
	}
	p->ready = mem_zalloc(sizeof(*p->ready));
	*p->ready = (struct ready){ page, *result };
	poller_enter(p, POLLER_HANDING);
}

void
unit_on_list(struct poller *p, struct api_answer *a)
{
	struct unit *u = p->unit;
	struct walk *w = &unit_slot(p, u)->walk;
	struct source_page found = { 0 };
	struct walk_result result;
	struct err e = { 0 };
	enum walk_verdict verdict;
	struct page *page;

	if (p->kind->build_get) {
		on_ids(p, a);
		return;
	}
	if (p->kind->read_list((struct span){ a->body.data, a->body.len }, &found, &e)) {
		unit_page_failed(p, &e);
		return;
	}
	u->facts = facts_of(&found);
	verdict = walk_on_page(w, &u->facts);
	if (verdict != WALK_TAKE) {
		source_page_done(&found);
		unit_obey(p, verdict, "the API gives the same page or token again");
		return;
	}
	if (u->facts.token.len > 0 || w->page_index > 0)
		follow_times(&u->facts, p->kind, &found);
	walk_take(w, &u->facts, &result);
	page = make_page(p, a, &found);
	unit_free(p);
	deliver(p, page, &result);
}

/* Two calls: the first one's answer. */
static void
on_ids(struct poller *p, struct api_answer *a)
{
	struct unit *u = p->unit;
	struct walk *w = &unit_slot(p, u)->walk;
	struct walk_result result;
	struct err e = { 0 };
	enum walk_verdict verdict;
	struct page *page;

	buf_done(&u->ids_bytes);
	u->ids_bytes = a->body;
	a->body = (struct buf){ 0 };
	if (p->kind->read_list((struct span){ u->ids_bytes.data, u->ids_bytes.len }, &u->ids, &e)) {
		unit_page_failed(p, &e);
		return;
	}
	u->facts = facts_of(&u->ids);
	verdict = walk_on_page(w, &u->facts);
	if (verdict != WALK_TAKE) {
		unit_obey(p, verdict, "the API gives the same page or token again");
		return;
	}
	if (u->ids.count > 0) {
		u->phase = UNIT_GET; /* poller_next resumes it */
		return;
	}
	walk_take(w, &u->facts, &result);
	page = walks_page_new(p, u->stream);
	unit_free(p);
	deliver(p, page, &result);
}

/* The second call gave less than was asked for: once more, it may have been too fresh to be seen. */
static bool
is_short(struct poller *p, struct unit *u, size_t count)
{
	if (u->stream == STREAM_REREAD || count >= u->batch)
		return false;
	if (!u->has_asked_again) {
		u->has_asked_again = true;
		return true;
	}
	log_info(
		"poll.missing source=%s region=%s account=%s stream=%s asked=%zu got=%zu \"ids that were "
		"listed are gone\"",
		p->source, p->region, p->account_name, source_stream_name(u->stream), u->batch,
		count);
	return false;
}

static void
add_asked(struct poller *p, struct page *page)
{
	size_t bytes = 0;
	char *text;

	unit_reread_ids(p, page->asked = mem_calloc(p->reread_count, sizeof(*page->asked)));
	for (size_t i = 0; i < p->reread_count; i++)
		bytes += page->asked[i].len + 1;
	text = mem_dup(p->reread, bytes);
	page->asked_count = p->reread_count;
	page->asked_bytes = text;
	for (size_t i = 0; i < p->reread_count; i++)
		page->asked[i].p = text + (page->asked[i].p - p->reread);
	mem_free(p->reread);
	p->reread = NULL;
	p->reread_count = 0;
}

void
unit_on_findings(struct poller *p, struct api_answer *a)
{
	struct unit *u = p->unit;
	struct span text = { a->body.data, a->body.len };
	struct walk_result result = { 0 };
	struct source_page found = { 0 };
	struct err e = { 0 };
	struct page *page;

	if ((p->kind->read_get ? p->kind->read_get : p->kind->read_list)(text, &found, &e)) {
		unit_page_failed(p, &e);
		return;
	}
	if (is_short(p, u, found.count)) {
		source_page_done(&found);
		unit_give_back(p, u);
		return;
	}
	if (u->stream == STREAM_REREAD) {
		bool is_partial = found.token.len > 0;
		page = make_page(p, a, &found);
		add_asked(p, page);
		page->is_partial = is_partial;
		unit_free(p);
		deliver(p, page, &result);
		return;
	}
	follow_times(&u->facts, p->kind, &found);
	u->ids_taken += u->batch;
	u->has_asked_again = false;
	page = make_page(p, a, &found);
	if (u->ids_taken == u->ids.count) {
		walk_take(&p->slots[u->stream]->walk, &u->facts, &result);
		unit_free(p);
	}
	deliver(p, page, &result);
}
