/*
 * machine_build: patterns to a machine. See machine_in.h.
 *
 * Everything that occurs twice becomes one: paths, conditions (by path and text), tests (by field and meaning). What is
 * made costs memory and time in proportion to the patterns' text; only the product of $or, bounded by the parser,
 * multiplies.
 */
#include "config.h"

#include "match/machine_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "match/field.h"

static void
links_add(struct links *l, uint32_t from, uint32_t to)
{
	GROW(l->items, l->count, l->cap);
	l->items[l->count++] = (struct link){ from, to };
}

/* Number of what key (number, bytes) stands for in an index; new ones get `next` and *ret_is_new. */
static uint32_t
intern(struct build *b, struct keytable *t, struct span bytes, uint32_t next, bool *ret_is_new)
{
	uint32_t found = keytable_add(t, bytes, next);

	*ret_is_new = found == KEYTABLE_NONE;
	if (!*ret_is_new)
		return found;
	/* the key has to live: exchange it for a copy */
	for (uint32_t i = keytable_hash(bytes.p, bytes.len);; i++) {
		struct keytable_slot *s = &t->slots[i & t->mask];
		if (s->value == next) {
			s->key = pool_dup(&b->key_pool, bytes);
			return next;
		}
	}
}

static void
key_begin(struct build *b, uint32_t number)
{
	buf_clear(&b->key);
	(void)buf_add(&b->key, &number, sizeof(number));
}

static struct span
key_span(const struct build *b)
{
	return (struct span){ b->key.data, b->key.len };
}

static uint32_t
add_node(struct build *b, uint32_t parent, struct span name)
{
	struct machine *m = b->m;

	GROW(m->nodes, m->node_count, b->node_cap);
	m->nodes[m->node_count] = (struct node){
		.field = NONE, .first = NONE, .next = NONE, .name = pool_dup(&m->pool, name)
	};
	if (parent != NONE) {
		m->nodes[m->node_count].next = m->nodes[parent].first;
		m->nodes[parent].first = m->node_count;
		m->nodes[parent].has_children = true;
	}
	return m->node_count++;
}

static uint32_t
node_of_path(struct build *b, struct span path)
{
	const char *p = path.p, *end = p + path.len;
	uint32_t node = 0;

	for (;;) {
		const char *dot = memchr(p, '.', (size_t)(end - p));
		struct span name = { p, (size_t)((dot == NULL ? end : dot) - p) };
		uint32_t parent = node;
		bool is_new;

		key_begin(b, parent);
		(void)buf_add(&b->key, name.p, name.len);
		node = intern(b, &b->node_index, key_span(b), b->m->node_count, &is_new);
		if (is_new)
			(void)add_node(b, parent, name);
		if (dot == NULL)
			return node;
		p = dot + 1;
	}
}

static uint32_t
field_of_path(struct build *b, struct span path)
{
	struct machine *m = b->m;
	uint32_t node = node_of_path(b, path), cap = b->field_cap;

	if (m->nodes[node].field != NONE)
		return m->nodes[node].field;
	GROW(m->fields, m->field_count, cap);
	if (cap != b->field_cap)
		b->field_paths = mem_reallocn(b->field_paths, cap, sizeof(*b->field_paths));
	b->field_cap = cap;
	memset(&m->fields[m->field_count], 0, sizeof(*m->fields));
	b->field_paths[m->field_count] = pool_dup(&b->key_pool, path);
	m->nodes[node].field = m->field_count;
	return m->field_count++;
}

static uint32_t
atom_of_test(struct build *b, uint32_t field, const struct test *t)
{
	struct machine *m = b->m;
	uint32_t atom, cap = b->atom_cap;
	bool is_new;

	key_begin(b, field);
	field_atom_key(t, &b->key);
	atom = intern(b, &b->atom_index, key_span(b), m->atom_count, &is_new);
	if (!is_new)
		return atom;
	GROW(m->atoms, m->atom_count, cap);
	if (cap != b->atom_cap)
		b->atoms = mem_reallocn(b->atoms, cap, sizeof(*b->atoms));
	b->atom_cap = cap;
	m->atoms[atom] = (struct atom){ .next = NONE };
	b->atoms[atom] = (struct new_atom){ t, field };
	m->atom_count++;
	return atom;
}

/* How likely a test is to hold, roughly: what is rare makes a good key. */
static uint8_t
weight_of(enum test_kind kind)
{
	switch (kind) {
	case TEST_STRING:
	case TEST_ADDRESS:
	case TEST_NUMBER:
	case TEST_NUMBER_TEXT:
	case TEST_IGNORE_CASE:
		return 1;
	case TEST_PREFIX:
	case TEST_SUFFIX:
	case TEST_PREFIX_IGNORE_CASE:
	case TEST_SUFFIX_IGNORE_CASE:
	case TEST_BLOCK:
		return 2;
	case TEST_WILDCARD:
		return 3;
	default:
		return 4;
	}
}

