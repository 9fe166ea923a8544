/*
 * verdict_arrays: a choice of values that agrees over arrays. See verdict.h.
 *
 * Elements and arrays form a tree. An element satisfies a set of conditions when each is met directly in it, or by one
 * element of an array below it that satisfies all of the set that are met below that array. So each element is
 * looked at once per clause, whatever the shape of the event.
 *
 * Conditions of absence break that rule; clauses with them (and events with dotted keys, where one path can run through
 * two arrays) are searched by trying, value after value, with a ceiling: past it the clause counts as met, since an
 * alert too many is better than one too few.
 */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "match/verdict.h"

enum { SEARCH_STEPS_MAX = 10 * 1000 * 1000 }; /* for one event, all clauses together */

/* Walk over the values that meet a condition, each kind in turn. */
struct values {
	struct machine_scratch *s;
	const struct cond *c;
	uint32_t number;
	uint32_t hit, value, excluded, but;
	int stage; /* 0 hits, 1 presence, 2 exclusions, 3 end */
};

static void
values_begin(struct values *v, struct machine_scratch *s, uint32_t number)
{
	const struct cond_state *state = &s->conds[number];

	*v = (struct values){ .s = s, .c = &s->m->conds[number], .number = number };
	if (v->c->is_positive && state->epoch == s->epoch)
		v->hit = state->head;
}

static bool
values_next_stage(struct values *v)
{
	const struct field_state *f = &v->s->fields[v->c->field];

	if (v->stage == 0) {
		v->stage = 1;
		v->value = v->c->wants_exists && f->epoch == v->s->epoch ? f->head : 0;
		return true;
	}
	if (v->stage == 1) {
		v->stage = 2;
		v->but = 0;
	} else {
		v->but++;
	}
	if (v->but >= v->c->but_count)
		return false;
	const struct but_state *b = &v->s->buts[v->s->m->cond_buts[v->c->first_but + v->but]];
	v->value = f->epoch == v->s->epoch ? f->head : 0;
	v->excluded = b->epoch == v->s->epoch ? b->head : 0;
	return true;
}

/* The next element (after verdict_member) in which the condition is met. */
static bool
values_next(struct values *v, uint32_t *ret_member)
{
	struct machine_scratch *s = v->s;

	for (;;) {
		if (v->stage == 0 && v->hit != 0 && v->hit != FREE_HIT) {
			*ret_member = verdict_member(s, s->hits[v->hit].member);
			v->hit = s->hits[v->hit].next;
			return true;
		}
		while (v->stage > 0 && v->value != 0) {
			const struct value_entry *e = &s->values[v->value];
			v->value = e->next;
			if (v->stage == 2 && v->excluded != 0 &&
			    s->values[v->excluded].serial == e->serial) {
				v->excluded = s->values[v->excluded].next;
				continue;
			}
			*ret_member = verdict_member(s, e->member);
			return true;
		}
		if (!values_next_stage(v))
			return false;
	}
}

/* Chain the members of each array, and the arrays of each element, leaving out what verdict_member leaves out. */
static void
link_members(struct machine_scratch *s)
{
	if (s->is_linked)
		return;
	s->is_linked = true;
	for (uint32_t i = 0; i < s->member_count; i++) {
		s->members[i].first_array = s->members[i].next_member = 0;
		s->members[i].direct = 0;
	}
	for (uint32_t i = 1; i < s->array_count; i++) {
		struct array *a = &s->arrays[i];
		uint32_t parent = verdict_member(s, a->parent);
		a->first_member = a->next_array = 0;
		a->under = 0;
		if (a->member_count <= 1)
			continue;
		a->next_array = s->members[parent].first_array;
		s->members[parent].first_array = i;
	}
	for (uint32_t i = 1; i < s->member_count; i++) {
		struct member *m = &s->members[i];
		m->next_member = s->arrays[m->array].first_member;
		s->arrays[m->array].first_member = i;
	}
}

static void
mark(struct machine_scratch *s, const struct clause_row *row, bool is_set)
{
	for (uint32_t i = 0; i < row->cond_count; i++) {
		uint64_t bit = (uint64_t)1 << i;
		struct values v;
		uint32_t member;

		values_begin(&v, s, s->m->clause_conds[row->first_cond + i]);
		while (values_next(&v, &member)) {
			if (is_set)
				s->members[member].direct |= bit;
			else
				s->members[member].direct = 0;
			while (member != 0) {
				struct array *a = &s->arrays[s->members[member].array];
				if (is_set ? (a->under & bit) != 0 : a->under == 0)
					break;
				a->under = is_set ? a->under | bit : 0;
				member = verdict_member(s, a->parent);
			}
		}
	}
}

