/*
 * field: one value against all rules. See field.h.
 */
#include "config.h"

#include "match/field.h"

#include <string.h>

#include "base/mem.h"
#include "match/decimal.h"
#include "match/fold.h"
#include "json/scan.h"

char *
field_room(struct machine_scratch *s, size_t len)
{
	if (s->text_cap < len) {
		s->text_cap = len * 2;
		s->text = mem_realloc(s->text, s->text_cap);
	}
	return s->text;
}

static uint32_t
new_member(struct machine_scratch *s, uint32_t parent, struct frame *array)
{
	if (s->array_count == s->array_cap) {
		s->array_cap *= 2;
		s->arrays = mem_reallocn(s->arrays, s->array_cap, sizeof(*s->arrays));
	}
	if (s->member_count == s->member_cap) {
		s->member_cap *= 2;
		s->members = mem_reallocn(s->members, s->member_cap, sizeof(*s->members));
	}
	if (array->array == 0) {
		array->array = s->array_count++;
		s->arrays[array->array] = (struct array){ .parent = parent };
	}
	s->arrays[array->array].member_count++;
	s->members[s->member_count] =
		(struct member){ parent, array->array, s->members[parent].depth + 1, 0, 0, 0 };
	return s->member_count++;
}

uint32_t
field_member(struct machine_scratch *s)
{
	uint32_t known = s->depth - 1;

	if (s->array_depth == 0)
		return 0;
	while (s->frames[known].member == NONE)
		known--;
	for (; known < s->depth - 1; known++) {
		struct frame *f = &s->frames[known];
		f[1].member = f->is_array ? new_member(s, f->member, f) : f->member;
	}
	return s->frames[known].member;
}

/* A condition is met where the value lies: note it for verdict. */
static void
log_hit(struct machine_scratch *s, uint32_t number, struct cond_state *state)
{
	uint32_t member = field_member(s);

	if (member == 0 && !s->m->conds[number].is_logged_all) {
		state->head = FREE_HIT;
		return;
	}
	if (state->head != 0 && s->hits[state->head].member == member)
		return;
	if (s->hit_count == s->hit_cap) {
		s->hit_cap *= 2;
		s->hits = mem_reallocn(s->hits, s->hit_cap, sizeof(*s->hits));
	}
	s->hits[s->hit_count] = (struct hit){ member, state->head };
	state->head = s->hit_count++;
}

static inline void
satisfy(struct machine_scratch *s, uint32_t action)
{
	uint32_t number = action & ACTION_NUMBER;
	struct cond_state *state = &s->conds[number];

	if (state->epoch != s->epoch) {
		state->epoch = s->epoch;
		state->head = 0;
		s->met[s->met_count++] = number;
	} else if (state->head == FREE_HIT) {
		return;
	}
	if (action & ACTION_LOGGED)
		log_hit(s, number, state);
	else
		state->head = FREE_HIT;
}

static uint32_t
log_value(struct machine_scratch *s, uint32_t member, uint32_t next)
{
	if (s->value_count == s->value_cap) {
		s->value_cap *= 2;
		s->values = mem_reallocn(s->values, s->value_cap, sizeof(*s->values));
	}
	s->values[s->value_count] = (struct value_entry){ member, s->serial, next };
	return s->value_count++;
}

static void
exclude(struct machine_scratch *s, uint32_t number)
{
	struct but_state *b = &s->buts[number];
	uint32_t member;

	if (b->epoch != s->epoch)
		*b = (struct but_state){ .epoch = s->epoch };
	else if (b->serial == s->serial)
		return; /* two reasons, one value */
	b->serial = s->serial;
	b->count++;
	member = field_member(s);
	if (member == 0)
		b->free_count++;
	else
		b->head = log_value(s, member, b->head);
}

void
field_hit(struct machine_scratch *s, uint32_t atom)
{
	const struct atom *a = &s->m->atoms[atom];
	const uint32_t *action =
		a->action_count == 1 ? &a->first_action : &s->m->actions[a->first_action];

	for (uint32_t i = 0; i < a->action_count; i++) {
		if (action[i] & ACTION_EXCLUDE)
			exclude(s, action[i] & ~ACTION_EXCLUDE);
		else
			satisfy(s, action[i]);
	}
}

