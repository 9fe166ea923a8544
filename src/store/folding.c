/*
 * folding: many items of one sink told as one. See folding.h.
 */
#include "config.h"

#include "store/folding.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/outcome.h"
#include "store/row.h"

enum { URGENCIES = 5 };

/* What a digest may take: of a finding, not asked for by hand, of which no recipient has it yet. */
#define FOLDABLE " AND (?6 OR (memory > 0 AND asked_ms = 0 AND context = ''))"

static const char sql_held[] = "SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_held"
			       " WHERE state = 6 AND sink = ?1 ORDER BY id";
static const char sql_due[] =
	"SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1"
	" AND urgency = ?2 AND due_ms < ?3" FOLDABLE " ORDER BY due_ms, id LIMIT ?5";
static const char sql_tried[] =
	"SELECT " ROW_COLUMNS
	" FROM outbox INDEXED BY outbox_tried WHERE state = 0 AND attempts > 0"
	" AND sink = ?1 AND created_ms < ?4 AND asked_ms < ?4 AND due_ms >= ?3" FOLDABLE
	" ORDER BY created_ms LIMIT ?5";
static const char sql_count_due[] =
	"SELECT count(*) FROM (SELECT 1 FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1"
	" AND urgency = ?2 AND due_ms < ?3" FOLDABLE " LIMIT ?5)";
static const char sql_count_tried[] =
	"SELECT count(*) FROM (SELECT 1 FROM outbox INDEXED BY outbox_tried WHERE state = 0"
	" AND attempts > 0 AND sink = ?1 AND created_ms < ?4 AND asked_ms < ?4 AND due_ms >= ?3" FOLDABLE
	" LIMIT ?5)";
static const char sql_note[] = "UPDATE outbox SET context = ?2 WHERE id = ?1 AND state = 6";
static const char sql_release[] =
	"UPDATE outbox SET state = 0, urgency = ?2, first_severity = ?3, rules = ?4, subject = ?5, sum = ?6,"
	" event = ?7, due_ms = ?8, context = '' WHERE id = ?1";
static const char sql_fold[] =
	"UPDATE outbox SET state = 7, digest = ?2, has_next = ?3 WHERE id = ?1";
static const char sql_next_made[] =
	"SELECT created_ms FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND sink = ?2 AND id > ?3"
	" AND state = 1 ORDER BY id LIMIT 1";
/* ---- the digest ---- */

int
folding_undo(struct store_tx *tx, int64_t id, int64_t now_ms, const char *why, struct err *e)
{
	struct outbox_outcome o = { .now_ms = now_ms, .answer = span_of(why) };
	struct outcome_row row;
	int rc = outcome_read(tx, id, &row, e);

	if (rc <= 0)
		return rc;
	return outcome_finish(tx, &row, OUTBOX_CANCELLED, &o, e);
}

int
folding_held(struct store_tx *tx, const char *sink_name, bool is_catch_up, struct outbox_item **ret,
             struct err *e)
{
	struct tx_sink *sink = tx_sink_find(tx, sink_name);
	sqlite3_stmt *st;
	int64_t damaged = 0;
	int rc = 0;

