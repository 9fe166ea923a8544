/*
 * api: one call of an AWS API. See api.h.
 *
 *   API_KEYS --api_on_keys--> API_TURN --api_on_turn--> API_SENT --api_on_answer--> done
 *      ^  (cred_get)            (token bucket)             |  (http)
 *      |                                                   +--> API_PAUSE --api_on_timer--> API_KEYS
 *      +--- other keys, other clock: again at once --------+        (back-off)
 *
 * Ways out on time: API_KEYS by the fetch's own deadlines, API_TURN by the bucket's rate, API_SENT by the request's
 * timeout, API_PAUSE by the timer. API_ENDING is a failure before anything was sent: told by the timer, never from
 * within api_start.
 */
#include "config.h"

#include "aws/api.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/api_env.h"
#include "aws/api_error.h"
#include "aws/cred.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"

enum { API_MAGIC = 0x61706963, WHERE_BYTES = 160, HEADERS_MAX = 8, URL_MAX_BYTES = 16384 };

static const int64_t default_timeout_ms = 60000;
static const size_t default_answer_bytes = 8u << 20;
static const int64_t backoff_cap_ms = 20000;
static const int64_t hint_slack_ms =
	5000; /* x-amz-retry-after: wait that long, at most this much longer */
static const int64_t skew_min_ms = 240000; /* less than this is not why a signature was refused */

enum api_state { API_KEYS = 0, API_TURN, API_SENT, API_PAUSE, API_ENDING };

struct api {
	unsigned magic;
	enum api_state state;
	struct api_env *env;
	struct api_waiter waiter;
	struct api_place *place;
	struct api_bucket *bucket;
	struct api_counter *counter;
	struct cred *cred; /* NULL: unsigned */
	struct cred_want *want;
	struct cred_keys *keys; /* used for the request under way */
	struct http *http;
	struct timer *timer;
	struct endpoint endpoint;
	enum api_protocol protocol;
	char *service, *region, *method, *target;
	char *ca_file, *proxy;    /* NULL: the environment's */
	struct buf url;           /* whole */
	size_t path_at, query_at; /* in url; query_at 0: none */
	struct buf body;
	int64_t timeout_ms;
	size_t max_answer_bytes;
	unsigned max_attempts;
	bool is_paced, is_turn_taken;
	bool is_refreshed, is_clock_set; /* each helps once */
	bool was_timeout;                /* of the last failed attempt */
	unsigned retries;
	int64_t signed_for_ms;
	api_done_fn *on_done;
	void *arg;
	struct api_answer answer;
	char where[WHERE_BYTES];
};

static void api_step_keys(struct api *a);

/* ---- end ---- */

static void
api_free(struct api *a)
{
	assert(a->http == NULL && a->want == NULL);
	a->magic = 0;
	api_bucket_release(a->bucket);
	api_env_call_ended(a->env);
	timer_free(a->timer);
	cred_keys_unref(a->keys);
	cred_free(a->cred);
	mem_free(a->service);
	mem_free(a->region);
	mem_free(a->method);
	mem_free(a->target);
	mem_free(a->ca_file);
	mem_free(a->proxy);
	buf_done(&a->url);
	buf_done(&a->body);
	buf_done(&a->answer.body);
	mem_free(a);
}

static void
api_end(struct api *a)
{
	a->on_done(a->arg, &a->answer);
	api_free(a);
}

static void
api_on_timer(void *arg)
{
	struct api *a = arg;

	assert(a->magic == API_MAGIC && (a->state == API_PAUSE || a->state == API_ENDING));
	if (a->state == API_ENDING)
		api_end(a);
	else
		api_step_keys(a);
}

static void
wait_in(struct api *a, enum api_state state, int64_t ms)
{
	a->state = state;
	if (a->timer == NULL)
		a->timer = timer_new(api_env_loop(a->env), api_on_timer, a);
	timer_set(a->timer, ms);
}

/* ---- what came back ---- */

static int64_t
pause_ms(const struct api *a)
{
	int64_t ms = pace_backoff_ms(api_env_backoff_base_ms(a->env), backoff_cap_ms, a->retries,
	                             pace_random());
	int64_t hint_ms = a->answer.retry_after_ms;

	if (hint_ms >= 0 && ms < hint_ms)
		return hint_ms;
	return hint_ms >= 0 && ms > hint_ms + hint_slack_ms ? hint_ms + hint_slack_ms : ms;
}