static void
add_exclusions(struct build *b, uint32_t field, const struct test *t)
{
	struct machine *m = b->m;
	uint32_t number = m->but_count;

	GROW(m->but_field, m->but_count, b->but_cap);
	m->but_field[m->but_count++] = field;
	list_add(&b->cond_buts, number);
	for (size_t i = 0; i < t->except_count; i++)
		links_add(&b->actions, atom_of_test(b, field, &t->except[i]),
		          number | ACTION_EXCLUDE);
}

static void
add_tests(struct build *b, uint32_t number, const struct condition *source, struct cond *c)
{
	c->first_but = b->cond_buts.count;
	c->is_absence_only = true;
	for (size_t i = 0; i < source->test_count; i++) {
		const struct test *t = &source->tests[i];
		uint8_t weight = weight_of(t->kind);

		c->is_absence_only &= t->kind == TEST_ABSENT;
		if (t->kind == TEST_EXISTS) {
			c->wants_exists = true;
		} else if (t->kind == TEST_ABSENT) {
			c->may_be_absent = true;
		} else if (t->kind == TEST_ANYTHING_BUT) {
			add_exclusions(b, c->field, t);
			c->but_count++;
		} else {
			c->is_positive = true;
			c->weight = weight > c->weight ? weight : c->weight;
			links_add(&b->actions, atom_of_test(b, c->field, t), number);
		}
	}
	if (c->wants_exists || c->may_be_absent || c->but_count > 0) {
		c->weight = 0;
		b->m->fields[c->field].is_counted = true;
	}
}

static uint32_t
cond_of(struct build *b, const struct pattern *p, const struct condition *source)
{
	struct machine *m = b->m;
	struct cond c = { .field = field_of_path(b, p->paths[source->path]) };
	uint32_t number;
	bool is_new;

	key_begin(b, c.field);
	(void)buf_add(&b->key, source->raw.p, source->raw.len);
	number = intern(b, &b->cond_index, key_span(b), m->cond_count, &is_new);
	if (!is_new)
		return number;
	GROW(m->conds, m->cond_count, b->cond_cap);
	m->cond_count++;
	add_tests(b, number, source, &c);
	m->conds[number] = c;
	return number;
}

static void
add_clause(struct build *b, const struct pattern *p, const struct clause *source, uint32_t rule)
{
	struct machine *m = b->m;
	struct clause_row row = { .rule = rule, .first_cond = b->clause_conds.count };

	for (size_t i = 0; i < source->path_count; i++) {
		uint32_t number;
		if (source->by_path[i] == NULL)
			continue;
		number = cond_of(b, p, source->by_path[i]);
		list_add(&b->clause_conds, number);
		m->conds[number].clause_use++;
		row.has_absence |= m->conds[number].may_be_absent;
		row.cond_count++;
	}
	if (row.cond_count > m->cond_max)
		m->cond_max = row.cond_count;
	GROW(m->clauses, m->clause_count, b->clause_cap);
	m->clauses[m->clause_count++] = row;
	if (rule >= m->rule_max)
		m->rule_max = rule + 1;
	else
		m->has_shared_rules = true; /* or out of order: then it costs a little */
}

struct machine *
machine_build2(const struct pattern *const *patterns, const uint32_t *rules, size_t count,
               struct err *e)
{
	struct build b = { .m = mem_zalloc(sizeof(*b.m)) };
	uint64_t clauses = 0;

	for (size_t i = 0; i < count; i++)
		clauses += patterns[i]->clause_count;
	if (clauses > ACTION_NUMBER / 16) {
		mem_free(b.m);
		(void)err_set(e, ERR_LIMIT, "the rules make %llu alternatives, which is too many",
		              (unsigned long long)clauses);
		return NULL;
	}
	pool_init(&b.m->pool, 4096);
	pool_init(&b.key_pool, 4096);
	(void)add_node(&b, NONE, SPAN_LIT(""));
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < patterns[i]->clause_count; k++)
			add_clause(&b, patterns[i], &patterns[i]->clauses[k],
			           rules == NULL ? (uint32_t)i : rules[i]);
	machine_finish(&b);
	keytable_done(&b.node_index);
	keytable_done(&b.cond_index);
	keytable_done(&b.atom_index);
	pool_done(&b.key_pool);
	mem_free(b.atoms);
	mem_free(b.field_paths);
	mem_free(b.cond_buts.items);
	mem_free(b.clause_conds.items);
	mem_free(b.clause_keys.items);
	mem_free(b.actions.items);
	buf_done(&b.key);
	return b.m;
}

struct machine *
machine_build(const struct pattern *const *patterns, size_t count, struct err *e)
{
	return machine_build2(patterns, NULL, count, e);
}

void
machine_free(struct machine *m)
{
	if (m == NULL)
		return;
	for (uint32_t i = 0; i < m->field_count; i++)
		field_done(&m->fields[i]);
	mem_free(m->nodes);
	mem_free(m->fields);
	mem_free(m->atoms);
	mem_free(m->actions);
	mem_free(m->conds);
	mem_free(m->cond_buts);
	mem_free(m->but_field);
	mem_free(m->clauses);
	mem_free(m->clause_conds);
	pool_done(&m->pool);
	mem_free(m);
}
