/*
 * cred: credentials that stay fresh. See cred.h.
 *
 *   no keys --cred_get--> fetching --cred_fetched--> keys --advisory time--> keys, fetching in the background
 *      ^                     |                        |
 *      +------ failed -------+     <----- cred_invalidate, expiry: no keys
 *
 * The kind fetches; here is kept what came, who waits, and when to fetch again. A failed fetch is not repeated for
 * retry_ms, so that 68 pollers do not ask 68 times. Every fetch has its way out on time: those of the network by the
 * call's own deadline and attempts.
 */
#include "config.h"

#include "aws/cred.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "aws/api.h"
#include "aws/cred_kind.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/pace.h"

static const int64_t advisory_ms = 15 * 60 * 1000;
static const int64_t mandatory_ms = 10 * 60 * 1000;
static const int64_t jitter_ms = 2 * 60 * 1000;
static const int64_t retry_ms = 5000;
static const int64_t background_retry_ms = 60000;
static const int64_t refuse_age_ms =
	60000; /* keys younger than this are not fetched again for having been refused */

struct cred_want {
	struct cred *cred;
	cred_done_fn *on_done;
	void *arg;
	uint64_t number;
	TAILQ_ENTRY(cred_want) link;
};

struct cred {
	unsigned refs;
	struct api_env *env;
	const struct cred_kind *kind;
	void *state;
	struct cred *delegate; /* what we are; NULL: ourselves */
	struct cred_keys *keys;
	int64_t fetched_ms;    /* monotonic: when keys came */
	int64_t refresh_ms;    /* monotonic: fetch again in the background from then on */
	int64_t stale_ms;      /* monotonic: too near to expiry to begin a call with */
	int64_t not_before_ms; /* monotonic: a fetch has failed, wait until then */
	bool is_fetching;
	bool is_deliver_asked;
	struct err error; /* of the last fetch */
	char origin[160];
	uint64_t numbers;
	TAILQ_HEAD(, cred_want) wants;
};

/* ---- keys ---- */

struct cred_keys *
cred_keys_new(const char *access_key_id, const char *secret_access_key, const char *session_token,
              int64_t expires_mono_ms)
{
	struct cred_keys *k = mem_zalloc(sizeof(*k));

	k->access_key_id = mem_strdup(access_key_id);
	k->secret_access_key = mem_strdup(secret_access_key);
	k->session_token = session_token && session_token[0] ? mem_strdup(session_token) : NULL;
	k->expires_mono_ms = expires_mono_ms;
	k->refs = 1;
	return k;
}

struct cred_keys *
cred_keys_ref(struct cred_keys *k)
{
	k->refs++;
	return k;
}

void
cred_keys_unref(struct cred_keys *k)
{
	if (k == NULL || --k->refs > 0)
		return;
	mem_free_secret(k->access_key_id);
	mem_free_secret(k->secret_access_key);
	mem_free_secret(k->session_token);
	mem_free(k->account_id);
	mem_free(k);
}

/* ---- life ---- */

struct cred *
cred_new(struct api_env *env, const struct cred_kind *kind, void *state)
{
	struct cred *c = mem_zalloc(sizeof(*c));

	c->refs = 1;
	c->env = env;
	c->kind = kind;
	c->state = state;
	TAILQ_INIT(&c->wants);
	return c;
}

struct cred *
cred_ref(struct cred *c)
{
	c->refs++;
	return c;
}

void
cred_free(struct cred *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	assert(TAILQ_EMPTY(&c->wants));
	if (c->is_fetching && c->kind->cancel != NULL)
		c->kind->cancel(c->state);
	if (c->kind->free != NULL)
		c->kind->free(c->state);
	cred_keys_unref(c->keys);
	cred_free(c->delegate);
	mem_free(c);
}

static struct cred *
self(struct cred *c)
{
	while (c->delegate != NULL)
		c = c->delegate;
	return c;
}

/* ---- fetching and telling ---- */

static bool
is_usable(const struct cred *c)
{
	return c->keys != NULL && clock_mono_ms() < c->stale_ms;
}

/* Near expiry and nothing better to be had: they still work. */
static bool
is_alive(const struct cred *c)
{
	return c->keys != NULL && clock_mono_ms() < c->keys->expires_mono_ms;
}

static void
on_deliver(void *arg)
{
	struct cred *c = arg;
	struct cred_want *w;
	uint64_t last = c->numbers;

	c->is_deliver_asked = false;
	/* Who asks again from within its callback has its turn in the next round. */
	while ((w = TAILQ_FIRST(&c->wants)) != NULL && w->number <= last) {
		bool is_good = is_usable(c) || (!c->is_fetching && is_alive(c));
		if (!is_good && c->is_fetching)
			break;
		TAILQ_REMOVE(&c->wants, w, link);
		w->on_done(w->arg, is_good ? c->keys : NULL, is_good ? NULL : &c->error);
		mem_free(w);
		cred_free(c);
	}
	cred_free(c);
}

static void
ask_deliver(struct cred *c)
{
	if (c->is_deliver_asked)
		return;
	c->is_deliver_asked = true;
	loop_later(api_env_loop(c->env), on_deliver, cred_ref(c));
}

