/*
 * failmalloc: a preloaded allocator that fails on order, for every caller in the process: ours, libcurl, SQLite, OpenSSL.
 *
 * FAILMALLOC_AT=N: the Nth allocation from the start of main's libraries on gives NULL. FAILMALLOC_MS=M: so does each one
 * after it for M milliseconds. FAILMALLOC_REPORT=FILE: written when the process ends in order: how many allocations there
 * were; and when one fails: `failed N at` and the frames, for addr2line. Built by bed.py; glibc only.
 *
 * findingsd has a malloc of its own in front of the C library's (src/base/mem.c), so it is the names behind both that fail here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_memalign)(size_t, size_t);

enum { FRAMES = 24 };

static atomic_long seen;
static long at = -1, window_ms;
static atomic_long until_ms;
static bool is_on;
static int report_fd = -1;

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
say(const char *word, long n)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %ld\n", word, n);

	if (report_fd >= 0 && len > 0)
		(void)!write(report_fd, line, (size_t)len);
}

static void
say_where(long n)
{
	static _Thread_local bool is_inside;
	void *frame[FRAMES];

	if (report_fd < 0 || is_inside)
		return;
	is_inside = true;
	say("failed", n);
	backtrace_symbols_fd(frame, backtrace(frame, FRAMES), report_fd);
	is_inside = false;
}

static bool
fails(void)
{
	if (!is_on)
		return false;
	long n = atomic_fetch_add(&seen, 1) + 1;
	if (n == at) {
		if (window_ms > 0)
			atomic_store(&until_ms, now_ms() + window_ms);
		say_where(n);
		errno = ENOMEM;
		return true;
	}
	long until = atomic_load(&until_ms);
	if (until > 0 && now_ms() < until) {
		errno = ENOMEM;
		return true;
	}
	return false;
}

__attribute__((constructor)) static void
start(void)
{
	void *frame[2];
	const char *file = getenv("FAILMALLOC_REPORT");

	if (getenv("FAILMALLOC_AT"))
		at = strtol(getenv("FAILMALLOC_AT"), NULL, 10);
	if (getenv("FAILMALLOC_MS"))
		window_ms = strtol(getenv("FAILMALLOC_MS"), NULL, 10);
	if (file)
		report_fd = open(file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	(void)backtrace(frame, 2); /* it loads a library the first time */
	is_on = true;
}

__attribute__((destructor)) static void
end(void)
{
	is_on = false;
	say("seen", atomic_load(&seen));
}

/* Before the constructor ran, too; dlsym allocates nothing when it finds the name. */
static void
find_real(void)
{
	real_malloc = dlsym(RTLD_NEXT, "__libc_malloc");
	real_calloc = dlsym(RTLD_NEXT, "__libc_calloc");
	real_realloc = dlsym(RTLD_NEXT, "__libc_realloc");
	real_memalign = dlsym(RTLD_NEXT, "__libc_memalign");
}

void *
__libc_malloc(size_t n)
{
	if (real_malloc == NULL)
		find_real();
	return fails() ? NULL : real_malloc(n);
}

void *
__libc_calloc(size_t count, size_t n)
{
	if (real_calloc == NULL)
		find_real();
	return fails() ? NULL : real_calloc(count, n);
}

void *
__libc_realloc(void *p, size_t n)
{
	if (real_realloc == NULL)
		find_real();
	return fails() ? NULL : real_realloc(p, n);
}

void *
__libc_memalign(size_t align, size_t n)
{
	if (real_memalign == NULL)
		find_real();
	return fails() ? NULL : real_memalign(align, n);
}
