/*
 * breaker: when a sink may be tried, and when an item is too old. Pure: no clock, no random, no log.
 */
#include "config.h"

#include "sink/breaker.h"

#include <string.h>

int64_t
breaker_delay_ms(unsigned attempt, bool is_unreached, int64_t retry_after_ms, uint32_t random32)
{
	int64_t ceiling = is_unreached ? BREAKER_UNREACHED_MAX_MS : BREAKER_ERROR_MAX_MS;
	int64_t delay = BREAKER_BASE_MS;

	if (retry_after_ms > 0)
		return retry_after_ms < BREAKER_ASKED_MAX_MS ? retry_after_ms
		                                             : BREAKER_ASKED_MAX_MS;
	for (unsigned i = 1; i < attempt && delay < ceiling; i++)
		delay *= 2;
	if (delay > ceiling)
		delay = ceiling;
	return 1 + (int64_t)(((uint64_t)random32 * (uint64_t)delay) >> 32);
}

bool
breaker_fail(struct breaker *b, const struct sink_result *r, int64_t now_ms, uint32_t random32)
{
	bool was_open = b->is_open;
	int64_t until;

	if (b->streak < 1000)
		b->streak++;
	if (!was_open && b->streak < BREAKER_STREAK && !r->is_unreached && !r->retry_after_ms)
		return false;
	until = now_ms + breaker_delay_ms(b->streak, r->is_unreached, r->retry_after_ms, random32);
	/* Several attempts end together when a sink goes down: the longest rest stands. */
	if (!was_open || until > b->rest_until_ms)
		b->rest_until_ms = until;
	b->is_open = true;
	return !was_open;
}

bool
breaker_ok(struct breaker *b)
{
	bool was_open = b->is_open;

	*b = (struct breaker){ 0 };
	return was_open;
}

size_t
breaker_room(const struct breaker *b, size_t in_flight, size_t probes, size_t max, int64_t now_ms)
{
	size_t room = in_flight < max ? max - in_flight : 0;

	if (!b->is_open)
		return room;
	return room > 0 && probes == 0 && now_ms >= b->rest_until_ms ? 1 : 0;
}

void
breaker_hold_begin(struct breaker_holds *h, int64_t now_ms)
{
	if (breaker_is_held(h))
		return;
	if (h->count == BREAKER_HOLDS_MAX) {
		/* Join the two oldest: counts the time between them as held, which keeps items rather than losing them. */
		h->spans[0].to_ms = h->spans[1].to_ms;
		memmove(&h->spans[1], &h->spans[2], (h->count - 2) * sizeof h->spans[0]);
		h->count--;
	}
	h->spans[h->count].from_ms = now_ms;
	h->spans[h->count].to_ms = 0;
	h->count++;
}

void
breaker_hold_end(struct breaker_holds *h, int64_t now_ms)
{
	if (!breaker_is_held(h))
		return;
	if (now_ms <= h->spans[h->count - 1].from_ms)
		h->count--;
	else
		h->spans[h->count - 1].to_ms = now_ms;
}

void
breaker_hold_forget(struct breaker_holds *h, int64_t before_ms)
{
	size_t n = 0;

	while (n < h->count && h->spans[n].to_ms != 0 && h->spans[n].to_ms < before_ms)
		n++;
	memmove(h->spans, h->spans + n, (h->count - n) * sizeof h->spans[0]);
	h->count -= n;
}

bool
breaker_is_held(const struct breaker_holds *h)
{
	return h->count && h->spans[h->count - 1].to_ms == 0;
}

int64_t
breaker_age_ms(const struct breaker_holds *h, int64_t queued_ms, int64_t now_ms)
{
	int64_t age = now_ms - queued_ms;

	for (size_t i = 0; i < h->count; i++) {
		int64_t from = h->spans[i].from_ms > queued_ms ? h->spans[i].from_ms : queued_ms;
		int64_t to = h->spans[i].to_ms ? h->spans[i].to_ms : now_ms;

		if (to > now_ms)
			to = now_ms;
		if (to > from)
			age -= to - from;
	}
	return age > 0 ? age : 0;
}

int64_t
breaker_cutoff_ms(const struct breaker_holds *h, int64_t age_ms, int64_t now_ms)
{
	int64_t at = now_ms, left = age_ms;

	/* Back from now, over the times that do not count. */
	for (size_t i = h->count; i-- > 0;) {
		int64_t to = h->spans[i].to_ms ? h->spans[i].to_ms : now_ms;

		if (at > to && at - to > left)
			break;
		if (at > to)
			left -= at - to;
		if (h->spans[i].from_ms < at)
			at = h->spans[i].from_ms;
	}
	return at - left;
}

void
breaker_holds_write(const struct breaker_holds *h, struct buf *out)
{
	for (size_t i = 0; i < h->count; i++) {
		if (i)
			(void)buf_add_char(out, ',');
		(void)buf_add_i64(out, h->spans[i].from_ms);
		(void)buf_add_char(out, '-');
		(void)buf_add_i64(out, h->spans[i].to_ms);
	}
}

static bool
read_span(struct breaker_holds *h, struct span s)
{
	const char *dash = memchr(s.p, '-', s.len);
	int64_t from, to;

	if (!dash || h->count == BREAKER_HOLDS_MAX)
		return false;
	if (!str_to_i64((struct span){ s.p, (size_t)(dash - s.p) }, &from) ||
	    !str_to_i64((struct span){ dash + 1, (size_t)(s.p + s.len - dash - 1) }, &to))
		return false;
	if (from < 0 || (to != 0 && to < from) || breaker_is_held(h) ||
	    (h->count && from < h->spans[h->count - 1].to_ms))
		return false;
	h->spans[h->count].from_ms = from;
	h->spans[h->count].to_ms = to;
	h->count++;
	return true;
}

void
breaker_holds_read(struct breaker_holds *h, struct span text)
{
	h->count = 0;
	while (text.len) {
		const char *comma = memchr(text.p, ',', text.len);
		size_t len = comma ? (size_t)(comma - text.p) : text.len;

		if (!read_span(h, (struct span){ text.p, len })) {
			h->count = 0;
			return;
		}
		text = (struct span){ text.p + len, text.len - len };
		if (comma)
			text = (struct span){ text.p + 1, text.len - 1 };
	}
}
