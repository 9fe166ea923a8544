/*
 * poller: see poller.h.
 *
 *   IDLE --poller_start--> WAITING --on_timer--> (poller_next)
 *
 *   poller_next, when nothing is under way:
 *     AWS's time is not known ........................ CLOCK      (unit_start)
 *     the detector is not known, or an hour old ...... DETECTOR   (unit_start)
 *     no cursor yet .................................. HANDING    (walks_first_start), until poller_page_done
 *     a walk has something to ask .................... LISTING, then GETTING (unit_start, on_answer); BUDGET before
 *                                                      either while there is no room (budget_take -> send_call)
 *     a page came while another is handed over ....... HANDING    (deliver), until poller_page_done
 *     all was read, its last page is handed over ..... HANDING    (settle), until poller_page_done
 *     all was read and committed ..................... WAITING    (settle), until on_timer
 *     a walk or the whole poller rests ............... BACKOFF    (poller_failed, settle), until on_timer
 *     the service is off ............................. OFF        (poller_went_off), until on_timer, every hour
 *   poller_stop: STOPPING until what is handed over is done (poller_page_done), then STOPPED.
 *
 * Ways out on time: every call has the API's own deadline; BUDGET ends when pages are committed, which the store bounds;
 * HANDING ends with the store's answer.
 */
#include "config.h"

#include "source/poller.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "aws/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/pace.h"
#include "source/poller_impl.h"

static void on_timer(void *arg);
static void settle(struct poller *p);
static void stop_if_quiet(struct poller *p);

static const char *const state_names[] = {
	[POLLER_IDLE] = "idle",         [POLLER_CLOCK] = "clock",
	[POLLER_DETECTOR] = "detector", [POLLER_BUDGET] = "budget",
	[POLLER_LISTING] = "listing",   [POLLER_GETTING] = "getting",
	[POLLER_HANDING] = "handing",   [POLLER_WAITING] = "waiting",
	[POLLER_BACKOFF] = "backoff",   [POLLER_OFF] = "off",
	[POLLER_STOPPING] = "stopping", [POLLER_STOPPED] = "stopped",
};

const char *
poller_state_name(enum poller_state s)
{
	return s <= POLLER_STOPPED ? state_names[s] : "unknown";
}

void
poller_enter(struct poller *p, enum poller_state state)
{
	if (p->state == state)
		return;
	log_debug("poll.state source=%s region=%s account=%s from=%s to=%s", p->source, p->region,
	          p->account_name, state_names[p->state], state_names[state]);
	p->state = state;
}

static const char *
add_name(char **at, const char *name)
{
	char *s = *at;
	size_t bytes = strlen(name ? name : "") + 1;

	memcpy(s, name ? name : "", bytes);
	*at += bytes;
	return s;
}

static void
copy_names(struct poller *p, const struct poller_options *o)
{
	const char *account = o->account ? o->account : "";
	const char *account_name = o->account_name ? o->account_name : "";
	char *at;

	at = p->names = mem_alloc(strlen(o->source) + strlen(account) + strlen(account_name) +
	                          strlen(o->region) + 4);
	p->source = add_name(&at, o->source);
	p->account = add_name(&at, account);
	p->account_name = add_name(&at, account_name);
	p->region = add_name(&at, o->region);
}

/* Cursors of an older version may lack a stream: it begins where the live one stands. */
static void
take_cursors(struct poller *p, const struct poller_options *o)
{
	const struct source_cursor *live = &o->cursors[STREAM_LIVE];

	p->start = o->start;
	if (live->started_ms == 0)
		return;
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++) {
		struct source_cursor c = o->cursors[i];

		if (c.started_ms == 0)
			c = *live;
		walks_set_cursor(p, (enum source_stream)i, &c);
	}
	p->live_persisted_ms = p->marks[STREAM_LIVE].watermark_ms;
	p->late_persisted_ms = p->marks[STREAM_LATE].watermark_ms;
}

struct poller *
poller_new(const struct poller_options *o)
{
	struct poller *p = mem_zalloc(sizeof(*p));

	p->magic = POLLER_MAGIC;
	p->loop = o->loop;
	p->api = o->api;
	p->budget = o->budget;
	p->cred = o->cred;
	p->kind = o->kind;
	copy_names(p, o);
	p->on_page = o->on_page;
	p->hooks = o->hooks;
	p->arg = o->arg;
	p->random = o->random_seed != 0 ? o->random_seed : pace_random();
	p->reserve = POLLER_RESERVE_FIRST;
	take_cursors(p, o);
	poller_reconfigure(p, o);
	p->timer = timer_new(p->loop, on_timer, p);
	return p;
}

