/*
 * pace: how fast, and how soon again. Pure: now and chance come in as arguments.
 *
 * Token bucket with adaptive rate: halved on each throttle (at most once a second), regained by 10 % of the full rate
 * a minute. Back-off with full jitter. Retry-After in its forms.
 */
#ifndef FD_NET_PACE_H
#define FD_NET_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Open value type. */
struct pace {
	double full_per_s; /* configured rate; 0: no limit */
	double burst;      /* tokens the bucket holds, >= 1 */
	double rate_per_s; /* present rate, <= full_per_s */
	double tokens;
	int64_t seen_ms;      /* tokens and rate are as of this instant (monotonic) */
	int64_t throttled_ms; /* last halving, INT64_MIN: never */
};

void pace_init(struct pace *p, double full_per_s, double burst, int64_t now_ms);

/* Take a token: 0. None there: take nothing, return how many ms to wait before asking again (>= 1). */
int64_t pace_take(struct pace *p, int64_t now_ms);

/* The peer asked to slow down: halve the rate (not below 1/32 of the full one) and empty the bucket. */
void pace_throttled(struct pace *p, int64_t now_ms);

/* Present rate per second. */
double pace_rate(struct pace *p, int64_t now_ms);

/*
 * Full jitter: a wait between 0 and min(cap_ms, base_ms * 2^(attempt - 1)), both included.
 * attempt counts from 1; random is any 32 random bits.
 */
int64_t pace_backoff_ms(int64_t base_ms, int64_t cap_ms, unsigned attempt, uint32_t random);

/* 32 random bits for the above; from the system, any thread. */
uint32_t pace_random(void);

/*
 * Retry-After: seconds, or an HTTP date (compared with wall_ms). -> ms from now, >= 0, at most 10 years.
 * false: neither. Source: RFC 9110 section 10.2.3.
 */
bool pace_retry_after(struct span value, int64_t wall_ms, int64_t *ret_wait_ms);

/* x-amz-retry-after: milliseconds. */
bool pace_amz_retry_after(struct span value, int64_t *ret_wait_ms);

#endif
