/*
 * machine_build: what is known of a machine while it is built; for machine_build.c and machine_finish.c only.
 */
#ifndef FD_MATCH_MACHINE_BUILD_H
#define FD_MATCH_MACHINE_BUILD_H

#include "base/mem.h"
#include "match/machine_in.h"

/* Growing list of 32-bit numbers. */
struct list {
	uint32_t *items;
	uint32_t count, cap;
};

struct link {
	uint32_t from, to;
};

struct links {
	struct link *items;
	uint32_t count, cap;
};

struct new_atom {
	const struct test *test;
	uint32_t field;
};

struct build {
	struct machine *m;
	struct keytable node_index, cond_index, atom_index; /* keys live in key_pool */
	struct pool key_pool;
	struct new_atom *atoms;
	uint32_t node_cap, field_cap, atom_cap, cond_cap, clause_cap, but_cap;
	struct span *field_paths;
	struct list cond_buts, clause_conds;
	struct links actions;    /* atom -> action */
	struct list clause_keys; /* per clause: 3 * n + {0 cond, 1 field, 2 always} */
	struct buf key;
};

#define GROW(array, count, cap)                                                   \
	do {                                                                      \
		if ((count) == (cap)) {                                           \
			(cap) = (cap) == 0 ? 64 : 2 * (cap);                      \
			(array) = mem_reallocn((array), (cap), sizeof(*(array))); \
		}                                                                 \
	} while (0)

static inline void
list_add(struct list *l, uint32_t v)
{
	GROW(l->items, l->count, l->cap);
	l->items[l->count++] = v;
}

/* All patterns were added: choose keys, order clauses, make fields and look-ups. */
void machine_finish(struct build *b);

#endif
