/*
 * outcome: what became of an item: the arrows that outbox.h draws. Each moves the row, the sink's numbers, the next in line and
 * the event's bytes together.
 */
#include "config.h"

#include "store/outcome.h"

#include <string.h>

#include "base/fault.h"
#include "store/body.h"
#include "store/folding.h"

static const char sql_slim[] =
	"SELECT sink, memory, event, state, has_next, change, generation, grp, attempts, digest, created_ms"
	" FROM outbox"
	" WHERE id = ?1";
static const char sql_finish[] =
	"UPDATE outbox SET state = ?2, finished_ms = ?3, attempts = attempts + ?4, took_ms = ?5,"
	" answer = CASE WHEN ?6 = '' THEN answer ELSE ?6 END, event = ?7, has_next = 0 WHERE id = ?1";
static const char sql_retry[] =
	"UPDATE outbox SET due_ms = ?2, attempts = attempts + ?3, answer = ?4, context = coalesce(?5, context)"
	" WHERE id = ?1";
static const char sql_attempt[] =
	"INSERT INTO attempt(item, number, at_ms, took_ms, answer) VALUES(?1, ?2, ?3, ?4, ?5)";
static const char sql_forget_attempt[] = "DELETE FROM attempt WHERE item = ?1 AND number = ?2";
static const char sql_last_attempt[] =
	"INSERT INTO attempt(item, number, at_ms, took_ms, answer)"
	" SELECT id, attempts, finished_ms, took_ms, answer FROM outbox WHERE id = ?1 AND attempts > 0"
	" AND NOT EXISTS(SELECT 1 FROM attempt WHERE item = ?1 AND number = outbox.attempts)";
static const char sql_next_blocked[] =
	"SELECT id, change, generation, grp FROM outbox INDEXED BY outbox_memory"
	" WHERE memory = ?1 AND sink = ?2 AND id > ?3 AND state = 1 ORDER BY id LIMIT 1";
static const char sql_has_more_blocked[] =
	"SELECT 1 FROM outbox INDEXED BY outbox_memory"
	" WHERE memory = ?1 AND sink = ?2 AND id > ?3 AND state = 1 LIMIT 1";
static const char sql_unblock[] = "UPDATE outbox SET state = 0, has_next = ?2 WHERE id = ?1";
static const char sql_older[] =
	"SELECT id FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1 AND created_ms < ?2"
	" LIMIT ?3";

int
outcome_read(struct store_tx *tx, int64_t id, struct outcome_row *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_slim, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc;
	ret->id = id;
	ret->sink = sqlite3_column_int64(st, 0);
	ret->memory = sqlite3_column_int64(st, 1);
	ret->event = sqlite3_column_int64(st, 2);
	ret->state = (enum outbox_state)sqlite3_column_int(st, 3);
	ret->has_next = sqlite3_column_int(st, 4) != 0;
	ret->change = (enum change)sqlite3_column_int(st, 5);
	ret->generation = sqlite3_column_int64(st, 6);
	ret->group = sqlite3_column_int64(st, 7);
	ret->attempts = sqlite3_column_int64(st, 8);
	ret->digest = sqlite3_column_int64(st, 9);
	ret->created_ms = sqlite3_column_int64(st, 10);
	tx_reset(st);
	return 1;
}

void
outcome_count(struct store_tx *tx, int64_t sink_id, enum outbox_state state, int by)
{
	struct tx_sink *sink = tx_sink_by_id(tx, sink_id);

	if (sink != NULL && (unsigned)state < OUTBOX_STATE_COUNT)
		sink->job[state] += by;
}

static struct span
cut_answer(struct span answer)
{
	answer.len = str_utf8_cut(answer.p ? answer.p : "", answer.len, OUTBOX_ANSWER_MAX);
	return answer;
}

int
outcome_set(struct store_tx *tx, const struct outcome_row *row, enum outbox_state state,
            const struct outbox_outcome *o, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_finish, e);
	bool is_kept = state == OUTBOX_DEAD;

	if (st == NULL)
		return -1;
	(void)FAULT("store.outbox.finish");
	tx_bind_i64(st, 1, row->id);
	tx_bind_i64(st, 2, (int64_t)state);
	tx_bind_i64(st, 3, o->now_ms);
	tx_bind_i64(st, 4, o->is_attempt);
	tx_bind_i64(st, 5, o->took_ms);
	tx_bind_text(st, 6, cut_answer(o->answer));
	/* What was delivered still names it: while it is there, it can be sent again. */
	tx_bind_i64(st, 7, is_kept || state == OUTBOX_DONE ? row->event : 0);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	outcome_count(tx, row->sink, row->state, -1);
	outcome_count(tx, row->sink, state, 1);
	return is_kept ? 0 : body_release(tx, row->memory, row->event, e);
}

