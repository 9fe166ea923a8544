/*
 * machine_build: patterns to a machine. See machine_in.h.
 *
 * Everything that occurs twice becomes one: paths, conditions (by path and text), tests (by field and meaning). What is
 * made costs memory and time in proportion to the patterns' text; only the product of $or, bounded by the parser,
 * multiplies.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "match/field.h"
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

static void
list_add(struct list *l, uint32_t v)
{
	GROW(l->items, l->count, l->cap);
	l->items[l->count++] = v;
}

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

static struct span
first_name(struct span path)
{
	const char *dot = memchr(path.p, '.', path.len);

	return dot == NULL ? path : (struct span){ path.p, (size_t)(dot - path.p) };
}

/* Say of each condition of a clause whether it matters where its values lie. */
static void
mark_logged(struct build *b, const struct clause_row *row)
{
	struct cond *conds = b->m->conds;
	const uint32_t *list = &b->clause_conds.items[row->first_cond];

	for (uint32_t i = 0; i < row->cond_count; i++) {
		if (row->has_absence && row->cond_count > 1)
			conds[list[i]].is_logged = conds[list[i]].is_logged_all = true;
		for (uint32_t k = 0; !conds[list[i]].is_logged && k < row->cond_count && k < 64;
		     k++)
			if (k != i && span_eq(first_name(b->field_paths[conds[list[i]].field]),
			                      first_name(b->field_paths[conds[list[k]].field])))
				conds[list[i]].is_logged = true;
		if (row->cond_count > 64)
			conds[list[i]].is_logged = true;
	}
}

/* The rarest condition leads to the clause; the others are ordered by rarity too, the key last: it is met. */
static void
choose_key(struct build *b, const struct clause_row *row)
{
	const struct cond *conds = b->m->conds;
	uint32_t *list = &b->clause_conds.items[row->first_cond];
	uint32_t best = NONE, present = NONE;

	for (uint32_t i = 0; i < row->cond_count; i++) {
		const struct cond *c = &conds[list[i]];
		if (!c->may_be_absent)
			present = c->field;
		if (c->weight == 0)
			continue;
		if (best == NONE ||
		    (uint64_t)c->clause_use * c->weight <
		            (uint64_t)conds[list[best]].clause_use * conds[list[best]].weight)
			best = i;
	}
	for (uint32_t i = 1; i < row->cond_count && row->cond_count <= 64; i++) {
		uint32_t x = list[i], k = i;
		for (; k > 0 && conds[list[k - 1]].clause_use > conds[x].clause_use; k--) {
			list[k] = list[k - 1];
			best = best == k - 1 ? k : best == k ? k - 1 : best;
		}
		list[k] = x;
	}
	if (best != NONE) {
		uint32_t key = list[best];
		memmove(list + best, list + best + 1, (row->cond_count - best - 1) * sizeof(*list));
		list[row->cond_count - 1] = key;
		list_add(&b->clause_keys, key * 3);
	} else if (present != NONE)
		list_add(&b->clause_keys, present * 3 + 1);
	else
		list_add(&b->clause_keys, 2);
	if (best == NONE && present != NONE)
		b->m->fields[present].is_counted = true;
}

struct keyed {
	uint32_t key, first_cond, clause;
};

static int
by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->first_cond != y->first_cond)
		return x->first_cond < y->first_cond ? -1 : 1;
	return x->clause < y->clause ? -1 : x->clause > y->clause;
}

static void
note_group(struct machine *m, uint32_t key, uint32_t first, uint32_t count)
{
	if (key % 3 == 0) {
		m->conds[key / 3].first_clause = first;
		m->conds[key / 3].clause_count = count;
	} else if (key % 3 == 1) {
		m->fields[key / 3].first_clause = first;
		m->fields[key / 3].clause_count = count;
	} else {
		m->first_always = first;
		m->always_count = count;
	}
}

/* Clauses in the order of their keys. */
static void
group_clauses(struct build *b)
{
	struct machine *m = b->m;
	struct keyed *list = mem_calloc(m->clause_count + 1, sizeof(*list));
	struct clause_row *rows = mem_calloc(m->clause_count + 1, sizeof(*rows));
	uint32_t *conds = mem_calloc(b->clause_conds.count + 1, sizeof(*conds)), n = 0, first = 0;

	for (uint32_t i = 0; i < m->clause_count; i++)
		list[i] = (struct keyed){ b->clause_keys.items[i],
			                  b->clause_conds.items[m->clauses[i].first_cond], i };
	qsort(list, m->clause_count, sizeof(*list), by_key);
	for (uint32_t i = 0; i < m->clause_count; i++) {
		rows[i] = m->clauses[list[i].clause];
		memcpy(conds + n, b->clause_conds.items + rows[i].first_cond,
		       rows[i].cond_count * sizeof(*conds));
		rows[i].first_cond = n;
		n += rows[i].cond_count;
		if (i + 1 == m->clause_count || list[i + 1].key != list[i].key) {
			note_group(m, list[i].key, first, i + 1 - first);
			first = i + 1;
		}
	}
	for (uint32_t i = m->clause_count; i-- > 0;) {
		bool is_same = i + 1 < m->clause_count && list[i + 1].key == list[i].key &&
		               list[i + 1].first_cond == list[i].first_cond;
		rows[i].run = is_same ? rows[i + 1].run + 1 : 1;
	}
	mem_free(list);
	mem_free(m->clauses);
	m->clauses = rows;
	m->clause_conds = conds;
}

