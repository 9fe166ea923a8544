/*
 * poller_trouble: what failed, for how long to rest, and whom to tell.
 *
 * A page that cannot be read rests its own walk; trouble with the service or the store rests the whole poller. Whoever is told of
 * a failure is told of its end.
 */
#include "config.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/pace.h"
#include "source/poller_impl.h"

static int64_t
backoff_ms(struct poller *p, unsigned attempt, const struct err *e, int64_t retry_after_ms)
{
	int64_t base_ms = e->is_temporary ? POLLER_BACKOFF_BASE_MS : 5 * POLLER_BACKOFF_BASE_MS;
	int64_t wait_ms;

	p->random = p->random * 1664525u + 1013904223u;
	wait_ms = pace_backoff_ms(base_ms, POLLER_BACKOFF_MAX_MS, attempt, p->random);
	if (wait_ms < POLLER_BACKOFF_MIN_MS)
		wait_ms = POLLER_BACKOFF_MIN_MS;
	if (retry_after_ms > wait_ms)
		wait_ms =
			retry_after_ms < POLLER_OFF_EVERY_MS ? retry_after_ms : POLLER_OFF_EVERY_MS;
	return wait_ms;
}

static void
set_last_error(struct poller *p, const char *text)
{
	mem_free(p->last_error);
	p->last_error = text ? mem_strdup(text) : NULL;
}

static int
stream_of(const struct poller *p, const struct slot *slot)
{
	for (int i = 0; slot && i < SOURCE_CURSOR_COUNT; i++)
		if (p->slots[i] == slot)
			return i;
	return -1;
}

static void
start_failing(struct poller *p, int stream, const struct err *e)
{
	p->failing_stream = (int8_t)stream;
	if (p->is_failing)
		return;
	p->is_failing = true;
	p->failing_since_mono_ms = clock_mono_ms();
	if (p->hooks.on_failing)
		p->hooks.on_failing(p, e, p->arg);
}

static void
stop_failing(struct poller *p)
{
	int64_t down_ms = clock_mono_ms() - p->failing_since_mono_ms;

	if (!p->is_failing)
		return;
	p->is_failing = false;
	log_info("poll.recovered source=%s region=%s account=%s down_ms=%" PRId64, p->source,
	         p->region, p->account_name, down_ms);
	if (p->hooks.on_recovered)
		p->hooks.on_recovered(p, down_ms, p->arg);
}

/* Not of the peer's or the net's: somebody has to put it right. Told at the second try: keys may be in the middle of a change. */
static bool
is_lasting(const struct err *e)
{
	return e->kind == ERR_AUTH || e->kind == ERR_CONFIG;
}

void
poller_failed(struct poller *p, struct slot *slot, const char *what, const struct err *e,
              int64_t retry_after_ms)
{
	unsigned attempt = slot ? ++slot->attempt : ++p->attempt;
	int64_t wait_ms = backoff_ms(p, attempt, e, retry_after_ms);
	int stream = stream_of(p, slot);
	bool is_refused = e->kind == ERR_AUTH;

	p->failures++;
	set_last_error(p, e->text);
	log_warn(
		"poll.failed source=%s region=%s account=%s stream=%s call=%s attempt=%u retry_in_ms=%" PRId64
		" error=\"%s%s%s\"",
		p->source, p->region, p->account_name,
		stream < 0 ? "all" : source_stream_name((enum source_stream)stream), what, attempt,
		wait_ms, e->text, is_refused ? "; the credentials need " : "",
		is_refused ? p->kind->action : "");
	if (slot) {
		slot->rest_until_mono_ms = clock_mono_ms() + wait_ms;
	} else {
		p->rest_until_mono_ms = clock_mono_ms() + wait_ms;
		poller_enter(p, POLLER_BACKOFF);
		timer_set(p->timer, wait_ms);
	}
	if (attempt >= (is_lasting(e) ? 2 : POLLER_FAILING_AFTER))
		start_failing(p, stream, e);
	if (!slot && p->hooks.on_caught_up)
		p->hooks.on_caught_up(p, true, p->arg);
}

void
poller_went_off(struct poller *p, const struct err *e)
{
	bool was_off = p->is_off;

	stop_failing(p); /* what looked like a failure is this */
	p->is_off = true;
	set_last_error(p, e->text);
	unit_free(p);
	walks_drop(p);
	p->live_due_mono_ms = p->is_once ? INT64_MAX : 0;
	p->rest_until_mono_ms = clock_mono_ms() + POLLER_OFF_EVERY_MS;
	poller_enter(p, POLLER_OFF);
	timer_set(p->timer, POLLER_OFF_EVERY_MS);
	if (!was_off) {
		log_warn(
			"poll.off source=%s region=%s account=%s error=\"%s\" \"asks again every hour\"",
			p->source, p->region, p->account_name, e->text);
		if (p->hooks.on_off)
			p->hooks.on_off(p, true, e->text, p->arg);
	}
	if (p->hooks.on_caught_up)
		p->hooks.on_caught_up(p, false, p->arg);
}

void
poller_works(struct poller *p, enum source_stream stream)
{
	p->attempt = 0;
	if (p->is_off) {
		p->is_off = false;
		set_last_error(p, NULL);
		log_info("poll.on source=%s region=%s account=%s \"the service is on again\"",
		         p->source, p->region, p->account_name);
		if (p->hooks.on_off)
			p->hooks.on_off(p, false, "", p->arg);
	}
	if (p->failing_stream < 0 || p->failing_stream == (int)stream)
		stop_failing(p);
	if (!p->is_failing)
		set_last_error(p, NULL);
}
