/*
 * machine_in: what a machine and its scratch are made of; for the files of the machine only.
 *
 * How it works (README.md in this folder tells why):
 * - Paths make a tree of nodes; the walk (machine_walk.c) goes down it beside the event's objects and skips all else.
 * - A node where a path ends has a field. A field answers for one value: which atoms (distinct tests) hold (field.c).
 * - An atom's actions say which conditions are met by that, and which exclusions of anything-but.
 * - A clause is keyed by its rarest condition. After the walk only clauses whose key was met are looked at (verdict.c);
 *   their other conditions are there to be read, or follow from counts (exists, anything-but).
 * - Only where values lie in several elements of one array, they are searched for a consistent choice.
 *
 * "epoch" counts events, "serial" counts values: a state with an old number is a fresh one, so nothing is ever cleared.
 */
#ifndef FD_MATCH_MACHINE_IN_H
#define FD_MATCH_MACHINE_IN_H

#include <stdint.h>

#include "base/buf.h"
#include "match/address.h"
#include "match/keytable.h"
#include "match/machine.h"
#include "match/pattern_tree.h"
#include "match/pool.h"
#include "match/ranges.h"
#include "match/trie.h"
#include "match/wild.h"

#define NONE UINT32_MAX

/* An action: the number of a condition, or of an exclusion; and whether it matters where the condition is met. */
#define ACTION_EXCLUDE ((uint32_t)1 << 31)
#define ACTION_LOGGED  ((uint32_t)1 << 30)
#define ACTION_NUMBER  (ACTION_LOGGED - 1)

/* In tries of prefixes and suffixes: the value is the number of a stop, not of an atom. */
#define STOP ((uint32_t)1 << 31)

struct atom {
	uint32_t first_action, action_count; /* one action: it stands in first_action itself */
	uint32_t next;                       /* another atom with the same folded text; NONE */
	bool needs_check; /* ignore-case, not ASCII: the folded text is not proof enough */
	uint8_t kind;     /* enum test_kind */
	uint16_t bits;    /* of a block */
	struct span text;
};

struct child {
	uint64_t head; /* child_head of the name */
	uint32_t len;  /* NONE: empty slot */
	uint32_t node;
	const char *name;
};

struct node {
	uint64_t length_mask;
	struct child *children; /* hashed by name; child_mask + 1 slots */
	uint32_t child_mask;
	uint32_t field;
	bool has_children;
	bool has_deep;        /* a child has children: a key with a dot may lead there */
	uint32_t first, next; /* while building: child, sibling */
	struct span name;
};

/* One length of address blocks. */
struct block_size {
	uint8_t len, bits;
};

struct field {
	bool is_counted; /* exists, anything-but or absence are asked of it */
	bool has_text;   /* something is asked of strings */
	bool has_number;
	uint32_t order;                      /* rank of the path, as UTF-16 sorts it */
	uint32_t first_clause, clause_count; /* keyed by the presence of the field */
	uint32_t true_atom, false_atom, null_atom;
	struct keytable exact, folded, number_texts, numbers, addresses;
	struct trie *prefix, *suffix, *folded_prefix,
		*folded_suffix; /* values are atoms; prefix and suffix: stops */
	struct wild *wild;
	struct ranges *ranges;
	struct block_size *blocks; /* sizes that occur, single addresses too */
	uint32_t block_count;
	struct stop {
		uint32_t atom, wild; /* NONE: not that */
	} * prefix_stops, *suffix_stops;
};

struct cond {
	uint32_t field;
	uint32_t first_but, but_count;       /* exclusions in machine.cond_buts */
	uint32_t first_clause, clause_count; /* keyed by it */
	uint32_t clause_use;                 /* in how many clauses it stands */
	uint8_t weight;   /* how likely it is to be met, roughly; 0: cannot be a key */
	bool is_positive; /* has atoms */
	bool wants_exists, may_be_absent, is_absence_only;
	bool is_logged;     /* where its values lie may matter */
	bool is_logged_all; /* ... even when a value outside of arrays was found */
};

struct clause_row {
	uint32_t rule;
	uint32_t first_cond, cond_count;
	uint32_t run; /* rows from here on that begin with the same condition */
	bool has_absence;
};

struct machine {
	struct pool pool;
	struct node *nodes;
	uint32_t node_count;
	struct field *fields;
	uint32_t field_count;
	struct atom *atoms;
	uint32_t atom_count;
	uint32_t *actions;
	struct cond *conds;
	uint32_t cond_count;
	uint32_t *cond_buts;
	uint32_t *but_field; /* per exclusion */
	uint32_t but_count;
	struct clause_row *clauses; /* grouped by key */
	uint32_t clause_count;
	uint32_t *clause_conds;
	uint32_t first_always, always_count; /* clauses of absences only */
	uint32_t rule_max;
	uint32_t cond_max;     /* of one clause */
	bool has_shared_rules; /* a rule may be found twice */
};