/* true: a retry was begun. */
static bool
try_again(struct api *a)
{
	a->was_timeout = a->answer.err.kind == ERR_TIMEOUT;
	/* A pause longer than any back-off is the caller's to keep: it knows what else waits. */
	if (a->retries + 1 >= a->max_attempts || a->answer.retry_after_ms > backoff_cap_ms ||
	    !api_place_take_retry(a->place, a->was_timeout))
		return false;
	a->retries++;
	a->counter->row.retries++;
	a->is_turn_taken = false;
	int64_t wait_ms = pause_ms(a);
	log_debug("api.retry attempt=%u in_ms=%" PRId64 " error=\"%s\"", a->retries, wait_ms,
	          a->answer.err.text);
	wait_in(a, API_PAUSE, wait_ms);
	return true;
}

/* Once each, and at once: what was wrong is right now. */
static bool
mend(struct api *a, enum api_verdict v, int64_t skew_ms)
{
	if (v == VERDICT_SKEWED && !a->is_clock_set && skew_ms >= skew_min_ms) {
		a->is_clock_set = true;
		wait_in(a, API_PAUSE, 0);
		return true;
	}
	if (v == VERDICT_EXPIRED && !a->is_refreshed && a->keys != NULL &&
	    cred_invalidate(a->cred, a->keys)) {
		a->is_refreshed = true;
		wait_in(a, API_PAUSE, 0);
		return true;
	}
	return false;
}

static enum api_outcome
outcome_of(const struct api *a, enum api_verdict v)
{
	if (v == VERDICT_OK)
		return API_OK;
	if (v == VERDICT_THROTTLED)
		return API_THROTTLED;
	return a->answer.status == 0 || a->answer.status >= 500 || v == VERDICT_TRANSIENT
	               ? API_FAILED
	               : API_REFUSED;
}

/*
 * Keep AWS's clock; -> by how much the one that was signed with was wrong. A server that says yes to a signature and sends
 * no Date (a gateway, an emulator) agrees with our clock: that one stands in, or no window could ever begin.
 */
static int64_t
set_clock(struct api *a, const struct http_answer *h)
{
	int64_t date_ms = a->answer.aws_date_ms;
	struct api_place *p = a->place;

	if (date_ms < 0) {
		if (a->answer.err.kind == ERR_NONE && (!p->has_clock || p->is_own_clock)) {
			p->has_clock = p->is_own_clock = true;
			p->offset_ms = clock_now_ms() - clock_mono_ms();
		}
		return 0;
	}
	int64_t skew_ms = date_ms - a->signed_for_ms;
	p->has_clock = true;
	p->is_own_clock = false;
	clock_witness(date_ms);
	p->offset_ms = date_ms - (h->started_mono_ms + h->took_ms);
	return skew_ms < 0 ? -skew_ms : skew_ms;
}

static void
take_answer(struct api *a, struct http_answer *h)
{
	buf_done(&a->answer.body);
	a->answer.body = h->body;
	h->body = (struct buf){ 0 };
	a->answer.request_started_mono_ms = h->started_mono_ms;
	a->answer.took_ms = h->took_ms;
	a->answer.is_sent = h->is_sent;
	a->answer.request_started_aws_ms =
		a->place->has_clock ? a->place->offset_ms + h->started_mono_ms : -1;
}

static void
api_on_answer(void *arg, struct http_answer *h)
{
	struct api *a = arg;

	assert(a->magic == API_MAGIC && a->state == API_SENT);
	a->http = NULL;
	enum api_verdict v =
		api_judge(a->protocol, a->service, a->where, h, clock_now_ms(), &a->answer);
	int64_t skew_ms = set_clock(a, h);
	take_answer(a, h);
	a->counter->row.calls[outcome_of(a, v)]++;
	a->counter->row.took_ms += (uint64_t)(h->took_ms > 0 ? h->took_ms : 0);
	if (v == VERDICT_THROTTLED) {
		a->counter->row.throttled++;
		api_bucket_throttled(a->bucket);
	}
	if (v == VERDICT_OK)
		api_place_succeeded(a->place, a->retries, a->was_timeout);
	if (mend(a, v, skew_ms))
		return;
	if ((v == VERDICT_THROTTLED || v == VERDICT_TRANSIENT) && try_again(a))
		return;
	api_end(a);
}

