/*
 * health: whether we are ready, and if not, why. Collects reasons; who has reasons is the daemon's to know.
 */
#ifndef FD_CONTROL_HEALTH_H
#define FD_CONTROL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { HEALTH_MAX_REASONS = 100 };

/* Open value type. */
struct health {
	size_t reason_count; /* also those that were not kept */
	struct buf reasons;  /* one line each; the first HEALTH_MAX_REASONS */
};

void health_init(struct health *h);
void health_done(struct health *h);

/* One more reason why we are not ready: "source hub us-east-1: no good poll for 12m". */
void health_add(struct health *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool health_is_ready(const struct health *h);

/* "ready\n", or "not ready\n" and the reasons, a line each. */
void health_print(const struct health *h, struct buf *out);

#endif
