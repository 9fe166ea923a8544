/*
 * The outbox: order per identity and sink, the states and their numbers, pairs, dead letters, event bytes; and memory beside it.
 */
#include "config.h"

#include "scratch.h"

#include "base/buf.h"
#include "store/audit.h"
#include "store/folding.h"
#include "store/quarantine.h"
#include "store/tx.h"

/* Jobs here are small scripts over the functions of outbox.h: each test runs its steps in jobs of their own. */
struct step {
	enum { ADD, NEXT, DONE, RETRY, BURY, CANCEL, DEAD_RETRY, REPLAY, DEAD_DROP, OLDER } what;
	struct outbox_new notice;
	int64_t id, now_ms, due_ms;
	size_t limit;
	const int64_t *skip;
	size_t skip_count;
	bool is_forced;
	const char *context;
	/* results */
	struct outbox_item **items;
	size_t count;
	int64_t next_due;
	unsigned cancelled;
};

static int
add(struct store_tx *tx, struct step *s, struct err *e)
{
	static const char body[] = "{\"detail\":{}}";

	if (s->notice.event_id == 0 && outbox_event_add(tx, (struct span){ body, sizeof(body) - 1 },
	                                                &s->notice.event_id, e) < 0)
		return -1;
	return outbox_add(tx, &s->notice, &s->id, e);
}

static int
run_step(struct store_tx *tx, void *arg, struct err *e)
{
	struct step *s = arg;
	struct outbox_outcome o = {
		.now_ms = s->now_ms, .is_attempt = true, .took_ms = 5, .answer = SPAN_LIT("200 ok")
	};
	struct outbox_query q = { .sink = s->notice.sink,
		                  .now_ms = s->now_ms,
		                  .limit = s->limit,
		                  .skip = s->skip,
		                  .skip_count = s->skip_count };

	switch (s->what) {
	case ADD:
		return add(tx, s, e);
	case NEXT:
		return outbox_next(tx, &q, &s->items, &s->count, &s->next_due, e);
	case DONE:
		return outbox_done(tx, s->id, &o, e);
	case RETRY:
		o.answer = SPAN_LIT("500 no");
		return outbox_retry(
			tx, s->id, &o, s->due_ms,
			(struct span){ s->context, s->context ? strlen(s->context) : 0 }, e);
	case BURY:
		o.answer = SPAN_LIT("400 never");
		return outbox_bury(tx, s->id, &o, &s->cancelled, e);
	case CANCEL:
		return outbox_cancel(tx, s->id, &o, e);
	case DEAD_RETRY:
		return dead_retry(tx, s->id, s->is_forced, s->now_ms, e);
	case REPLAY:
		return outbox_replay(tx, s->id, s->is_forced, s->now_ms, e);
	case DEAD_DROP:
		return dead_drop(tx, s->id, s->now_ms, e);
	case OLDER:
		return outbox_bury_older(tx, s->notice.sink, s->due_ms, s->limit, &o, &s->cancelled,
		                         e);
	}
	return -1;
}

static int64_t
queue(struct scratch *s, const char *sink, int64_t memory, enum change change, uint32_t n)
{
	struct step step = { .what = ADD, .notice = scratch_notice(sink, memory, change, n) };

	scratch_run(s, run_step, &step);
	return step.id;
}

static void
act(struct scratch *s, int what, int64_t id, int64_t now_ms)
{
	struct step step = { .what = what, .id = id, .now_ms = now_ms };

	scratch_run(s, run_step, &step);
}

/* The ids that are due, in order, as text: "1 3"; then the next due time when it is not the end of time. */
static const char *
due(struct scratch *s, const char *sink, int64_t now_ms)
{
	static char text[256];
	struct step step = {
		.what = NEXT, .now_ms = now_ms, .limit = 20, .notice = { .sink = sink }
	};
	size_t at = 0;

	scratch_run(s, run_step, &step);
	text[0] = '\0';
	for (size_t i = 0; i < step.count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d", i ? " " : "",
		                       (int)step.items[i]->id);
	if (step.next_due != INT64_MAX)
		(void)snprintf(text + at, sizeof(text) - at, " @%d", (int)step.next_due);
	outbox_items_free(step.items, step.count);
	return text;
}

struct count_job {
	struct outbox_count *list;
	size_t count;
	int64_t events, attempts;
};

