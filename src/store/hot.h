/*
 * hot: the identities remembered last, by hash, in memory; the rest are in the table ident. Private to this room.
 *
 * A random key costs a page written per row once the index is large; that halves the store's rate at a million identities.
 * New ones are therefore kept here (bounded) and moved into the table thousands at a time in the order of their hashes, so
 * that one page takes many. After a crash this index is read again from the rows of memory behind the last move.
 */
#ifndef FD_STORE_HOT_H
#define FD_STORE_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hot_entry {
	uint64_t hash;
	int64_t id;
};

struct hot {
	struct hot_entry *entries; /* in order of arrival */
	uint32_t *slots;           /* index + 1 of an entry, 0 = empty; linear probing */
	size_t count, cap;         /* of entries */
	size_t mask;               /* slots - 1 */
	size_t limit;              /* move when count reaches it; cap is twice as much */
};

void hot_init(struct hot *h, size_t limit);
void hot_done(struct hot *h);

/* false: full, write it into the table instead. */
bool hot_add(struct hot *h, uint64_t hash, int64_t id);

/* Iterate the ids of a hash: start with *at = 0; 0 = no more. */
int64_t hot_find(const struct hot *h, uint64_t hash, size_t *at);

/* Forget the entries behind the first count: last in, first out, so that no probe is broken. */
void hot_truncate(struct hot *h, size_t count);

/* A copy of the entries in the order of their hashes, as SQLite compares them; mem_free frees it. */
struct hot_entry *hot_sorted(const struct hot *h);
void hot_clear(struct hot *h);

#endif
