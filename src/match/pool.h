/*
 * pool: memory that is given back all at once.
 *
 * A parsed pattern and a built machine are thousands of small pieces with one life. Pieces are aligned to 16 bytes
 * and not initialised.
 */
#ifndef FD_MATCH_POOL_H
#define FD_MATCH_POOL_H

#include <stddef.h>

#include "base/str.h"

struct pool_chunk;

/* Zero-initialised is empty. */
struct pool {
	struct pool_chunk *chunks;
	size_t used, cap;  /* of the newest chunk */
	size_t bytes;      /* taken from the heap in all */
	size_t next_bytes; /* how much to take next time */
};

void pool_init(struct pool *p, size_t first_bytes);
void pool_done(struct pool *p);
void *pool_alloc(struct pool *p, size_t bytes);
void *pool_zalloc(struct pool *p, size_t bytes);
struct span pool_dup(struct pool *p, struct span s);

#endif