static int
count_job(struct store_tx *tx, void *arg, struct err *e)
{
	static const char sql_events[] = "SELECT id FROM event";
	static const char sql_attempts[] = "SELECT count(*) FROM attempt";
	struct count_job *job = arg;
	sqlite3_stmt *st = tx_stmt(tx, sql_events, e);

	/* What nobody needs any more is deleted later, many at a time: here it is gone. */
	for (job->events = 0; tx_step(tx, st, e) == 1; job->events++)
		for (size_t i = 0; i < tx->doom.count; i++)
			job->events -= tx->doom.ids[i] == sqlite3_column_int64(st, 0);
	st = tx_stmt(tx, sql_attempts, e);
	assert_int_equal(tx_step(tx, st, e), 1);
	job->attempts = sqlite3_column_int64(st, 0);
	tx_reset(st);
	return outbox_counts(tx, &job->list, &job->count, e);
}

/* "queued/blocked/done/dead/cancelled/dropped events" of the only sink. */
static const char *
numbers(struct scratch *s)
{
	static char text[128];
	struct count_job job = { 0 };

	scratch_run(s, count_job, &job);
	assert_int_equal(job.count, 1);
	(void)snprintf(text, sizeof(text), "%d/%d/%d/%d/%d/%d events %d", (int)job.list->queued,
	               (int)job.list->blocked, (int)job.list->done, (int)job.list->dead,
	               (int)job.list->cancelled, (int)job.list->dropped, (int)job.events);
	mem_free(job.list);
	return text;
}

static void
test_order_holds_per_identity_and_sink(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	assert_int_equal(queue(&s, "hook", 1, CHANGE_CREATED, 1), 1);
	assert_int_equal(queue(&s, "hook", 1, CHANGE_SEVERITY_RAISED, 2), 2);
	assert_int_equal(queue(&s, "hook", 2, CHANGE_CREATED, 1), 3);
	assert_int_equal(queue(&s, "hook", 1, CHANGE_RESOLVED, 3), 4);
	assert_string_equal(due(&s, "hook", 999), " @1000");
	assert_string_equal(due(&s, "hook", 1000), "1 3");
	assert_string_equal(numbers(&s), "4/2/0/0/0/0 events 4");
	act(&s, DONE, 1, 1100);
	assert_string_equal(due(&s, "hook", 1100), "2 3");
	act(&s, DONE, 1, 1100); /* again: nothing happens */
	act(&s, DONE, 3, 1100);
	scratch_reopen(&s);
	assert_string_equal(due(&s, "hook", 1100), "2");
	act(&s, DONE, 2, 1200);
	assert_string_equal(due(&s, "hook", 1200), "4");
	act(&s, DONE, 4, 1200);
	assert_string_equal(due(&s, "hook", 9999), "");
	assert_string_equal(numbers(&s), "0/0/4/0/0/0 events 0");
	scratch_done(&s);
}

static void
test_another_sink_does_not_wait(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	(void)queue(&s, "hook", 1, CHANGE_CREATED, 1);
	(void)queue(&s, "mail", 1, CHANGE_CREATED, 1);
	assert_string_equal(due(&s, "mail", 1000), "2");
	assert_string_equal(due(&s, "none", 1000), "");
	scratch_done(&s);
}

