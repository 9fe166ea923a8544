/*
 * flood: how many alerts a sink is told one by one. See flood.h.
 */
#include "config.h"

#include "sink/flood.h"

#include <string.h>

static int64_t
settle_ms(const struct flood_limit *l)
{
	return l->per_ms / 20 < FLOOD_SETTLE_MS ? l->per_ms / 20 : FLOOD_SETTLE_MS;
}

/* What is over is forgotten. */
static void
expire(struct flood *f, const struct flood_limit *l, int64_t now_ms)
{
	int64_t since_ms = f->is_flood ? f->digest_ms : f->start_ms;

	/* Also when the calendar was set back: a window is never longer than it says. */
	if (since_ms && (now_ms - since_ms >= l->per_ms || now_ms < since_ms))
		memset(f, 0, sizeof *f);
}

int64_t
flood_room(struct flood *f, const struct flood_limit *l, int64_t now_ms)
{
	if (!l->count)
		return INT64_MAX;
	expire(f, l, now_ms);
	return f->is_flood || f->told >= l->count ? 0 : l->count - f->told;
}

static void
see(struct flood *f, enum severity severity)
{
	if ((int)severity > f->severity)
		f->severity = (int)severity;
}

void
flood_told(struct flood *f, const struct flood_limit *l, enum severity severity, int64_t now_ms)
{
	if (!l->count)
		return;
	expire(f, l, now_ms);
	if (!f->start_ms)
		f->start_ms = now_ms;
	f->told++;
	see(f, severity);
}

int64_t
flood_digest_due_ms(const struct flood *f, const struct flood_limit *l, int64_t first_ms,
                    enum severity severity)
{
	int64_t due_ms = first_ms + settle_ms(l);

	if (f->digest_ms && (int)severity <= f->severity && f->digest_ms + l->per_ms > due_ms)
		due_ms = f->digest_ms + l->per_ms;
	return due_ms;
}

void
flood_digest(struct flood *f, const struct flood_limit *l, uint64_t count, enum severity severity,
             int64_t now_ms)
{
	if (!l->count)
		return;
	f->digest_ms = now_ms;
	f->is_flood = count > (uint64_t)l->count;
	see(f, severity);
}

void
flood_write(const struct flood *f, struct buf *out)
{
	(void)buf_printf(out, "%lld,%lld,%lld,%d,%d", (long long)f->start_ms, (long long)f->told,
	                 (long long)f->digest_ms, f->is_flood, f->severity);
}

void
flood_read(struct flood *f, struct span text)
{
	int64_t n[5] = { 0 };

	memset(f, 0, sizeof *f);
	for (size_t i = 0; i < 5; i++) {
		const char *comma = text.len ? memchr(text.p, ',', text.len) : NULL;
		size_t len = comma ? (size_t)(comma - text.p) : text.len;

		if ((i < 4) != (comma != NULL) ||
		    !str_to_i64((struct span){ text.p, len }, &n[i]) || n[i] < 0)
			return;
		if (comma)
			text = (struct span){ comma + 1, text.len - len - 1 };
	}
	if (n[4] > SEVERITY_CRITICAL)
		return;
	f->start_ms = n[0];
	f->told = n[1];
	f->digest_ms = n[2];
	f->is_flood = n[3] != 0;
	f->severity = (int)n[4];
}
