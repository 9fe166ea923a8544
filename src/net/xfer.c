/*
 * xfer: all transfers on one curl multi. See xfer.h.
 *
 * A job's way: xfer_add -> (JOB_WAITING for its name's turn) -> JOB_RUNNING in the multi -> xfer_drain -> on_done.
 * xfer_remove makes it JOB_REMOVED; the next drain takes it out. curl's own callbacks only record what happened: the
 * multi is entered from the loop (on_socket, on_curl_timer, on_kick) and from nowhere else.
 *
 * Names are let through by gate.h: a socket that is opened, or a request on an open connection, shows that curl knows
 * the name.
 *
 * Source: libcurl-multi(3), curl_multi_socket_action(3), CURLOPT_QUICK_EXIT(3).
 */
#include "config.h"

#include "net/xfer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/gate.h"
#include "net/loop.h"

enum {
	XFER_MAGIC = 0x78666572,
	JOB_MAGIC = 0x786a6f62,
	POOL_MAX = 64,
	CONNECTIONS_MAX = 512, /* idle ones kept; each host's answers are waited for anyway */
};

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_KEPT, JOB_FAILED, JOB_REMOVED };

struct job {
	unsigned magic;
	enum job_state state;
	struct xfer *xfer;
	CURL *easy;
	struct gate_pass pass;
	xfer_done_fn *on_done;
	xfer_gone_fn *on_gone; /* JOB_REMOVED only */
	void *arg;
	struct timer *deadline; /* JOB_WAITING only */
	int64_t until_ms;       /* monotonic */
	CURLcode result;        /* JOB_FAILED only */
	bool is_connect;        /* connected, it stays as JOB_KEPT until it is removed */
	bool is_in_multi;
	int socket_errno;      /* why it could not make one of its sockets; libcurl does not tell */
	TAILQ_ENTRY(job) link; /* in xfer->leaving */
};

TAILQ_HEAD(job_list, job);

struct xfer {
	unsigned magic;
	struct loop *loop;
	CURLM *multi;
	struct timer *timer; /* curl's */
	struct gates *gates;
	struct job_list leaving; /* JOB_FAILED and JOB_REMOVED, until the next drain */
	size_t count;
	unsigned laters; /* calls that wait in the loop's "later" */
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
ask_drain(void *arg)
{
	struct xfer *x = arg;

	if (!x->is_drain_asked) {
		loop_later(x->loop, on_drain, x);
		x->laters++;
	}
	x->is_drain_asked = true;
}

/* ---- names ---- */

static curl_socket_t
curl_open_cb(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct job *j = arg;

	assert(j->magic == JOB_MAGIC);
	if (purpose == CURLSOCKTYPE_IPCXN)
		gate_resolved(j->xfer->gates, &j->pass); /* inside curl: it only takes note */
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		j->socket_errno = errno;
	return fd;
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
	gate_resolved(j->xfer->gates, &j->pass);
	return CURL_PREREQFUNC_OK;
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
	gate_leave(j->xfer->gates, &j->pass);
	leave_with(j, CURLE_OPERATION_TIMEDOUT);
}

static struct job *
job_of_pass(struct gate_pass *p)
{
	return (struct job *)((char *)p - offsetof(struct job, pass));
}

/* Who waited for the same name has the same answer; else each would wait for as long in turn. */
static void
share_failure(struct xfer *x, struct gate *g, CURLcode result)
{
	struct gate_pass *p;

	if (result != CURLE_COULDNT_RESOLVE_HOST && result != CURLE_COULDNT_RESOLVE_PROXY &&
	    result != CURLE_OPERATION_TIMEDOUT)
		return;
	while ((p = gate_take_waiting(x->gates, g)) != NULL)
		leave_with(job_of_pass(p), result);
}

static void
open_gates(struct xfer *x)
{
	struct gate_pass *p;

	while ((p = gates_next(x->gates)) != NULL)
		start_job(job_of_pass(p));
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
	char *url = NULL;

	assert(x->magic == XFER_MAGIC && timeout_ms > 0);
	j->magic = JOB_MAGIC;
	j->xfer = x;
	j->easy = easy;
	j->on_done = on_done;
	j->arg = arg;
	j->until_ms = clock_mono_ms() + timeout_ms;
	x->count++;
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, j);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, curl_open_cb);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, j);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, curl_prereq_cb);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, j);
	(void)curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	if (gate_enter(x->gates, &j->pass, url)) {
		start_job(j);
		return;
	}
	j->state = JOB_WAITING;
	j->deadline = timer_new(x->loop, on_deadline, j);
	timer_set(j->deadline, timeout_ms);
}

int
xfer_socket_errno(CURL *easy)
{
	struct job *j = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &j);
	return j == NULL ? 0 : j->socket_errno;
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
xfer_connect(struct xfer *x, CURL *easy, int64_t timeout_ms, xfer_done_fn *on_done, void *arg)
{
	(void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	xfer_add(x, easy, timeout_ms, on_done, arg);
	job_of(easy)->is_connect = true;
}

void
xfer_remove(struct xfer *x, CURL *easy, xfer_gone_fn *on_gone)
{
	struct job *j = job_of(easy);

	assert(j->xfer == x && j->state != JOB_REMOVED);
	if (j->state == JOB_WAITING) {
		gate_leave(x->gates, &j->pass);
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
	struct gate *g = j->pass.gate;
	bool is_removed = j->state == JOB_REMOVED;

	if (j->is_in_multi)
		(void)curl_multi_remove_handle(x->multi, j->easy);
	if (gate_over(x->gates, &j->pass, is_removed || result == CURLE_OPERATION_TIMEDOUT) &&
	    !is_removed)
		share_failure(x, g, result);
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

/* Connected: its owner speaks from now on; the handle stays in the multi, where its connection belongs. */
static void
keep_job(struct job *j)
{
	j->state = JOB_KEPT;
	(void)gate_over(j->xfer->gates, &j->pass, false);
	j->on_done(j->easy, CURLE_OK, j->arg);
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
		if (j->is_connect && j->state == JOB_RUNNING && result == CURLE_OK) {
			keep_job(j);
			continue;
		}
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

CURL *
xfer_easy(struct xfer *x)
{
	CURL *easy = x->pool_count > 0 ? x->pool[--x->pool_count] : mem_check(curl_easy_init());

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

	xfer_ignore_sigpipe();
	x->magic = XFER_MAGIC;
	x->loop = l;
	TAILQ_INIT(&x->leaving);
	x->timer = timer_new(l, on_curl_timer, x);
	x->gates = gates_new(l, ask_drain, x);
	x->multi = mem_check(curl_multi_init());
	(void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETFUNCTION, curl_socket_cb);
	(void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETDATA, x);
	(void)curl_multi_setopt(x->multi, CURLMOPT_TIMERFUNCTION, curl_timer_cb);
	(void)curl_multi_setopt(x->multi, CURLMOPT_TIMERDATA, x);
	(void)curl_multi_setopt(x->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	(void)curl_multi_setopt(x->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, xfer_affordable());
	return x;
}

void
xfer_free(struct xfer *x)
{
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
	gates_free(x->gates);
	timer_free(x->timer);
	x->magic = 0;
	mem_free(x);
}

size_t
xfer_count(const struct xfer *x)
{
	return x->count;
}
