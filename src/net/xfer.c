/*
 * xfer: all transfers on one curl multi. See xfer.h.
 *
 * A job's way: xfer_add -> (JOB_WAITING for its name's turn) -> JOB_RUNNING in the multi -> xfer_drain -> on_done.
 * xfer_remove makes it JOB_REMOVED; the next drain takes it out. curl's own callbacks only record what happened: the
 * multi is entered from the loop (on_socket, on_curl_timer, on_kick) and from nowhere else.
 *
 * Names: a struct gate per host. Its first job resolves; from the moment a socket is opened (or a request is sent on an
 * open connection) the name is in curl's cache for dns_cache_s, and all others pass. A resolver that timed out or was
 * removed may have left its thread behind, so its slot stays taken for hold_ms.
 *
 * Source: libcurl-multi(3), curl_multi_socket_action(3), CURLOPT_QUICK_EXIT(3).
 */
#include "config.h"

#include "net/xfer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

enum {
	XFER_MAGIC = 0x78666572,
	JOB_MAGIC = 0x786a6f62,
	POOL_MAX = 64,
	CONNECTIONS_MAX = 512, /* idle ones kept; each host's answers are waited for anyway */
	GATES_MAX = 512,       /* above this, gates at rest are dropped */
};

static const long dns_cache_s = 60;
static const int64_t gate_open_ms =
	50000; /* less than curl's cache: never two resolvers of one name */
static const int64_t hold_ms = 5000;

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_FAILED, JOB_REMOVED };

struct gate;

struct job {
	unsigned magic;
	enum job_state state;
	struct xfer *xfer;
	CURL *easy;
	struct gate *gate; /* NULL: no name to resolve, or not concerned any more */
	xfer_done_fn *on_done;
	xfer_gone_fn *on_gone; /* JOB_REMOVED only */
	void *arg;
	struct timer *deadline; /* JOB_WAITING only */
	int64_t until_ms;       /* monotonic */
	CURLcode result;        /* JOB_FAILED only */
	bool is_in_multi;
	TAILQ_ENTRY(job) link; /* in gate->waiting, or in xfer->leaving */
};

TAILQ_HEAD(job_list, job);

struct gate {
	UT_hash_handle hh;
	struct job_list waiting;
	size_t jobs;           /* that point here */
	struct job *resolver;  /* the one that resolves */
	int64_t open_until_ms; /* the name is in curl's cache */
	int64_t held_until_ms; /* > 0: a resolver's thread may be alive until then */
	char name[];
};

struct xfer {
	unsigned magic;
	struct loop *loop;
	CURLM *multi;
	struct timer *timer;     /* curl's */
	struct timer *holds;     /* end of the next held slot */
	struct gate *gates;      /* by name */
	struct job_list leaving; /* JOB_FAILED and JOB_REMOVED, until the next drain */
	size_t count;
	unsigned slots_taken; /* gates with a resolver, or held */
	unsigned laters;      /* calls that wait in the loop's "later" */
	bool is_drain_asked;
	bool is_kick_asked;
	bool is_draining;
	size_t pool_count;
	CURL *pool[POOL_MAX];
};

static void xfer_drain(struct xfer *x);
static void on_drain(void *arg);
static void start_job(struct job *j);

/* ---- curl's callbacks and the loop's ---- */

static void
on_socket(int fd, short events, void *arg)
{
	struct xfer *x = arg;
	int running;
	int mask = (events & WATCH_READ ? CURL_CSELECT_IN : 0) |
	           (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0);

	assert(x->magic == XFER_MAGIC);
	(void)curl_multi_socket_action(x->multi, fd, mask, &running);
	xfer_drain(x);
}

static int
curl_socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct xfer *x = arg;
	short events = (short)((what & CURL_POLL_IN ? WATCH_READ : 0) |
	                       (what & CURL_POLL_OUT ? WATCH_WRITE : 0));

	(void)easy;
	/* The same number may be another file by now: an old watch is never reused. */
	watch_free(socket_arg);
	struct watch *w =
		what == CURL_POLL_REMOVE ? NULL : loop_watch_fd(x->loop, fd, events, on_socket, x);
	(void)curl_multi_assign(x->multi, fd, w);
	return 0;
}

