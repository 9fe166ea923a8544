/*
 * wild: see wild.h.
 */
#include "config.h"

#include "match/wild.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "match/field.h"

static uint32_t
number_of(struct keytable *t, struct span text)
{
	uint32_t found;

	if (text.len == 0)
		return NONE;
	found = keytable_add(t, text, t->count);
	return found == KEYTABLE_NONE ? t->count - 1 : found;
}

static void
build_items(struct wild *w, const struct wild_source *list, size_t n, struct keytable *heads,
            struct keytable *tails, struct keytable *parts)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += list[i].part_count;
	w->items = mem_calloc(n + 1, sizeof(*w->items));
	w->item_parts = mem_calloc(total + 1, sizeof(*w->item_parts));
	w->item_count = (uint32_t)n;
	total = 0;
	for (size_t i = 0; i < n; i++) {
		const struct wild_source *s = &list[i];
		w->items[i] = (struct wild_item){ s->atom, number_of(heads, s->head),
			                          number_of(tails, s->tail), (uint32_t)total,
			                          (uint32_t)s->part_count };
		for (size_t k = 0; k < s->part_count; k++)
			w->item_parts[total++] = number_of(parts, s->parts[k]);
	}
}

static void
build_search(struct wild *w, const struct keytable *parts)
{
	struct trie_string *strings = mem_calloc(parts->count + 1, sizeof(*strings));
	uint32_t n = 0;

	w->part_count = parts->count;
	w->parts = mem_calloc(parts->count + 1, sizeof(*w->parts));
	for (uint32_t i = 0; parts->count > 0 && i <= parts->mask; i++) {
		const struct keytable_slot *slot = &parts->slots[i];
		if (slot->value == KEYTABLE_NONE)
			continue;
		strings[n++] = (struct trie_string){ slot->key, slot->value };
		w->parts[slot->value].len = (uint32_t)slot->key.len;
	}
	if (n > 0)
		w->search = trie_build(strings, n, false, true);
	for (uint32_t i = 0; n > 0 && i < w->search->node_count; i++) {
		const struct trie *t = w->search;
		uint32_t up = t->up[i] == i && i != 0 ? t->up[t->fail[i]] : 0;
		if (t->up[i] == i && i != 0)
			w->parts[t->value[i]].above = up == 0 ? NONE : t->value[up];
	}
	mem_free(strings);
}

/* Counting sort: first and count per group, then the members. */
static void
group_starters(struct wild *w)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < w->item_count; i++)
		if (w->items[i].part_count > 0 && w->items[i].head == NONE)
			w->parts[w->item_parts[w->items[i].first_part]].starter_count++;
	for (uint32_t p = 0; p < w->part_count; p++) {
		w->parts[p].first_starter = total;
		total += w->parts[p].starter_count;
		w->parts[p].starter_count = 0;
	}
	w->has_starters = total > 0;
	w->starters = mem_calloc(total + 1, sizeof(*w->starters));
	for (uint32_t i = 0; i < w->item_count; i++) {
		struct wild_part *p;
		if (w->items[i].part_count == 0 || w->items[i].head != NONE)
			continue;
		p = &w->parts[w->item_parts[w->items[i].first_part]];
		w->starters[p->first_starter + p->starter_count++] = i;
	}
}

