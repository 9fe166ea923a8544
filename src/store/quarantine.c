/*
 * quarantine: what could not be understood. See quarantine.h.
 */
#include "config.h"

#include "store/quarantine.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/tx.h"

static const char sql_add[] =
	"INSERT INTO quarantine(at_ms, place, reason, sum, body) VALUES(?1, ?2, ?3, ?4, ?5)"
	" ON CONFLICT(sum) DO NOTHING";
static const char sql_bound[] =
	"DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?1";
static const char sql_list[] =
	"SELECT id, at_ms, length(body), place, reason FROM quarantine WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char sql_body[] = "SELECT body FROM quarantine WHERE id = ?1";
static const char sql_drop[] = "DELETE FROM quarantine WHERE id = ?1";

int
quarantine_add(struct store_tx *tx, const char *where, const char *reason, struct span body,
               int64_t now_ms, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_add, e);

	if (st == NULL)
		return -1;
	if (body.len > QUARANTINE_BODY_MAX)
		body.len = QUARANTINE_BODY_MAX;
	tx_bind_i64(st, 1, now_ms);
	tx_bind_text(st, 2, (struct span){ where, str_utf8_cut(where, strlen(where), 200) });
	tx_bind_text(
		st, 3,
		(struct span){ reason, str_utf8_cut(reason, strlen(reason), ERR_TEXT_BYTES - 1) });
	tx_bind_i64(st, 4, (int64_t)tx_sum(tx_sum(7, where, strlen(where)), body.p, body.len));
	tx_bind_blob(st, 5, body);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	if ((st = tx_stmt(tx, sql_bound, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, QUARANTINE_MAX);
	return tx_exec(tx, st, e);
}

int
quarantine_list(struct store_tx *tx, int64_t after_id, size_t limit, struct quarantine_row **ret,
                size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_list, e);
	size_t max = limit < 1000 ? limit : 1000, count = 0;
	int rc = 0;

	if (st == NULL)
		return -1;
	struct quarantine_row *rows = mem_calloc(max, sizeof(*rows));
	tx_bind_i64(st, 1, after_id);
	tx_bind_i64(st, 2, (int64_t)max);
	while (count < max && (rc = tx_step(tx, st, e)) > 0) {
		struct quarantine_row *row = &rows[count++];
		struct span where = tx_column(st, 3), reason = tx_column(st, 4);
		row->id = sqlite3_column_int64(st, 0);
		row->at_ms = sqlite3_column_int64(st, 1);
		row->body_bytes = (size_t)sqlite3_column_int64(st, 2);
		(void)snprintf(row->where, sizeof(row->where), "%.*s", SPAN_FMT(where));
		(void)snprintf(row->reason, sizeof(row->reason), "%.*s", SPAN_FMT(reason));
	}
	tx_reset(st);
	if (rc < 0) {
		mem_free(rows);
		return -1;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

int
quarantine_body(struct store_tx *tx, int64_t id, struct buf *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_body, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		struct span body = tx_column(st, 0);
		if (buf_add(ret, body.p, body.len) < 0)
			rc = err_set(e, ERR_LIMIT, "quarantine %lld: too long for its reader",
			             (long long)id);
		tx_reset(st);
	}
	return rc;
}

int
quarantine_drop(struct store_tx *tx, int64_t id, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_drop, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	if (sqlite3_changes(tx->db) == 0)
		return err_set(e, ERR_NOT_FOUND, "quarantine has no item %lld", (long long)id);
	return 0;
}
