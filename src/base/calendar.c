/*
 * calendar: the time that we go by. See calendar.h.
 */
#include "config.h"

#include "base/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
/* How long we may have been off before the local clock alone is not believed to say so. */
#define WALL_AHEAD_MAX_MS (7 * DAY_MS)
/* How far AWS's Date alone may lie ahead: beyond that it is a broken proxy rather than a long sleep. */
#define AWS_AHEAD_MAX_MS (90 * DAY_MS)
/* A boot clock that says more is not one (a test's clock, another machine with the same id), unless the wall says so too. */
#define BOOT_AHEAD_MAX_MS (30 * DAY_MS)

enum { SMALL_MS = 1000 };

static int64_t
apart(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* The boot clock has run on since the mark: what it says has passed has passed. */
static bool
is_same_boot(const struct calendar_mark *last, const char *boot_id, int64_t wall_ms,
             int64_t boot_ms)
{
	int64_t passed_ms = boot_ms - last->boot_ms;

	if (!*boot_id || strcmp(boot_id, last->boot_id) != 0 || passed_ms < 0)
		return false;
	return passed_ms <= BOOT_AHEAD_MAX_MS ||
	       apart(last->now_ms + passed_ms, wall_ms) <= CALENDAR_AGREE_MS;
}

void
calendar_begin(struct calendar *c, const struct calendar_mark *last, const char *boot_id,
               int64_t wall_ms, int64_t boot_ms)
{
	int64_t now_ms = wall_ms;

	*c = (struct calendar){ .is_begun = true };
	if (last && is_same_boot(last, boot_id, wall_ms, boot_ms)) {
		now_ms = last->now_ms + (boot_ms - last->boot_ms);
		c->is_settled = true;
	} else if (last && (wall_ms < last->now_ms || wall_ms - last->now_ms > WALL_AHEAD_MAX_MS)) {
		now_ms = last->now_ms;
	} else {
		c->is_likely = last != NULL;
	}
	c->last_ms = last ? last->now_ms : 0;
	c->offset_ms = now_ms - boot_ms;
}

int64_t
calendar_now(const struct calendar *c, int64_t wall_ms, int64_t boot_ms)
{
	return c->is_settled || c->last_ms ? boot_ms + c->offset_ms : wall_ms;
}

/* What is below SMALL_MS is the coarseness of the witnesses, no step. */
static int64_t
set(struct calendar *c, int64_t now_ms, int64_t wall_ms, int64_t boot_ms)
{
	int64_t step_ms = now_ms - calendar_now(c, wall_ms, boot_ms);

	if (!c->is_settled || apart(step_ms, 0) >= SMALL_MS)
		c->offset_ms = now_ms - boot_ms;
	c->is_settled = true;
	c->alone_since_ms = 0;
	return apart(step_ms, 0) < SMALL_MS ? 0 : step_ms;
}

/* Nobody else says so: the local clock neither, and what we counted ourselves neither. */
static int64_t
hear_alone(struct calendar *c, int64_t aws_ms, int64_t wall_ms, int64_t boot_ms)
{
	int64_t offset_ms = aws_ms - boot_ms;
	bool may_be = !c->last_ms || (aws_ms >= c->last_ms - CALENDAR_AGREE_MS &&
	                              aws_ms <= c->last_ms + AWS_AHEAD_MAX_MS);

	if (!c->is_settled && may_be)
		return set(c, aws_ms, wall_ms, boot_ms);
	if (!c->alone_since_ms || apart(offset_ms, c->alone_offset_ms) > CALENDAR_AGREE_MS) {
		c->alone_since_ms = boot_ms;
		c->alone_offset_ms = offset_ms;
		return 0;
	}
	if (boot_ms - c->alone_since_ms < CALENDAR_ALONE_MS ||
	    ((c->is_settled || c->is_likely) &&
	     aws_ms - calendar_now(c, wall_ms, boot_ms) > AWS_AHEAD_MAX_MS))
		return 0;
	return set(c, aws_ms, wall_ms, boot_ms);
}

int64_t
calendar_witness(struct calendar *c, int64_t aws_ms, int64_t wall_ms, int64_t boot_ms)
{
	if (!c->is_begun)
		return 0;
	if (apart(aws_ms, wall_ms) <= CALENDAR_AGREE_MS)
		return set(c, wall_ms, wall_ms, boot_ms);
	if (apart(aws_ms, calendar_now(c, wall_ms, boot_ms)) <= CALENDAR_AGREE_MS) {
		c->is_settled = true;
		c->alone_since_ms = 0;
		return 0;
	}
	return hear_alone(c, aws_ms, wall_ms, boot_ms);
}

void
calendar_mark_print(const struct calendar_mark *m, char text[CALENDAR_MARK_BYTES])
{
	(void)snprintf(text, CALENDAR_MARK_BYTES, "%" PRId64 " %" PRId64 " %s", m->now_ms,
	               m->boot_ms, m->boot_id);
}

bool
calendar_mark_parse(struct span text, struct calendar_mark *ret)
{
	char copy[CALENDAR_MARK_BYTES];
	int64_t *const numbers[] = { &ret->now_ms, &ret->boot_ms };
	size_t at = 0;

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	*ret = (struct calendar_mark){ 0 };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t len = strcspn(copy + at, " ");

		if (!copy[at + len] || !str_to_i64((struct span){ copy + at, len }, numbers[i]))
			return false;
		at += len + 1;
	}
	(void)snprintf(ret->boot_id, sizeof(ret->boot_id), "%.39s", copy + at);
	return ret->now_ms > 0 && ret->boot_ms >= 0;
}
