/*
 * field_build: the automata of a field, from its atoms. See field.h.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "match/field.h"
#include "match/fold.h"

enum { FEW_NUMBERS = 16 };

struct lists {
	struct trie_string *prefix, *suffix, *folded_prefix, *folded_suffix;
	struct wild_source *wild;
	struct range *ranges;
	size_t prefix_count, suffix_count, folded_prefix_count, folded_suffix_count, wild_count,
		range_count;
	struct keytable heads, tails;
	bool has_few_numbers;
};

/* A wildcard that is a prefix or a suffix in truth. */
static enum test_kind
kind_of(const struct test *t, struct span *ret_text)
{
	*ret_text = t->text;
	if (t->kind != TEST_WILDCARD || t->part_count != 2)
		return t->kind;
	if (t->parts[1].len == 0) {
		*ret_text = t->parts[0];
		return TEST_PREFIX;
	}
	if (t->parts[0].len == 0) {
		*ret_text = t->parts[1];
		return TEST_SUFFIX;
	}
	return TEST_WILDCARD;
}

void
field_atom_key(const struct test *t, struct buf *key)
{
	struct span text;
	enum test_kind kind = kind_of(t, &text);
	double bounds[2] = { t->low == 0 ? 0 : t->low, t->high == 0 ? 0 : t->high };

	(void)buf_add_char(key, (char)(kind == TEST_ADDRESS ? TEST_BLOCK : kind));
	switch (kind) {
	case TEST_NUMBER:
		(void)buf_add(key, bounds, sizeof(bounds[0]));
		break;
	case TEST_RANGE:
		(void)buf_add(key, bounds, sizeof(bounds));
		(void)buf_add_char(key, (char)(t->is_low_open * 2 + t->is_high_open));
		break;
	case TEST_ADDRESS:
	case TEST_BLOCK:
		(void)buf_add_char(key, (char)t->bits);
		(void)buf_add(key, t->address.bytes, t->address.len);
		break;
	case TEST_WILDCARD:
		for (size_t i = 0; i < t->part_count; i++) {
			(void)buf_add(key, &t->parts[i].len, sizeof(t->parts[i].len));
			(void)buf_add(key, t->parts[i].p, t->parts[i].len);
		}
		break;
	default:
		(void)buf_add(key, text.p, text.len);
		break;
	}
}

static struct span
number_key(struct machine *m, double d)
{
	d = d == 0 ? 0 : d;
	return pool_dup(&m->pool, (struct span){ (const char *)&d, sizeof(d) });
}

/* Atoms with one folded text are chained behind the first. Returns true when this one is the first. */
static void
chain(struct machine *m, struct keytable *t, struct span key, uint32_t atom)
{
	uint32_t first = keytable_add(t, key, atom);

	m->atoms[atom].next = NONE;
	if (first != KEYTABLE_NONE) {
		m->atoms[atom].next = m->atoms[first].next;
		m->atoms[first].next = atom;
	}
}

static struct span
folded(struct machine *m, struct span text)
{
	char *out = pool_alloc(&m->pool, text.len * FOLD_GROWTH + 1);

	return (struct span){ out, fold_key(text, out) };
}

static void
add_folded(struct machine *m, uint32_t atom, struct span text, struct keytable *t)
{
	m->atoms[atom].needs_check = !fold_is_ascii(text);
	m->atoms[atom].text = pool_dup(&m->pool, text);
	chain(m, t, folded(m, text), atom);
}

static void
add_block(struct machine *m, struct field *f, const struct test *t, uint32_t atom)
{
	unsigned char key[18];
	uint32_t i = 0;

	key[0] = t->address.len;
	key[1] = (unsigned char)t->bits;
	memcpy(key + 2, t->address.bytes, 16);
	(void)keytable_add(
		&f->addresses,
		pool_dup(&m->pool, (struct span){ (const char *)key, 2u + t->address.len }), atom);
	while (i < f->block_count && (f->blocks[i].len != key[0] || f->blocks[i].bits != key[1]))
		i++;
	if (i == f->block_count) {
		f->blocks = mem_reallocn(f->blocks, f->block_count + 1, sizeof(*f->blocks));
		f->blocks[f->block_count++] = (struct block_size){ key[0], key[1] };
	}
}

