/*
 * The store against a model: random operations, and crashes in between, on both; whatever the order, they agree.
 *
 * The model is arrays in memory that say what outbox.h promises. A crash is a copy of the files, taken while the store is open, put in the
 * place of the old ones: what was committed must be there, without any farewell. FINDINGSD_MODEL_STEPS makes it longer.
 */
#include "config.h"

#include "scratch.h"

#include <fcntl.h>

#include "base/str.h"
#include "store/cursor.h"

enum { ITEMS_MAX = 4000, SINKS = 3, MEMORIES = 12, STEPS = 1200 };

static const char *const sinks[SINKS] = { "hook", "mail", "topic" };

struct model_item {
	int sink;
	int64_t memory, due_ms;
	enum change change;
	int severity;
	enum outbox_state state;
	bool has_next; /* one waits for it */
};

struct model {
	struct model_item items[ITEMS_MAX + 1]; /* by id, from 1 */
	int64_t count;
	int64_t watermark;
	uint64_t random;
};

static uint64_t
roll(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

static bool
is_live(const struct model_item *it)
{
	return it->state == OUTBOX_QUEUED || it->state == OUTBOX_BLOCKED;
}

/* The next blocked one behind an item, or 0. */
static int64_t
next_blocked(const struct model *m, int64_t id)
{
	for (int64_t i = id + 1; i <= m->count; i++) {
		if (m->items[i].memory == m->items[id].memory &&
		    m->items[i].sink == m->items[id].sink && m->items[i].state == OUTBOX_BLOCKED)
			return i;
	}
	return 0;
}

static void
model_add(struct model *m, const struct model_item *new)
{
	struct model_item *it = &m->items[m->count + 1];

	*it = *new;
	it->state = OUTBOX_QUEUED;
	/* Behind the newest of its kind, while that is unfinished. */
	for (int64_t i = m->count; i > 0; i--) {
		if (m->items[i].memory != it->memory || m->items[i].sink != it->sink)
			continue;
		if (is_live(&m->items[i])) {
			it->state = OUTBOX_BLOCKED;
			m->items[i].has_next = true;
		}
		break;
	}
	m->count++;
}

static void
model_finish(struct model *m, int64_t id, enum outbox_state state)
{
	struct model_item *it = &m->items[id];

	if (!is_live(it))
		return;
	bool lets_go = it->state == OUTBOX_QUEUED && it->has_next;
	int64_t next = next_blocked(m, id);
	if (state == OUTBOX_DEAD && it->has_next && next != 0 &&
	    (it->change == CHANGE_CREATED || it->change == CHANGE_REOPENED) &&
	    m->items[next].change == CHANGE_RESOLVED)
		m->items[next].state = OUTBOX_CANCELLED;
	it->state = state;
	it->has_next = false;
	next = next_blocked(m, id);
	if (lets_go && next != 0) {
		m->items[next].state = OUTBOX_QUEUED;
		m->items[next].has_next = next_blocked(m, next) != 0;
	}
}

/* A dead letter goes again: behind what is unfinished before it, ahead of what is unfinished after it. */
static void
model_requeue(struct model *m, int64_t id, int64_t due_ms)
{
	struct model_item *it = &m->items[id];
	int64_t before = 0, after = 0;

	for (int64_t i = 1; i <= m->count; i++) {
		if (m->items[i].memory != it->memory || m->items[i].sink != it->sink ||
		    !is_live(&m->items[i]))
			continue;
		if (i < id)
			before = i;
		else if (i > id && after == 0)
			after = i;
	}
	it->state = before ? OUTBOX_BLOCKED : OUTBOX_QUEUED;
	it->due_ms = due_ms;
	it->has_next = after != 0;
	if (before)
		m->items[before].has_next = true;
	if (after)
		m->items[after].state = OUTBOX_BLOCKED;
}

/* One operation on the real one. */
struct op {
	enum { ADD, DONE, RETRY, BURY, CANCEL, DEAD_RETRY, DEAD_DROP, CURSOR } what;
	struct model_item item;
	int64_t id;
	int64_t value;
};

static int
add(struct store_tx *tx, struct op *op, struct err *e)
{
	char body[64];
	struct outbox_new n =
		scratch_notice(sinks[op->item.sink], op->item.memory, op->item.change, 1);

	n.severity = op->item.severity;
	n.due_ms = op->item.due_ms;
	(void)snprintf(body, sizeof(body), "event of %d", (int)op->value);
	return outbox_event_add(tx, span_of(body), &n.event_id, e) < 0
	               ? -1
	               : outbox_add(tx, &n, &op->id, e);
}

static int
apply(struct store_tx *tx, void *arg, struct err *e)
{
	struct op *op = arg;
	struct outbox_outcome o = { .now_ms = 100, .is_attempt = true, .answer = SPAN_LIT("x") };
	struct cursor c = { .source = "hub", .watermark_ms = op->value };

	switch (op->what) {
	case ADD:
		return add(tx, op, e);
	case DONE:
		return outbox_done(tx, op->id, &o, e);
	case RETRY:
		return outbox_retry(tx, op->id, &o, op->value, (struct span){ NULL, 0 }, e);
	case BURY:
		return outbox_bury(tx, op->id, &o, NULL, e);
	case CANCEL:
		return outbox_cancel(tx, op->id, &o, e);
	case DEAD_RETRY:
		return dead_retry(tx, op->id, true, op->value, e);
	case DEAD_DROP:
		return dead_drop(tx, op->id, 100, e);
	case CURSOR:
		return cursor_set(tx, &c, e);
	}
	return -1;
}

/* The same on the model; -1 where the real one must refuse. */
static int
model_apply(struct model *m, const struct op *op)
{
	struct model_item *it = &m->items[op->id];

	switch (op->what) {
	case ADD:
		model_add(m, &op->item);
		return 0;
	case DONE:
		model_finish(m, op->id, OUTBOX_DONE);
		return 0;
	case BURY:
		model_finish(m, op->id, OUTBOX_DEAD);
		return 0;
	case CANCEL:
		model_finish(m, op->id, OUTBOX_CANCELLED);
		return 0;
	case RETRY:
		if (is_live(it))
			it->due_ms = op->value;
		return 0;
	case DEAD_RETRY:
	case DEAD_DROP:
		if (it->state != OUTBOX_DEAD)
			return -1;
		if (op->what == DEAD_RETRY)
			model_requeue(m, op->id, op->value);
		else
			it->state = OUTBOX_DROPPED;
		return 0;
	case CURSOR:
		m->watermark = op->value;
		return 0;
	}
	return -1;
}

static void
random_op(struct model *m, struct op *op)
{
	uint64_t dice = roll(m, 100);

	memset(op, 0, sizeof(*op));
	op->value = (int64_t)roll(m, 1000);
	op->what = dice < 45   ? ADD
	           : dice < 70 ? DONE
	           : dice < 78 ? RETRY
	           : dice < 86 ? BURY
	           : dice < 90 ? CANCEL
	           : dice < 94 ? DEAD_RETRY
	           : dice < 97 ? DEAD_DROP
	                       : CURSOR;
	if (op->what == ADD && m->count == ITEMS_MAX)
		op->what = CURSOR;
	if (m->count == 0 && op->what != CURSOR)
		op->what = ADD;
	op->item = (struct model_item){ .sink = (int)roll(m, SINKS),
		                        .memory = (int64_t)roll(m, MEMORIES) + 1,
		                        .due_ms = op->value,
		                        .change = (enum change)roll(m, CHANGE_COUNT),
		                        .severity = (int)roll(m, 5) };
	if (op->what == ADD || op->what == CURSOR)
		return;
	/* Mostly one that can take it, now and then any. */
	op->id = 1 + (int64_t)roll(m, (uint64_t)m->count);
	bool wants_dead = op->what == DEAD_RETRY || op->what == DEAD_DROP;
	for (int tries = 0; tries < 50 && roll(m, 20) != 0; tries++) {
		if (wants_dead ? m->items[op->id].state == OUTBOX_DEAD : is_live(&m->items[op->id]))
			return;
		op->id = 1 + (int64_t)roll(m, (uint64_t)m->count);
	}
}

/* ---- do they agree? ---- */

struct view {
	const struct model *m;
	int64_t now_ms;
};

static int64_t
expected_next_due(const struct model *m, int sink, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (int64_t i = 1; i <= m->count; i++) {
		const struct model_item *it = &m->items[i];
		if (it->sink == sink && it->state == OUTBOX_QUEUED && it->due_ms > now_ms &&
		    it->due_ms < next)
			next = it->due_ms;
	}
	return next;
}

/* Jobs run on the store's thread, where cmocka cannot fail: they say what differs. */
#define AGREE_THAT(what)                                                                    \
	do {                                                                                \
		if (!(what))                                                                \
			return err_set(e, ERR_BUG, "line %d: not so: %s", __LINE__, #what); \
	} while (0)
#define AGREE(a, b)                                                                             \
	do {                                                                                    \
		if ((int64_t)(a) != (int64_t)(b))                                               \
			return err_set(e, ERR_BUG, "line %d: %s is %lld, %s is %lld", __LINE__, \
			               #a, (long long)(a), #b, (long long)(b));                 \
	} while (0)

/* Everything that is due, in the order of urgency, due time and id. */
static int
compare_due(struct store_tx *tx, const struct view *v, int sink, struct err *e)
{
	struct outbox_query q = { .sink = sinks[sink],
		                  .now_ms = v->now_ms,
		                  .limit = OUTBOX_FETCH_MAX };
	const struct model *m = v->m;
	struct outbox_item **items;
	size_t count, expected = 0;
	int64_t next;

	if (outbox_next(tx, &q, &items, &count, &next, e) < 0)
		return -1;
	for (int64_t i = 1; i <= m->count; i++)
		expected += m->items[i].sink == sink && m->items[i].state == OUTBOX_QUEUED &&
		            m->items[i].due_ms <= v->now_ms;
	AGREE(count, expected < OUTBOX_FETCH_MAX ? expected : OUTBOX_FETCH_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct model_item *it = &m->items[items[i]->id], *before;
		AGREE(it->state, OUTBOX_QUEUED);
		AGREE(it->due_ms, items[i]->due_ms);
		AGREE(it->memory, items[i]->memory_id);
		AGREE_THAT(items[i]->event.len > 0);
		if (i == 0)
			continue;
		before = &m->items[items[i - 1]->id];
		AGREE_THAT(before->severity > it->severity ||
		           (before->severity == it->severity &&
		            (before->due_ms < it->due_ms ||
		             (before->due_ms == it->due_ms && items[i - 1]->id < items[i]->id))));
	}
	AGREE_THAT(next == expected_next_due(m, sink, v->now_ms));
	outbox_items_free(items, count);
	return 0;
}

static int
compare_counts(struct store_tx *tx, const struct model *m, struct err *e)
{
	struct outbox_count *list;
	size_t count;

	if (outbox_counts(tx, &list, &count, e) < 0)
		return -1;
	for (size_t k = 0; k < count; k++) {
		uint64_t n[OUTBOX_STATE_COUNT] = { 0 };
		for (int64_t i = 1; i <= m->count; i++) {
			if (strcmp(sinks[m->items[i].sink], list[k].sink) == 0)
				n[m->items[i].state]++;
		}
		AGREE(list[k].queued, n[OUTBOX_QUEUED] + n[OUTBOX_BLOCKED]);
		AGREE(list[k].blocked, n[OUTBOX_BLOCKED]);
		AGREE(list[k].done, n[OUTBOX_DONE]);
		AGREE(list[k].dead, n[OUTBOX_DEAD]);
		AGREE(list[k].cancelled, n[OUTBOX_CANCELLED]);
		AGREE(list[k].dropped, n[OUTBOX_DROPPED]);
	}
	mem_free(list);
	return 0;
}

static int
compare(struct store_tx *tx, void *arg, struct err *e)
{
	const struct view *v = arg;
	struct cursor c = { .source = "hub" };

	for (int sink = 0; sink < SINKS; sink++) {
		if (compare_due(tx, v, sink, e) < 0)
			return -1;
	}
	if (compare_counts(tx, v->m, e) < 0 || cursor_get(tx, &c, &c, e) < 0)
		return -1;
	AGREE(c.watermark_ms, v->m->watermark);
	return 0;
}

/* Nobody waits for nothing. */
static void
expect_none_stuck(const struct model *m)
{
	for (int64_t i = 1; i <= m->count; i++) {
		bool is_waiting = m->items[i].state != OUTBOX_BLOCKED;
		for (int64_t k = 1; k < i && !is_waiting; k++)
			is_waiting = m->items[k].memory == m->items[i].memory &&
			             m->items[k].sink == m->items[i].sink &&
			             m->items[k].state == OUTBOX_QUEUED;
		assert_true(is_waiting);
	}
}

static void
copy_file(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(out, chunk, (size_t)n), n);
	(void)close(in);
	(void)close(out);
}

/* What a kill would leave behind: the files as they are now. */
static void
crash(struct scratch *s)
{
	char log[128], copy[128], copy_log[128];

	(void)snprintf(log, sizeof(log), "%s-wal", s->path);
	(void)snprintf(copy, sizeof(copy), "%s.copy", s->path);
	(void)snprintf(copy_log, sizeof(copy_log), "%s.copy-wal", s->path);
	copy_file(s->path, copy);
	copy_file(log, copy_log);
	store_close(s->store);
	assert_int_equal(rename(copy, s->path), 0);
	assert_int_equal(rename(copy_log, log), 0);
	scratch_open(s);
}

static void
play(uint64_t seed, int steps)
{
	static struct model m;
	struct scratch s;

	memset(&m, 0, sizeof(m));
	m.random = seed;
	scratch_init(&s);
	scratch_open(&s);
	for (int i = 0; i < steps; i++) {
		struct op op;
		struct err e = { 0 };
		random_op(&m, &op);
		int expected = model_apply(&m, &op);
		int rc = store_run_wait(s.store, apply, &op, &e);
		if (rc != expected)
			fail_msg("seed %llu, step %d: %s", (unsigned long long)seed, i, e.text);
		struct view v = { &m, (int64_t)roll(&m, 1000) };
		if (roll(&m, 40) == 0)
			crash(&s);
		if (roll(&m, 10) == 0)
			scratch_run(&s, compare, &v);
		if (roll(&m, 10) == 0)
			expect_none_stuck(&m);
	}
	scratch_done(&s);
}

static void
test_random_operations_and_crashes_agree_with_a_model(void **state)
{
	const char *wanted = getenv("FINDINGSD_MODEL_STEPS");
	int64_t steps = STEPS;

	(void)state;
	if (wanted != NULL)
		assert_true(str_to_i64(span_of(wanted), &steps));
	play(88172645463325252u, (int)steps);
	play(0x9E3779B97F4A7C15u, (int)steps);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_and_crashes_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
