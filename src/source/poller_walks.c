/*
 * poller_walks: which walks are due, whose turn it is, and what their pages commit.
 *
 * Live: [watermark - 2 min, now], every interval. Late: [its watermark - overlap, now], every 5 min: what arrived behind the
 * live one. Back-fill: from `start` to the first start, once. Sweep: 7 days back, every `sweep`; one that was
 * cut short goes on where it was. Each has its cursor; all instants are AWS's.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/poller_impl.h"

static void finish_walk(struct poller *p, enum source_stream stream);

static int64_t
min_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
max_ms(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
begin(struct poller *p, enum source_stream stream, int64_t from_ms, int64_t goal_ms)
{
	struct slot *s = mem_zalloc(sizeof(*s));
	bool is_open_only = stream == STREAM_BACKFILL && p->start.kind == SOURCE_START_OPEN;

	s->begun_mono_ms = clock_mono_ms();
	s->walk.page_size = p->page_sizes[stream];
	walk_begin(&s->walk, p->kind, max_ms(from_ms, 0), p->marks[stream].watermark_ms, goal_ms,
	           is_open_only);
	p->slots[stream] = s;
}

/* A gap is told once, however often its walk begins. */
static void
tell_gap(struct poller *p, int64_t from_ms, int64_t to_ms)
{
	if (to_ms - from_ms < POLLER_GAP_MS + p->interval_ms || from_ms == p->gap_ms)
		return;
	p->gap_ms = from_ms;
	log_warn("poll.gap source=%s region=%s account=%s blind_ms=%" PRId64
	         " \"reads now what was updated meanwhile\"",
	         p->source, p->region, p->account_name, to_ms - from_ms);
	if (p->hooks.on_gap)
		p->hooks.on_gap(p, from_ms, to_ms, p->arg);
}

static void
begin_live(struct poller *p, int64_t now_ms)
{
	struct mark *c = &p->marks[STREAM_LIVE];
	int64_t overlap_ms = min_ms(p->overlap_ms, POLLER_LIVE_OVERLAP_MS);
	int64_t from_ms;

	tell_gap(p, c->watermark_ms, now_ms);
	/* Up to the first start the back-fill reads, if there is one. */
	from_ms = c->watermark_ms - overlap_ms;
	if (p->marks[STREAM_BACKFILL].watermark_ms < p->fill_until_ms)
		from_ms = max_ms(from_ms, p->started_ms);
	/* The Date header counts whole seconds: a second more, so that nothing of this one is left for the next poll. */
	begin(p, STREAM_LIVE, from_ms, now_ms + 1000);
}

/*
 * AWS's clock was ahead when this was written. Nobody knows for how long, so all that a sweep would read is read again,
 * and the start, behind which things are silent, is not left in the future.
 */
static void
take_back(struct poller *p, int64_t now_ms)
{
	struct mark *live = &p->marks[STREAM_LIVE];

	if (live->watermark_ms <= now_ms + POLLER_AHEAD_MS &&
	    p->started_ms <= now_ms + POLLER_AHEAD_MS)
		return;
	log_warn("poll.clock source=%s region=%s account=%s ahead_ms=%" PRId64
	         " \"the watermark lies in the future and is taken back\"",
	         p->source, p->region, p->account_name, live->watermark_ms - now_ms);
	p->started_ms = min_ms(p->started_ms, now_ms);
	p->fill_until_ms = min_ms(p->fill_until_ms, now_ms);
	p->sweep_at_ms = 0;
	p->live_persisted_ms = p->late_persisted_ms = 0;
	live->watermark_ms = min_ms(max_ms(now_ms - POLLER_SWEEP_BACK_MS, p->started_ms), now_ms);
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		p->marks[i].watermark_ms = min_ms(p->marks[i].watermark_ms, live->watermark_ms);
}

void
walks_begin_due(struct poller *p, int64_t aws_now_ms)
{
	const struct mark *c = p->marks;

	take_back(p, aws_now_ms);
	if (!p->slots[STREAM_LIVE] && p->live_due_mono_ms <= clock_mono_ms())
		begin_live(p, aws_now_ms);
	if (!p->slots[STREAM_LATE] && p->overlap_ms > POLLER_LIVE_OVERLAP_MS &&
	    aws_now_ms - c[STREAM_LATE].watermark_ms >= POLLER_LATE_EVERY_MS)
		begin(p, STREAM_LATE, c[STREAM_LATE].watermark_ms - p->overlap_ms, aws_now_ms);
	if (!p->slots[STREAM_BACKFILL] && c[STREAM_BACKFILL].watermark_ms < p->fill_until_ms)
		begin(p, STREAM_BACKFILL, c[STREAM_BACKFILL].watermark_ms, p->fill_until_ms);
	if (!p->slots[STREAM_SWEEP] && p->sweep_ms > 0 &&
	    (p->sweep_at_ms || aws_now_ms - c[STREAM_SWEEP].watermark_ms >= p->sweep_ms))
		begin(p, STREAM_SWEEP, max_ms(aws_now_ms - POLLER_SWEEP_BACK_MS, p->sweep_at_ms),
		      aws_now_ms);
}

