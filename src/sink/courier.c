/*
 * courier: takes one sink's due items from the outbox to their outcome.
 *
 *	STARTING --store answered--> READY | PAUSED | HELD                       (courier_job.c: take_loaded)
 *	READY    --three failures, or not reached, or asked to slow down--> RESTING          (courier_fail)
 *	RESTING  --rest over--> PROBING --answered--> READY                     (courier_step, courier_works)
 *	                        PROBING --failed again--> RESTING                            (courier_fail)
 *	any      --401, 403, login refused--> HELD --answered--> READY          (courier_fail, courier_works)
 *	any      --410--> DISABLED --reload, resume--> READY            (courier_fail, courier_retry_now)
 *	any      --operator--> PAUSED --operator--> READY               (courier_pause, courier_resume)
 *	any      --store failed--> BLOCKED --store answered--> as before      (courier_job.c: on_done)
 *	any      --stop--> STOPPING                                                          (courier_drain)
 *
 * The state is computed from what is known (state_of), so that two troubles at once leave in any order. Ways out on time:
 * RESTING by rest_until, HELD by hold_next (5 min), BLOCKED by store_next, READY by the next due time or a wake;
 * DISABLED and PAUSED wait for people. Each attempt has its sink's timeout.
 */
#include "config.h"

#include "sink/courier.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "sink/courier_in.h"

enum {
	READY_PER_FLIGHT = 4, /* fetched ahead for each that may be in flight */
	READY_MAX = 256,
	TIMER_MAX_MS = 60 * 60 * 1000,
};

static void courier_step(struct courier *c);

