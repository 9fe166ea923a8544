/*
 * mem: allocate or leave. See mem.h.
 */
#include "config.h"

#include "base/mem.h"

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
