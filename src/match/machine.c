/*
 * machine: one event against all rules. See machine.h, and machine_in.h for how it works.
 */
#include "config.h"

#include "match/machine.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "match/dedupe.h"
#include "match/machine_in.h"
#include "json/scan.h"

enum { FIRST_LOG_ENTRIES = 64, SERIAL_LIMIT = 0x60000000, COPY_MAX_BYTES = 64 << 20 };

static void
alloc_wild(struct machine_scratch *s, const struct machine *m)
{
	uint32_t parts = 0, items = 0, heads = 0, tails = 0;

	for (uint32_t i = 0; i < m->field_count; i++) {
		const struct wild *w = m->fields[i].wild;
		if (w == NULL)
			continue;
		parts = w->part_count > parts ? w->part_count : parts;
		items = w->item_count > items ? w->item_count : items;
		heads = w->head_count > heads ? w->head_count : heads;
		tails = w->tail_count > tails ? w->tail_count : tails;
	}
	s->wild.parts = mem_calloc(parts + 1, sizeof(*s->wild.parts));
	s->wild.items = mem_calloc(items + 1, sizeof(*s->wild.items));
	s->wild.tails = mem_calloc(tails + 1, sizeof(*s->wild.tails));
	s->wild.heads_found = mem_calloc(heads + 1, sizeof(*s->wild.heads_found));
	s->wild.tails_found = mem_calloc(tails + 1, sizeof(*s->wild.tails_found));
}

struct machine_scratch *
machine_scratch_new(const struct machine *m)
{
	struct machine_scratch *s = mem_zalloc(sizeof(*s));

	s->m = m;
	s->walk = walk_choose();
	s->conds = mem_calloc(m->cond_count + 1, sizeof(*s->conds));
	s->fields = mem_calloc(m->field_count + 1, sizeof(*s->fields));
	s->buts = mem_calloc(m->but_count + 1, sizeof(*s->buts));
	s->met = mem_calloc(m->cond_count + 1, sizeof(*s->met));
	s->touched = mem_calloc(m->field_count + 1, sizeof(*s->touched));
	s->seen_in = mem_calloc(m->node_count, sizeof(*s->seen_in));
	s->rule_epoch = mem_calloc(m->rule_max + 1, sizeof(*s->rule_epoch));
	s->rules = mem_calloc(m->rule_max + 1, sizeof(*s->rules));
	s->rule_bits = mem_calloc(m->rule_max / 64 + 1, sizeof(*s->rule_bits));
	s->frames = mem_calloc(SCAN_DEPTH_MAX + 2, sizeof(*s->frames));
	s->search_order = mem_calloc(m->cond_max + 1, sizeof(*s->search_order));
	s->search_conds = mem_calloc(m->cond_max + 1, sizeof(*s->search_conds));
	s->search_chosen = mem_calloc(m->cond_max + 1, sizeof(*s->search_chosen));
	s->hit_cap = s->value_cap = s->member_cap = s->array_cap = FIRST_LOG_ENTRIES;
	s->hits = mem_calloc(s->hit_cap, sizeof(*s->hits));
	s->values = mem_calloc(s->value_cap, sizeof(*s->values));
	s->members = mem_calloc(s->member_cap, sizeof(*s->members));
	s->arrays = mem_calloc(s->array_cap, sizeof(*s->arrays));
	s->text_cap = 1024;
	s->text = mem_alloc(s->text_cap);
	buf_init(&s->copy, COPY_MAX_BYTES);
	alloc_wild(s, m);
	return s;
}

void
machine_scratch_free(struct machine_scratch *s)
{
	if (s == NULL)
		return;
	mem_free(s->conds);
	mem_free(s->fields);
	mem_free(s->buts);
	mem_free(s->met);
	mem_free(s->touched);
	mem_free(s->seen_in);
	mem_free(s->rule_epoch);
	mem_free(s->rules);
	mem_free(s->rule_bits);
	mem_free(s->frames);
	mem_free(s->search_order);
	mem_free(s->search_conds);
	mem_free(s->search_chosen);
	mem_free(s->hits);
	mem_free(s->values);
	mem_free(s->members);
	mem_free(s->arrays);
	mem_free(s->text);
	mem_free(s->blocks);
	mem_free(s->wild.parts);
	mem_free(s->wild.items);
	mem_free(s->wild.tails);
	mem_free(s->wild.heads_found);
	mem_free(s->wild.tails_found);
	buf_done(&s->copy);
	mem_free(s);
}

/* Long before a counter would run over: forget all that is numbered by it. */
static void
start_over(struct machine_scratch *s)
{
	const struct machine *m = s->m;
	struct machine_scratch *fresh = machine_scratch_new(m), old = *s;

	*s = *fresh;
	*fresh = old;
	machine_scratch_free(fresh);
}

static enum walk_end
run(struct machine_scratch *s, struct span event)
{
	if (s->serial > SERIAL_LIMIT || s->epoch > SERIAL_LIMIT ||
	    s->object_serial > SERIAL_LIMIT) {
		struct buf copy = s->copy; /* the event may lie in it */
		s->copy = (struct buf){ .len = 0 };
		start_over(s);
		buf_done(&s->copy);
		s->copy = copy;
	}
	s->epoch++;
	s->met_count = s->touched_count = 0;
	s->hit_count = s->value_count = s->member_count = s->array_count = 1;
	s->has_dotted = false;
	return s->walk(s, event);
}

static int
fail_broken(struct span event, struct err *e)
{
	if (scan_check(event, true, e) != 0)
		return -1;
	return err_set(e, ERR_LIMIT, "line 1, column 1: nested too deeply");
}

int
machine_match(const struct machine *m, struct machine_scratch *s, struct span event,
              const uint32_t **ret_rules, size_t *ret_count, struct err *e)
{
	enum walk_end end;

	(void)m; /* the scratch knows it */
	s->is_deduped = false;
	end = run(s, event);
	if (end == WALK_DUPLICATE) {
		int r;
		buf_clear(&s->copy);
		r = dedupe(event, &s->copy, e);
		if (r < 0)
			return -1;
		if (r > 0)
			event = (struct span){ s->copy.data, s->copy.len };
		s->is_deduped = true;
		end = run(s, event);
		s->is_deduped = false;
	}
	if (end != WALK_DONE)
		return fail_broken(event, e);
	verdict(s);
	*ret_rules = s->rules;
	*ret_count = s->rule_count;
	return 0;
}

size_t
machine_bytes(const struct machine *m)
{
	return sizeof(*m) + m->pool.bytes + m->node_count * sizeof(*m->nodes) +
	       m->field_count * sizeof(*m->fields) + m->atom_count * sizeof(*m->atoms) +
	       m->cond_count * sizeof(*m->conds) + m->clause_count * sizeof(*m->clauses);
}
