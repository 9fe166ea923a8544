/*
 * courier_step: the states of a courier, and what is done in each.
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

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "sink/courier_in.h"

enum {
	READY_PER_FLIGHT = 4, /* fetched ahead for each that may be in flight */
	READY_MAX = 256,
	TIMER_MAX_MS = 60 * 60 * 1000,
};

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
		return c->probe_count || clock_mono_ms() >= c->breaker.rest_until_ms
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

	c->is_retry_asked = false;
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
	if (c->is_failing)
		c->is_expiry_due = c->is_woken = true;
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
		return breaker_room(&c->breaker, c->sent_count, c->probe_count, max, now_ms);
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
void
courier_drop_ready(struct courier *c)
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
	/* What is fetched may be overtaken by what is more severe: no more than goes out within a second. */
	if (c->pace.full_per_s > 0 && (double)n > c->pace.full_per_s)
		n = c->pace.full_per_s < 1 ? 1 : (size_t)c->pace.full_per_s;
	return n < READY_MAX ? n : READY_MAX;
}

static bool
wants_fetch(struct courier *c)
{
	int64_t now_ms = clock_now_ms();
	bool is_time = c->is_woken || now_ms >= c->next_due_ms;

	switch (c->state) {
	case COURIER_READY:
		if (now_ms >= courier_digest_due_ms(c))
			return true;
		/* As many as may be told one by one are under way: their outcomes decide. */
		if (courier_room(c) == 0 && !courier_is_flood(c))
			return false;
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

/* In a flood only what is never in a digest is fetched: as ever. */
static size_t
fetch_limit(struct courier *c, bool is_fetch)
{
	size_t target = ready_target(c), n;
	int64_t room = courier_room(c);

	n = target > c->ready_count ? target - c->ready_count : 0;
	if (!is_fetch)
		return target;
	if (room > 0 && (uint64_t)room < n)
		n = (size_t)room;
	return n ? n : 1;
}

static void
run_job(struct courier *c)
{
	bool is_fetch = wants_fetch(c);

	if (c->job || (c->store_failures && clock_mono_ms() < c->store_next_ms))
		return;
	if (!c->is_loaded && c->is_stopping)
		return;
	/* The store failed, and there may be nothing to record that would find out that it works again. */
	if (c->store_failures && c->is_loaded && !c->is_stopping)
		is_fetch = true;
	if (is_fetch || !c->is_loaded || !TAILQ_EMPTY(&c->finished) || c->is_holds_dirty ||
	    c->is_pause_dirty || c->is_hand_dirty)
		courier_job_start(c, is_fetch, fetch_limit(c, is_fetch));
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
	if (c->state == COURIER_READY && courier_digest_due_ms(c) != INT64_MAX)
		delay = sooner(delay, courier_digest_due_ms(c) > clock_now_ms()
		                              ? courier_digest_due_ms(c) - clock_now_ms()
		                              : 1);
	if (delay == INT64_MAX) {
		timer_stop(c->timer);
		return;
	}
	timer_set(c->timer, delay < TIMER_MAX_MS ? delay : TIMER_MAX_MS);
}

bool
courier_is_quiet(const struct courier *c)
{
	if (c->state == COURIER_BLOCKED)
		/* Outcomes wait for the store, however long that takes. */
		return !c->job && !c->is_kicked && !c->test && TAILQ_EMPTY(&c->flying);
	if (c->job || c->is_kicked || c->sent_count || !TAILQ_EMPTY(&c->finished) || c->test ||
	    c->is_hand_dirty)
		return false;
	if (c->state != COURIER_READY && c->state != COURIER_PROBING && c->state != COURIER_HELD)
		return c->state != COURIER_STARTING;
	if (c->state == COURIER_HELD && clock_mono_ms() < c->hold_next_ms)
		return true;
	return TAILQ_EMPTY(&c->ready) && !c->is_woken && clock_now_ms() < c->next_due_ms &&
	       clock_now_ms() < courier_digest_due_ms(c);
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

void
courier_step(struct courier *c)
{
	courier_enter(c, state_of(c));
	/* What waits is judged anew when it goes on: it may be a backlog by then, or too old. */
	if (c->state == COURIER_PAUSED || c->state == COURIER_DISABLED ||
	    c->state == COURIER_BLOCKED || c->state == COURIER_RESTING ||
	    (c->state == COURIER_HELD && room_of(c) == 0))
		courier_drop_ready(c);
	send_ready(c);
	run_job(c);
	courier_enter(c, state_of(c));
	arm_timer(c);
	tell_quiet(c);
}
