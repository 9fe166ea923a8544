/*
 * courier: takes one sink's due items from the outbox to their outcome.
 *
 * Here are its life and what others ask of it; courier_step.c holds the states and decides, courier_send.c sends, courier_job.c
 * talks to the store, courier_test.c is a test by hand.
 */
#include "config.h"

#include "sink/courier.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "sink/courier_in.h"

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

static void
courier_release(struct courier *c)
{
	c->magic = 0;
	timer_free(c->timer);
	courier_place_unref(c, c->place);
	mem_free(c->spared);
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
	TAILQ_INIT(&c->tells);
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
	courier_tell_cancel(c);
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
courier_forget_fetched(struct courier *c)
{
	courier_drop_ready(c);
	courier_wake(c);
}

void
courier_flush(struct courier *c)
{
	c->is_flushing = true;
	courier_wake(c);
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
	c->is_retry_asked = true;
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
	courier_drop_ready(c);
	courier_test_cancel(c);
	/* So that the next process knows that nothing is in hand. */
	c->is_hand_dirty =
		c->place->conf->flood.count || c->place->conf->backlog == CONF_BACKLOG_DIGEST;
	courier_kick(c);
}

void
courier_undrain(struct courier *c)
{
	c->is_stopping = false;
	c->was_quiet = false;
	courier_wake(c);
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
		.gathered = c->held.count,
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