	*ret = NULL;
	if (sink == NULL || tx_sink_number(sink, OUTBOX_HELD) == 0)
		return 0;
	if ((st = tx_stmt(tx, sql_held, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, sink->id);
	while (*ret == NULL && (rc = tx_step(tx, st, e)) > 0) {
		enum row_fault fault;
		struct outbox_item *item = row_read(tx, st, false, &fault, e);
		if (item == NULL && fault == ROW_SOUND)
			rc = -1;
		if (item == NULL) {
			damaged = sqlite3_column_int64(st, 0);
			break;
		}
		if ((item->generation == FOLDING_MAX_AGE) == is_catch_up)
			*ret = item;
		else
			outbox_item_free(item);
	}
	tx_reset(st);
	if (damaged != 0 && rc > 0)
		rc = folding_undo(tx, damaged, 0, "the digest's row is damaged", e);
	return rc < 0 ? -1 : *ret != NULL;
}

int
folding_new(struct store_tx *tx, const struct outbox_new *n, enum folding_reason reason,
            int64_t *ret_id, struct err *e)
{
	struct tx_sink *sink = tx_sink(tx, n->sink, e);
	struct outbox_new row = *n;

	if (sink == NULL)
		return -1;
	row.memory_id = row.event_id = 0;
	row.change = CHANGE_DIGEST;
	row.generation = (uint32_t)reason;
	return outcome_insert(tx, sink, &row, OUTBOX_HELD, ret_id, e);
}

int
folding_note(struct store_tx *tx, int64_t id, struct span context, struct err *e)
{
	sqlite3_stmt *st;

	if (context.len > OUTBOX_CONTEXT_MAX)
		return err_set(e, ERR_LIMIT, "store: the context of a digest is too long");
	if ((st = tx_stmt(tx, sql_note, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_text(st, 2, context);
	return tx_exec(tx, st, e);
}

static int
write_release(struct store_tx *tx, const struct tx_sink *sink, const struct outbox_item *held,
              const struct outbox_new *n, struct err *e)
{
	int64_t urgency = 4 - n->severity;
	struct outbox_new row = {
		.change = held->change,
		.n = held->n,
		.generation = held->generation,
		.group = held->group,
		.first_severity = n->severity,
		.created_ms = held->created_ms,
		.thread_key = held->thread_key.p,
		.message_key = held->message_key.p,
		.rules = n->rules,
		.subject = n->subject,
		.note = held->note,
	};
	sqlite3_stmt *st = tx_stmt(tx, sql_release, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, held->id);
	tx_bind_i64(st, 2, urgency);
	tx_bind_i64(st, 3, n->severity);
	tx_bind_text(st, 4, n->rules);
	tx_bind_text(st, 5, n->subject);
	tx_bind_i64(st, 6, row_sum(sink->id, urgency, &row));
	tx_bind_i64(st, 7, n->event_id);
	tx_bind_i64(st, 8, n->due_ms);
	return tx_exec(tx, st, e);
}

int
folding_release(struct store_tx *tx, int64_t id, const struct outbox_new *n, struct err *e)
{
	struct outbox_item *held = NULL;
	struct tx_sink *sink;
	int rc = outbox_get(tx, id, &held, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || held->state != OUTBOX_HELD || held->is_damaged) {
		outbox_item_free(held);
		return err_set(e, ERR_NOT_FOUND, "the queue has no digest %lld that collects",
		               (long long)id);
	}
	(void)FAULT("store.digest.release");
	sink = tx_sink_find(tx, held->sink.p);
	rc = write_release(tx, sink, held, n, e);
	outbox_item_free(held);
	if (rc < 0)
		return -1;
	outcome_count(tx, sink->id, OUTBOX_HELD, -1);
	outcome_count(tx, sink->id, OUTBOX_QUEUED, 1);
	return 0;
}

/* ---- what goes into it ---- */

static sqlite3_stmt *
bind(struct store_tx *tx, const char *sql, const struct folding_query *q, int64_t urgency,
     int64_t limit, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return NULL;
	tx_bind_i64(st, 1, tx_sink_find(tx, q->sink)->id);
	tx_bind_i64(st, 2, urgency);
	tx_bind_i64(st, 3, q->due_before_ms);
	tx_bind_i64(st, 4, q->tried_before_ms);
	tx_bind_i64(st, 5, limit);
	tx_bind_i64(st, 6, q->is_all);
	return st;
}

static bool
is_skipped(const struct folding_query *q, int64_t id)
{
	for (size_t i = 0; i < q->skip_count; i++) {
		if (q->skip[i] == id)
			return true;
	}
	return false;
}

static int
list_some(struct store_tx *tx, const char *sql, const struct folding_query *q, int64_t urgency,
          struct outbox_item **items, size_t *count, struct err *e)
{
	sqlite3_stmt *st =
		bind(tx, sql, q, urgency, (int64_t)(q->limit - *count + q->skip_count), e);
	int rc = 0;

	if (st == NULL)
		return -1;
	while (*count < q->limit && (rc = tx_step(tx, st, e)) > 0) {
		enum row_fault fault;
		if (is_skipped(q, sqlite3_column_int64(st, 0)))
			continue;
		struct outbox_item *item = row_read(tx, st, q->is_all, &fault, e);
		if (item == NULL && fault == ROW_SOUND) {
			rc = -1;
			break;
		}
		if (item != NULL)
			items[(*count)++] = item;
	}
	tx_reset(st);
	return rc < 0 ? -1 : 0;
}

int
folding_list(struct store_tx *tx, const struct folding_query *q, struct outbox_item ***ret,
             size_t *ret_count, struct err *e)
{
	struct outbox_item **items;
	size_t count = 0;
	int rc = 0;

	*ret = NULL;
	*ret_count = 0;
	if (tx_sink_find(tx, q->sink) == NULL)
		return 0;
	items = mem_calloc(q->limit, sizeof(struct outbox_item *));
	for (int64_t urgency = 0; rc == 0 && urgency < URGENCIES; urgency++)
		rc = list_some(tx, sql_due, q, urgency, items, &count, e);
	if (rc == 0 && q->tried_before_ms > 0)
		rc = list_some(tx, sql_tried, q, 0, items, &count, e);
	if (rc < 0 || count == 0) {
		outbox_items_free(items, count);
		return rc;
	}
	*ret = items;
	*ret_count = count;
	return 0;
}

static int
count_some(struct store_tx *tx, const char *sql, const struct folding_query *q, int64_t urgency,
           size_t *count, struct err *e)
{
	sqlite3_stmt *st = bind(tx, sql, q, urgency, (int64_t)(q->limit - *count), e);
	int rc = st ? tx_step(tx, st, e) : -1;

	if (rc <= 0)
		return rc;
	*count += (size_t)sqlite3_column_int64(st, 0);
	tx_reset(st);
	return 0;
}

int
folding_count(struct store_tx *tx, const struct folding_query *q, size_t *ret, struct err *e)
{
	int rc = 0;

	*ret = 0;
	if (tx_sink_find(tx, q->sink) == NULL)
		return 0;
	for (int64_t urgency = 0; rc == 0 && *ret < q->limit && urgency < URGENCIES; urgency++)
		rc = count_some(tx, sql_count_due, q, urgency, ret, e);
	if (rc == 0 && *ret < q->limit && q->tried_before_ms > 0)
		rc = count_some(tx, sql_count_tried, q, 0, ret, e);
	return rc;
}

/* Whether the next in line may follow it at once. 1, 0, or -1 with e. */
static int
may_follow(struct store_tx *tx, const struct outcome_row *row, int64_t before_ms, struct err *e)
{
	sqlite3_stmt *st;

	if (!row->has_next)
		return 0;
	if ((st = tx_stmt(tx, sql_next_made, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, row->memory);
	tx_bind_i64(st, 2, row->sink);
	tx_bind_i64(st, 3, row->id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc;
	rc = sqlite3_column_int64(st, 0) < before_ms;
	tx_reset(st);
	return rc;
}

int
folding_add(struct store_tx *tx, int64_t id, int64_t digest_id, int64_t next_before_ms,
            struct err *e)
{
	struct outcome_row row;
	sqlite3_stmt *st;
	int rc = outcome_read(tx, id, &row, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || row.state != OUTBOX_QUEUED)
		return 0;
	(void)FAULT("store.digest.fold");
	if ((rc = may_follow(tx, &row, next_before_ms, e)) < 0 ||
	    (st = tx_stmt(tx, sql_fold, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, digest_id);
	tx_bind_i64(st, 3, row.has_next && !rc);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	outcome_count(tx, row.sink, OUTBOX_QUEUED, -1);
	outcome_count(tx, row.sink, OUTBOX_FOLDED, 1);
	return rc > 0 ? outcome_unblock(tx, &row, e) : 0;
}
