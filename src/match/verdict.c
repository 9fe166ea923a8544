/*
 * verdict: which clauses match, from what the walk noted.
 *
 * A condition is not met, met freely (by a value outside of all arrays that have several elements of interest), or met
 * within arrays only. Clauses whose conditions are all met, at most one of them within arrays, match. For the others a
 * choice of values is searched that agrees over arrays (verdict_arrays.c).
 */
#include "config.h"

#include "match/verdict.h"

#include <stdlib.h>

uint32_t
verdict_member(const struct machine_scratch *s, uint32_t member)
{
	while (member != 0 && s->arrays[s->members[member].array].member_count <= 1)
		member = s->members[member].parent;
	return member;
}

/* anything-but: what values are neither excluded nor absent. */
static enum met
met_by_but(const struct machine_scratch *s, const struct cond *c, uint32_t number)
{
	const struct field_state *f = &s->fields[c->field];
	static const struct but_state none;
	const struct but_state *b = &s->buts[number];
	uint32_t excluded, next;

	if (f->epoch != s->epoch)
		return MET_NOT;
	if (b->epoch != s->epoch)
		b = &none;
	if (f->free_count > b->free_count)
		return MET_FREELY;
	if (f->count == b->count)
		return MET_NOT;
	excluded = b->head;
	for (uint32_t v = f->head; v != 0; v = next) {
		next = s->values[v].next;
		if (excluded != 0 && s->values[excluded].serial == s->values[v].serial)
			excluded = s->values[excluded].next;
		else if (verdict_member(s, s->values[v].member) == 0)
			return MET_FREELY;
	}
	return MET_WITHIN;
}

static enum met
met_by_presence(const struct machine_scratch *s, const struct cond *c)
{
	const struct field_state *f = &s->fields[c->field];

	if (f->epoch != s->epoch)
		return MET_NOT;
	if (f->free_count > 0)
		return MET_FREELY;
	for (uint32_t v = f->head; v != 0; v = s->values[v].next)
		if (verdict_member(s, s->values[v].member) == 0)
			return MET_FREELY;
	return MET_WITHIN;
}

static enum met
met_by_value(struct machine_scratch *s, uint32_t number)
{
	struct cond_state *state = &s->conds[number];

	if (state->epoch != s->epoch)
		return MET_NOT;
	if (state->head == FREE_HIT)
		return MET_FREELY;
	for (uint32_t h = state->head; h != 0; h = s->hits[h].next)
		if (verdict_member(s, s->hits[h].member) == 0)
			return MET_FREELY;
	return MET_WITHIN;
}

/* How a condition is met by values that are there; absence aside. */
static enum met
met_by_any(struct machine_scratch *s, uint32_t number)
{
	const struct cond *c = &s->m->conds[number];
	enum met best = c->is_positive ? met_by_value(s, number) : MET_NOT;

	if (best != MET_FREELY && c->wants_exists) {
		enum met m = met_by_presence(s, c);
		best = m > best ? m : best;
	}
	for (uint32_t i = 0; best != MET_FREELY && i < c->but_count; i++) {
		enum met m = met_by_but(s, c, s->m->cond_buts[c->first_but + i]);
		best = m > best ? m : best;
	}
	return best;
}

bool
verdict_is_free(struct machine_scratch *s, uint32_t cond)
{
	return met_by_any(s, cond) == MET_FREELY;
}

/* MET_WITHIN for a condition of absence: it depends on what else is chosen. */
static enum met
met_by_absence(struct machine_scratch *s, uint32_t number)
{
	const struct cond *c = &s->m->conds[number];
	enum met there = met_by_presence(s, c), value;

	if (there == MET_NOT)
		return MET_FREELY;
	value = c->is_absence_only ? MET_NOT : met_by_any(s, number);
	if (value == MET_FREELY)
		return MET_WITHIN; /* not freely: another choice may suit others better */
	return there == MET_FREELY && value == MET_NOT ? MET_NOT : MET_WITHIN;
}

/* *ret_failed: the place of the condition that is not met, when the answer is no for that reason. */
static bool
clause_matches(struct machine_scratch *s, const struct clause_row *row, uint32_t *ret_failed)
{
	const uint32_t *conds = &s->m->clause_conds[row->first_cond];
	uint32_t within = 0;

	*ret_failed = NONE;

	for (uint32_t i = 0; i < row->cond_count; i++) {
		const struct cond *c = &s->m->conds[conds[i]];
		enum met met;
		if (c->may_be_absent)
			met = met_by_absence(s, conds[i]);
		else if (s->conds[conds[i]].epoch == s->epoch &&
		         s->conds[conds[i]].head == FREE_HIT)
			continue;
		else
			met = met_by_any(s, conds[i]);
		if (met == MET_NOT) {
			*ret_failed = i;
			return false;
		}
		within += met == MET_WITHIN;
	}
	if (within == 0 || (within == 1 && !row->has_absence))
		return true;
	if (row->has_absence || s->has_dotted || row->cond_count > 64)
		return verdict_search(s, row);
	return verdict_arrays(s, row);
}

/* Rows are sorted by their first condition: when that is not met, all that begin with it are done. */
static void
judge(struct machine_scratch *s, uint32_t first, uint32_t count, bool is_key_met)
{
	uint32_t failed;

	for (uint32_t i = first; i < first + count; i++) {
		const struct clause_row *row = &s->m->clauses[i];
		if (s->m->has_shared_rules && s->rule_epoch[row->rule] == s->epoch)
			continue;
		if (!(is_key_met && row->cond_count == 1) && !clause_matches(s, row, &failed)) {
			if (failed == 0)
				i += row->run - 1;
			continue;
		}
		if (s->m->has_shared_rules)
			s->rule_epoch[row->rule] = s->epoch;
		s->rules[s->rule_count++] = row->rule;
	}
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* By a bit per rule, unless that would be more work than sorting. */
static void
sort_many(struct machine_scratch *s)
{
	size_t words = s->m->rule_max / 64 + 1, n = 0;

	if (words > 64 * s->rule_count) {
		qsort(s->rules, s->rule_count, sizeof(*s->rules), by_number);
		return;
	}
	for (size_t i = 0; i < s->rule_count; i++)
		s->rule_bits[s->rules[i] / 64] |= (uint64_t)1 << (s->rules[i] % 64);
	for (size_t i = 0; i < words; i++) {
		for (uint64_t bits = s->rule_bits[i]; bits != 0; bits &= bits - 1)
			s->rules[n++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(bits);
		s->rule_bits[i] = 0;
	}
}

static void
sort_rules(struct machine_scratch *s)
{
	if (s->rule_count > 12) {
		sort_many(s);
		return;
	}
	for (size_t i = 1; i < s->rule_count; i++) {
		uint32_t rule = s->rules[i];
		size_t k = i;
		for (; k > 0 && s->rules[k - 1] > rule; k--)
			s->rules[k] = s->rules[k - 1];
		s->rules[k] = rule;
	}
}

void
verdict(struct machine_scratch *s)
{
	const struct machine *m = s->m;

	s->rule_count = 0;
	s->is_linked = false;
	s->search_steps = 0;
	for (uint32_t i = 0; i < s->met_count; i++) {
		const struct cond *c = &m->conds[s->met[i]];
		if (c->clause_count > 0)
			judge(s, c->first_clause, c->clause_count, true);
	}
	for (uint32_t i = 0; i < s->touched_count; i++) {
		const struct field *f = &m->fields[s->touched[i]];
		judge(s, f->first_clause, f->clause_count, false);
	}
	judge(s, m->first_always, m->always_count, false);
	sort_rules(s);
}
