/*
 * api_env: what calls share: places (clock and retry quota of an endpoint), token buckets, counters. Of this room only.
 */
#ifndef FD_AWS_API_ENV_H
#define FD_AWS_API_ENV_H

#include <sys/queue.h>

#include "aws/api.h"
#include "aws/sign.h"
#include "net/pace.h"

/* One service in one region, as the SDKs have one client for it. Lives as long as the environment. */
struct api_place {
	bool has_clock;
	bool is_own_clock;   /* the endpoint tells no time: ours stands in */
	int64_t offset_ms;   /* AWS's time - monotonic clock */
	double retry_tokens; /* 0..500 */
};

struct api_waiter {
	void (*on_turn)(struct api_waiter *w); /* a token was taken for it */
	TAILQ_ENTRY(api_waiter) link;
};

/* One quota: account, region, service, operation. May be dropped when at rest: look it up again each time. */
struct api_bucket;

struct api_counter {
	struct api_stat row;
};

struct api_place *api_env_place(struct api_env *env, const char *service, const char *region);
struct api_counter *api_env_counter(struct api_env *env, const char *service, const char *operation,
                                    const char *region);

struct api_bucket *api_env_bucket(struct api_env *env, const struct api_call *call);
/* true: a token was taken, go. false: w is queued, on_turn comes later (never before this returns). */
bool api_bucket_enter(struct api_bucket *b, struct api_waiter *w);
/* Count a call that does not wait. */
void api_bucket_pass(struct api_bucket *b);
void api_bucket_leave(struct api_bucket *b, struct api_waiter *w);
void api_bucket_throttled(struct api_bucket *b);
/* Calls that point to it keep it. */
void api_bucket_hold(struct api_bucket *b);
void api_bucket_release(struct api_bucket *b);

/* Retry quota: take what a retry costs; false: not enough left. */
bool api_place_take_retry(struct api_place *p, bool is_timeout);
void api_place_succeeded(struct api_place *p, unsigned retries, bool was_timeout);

/* AWS's time there at a monotonic instant; the local clock when none is known. */
int64_t api_place_time(const struct api_place *p, int64_t mono_ms);

struct signer *api_env_signer(struct api_env *env);
struct xfer *api_env_xfer(struct api_env *env);
const struct endpoint_options *api_env_endpoints(const struct api_env *env);
const char *api_env_ca_file(const struct api_env *env);
const char *api_env_proxy(const struct api_env *env);
const char *api_env_user_agent(const struct api_env *env);
unsigned api_env_max_attempts(const struct api_env *env);
int64_t api_env_backoff_base_ms(const struct api_env *env);
void api_env_call_began(struct api_env *env);
void api_env_call_ended(struct api_env *env);

#endif
