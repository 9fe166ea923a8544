/*
 * pool: memory that is given back all at once. See pool.h.
 */
#include "config.h"

#include "match/pool.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum {
	CHUNK_MAX_BYTES = 1 << 20,
	CHUNK_HEAD_BYTES = 16,
	SMALL_BYTES = 4096, /* below, chunks do not grow: there may be many pools of a few */
};

struct pool_chunk {
	struct pool_chunk *next;
};

_Static_assert(sizeof(struct pool_chunk) <= CHUNK_HEAD_BYTES, "the head keeps the alignment");

void
pool_init(struct pool *p, size_t first_bytes)
{
	*p = (struct pool){ .next_bytes = first_bytes };
}

void
pool_done(struct pool *p)
{
	while (p->chunks != NULL) {
		struct pool_chunk *next = p->chunks->next;
		mem_free(p->chunks);
		p->chunks = next;
	}
	*p = (struct pool){ 0 };
}

static void
add_chunk(struct pool *p, size_t wanted)
{
	size_t bytes = p->next_bytes < 256 ? 256 : p->next_bytes;
	struct pool_chunk *chunk;

	p->next_bytes = p->bytes < SMALL_BYTES        ? bytes
	                : bytes * 2 > CHUNK_MAX_BYTES ? CHUNK_MAX_BYTES
	                                              : bytes * 2;
	if (bytes < wanted)
		bytes = wanted;
	chunk = mem_alloc(CHUNK_HEAD_BYTES + bytes);
	chunk->next = p->chunks;
	p->chunks = chunk;
	p->used = 0;
	p->cap = bytes;
	p->bytes += CHUNK_HEAD_BYTES + bytes;
}

void *
pool_alloc(struct pool *p, size_t bytes)
{
	char *piece;

	bytes = (bytes + 15) & ~(size_t)15;
	if (p->chunks == NULL || p->cap - p->used < bytes)
		add_chunk(p, bytes);
	piece = (char *)p->chunks + CHUNK_HEAD_BYTES + p->used;
	p->used += bytes;
	return piece;
}

void *
pool_zalloc(struct pool *p, size_t bytes)
{
	void *piece = pool_alloc(p, bytes == 0 ? 1 : bytes);

	memset(piece, 0, bytes);
	return piece;
}

struct span
pool_dup(struct pool *p, struct span s)
{
	char *copy = pool_alloc(p, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return (struct span){ copy, s.len };
}