const char *
courier_state_name(enum courier_state state)
{
	static const char *const names[] = { "starting", "ready",  "resting", "probing", "held",
		                             "disabled", "paused", "blocked", "stopping" };

	return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

const char *
courier_name(const struct courier *c)
{
	return c->place->conf->name;
}

uint32_t
courier_random(struct courier *c)
{
	/* xorshift32: for jitter alone */
	c->random ^= c->random << 13;
	c->random ^= c->random >> 17;
	c->random ^= c->random << 5;
	return c->random;
}

struct courier_place *
courier_place_ref(struct courier_place *p)
{
	p->refs++;
	return p;
}

void
courier_place_unref(struct courier *c, struct courier_place *p)
{
	if (!p || --p->refs)
		return;
	sink_close(p->sink);
	if (c->o.release_conf)
		c->o.release_conf(p->conf, c->o.release_arg);
	mem_free(p);
}

static bool
is_held(const struct courier *c)
{
	return breaker_is_held(&c->holds) && !c->is_paused && !c->is_gone;
}

static enum courier_state
state_of(const struct courier *c)
{
	if (c->is_stopping)
		return COURIER_STOPPING;
	if (c->store_failures)
		return COURIER_BLOCKED;
	if (!c->is_loaded)
		return COURIER_STARTING;
	if (c->is_paused)
		return COURIER_PAUSED;
	if (c->is_gone || !c->place->conf->is_enabled)
		return COURIER_DISABLED;
	if (is_held(c))
		return COURIER_HELD;
	if (c->breaker.is_open)
		return c->sent_count || clock_mono_ms() >= c->breaker.rest_until_ms
		               ? COURIER_PROBING
		               : COURIER_RESTING;
	return COURIER_READY;
}

/* The only writer of state. */
static void
courier_enter(struct courier *c, enum courier_state state)
{
	if (state == c->state)
		return;
	log_debug("courier.state sink=%s from=%s to=%s", courier_name(c),
	          courier_state_name(c->state), courier_state_name(state));
	c->state = state;
	c->since_ms = clock_now_ms();
}

/* Tell, once, that the sink does not work. */
static void
set_failing(struct courier *c, const char *why)
{
	if (c->is_failing)
		return;
	c->is_failing = true;
	c->down_since_ms = clock_now_ms();
	log_warn("courier.failing sink=%s \"%s\"", courier_name(c), why);
	if (c->o.hooks.on_failing)
		c->o.hooks.on_failing(c, why, c->o.hook_arg);
}

static void
set_works(struct courier *c)
{
	int64_t down_ms = clock_now_ms() - c->down_since_ms;

	if (!c->is_failing)
		return;
	c->is_failing = false;
	log_info("courier.recovered sink=%s down_ms=%lld", courier_name(c), (long long)down_ms);
	if (c->o.hooks.on_recovered)
		c->o.hooks.on_recovered(c, down_ms, c->o.hook_arg);
}

void
courier_fail(struct courier *c, const struct sink_result *r)
{
	int64_t now_ms = clock_mono_ms();

	(void)snprintf(c->last_error, sizeof c->last_error, "%s", r->answer);
	if (r->outcome == SINK_HOLD) {
		c->is_gone |= r->is_gone;
		c->hold_next_ms = now_ms + BREAKER_HOLD_MS;
		if (!breaker_is_held(&c->holds)) {
			breaker_hold_begin(&c->holds, clock_now_ms());
			c->is_holds_dirty = true;
		}
		set_failing(c, r->answer);
		return;
	}
	(void)breaker_fail(&c->breaker, r, now_ms, courier_random(c));
	if (breaker_is_held(&c->holds))
		c->hold_next_ms = now_ms + BREAKER_HOLD_MS;
	if (c->breaker.is_open)
		set_failing(c, r->answer);
}

void
courier_works(struct courier *c)
{
	c->last_ok_ms = clock_now_ms();
	(void)breaker_ok(&c->breaker);
	if (breaker_is_held(&c->holds) && !c->is_paused) {
		breaker_hold_end(&c->holds, clock_now_ms());
		c->is_holds_dirty = true;
	}
	c->is_gone = false;
	set_works(c);
}

/* How many attempts may be started now. */
static size_t
room_of(const struct courier *c)
{
	size_t max = (size_t)c->place->conf->max_in_flight;
	int64_t now_ms = clock_mono_ms();

	if (now_ms < c->rate_next_ms)
		return 0;
	switch (c->state) {
	case COURIER_READY:
	case COURIER_PROBING:
		return breaker_room(&c->breaker, c->sent_count, max, now_ms);
	case COURIER_HELD:
		return c->sent_count == 0 && now_ms >= c->hold_next_ms ? 1 : 0;
	case COURIER_STARTING:
	case COURIER_RESTING:
	case COURIER_DISABLED:
	case COURIER_PAUSED:
	case COURIER_BLOCKED:
	case COURIER_STOPPING:
		break;
	}
	return 0;
}

static void
send_ready(struct courier *c)
{
	while (!TAILQ_EMPTY(&c->ready) && room_of(c) > 0) {
		if (c->pace.full_per_s > 0) {
			int64_t wait_ms = pace_take(&c->pace, clock_mono_ms());

			if (wait_ms > 0) {
				c->rate_next_ms = clock_mono_ms() + wait_ms;
				return;
			}
		}
		courier_send_next(c);
		courier_enter(c, state_of(c));
	}
}

/* Items that are only waiting here are dropped: the store still has them. */
static void
drop_ready(struct courier *c)
{
	if (TAILQ_EMPTY(&c->ready))
		return;
	courier_list_free(&c->ready);
	c->ready_count = 0;
	c->is_woken = true;
}

static size_t
ready_target(const struct courier *c)
{
	size_t n = (size_t)c->place->conf->max_in_flight * READY_PER_FLIGHT;

	if (c->state != COURIER_READY)
		return 1;
	return n < READY_MAX ? n : READY_MAX;
}

static bool
wants_fetch(const struct courier *c)
{
	bool is_time = c->is_woken || clock_now_ms() >= c->next_due_ms;

	switch (c->state) {
	case COURIER_READY:
		return is_time && c->ready_count <= ready_target(c) / 2;
	case COURIER_PROBING:
	case COURIER_HELD:
		return is_time && c->ready_count == 0 && room_of(c) > 0;
	case COURIER_STARTING:
	case COURIER_RESTING:
	case COURIER_DISABLED:
	case COURIER_PAUSED:
	case COURIER_BLOCKED:
	case COURIER_STOPPING:
		break;
	}
	return false;
}

static void
run_job(struct courier *c)
{
	bool is_fetch = wants_fetch(c);

	if (c->job || (c->store_failures && clock_mono_ms() < c->store_next_ms))
		return;
	if (!c->is_loaded && c->is_stopping)
		return;
	if (is_fetch || !c->is_loaded || !TAILQ_EMPTY(&c->finished) || c->is_holds_dirty ||
	    c->is_pause_dirty)
		courier_job_start(c, is_fetch, ready_target(c) - (is_fetch ? c->ready_count : 0));
}

/* Earliest of two instants, as delays from now. */
static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static void
arm_timer(struct courier *c)
{
	int64_t mono_ms = clock_mono_ms(), delay = INT64_MAX;

	if (c->store_failures && !c->job)
		delay = sooner(delay, c->store_next_ms - mono_ms);
	if (c->state == COURIER_RESTING)
		delay = sooner(delay, c->breaker.rest_until_ms - mono_ms);
	if (c->state == COURIER_HELD && c->sent_count == 0 && c->hold_next_ms > mono_ms)
		delay = sooner(delay, c->hold_next_ms - mono_ms);
	if (c->rate_next_ms > mono_ms && !TAILQ_EMPTY(&c->ready))
		delay = sooner(delay, c->rate_next_ms - mono_ms);
	if ((c->state == COURIER_READY || c->state == COURIER_PROBING ||
	     c->state == COURIER_HELD) &&
	    c->next_due_ms != INT64_MAX && c->next_due_ms > clock_now_ms())
		delay = sooner(delay, c->next_due_ms - clock_now_ms());
	if (delay == INT64_MAX) {
		timer_stop(c->timer);
		return;
	}
	timer_set(c->timer, delay < TIMER_MAX_MS ? delay : TIMER_MAX_MS);
}

bool
courier_is_quiet(const struct courier *c)
{
	if (c->job || c->is_kicked || c->sent_count || !TAILQ_EMPTY(&c->finished) || c->test)
		return false;
	if (c->state != COURIER_READY && c->state != COURIER_PROBING && c->state != COURIER_HELD)
		return c->state != COURIER_STARTING;
	if (c->state == COURIER_HELD && clock_mono_ms() < c->hold_next_ms)
		return true;
	return TAILQ_EMPTY(&c->ready) && !c->is_woken && clock_now_ms() < c->next_due_ms;
}

static void
tell_quiet(struct courier *c)
{
	bool is_quiet = courier_is_quiet(c);

	if (is_quiet && !c->was_quiet && c->o.hooks.on_quiet) {
		c->was_quiet = true;
		c->o.hooks.on_quiet(c, c->o.hook_arg);
		return;
	}
	c->was_quiet = is_quiet;
}

static void
courier_step(struct courier *c)
{
	courier_enter(c, state_of(c));
	if (c->state == COURIER_PAUSED || c->state == COURIER_DISABLED ||
	    c->state == COURIER_BLOCKED)
		drop_ready(c);
	send_ready(c);
	run_job(c);
	courier_enter(c, state_of(c));
	arm_timer(c);
	tell_quiet(c);
}

static void
courier_release(struct courier *c)
{
	c->magic = 0;
	timer_free(c->timer);
	courier_place_unref(c, c->place);
	mem_free(c);
}

static void
courier_on_kick(void *arg)
{
	struct courier *c = arg;

	assert(c->magic == COURIER_MAGIC);
	c->is_kicked = false;
	if (c->is_dead)
		courier_release(c);
	else
		courier_step(c);
}

void
courier_kick(struct courier *c)
{
	if (c->is_kicked)
		return;
	c->is_kicked = true;
	loop_later(c->o.env->loop, courier_on_kick, c);
}

static void
courier_on_timer(void *arg)
{
	struct courier *c = arg;

	assert(c->magic == COURIER_MAGIC);
	courier_kick(c);
}

/* What of the configuration the courier itself keeps. */
static void
take_conf(struct courier *c)
{
	const struct conf_rate *rate = &c->place->conf->rate;
	double per_s = rate->count ? (double)rate->count * 1000.0 / (double)rate->per_ms : 0;

	pace_init(&c->pace, per_s, per_s > 1 ? per_s : 1, clock_mono_ms());
	c->rate_next_ms = 0;
}

static struct courier_place *
place_new(const struct courier_options *o, const struct conf_sink *conf, struct err *e)
{
	struct courier_place *p = mem_zalloc(sizeof *p);

	if (sink_open(o->env, conf, &p->sink, e)) {
		mem_free(p);
		return NULL;
	}
	p->conf = conf;
	p->refs = 1;
	return p;
}

int
courier_new(const struct courier_options *o, struct courier **ret, struct err *e)
{
	struct courier_place *place = place_new(o, o->conf, e);
	struct courier *c;

	if (!place)
		return -1;
	c = mem_zalloc(sizeof *c);
	c->magic = COURIER_MAGIC;
	c->o = *o;
	c->place = place;
	c->timer = timer_new(o->env->loop, courier_on_timer, c);
	c->random = o->random_seed ? o->random_seed : pace_random() | 1;
	c->next_due_ms = INT64_MAX;
	c->since_ms = clock_now_ms();
	TAILQ_INIT(&c->ready);
	TAILQ_INIT(&c->flying);
	TAILQ_INIT(&c->finished);
	TAILQ_INIT(&c->recording);
	take_conf(c);
	courier_kick(c);
	*ret = c;
	return 0;
}

void
courier_free(struct courier *c)
{
	struct courier_item *it;

	if (!c)
		return;
	assert(c->magic == COURIER_MAGIC && !c->is_dead && !c->job);
	TAILQ_FOREACH(it, &c->flying, entry) {
		sink_cancel(it->place->sink, it->call);
		courier_place_unref(c, it->place);
	}
	courier_test_cancel(c);
	courier_list_free(&c->flying);
	courier_list_free(&c->ready);
	courier_list_free(&c->finished);
	courier_list_free(&c->recording);
	timer_stop(c->timer);
	if (c->is_kicked)
		c->is_dead = true;
	else
		courier_release(c);
}

void
courier_wake(struct courier *c)
{
	c->is_woken = true;
	courier_kick(c);
}

void
courier_retry_now(struct courier *c)
{
	int64_t now_ms = clock_mono_ms();

	c->is_gone = false;
	c->hold_next_ms = now_ms;
	if (c->breaker.is_open)
		c->breaker.rest_until_ms = now_ms;
	c->store_next_ms = now_ms;
	courier_wake(c);
}

static void
set_paused(struct courier *c, bool is_paused, courier_done_fn *done, void *arg)
{
	if (c->pause_done)
		c->pause_done(c->pause_arg,
		              &(struct err){ .kind = ERR_CANCELLED, .text = "overtaken" });
	c->pause_done = done;
	c->pause_arg = arg;
	if (c->is_paused != is_paused)
		log_info("courier.%s sink=%s", is_paused ? "paused" : "resumed", courier_name(c));
	c->is_paused = is_paused;
	c->is_pause_dirty = true;
	c->is_holds_dirty = true;
	/* While people hold it back, nothing gets too old. */
	if (is_paused)
		breaker_hold_begin(&c->holds, clock_now_ms());
	else
		breaker_hold_end(&c->holds, clock_now_ms());
}

void
courier_pause(struct courier *c, courier_done_fn *done, void *arg)
{
	set_paused(c, true, done, arg);
	courier_kick(c);
}

void
courier_resume(struct courier *c, courier_done_fn *done, void *arg)
{
	set_paused(c, false, done, arg);
	courier_retry_now(c);
}

int
courier_reconfigure(struct courier *c, const struct conf_sink *conf, struct err *e)
{
	struct courier_place *place = place_new(&c->o, conf, e), *old = c->place;

	if (!place)
		return -1;
	c->place = place;
	courier_place_unref(c, old);
	take_conf(c);
	courier_retry_now(c);
	return 0;
}

void
courier_drain(struct courier *c)
{
	c->is_stopping = true;
	c->was_quiet = false;
	drop_ready(c);
	courier_kick(c);
}

void
courier_get_status(const struct courier *c, struct courier_status *ret)
{
	int64_t to_wall_ms = clock_now_ms() - clock_mono_ms();

	*ret = (struct courier_status){
		.name = courier_name(c),
		.kind = conf_sink_type_name(c->place->conf->type),
		.state = c->state,
		.in_flight = c->sent_count,
		.fetched = c->ready_count,
		.delivered = c->delivered,
		.failed = c->failed,
		.dead = c->dead,
		.streak = c->breaker.streak,
		.since_ms = c->since_ms,
		.last_ok_ms = c->last_ok_ms,
		.last_error = c->last_error,
	};
	if (c->state == COURIER_RESTING)
		ret->next_ms = c->breaker.rest_until_ms + to_wall_ms;
	else if (c->state == COURIER_HELD)
		ret->next_ms = c->hold_next_ms + to_wall_ms;
	else if (c->next_due_ms != INT64_MAX)
		ret->next_ms = c->next_due_ms;
}