void
poller_reconfigure(struct poller *p, const struct poller_options *o)
{
	p->interval_ms = o->interval_ms;
	p->overlap_ms = o->overlap_ms;
	p->timeout_ms = o->timeout_ms < UINT32_MAX ? (uint32_t)o->timeout_ms : UINT32_MAX;
	p->rate_per_s = (float)o->rate_per_s;
	p->sweep_ms = o->sweep_ms;
	p->is_once = o->is_once;
}

void
poller_start(struct poller *p, int64_t delay_ms)
{
	assert(p->state == POLLER_IDLE);
	poller_enter(p, POLLER_WAITING);
	timer_set(p->timer, delay_ms);
}

static void
on_timer(void *arg)
{
	struct poller *p = arg;

	assert(p->magic == POLLER_MAGIC);
	poller_next(p);
}

bool
poller_aws_now(const struct poller *p, int64_t *ret_ms)
{
	return api_now_ms(p->api, p->kind->service, p->region, ret_ms);
}

static bool
wants_detector(const struct poller *p)
{
	return p->kind->build_detectors &&
	       (!p->detector || clock_mono_ms() - p->detector_mono_ms >= POLLER_DETECTOR_EVERY_MS);
}

/* A back-fill or a sweep of hours does not keep what is open from being read again: one call in four is for that. */
static void
start_reread(struct poller *p)
{
	p->walk_turns = 0;
	unit_start(p, UNIT_GET, STREAM_REREAD);
}

void
poller_next(struct poller *p)
{
	enum source_stream stream;
	int64_t aws_now_ms = 0;

	if (p->is_stopping) {
		stop_if_quiet(p);
		return;
	}
	if (p->state == POLLER_IDLE || p->ready || (p->unit && unit_is_under_way(p->unit)))
		return;
	if (p->rest_until_mono_ms > clock_mono_ms()) {
		timer_set(p->timer, p->rest_until_mono_ms - clock_mono_ms());
		return;
	}
	if (p->unit) {
		unit_resume(p);
	} else if (!poller_aws_now(p, &aws_now_ms)) {
		unit_start(p, UNIT_PROBE, STREAM_LIVE);
	} else if (wants_detector(p)) {
		unit_start(p, UNIT_DETECTOR, STREAM_LIVE);
	} else if (p->started_ms == 0) {
		poller_enter(p, POLLER_HANDING);
		if (!p->handed)
			walks_first_start(p, aws_now_ms);
	} else {
		walks_begin_due(p, aws_now_ms);
		if (p->reread && p->walk_turns >= POLLER_WALK_TURNS) {
			start_reread(p);
		} else if (walks_pick(p, clock_mono_ms(), &stream)) {
			if (p->walk_turns < POLLER_WALK_TURNS)
				p->walk_turns++;
			unit_start(p, UNIT_LIST, stream);
		} else if (p->reread) {
			start_reread(p);
		} else {
			settle(p);
		}
	}
}

/* There is nothing to ask now. */
static void
settle(struct poller *p)
{
	int64_t now_ms = clock_mono_ms(), rest_ms = walks_rest_until(p);
	int64_t until_ms = p->slots[STREAM_LIVE] ? INT64_MAX : p->live_due_mono_ms;

	if (p->handed) {
		poller_enter(p, POLLER_HANDING);
		return;
	}
	poller_enter(p, rest_ms == INT64_MAX ? POLLER_WAITING : POLLER_BACKOFF);
	until_ms = rest_ms < until_ms ? rest_ms : until_ms;
	if (until_ms == INT64_MAX)
		timer_stop(p->timer);
	else
		timer_set(p->timer, until_ms - now_ms);
	if (p->hooks.on_caught_up)
		p->hooks.on_caught_up(p, rest_ms != INT64_MAX, p->arg);
}

static void
drop_ready(struct poller *p)
{
	if (p->ready)
		page_free(p->ready->page);
	mem_free(p->ready);
	p->ready = NULL;
}

void
poller_page_done(struct poller *p, const struct err *failed)
{
	struct ready *ready = p->ready;

	assert(p->magic == POLLER_MAGIC && p->handed);
	if (failed) {
		mem_free(p->handed);
		p->handed = NULL;
		if (!p->is_stopping) {
			unit_free(p);
			drop_ready(p);
			walks_drop(p);
			p->live_due_mono_ms = 0;
			poller_failed(p, NULL, "store", failed, -1);
		}
		poller_next(p);
		return;
	}
	walks_on_committed(p);
	if (ready && !p->is_stopping) {
		p->ready = NULL;
		walks_hand(p, ready->page, &ready->result);
		mem_free(ready);
	}
	poller_next(p);
}