static void
group_heads(struct wild *w, const struct keytable *heads, const struct keytable *tails)
{
	uint32_t items = 0, pairs = 0;

	w->head_count = heads->count;
	w->tail_count = tails->count;
	w->heads = mem_calloc(heads->count + 1, sizeof(*w->heads));
	w->tail_len = mem_calloc(tails->count + 1, sizeof(*w->tail_len));
	for (uint32_t i = 0; heads->count > 0 && i <= heads->mask; i++)
		if (heads->slots[i].value != KEYTABLE_NONE)
			w->heads[heads->slots[i].value].len = (uint32_t)heads->slots[i].key.len;
	for (uint32_t i = 0; tails->count > 0 && i <= tails->mask; i++)
		if (tails->slots[i].value != KEYTABLE_NONE)
			w->tail_len[tails->slots[i].value] = (uint32_t)tails->slots[i].key.len;
	for (uint32_t i = 0; i < w->item_count; i++) {
		struct wild_head *h = w->items[i].head == NONE ? NULL : &w->heads[w->items[i].head];
		if (h != NULL && w->items[i].part_count == 0)
			h->pair_count++;
		else if (h != NULL)
			h->item_count++;
	}
	for (uint32_t i = 0; i < w->head_count; i++) {
		struct wild_head *h = &w->heads[i];
		h->first_pair = pairs;
		h->first_item = items;
		pairs += h->pair_count;
		items += h->item_count;
		h->pair_count = h->item_count = 0;
	}
	w->pair_count = pairs;
	w->pairs = mem_calloc(pairs + 1, sizeof(*w->pairs));
	w->head_items = mem_calloc(items + 1, sizeof(*w->head_items));
	for (uint32_t i = 0; i < w->item_count; i++) {
		const struct wild_item *item = &w->items[i];
		struct wild_head *h = item->head == NONE ? NULL : &w->heads[item->head];
		if (h != NULL && item->part_count == 0)
			w->pairs[h->first_pair + h->pair_count++] =
				(struct wild_pair){ item->tail, item->atom };
		else if (h != NULL)
			w->head_items[h->first_item + h->item_count++] = i;
	}
}

static int
by_tail(const void *a, const void *b)
{
	const struct wild_pair *x = a, *y = b;

	return x->tail < y->tail ? -1 : x->tail > y->tail;
}

struct wild *
wild_build(const struct wild_source *list, size_t n, struct keytable *heads, struct keytable *tails)
{
	struct wild *w = mem_zalloc(sizeof(*w));
	struct keytable parts = { .count = 0 };

	build_items(w, list, n, heads, tails, &parts);
	build_search(w, &parts);
	group_starters(w);
	group_heads(w, heads, tails);
	for (uint32_t i = 0; i < w->head_count; i++)
		qsort(w->pairs + w->heads[i].first_pair, w->heads[i].pair_count, sizeof(*w->pairs),
		      by_tail);
	keytable_done(&parts);
	return w;
}

void
wild_free(struct wild *w)
{
	if (w == NULL)
		return;
	trie_free(w->search);
	mem_free(w->parts);
	mem_free(w->items);
	mem_free(w->item_parts);
	mem_free(w->starters);
	mem_free(w->head_items);
	mem_free(w->heads);
	mem_free(w->pairs);
	mem_free(w->tail_len);
	mem_free(w);
}

static void
wait_for_part(const struct wild *w, struct machine_scratch *s, uint32_t item)
{
	struct wild_item_state *state = &s->wild.items[item];
	struct wild_part_state *part =
		&s->wild.parts[w->item_parts[w->items[item].first_part + state->at]];

	if (part->waiting != s->serial) {
		part->waiting = s->serial;
		part->head = NONE;
	}
	if (part->round == s->wild.round)
		s->wild.round++; /* what was passed over is wanted again */
	state->next = part->head;
	part->head = item;
}

/* The part that an item waits for was found, ending at end. */
static void
advance(const struct wild *w, struct machine_scratch *s, uint32_t item, uint32_t end,
        size_t value_len)
{
	const struct wild_item *it = &w->items[item];
	struct wild_item_state *state = &s->wild.items[item];

	state->last_end = end;
	if (++state->at < it->part_count) {
		wait_for_part(w, s, item);
		return;
	}
	if (it->tail == NONE ||
	    (s->wild.tails[it->tail] == s->serial && end + w->tail_len[it->tail] <= value_len))
		field_hit(s, it->atom);
}

/* A part ends at end: all who wait for it go on. */
static void
found_part(const struct wild *w, struct machine_scratch *s, uint32_t number, uint32_t end,
           size_t value_len)
{
	const struct wild_part *part = &w->parts[number];
	struct wild_part_state *state = &s->wild.parts[number];

	if (state->waiting == s->serial) {
		uint32_t item = state->head, kept = NONE;
		state->head = NONE;
		while (item != NONE) {
			uint32_t next = s->wild.items[item].next;
			if (end - part->len >= s->wild.items[item].last_end) {
				advance(w, s, item, end, value_len);
			} else {
				s->wild.items[item].next = kept;
				kept = item;
			}
			item = next;
		}
		while (kept != NONE) { /* overlaps what they had last: they wait on */
			uint32_t next = s->wild.items[kept].next;
			s->wild.items[kept].next = state->head;
			state->head = kept;
			kept = next;
		}
	}
	if (part->starter_count > 0 && state->started != s->serial) {
		state->started = s->serial;
		for (uint32_t i = 0; i < part->starter_count; i++) {
			uint32_t item = w->starters[part->first_starter + i];
			s->wild.items[item].at = 0;
			advance(w, s, item, end, value_len);
		}
	}
}