/* ---- sending ---- */

static size_t
fill_headers(struct api *a, struct http_header *h)
{
	static const char *const types[] = { "application/json",
		                             "application/x-www-form-urlencoded; charset=utf-8",
		                             "application/x-amz-json-1.1",
		                             "application/x-amz-json-1.0" };
	size_t n = 0;

	if (a->body.len > 0)
		h[n++] = (struct http_header){ "Content-Type", types[a->protocol] };
	h[n++] = (struct http_header){ "Host", a->endpoint.host };
	if (a->target != NULL)
		h[n++] = (struct http_header){ "X-Amz-Target", a->target };
	return n;
}

static int
sign(struct api *a, struct http_header *h, size_t *n, struct sign_result *made, struct err *e)
{
	struct sign_keys keys = { a->keys->access_key_id, a->keys->secret_access_key,
		                  a->keys->session_token };
	size_t path_end = a->query_at ? a->query_at - 1 : a->url.len;
	struct sign_request req = {
		.method = a->method,
		.path = { a->url.data + a->path_at, path_end - a->path_at },
		.query = a->query_at ? (struct span){ a->url.data + a->query_at,
		                                      a->url.len - a->query_at }
		                     : SPAN_LIT(""),
		.headers = h,
		.header_count = *n,
		.body = { a->body.data, a->body.len },
		.service = a->endpoint.signing_name,
		.region = a->endpoint.signing_region,
		.now_ms = a->signed_for_ms,
	};

	if (sign_request(api_env_signer(a->env), &req, &keys, made, e) != 0)
		return -1;
	h[(*n)++] = (struct http_header){ "X-Amz-Date", made->date };
	if (keys.session_token != NULL)
		h[(*n)++] = (struct http_header){ "X-Amz-Security-Token", keys.session_token };
	h[(*n)++] = (struct http_header){ "Authorization", made->authorization };
	return 0;
}

static void
api_send(struct api *a)
{
	struct http_header headers[HEADERS_MAX];
	size_t n = fill_headers(a, headers);
	struct sign_result made;
	struct err e = { 0 };

	a->state = API_SENT;
	a->answer.attempts++;
	a->signed_for_ms = api_place_time(a->place, clock_mono_ms());
	if (a->keys == NULL || sign(a, headers, &n, &made, &e) == 0) {
		headers[n++] = (struct http_header){ "User-Agent", api_env_user_agent(a->env) };
		assert(n <= HEADERS_MAX);
		struct http_request req = {
			.method = a->method,
			.url = a->url.data,
			.headers = headers,
			.header_count = n,
			.body = { a->body.len ? a->body.data : NULL, a->body.len },
			.timeout_ms = a->timeout_ms,
			.max_answer_bytes = a->max_answer_bytes,
			.ca_file = a->ca_file ? a->ca_file : api_env_ca_file(a->env),
			.proxy = a->proxy ? a->proxy : api_env_proxy(a->env),
		};
		a->http = http_start(api_env_xfer(a->env), &req, api_on_answer, a, &e);
	}
	if (a->http != NULL)
		return;
	a->answer.attempts--;
	a->answer.err = e;
	(void)err_wrap(&a->answer.err, "%s", a->where);
	wait_in(a, API_ENDING, 0);
}

static void
api_on_turn(struct api_waiter *w)
{
	struct api *a = (struct api *)((char *)w - offsetof(struct api, waiter));

	assert(a->magic == API_MAGIC && a->state == API_TURN);
	a->is_turn_taken = true;
	/* Keys may have died in the queue. */
	api_step_keys(a);
}

static void
api_step_turn(struct api *a)
{
	a->state = API_TURN;
	if (!a->is_turn_taken && a->is_paced && !api_bucket_enter(a->bucket, &a->waiter))
		return;
	if (!a->is_paced)
		api_bucket_pass(a->bucket);
	a->is_turn_taken = true;
	api_send(a);
}

