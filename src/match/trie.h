/*
 * trie: many byte strings at once: which of them does a text begin with, end with, or hold (Aho-Corasick)?
 *
 * Nodes are numbered breadth first, the root is 0. The first nodes have a row of a cell per class of bytes (bytes that no
 * string has share class 0), as many as fit into a few MB; deeper nodes have short sorted lists. So a step is one or
 * two loads near the root, where nearly all steps are, and memory stays within a constant of the strings' bytes.
 */
#ifndef FD_MATCH_TRIE_H
#define FD_MATCH_TRIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TRIE_NONE UINT32_MAX

struct trie {
	uint8_t class_of[256];
	uint32_t class_count;
	uint32_t node_count, row_count;
	uint32_t *rows;       /* row_count * class_count; 0 = none, or with fail: the root */
	uint32_t *first_edge; /* of node row_count + i; one more at the end */
	struct trie_link {
		uint32_t to, class;
	} * edges;
	uint32_t *value; /* per node: that of the string that ends there, or TRIE_NONE */
	uint32_t *
		fail; /* per node: longest proper suffix that is a node too; NULL unless Aho-Corasick */
	uint32_t *up;   /* per node: the node, or the nearest by fail, that has a value; 0 = none */
	bool has_empty; /* the empty string is one of them: value[0] */
};

struct trie_string {
	struct span text;
	uint32_t value;
};

/* Strings are distinct. is_reversed: read each from its end. is_searching: make it an Aho-Corasick automaton. */
struct trie *trie_build(const struct trie_string *strings, size_t n, bool is_reversed,
                        bool is_searching);
void trie_free(struct trie *t);

static inline uint32_t
trie_edge(const struct trie *t, uint32_t node, uint32_t class)
{
	uint32_t i = t->first_edge[node - t->row_count],
		 end = t->first_edge[node - t->row_count + 1];

	for (; i < end; i++)
		if (t->edges[i].class == class)
			return t->edges[i].to;
	return 0;
}

/* The child by a byte; 0 = none. */
static inline uint32_t
trie_child(const struct trie *t, uint32_t node, unsigned char c)
{
	uint32_t class = t->class_of[c];

	if (node < t->row_count)
		return t->rows[(size_t)node * t->class_count + class];
	return class == 0 ? 0 : trie_edge(t, node, class);
}

/* The next state of an Aho-Corasick automaton. */
static inline uint32_t
trie_step(const struct trie *t, uint32_t node, unsigned char c)
{
	uint32_t class = t->class_of[c];

	if (class == 0)
		return 0;
	while (node >= t->row_count) {
		uint32_t next = trie_edge(t, node, class);
		if (next != 0)
			return next;
		node = t->fail[node];
	}
	return t->rows[(size_t)node * t->class_count + class];
}

#endif
