/*
 * wild: many wildcards of one field at once.
 *
 * A wildcard is a beginning, an end (both may be empty) and parts that have to come in between, in order. What needs no
 * search is none here: "a*" is a prefix, "*a" a suffix. "a*b" is looked up as a pair of a beginning and an end that were
 * found. The parts of all others go through one Aho-Corasick automaton: each wildcard waits for one part at a time, and
 * the earliest place is always right, so it never has to go back. Parts that end in other parts ("aa" in "a") are found
 * together at every place; those that nobody waits for any more are passed over as a run, so that a value costs its length
 * and what its wildcards wait for, not their product.
 */
#ifndef FD_MATCH_WILD_H
#define FD_MATCH_WILD_H

#include "match/keytable.h"
#include "match/trie.h"

struct machine_scratch;

struct wild_part {
	uint32_t len;
	uint32_t above; /* the longest other part that it ends in; NONE = none */
	uint32_t first_starter,
		starter_count; /* wildcards without a beginning whose first part it is */
};

struct wild_item {
	uint32_t atom;
	uint32_t head, tail;             /* numbers of beginning and end; NONE = empty */
	uint32_t first_part, part_count; /* in wild.item_parts */
};

/* A beginning: the pairs and the wildcards with parts that begin with it. */
struct wild_head {
	uint32_t len;
	uint32_t first_pair, pair_count;
	uint32_t first_item, item_count;
};

struct wild_pair {
	uint32_t tail, atom;
};

struct wild {
	struct trie *search; /* values are parts; NULL when no wildcard has any */
	struct wild_part *parts;
	struct wild_item *items;
	uint32_t *item_parts, *starters, *head_items;
	struct wild_head *heads;
	struct wild_pair *pairs;
	uint32_t *tail_len;
	uint32_t part_count, item_count, head_count, tail_count, pair_count;
	bool has_starters;
};

/* Per thread, as large as the largest wild of the machine. "serial" is that of the value. */
struct wild_scratch {
	struct wild_part_state {
		uint32_t started, waiting; /* serials */
		uint32_t head;             /* first waiting item */
		uint32_t
			next; /* valid for its round: nobody wants what lies before this one, upwards */
		uint64_t round; /* of next */
	} * parts;
	uint64_t round; /* rises with each value, and when a part is wanted again */
	uint64_t steps; /* parts looked at, since the beginning: for tests of the bound */
	struct wild_item_state {
		uint32_t next, at, last_end; /* at: which part it waits for */
	} * items;
	uint32_t *tails; /* serial per tail */
	uint32_t *heads_found, *tails_found;
	uint32_t head_count, tail_count;
};

struct wild_source {
	struct span head, tail;
	const struct span *parts;
	size_t part_count;
	uint32_t atom;
};

/*
 * heads and tails: the numbers of beginnings and ends are put into these tables (text -> number), from which the
 * caller makes its tries.
 */
struct wild *wild_build(const struct wild_source *list, size_t n, struct keytable *heads,
                        struct keytable *tails);
void wild_free(struct wild *w);

/*
 * Which wildcards match. The caller has put the beginnings and ends that the value has into s->wild (heads_found,
 * tails_found, tails). Calls field_hit for each atom.
 */
void wild_run(const struct wild *w, struct machine_scratch *s, struct span value);

#endif