/* Would a hit of this atom change anything? */
static bool
is_news(const struct machine_scratch *s, uint32_t atom)
{
	const struct atom *a = &s->m->atoms[atom];
	const uint32_t *action =
		a->action_count == 1 ? &a->first_action : &s->m->actions[a->first_action];

	for (uint32_t i = 0; i < a->action_count; i++) {
		const struct cond_state *state = &s->conds[action[i] & ACTION_NUMBER];
		if ((action[i] & ACTION_EXCLUDE) || state->epoch != s->epoch ||
		    state->head != FREE_HIT)
			return true;
	}
	return false;
}

/* Note that the field has a value. */
static void
count(struct machine_scratch *s, uint32_t number)
{
	struct field_state *state = &s->fields[number];
	uint32_t member;

	if (state->epoch != s->epoch) {
		*state = (struct field_state){ .epoch = s->epoch };
		if (s->m->fields[number].clause_count > 0)
			s->touched[s->touched_count++] = number;
	}
	state->count++;
	member = field_member(s);
	if (member == 0)
		state->free_count++;
	else
		state->head = log_value(s, member, state->head);
}

static void
run_prefix(struct machine_scratch *s, const struct field *f, struct span v)
{
	const struct trie *t = f->prefix;
	uint32_t node = 0;

	s->wild.head_count = 0;
	if (t == NULL)
		return;
	for (size_t i = 0;; i++) {
		uint32_t value = t->value[node];
		if (value < STOP) {
			field_hit(s, value);
		} else if (value != TRIE_NONE) {
			const struct stop *stop = &f->prefix_stops[value & ~STOP];
			if (stop->atom != NONE)
				field_hit(s, stop->atom);
			s->wild.heads_found[s->wild.head_count++] = stop->wild;
		}
		if (i == v.len)
			return;
		node = trie_child(t, node, (unsigned char)v.p[i]);
		if (node == 0)
			return;
	}
}

static void
run_suffix(struct machine_scratch *s, const struct field *f, struct span v)
{
	const struct trie *t = f->suffix;
	uint32_t node = 0;

	s->wild.tail_count = 0;
	if (t == NULL)
		return;
	for (size_t i = v.len;; i--) {
		uint32_t value = t->value[node];
		if (value < STOP) {
			field_hit(s, value);
		} else if (value != TRIE_NONE) {
			const struct stop *stop = &f->suffix_stops[value & ~STOP];
			if (stop->atom != NONE)
				field_hit(s, stop->atom);
			s->wild.tails_found[s->wild.tail_count++] = stop->wild;
			s->wild.tails[stop->wild] = s->serial;
		}
		if (i == 0)
			return;
		node = trie_child(t, node, (unsigned char)v.p[i - 1]);
		if (node == 0)
			return;
	}
}

/* Atoms of one folded text: hit those that hold for the value itself. */
static void
hit_folded(struct machine_scratch *s, uint32_t atom, struct span v, bool is_ascii)
{
	for (; atom != NONE; atom = s->m->atoms[atom].next) {
		const struct atom *a = &s->m->atoms[atom];
		bool holds = true;

		if (a->needs_check || !is_ascii) {
			if (a->kind == TEST_IGNORE_CASE)
				holds = fold_equals(a->text, v);
			else if (a->kind == TEST_PREFIX_IGNORE_CASE)
				holds = fold_starts(a->text, v);
			else
				holds = fold_ends(a->text, v);
		}
		if (holds)
			field_hit(s, atom);
	}
}

static void
run_folded(struct machine_scratch *s, const struct field *f, struct span v, char *room)
{
	bool is_ascii = fold_is_ascii(v);
	size_t len = fold_key(v, room);
	uint32_t atom = f->folded.count == 0 ? KEYTABLE_NONE : keytable_find(&f->folded, room, len),
		 node;

	if (atom != KEYTABLE_NONE)
		hit_folded(s, atom, v, is_ascii);
	if (f->folded_prefix != NULL) {
		const struct trie *t = f->folded_prefix;
		node = 0;
		for (size_t i = 0;; i++) {
			if (t->value[node] != TRIE_NONE)
				hit_folded(s, t->value[node], v, is_ascii);
			if (i == len || (node = trie_child(t, node, (unsigned char)room[i])) == 0)
				break;
		}
	}
	if (f->folded_suffix != NULL) {
		const struct trie *t = f->folded_suffix;
		node = 0;
		for (size_t i = len;; i--) {
			if (t->value[node] != TRIE_NONE)
				hit_folded(s, t->value[node], v, is_ascii);
			if (i == 0 || (node = trie_child(t, node, (unsigned char)room[i - 1])) == 0)
				break;
		}
	}
}

