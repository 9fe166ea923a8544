/*
 * loop: the event loop over libevent. See loop.h.
 *
 * libevent 2.1 has no hook between the wait and the callbacks, so the clock is read by the first callback of a turn:
 * each of ours passes loop_touch. A turn is one event_base_loop(EVLOOP_ONCE), then what stood in "later".
 */
#include "config.h"

#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum { SIGNALS_MAX = 65 };

struct later {
	TAILQ_ENTRY(later) link;
	loop_fn *fn;
	void *arg;
};

TAILQ_HEAD(later_list, later);

struct watched_signal {
	struct loop *loop;
	struct event *event; /* NULL: not watched */
	signal_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *nap; /* bounds the wait of loop_turn */
	struct later_list later;
	struct watched_signal signals[SIGNALS_MAX];
	bool is_touched; /* the clock was read in this turn */
	bool is_stopping;
};

struct timer {
	struct loop *loop;
	struct event *event;
	loop_fn *fn;
	void *arg;
};

struct watch {
	struct loop *loop;
	struct event *event;
	watch_fn *fn;
	void *arg;
};

static void
on_nap(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	loop_touch(arg);
}

/* It cannot go on; libevent would leave with 1. The store makes an end safe at any instruction. */
static void
on_fatal(int code)
{
	(void)code;
	log_err("loop.fatal \"the event loop cannot go on; leaving, nothing is lost\"");
	_exit(EXIT_NO_RESOURCES);
}

/*
 * What libevent would write to standard error in its own form. Changes to what epoll watches are made in its wait, so this is where
 * their failures are heard: what is not watched, for want of room in the kernel, would be waited for in vain, and in silence.
 */
static void
on_said(int severity, const char *text)
{
	if (severity < EVENT_LOG_WARN)
		return;
	log_warn("loop.trouble error=\"%s\"", text);
	if ((str_starts(text, "Epoll ADD(") || str_starts(text, "Epoll MOD(")) &&
	    (strstr(text, strerror(ENOMEM)) != NULL || strstr(text, strerror(ENOSPC)) != NULL))
		on_fatal(0);
}

struct loop *
loop_new(void)
{
	struct loop *l = mem_zalloc(sizeof(*l));

	event_set_log_callback(on_said);
	event_set_fatal_callback(on_fatal);
	struct event_config *config = event_config_new();

	TAILQ_INIT(&l->later);
	if (config != NULL) {
		/* The coarse clock would let timers fire up to 4 ms early, the cached one up to a turn. */
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		/* curl gives up and takes again a socket between two requests: unseen by the kernel when it is in one turn.
		 * Nobody here duplicates a descriptor, which is what the manual warns of. */
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		l->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	(void)mem_check(l->base);
	l->nap = mem_check(event_new(l->base, -1, 0, on_nap, l));
	clock_refresh();
	return l;
}

static void
run_later(struct loop *l)
{
	struct later_list now = TAILQ_HEAD_INITIALIZER(now);
	struct later *item;

	/* What these ask for in turn waits for the next turn, so that sockets are never starved. */
	TAILQ_CONCAT(&now, &l->later, link);
	while ((item = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, item, link);
		loop_touch(l);
		item->fn(item->arg);
		mem_free(item);
	}
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (!TAILQ_EMPTY(&l->later))
		run_later(l);
	for (int i = 0; i < SIGNALS_MAX; i++)
		loop_on_signal(l, i, NULL, NULL);
	event_free(l->nap);
	event_base_free(l->base);
	mem_free(l);
}

/* Round up to what libevent keeps; a delay is never shortened. */
static struct timeval
to_timeval(int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	return tv;
}

void
loop_turn(struct loop *l, int64_t wait_ms)
{
	int flags = EVLOOP_ONCE;

	if (wait_ms == 0 || !TAILQ_EMPTY(&l->later)) {
		flags = EVLOOP_ONCE | EVLOOP_NONBLOCK;
	} else if (wait_ms > 0) {
		struct timeval tv = to_timeval(wait_ms);
		(void)event_add(l->nap, &tv);
	}
	l->is_touched = false;
	(void)event_base_loop(l->base, flags);
	if (wait_ms > 0)
		(void)event_del(l->nap);
	run_later(l);
	l->is_touched = false;
}

void
loop_run(struct loop *l)
{
	while (!l->is_stopping)
		loop_turn(l, -1);
	l->is_stopping = false;
}

void
loop_stop(struct loop *l)
{
	l->is_stopping = true;
}

void
loop_later(struct loop *l, loop_fn *fn, void *arg)
{
	struct later *item = mem_alloc(sizeof(*item));

	item->fn = fn;
	item->arg = arg;
	TAILQ_INSERT_TAIL(&l->later, item, link);
}

void
loop_touch(struct loop *l)
{
	if (l->is_touched)
		return;
	l->is_touched = true;
	clock_refresh();
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)events;
	loop_touch(t->loop);
	t->fn(t->arg);
}

struct timer *
timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct timer *t = mem_alloc(sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->event = mem_check(event_new(l->base, -1, 0, on_timer, t));
	return t;
}

void
timer_set(struct timer *t, int64_t delay_ms)
{
	struct timeval tv = to_timeval(delay_ms);

	(void)event_add(t->event, &tv);
}

void
timer_stop(struct timer *t)
{
	(void)event_del(t->event);
}

bool
timer_is_set(const struct timer *t)
{
	return event_pending(t->event, EV_TIMEOUT, NULL) != 0;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	mem_free(t);
}

static void
on_watch(evutil_socket_t fd, short events, void *arg)
{
	struct watch *w = arg;
	short seen = (short)((events & EV_READ ? WATCH_READ : 0) |
	                     (events & EV_WRITE ? WATCH_WRITE : 0));

	loop_touch(w->loop);
	w->fn((int)fd, seen, w->arg);
}

struct watch *
loop_watch_fd(struct loop *l, int fd, short events, watch_fn *fn, void *arg)
{
	struct watch *w = mem_alloc(sizeof(*w));
	short wanted = (short)(EV_PERSIST | (events & WATCH_READ ? EV_READ : 0) |
	                       (events & WATCH_WRITE ? EV_WRITE : 0));

	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	w->event = mem_check(event_new(l->base, fd, wanted, on_watch, w));
	/* What is not watched would be waited for in vain, and in silence. */
	if (event_add(w->event, NULL) < 0)
		on_fatal(0);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	mem_free(w);
}

static void
on_signal(evutil_socket_t signo, short events, void *arg)
{
	struct watched_signal *s = arg;

	(void)events;
	loop_touch(s->loop);
	s->fn((int)signo, s->arg);
}

void
loop_on_signal(struct loop *l, int signo, signal_fn *fn, void *arg)
{
	assert(signo >= 0 && signo < SIGNALS_MAX);
	struct watched_signal *s = &l->signals[signo];

	if (s->event != NULL) {
		event_free(s->event);
		s->event = NULL;
	}
	if (fn == NULL)
		return;
	s->loop = l;
	s->fn = fn;
	s->arg = arg;
	s->event = mem_check(evsignal_new(l->base, signo, on_signal, s));
	if (event_add(s->event, NULL) < 0)
		on_fatal(0);
}