static void
add_wild(struct lists *l, const struct test *t, uint32_t atom)
{
	l->wild[l->wild_count++] = (struct wild_source){ t->parts[0], t->parts[t->part_count - 1],
		                                         t->parts + 1, t->part_count - 2, atom };
}

static void
add_token(struct field *f, struct span text, uint32_t atom)
{
	uint32_t *slot = text.p[0] == 't'   ? &f->true_atom
	                 : text.p[0] == 'f' ? &f->false_atom
	                                    : &f->null_atom;

	*slot = atom;
}

struct folded_tables {
	struct keytable prefix, suffix;
};

static void
add_atom(struct machine *m, struct field *f, const struct atom_source *a, struct lists *l,
         struct folded_tables *ft)
{
	const struct test *t = a->test;
	struct span text;
	enum test_kind kind = kind_of(t, &text);

	if (kind == TEST_NUMBER && l->has_few_numbers) { /* a range of one: one look-up for all */
		l->ranges[l->range_count++] =
			(struct range){ t->low, t->low, false, false, a->atom };
		return;
	}
	m->atoms[a->atom].kind = (uint8_t)kind;
	m->atoms[a->atom].next = NONE;
	switch (kind) {
	case TEST_STRING:
		(void)keytable_add(&f->exact, pool_dup(&m->pool, text), a->atom);
		break;
	case TEST_TOKEN:
		add_token(f, text, a->atom);
		break;
	case TEST_NUMBER:
		(void)keytable_add(&f->numbers, number_key(m, t->low), a->atom);
		break;
	case TEST_NUMBER_TEXT:
		(void)keytable_add(&f->number_texts, pool_dup(&m->pool, text), a->atom);
		break;
	case TEST_ADDRESS:
	case TEST_BLOCK:
		add_block(m, f, t, a->atom);
		break;
	case TEST_PREFIX:
		l->prefix[l->prefix_count++] = (struct trie_string){ text, a->atom };
		break;
	case TEST_SUFFIX:
		l->suffix[l->suffix_count++] = (struct trie_string){ text, a->atom };
		break;
	case TEST_IGNORE_CASE:
		add_folded(m, a->atom, text, &f->folded);
		break;
	case TEST_PREFIX_IGNORE_CASE:
		add_folded(m, a->atom, text, &ft->prefix);
		break;
	case TEST_SUFFIX_IGNORE_CASE:
		add_folded(m, a->atom, text, &ft->suffix);
		break;
	case TEST_WILDCARD:
		add_wild(l, t, a->atom);
		break;
	case TEST_RANGE:
		l->ranges[l->range_count++] =
			(struct range){ t->low, t->high, t->is_low_open, t->is_high_open, a->atom };
		break;
	case TEST_EXISTS:
	case TEST_ABSENT:
	case TEST_ANYTHING_BUT:
		break; /* no atoms */
	}
}

/* One trie for plain affixes and for the ends of wildcards: each string's value is a stop that says which. */
static struct trie *
build_stops(const struct trie_string *plain, size_t n, const struct keytable *ends,
            bool is_reversed, struct stop **ret_stops)
{
	struct keytable all = { .count = 0 };
	struct trie_string *strings = mem_calloc(n + ends->count + 1, sizeof(*strings));
	struct stop *stops = mem_calloc(n + ends->count + 1, sizeof(*stops));
	struct trie *t = NULL;
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (ends->count > 0)
			(void)keytable_add(&all, plain[i].text, count);
		strings[count] = (struct trie_string){ plain[i].text, plain[i].value };
		stops[count++] = (struct stop){ plain[i].value, NONE };
	}
	for (uint32_t i = 0; ends->count > 0 && i <= ends->mask; i++) {
		uint32_t found;
		if (ends->slots[i].value == KEYTABLE_NONE)
			continue;
		found = keytable_add(&all, ends->slots[i].key, count);
		if (found != KEYTABLE_NONE) {
			stops[found].wild = ends->slots[i].value;
			strings[found].value = STOP | found;
			continue;
		}
		strings[count] = (struct trie_string){ ends->slots[i].key, STOP | count };
		stops[count++] = (struct stop){ NONE, ends->slots[i].value };
	}
	if (count > 0)
		t = trie_build(strings, count, is_reversed, false);
	keytable_done(&all);
	mem_free(strings);
	*ret_stops = stops;
	return t;
}