static int
find_blocked(struct store_tx *tx, const struct outcome_row *row, struct outcome_row *ret,
             struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_next_blocked, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, row->memory);
	tx_bind_i64(st, 2, row->sink);
	tx_bind_i64(st, 3, row->id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc;
	int64_t id = sqlite3_column_int64(st, 0);
	tx_reset(st);
	return outcome_read(tx, id, ret, e);
}

int
outcome_unblock(struct store_tx *tx, const struct outcome_row *row, struct err *e)
{
	struct outcome_row next;
	sqlite3_stmt *st;
	int rc = find_blocked(tx, row, &next, e);

	if (rc <= 0)
		return rc;
	/* Whether others wait behind it: what was cancelled between them may have kept the mark. */
	if ((st = tx_stmt(tx, sql_has_more_blocked, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, row->memory);
	tx_bind_i64(st, 2, row->sink);
	tx_bind_i64(st, 3, next.id);
	int has_next = tx_step(tx, st, e);
	tx_reset(st);
	if (has_next < 0 || (st = tx_stmt(tx, sql_unblock, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, next.id);
	tx_bind_i64(st, 2, has_next);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	outcome_count(tx, row->sink, OUTBOX_BLOCKED, -1);
	outcome_count(tx, row->sink, OUTBOX_QUEUED, 1);
	return 0;
}

/* 1: *ret is an unfinished item. 0: finished meanwhile. */
static int
find_live(struct store_tx *tx, int64_t id, struct outcome_row *ret, struct err *e)
{
	int rc = outcome_read(tx, id, ret, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "the queue has no item %lld", (long long)id);
	return ret->state <= OUTBOX_BLOCKED;
}

int
outcome_finish(struct store_tx *tx, const struct outcome_row *row, enum outbox_state state,
               const struct outbox_outcome *o, struct err *e)
{
	if (outcome_set(tx, row, state, o, e) < 0)
		return -1;
	/* One that was blocked itself has somebody before it, who lets the next go. */
	return row->has_next && row->state != OUTBOX_BLOCKED ? outcome_unblock(tx, row, e) : 0;
}

int
outbox_done(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, struct err *e)
{
	struct outcome_row row;
	int rc = find_live(tx, id, &row, e);

	return rc <= 0 ? rc : outcome_finish(tx, &row, OUTBOX_DONE, o, e);
}

int
outbox_cancel(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, struct err *e)
{
	struct outcome_row row;
	int rc = find_live(tx, id, &row, e);

	return rc <= 0 ? rc : outcome_finish(tx, &row, OUTBOX_CANCELLED, o, e);
}

/* Between the first ones and the last ones the record has a gap, so that three days of retries take no more than an hour of them. */
static int
forget_attempt(struct store_tx *tx, int64_t id, int64_t number, struct err *e)
{
	sqlite3_stmt *st;

	if (number <= OUTBOX_FIRST_ATTEMPTS)
		return 0;
	if ((st = tx_stmt(tx, sql_forget_attempt, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, number);
	return tx_exec(tx, st, e);
}

static int
keep_attempt(struct store_tx *tx, int64_t id, int64_t number, const struct outbox_outcome *o,
             struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_attempt, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, number);
	tx_bind_i64(st, 3, o->now_ms);
	tx_bind_i64(st, 4, o->took_ms);
	tx_bind_text(st, 5, cut_answer(o->answer));
	if (tx_exec(tx, st, e) < 0)
		return -1;
	return forget_attempt(tx, id, number - OUTBOX_LAST_ATTEMPTS, e);
}

int
outcome_keep_last(struct store_tx *tx, const struct outcome_row *row, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_last_attempt, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, row->id);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	return forget_attempt(tx, row->id, row->attempts - OUTBOX_LAST_ATTEMPTS, e);
}

int
outbox_retry(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, int64_t due_ms,
             struct span context, struct err *e)
{
	struct outcome_row row;
	sqlite3_stmt *st;
	int rc = find_live(tx, id, &row, e);

	if (rc <= 0)
		return rc;
	if (context.len > OUTBOX_CONTEXT_MAX)
		return err_set(e, ERR_LIMIT, "store: the context of a notice is too long");
	if ((st = tx_stmt(tx, sql_retry, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, due_ms);
	tx_bind_i64(st, 3, o->is_attempt);
	tx_bind_text(st, 4, cut_answer(o->answer));
	if (context.p != NULL)
		tx_bind_text(st, 5, context);
	else
		(void)sqlite3_bind_null(st, 5);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	return o->is_attempt ? keep_attempt(tx, id, row.attempts + 1, o, e) : 0;
}

/* The resolved that waits right behind an open that died would tell of something never heard of. */
static int
cancel_pair(struct store_tx *tx, const struct outcome_row *row, int64_t now_ms,
            unsigned *ret_cancelled, struct err *e)
{
	struct outbox_outcome o = { .now_ms = now_ms,
		                    .answer = SPAN_LIT("cancelled: its open was never delivered") };
	struct outcome_row next;
	int rc;

	if (!outcome_is_opening(row->change) || row->memory == 0)
		return 0;
	if ((rc = find_blocked(tx, row, &next, e)) <= 0)
		return rc;
	if (next.change != CHANGE_RESOLVED || next.generation != row->generation ||
	    next.group != row->group)
		return 0;
	if (outcome_set(tx, &next, OUTBOX_CANCELLED, &o, e) < 0)
		return -1;
	if (ret_cancelled != NULL)
		++*ret_cancelled;
	return 0;
}

int
outcome_bury(struct store_tx *tx, const struct outcome_row *row, const struct outbox_outcome *o,
             unsigned *ret_cancelled, struct err *e)
{
	(void)FAULT("store.outbox.bury");
	if (row->has_next && cancel_pair(tx, row, o->now_ms, ret_cancelled, e) < 0)
		return -1;
	return outcome_finish(tx, row, OUTBOX_DEAD, o, e);
}

int
outbox_bury(struct store_tx *tx, int64_t id, const struct outbox_outcome *o,
            unsigned *ret_cancelled, struct err *e)
{
	struct outcome_row row;
	int rc = find_live(tx, id, &row, e);

	if (ret_cancelled != NULL)
		*ret_cancelled = 0;
	return rc <= 0 ? rc : outcome_bury(tx, &row, o, ret_cancelled, e);
}

/* A digest that nobody will ever release: its members are queued again, to be buried each. */
static int
undo_old_digests(struct store_tx *tx, const char *sink, int64_t before_ms, size_t limit,
                 const struct outbox_outcome *o, struct err *e)
{
	struct folding_settled settled;

	for (int is_catch_up = 0; is_catch_up < 2; is_catch_up++) {
		struct outbox_item *held;
		int rc = folding_held(tx, sink, is_catch_up != 0, &held, e);
		if (rc > 0 && held->created_ms < before_ms)
			rc = folding_undo(tx, held->id, o->now_ms, "its sink is gone", e);
		outbox_item_free(held);
		if (rc < 0)
			return -1;
	}
	return folding_settle(tx, sink, o->now_ms, limit, false, &settled, e);
}

int
outbox_bury_older(struct store_tx *tx, const char *sink_name, int64_t created_before_ms,
                  size_t limit, const struct outbox_outcome *o, unsigned *ret_count, struct err *e)
{
	struct tx_sink *sink = tx_sink_find(tx, sink_name);
	int64_t ids[OUTBOX_FETCH_MAX];
	size_t found = 0, max = limit < OUTBOX_FETCH_MAX ? limit : OUTBOX_FETCH_MAX;
	sqlite3_stmt *st;
	int rc = 0;

	*ret_count = 0;
	if (sink == NULL)
		return 0;
	if (undo_old_digests(tx, sink_name, created_before_ms, max, o, e) < 0 ||
	    (st = tx_stmt(tx, sql_older, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, sink->id);
	tx_bind_i64(st, 2, created_before_ms);
	tx_bind_i64(st, 3, (int64_t)max);
	while (found < max && (rc = tx_step(tx, st, e)) > 0)
		ids[found++] = sqlite3_column_int64(st, 0);
	tx_reset(st);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < found; i++) {
		if (outbox_bury(tx, ids[i], o, NULL, e) < 0)
			return -1;
	}
	*ret_count = (unsigned)found;
	return 0;
}
