/*
 * breaker: when a sink may be tried, and when an item is too old. Pure: no clock, no random, no log.
 *
 * A sink works, or it rests. It rests after three failures in a row, or one that says that the next would fail too (not
 * reached, asked to slow down). While it rests nothing is sent; then one item goes to see; success opens it again.
 * Delays are drawn with full jitter between 0 and a ceiling that doubles from one second: at most 30 s where the peer
 * was not reached (it may be back any moment), 5 min where it answered with an error. What the peer asks for
 * (Retry-After) wins, up to one hour. DESIGN section 3, Never lost.
 *
 * Times during which the sink was held (refused, paused, gone) do not count to an item's age.
 */
#ifndef FD_SINK_BREAKER_H
#define FD_SINK_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "sink/sink.h"

enum {
	BREAKER_STREAK = 3,
	BREAKER_BASE_MS = 1000,
	BREAKER_UNREACHED_MAX_MS = 30 * 1000,
	BREAKER_ERROR_MAX_MS = 5 * 60 * 1000,
	BREAKER_ASKED_MAX_MS = 60 * 60 * 1000,
	BREAKER_HOLD_MS = 5 * 60 * 1000, /* how often a held sink is tried */
	BREAKER_HOLDS_MAX = 16,
};

/* Zero-initialised = works. Times are monotonic ms. */
struct breaker {
	unsigned streak;       /* failures in a row */
	bool is_open;          /* rests, or one item is under way to see */
	int64_t rest_until_ms; /* valid while is_open */
};

/*
 * How long to wait after the attempt-th failure (1 = the first). random32: a fresh one. At least 1 ms, so that "now" is
 * never the answer.
 */
int64_t breaker_delay_ms(unsigned attempt, bool is_unreached, int64_t retry_after_ms,
                         uint32_t random32);

/* Record a failure; true when the sink has just stopped working. */
bool breaker_fail(struct breaker *b, const struct sink_result *r, int64_t now_ms,
                  uint32_t random32);

/* Record a success or a permanent refusal of one item (the peer works); true when it had not been working. */
bool breaker_ok(struct breaker *b);

/*
 * How many more may be started with in_flight under way, probes of which went to see: up to max; one at a time while open
 * and rested. What hangs from before does not count against the one that goes to see: it may take its whole timeout.
 */
size_t breaker_room(const struct breaker *b, size_t in_flight, size_t probes, size_t max,
                    int64_t now_ms);

/* Spans of wall time during which the sink was held, oldest first, not overlapping. */
struct breaker_holds {
	struct {
		int64_t from_ms, to_ms; /* to_ms 0: still */
	} spans[BREAKER_HOLDS_MAX];
	size_t count;
};

void breaker_hold_begin(struct breaker_holds *h, int64_t now_ms);
void breaker_hold_end(struct breaker_holds *h, int64_t now_ms);
/* Forget what ended before. */
void breaker_hold_forget(struct breaker_holds *h, int64_t before_ms);
bool breaker_is_held(const struct breaker_holds *h);
/* Age of what was queued then, without the holds. */
int64_t breaker_age_ms(const struct breaker_holds *h, int64_t queued_ms, int64_t now_ms);

/* What was queued before that instant is older than age_ms, without the holds. */
int64_t breaker_cutoff_ms(const struct breaker_holds *h, int64_t age_ms, int64_t now_ms);

/* "FROM-TO,FROM-TO" and back, for the store. Malformed text reads as no holds. */
void breaker_holds_write(const struct breaker_holds *h, struct buf *out);
void breaker_holds_read(struct breaker_holds *h, struct span text);

#endif