static bool
can_ask(const struct poller *p, enum source_stream stream, int64_t mono_ms)
{
	const struct slot *s = p->slots[stream];
	struct source_query q;
	struct span token;

	return s && s->rest_until_mono_ms <= mono_ms && walk_query(&s->walk, &q, &token);
}

bool
walks_pick(struct poller *p, int64_t mono_ms, enum source_stream *ret)
{
	static const enum source_stream others[] = { STREAM_LATE, STREAM_BACKFILL, STREAM_SWEEP };
	bool is_live = can_ask(p, STREAM_LIVE, mono_ms);

	if (!is_live || p->live_turns >= POLLER_LIVE_TURNS) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if (can_ask(p, others[i], mono_ms)) {
				p->live_turns = 0;
				*ret = others[i];
				return true;
			}
	}
	if (p->live_turns < POLLER_LIVE_TURNS)
		p->live_turns++;
	*ret = STREAM_LIVE;
	return is_live;
}

int64_t
walks_rest_until(const struct poller *p)
{
	int64_t until = INT64_MAX;

	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		if (p->slots[i])
			until = min_ms(until, p->slots[i]->rest_until_mono_ms);
	return until;
}

static void
free_slot(struct poller *p, enum source_stream stream)
{
	struct slot *s = p->slots[stream];

	if (!s)
		return;
	p->page_sizes[stream] = (uint16_t)s->walk.page_size;
	p->pages_repeated += (uint32_t)s->walk.repeats;
	p->restarts += (uint32_t)s->walk.restarts;
	p->halvings += (uint32_t)s->walk.halvings;
	walk_done(&s->walk);
	mem_free(s);
	p->slots[stream] = NULL;
}

void
walks_drop(struct poller *p)
{
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		free_slot(p, (enum source_stream)i);
}

struct source_cursor
walks_cursor(const struct poller *p, enum source_stream stream)
{
	return (struct source_cursor){
		.watermark_ms = p->marks[stream].watermark_ms,
		.last_success_ms = p->marks[stream].success_ms,
		.started_ms = p->started_ms,
		.until_ms = stream == STREAM_BACKFILL ? p->fill_until_ms
		            : stream == STREAM_SWEEP  ? p->sweep_at_ms
		                                      : 0,
		.start = p->start,
	};
}

void
walks_set_cursor(struct poller *p, enum source_stream stream, const struct source_cursor *c)
{
	p->marks[stream] = (struct mark){ c->watermark_ms, c->last_success_ms };
	p->started_ms = c->started_ms;
	p->start = c->start;
	if (stream == STREAM_BACKFILL)
		p->fill_until_ms = c->until_ms;
	if (stream == STREAM_SWEEP)
		p->sweep_at_ms = c->until_ms;
}

struct page *
walks_page_new(struct poller *p, enum source_stream stream)
{
	size_t source = strlen(p->source) + 1, account = strlen(p->account) + 1;
	struct page *page = mem_zalloc(sizeof(*page));

	page->names = mem_alloc(source + account + strlen(p->region) + 1);
	memcpy(page->names, p->source, source);
	memcpy(page->names + source, p->account, account);
	memcpy(page->names + source + account, p->region, strlen(p->region) + 1);
	page->source = page->names;
	page->account = page->names + source;
	page->region = page->names + source + account;
	page->view = p->kind->view;
	page->stream = stream;
	page->start = p->start;
	page->started_ms = p->started_ms;
	return page;
}

/*
 * The very first time: nothing is read before the start is on disk. Else a crash before the first poll is committed
 * would move the start, and what happened in between would be taken for old.
 */
void
walks_first_start(struct poller *p, int64_t aws_now_ms)
{
	const struct walk_result none = { 0 };
	struct page *page = walks_page_new(p, STREAM_LIVE);
	struct source_cursor c = { .watermark_ms = aws_now_ms,
		                   .started_ms = aws_now_ms,
		                   .last_success_ms = aws_now_ms,
		                   .start = p->start };
	int64_t from_ms = aws_now_ms;

	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++) {
		page->cursors[i] = c;
		page->has_cursor[i] = true;
	}
	if (p->start.kind == SOURCE_START_AGO)
		from_ms = aws_now_ms - p->start.ms;
	else if (p->start.kind == SOURCE_START_AT)
		from_ms = p->start.ms;
	else if (p->start.kind == SOURCE_START_OPEN)
		from_ms = aws_now_ms - POLLER_KEPT_MS;
	page->cursors[STREAM_BACKFILL].watermark_ms = max_ms(min_ms(from_ms, aws_now_ms), 0);
	page->cursors[STREAM_BACKFILL].until_ms = aws_now_ms;
	page->started_ms = aws_now_ms;
	page->request_started_ms = aws_now_ms;
	log_info("poll.first source=%s region=%s account=%s \"begins to watch\"", p->source,
	         p->region, p->account_name);
	walks_hand(p, page, &none);
}

