/*
 * take_mind: what is remembered of one identity, read, decided on and written. See take_in.h.
 */
#include "config.h"

#include <string.h>

#include "base/fault.h"
#include "daemon/plan.h"
#include "daemon/take_in.h"
#include "store/memory.h"

/* The state's bytes live until the next call of the store, the state that points into them for the whole decision. */
static int
unpack(struct take_mind *m, int found, struct span state)
{
	struct err damaged;

	m->is_new = true;
	lifecycle_init(&m->state);
	if (found <= 0)
		return found;
	buf_clear(&m->remembered);
	(void)buf_add(&m->remembered, state.p, state.len);
	state = (struct span){ m->remembered.data, m->remembered.len };
	/* Its checksum was right, so a newer or older version wrote it: better told twice than never. */
	m->is_new = lifecycle_unpack(state, &m->state, &damaged) < 0;
	if (m->is_new)
		lifecycle_init(&m->state);
	return 1;
}

int
take_recall(struct store_tx *tx, struct take_mind *m, struct err *e)
{
	struct span state = { NULL, 0 };

	m->id = m->seen_ms = 0;
	int found = memory_get(tx, m->identity, &m->id, &state, &m->seen_ms, e);
	return unpack(m, found, state) < 0 ? -1 : 0;
}

int
take_recall_id(struct store_tx *tx, struct take_mind *m, int64_t id, struct err *e)
{
	struct span state = { NULL, 0 };
	int found = memory_get_id(tx, id, m->identity, &state, &m->seen_ms, e);

	m->id = id;
	return unpack(m, found, state);
}

int
take_recall_key(struct store_tx *tx, struct take_mind *m, uint64_t key, struct err *e)
{
	struct span state = { NULL, 0 };
	int found = memory_get_key(tx, key, &m->id, m->identity, &state, &m->seen_ms, e);

	return unpack(m, found, state);
}

/* Which notices of this identity died: lifecycle tells no `resolved` of what was never told. */
static int
load_dead(struct store_tx *tx, struct take_mind *m, struct err *e)
{
	m->dead_count = 0;
	if (m->id == 0 || !lifecycle_has_open(&m->state))
		return 0;
	if (outbox_dead_of(tx, m->id, m->dead_rows, TAKE_DEAD_MAX, &m->dead_count, e) < 0)
		return -1;
	for (size_t i = 0; i < m->dead_count; i++)
		m->dead[i] =
			(struct lifecycle_dead){ span_of(m->dead_rows[i].sink),
			                         m->dead_rows[i].group, m->dead_rows[i].generation,
			                         m->dead_rows[i].count };
	return 0;
}

int
take_decide(struct store_tx *tx, struct take_mind *m, const struct take *t,
            struct lifecycle_input *in, bool is_absent, struct err *e)
{
	if (load_dead(tx, m, e) < 0)
		return -1;
	in->rules = plan_rules(t->plan);
	in->dead = m->dead;
	in->dead_count = m->dead_count;
	in->now_ms = t->now_ms;
	if (is_absent)
		lifecycle_absent(&m->state, in, &m->decided);
	else
		lifecycle_decide(&m->state, m->is_new, in, &m->decided);
	return 0;
}

int
take_remember(struct store_tx *tx, struct take_mind *m, int64_t now_ms, struct err *e)
{
	bool is_open = m->decided.is_open;
	struct span packed;

	if (m->id > 0 && !m->decided.is_state_changed)
		return memory_touch(tx, m->id, m->seen_ms, now_ms, e);
	(void)FAULT("take.remember");
	buf_clear(&m->packed);
	lifecycle_pack(&m->state, &m->packed);
	packed = (struct span){ m->packed.data, m->packed.len };
	if (m->id == 0)
		return memory_add(tx, m->identity, packed, is_open, now_ms, &m->id, e);
	return memory_set(tx, m->id, packed, is_open, now_ms, e);
}
