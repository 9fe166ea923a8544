/*
 * mem: allocate or leave.
 *
 * The only file that calls malloc. Out of memory writes one static line to standard error and leaves the process
 * with 71 (EX_OSERR); the store makes that safe at any instruction. Sizes that a peer chose never come here without a
 * ceiling: they go through buf. Nothing here returns NULL.
 *
 * The same holds for every allocation of up to 64 MiB in the process, whoever asks: the C library, libcurl, SQLite (mem.c). Builds
 * with sanitizers, and other C libraries than glibc, have it for ours alone.
 */
#ifndef FD_BASE_MEM_H
#define FD_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);                /* not initialised */
void *mem_zalloc(size_t bytes);               /* zeroed */
void *mem_calloc(size_t count, size_t bytes); /* zeroed; leaves when count * bytes overflows */
void *mem_realloc(void *p, size_t bytes);
void *mem_reallocn(void *p, size_t count, size_t bytes);
char *mem_strdup(const char *s);              /* NULL gives NULL */
char *mem_strndup(const char *s, size_t len); /* copies exactly len bytes and a NUL */
void *mem_dup(const void *p, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *mem_check(void *p);      /* p, made by a library: leaves when it is NULL */
void mem_free(void *p);        /* NULL does nothing */
void mem_free_secret(char *s); /* wipes up to the NUL, then frees; NULL does nothing */

#endif
