/*
 * audit: who was told what. See audit.h.
 */
#include "config.h"

#include "store/audit.h"

#include <string.h>

#include "base/mem.h"
#include "store/memory.h"
#include "store/row.h"

static const char sql_attempts[] =
	"SELECT number, at_ms, took_ms, answer FROM attempt WHERE item = ?1 ORDER BY id LIMIT ?2";
static const char sql_history[] =
	"SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND id > ?2"
	" ORDER BY id LIMIT ?3";
static const char sql_subject[] =
	"SELECT subject FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND subject <> ''"
	" ORDER BY id DESC LIMIT 1";
static const char sql_recent[] = "SELECT " ROW_COLUMNS " FROM outbox ORDER BY id DESC LIMIT ?1";

int
audit_attempts(struct store_tx *tx, int64_t item_id, struct audit_attempt *ret, size_t max,
               size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_attempts, e);
	size_t count = 0;
	int rc = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, item_id);
	tx_bind_i64(st, 2, (int64_t)max);
	while (count < max && (rc = tx_step(tx, st, e)) > 0) {
		struct audit_attempt *a = &ret[count++];
		struct span answer = tx_column(st, 3);
		if (answer.len > OUTBOX_ANSWER_MAX)
			answer.len = OUTBOX_ANSWER_MAX;
		a->item_id = item_id;
		a->number = (uint32_t)sqlite3_column_int64(st, 0);
		a->at_ms = sqlite3_column_int64(st, 1);
		a->took_ms = sqlite3_column_int64(st, 2);
		if (answer.len > 0)
			memcpy(a->answer, answer.p, answer.len);
		a->answer[answer.len] = '\0';
	}
	tx_reset(st);
	*ret_count = count;
	return rc < 0 ? -1 : 0;
}

int
audit_subject(struct store_tx *tx, int64_t memory_id, struct buf *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_subject, e);

	buf_clear(ret);
	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory_id);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		struct span subject = tx_column(st, 0);
		(void)buf_add(ret, subject.p, subject.len);
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

int
audit_history(struct store_tx *tx, const unsigned char identity[32], int64_t after_id, size_t limit,
              struct outbox_item ***ret, size_t *ret_count, struct err *e)
{
	size_t max = limit < OUTBOX_FETCH_MAX ? limit : OUTBOX_FETCH_MAX;
	struct span state;
	int64_t memory;
	sqlite3_stmt *st;

	*ret = NULL;
	*ret_count = 0;
	int rc = memory_get(tx, identity, &memory, &state, NULL, e);
	if (rc <= 0)
		return rc;
	if ((st = tx_stmt(tx, sql_history, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, memory);
	tx_bind_i64(st, 2, after_id);
	tx_bind_i64(st, 3, (int64_t)max);
	return row_read_all(tx, st, max, ret, ret_count, e);
}

int
audit_recent(struct store_tx *tx, size_t limit, struct outbox_item ***ret, size_t *ret_count,
             struct err *e)
{
	size_t max = limit < OUTBOX_FETCH_MAX ? limit : OUTBOX_FETCH_MAX;
	sqlite3_stmt *st = tx_stmt(tx, sql_recent, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, (int64_t)max);
	return row_read_all(tx, st, max, ret, ret_count, e);
}
