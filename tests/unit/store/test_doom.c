/*
 * Events that nobody needs are deleted many at a time: none of them too early, none of them forgotten.
 */
#include "config.h"

#include "scratch.h"

#include <sys/wait.h>

#include "store/tx.h"

enum { MANY = DOOM_KEEP + 3 * DOOM_BATCH };

struct work {
	int64_t first, count; /* items, by id */
	bool is_failing;
	bool with_sink_two; /* queue: the event is told to two sinks */
	/* found: */
	int64_t rows, doomed;
};

static int
queue(struct store_tx *tx, void *arg, struct err *e)
{
	static const char body[] = "{\"detail\":{\"text\":\"an event of some length\"}}";
	struct work *w = arg;

	for (int64_t i = 0; i < w->count; i++) {
		struct outbox_new n = scratch_notice("one", 1000 + w->first + i, CHANGE_CREATED, 1);
		if (outbox_event_add(tx, (struct span){ body, sizeof(body) - 1 }, &n.event_id, e) <
		            0 ||
		    outbox_add(tx, &n, NULL, e) < 0)
			return -1;
		n.sink = "two";
		if (w->with_sink_two && outbox_add(tx, &n, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int
deliver(struct store_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	struct outbox_outcome o = { .now_ms = 2000, .is_attempt = true };

	for (int64_t i = 0; i < w->count; i++)
		if (outbox_done(tx, w->first + i, &o, e) < 0)
			return -1;
	return w->is_failing ? err_set(e, ERR_LIMIT, "on purpose") : 0;
}

static int
look(struct store_tx *tx, void *arg, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM event";
	struct work *w = arg;
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	assert_int_equal(tx_step(tx, st, e), 1);
	w->rows = sqlite3_column_int64(st, 0);
	tx_reset(st);
	w->doomed = (int64_t)tx->doom.count;
	return 0;
}

static void
expect_live(struct scratch *s, int64_t live)
{
	struct work w = { 0 };

	scratch_run(s, look, &w);
	assert_int_equal(w.rows - w.doomed, live);
	assert_in_range(w.doomed, 0, DOOM_KEEP + DOOM_BATCH - 1);
}

static int
all_have_events(struct store_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;

	for (int64_t i = 0; i < w->count; i++) {
		struct outbox_item *item;
		assert_int_equal(outbox_get(tx, w->first + i, &item, e), 1);
		assert_true(item->event.len > 0);
		outbox_item_free(item);
	}
	return 0;
}

static void
test_a_job_that_failed_dooms_nothing(void **state)
{
	struct work all = { .first = 1, .count = MANY };
	struct work lost = { .first = 1, .count = 100, .is_failing = true };
	struct work rest = { .first = 101, .count = MANY - 100 };
	struct scratch_gate gate;
	struct scratch s;
	struct err e;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, queue, &all);
	assert_int_equal(store_run_wait(s.store, deliver, &lost, &e), -1);
	expect_live(&s, MANY);
	/* beside others in one group */
	scratch_hold(&s, &gate);
	store_run(s.store, deliver, NULL, &lost);
	store_run(s.store, deliver, NULL, &rest);
	store_run(s.store, deliver, NULL, &lost);
	scratch_let_go(&gate);
	scratch_run(&s, look, &all);
	expect_live(&s, 100);
	scratch_run(&s, all_have_events, &(struct work){ .first = 1, .count = 100 });
	scratch_done(&s);
}

static void
test_an_event_for_two_stays_for_the_second(void **state)
{
	struct work all = { .first = 1, .count = MANY, .with_sink_two = true };
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, queue, &all);
	for (int64_t id = 1; id <= 2 * MANY; id += 2)
		scratch_run(&s, deliver, &(struct work){ .first = id, .count = 1 });
	expect_live(&s, MANY);
	for (int64_t id = 2; id <= 2 * MANY; id += 2)
		scratch_run(&s, all_have_events, &(struct work){ .first = id, .count = 1 });
	for (int64_t id = 2; id <= 2 * MANY; id += 2)
		scratch_run(&s, deliver, &(struct work){ .first = id, .count = 1 });
	expect_live(&s, 0);
	scratch_done(&s);
}

/* A process that ends without a word leaves its list, and the next one goes on with it. */
static void
test_a_crash_forgets_none(void **state)
{
	struct work all = { .first = 1, .count = MANY };
	struct scratch s;

	(void)state;
	scratch_init(&s);
	pid_t child = fork();
	if (child == 0) {
		scratch_open(&s);
		scratch_run(&s, queue, &all);
		scratch_run(&s, deliver, &(struct work){ .first = 1, .count = 50 });
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	scratch_open(&s);
	expect_live(&s, MANY - 50);
	scratch_run(&s, deliver, &(struct work){ .first = 51, .count = MANY - 51 });
	expect_live(&s, 1);
	scratch_reopen(&s);
	struct work found = { 0 };
	scratch_run(&s, look, &found);
	assert_int_equal(found.rows, 1 + DOOM_KEEP); /* a clean stop leaves no more than are kept */
	assert_int_equal(found.doomed, DOOM_KEEP);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_that_failed_dooms_nothing),
		cmocka_unit_test(test_an_event_for_two_stays_for_the_second),
		cmocka_unit_test(test_a_crash_forgets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