static void
kick(struct xfer *x)
{
	int running;

	(void)curl_multi_socket_action(x->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	xfer_drain(x);
}

static void
on_curl_timer(void *arg)
{
	kick(arg);
}

static void
on_kick(void *arg)
{
	struct xfer *x = arg;

	assert(x->magic == XFER_MAGIC);
	x->laters--;
	x->is_kick_asked = false;
	kick(x);
}

/* May run inside any curl_multi function: only notes when to come back. */
static int
curl_timer_cb(CURLM *multi, long timeout_ms, void *arg)
{
	struct xfer *x = arg;

	(void)multi;
	if (timeout_ms < 0) {
		timer_stop(x->timer);
	} else if (timeout_ms > 0) {
		timer_set(x->timer, timeout_ms);
	} else {
		/* Now: at the end of this turn, which is sooner than a timer. The timer stays as the backstop. */
		timer_set(x->timer, 0);
		if (!x->is_kick_asked) {
			loop_later(x->loop, on_kick, x);
			x->laters++;
		}
		x->is_kick_asked = true;
	}
	return 0;
}

static void
ask_drain(struct xfer *x)
{
	if (!x->is_drain_asked) {
		loop_later(x->loop, on_drain, x);
		x->laters++;
	}
	x->is_drain_asked = true;
}

/* ---- names ---- */

static void
free_slot(struct xfer *x, struct gate *g)
{
	assert(x->slots_taken > 0);
	x->slots_taken--;
	g->resolver = NULL;
	g->held_until_ms = 0;
	ask_drain(x);
}

/* The name is known to curl now. Inside curl: record only. */
static void
note_resolved(struct job *j)
{
	if (j->gate == NULL)
		return;
	j->gate->open_until_ms = clock_mono_ms() + gate_open_ms;
	if (j->gate->resolver == j)
		free_slot(j->xfer, j->gate);
}

static curl_socket_t
curl_open_cb(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct job *j = arg;

	assert(j->magic == JOB_MAGIC);
	if (purpose == CURLSOCKTYPE_IPCXN)
		note_resolved(j);
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int
curl_prereq_cb(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct job *j = arg;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	assert(j->magic == JOB_MAGIC);
	note_resolved(j);
	return CURL_PREREQFUNC_OK;
}

/* The host of a URL, for the caller to curl_free; NULL: none, or an address that needs no resolving. */
static char *
name_of(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	unsigned char address[16];

	if (u != NULL && url != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		(void)curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_url_cleanup(u);
	if (host != NULL && (host[0] == '[' || inet_pton(AF_INET, host, address) == 1)) {
		curl_free(host);
		host = NULL;
	}
	return host;
}

static bool
gate_is_at_rest(const struct gate *g, int64_t now_ms)
{
	return g->jobs == 0 && g->held_until_ms == 0 && g->open_until_ms <= now_ms;
}

static void
gate_free(struct xfer *x, struct gate *g)
{
	HASH_DEL(x->gates, g);
	mem_free(g);
}

static struct gate *
gate_for(struct xfer *x, CURL *easy)
{
	char *url = NULL;
	struct gate *g = NULL, *other, *tmp;

	(void)curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	char *name = name_of(url);
	if (name == NULL)
		return NULL;
	HASH_FIND_STR(x->gates, name, g);
	if (g == NULL) {
		if (HASH_COUNT(x->gates) >= GATES_MAX)
			HASH_ITER(hh, x->gates, other, tmp)
		if (gate_is_at_rest(other, clock_mono_ms()))
			gate_free(x, other);
		size_t len = strlen(name);
		g = mem_zalloc(sizeof(*g) + len + 1);
		memcpy(g->name, name, len + 1);
		TAILQ_INIT(&g->waiting);
		HASH_ADD_STR(x->gates, name, g);
	}
	curl_free(name);
	g->jobs++;
	return g;
}

static void
leave_with(struct job *j, CURLcode result)
{
	j->state = JOB_FAILED;
	j->result = result;
	timer_free(j->deadline);
	j->deadline = NULL;
	TAILQ_INSERT_TAIL(&j->xfer->leaving, j, link);
	ask_drain(j->xfer);
}

static void
on_deadline(void *arg)
{
	struct job *j = arg;

	assert(j->magic == JOB_MAGIC && j->state == JOB_WAITING);
	TAILQ_REMOVE(&j->gate->waiting, j, link);
	leave_with(j, CURLE_OPERATION_TIMEDOUT);
}

static void
on_holds(void *arg)
{
	struct xfer *x = arg;
	struct gate *g, *tmp;
	int64_t now_ms = clock_mono_ms(), next_ms = INT64_MAX;

	HASH_ITER(hh, x->gates, g, tmp)
	{
		if (g->held_until_ms == 0)
			continue;
		if (g->held_until_ms <= now_ms)
			free_slot(x, g);
		else if (g->held_until_ms < next_ms)
			next_ms = g->held_until_ms;
	}
	if (next_ms != INT64_MAX)
		timer_set(x->holds, next_ms - now_ms);
}

/* The resolver ended without having opened a socket. */
static void
resolver_ended(struct job *j, bool is_removed, CURLcode result)
{
	struct gate *g = j->gate;
	struct xfer *x = j->xfer;
	struct job *other;

	if (is_removed || result == CURLE_OPERATION_TIMEDOUT) {
		g->resolver = NULL;
		g->held_until_ms = clock_mono_ms() + hold_ms;
		if (!timer_is_set(x->holds))
			timer_set(x->holds, hold_ms);
	} else {
		free_slot(x, g);
	}
	/* Who waited for the same name has the same answer; else each would wait for as long in turn. */
	if (is_removed ||
	    (result != CURLE_COULDNT_RESOLVE_HOST && result != CURLE_COULDNT_RESOLVE_PROXY &&
	     result != CURLE_OPERATION_TIMEDOUT))
		return;
	while ((other = TAILQ_FIRST(&g->waiting)) != NULL) {
		TAILQ_REMOVE(&g->waiting, other, link);
		leave_with(other, result);
	}
}

/* Let in who may go: all at open gates, one each at closed ones while there are slots. */
static void
open_gates(struct xfer *x)
{
	struct gate *g, *tmp;
	struct job *j;
	int64_t now_ms = clock_mono_ms();

	HASH_ITER(hh, x->gates, g, tmp)
	{
		bool is_open = g->open_until_ms > now_ms;
		while ((j = TAILQ_FIRST(&g->waiting)) != NULL) {
			if (!is_open) {
				if (g->resolver != NULL || g->held_until_ms != 0 ||
				    x->slots_taken >= XFER_RESOLVING_MAX)
					break;
				x->slots_taken++;
				g->resolver = j;
			}
			TAILQ_REMOVE(&g->waiting, j, link);
			start_job(j);
		}
	}
}

/* ---- jobs ---- */

static void
start_job(struct job *j)
{
	int64_t left_ms = j->until_ms - clock_mono_ms();

	timer_free(j->deadline);
	j->deadline = NULL;
	j->state = JOB_RUNNING;
	(void)curl_easy_setopt(j->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
	j->is_in_multi = curl_multi_add_handle(j->xfer->multi, j->easy) == CURLM_OK;
	if (!j->is_in_multi)
		leave_with(j, CURLE_FAILED_INIT);
}

void
xfer_add(struct xfer *x, CURL *easy, int64_t timeout_ms, xfer_done_fn *on_done, void *arg)
{
	struct job *j = mem_zalloc(sizeof(*j));

	assert(x->magic == XFER_MAGIC && timeout_ms > 0);
	j->magic = JOB_MAGIC;
	j->xfer = x;
	j->easy = easy;
	j->on_done = on_done;
	j->arg = arg;
	j->until_ms = clock_mono_ms() + timeout_ms;
	j->gate = gate_for(x, easy);
	x->count++;
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, j);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, curl_open_cb);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, j);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, curl_prereq_cb);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, j);
	if (j->gate == NULL || j->gate->open_until_ms > clock_mono_ms()) {
		start_job(j);
		return;
	}
	j->state = JOB_WAITING;
	j->deadline = timer_new(x->loop, on_deadline, j);
	timer_set(j->deadline, timeout_ms);
	TAILQ_INSERT_TAIL(&j->gate->waiting, j, link);
	open_gates(x);
}