static void
run_addresses(struct machine_scratch *s, const struct field *f, struct span v)
{
	struct address a;

	if (!address_parse(v, &a))
		return;
	for (uint32_t i = 0; i < f->block_count; i++) {
		unsigned char key[18];
		struct address masked = a;
		uint32_t atom;

		if (f->blocks[i].len != a.len)
			continue;
		address_mask(&masked, f->blocks[i].bits);
		key[0] = a.len;
		key[1] = f->blocks[i].bits;
		memcpy(key + 2, masked.bytes, 16);
		atom = keytable_find(&f->addresses, (const char *)key, 2u + a.len);
		if (atom != KEYTABLE_NONE)
			field_hit(s, atom);
	}
}

static void
run_text(struct machine_scratch *s, const struct field *f, struct span v)
{
	uint32_t atom;

	if (f->exact.count > 0 && (atom = keytable_find(&f->exact, v.p, v.len)) != KEYTABLE_NONE)
		field_hit(s, atom);
	if (f->prefix != NULL || f->suffix != NULL || f->wild != NULL) {
		run_prefix(s, f, v);
		run_suffix(s, f, v);
		if (f->wild != NULL)
			wild_run(f->wild, s, v);
	}
	if (f->folded.count > 0 || f->folded_prefix != NULL || f->folded_suffix != NULL)
		run_folded(s, f, v, field_room(s, s->text_cap) + s->text_cap - v.len * FOLD_GROWTH);
	if (f->block_count > 0)
		run_addresses(s, f, v);
}

void
field_string(struct machine_scratch *s, uint32_t number, struct span raw, bool has_escapes)
{
	const struct field *f = &s->m->fields[number];

	s->serial++;
	if (f->is_counted)
		count(s, number);
	if (!f->has_text)
		return;
	(void)field_room(s, raw.len * (FOLD_GROWTH + 1));
	if (has_escapes && raw.len > 0 && memchr(raw.p, '\\', raw.len) != NULL)
		raw = (struct span){ s->text, scan_unescape_to(raw, s->text, true) };
	run_text(s, f, raw);
}

static bool
any_news(const struct machine_scratch *s, const struct field *f, uint32_t leaf)
{
	for (uint32_t i = leaf; i > 0; i = ranges_up(f->ranges, i))
		for (uint32_t k = f->ranges->first[i]; k < f->ranges->first[i + 1]; k++)
			if (is_news(s, f->ranges->values[k]))
				return true;
	return false;
}

static void
run_number(struct machine_scratch *s, const struct field *f, const struct decimal *number)
{
	double d;
	uint32_t atom, leaf;

	/* many numbers are many digits, and the exact answer is dear: is there anything to be learnt from it? */
	if (f->numbers.count == 0 && decimal_about(number, &d) &&
	    ranges_leaf_about(f->ranges, d, &leaf) && !any_news(s, f, leaf))
		return;
	if (!decimal_value(number, &d))
		return;
	if (f->numbers.count > 0) {
		atom = keytable_find(&f->numbers, (const char *)&d, sizeof(d));
		if (atom != KEYTABLE_NONE)
			field_hit(s, atom);
	}
	if (f->ranges == NULL)
		return;
	for (uint32_t i = ranges_leaf(f->ranges, d); i > 0; i = ranges_up(f->ranges, i))
		for (uint32_t k = f->ranges->first[i]; k < f->ranges->first[i + 1]; k++)
			field_hit(s, f->ranges->values[k]);
}

static bool
run_token(struct machine_scratch *s, const struct field *f, struct span token)
{
	struct decimal number;
	uint32_t atom;

	if (!decimal_read(token, &number))
		return false;
	if (f->number_texts.count > 0 &&
	    (atom = keytable_find(&f->number_texts, token.p, token.len)) != KEYTABLE_NONE)
		field_hit(s, atom);
	if (f->has_number)
		run_number(s, f, &number);
	return true;
}

bool
field_token(struct machine_scratch *s, uint32_t number, struct span token)
{
	const struct field *f = &s->m->fields[number];
	uint32_t atom;

	s->serial++;
	if (f->is_counted)
		count(s, number);
	if (token.p[0] <= '9')
		return run_token(s, f, token);
	if (token.len == 4 && memcmp(token.p, "true", 4) == 0)
		atom = f->true_atom;
	else if (token.len == 5 && memcmp(token.p, "false", 5) == 0)
		atom = f->false_atom;
	else if (token.len == 4 && memcmp(token.p, "null", 4) == 0)
		atom = f->null_atom;
	else
		return false;
	if (atom != NONE)
		field_hit(s, atom);
	return true;
}
