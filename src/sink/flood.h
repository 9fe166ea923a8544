/*
 * flood: how many alerts a sink is told one by one before the rest becomes digests ("30/10m"). Pure.
 *
 * A window opens with its first alert. When as many were told in it as the limit says, the flood begins: what comes now is gathered into
 * a digest. The first one is told as soon as things had a moment to come together (FLOOD_SETTLE_MS, or a twentieth of the window if
 * that is less), the next ones a window apart, but at once (after that moment) when something more severe waits than was told. A
 * digest that held no more than the limit ends the flood, as a window without one does. So nobody is told more than
 * limit + a few per window, and nobody waits longer than a window.
 *
 * Instants are clock_now_ms: kept over restarts.
 */
#ifndef FD_SINK_FLOOD_H
#define FD_SINK_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "event/finding.h"

enum { FLOOD_SETTLE_MS = 30 * 1000 };

struct flood_limit {
	int64_t count, per_ms; /* count 0: no limit */
};

/* Zero-initialised: nothing was told yet. */
struct flood {
	int64_t start_ms;  /* of the window; 0 = none is open */
	int64_t told;      /* one by one in it */
	int64_t digest_ms; /* when the last digest of this flood was told; 0 = none */
	bool is_flood;     /* since a digest that held more than the limit */
	int severity;      /* the most severe that was told in the window */
};

/* How many more may be told one by one now; INT64_MAX without a limit. */
int64_t flood_room(struct flood *f, const struct flood_limit *l, int64_t now_ms);
/* One alert was told. */
void flood_told(struct flood *f, const struct flood_limit *l, enum severity severity,
                int64_t now_ms);
/* A digest that began to collect at first_ms and whose most severe is that: when it is to be told. */
int64_t flood_digest_due_ms(const struct flood *f, const struct flood_limit *l, int64_t first_ms,
                            enum severity severity);
/* It was released with so many in it. */
void flood_digest(struct flood *f, const struct flood_limit *l, uint64_t count,
                  enum severity severity, int64_t now_ms);

/* For the store, and back; malformed text reads as nothing told. */
void flood_write(const struct flood *f, struct buf *out);
void flood_read(struct flood *f, struct span text);

#endif