static struct job *
job_of(CURL *easy)
{
	struct job *j = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &j);
	assert(j != NULL && j->magic == JOB_MAGIC);
	return j;
}

void
xfer_remove(struct xfer *x, CURL *easy, xfer_gone_fn *on_gone)
{
	struct job *j = job_of(easy);

	assert(j->xfer == x && j->state != JOB_REMOVED);
	if (j->state == JOB_WAITING) {
		TAILQ_REMOVE(&j->gate->waiting, j, link);
		timer_free(j->deadline);
		j->deadline = NULL;
	}
	if (j->state != JOB_FAILED)
		TAILQ_INSERT_TAIL(&x->leaving, j, link);
	j->state = JOB_REMOVED;
	j->on_gone = on_gone;
	ask_drain(x);
}

/* Out of the multi, told, and back to the pool. */
static void
end_job(struct job *j, CURLcode result)
{
	struct xfer *x = j->xfer;
	bool is_removed = j->state == JOB_REMOVED;

	if (j->is_in_multi)
		(void)curl_multi_remove_handle(x->multi, j->easy);
	if (j->gate != NULL && j->gate->resolver == j)
		resolver_ended(j, is_removed, result);
	if (j->gate != NULL)
		j->gate->jobs--;
	j->magic = 0;
	if (is_removed)
		j->on_gone(j->arg);
	else
		j->on_done(j->easy, result, j->arg);
	xfer_put(x, j->easy);
	x->count--;
	mem_free(j);
}