static void
lay_out_actions(struct build *b)
{
	struct machine *m = b->m;
	uint32_t total = 0;

	for (uint32_t i = 0; i < b->actions.count; i++)
		m->atoms[b->actions.items[i].from].action_count++;
	for (uint32_t i = 0; i < m->atom_count; i++) {
		m->atoms[i].first_action = total;
		total += m->atoms[i].action_count;
		m->atoms[i].action_count = 0;
	}
	m->actions = mem_calloc(total + 1, sizeof(*m->actions));
	for (uint32_t i = 0; i < b->actions.count; i++) {
		struct atom *a = &m->atoms[b->actions.items[i].from];
		uint32_t action = b->actions.items[i].to;
		if ((action & ACTION_EXCLUDE) == 0 && m->conds[action].is_logged)
			action |= ACTION_LOGGED;
		m->actions[a->first_action + a->action_count++] = action;
	}
	for (uint32_t i = 0; i < m->atom_count; i++)
		if (m->atoms[i].action_count == 1)
			m->atoms[i].first_action = m->actions[m->atoms[i].first_action];
}

static void
build_fields(struct build *b)
{
	struct machine *m = b->m;
	struct atom_source *list = mem_calloc(m->atom_count + 1, sizeof(*list));
	uint32_t *first = mem_calloc(m->field_count + 2, sizeof(*first));

	for (uint32_t i = 0; i < m->atom_count; i++)
		first[b->atoms[i].field + 1]++;
	for (uint32_t i = 0; i < m->field_count; i++)
		first[i + 1] += first[i];
	for (uint32_t i = 0; i < m->atom_count; i++)
		list[first[b->atoms[i].field]++] = (struct atom_source){ b->atoms[i].test, i };
	for (uint32_t i = 0, from = 0; i < m->field_count; from = first[i++])
		field_build(m, &m->fields[i], list + from, first[i] - from);
	mem_free(list);
	mem_free(first);
}

struct ranked {
	struct span path;
	uint32_t field;
};

static int
by_path(const void *a, const void *b)
{
	return pattern_path_compare(((const struct ranked *)a)->path,
	                            ((const struct ranked *)b)->path);
}

static void
rank_fields(struct build *b)
{
	struct machine *m = b->m;
	struct ranked *list = mem_calloc(m->field_count + 1, sizeof(*list));

	for (uint32_t i = 0; i < m->field_count; i++)
		list[i] = (struct ranked){ b->field_paths[i], i };
	qsort(list, m->field_count, sizeof(*list), by_path);
	for (uint32_t i = 0; i < m->field_count; i++)
		m->fields[list[i].field].order = i;
	mem_free(list);
}

static void
hash_children(struct machine *m, struct node *node)
{
	uint32_t n = 0, slots = 2;

	for (uint32_t c = node->first; c != NONE; c = m->nodes[c].next)
		n++;
	while (slots < 2 * n)
		slots *= 2;
	node->child_mask = slots - 1;
	node->children = pool_alloc(&m->pool, slots * sizeof(*node->children));
	for (uint32_t i = 0; i < slots; i++)
		node->children[i].len = NONE;
	for (uint32_t c = node->first; c != NONE; c = m->nodes[c].next) {
		struct span name = m->nodes[c].name;
		uint64_t head = keytable_load(name.p, name.len);
		uint32_t i = child_hash(name.p, name.len, head);
		while (node->children[i & node->child_mask].len != NONE)
			i++;
		node->children[i & node->child_mask] =
			(struct child){ head, (uint32_t)name.len, c, name.p };
		node->length_mask |= keytable_length_bit(name.len);
		node->has_deep |= m->nodes[c].has_children;
	}
}

static void
finish(struct build *b)
{
	struct machine *m = b->m;

	m->cond_buts = b->cond_buts.items;
	b->cond_buts.items = NULL;
	for (uint32_t i = 0; i < m->clause_count; i++) {
		mark_logged(b, &m->clauses[i]);
		choose_key(b, &m->clauses[i]);
	}
	group_clauses(b);
	lay_out_actions(b);
	build_fields(b);
	rank_fields(b);
	for (uint32_t i = 0; i < m->node_count; i++)
		hash_children(m, &m->nodes[i]);
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
	finish(&b);
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