static void
fetch(struct cred *c)
{
	c->is_fetching = true;
	c->kind->fetch(c, c->state);
}

/* Of many identities that were fetched together not all are fetched again together; short lives have short margins. */
static void
plan_refresh(struct cred *c, int64_t now_ms)
{
	int64_t until_ms = c->keys->expires_mono_ms, life_ms = until_ms - now_ms;
	int64_t early_ms = advisory_ms + (int64_t)(pace_random() % (uint32_t)jitter_ms);

	if (until_ms == INT64_MAX) {
		c->refresh_ms = c->stale_ms = INT64_MAX;
		return;
	}
	c->refresh_ms = until_ms - (early_ms < life_ms / 2 ? early_ms : life_ms / 2);
	c->stale_ms = until_ms - (mandatory_ms < life_ms / 4 ? mandatory_ms : life_ms / 4);
}

static void
warn_refresh(const struct cred *c, int64_t now_ms)
{
	char left[24] = "unlimited";

	if (c->keys->expires_mono_ms != INT64_MAX)
		(void)str_duration((c->keys->expires_mono_ms - now_ms) / 1000 * 1000, left,
		                   sizeof(left));
	log_warn(
		"cred.refresh_failed origin=\"%s\" left=%s \"the present credentials stay in use: %s\"",
		c->origin, left, c->error.text);
}

void
cred_fetched(struct cred *c, struct cred_keys *keys, const char *origin, const struct err *e)
{
	int64_t now_ms = clock_mono_ms();

	assert(c->is_fetching);
	c->is_fetching = false;
	if (keys == NULL) {
		c->error = *e;
		c->not_before_ms = now_ms + (is_usable(c) ? background_retry_ms : retry_ms);
		if (is_alive(c))
			warn_refresh(c, now_ms);
	} else {
		cred_keys_unref(c->keys);
		c->keys = keys;
		c->fetched_ms = now_ms;
		c->not_before_ms = 0;
		plan_refresh(c, now_ms);
		(void)snprintf(c->origin, sizeof(c->origin), "%s", origin);
		err_clear(&c->error);
	}
	ask_deliver(c);
}

void
cred_delegated(struct cred *c, struct cred *other)
{
	assert(c->is_fetching && TAILQ_EMPTY(&c->wants));
	c->is_fetching = false;
	cred_keys_unref(c->keys);
	c->keys = NULL;
	c->delegate = other;
}

/* Follow to who has the keys, and begin to fetch there when it is time. */
static struct cred *
settle(struct cred *c)
{
	for (;;) {
		int64_t now_ms = clock_mono_ms();
		c = self(c);
		bool is_due = !is_usable(c) || now_ms >= c->refresh_ms;
		if (!is_due || c->is_fetching || now_ms < c->not_before_ms)
			return c;
		fetch(c);
		if (c->delegate == NULL)
			return c;
	}
}

/* ---- for users ---- */

struct cred_keys *
cred_peek(struct cred *c)
{
	c = settle(c);
	return is_usable(c) ? c->keys : NULL;
}

struct cred_want *
cred_get(struct cred *c, cred_done_fn *on_done, void *arg)
{
	struct cred_want *w = mem_zalloc(sizeof(*w));

	c = settle(c);
	w->cred = cred_ref(c);
	w->on_done = on_done;
	w->arg = arg;
	w->number = ++c->numbers;
	TAILQ_INSERT_TAIL(&c->wants, w, link);
	ask_deliver(c);
	return w;
}

void
cred_cancel(struct cred_want *w)
{
	if (w == NULL)
		return;
	TAILQ_REMOVE(&w->cred->wants, w, link);
	cred_free(w->cred);
	mem_free(w);
}

bool
cred_invalidate(struct cred *c, const struct cred_keys *refused)
{
	c = self(c);
	if (c->keys == NULL || strcmp(c->keys->access_key_id, refused->access_key_id) != 0)
		return true; /* others are there already, or on their way */
	/* A region that is not opted in refuses the best of keys: that must not fetch new ones again and again. */
	if (clock_mono_ms() - c->fetched_ms < refuse_age_ms)
		return false;
	cred_keys_unref(c->keys);
	c->keys = NULL;
	c->not_before_ms = 0;
	return true;
}

void
cred_reload(struct cred *c)
{
	if (c->delegate != NULL) {
		cred_free(c->delegate);
		c->delegate = NULL;
	}
	c->refresh_ms = INT64_MIN;
	c->not_before_ms = 0;
}

const char *
cred_origin(const struct cred *c)
{
	while (c->delegate != NULL)
		c = c->delegate;
	return c->origin;
}

/* ---- fixed keys ---- */

static void
static_fetch(struct cred *c, void *state)
{
	cred_fetched(c, cred_keys_ref(state), "fixed keys", NULL);
}

static void
static_free(void *state)
{
	cred_keys_unref(state);
}

struct cred *
cred_new_static(struct api_env *env, const char *access_key_id, const char *secret_access_key,
                const char *session_token)
{
	static const struct cred_kind kind = { "static", static_fetch, NULL, static_free };

	return cred_new(env, &kind,
	                cred_keys_new(access_key_id, secret_access_key, session_token, INT64_MAX));
}
