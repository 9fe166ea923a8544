/*
 * api_env: what calls share. See api_env.h, api.h.
 *
 * Rates: Security Hub's are published (GetFindings 3/s burst 6, others 10/s burst 30); GuardDuty's are not, 5/s is what
 * its SDK users report to live with; SNS's smallest region has 300/s. All adapt downwards when throttled (pace.h).
 * Retry quota: botocore retries/quota.py.
 */
#include "config.h"

#include "aws/api_env.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/loop.h"

enum { NAME_BYTES = 256, BUCKETS_SWEEP = 4096, OVERRIDES_MAX = 32 };

static const double quota_tokens = 500, retry_cost = 5, timeout_cost = 10;

struct place_entry {
	UT_hash_handle hh;
	struct api_place place;
	char name[];
};

struct counter_entry {
	UT_hash_handle hh;
	struct api_counter counter;
	char *service, *operation, *region;
	char name[];
};

struct api_bucket {
	UT_hash_handle hh;
	struct api_env *env;
	struct pace pace;
	double asked_per_s;  /* rate_per_s of the call that made it */
	struct timer *timer; /* made when someone waits for the first time */
	unsigned users;
	TAILQ_HEAD(, api_waiter) waiting;
	char name[];
};

struct api_env {
	struct loop *loop;
	struct xfer *xfer;
	struct signer *signer;
	struct endpoint_options endpoints;
	struct endpoint_override overrides[OVERRIDES_MAX]; /* strings of its own */
	char *url, *ca_file, *proxy, *user_agent;
	unsigned max_attempts;
	int64_t backoff_base_ms;
	size_t calls; /* under way */
	struct place_entry *places;
	struct counter_entry *counters;
	struct api_bucket *buckets;
	size_t sweep_at;
};

/* ---- life ---- */

static unsigned
attempts_of(unsigned given)
{
	const char *s = getenv("AWS_MAX_ATTEMPTS");
	int64_t n;

	if (given > 0)
		return given;
	return s != NULL && str_to_i64(span_of(s), &n) && n >= 1 && n <= 100 ? (unsigned)n : 3;
}

static void
drop_options(struct api_env *env)
{
	for (unsigned i = 0; i < env->endpoints.override_count; i++) {
		void *service = (void *)(uintptr_t)env->overrides[i].service,
		     *url = (void *)(uintptr_t)env->overrides[i].url;
		mem_free(service);
		mem_free(url);
	}
	mem_free(env->url);
	mem_free(env->ca_file);
	mem_free(env->proxy);
	mem_free(env->user_agent);
}

static void
take_options(struct api_env *env, const struct api_options *o)
{
	const char *bundle = getenv("AWS_CA_BUNDLE");

	env->endpoints = o->endpoints;
	assert(o->endpoints.override_count <= OVERRIDES_MAX);
	for (unsigned i = 0; i < o->endpoints.override_count; i++) {
		env->overrides[i].service = mem_strdup(o->endpoints.overrides[i].service);
		env->overrides[i].url = mem_strdup(o->endpoints.overrides[i].url);
	}
	env->url = mem_strdup(o->endpoints.url);
	env->endpoints.overrides = env->overrides;
	env->endpoints.url = env->url;
	env->ca_file = mem_strdup(o->ca_file ? o->ca_file : bundle && bundle[0] ? bundle : NULL);
	env->proxy = mem_strdup(o->proxy);
	env->user_agent = mem_strdup(o->user_agent ? o->user_agent : "findingsd/" PACKAGE_VERSION);
	env->max_attempts = attempts_of(o->max_attempts);
	env->backoff_base_ms = o->backoff_base_ms > 0 ? o->backoff_base_ms : 1000;
}

struct api_env *
api_env_new(const struct api_options *o)
{
	struct api_env *env = mem_zalloc(sizeof(*env));

	env->loop = o->loop;
	env->xfer = o->xfer;
	env->signer = signer_new();
	env->sweep_at = BUCKETS_SWEEP;
	take_options(env, o);
	return env;
}

void
api_env_reconfigure(struct api_env *env, const struct api_options *o)
{
	drop_options(env);
	take_options(env, o);
}

static void
bucket_free(struct api_bucket *b)
{
	assert(b->users == 0 && TAILQ_EMPTY(&b->waiting));
	HASH_DEL(b->env->buckets, b);
	timer_free(b->timer);
	mem_free(b);
}