/* What is known of a condition in this event. */
struct cond_state {
	uint32_t epoch;
	uint32_t
		head; /* of its hits in scratch.hits, FREE_HIT when a value outside of arrays meets it */
};
#define FREE_HIT UINT32_MAX

struct hit {
	uint32_t member, next; /* 0 = end */
};

struct field_state {
	uint32_t epoch;
	uint32_t count, free_count; /* values in all; those outside of arrays */
	uint32_t head;              /* of those within, in scratch.values */
};

struct but_state {
	uint32_t epoch;
	uint32_t count, free_count; /* excluded values */
	uint32_t head;              /* of those within arrays, in scratch.values */
	uint32_t serial;            /* of the last excluded value */
};

struct value_entry {
	uint32_t member, serial, next;
};

/* An element of an array that holds something that was met. Number 0: none. */
struct member {
	uint32_t parent, array, depth;
	uint32_t first_array, next_member; /* linked while judging */
	uint64_t direct;
};

struct array {
	uint32_t parent, member_count;
	uint32_t first_member, next_array;
	uint64_t under;
	bool is_linked;
};

enum walk_end {
	WALK_DONE,
	WALK_BROKEN,    /* the event is not well-formed */
	WALK_DUPLICATE, /* an object has a key twice that is asked for */
};

struct frame {
	bool is_array;
	bool is_leaf_ok; /* of an array: its values may be values of the node */
	uint32_t node;
	uint32_t member; /* NONE: not asked for yet */
	uint32_t array;  /* of an array; 0: not asked for yet */
	uint32_t serial; /* of an object */
};

struct ordered_cond {
	uint64_t key;
	uint32_t cond;
};

struct machine_scratch {
	const struct machine *m;
	uint32_t epoch, serial;
	struct cond_state *conds;
	struct field_state *fields;
	struct but_state *buts;
	uint32_t *met; /* conditions, in the order in which they were met */
	uint32_t met_count;
	uint32_t *touched; /* fields with clauses of their own that have a value */
	uint32_t touched_count;
	uint32_t *seen_in; /* per node: serial of the object that had it last */
	uint32_t *rule_epoch;
	uint32_t *rules;
	size_t rule_count;
	uint64_t *rule_bits; /* for sorting; all zero in between */
	struct wild_scratch wild;
	struct frame *frames;
	uint32_t depth, array_depth;
	uint32_t object_serial;
	struct hit *hits;
	uint32_t hit_count, hit_cap;
	struct value_entry *values;
	uint32_t value_count, value_cap;
	struct member *members;
	uint32_t member_count, member_cap;
	struct array *arrays;
	uint32_t array_count, array_cap;
	char *text; /* decoded and folded values */
	size_t text_cap;
	struct index_block *blocks;
	size_t block_cap;
	struct buf copy; /* of an event without its duplicate keys */
	bool has_dotted; /* a key with dots led somewhere */
	bool is_deduped;
	uint64_t search_steps;
	bool is_linked; /* members and arrays are, for this event */
	struct ordered_cond *search_order;
	uint32_t *search_conds, *search_chosen;
	enum walk_end (*walk)(struct machine_scratch *s, struct span event);
};

/* The best walk for this processor. */
enum walk_end (*walk_choose(void))(struct machine_scratch *s, struct span event);
const char *walk_name(void); /* "avx512", "avx2", "sse2", "portable" */

/* The first eight bytes of a name, zero behind its end. readable: bytes that may be read from p on, >= len. */
static inline uint64_t
child_head(const char *p, size_t len, size_t readable)
{
	uint64_t v = 0;

	if (readable >= 8) { /* no branch on the length: it is what a processor cannot guess */
		memcpy(&v, p, 8);
		return len >= 8 ? v : v & (((uint64_t)1 << (8 * len)) - 1);
	}
	memcpy(&v, p, len);
	return v;
}

/* Slot of a name among a node's children is this, modulo their number. */
static inline uint32_t
child_hash(const char *p, size_t len, uint64_t head)
{
	return len > 8 ? keytable_hash(p, len)
	               : (uint32_t)((head ^ len) * 0x9E3779B97F4A7C15u >> 40);
}

/* Child by its decoded name; NONE. */
static inline uint32_t
child_find(const struct node *node, const char *p, size_t len, uint64_t head)
{
	if ((node->length_mask & keytable_length_bit(len)) == 0)
		return NONE;
	for (uint32_t i = child_hash(p, len, head);; i++) {
		const struct child *c = &node->children[i & node->child_mask];
		if (c->len == NONE)
			return NONE;
		if (c->head == head && c->len == len && (len <= 8 || memcmp(c->name, p, len) == 0))
			return c->node;
	}
}

/* After the walk: put the rules that match into s->rules, sorted. */
void verdict(struct machine_scratch *s);

#endif
