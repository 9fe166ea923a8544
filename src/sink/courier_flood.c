/*
 * courier_flood: what is told one by one, what is told in digests, and what is too old to be told. It decides on the loop; gather.c does
 * it in the courier's job.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sink/courier_in.h"
#include "sink/tally.h"
#include "store/folding.h"

enum { EXPIRE_EVERY_MS = 1000, SPARED_MAX = 512 };

static struct flood_limit
limit_of(const struct courier *c)
{
	const struct conf_rate *rate = &c->place->conf->flood;

	return (struct flood_limit){ rate->count, rate->per_ms };
}

bool
courier_is_flood(struct courier *c)
{
	struct flood_limit l = limit_of(c);

	return flood_room(&c->flood, &l, clock_now_ms()) == 0;
}

int64_t
courier_room(struct courier *c)
{
	struct flood_limit l = limit_of(c);
	int64_t room = flood_room(&c->flood, &l, clock_now_ms());
	int64_t taken = (int64_t)(c->ready_count + c->sent_count);

	if (!l.count)
		return INT64_MAX;
	return room > taken ? room - taken : 0;
}

int64_t
courier_digest_due_ms(const struct courier *c)
{
	struct flood_limit l = limit_of(c);

	if (!c->held.id)
		return INT64_MAX;
	/* No limit any more: nothing to wait for. */
	if (!l.count || c->is_flushing)
		return 0;
	return flood_digest_due_ms(&c->flood, &l, c->held.first_ms, c->held.severity);
}

void
courier_plan_gather(struct courier *c, struct gather_plan *p)
{
	const struct conf_sink *conf = c->place->conf;
	int64_t now_ms = clock_now_ms(), mono_ms = clock_mono_ms();
	bool is_expiry_due = c->is_expiry_due || mono_ms - c->expired_ms >= EXPIRE_EVERY_MS;

	memset(p, 0, sizeof *p);
	p->now_ms = now_ms;
	p->max_age_ms = conf->max_age_ms;
	p->is_ready = c->state == COURIER_READY;
	p->wants_backlog = conf->backlog == CONF_BACKLOG_DIGEST;
	p->is_flood = courier_is_flood(c);
	p->is_release = now_ms >= courier_digest_due_ms(c);
	p->is_late_settling = c->is_late_settling;
	if (!is_expiry_due)
		return;
	p->expire_before_ms = breaker_cutoff_ms(&c->holds, conf->max_age_ms, now_ms);
	c->expired_ms = mono_ms;
	c->is_expiry_due = false;
}

static void
tell_released(struct courier *c, const struct gather_released *r, struct courier_gathered *g)
{
	struct flood_limit l = limit_of(c);

	if (!r->id)
		return;
	log_info("courier.digest sink=%s item=%lld reason=%s alerts=%llu severity=%s",
	         courier_name(c), (long long)r->id, tally_reason_name(r->reason),
	         (unsigned long long)r->count, severity_name(r->severity));
	g->digests++;
	g->digest_items += r->count;
	if (r->reason != FOLDING_FLOOD)
		return;
	flood_digest(&c->flood, &l, r->count, r->severity, clock_now_ms());
	c->is_flood_dirty |= l.count != 0;
}

void
courier_take_gathered(struct courier *c, const struct gather_plan *p,
                      const struct gather_done *done)
{
	struct courier_gathered g = { .told = done->told,
		                      .dead = done->dead,
		                      .expired = done->expired,
		                      .why = done->dead_answer };

	for (size_t i = 0; i < 2; i++)
		tell_released(c, &done->released[i], &g);
	if (c->held.id != done->held.id && done->held.id)
		log_info("courier.gathering sink=%s item=%lld alerts=%llu", courier_name(c),
		         (long long)done->held.id, (unsigned long long)done->held.count);
	c->held = done->held;
	if (done->has_more) {
		c->is_woken = true;
		c->is_expiry_due = true;
	} else if (p->is_late_settling) {
		c->is_late_settling = false;
	}
	c->dead += done->dead + done->expired;
	if (done->expired)
		log_warn("courier.expired sink=%s count=%u answer=\"%s\"", courier_name(c),
		         done->expired, done->dead_answer);
	if (c->o.hooks.on_gathered && (g.told || g.dead || g.expired || g.digests))
		c->o.hooks.on_gathered(c, &g, c->o.hook_arg);
}

void
courier_count_told(struct courier *c, const struct outbox_item *row)
{
	struct flood_limit l = limit_of(c);

	if (row->change == CHANGE_DIGEST) {
		c->is_late_settling = true;
		c->is_woken = true;
	}
	/* Our own alerts, and what a person asked for, are no flood. */
	if (!l.count || !row->memory_id || row->asked_ms)
		return;
	flood_told(&c->flood, &l, (enum severity)row->severity, clock_now_ms());
	c->is_flood_dirty = true;
}

bool
courier_write_hand(const struct courier *c, struct buf *out)
{
	const struct courier_list *lists[] = { &c->ready, &c->flying, &c->finished };
	const struct conf_sink *conf = c->place->conf;
	const struct courier_item *it;

	if (!conf->flood.count && conf->backlog != CONF_BACKLOG_DIGEST)
		return false;
	for (size_t i = 0; i < 3; i++) {
		/* What waits here when we stop was not sent. */
		if (i == 0 && c->is_stopping)
			continue;
		TAILQ_FOREACH(it, lists[i], entry)
			(void)buf_printf(out, "%lld,", (long long)it->row->id);
	}
	for (size_t i = 0; i < c->spared_count; i++)
		(void)buf_printf(out, "%lld,", (long long)c->spared[i]);
	return true;
}

void
courier_read_spared(struct courier *c, struct span text)
{
	c->spared_count = 0;
	while (text.len && c->spared_count < SPARED_MAX) {
		const char *comma = memchr(text.p, ',', text.len);
		size_t len = comma ? (size_t)(comma - text.p) : text.len;
		int64_t id;

		if (!str_to_i64((struct span){ text.p, len }, &id))
			return;
		if (!c->spared)
			c->spared = mem_calloc(SPARED_MAX, sizeof c->spared[0]);
		c->spared[c->spared_count++] = id;
		if (!comma)
			return;
		text = (struct span){ comma + 1, text.len - len - 1 };
	}
}

void
courier_unspare(struct courier *c, int64_t id)
{
	for (size_t i = 0; i < c->spared_count; i++) {
		if (c->spared[i] == id) {
			c->spared[i] = c->spared[--c->spared_count];
			return;
		}
	}
}