void
api_env_free(struct api_env *env)
{
	struct place_entry *p, *p_next;
	struct counter_entry *c, *c_next;
	struct api_bucket *b, *b_next;

	if (env == NULL)
		return;
	assert(env->calls == 0);
	HASH_ITER(hh, env->places, p, p_next)
	{
		HASH_DEL(env->places, p);
		mem_free(p);
	}
	HASH_ITER(hh, env->counters, c, c_next)
	{
		HASH_DEL(env->counters, c);
		mem_free(c->service);
		mem_free(c->operation);
		mem_free(c->region);
		mem_free(c);
	}
	HASH_ITER(hh, env->buckets, b, b_next)
	bucket_free(b);
	signer_free(env->signer);
	drop_options(env);
	mem_free(env);
}

/* ---- places and counters ---- */

static void *
zalloc_named(size_t bytes, const char *name)
{
	size_t len = strlen(name) + 1;
	char *p = mem_zalloc(bytes + len);

	memcpy(p + bytes, name, len);
	return p;
}

struct api_place *
api_env_place(struct api_env *env, const char *service, const char *region)
{
	char name[NAME_BYTES];
	struct place_entry *p;

	(void)snprintf(name, sizeof(name), "%s\n%s", service, region);
	HASH_FIND_STR(env->places, name, p);
	if (p == NULL) {
		p = zalloc_named(offsetof(struct place_entry, name), name);
		p->place.retry_tokens = quota_tokens;
		HASH_ADD_STR(env->places, name, p);
	}
	return &p->place;
}

struct api_counter *
api_env_counter(struct api_env *env, const char *service, const char *operation, const char *region)
{
	char name[NAME_BYTES];
	struct counter_entry *c;

	(void)snprintf(name, sizeof(name), "%s\n%s\n%s", service, operation, region);
	HASH_FIND_STR(env->counters, name, c);
	if (c == NULL) {
		c = zalloc_named(offsetof(struct counter_entry, name), name);
		c->counter.row.service = c->service = mem_strdup(service);
		c->counter.row.operation = c->operation = mem_strdup(operation);
		c->counter.row.region = c->region = mem_strdup(region);
		HASH_ADD_STR(env->counters, name, c);
	}
	return &c->counter;
}

void
api_stats(const struct api_env *env, api_stat_fn *fn, void *arg)
{
	struct counter_entry *c, *next;

	HASH_ITER(hh, env->counters, c, next)
	fn(&c->counter.row, arg);
}

const char *
api_outcome_name(enum api_outcome o)
{
	static const char *const names[API_OUTCOMES] = { "ok", "refused", "throttled", "failed" };

	return o < API_OUTCOMES ? names[o] : "failed";
}

bool
api_now_ms(struct api_env *env, const char *service, const char *region, int64_t *ret)
{
	struct api_place *p = api_env_place(env, service, region);

	if (!p->has_clock)
		return false;
	*ret = clock_believe(clock_mono_ms() + p->offset_ms);
	return true;
}

int64_t
api_place_time(const struct api_place *p, int64_t mono_ms)
{
	return p->has_clock ? mono_ms + p->offset_ms : clock_now_ms() + (mono_ms - clock_mono_ms());
}

bool
api_place_take_retry(struct api_place *p, bool is_timeout)
{
	double cost = is_timeout ? timeout_cost : retry_cost;

	if (p->retry_tokens < cost)
		return false;
	p->retry_tokens -= cost;
	return true;
}

void
api_place_succeeded(struct api_place *p, unsigned retries, bool was_timeout)
{
	p->retry_tokens += retries == 0 ? 1 : was_timeout ? timeout_cost : retry_cost;
	if (p->retry_tokens > quota_tokens)
		p->retry_tokens = quota_tokens;
}

/* ---- buckets ---- */

static const struct {
	const char *service, *operation; /* operation NULL: all others */
	double per_s, burst;
} rates[] = {
	/* first fit */
	{ "securityhub", "GetFindings", 3, 6 },
	{ "securityhub", NULL, 10, 30 },
	{ "guardduty", NULL, 5, 10 },
	{ "sns", NULL, 300, 300 },
	{ "sts", NULL, 50, 100 },
	{ NULL, NULL, 10, 30 },
};

static void
set_rate(struct api_bucket *b, const struct api_call *call)
{
	size_t i = 0;

	b->asked_per_s = call->rate_per_s;
	if (call->rate_per_s > 0) {
		double burst = call->rate_per_s < 0.5 ? 1 : 2 * call->rate_per_s;
		pace_init(&b->pace, call->rate_per_s, burst, clock_mono_ms());
		return;
	}
	while (rates[i].service != NULL &&
	       (strcmp(rates[i].service, call->service) != 0 ||
	        (rates[i].operation != NULL && strcmp(rates[i].operation, call->operation) != 0)))
		i++;
	pace_init(&b->pace, rates[i].per_s, rates[i].burst, clock_mono_ms());
}

