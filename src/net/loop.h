/*
 * loop: the event loop: timers, descriptors, signals, and a queue for "later".
 *
 * One per process, over libevent. Every callback that goes through here sees the clock of its own turn (clock.h): it is
 * read once after each wait. Callbacks of libevent's own making (evhttp) call loop_touch() first.
 *
 * Invariants: nothing is called back from within loop_later, timer_set, loop_watch_fd or any other function here but
 * loop_run. A callback may stop or free any timer or watch, its own too. Loop's thread only.
 */
#ifndef FD_NET_LOOP_H
#define FD_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct timer;
struct watch;

typedef void loop_fn(void *arg);
typedef void watch_fn(int fd, short events, void *arg);
typedef void signal_fn(int signo, void *arg);

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct loop *loop_new(void);
/* Timers, watches and signals must be freed first (signals are the loop's own); what waits in "later" is run. */
void loop_free(struct loop *l);

/* Run turns until loop_stop. Returns at the end of the turn in which that was called; at once when it was before. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn: wait at most wait_ms (0: do not wait; < 0: until something happens), call back, run "later". */
void loop_turn(struct loop *l, int64_t wait_ms);

/*
 * Call fn(arg) at the end of this turn, never from within this function; order of calling is order of asking. What
 * asks from within such a call has its turn in the next one. Not cancellable: give it something that outlives it.
 */
void loop_later(struct loop *l, loop_fn *fn, void *arg);

/* For callbacks that libevent makes by itself: read the clock when this turn has not done so yet. */
void loop_touch(struct loop *l);

/* For evhttp only. */
struct event_base *loop_base(struct loop *l);

/* A timer, at first not running. It fires once per timer_set; setting it again moves it. */
struct timer *timer_new(struct loop *l, loop_fn *fn, void *arg);
void timer_set(struct timer *t, int64_t delay_ms); /* < 0 counts as 0; never earlier than asked */
void timer_stop(struct timer *t);
bool timer_is_set(const struct timer *t);
void timer_free(struct timer *t); /* NULL does nothing */

/* Call fn whenever fd is ready for events (WATCH_*), level-triggered, until watch_free. fd stays the caller's. */
struct watch *loop_watch_fd(struct loop *l, int fd, short events, watch_fn *fn, void *arg);
void watch_free(struct watch *w); /* NULL does nothing; before fd is closed */

/* Call fn in a turn of the loop each time the signal arrived. At most one fn per signal; NULL gives it back. */
void loop_on_signal(struct loop *l, int signo, signal_fn *fn, void *arg);

#endif