static void
drain_leaving(struct xfer *x)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&x->leaving)) != NULL) {
		TAILQ_REMOVE(&x->leaving, j, link);
		end_job(j, j->result);
	}
}

static void
drain_finished(struct xfer *x)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(x->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		struct job *j = job_of(m->easy_handle);
		CURLcode result = m->data.result;
		if (j->state == JOB_REMOVED)
			TAILQ_REMOVE(&x->leaving, j, link);
		end_job(j, result);
	}
}

static void
xfer_drain(struct xfer *x)
{
	if (x->is_draining)
		return;
	x->is_draining = true;
	drain_leaving(x);
	drain_finished(x);
	drain_leaving(x);
	open_gates(x);
	x->is_draining = false;
}

static void
on_drain(void *arg)
{
	struct xfer *x = arg;

	assert(x->magic == XFER_MAGIC);
	x->laters--;
	x->is_drain_asked = false;
	xfer_drain(x);
}

/* ---- handles ---- */

void
xfer_prepare(CURL *easy)
{
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/* With a path set, libcurl builds a CA store per connection: 910 kB and 18 ms each, in place of 67 kB and 1 ms. */
	(void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
	(void)curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, dns_cache_s);
}

CURL *
xfer_easy(struct xfer *x)
{
	CURL *easy = x->pool_count > 0 ? x->pool[--x->pool_count] : curl_easy_init();

	assert(easy != NULL);
	xfer_prepare(easy);
	return easy;
}

void
xfer_put(struct xfer *x, CURL *easy)
{
	if (x->pool_count == POOL_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	x->pool[x->pool_count++] = easy;
}

struct xfer *
xfer_new(struct loop *l)
{
	struct xfer *x = mem_zalloc(sizeof(*x));

	x->magic = XFER_MAGIC;
	x->loop = l;
	TAILQ_INIT(&x->leaving);
	x->timer = timer_new(l, on_curl_timer, x);
	x->holds = timer_new(l, on_holds, x);
	x->multi = curl_multi_init();
	assert(x->multi != NULL);
	(void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETFUNCTION, curl_socket_cb);
	(void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETDATA, x);
	(void)curl_multi_setopt(x->multi, CURLMOPT_TIMERFUNCTION, curl_timer_cb);
	(void)curl_multi_setopt(x->multi, CURLMOPT_TIMERDATA, x);
	(void)curl_multi_setopt(x->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	return x;
}

void
xfer_free(struct xfer *x)
{
	struct gate *g, *tmp;

	if (x == NULL)
		return;
	xfer_drain(x);
	assert(x->count == 0);
	/* What was put in "later" still comes: it finds nothing to do. */
	while (x->laters > 0)
		loop_turn(x->loop, 0);
	(void)curl_multi_setopt(x->multi, CURLMOPT_TIMERFUNCTION, NULL);
	(void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETFUNCTION, NULL);
	for (size_t i = 0; i < x->pool_count; i++)
		curl_easy_cleanup(x->pool[i]);
	(void)curl_multi_cleanup(x->multi);
	HASH_ITER(hh, x->gates, g, tmp)
	gate_free(x, g);
	timer_free(x->timer);
	timer_free(x->holds);
	x->magic = 0;
	mem_free(x);
}

size_t
xfer_count(const struct xfer *x)
{
	return x->count;
}