/* What this page moves. A sweep's watermark says when it was done, so only its very end counts; until_ms says how far it is. */
static void
fill_cursor(struct poller *p, struct page *page, const struct walk_result *r)
{
	struct source_cursor *c = &page->cursors[page->stream];

	if (!r->has_watermark)
		return;
	page->has_cursor[page->stream] = true;
	*c = walks_cursor(p, page->stream);
	if (page->stream == STREAM_SWEEP) {
		c->until_ms = r->is_final ? 0 : r->watermark_ms;
		if (!r->is_final)
			return;
	}
	c->watermark_ms = max_ms(c->watermark_ms, r->watermark_ms);
	(void)poller_aws_now(p, &c->last_success_ms);
}

/* A poll that found nothing and comes soon after one that was written down: reading it again would cost nothing. */
static bool
need_not_persist(const struct poller *p, const struct page *page, const struct walk_result *r)
{
	enum source_stream s = page->stream;

	return page->count == 0 && r->is_final && !p->handed && !p->is_once &&
	       (s == STREAM_LIVE || s == STREAM_LATE) && p->slots[s] &&
	       p->slots[s]->walk.findings == 0 &&
	       page->cursors[s].watermark_ms -
	                       (s == STREAM_LIVE ? p->live_persisted_ms : p->late_persisted_ms) <
	               POLLER_PERSIST_EVERY_MS;
}

static void
note_committed(struct poller *p, enum source_stream stream, const struct walk_result *r)
{
	struct slot *s = stream < SOURCE_CURSOR_COUNT ? p->slots[stream] : NULL;

	if (r->has_watermark && s)
		s->attempt = 0;
	if (r->has_watermark)
		poller_works(p, stream);
	if (s && walk_on_committed(&s->walk, r))
		finish_walk(p, stream);
}

void
walks_hand(struct poller *p, struct page *page, const struct walk_result *result)
{
	enum source_stream stream = page->stream;
	struct handed *h;
	bool has_cursor = false;

	if (stream < SOURCE_CURSOR_COUNT && page->cursors[stream].started_ms == 0)
		fill_cursor(p, page, result);
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		has_cursor |= page->has_cursor[i];
	if (page->count == 0 && !has_cursor && page->asked_count == 0) {
		page_free(page);
		note_committed(p, stream, result);
		return;
	}
	if (has_cursor && need_not_persist(p, page, result)) {
		walks_set_cursor(p, stream, &page->cursors[stream]);
		page_free(page);
		note_committed(p, stream, result);
		return;
	}
	h = mem_zalloc(sizeof(*h));
	h->stream = stream;
	h->result = *result;
	memcpy(h->has_cursor, page->has_cursor, sizeof(h->has_cursor));
	memcpy(h->cursors, page->cursors, sizeof(h->cursors));
	p->handed = h;
	p->pages++;
	p->findings += page->count;
	p->on_page(p->arg, p, page);
}

void
walks_on_committed(struct poller *p)
{
	struct handed *h = p->handed;

	p->handed = NULL;
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		if (h->has_cursor[i])
			walks_set_cursor(p, (enum source_stream)i, &h->cursors[i]);
	if (h->has_cursor[STREAM_LIVE])
		p->live_persisted_ms = h->cursors[STREAM_LIVE].watermark_ms;
	if (h->has_cursor[STREAM_LATE])
		p->late_persisted_ms = h->cursors[STREAM_LATE].watermark_ms;
	note_committed(p, h->stream, &h->result);
	mem_free(h);
}

static void
finish_walk(struct poller *p, enum source_stream stream)
{
	const struct slot *s = p->slots[stream];
	int64_t spread_ms = p->interval_ms / 10;

	(void)FAULT(stream == STREAM_SWEEP ? "sweep.done" : "walk.done");
	log_info("poll.done source=%s region=%s account=%s stream=%s findings=%" PRIu64
	         " pages=%" PRIu64 " took_ms=%" PRId64,
	         p->source, p->region, p->account_name, source_stream_name(stream),
	         s->walk.findings, s->walk.pages, clock_mono_ms() - s->begun_mono_ms);
	if (stream == STREAM_LIVE) {
		p->has_polled = true;
		p->polls++;
		p->last_success_ms = clock_now_ms();
		p->random = p->random * 1664525u + 1013904223u;
		p->live_due_mono_ms = s->begun_mono_ms + p->interval_ms - spread_ms / 2 +
		                      (spread_ms > 0 ? (int64_t)(p->random >> 8) % spread_ms : 0);
		if (p->is_once)
			p->live_due_mono_ms = INT64_MAX;
		if (p->is_poked)
			p->live_due_mono_ms = 0;
		p->is_poked = false;
	}
	free_slot(p, stream);
}
