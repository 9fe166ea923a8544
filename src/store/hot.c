/*
 * hot: the identities remembered last. See hot.h.
 */
#include "config.h"

#include "store/hot.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
hot_init(struct hot *h, size_t limit)
{
	size_t slots = 64;

	memset(h, 0, sizeof(*h));
	h->limit = limit;
	h->cap = 2 * limit;
	while (slots < 2 * h->cap)
		slots *= 2;
	h->mask = slots - 1;
	h->slots = mem_calloc(slots, sizeof(*h->slots));
	h->entries = mem_calloc(h->cap, sizeof(*h->entries));
}

void
hot_done(struct hot *h)
{
	mem_free(h->slots);
	mem_free(h->entries);
	memset(h, 0, sizeof(*h));
}

bool
hot_add(struct hot *h, uint64_t hash, int64_t id)
{
	size_t at = hash & h->mask;

	if (h->count == h->cap)
		return false;
	while (h->slots[at] != 0)
		at = (at + 1) & h->mask;
	h->entries[h->count] = (struct hot_entry){ .hash = hash, .id = id };
	h->slots[at] = (uint32_t)++h->count;
	return true;
}

int64_t
hot_find(const struct hot *h, uint64_t hash, size_t *at)
{
	size_t i = (hash + *at) & h->mask;

	for (; h->slots[i] != 0; i = (i + 1) & h->mask) {
		const struct hot_entry *entry = &h->entries[h->slots[i] - 1];
		++*at;
		if (entry->hash == hash)
			return entry->id;
	}
	return 0;
}

void
hot_truncate(struct hot *h, size_t count)
{
	while (h->count > count) {
		size_t at = h->entries[h->count - 1].hash & h->mask;
		while (h->slots[at] != h->count)
			at = (at + 1) & h->mask;
		h->slots[at] = 0;
		h->count--;
	}
}

static int
compare_hash(const void *a, const void *b)
{
	/* As SQLite orders them: signed. */
	int64_t x = (int64_t)((const struct hot_entry *)a)->hash;
	int64_t y = (int64_t)((const struct hot_entry *)b)->hash;

	return x < y ? -1 : x > y;
}

struct hot_entry *
hot_sorted(const struct hot *h)
{
	struct hot_entry *copy = mem_dup(h->entries, h->count * sizeof(*copy));

	qsort(copy, h->count, sizeof(*copy), compare_hash);
	return copy;
}

void
hot_clear(struct hot *h)
{
	h->count = 0;
	memset(h->slots, 0, (h->mask + 1) * sizeof(*h->slots));
}