static void
api_on_keys(void *arg, struct cred_keys *keys, const struct err *e)
{
	struct api *a = arg;

	assert(a->magic == API_MAGIC && a->state == API_KEYS);
	a->want = NULL;
	if (keys == NULL) {
		a->answer.err = *e;
		(void)err_wrap(&a->answer.err, "%s", a->where);
		wait_in(a, API_ENDING, 0);
		return;
	}
	a->keys = cred_keys_ref(keys);
	api_step_turn(a);
}

static void
api_step_keys(struct api *a)
{
	a->state = API_KEYS;
	cred_keys_unref(a->keys);
	a->keys = NULL;
	if (a->cred == NULL) {
		api_step_turn(a);
		return;
	}
	struct cred_keys *keys = cred_peek(a->cred);
	if (keys == NULL) {
		a->want = cred_get(a->cred, api_on_keys, a);
		return;
	}
	a->keys = cred_keys_ref(keys);
	api_step_turn(a);
}

/* ---- beginning ---- */

static void
build_url(struct api *a, const struct api_call *call)
{
	const char *path = call->path ? call->path : "/";
	const char *base;

	buf_init(&a->url, URL_MAX_BYTES);
	(void)buf_add_str(&a->url, a->endpoint.url);
	/* An endpoint may have a path of its own, in front: it is signed, too. */
	base = strchr(strstr(a->endpoint.url, "://") + 3, '/');
	a->path_at = base ? (size_t)(base - a->endpoint.url) : a->url.len;
	(void)buf_add_str(&a->url, path);
	if (call->query == NULL || call->query[0] == '\0')
		return;
	(void)buf_add_char(&a->url, '?');
	a->query_at = a->url.len;
	(void)buf_add_str(&a->url, call->query);
}

static struct api *
api_new(struct api_env *env, const struct api_call *call, const struct endpoint *where)
{
	struct api *a = mem_zalloc(sizeof(*a));

	a->magic = API_MAGIC;
	a->env = env;
	a->waiter.on_turn = api_on_turn;
	a->endpoint = *where;
	a->place = api_env_place(env, call->service, call->region);
	a->counter = api_env_counter(env, call->service, call->operation, call->region);
	a->bucket = api_env_bucket(env, call);
	api_bucket_hold(a->bucket);
	api_env_call_began(env);
	a->cred = call->cred ? cred_ref(call->cred) : NULL;
	a->protocol = call->protocol;
	a->service = mem_strdup(call->service);
	a->region = mem_strdup(call->region);
	a->method = mem_strdup(call->method ? call->method : "POST");
	a->target = mem_strdup(call->target);
	a->ca_file = call->ca_file && *call->ca_file ? mem_strdup(call->ca_file) : NULL;
	a->proxy = call->proxy && *call->proxy ? mem_strdup(call->proxy) : NULL;
	build_url(a, call);
	if (call->body.len > 0)
		(void)buf_add(&a->body, call->body.p, call->body.len);
	a->timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : default_timeout_ms;
	a->max_answer_bytes =
		call->max_answer_bytes ? call->max_answer_bytes : default_answer_bytes;
	a->max_attempts = call->max_attempts ? call->max_attempts : api_env_max_attempts(env);
	a->is_paced = call->is_paced;
	a->answer.aws_date_ms = a->answer.request_started_aws_ms = a->answer.retry_after_ms = -1;
	(void)snprintf(a->where, sizeof(a->where), "%s %s in %s", call->service, call->operation,
	               call->region);
	return a;
}

struct api *
api_start(struct api_env *env, const struct api_call *call, api_done_fn *on_done, void *arg,
          struct err *e)
{
	struct endpoint where;

	if (endpoint_find(api_env_endpoints(env), call->service, call->region, &where, e) != 0)
		return NULL;
	struct api *a = api_new(env, call, &where);
	a->on_done = on_done;
	a->arg = arg;
	if (a->url.is_full) {
		(void)err_set(e, ERR_LIMIT, "%s: path and query are longer than %d bytes", a->where,
		              URL_MAX_BYTES);
		api_free(a);
		return NULL;
	}
	api_step_keys(a);
	return a;
}

void
api_cancel(struct api *a)
{
	if (a == NULL)
		return;
	assert(a->magic == API_MAGIC);
	cred_cancel(a->want);
	a->want = NULL;
	http_cancel(a->http);
	a->http = NULL;
	if (a->state == API_TURN)
		api_bucket_leave(a->bucket, &a->waiter);
	api_free(a);
}