/* Arrays nest at most as deep as the walk's frames. */
static bool
satisfies(const struct machine_scratch *s, uint32_t member, uint64_t need)
{
	need &= ~s->members[member].direct;
	for (uint32_t a = s->members[member].first_array; need != 0 && a != 0;
	     a = s->arrays[a].next_array) {
		uint64_t below = need & s->arrays[a].under;
		uint32_t m = below == 0 ? 0 : s->arrays[a].first_member;
		if (below == 0)
			continue;
		while (m != 0 && !satisfies(s, m, below))
			m = s->members[m].next_member;
		if (m == 0)
			return false;
		need &= ~below;
	}
	return need == 0;
}

bool
verdict_arrays(struct machine_scratch *s, const struct clause_row *row)
{
	uint64_t need = 0;
	bool result;

	if (row->cond_count > 64)
		return verdict_search(s, row);
	link_members(s);
	for (uint32_t i = 0; i < row->cond_count; i++)
		if (!verdict_is_free(s, s->m->clause_conds[row->first_cond + i]))
			need |= (uint64_t)1 << i;
	mark(s, row, true);
	result = satisfies(s, 0, need);
	mark(s, row, false);
	return result;
}

struct search {
	struct machine_scratch *s;
	uint32_t *order;  /* conditions: by path, absences last */
	uint32_t *chosen; /* members */
	uint32_t count, chosen_count;
};

/* Do two values lie in different elements of one array? That shows where their ways part. */
static bool
conflict(const struct machine_scratch *s, uint32_t a, uint32_t b)
{
	while (s->members[a].depth > s->members[b].depth)
		a = s->members[a].parent;
	while (s->members[b].depth > s->members[a].depth)
		b = s->members[b].parent;
	if (a == b)
		return false;
	while (s->members[a].parent != s->members[b].parent) {
		a = s->members[a].parent;
		b = s->members[b].parent;
	}
	return s->members[a].array == s->members[b].array;
}

static bool
agrees(const struct search *q, uint32_t member)
{
	q->s->search_steps += q->chosen_count + 1;
	for (uint32_t i = 0; i < q->chosen_count; i++)
		if (conflict(q->s, q->chosen[i], member))
			return false;
	return true;
}

static bool
is_absent(const struct search *q, const struct cond *c)
{
	const struct field_state *f = &q->s->fields[c->field];

	if (f->epoch != q->s->epoch)
		return true;
	if (f->free_count > 0)
		return false;
	for (uint32_t v = f->head; v != 0; v = q->s->values[v].next)
		if (agrees(q, verdict_member(q->s, q->s->values[v].member)))
			return false;
	return true;
}

static bool choose(struct search *q, uint32_t n);

static bool
choose_value(struct search *q, uint32_t n, uint32_t member)
{
	bool result;

	q->chosen[q->chosen_count++] = member;
	result = choose(q, n + 1);
	q->chosen_count--;
	return result;
}

static bool
choose(struct search *q, uint32_t n)
{
	const struct cond *c;
	struct values v;
	uint32_t member;

	if (n == q->count || ++q->s->search_steps > SEARCH_STEPS_MAX)
		return true;
	c = &q->s->m->conds[q->order[n]];
	values_begin(&v, q->s, q->order[n]);
	while (values_next(&v, &member))
		if ((agrees(q, member) && choose_value(q, n, member)) ||
		    q->s->search_steps > SEARCH_STEPS_MAX)
			return true;
	if (verdict_is_free(q->s, q->order[n]) && choose_value(q, n, 0))
		return true;
	return c->may_be_absent && is_absent(q, c) && choose(q, n + 1);
}

static int
by_key(const void *a, const void *b)
{
	const struct ordered_cond *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

bool
verdict_search(struct machine_scratch *s, const struct clause_row *row)
{
	struct ordered_cond *list = s->search_order;
	struct search q = { .s = s,
		            .order = s->search_conds,
		            .chosen = s->search_chosen,
		            .count = row->cond_count };

	for (uint32_t i = 0; i < row->cond_count; i++) {
		uint32_t number = s->m->clause_conds[row->first_cond + i];
		const struct cond *c = &s->m->conds[number];
		list[i] = (struct ordered_cond){
			(uint64_t)c->is_absence_only << 32 | s->m->fields[c->field].order, number
		};
	}
	qsort(list, row->cond_count, sizeof(*list), by_key);
	for (uint32_t i = 0; i < row->cond_count; i++)
		q.order[i] = list[i].cond;
	return choose(&q, 0);
}