static struct trie *
build_folded(const struct keytable *t, bool is_reversed)
{
	struct trie_string *strings = mem_calloc(t->count + 1, sizeof(*strings));
	struct trie *trie = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; t->count > 0 && i <= t->mask; i++)
		if (t->slots[i].value != KEYTABLE_NONE)
			strings[n++] = (struct trie_string){ t->slots[i].key, t->slots[i].value };
	if (n > 0)
		trie = trie_build(strings, n, is_reversed, false);
	mem_free(strings);
	return trie;
}

void
field_build(struct machine *m, struct field *f, const struct atom_source *list, size_t n)
{
	struct folded_tables ft = { { .count = 0 }, { .count = 0 } };
	struct lists l = { .prefix_count = 0 };
	size_t number_count = 0;

	l.prefix = mem_calloc(n + 1, sizeof(*l.prefix));
	l.suffix = mem_calloc(n + 1, sizeof(*l.suffix));
	l.wild = mem_calloc(n + 1, sizeof(*l.wild));
	l.ranges = mem_calloc(n + 1, sizeof(*l.ranges));
	for (size_t i = 0; i < n; i++)
		number_count += list[i].test->kind == TEST_NUMBER;
	l.has_few_numbers = number_count <= FEW_NUMBERS;
	f->true_atom = f->false_atom = f->null_atom = NONE;
	for (size_t i = 0; i < n; i++)
		add_atom(m, f, &list[i], &l, &ft);
	if (l.wild_count > 0)
		f->wild = wild_build(l.wild, l.wild_count, &l.heads, &l.tails);
	f->prefix = build_stops(l.prefix, l.prefix_count, &l.heads, false, &f->prefix_stops);
	f->suffix = build_stops(l.suffix, l.suffix_count, &l.tails, true, &f->suffix_stops);
	f->folded_prefix = build_folded(&ft.prefix, false);
	f->folded_suffix = build_folded(&ft.suffix, true);
	if (l.range_count > 0)
		f->ranges = ranges_build(l.ranges, l.range_count);
	f->has_number = f->numbers.count > 0 || f->ranges != NULL;
	f->has_text = f->exact.count > 0 || f->folded.count > 0 || f->prefix != NULL ||
	              f->suffix != NULL || f->folded_prefix != NULL || f->folded_suffix != NULL ||
	              f->wild != NULL || f->block_count > 0;
	keytable_done(&ft.prefix);
	keytable_done(&ft.suffix);
	keytable_done(&l.heads);
	keytable_done(&l.tails);
	mem_free(l.prefix);
	mem_free(l.suffix);
	mem_free(l.wild);
	mem_free(l.ranges);
}

void
field_done(struct field *f)
{
	keytable_done(&f->exact);
	keytable_done(&f->folded);
	keytable_done(&f->number_texts);
	keytable_done(&f->numbers);
	keytable_done(&f->addresses);
	trie_free(f->prefix);
	trie_free(f->suffix);
	trie_free(f->folded_prefix);
	trie_free(f->folded_suffix);
	wild_free(f->wild);
	ranges_free(f->ranges);
	mem_free(f->blocks);
	mem_free(f->prefix_stops);
	mem_free(f->suffix_stops);
}
