/*
 * keytable: see keytable.h.
 */
#include "config.h"

#include "match/keytable.h"

#include "base/mem.h"

enum { FIRST_SLOTS = 8 };

static void
put(struct keytable *t, struct keytable_slot slot)
{
	uint32_t i = slot.hash;

	while (t->slots[i & t->mask].value != KEYTABLE_NONE)
		i++;
	t->slots[i & t->mask] = slot;
}

static void
grow(struct keytable *t)
{
	struct keytable_slot *old = t->slots;
	size_t n = old == NULL ? 0 : (size_t)t->mask + 1, more = n == 0 ? FIRST_SLOTS : 2 * n;

	t->slots = mem_calloc(more, sizeof(*t->slots));
	t->mask = (uint32_t)(more - 1);
	for (size_t i = 0; i < more; i++)
		t->slots[i].value = KEYTABLE_NONE;
	for (size_t i = 0; i < n; i++)
		if (old[i].value != KEYTABLE_NONE)
			put(t, old[i]);
	mem_free(old);
}

uint32_t
keytable_add(struct keytable *t, struct span key, uint32_t value)
{
	uint32_t found = t->count == 0 ? KEYTABLE_NONE : keytable_find(t, key.p, key.len);

	if (found != KEYTABLE_NONE)
		return found;
	if (t->slots == NULL || 2 * (t->count + 1) > t->mask)
		grow(t);
	put(t, (struct keytable_slot){ keytable_hash(key.p, key.len), value, key });
	t->count++;
	t->length_mask |= keytable_length_bit(key.len);
	if (key.len > 0)
		t->first_mask |= (uint64_t)1 << (key.p[0] & 63);
	return KEYTABLE_NONE;
}

void
keytable_done(struct keytable *t)
{
	mem_free(t->slots);
	*t = (struct keytable){ .count = 0 };
}
