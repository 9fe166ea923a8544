/*
 * trie: see trie.h.
 *
 * Built in two steps: a loose tree of linked children in the order of insertion, then numbered breadth first into rows
 * and lists, and with failure links (Aho and Corasick, 1975) when it is to search.
 */
#include "config.h"

#include "match/trie.h"

#include <string.h>

#include "base/mem.h"

enum { ROWS_MAX_BYTES = 4 << 20 };

struct loose {
	uint32_t first, next; /* child, sibling; 0 = none */
	uint32_t value;
	uint8_t byte;
};

struct builder {
	struct loose *nodes;
	uint32_t count, cap;
	uint32_t *order;  /* breadth first: new number to loose */
	uint32_t *number; /* loose to new number */
	struct trie *t;
};

static uint32_t
add_node(struct builder *b, uint8_t byte)
{
	if (b->count == b->cap) {
		b->cap = b->cap == 0 ? 64 : 2 * b->cap;
		b->nodes = mem_reallocn(b->nodes, b->cap, sizeof(*b->nodes));
	}
	b->nodes[b->count] = (struct loose){ 0, 0, TRIE_NONE, byte };
	return b->count++;
}

static uint32_t
child(struct builder *b, uint32_t node, uint8_t byte)
{
	uint32_t last = 0, c = b->nodes[node].first;

	for (; c != 0; last = c, c = b->nodes[c].next)
		if (b->nodes[c].byte == byte)
			return c;
	c = add_node(b, byte);
	if (last == 0)
		b->nodes[node].first = c;
	else
		b->nodes[last].next = c;
	return c;
}

static void
insert(struct builder *b, const struct trie_string *s, bool is_reversed)
{
	uint32_t node = 0;

	for (size_t i = 0; i < s->text.len; i++) {
		uint8_t c = (uint8_t)s->text.p[is_reversed ? s->text.len - 1 - i : i];
		if (b->t->class_of[c] == 0)
			b->t->class_of[c] = 1;
		node = child(b, node, c);
	}
	b->nodes[node].value = s->value;
}

static void
number_classes(struct trie *t)
{
	uint32_t n = 1;

	for (int c = 0; c < 256; c++)
		if (t->class_of[c] != 0)
			t->class_of[c] = (uint8_t)n++;
	/* text in UTF-8 has fewer than 255 different bytes, so a class fits into one */
	t->class_count = n;
}

static void
put_in_order(struct builder *b)
{
	uint32_t head = 0, tail = 0;

	b->order = mem_calloc(b->count, sizeof(*b->order));
	b->number = mem_calloc(b->count, sizeof(*b->number));
	b->order[tail++] = 0;
	while (head < tail) {
		uint32_t node = b->order[head];
		b->number[node] = head++;
		for (uint32_t c = b->nodes[node].first; c != 0; c = b->nodes[c].next)
			b->order[tail++] = c;
	}
}

static void
lay_out(struct builder *b)
{
	struct trie *t = b->t;
	uint32_t edges = 0, listed;

	t->node_count = b->count;
	t->row_count = ROWS_MAX_BYTES / (4 * t->class_count);
	if (t->row_count > b->count)
		t->row_count = b->count;
	listed = b->count - t->row_count;
	t->rows = mem_calloc((size_t)t->row_count * t->class_count, sizeof(*t->rows));
	t->value = mem_calloc(b->count, sizeof(*t->value));
	t->first_edge = mem_calloc(listed + 1, sizeof(*t->first_edge));
	t->edges = mem_calloc(b->count + 1, sizeof(*t->edges));
	for (uint32_t i = 0; i < b->count; i++) {
		const struct loose *node = &b->nodes[b->order[i]];
		t->value[i] = node->value;
		if (i >= t->row_count)
			t->first_edge[i - t->row_count] = edges;
		for (uint32_t c = node->first; c != 0; c = b->nodes[c].next) {
			uint8_t class = t->class_of[b->nodes[c].byte];
			if (i < t->row_count) {
				t->rows[(size_t)i * t->class_count + class] = b->number[c];
			} else {
				t->edges[edges++] = (struct trie_link){ b->number[c], class };
			}
		}
	}
	t->first_edge[listed] = edges;
	t->has_empty = t->value[0] != TRIE_NONE;
}

/* Failure of the child by a class of a node whose own failure is known. */
static uint32_t
fail_of_child(const struct trie *t, uint32_t node, uint32_t class)
{
	while (node != 0) {
		uint32_t next;
		node = t->fail[node];
		next = node < t->row_count ? t->rows[(size_t)node * t->class_count + class]
		                           : trie_edge(t, node, class);
		if (next != 0)
			return next;
	}
	return 0;
}

/* Breadth first, so that a row is completed after the rows of all shorter strings. */
static void
add_failures(struct trie *t)
{
	t->fail = mem_calloc(t->node_count, sizeof(*t->fail));
	t->up = mem_calloc(t->node_count, sizeof(*t->up));
	for (uint32_t i = 0; i < t->node_count; i++) {
		t->up[i] = i != 0 && t->value[i] != TRIE_NONE ? i : t->up[t->fail[i]];
		if (i < t->row_count) {
			uint32_t *row = &t->rows[(size_t)i * t->class_count];
			const uint32_t *fail_row = &t->rows[(size_t)t->fail[i] * t->class_count];
			for (uint32_t class = 1; class < t->class_count; class ++) {
				if (row[class] > i)
					t->fail[row[class]] = i == 0 ? 0 : fail_row[class];
				else if (i != 0)
					row[class] = fail_row[class];
			}
		} else {
			uint32_t end = t->first_edge[i - t->row_count + 1];
			for (uint32_t k = t->first_edge[i - t->row_count]; k < end; k++)
				t->fail[t->edges[k].to] = fail_of_child(t, i, t->edges[k].class);
		}
	}
}

struct trie *
trie_build(const struct trie_string *strings, size_t n, bool is_reversed, bool is_searching)
{
	struct builder b = { .t = mem_zalloc(sizeof(*b.t)) };

	(void)add_node(&b, 0);
	for (size_t i = 0; i < n; i++)
		insert(&b, &strings[i], is_reversed);
	number_classes(b.t);
	put_in_order(&b);
	lay_out(&b);
	if (is_searching)
		add_failures(b.t);
	mem_free(b.nodes);
	mem_free(b.order);
	mem_free(b.number);
	return b.t;
}

void
trie_free(struct trie *t)
{
	if (t == NULL)
		return;
	mem_free(t->rows);
	mem_free(t->first_edge);
	mem_free(t->edges);
	mem_free(t->value);
	mem_free(t->fail);
	mem_free(t->up);
	mem_free(t);
}