/* Buckets at rest and full say nothing that a new one would not. */
static void
sweep(struct api_env *env)
{
	struct api_bucket *b, *next;
	int64_t now_ms = clock_mono_ms();

	HASH_ITER(hh, env->buckets, b, next)
	if (b->users == 0 && pace_rate(&b->pace, now_ms) >= b->pace.full_per_s &&
	    b->pace.tokens >= b->pace.burst)
		bucket_free(b);
	env->sweep_at = HASH_COUNT(env->buckets) * 2 + BUCKETS_SWEEP;
}

struct api_bucket *
api_env_bucket(struct api_env *env, const struct api_call *call)
{
	char name[NAME_BYTES];
	struct api_bucket *b;

	(void)snprintf(name, sizeof(name), "%s\n%s\n%s\n%s", call->account ? call->account : "",
	               call->region, call->service, call->operation);
	HASH_FIND_STR(env->buckets, name, b);
	if (b != NULL) {
		if (b->asked_per_s != call->rate_per_s) /* a reload changed it */
			set_rate(b, call);
		return b;
	}
	if (HASH_COUNT(env->buckets) >= env->sweep_at)
		sweep(env);
	b = zalloc_named(offsetof(struct api_bucket, name), name);
	b->env = env;
	TAILQ_INIT(&b->waiting);
	set_rate(b, call);
	HASH_ADD_STR(env->buckets, name, b);
	return b;
}

static void
on_bucket(void *arg)
{
	struct api_bucket *b = arg;
	struct api_waiter *w;
	int64_t wait_ms = 0;

	b->users++; /* a turn may end the call that held us */
	while ((w = TAILQ_FIRST(&b->waiting)) != NULL &&
	       (wait_ms = pace_take(&b->pace, clock_mono_ms())) == 0) {
		TAILQ_REMOVE(&b->waiting, w, link);
		w->on_turn(w);
	}
	if (w != NULL)
		timer_set(b->timer, wait_ms);
	b->users--;
}

bool
api_bucket_enter(struct api_bucket *b, struct api_waiter *w)
{
	int64_t wait_ms = 0;

	if (TAILQ_EMPTY(&b->waiting)) {
		wait_ms = pace_take(&b->pace, clock_mono_ms());
		if (wait_ms == 0)
			return true;
		if (b->timer == NULL)
			b->timer = timer_new(b->env->loop, on_bucket, b);
		timer_set(b->timer, wait_ms);
	}
	TAILQ_INSERT_TAIL(&b->waiting, w, link);
	return false;
}

void
api_bucket_pass(struct api_bucket *b)
{
	(void)pace_take(&b->pace, clock_mono_ms());
}

void
api_bucket_leave(struct api_bucket *b, struct api_waiter *w)
{
	TAILQ_REMOVE(&b->waiting, w, link);
}

void
api_bucket_throttled(struct api_bucket *b)
{
	pace_throttled(&b->pace, clock_mono_ms());
}

void
api_bucket_hold(struct api_bucket *b)
{
	b->users++;
}

void
api_bucket_release(struct api_bucket *b)
{
	b->users--;
}

/* ---- parts ---- */

struct loop *
api_env_loop(struct api_env *env)
{
	return env->loop;
}

struct signer *
api_env_signer(struct api_env *env)
{
	return env->signer;
}

struct xfer *
api_env_xfer(struct api_env *env)
{
	return env->xfer;
}

const struct endpoint_options *
api_env_endpoints(const struct api_env *env)
{
	return &env->endpoints;
}

const char *
api_env_ca_file(const struct api_env *env)
{
	return env->ca_file;
}

const char *
api_env_proxy(const struct api_env *env)
{
	return env->proxy;
}

const char *
api_env_user_agent(const struct api_env *env)
{
	return env->user_agent;
}

unsigned
api_env_max_attempts(const struct api_env *env)
{
	return env->max_attempts;
}

int64_t
api_env_backoff_base_ms(const struct api_env *env)
{
	return env->backoff_base_ms;
}

void
api_env_call_began(struct api_env *env)
{
	env->calls++;
}

void
api_env_call_ended(struct api_env *env)
{
	env->calls--;
}
