/*
 * fastclock.so: a clock that runs faster, for every process that preloads it, and the same in all of them.
 *
 *	LD_PRELOAD=fastclock.so FASTCLOCK="SCALE REALTIME MONOTONIC BOOTTIME" program
 *
 * The three instants (ns) are where the fast clocks start from: at them fast and real time are equal. Waits are as much
 * shorter. libfaketime knows no timerfd, and processes that it starts at different moments disagree.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;
static int64_t scale = 1, start[3];

__attribute__((constructor)) static void
read_start(void)
{
	const char *text = getenv("FASTCLOCK");
	long long a[4];

	if (text && sscanf(text, "%lld %lld %lld %lld", &a[0], &a[1], &a[2], &a[3]) == 4) {
		scale = a[0];
		for (int i = 0; i < 3; i++)
			start[i] = a[i + 1];
	}
}

static int64_t
ns_of(const struct timespec *ts)
{
	return ts->tv_sec * second + ts->tv_nsec;
}

static struct timespec
ts_of(int64_t ns)
{
	return (struct timespec){ ns / second, ns % second };
}

/* Which of the three a clock runs with; -1: none, it stays real. */
static int
which(clockid_t id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_MONOTONIC_RAW:
		return 1;
	case CLOCK_BOOTTIME:
		return 2;
	default:
		return -1;
	}
}

/* A length of time, rounded up: a wait never ends early. */
static int64_t
shorter(int64_t ns)
{
	return (ns + scale - 1) / scale;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	int w = which(id), r;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = real(w == 1 ? CLOCK_MONOTONIC : id, ts);
	if (r == 0 && w >= 0 && start[w])
		*ts = ts_of(start[w] + (ns_of(ts) - start[w]) * scale);
	return r;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

int
epoll_pwait(int fd, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
	struct timespec ts = ts_of(shorter((int64_t)timeout * 1000000));

	return epoll_pwait2(fd, events, max, timeout < 0 ? NULL : &ts, mask);
}

int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	return epoll_pwait(fd, events, max, timeout, NULL);
}

int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec ts = ts_of(shorter((int64_t)timeout * 1000000));

	return ppoll(fds, count, timeout < 0 ? NULL : &ts, NULL);
}

int
select(int count, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
	struct timespec ts;

	if (timeout)
		ts = ts_of(shorter(timeout->tv_sec * second + timeout->tv_usec * 1000));
	return pselect(count, r, w, x, timeout ? &ts : NULL, NULL);
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
	static int (*real)(int, int, const struct itimerspec *, struct itimerspec *);
	struct itimerspec fast = *to;
	int64_t at = ns_of(&to->it_value);

	if (!real)
		real = (int (*)(int, int, const struct itimerspec *, struct itimerspec *))dlsym(
			RTLD_NEXT, "timerfd_settime");
	if (at && flags & TFD_TIMER_ABSTIME)
		at = start[1] + shorter(at - start[1]);
	else if (at)
		at = shorter(at);
	fast.it_value = ts_of(at);
	fast.it_interval = ts_of(shorter(ns_of(&to->it_interval)));
	return real(fd, flags, &fast, old);
}

int
clock_nanosleep(clockid_t id, int flags, const struct timespec *want, struct timespec *left)
{
	int w = which(id);
	int64_t ns = ns_of(want);
	struct timespec ts;

	if (left)
		*left = ts_of(0);
	if (flags & TIMER_ABSTIME && w >= 0 && start[w])
		ts = ts_of(start[w] + shorter(ns - start[w]));
	else
		ts = ts_of(shorter(ns));
	return syscall(SYS_clock_nanosleep, id, flags, &ts, NULL) ? errno : 0;
}

int
nanosleep(const struct timespec *want, struct timespec *left)
{
	int r = clock_nanosleep(CLOCK_MONOTONIC, 0, want, left);

	errno = r;
	return r ? -1 : 0;
}

int
usleep(useconds_t us)
{
	struct timespec ts = ts_of((int64_t)us * 1000);

	return nanosleep(&ts, NULL);
}

/* The daemon's conditions run by CLOCK_MONOTONIC. */
int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	struct timespec ts = ts_of(start[1] + shorter(ns_of(until) - start[1]));

	if (!real)
		real = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(
			RTLD_NEXT, "pthread_cond_timedwait");
	return real(c, m, &ts);
}
