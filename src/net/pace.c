/*
 * pace: token bucket, back-off, Retry-After. See pace.h.
 */
#include "config.h"

#include "net/pace.h"

#include <math.h>

#include "base/digest.h"
#include "base/timefmt.h"

static const double regain_pct_per_min = 10;
static const double floor_share = 1.0 / 32;
static const int64_t halve_every_ms = 1000;
static const int64_t retry_after_max_ms = 10LL * 366 * 86400 * 1000;

void
pace_init(struct pace *p, double full_per_s, double burst, int64_t now_ms)
{
	p->full_per_s = full_per_s;
	p->burst = burst < 1 ? 1 : burst;
	p->rate_per_s = full_per_s;
	p->tokens = p->burst;
	p->seen_ms = now_ms;
	p->throttled_ms = INT64_MIN;
}

/* Bring rate and tokens to now. The rate before the gain is used for the tokens: slower is the safe side. */
static void
advance(struct pace *p, int64_t now_ms)
{
	double passed_s = (double)(now_ms - p->seen_ms) / 1000;

	if (passed_s <= 0)
		return;
	p->seen_ms = now_ms;
	p->tokens = fmin(p->burst, p->tokens + passed_s * p->rate_per_s);
	p->rate_per_s = fmin(p->full_per_s, p->rate_per_s + p->full_per_s * regain_pct_per_min /
	                                                            100 * passed_s / 60);
}

int64_t
pace_take(struct pace *p, int64_t now_ms)
{
	if (p->full_per_s <= 0)
		return 0;
	advance(p, now_ms);
	/* A token short of one by rounding alone would make the caller come back for nothing. */
	if (p->tokens >= 1 - 1e-9) {
		p->tokens = fmax(0, p->tokens - 1);
		return 0;
	}
	double wait_ms = ceil((1 - p->tokens) / p->rate_per_s * 1000);
	return wait_ms < 1 ? 1 : (int64_t)wait_ms;
}

void
pace_throttled(struct pace *p, int64_t now_ms)
{
	if (p->full_per_s <= 0)
		return;
	advance(p, now_ms);
	p->tokens = 0;
	/* Answers to requests of the same burst tell one thing, once. */
	if (p->throttled_ms != INT64_MIN && now_ms - p->throttled_ms < halve_every_ms)
		return;
	p->throttled_ms = now_ms;
	p->rate_per_s = fmax(p->rate_per_s / 2, p->full_per_s * floor_share);
}

double
pace_rate(struct pace *p, int64_t now_ms)
{
	advance(p, now_ms);
	return p->rate_per_s;
}

int64_t
pace_backoff_ms(int64_t base_ms, int64_t cap_ms, unsigned attempt, uint32_t random)
{
	int64_t top = base_ms < cap_ms ? base_ms : cap_ms;

	for (unsigned i = 1; i < attempt && top < cap_ms; i++)
		top = top > cap_ms / 2 ? cap_ms : top * 2;
	if (top <= 0)
		return 0;
	return (int64_t)((double)random / 4294967296.0 * ((double)top + 1));
}

uint32_t
pace_random(void)
{
	uint32_t r;

	digest_random(&r, sizeof(r));
	return r;
}

static bool
scale_wait(uint64_t n, int64_t unit_ms, int64_t *ret_ms)
{
	*ret_ms = n > (uint64_t)(retry_after_max_ms / unit_ms) ? retry_after_max_ms
	                                                       : (int64_t)n * unit_ms;
	return true;
}

bool
pace_retry_after(struct span value, int64_t wall_ms, int64_t *ret_wait_ms)
{
	uint64_t n;
	int64_t at_ms;

	if (str_to_u64(value, &n))
		return scale_wait(n, 1000, ret_wait_ms);
	if (!timefmt_parse_http(value, &at_ms))
		return false;
	if (at_ms <= wall_ms)
		*ret_wait_ms = 0;
	else
		*ret_wait_ms =
			at_ms - wall_ms < retry_after_max_ms ? at_ms - wall_ms : retry_after_max_ms;
	return true;
}

bool
pace_amz_retry_after(struct span value, int64_t *ret_wait_ms)
{
	uint64_t n;

	return str_to_u64(value, &n) && scale_wait(n, 1, ret_wait_ms);
}