static void
test_what_is_under_way_is_skipped_and_severe_goes_first(void **state)
{
	struct scratch s;
	int64_t skip[] = { 2 };
	struct step low = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct step next = { .what = NEXT,
		             .now_ms = 5000,
		             .limit = 2,
		             .notice = { .sink = "hook" },
		             .skip = skip,
		             .skip_count = 1 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	low.notice.severity = 0;
	scratch_run(&s, run_step, &low);
	(void)queue(&s, "hook", 2, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 3, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 4, CHANGE_CREATED, 1);
	scratch_run(&s, run_step, &next);
	assert_int_equal(next.count, 2);
	assert_int_equal(next.items[0]->id, 3);
	assert_int_equal(next.items[1]->id, 4);
	outbox_items_free(next.items, next.count);
	assert_string_equal(due(&s, "hook", 5000), "2 3 4 1");
	scratch_done(&s);
}

static void
test_an_item_comes_back_whole(void **state)
{
	struct scratch s;
	struct step step = { .what = ADD, .notice = scratch_notice("hook", 7, CHANGE_REOPENED, 9) };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	step.notice.group = 0xFEDCBA9876543210u;
	step.notice.generation = 3;
	step.notice.context = (struct span)SPAN_LIT("{\"a\":1}");
	scratch_run(&s, run_step, &step);
	scratch_reopen(&s);
	step.what = NEXT;
	step.now_ms = 1000;
	step.limit = 1;
	scratch_run(&s, run_step, &step);
	assert_int_equal(step.count, 1);
	const struct outbox_item *item = step.items[0];
	assert_int_equal(item->memory_id, 7);
	assert_int_equal(item->change, CHANGE_REOPENED);
	assert_int_equal(item->n, 9);
	assert_int_equal(item->generation, 3);
	assert_true(item->group == 0xFEDCBA9876543210u);
	assert_int_equal(item->severity, 3);
	assert_int_equal(item->first_severity, 2);
	assert_int_equal(item->created_ms, 1000);
	assert_int_equal(item->attempts, 0);
	assert_string_equal(item->sink.p, "hook");
	assert_string_equal(item->rules.p, "one\ntwo");
	assert_string_equal(item->context.p, "{\"a\":1}");
	assert_string_equal(item->event.p, "{\"detail\":{}}");
	assert_string_equal(item->thread_key.p, step.notice.thread_key);
	assert_string_equal(item->message_key.p, step.notice.message_key);
	outbox_items_free(step.items, step.count);
	scratch_done(&s);
}

struct attempts_job {
	int64_t id;
	struct audit_attempt list[4];
	size_t count;
	struct outbox_item *item;
};

static int
attempts_job(struct store_tx *tx, void *arg, struct err *e)
{
	struct attempts_job *job = arg;

	if (audit_attempts(tx, job->id, job->list, 4, &job->count, e) < 0)
		return -1;
	return outbox_get(tx, job->id, &job->item, e) == 1 ? 0 : -1;
}

static void
test_a_retry_waits_and_is_recorded(void **state)
{
	struct scratch s;
	struct step retry = {
		.what = RETRY, .now_ms = 1100, .due_ms = 3000, .context = "{\"to\":1}"
	};
	struct attempts_job job = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	retry.id = job.id = queue(&s, "hook", 1, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 1, CHANGE_RESOLVED, 2);
	scratch_run(&s, run_step, &retry);
	assert_string_equal(due(&s, "hook", 1200), " @3000"); /* and what is behind it waits too */
	retry.context = NULL;
	retry.due_ms = 4000;
	scratch_run(&s, run_step, &retry);
	assert_string_equal(due(&s, "hook", 4000), "1");
	act(&s, DONE, 1, 4100);
	scratch_run(&s, attempts_job, &job);
	assert_int_equal(job.count, 2);
	assert_int_equal(job.list[1].number, 2);
	assert_string_equal(job.list[1].answer, "500 no");
	assert_int_equal(job.item->attempts, 3);
	assert_int_equal(job.item->state, OUTBOX_DONE);
	assert_int_equal(job.item->finished_ms, 4100);
	assert_string_equal(job.item->answer.p, "200 ok");
	assert_string_equal(job.item->context.p, "{\"to\":1}");
	outbox_item_free(job.item);
	scratch_done(&s);
}

static void
test_a_dead_open_cancels_its_resolved(void **state)
{
	static const struct {
		enum change first, second;
		const char *numbers; /* after the first was buried */
	} cases[] = {
		{ CHANGE_CREATED, CHANGE_RESOLVED, "0/0/0/1/1/0 events 1" },
		{ CHANGE_REOPENED, CHANGE_RESOLVED, "0/0/0/1/1/0 events 1" },
		{ CHANGE_CREATED, CHANGE_SEVERITY_RAISED, "1/0/0/1/0/0 events 2" },
		{ CHANGE_SEVERITY_RAISED, CHANGE_RESOLVED, "1/0/0/1/0/0 events 2" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct scratch s;
		scratch_init(&s);
		scratch_open(&s);
		int64_t id = queue(&s, "hook", 1, cases[i].first, 1);
		(void)queue(&s, "hook", 1, cases[i].second, 2);
		act(&s, BURY, id, 1500);
		assert_string_equal(numbers(&s), cases[i].numbers);
		scratch_done(&s);
	}
}

static void
test_a_cancelled_one_in_the_middle_breaks_no_chain(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	for (uint32_t n = 1; n <= 4; n++)
		(void)queue(&s, "hook", 1, CHANGE_UPDATED, n);
	act(&s, CANCEL, 2, 1000);
	assert_string_equal(due(&s, "hook", 1000), "1");
	act(&s, DONE, 1, 1000);
	assert_string_equal(due(&s, "hook", 1000), "3");
	act(&s, BURY, 3, 1000);
	assert_string_equal(due(&s, "hook", 1000), "4");
	act(&s, DONE, 4, 1000);
	assert_string_equal(numbers(&s), "0/0/2/1/1/0 events 1");
	scratch_done(&s);
}

static int
remember(struct store_tx *tx, void *arg, struct err *e)
{
	unsigned char identity[32] = { 1, 2, 3 };
	int64_t *open_and_id = arg;

	if (open_and_id[1] == 0)
		return memory_add(tx, identity, span_of("state"), open_and_id[0] != 0, 1000,
		                  &open_and_id[1], e);
	return memory_set(tx, open_and_id[1], span_of("state"), open_and_id[0] != 0, 1000, e);
}

struct dead_job {
	int64_t memory;
	struct outbox_dead_count dead[4];
	size_t count;
	struct outbox_item **items;
	size_t item_count;
};

static int
dead_job(struct store_tx *tx, void *arg, struct err *e)
{
	struct dead_job *job = arg;

	if (outbox_dead_of(tx, job->memory, job->dead, 4, &job->count, e) < 0)
		return -1;
	return outbox_list(tx, "hook", OUTBOX_DEAD, 0, 10, &job->items, &job->item_count, e);
}

static void
test_dead_letters_retry_and_drop(void **state)
{
	struct scratch s;
	int64_t memory[2] = { 1, 0 };
	struct step retry = { .what = DEAD_RETRY, .now_ms = 2000 };
	struct dead_job job = { 0 };
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, remember, memory);
	retry.id = queue(&s, "hook", memory[1], CHANGE_CREATED, 1);
	assert_int_equal(store_run_wait(s.store, run_step, &retry, &e), -1); /* not dead yet */
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	act(&s, BURY, retry.id, 1500);
	job.memory = memory[1];
	scratch_run(&s, dead_job, &job);
	assert_int_equal(job.count, 1);
	assert_string_equal(job.dead[0].sink, "hook");
	assert_int_equal(job.dead[0].count, 1);
	assert_int_equal(job.item_count, 1);
	assert_string_equal(job.items[0]->answer.p, "400 never");
	outbox_items_free(job.items, job.item_count);
	scratch_run(&s, run_step, &retry); /* the finding is open: goes again, with its event */
	assert_string_equal(due(&s, "hook", 2000), "1");
	scratch_run(&s, dead_job, &job);
	assert_int_equal(job.count, 0);
	outbox_items_free(job.items, job.item_count);
	act(&s, BURY, retry.id, 2500);
	memory[0] = 0;
	scratch_run(&s, remember, memory); /* closed since */
	assert_int_equal(store_run_wait(s.store, run_step, &retry, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.text, "--force"));
	retry.is_forced = true;
	scratch_run(&s, run_step, &retry);
	act(&s, BURY, retry.id, 2600);
	act(&s, DEAD_DROP, retry.id, 2700);
	assert_string_equal(numbers(&s), "0/0/0/0/0/1 events 0");
	scratch_run(&s, dead_job, &job);
	assert_int_equal(job.count, 1); /* dropped: still never delivered */
	outbox_items_free(job.items, job.item_count);
	scratch_done(&s);
}

/* A resolved that overtakes the open that was asked for again would leave the alert open at the receiver. */
static void
test_a_dead_letter_goes_again_in_its_place_in_line(void **state)
{
	struct step retry = { .what = DEAD_RETRY, .now_ms = 2000, .is_forced = true };
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	(void)queue(&s, "hook", 1, CHANGE_CREATED, 1);
	act(&s, BURY, 1, 1500);
	(void)queue(&s, "hook", 1, CHANGE_SEVERITY_RAISED, 2);
	(void)queue(&s, "hook", 1, CHANGE_RESOLVED, 3);
	retry.id = 1;
	scratch_run(&s, run_step, &retry);
	assert_string_equal(due(&s, "hook", 2000), "1");
	act(&s, DONE, 1, 2100);
	assert_string_equal(due(&s, "hook", 2100), "2");
	act(&s, BURY, 2, 2200);
	assert_string_equal(due(&s, "hook", 2200), "3");
	retry.id = 2;
	scratch_run(&s, run_step, &retry);
	/* 3 may be under way already: its outcome counts all the same. */
	act(&s, DONE, 3, 2300);
	assert_string_equal(due(&s, "hook", 2300), "2");
	act(&s, DONE, 2, 2400);
	assert_string_equal(numbers(&s), "0/0/3/0/0/0 events 0");
	scratch_done(&s);
}

static int
fold_two(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_new n = scratch_notice("hook", 0, CHANGE_DIGEST, 1);
	int64_t *ids = arg, digest;

	n.created_ms = n.due_ms = 1000;
	if (folding_new(tx, &n, FOLDING_FLOOD, &digest, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (folding_add(tx, ids[i], digest, INT64_MAX, e) < 0)
			return -1;
	return 0;
}

/* Of a sink that is gone: what a digest had gathered dies with the rest, and is not stuck for ever. */
static void
test_what_a_gone_sinks_digest_gathered_is_buried_too(void **state)
{
	struct step older = { .what = OLDER,
		              .notice = { .sink = "hook" },
		              .due_ms = 5000,
		              .now_ms = 6000,
		              .limit = 100 };
	int64_t ids[2];
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	ids[0] = queue(&s, "hook", 1, CHANGE_CREATED, 1);
	ids[1] = queue(&s, "hook", 2, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 3, CHANGE_CREATED, 1);
	scratch_run(&s, fold_two, ids);
	assert_string_equal(due(&s, "hook", 2000), "3");
	scratch_run(&s, run_step, &older);
	assert_int_equal(older.cancelled, 3);
	assert_string_equal(numbers(&s), "0/0/0/3/1/0 events 3");
	scratch_done(&s);
}

/* What was delivered goes again, with its event and under its key; what cannot is said. */
static void
test_what_was_delivered_is_sent_again(void **state)
{
	struct step again = { .what = REPLAY, .now_ms = 9000, .is_forced = true };
	struct step add = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	add.notice.subject = SPAN_LIT("detail\nTitle\nProduct\n1\nr");
	scratch_run(&s, run_step, &add);
	add.notice.event_id = 0;
	add.notice.change = CHANGE_RESOLVED;
	scratch_run(&s, run_step, &add);
	(void)queue(&s, "hook", 2, CHANGE_CREATED, 1);
	again.id = 1;
	assert_int_equal(store_run_wait(s.store, run_step, &again, &e), -1);
	assert_non_null(strstr(e.text, "1 was not delivered: it is queued"));
	act(&s, DONE, 1, 1100);
	act(&s, DONE, 2, 1200);
	act(&s, DONE, 3, 1300);
	/* In order, whatever order they were asked for in. */
	again.id = 2;
	scratch_run(&s, run_step, &again);
	again.id = 1;
	scratch_run(&s, run_step, &again);
	assert_string_equal(due(&s, "hook", 9000), "1");
	act(&s, DONE, 1, 9100);
	assert_string_equal(due(&s, "hook", 9100), "2");
	act(&s, DONE, 2, 9200);
	assert_string_equal(numbers(&s), "0/0/3/0/0/0 events 0");
	/* Without a subject nobody can say whose event it is; and a closed finding's alert is not opened. */
	again.id = 3;
	assert_int_equal(store_run_wait(s.store, run_step, &again, &e), -1);
	assert_non_null(strstr(e.text, "its event is no longer kept"));
	again.id = 1;
	again.is_forced = false;
	assert_int_equal(store_run_wait(s.store, run_step, &again, &e), -1);
	assert_non_null(strstr(e.text, "--force"));
	again.id = 77;
	assert_int_equal(store_run_wait(s.store, run_step, &again, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	scratch_done(&s);
}

static void
test_event_bytes_go_with_the_last_item_that_needs_them(void **state)
{
	struct scratch s;
	struct step one = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct step two = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_UPDATED, 2) };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, run_step, &one);
	two.notice.event_id = one.notice.event_id;
	scratch_run(&s, run_step, &two);
	act(&s, DONE, one.id, 1000);
	assert_string_equal(numbers(&s), "1/0/1/0/0/0 events 1");
	act(&s, BURY, two.id, 1000); /* a dead letter keeps them */
	assert_string_equal(numbers(&s), "0/0/1/1/0/0 events 1");
	act(&s, DEAD_DROP, two.id, 1000);
	assert_string_equal(numbers(&s), "0/0/1/0/0/1 events 0");
	scratch_done(&s);
}

static int
damage(struct store_tx *tx, void *arg, struct err *e)
{
	return tx_sql(tx, arg, e);
}

static void
test_damaged_rows_go_to_the_dead_letters(void **state)
{
	static char harm[] =
		"UPDATE outbox SET rules = 'thrEe' WHERE id = 1;"
		"UPDATE event SET body = replace(body, 'detail', 'detain') WHERE id = 2;"
		"DELETE FROM event WHERE id = 3;";
	struct step retry = { .what = DEAD_RETRY, .now_ms = 1000, .is_forced = true };
	struct dead_job job = { 0 };
	struct err e = { 0 };
	struct scratch s;
	struct store_stats stats;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	for (int64_t memory = 1; memory <= 4; memory++)
		(void)queue(&s, "hook", memory, CHANGE_CREATED, 1);
	scratch_run(&s, damage, harm);
	assert_string_equal(due(&s, "hook", 1000), "4");
	assert_string_equal(numbers(&s), "1/0/0/3/0/0 events 3");
	store_get_stats(s.store, &stats);
	assert_int_equal(stats.rows_quarantined, 3);
	/* They are counted as dead, so they are in the list; and it is said that they cannot be sent. */
	scratch_run(&s, dead_job, &job);
	assert_int_equal(job.item_count, 3);
	assert_true(job.items[0]->is_damaged);
	assert_string_equal(job.items[0]->rules.p, "thrEe");
	outbox_items_free(job.items, job.item_count);
	for (retry.id = 1; retry.id <= 3; retry.id++) {
		assert_int_equal(store_run_wait(s.store, run_step, &retry, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		act(&s, DEAD_DROP, retry.id, 1100);
	}
	assert_string_equal(numbers(&s), "1/0/0/0/0/3 events 1");
	scratch_done(&s);
}

/* Else the identity would be silent at that sink for good: each later notice waits behind the one that waits. */
static void
test_what_waits_behind_a_damaged_row_goes_on(void **state)
{
	static char harm[] = "UPDATE outbox SET rules = 'thrEe' WHERE id = 1;"
			     "UPDATE outbox SET rules = 'thrEe' WHERE id = 2;";
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	(void)queue(&s, "hook", 1, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 1, CHANGE_UPDATED, 2);
	(void)queue(&s, "hook", 1, CHANGE_SEVERITY_RAISED, 3);
	scratch_run(&s, damage, harm);
	assert_string_equal(due(&s, "hook", 1000), " @0");
	assert_string_equal(numbers(&s), "2/1/0/1/0/0 events 3");
	assert_string_equal(due(&s, "hook", 1000), " @0");
	assert_string_equal(due(&s, "hook", 1000), "3");
	assert_string_equal(numbers(&s), "1/0/0/2/0/0 events 3");
	act(&s, DONE, 3, 1100);
	(void)queue(&s, "hook", 1, CHANGE_RESOLVED, 4);
	assert_string_equal(due(&s, "hook", 1200), "4");
	scratch_done(&s);
}

/* Queued, or put off, by a clock that ran hours ahead, and was put right since: due, and not in hours. */
static void
test_what_a_fast_clock_put_off_is_due(void **state)
{
	struct scratch s;
	struct step fast = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct step put_off = { .what = RETRY, .now_ms = 9000000, .due_ms = 9050000 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	fast.notice.created_ms = fast.notice.due_ms = 9000000;
	scratch_run(&s, run_step, &fast);
	put_off.id = queue(&s, "hook", 2, CHANGE_CREATED, 1);
	scratch_run(&s, run_step, &put_off);
	(void)queue(&s, "hook", 3, CHANGE_CREATED, 1);
	assert_string_equal(due(&s, "hook", 9300000), "3 1 2");
	assert_string_equal(due(&s, "hook", 9000000 - 3600000),
	                    "3 @9000000"); /* an hour: Retry-After may be so long */
	assert_string_equal(due(&s, "hook", 2000), "3 1 2 @9000000");
	scratch_done(&s);
}

static void
test_old_items_are_buried_at_most_so_many(void **state)
{
	struct scratch s;
	struct step older = { .what = OLDER,
		              .now_ms = 5000,
		              .due_ms = 1001,
		              .limit = 2,
		              .notice = { .sink = "hook" } };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	for (int64_t memory = 1; memory <= 3; memory++)
		(void)queue(&s, "hook", memory, CHANGE_CREATED, 1);
	scratch_run(&s, run_step, &older);
	assert_int_equal(older.cancelled, 2);
	older.due_ms = 1000;
	scratch_run(&s, run_step, &older);
	assert_int_equal(older.cancelled, 0);
	assert_string_equal(numbers(&s), "1/0/0/2/0/0 events 3");
	scratch_done(&s);
}

static int
add_and_fail(struct store_tx *tx, void *arg, struct err *e)
{
	return run_step(tx, arg, e) < 0 ? -1 : err_set(e, ERR_PARSE, "on purpose");
}

static void
test_a_job_that_fails_in_a_group_changes_no_number(void **state)
{
	struct scratch s;
	struct scratch_gate g;
	struct step bad = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct step good = { .what = ADD, .notice = scratch_notice("hook", 1, CHANGE_CREATED, 1) };
	struct step worse = { .what = ADD, .notice = scratch_notice("none", 1, CHANGE_CREATED, 1) };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_hold(&s, &g);
	store_run(s.store, add_and_fail, NULL, &bad);
	store_run(s.store, run_step, NULL, &good);
	store_run(s.store, add_and_fail, NULL, &worse);
	scratch_let_go(&g);
	assert_string_equal(numbers(&s), "1/0/0/0/0/0 events 1"); /* and one sink, not two */
	scratch_reopen(&s);
	assert_string_equal(numbers(&s), "1/0/0/0/0/0 events 1");
	scratch_done(&s);
}

struct prune_job {
	int64_t before_ms;
	bool is_more;
};

static int
prune(struct store_tx *tx, void *arg, struct err *e)
{
	struct prune_job *job = arg;

	return store_prune(tx, job->before_ms, &job->is_more, e);
}

static void
test_pruning_keeps_what_is_unfinished(void **state)
{
	struct scratch s;
	struct prune_job job = { .before_ms = 5000 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	(void)queue(&s, "hook", 1, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 2, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 3, CHANGE_CREATED, 1);
	(void)queue(&s, "hook", 4, CHANGE_CREATED, 1);
	act(&s, DONE, 1, 4000);
	act(&s, BURY, 2, 4000);
	act(&s, BURY, 3, 6000);
	scratch_run(&s, prune, &job);
	assert_false(job.is_more);
	assert_string_equal(numbers(&s), "1/0/1/1/0/0 events 2");
	assert_string_equal(due(&s, "hook", 9000), "4");
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_holds_per_identity_and_sink),
		cmocka_unit_test(test_another_sink_does_not_wait),
		cmocka_unit_test(test_what_is_under_way_is_skipped_and_severe_goes_first),
		cmocka_unit_test(test_an_item_comes_back_whole),
		cmocka_unit_test(test_a_retry_waits_and_is_recorded),
		cmocka_unit_test(test_a_dead_open_cancels_its_resolved),
		cmocka_unit_test(test_a_cancelled_one_in_the_middle_breaks_no_chain),
		cmocka_unit_test(test_dead_letters_retry_and_drop),
		cmocka_unit_test(test_a_dead_letter_goes_again_in_its_place_in_line),
		cmocka_unit_test(test_what_a_gone_sinks_digest_gathered_is_buried_too),
		cmocka_unit_test(test_what_was_delivered_is_sent_again),
		cmocka_unit_test(test_event_bytes_go_with_the_last_item_that_needs_them),
		cmocka_unit_test(test_damaged_rows_go_to_the_dead_letters),
		cmocka_unit_test(test_what_waits_behind_a_damaged_row_goes_on),
		cmocka_unit_test(test_what_a_fast_clock_put_off_is_due),
		cmocka_unit_test(test_old_items_are_buried_at_most_so_many),
		cmocka_unit_test(test_a_job_that_fails_in_a_group_changes_no_number),
		cmocka_unit_test(test_pruning_keeps_what_is_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