void
poller_poke(struct poller *p)
{
	if (p->is_stopping || p->state == POLLER_IDLE)
		return;
	p->rest_until_mono_ms = 0;
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		if (p->slots[i])
			p->slots[i]->rest_until_mono_ms = 0;
	if (p->slots[STREAM_LIVE])
		p->is_poked = true;
	else
		p->live_due_mono_ms = 0;
	timer_set(p->timer, 0);
}

bool
poller_reread(struct poller *p, const struct span *ids, size_t count)
{
	size_t bytes = 0;
	char *at;

	if (p->reread || p->is_stopping || p->is_off || p->state == POLLER_IDLE || count == 0 ||
	    count > p->kind->reread_max || p->started_ms == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		bytes += ids[i].len + 1;
	at = p->reread = mem_alloc(bytes);
	for (size_t i = 0; i < count; i++) {
		memcpy(at, ids[i].p, ids[i].len);
		at[ids[i].len] = '\0';
		at += ids[i].len + 1;
	}
	p->reread_count = (uint16_t)count;
	if (p->state == POLLER_WAITING || p->state == POLLER_BACKOFF)
		timer_set(p->timer, 0);
	return true;
}

static void
on_quiet(void *arg)
{
	struct poller *p = arg;

	p->is_quiet_due = false;
	if (p->is_freed) {
		mem_free(p);
		return;
	}
	poller_enter(p, POLLER_STOPPED);
	p->stopping->on_stopped(p, p->stopping->arg);
}

static void
stop_if_quiet(struct poller *p)
{
	if (p->state != POLLER_STOPPING || p->handed)
		return;
	p->state = POLLER_STOPPED;
	p->is_quiet_due = true;
	loop_later(p->loop, on_quiet, p);
}

void
poller_stop(struct poller *p, void (*on_stopped)(struct poller *p, void *arg), void *arg)
{
	assert(!p->is_stopping);
	p->is_stopping = true;
	p->stopping = mem_zalloc(sizeof(*p->stopping));
	*p->stopping = (struct stopping){ on_stopped, arg };
	timer_stop(p->timer);
	unit_free(p);
	drop_ready(p);
	poller_enter(p, POLLER_STOPPING);
	stop_if_quiet(p);
}

void
poller_free(struct poller *p)
{
	if (!p)
		return;
	assert(!p->handed);
	unit_free(p);
	drop_ready(p);
	walks_drop(p);
	timer_free(p->timer);
	mem_free(p->reread);
	mem_free(p->detector);
	mem_free(p->last_error);
	mem_free(p->stopping);
	mem_free(p->names);
	p->magic = 0;
	p->is_freed = true;
	if (!p->is_quiet_due)
		mem_free(p);
}

static int64_t
next_wall_ms(const struct poller *p)
{
	int64_t due_ms = p->rest_until_mono_ms;

	if (p->state == POLLER_WAITING)
		due_ms = p->live_due_mono_ms;
	else if (p->state == POLLER_BACKOFF && due_ms <= clock_mono_ms())
		due_ms = walks_rest_until(p);
	else if (p->state != POLLER_BACKOFF && p->state != POLLER_OFF)
		return 0;
	return due_ms == INT64_MAX ? 0 : clock_now_ms() + due_ms - clock_mono_ms();
}

void
poller_get_status(const struct poller *p, struct poller_status *ret)
{
	const struct mark *live = &p->marks[STREAM_LIVE], *fill = &p->marks[STREAM_BACKFILL];
	int64_t now_ms;

	*ret = (struct poller_status){
		.source = p->source,
		.account = p->account,
		.account_name = p->account_name,
		.region = p->region,
		.state = p->state,
		.lag_ms = -1,
		.watermark_ms = live->watermark_ms,
		.last_success_ms = p->last_success_ms,
		.next_ms = next_wall_ms(p),
		.is_failing = p->is_failing,
		.is_region_refused = p->is_region_refused,
		.last_error = p->last_error ? p->last_error : "",
		.polls = p->polls,
		.pages = p->pages,
		.findings = p->findings,
		.failures = p->failures,
		.pages_repeated = p->pages_repeated,
		.restarts = p->restarts,
		.halvings = p->halvings,
	};
	if (p->fill_until_ms > fill->watermark_ms)
		ret->backfill_ms = p->fill_until_ms - fill->watermark_ms;
	ret->is_caught_up = p->has_polled && ret->backfill_ms == 0;
	if (live->watermark_ms > 0 && poller_aws_now(p, &now_ms))
		ret->lag_ms = now_ms > live->watermark_ms ? now_ms - live->watermark_ms : 0;
}
