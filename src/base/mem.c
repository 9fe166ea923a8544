/*
 * mem: allocate or leave. See mem.h.
 *
 * The names below the line "for the libraries" take the place of the C library's in the whole process: libconfig and OpenSSL crash
 * where an allocation of theirs fails, and what others make of it is theirs to know. They all end as ours do, at once and with
 * 71. Not so what is larger than any honest need: that is a peer's doing, and whoever asked for it says no.
 * Source: glibc's manual, "Replacing malloc"; the C library's own functions stay behind __libc_*.
 */
#include "config.h"

#include "base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void
leave(void)
{
	static const char line[] = "<2>mem.exhausted \"out of memory; leaving, nothing is lost\"\n";

	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(71);
}

#ifdef OWN_MALLOC
enum { LARGE_BYTES = 64 << 20 };

/* for the libraries */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

static void *
or_leave(void *p, size_t bytes)
{
	if (p == NULL && bytes > 0 && bytes <= LARGE_BYTES)
		leave();
	return p;
}

void *
malloc(size_t bytes)
{
	return or_leave(__libc_malloc(bytes), bytes);
}

void *
calloc(size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all))
		all = SIZE_MAX;
	return or_leave(__libc_calloc(count, bytes), all);
}

/* To nothing is to free: NULL then is no failure. */
void *
realloc(void *p, size_t bytes)
{
	return or_leave(__libc_realloc(p, bytes), bytes);
}

void *
memalign(size_t align, size_t bytes)
{
	return or_leave(__libc_memalign(align, bytes), bytes);
}

void *
aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

int
posix_memalign(void **ret, size_t align, size_t bytes)
{
	if (align < sizeof(void *) || (align & (align - 1)) != 0)
		return EINVAL;
	void *p = memalign(align, bytes);
	if (p == NULL)
		return ENOMEM;
	*ret = p;
	return 0;
}
#endif

void *
mem_alloc(size_t bytes)
{
	void *p = malloc(bytes ? bytes : 1);

	if (p == NULL)
		leave();
	return p;
}

void *
mem_zalloc(size_t bytes)
{
	return mem_calloc(1, bytes);
}

void *
mem_calloc(size_t count, size_t bytes)
{
	void *p = calloc(count ? count : 1, bytes ? bytes : 1);

	if (p == NULL)
		leave();
	return p;
}

void *
mem_realloc(void *p, size_t bytes)
{
	void *q = realloc(p, bytes ? bytes : 1);

	if (q == NULL)
		leave();
	return q;
}

void *
mem_reallocn(void *p, size_t count, size_t bytes)
{
	if (bytes != 0 && count > SIZE_MAX / bytes)
		leave();
	return mem_realloc(p, count * bytes);
}

char *
mem_strdup(const char *s)
{
	return s == NULL ? NULL : mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	char *p = mem_alloc(len + 1);

	if (len > 0)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *
mem_dup(const void *p, size_t len)
{
	void *q = mem_alloc(len);

	if (len > 0)
		memcpy(q, p, len);
	return q;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		leave();
	return s;
}

void *
mem_check(void *p)
{
	if (p == NULL)
		leave();
	return p;
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_free_secret(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}
