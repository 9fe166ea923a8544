/*
 * machine_finish: the second half of building a machine: which condition leads to a clause, the order of clauses, the
 * automata of the fields, the names of nodes. See machine_in.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "match/field.h"
#include "match/machine_build.h"

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
		uint64_t head = child_head(name.p, name.len, name.len);
		uint32_t i = child_hash(name.p, name.len, head);
		while (node->children[i & node->child_mask].len != NONE)
			i++;
		node->children[i & node->child_mask] =
			(struct child){ head, (uint32_t)name.len, c, name.p };
		node->length_mask |= keytable_length_bit(name.len);
		node->has_deep |= m->nodes[c].has_children;
	}
}

void
machine_finish(struct build *b)
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