static bool
is_wanted(const struct wild *w, const struct machine_scratch *s, uint32_t number)
{
	const struct wild_part_state *state = &s->wild.parts[number];

	return (state->waiting == s->serial && state->head != NONE) ||
	       (w->parts[number].starter_count > 0 && state->started != s->serial);
}

/* The first part from number upwards that somebody wants. The way there is shortened for the next who goes it. */
static uint32_t
next_wanted(const struct wild *w, struct machine_scratch *s, uint32_t number)
{
	uint32_t from = number;

	while (number != NONE) {
		struct wild_part_state *state = &s->wild.parts[number];
		s->wild.steps++;
		if (state->round == s->wild.round) {
			number = state->next;
		} else if (is_wanted(w, s, number)) {
			break;
		} else {
			state->round = s->wild.round;
			state->next = number = w->parts[number].above;
		}
	}
	while (from != number) {
		uint32_t next = s->wild.parts[from].next;
		s->wild.parts[from].next = number;
		from = next;
	}
	return number;
}

static void
search(const struct wild *w, struct machine_scratch *s, struct span value)
{
	const struct trie *t = w->search;
	uint32_t node = 0;

	s->wild.round++;
	for (uint32_t i = 0; i < value.len; i++) {
		uint32_t part;
		node = trie_step(t, node, (unsigned char)value.p[i]);
		if (t->up[node] == 0)
			continue;
		for (part = next_wanted(w, s, t->value[t->up[node]]); part != NONE;
		     part = next_wanted(w, s, w->parts[part].above))
			found_part(w, s, part, i + 1, value.len);
	}
}

static const struct wild_pair *
find_pair(const struct wild *w, const struct wild_head *h, uint32_t tail)
{
	uint32_t low = h->first_pair, high = low + h->pair_count, end = high;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (w->pairs[mid].tail < tail)
			low = mid + 1;
		else
			high = mid;
	}
	return low < end && w->pairs[low].tail == tail ? &w->pairs[low] : NULL;
}

/* "a*b": whichever is less work, all pairs of the beginning, or a look-up for each end that was found. */
static void
run_pairs(const struct wild *w, struct machine_scratch *s, const struct wild_head *h,
          size_t value_len)
{
	if (h->pair_count / 8 < s->wild.tail_count) {
		for (uint32_t i = 0; i < h->pair_count; i++) {
			const struct wild_pair *p = &w->pairs[h->first_pair + i];
			if (s->wild.tails[p->tail] == s->serial &&
			    h->len + w->tail_len[p->tail] <= value_len)
				field_hit(s, p->atom);
		}
		return;
	}
	for (uint32_t i = 0; i < s->wild.tail_count; i++) {
		const struct wild_pair *p = find_pair(w, h, s->wild.tails_found[i]);
		if (p != NULL && h->len + w->tail_len[p->tail] <= value_len)
			field_hit(s, p->atom);
	}
}

void
wild_run(const struct wild *w, struct machine_scratch *s, struct span value)
{
	bool is_waited_for = w->has_starters;

	for (uint32_t i = 0; i < s->wild.head_count; i++) {
		const struct wild_head *h = &w->heads[s->wild.heads_found[i]];
		if (h->pair_count > 0 && s->wild.tail_count > 0)
			run_pairs(w, s, h, value.len);
		for (uint32_t k = 0; k < h->item_count; k++) {
			uint32_t item = w->head_items[h->first_item + k];
			s->wild.items[item].at = 0;
			s->wild.items[item].last_end = h->len;
			wait_for_part(w, s, item);
			is_waited_for = true;
		}
	}
	if (is_waited_for && w->search != NULL)
		search(w, s, value);
}
