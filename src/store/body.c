/*
 * body: the bytes of events, each stored once. See body.h.
 */
#include "config.h"

#include "store/body.h"

#include "store/outbox.h"

static const char sql_event_add[] = "INSERT INTO event(id, sum, body) VALUES(?1, ?2, ?3)";
static const char sql_event_max[] = "SELECT max(id) FROM event";
/* A state of 0, 1, 3 or 7: for IN, SQLite makes and drops a table at each call, a sixth of the whole thread's work. */
static const char sql_event_needed[] = "SELECT 1 FROM outbox INDEXED BY outbox_memory"
				       " WHERE memory = ?1 AND event = ?2 AND 139 >> state & 1"
				       " LIMIT 1";

int
outbox_event_add(struct store_tx *tx, struct span body, int64_t *ret_id, struct err *e)
{
	sqlite3_stmt *st;

	if (body.len == 0 || body.len > OUTBOX_EVENT_MAX)
		return err_set(e, ERR_LIMIT, "store: an event of %zu bytes, at most %d", body.len,
		               (int)OUTBOX_EVENT_MAX);
	if (tx_check_space(tx, e) < 0)
		return -1;
	if (tx->next_event_id == 0) {
		if ((st = tx_stmt(tx, sql_event_max, e)) == NULL || tx_step(tx, st, e) < 0)
			return -1;
		tx->next_event_id = sqlite3_column_int64(st, 0) + 1;
		tx_reset(st);
	}
	if ((st = tx_stmt(tx, sql_event_add, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, tx->next_event_id);
	tx_bind_i64(st, 2, (int64_t)tx_sum((uint64_t)tx->next_event_id, body.p, body.len));
	tx_bind_blob(st, 3, body);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	*ret_id = tx->next_event_id++;
	return 0;
}

int
body_release(struct store_tx *tx, int64_t memory, int64_t event, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (event == 0)
		return 0;
	if ((st = tx_stmt(tx, sql_event_needed, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, memory);
	tx_bind_i64(st, 2, event);
	if ((rc = tx_step(tx, st, e)) != 0) {
		tx_reset(st);
		return rc < 0 ? -1 : 0;
	}
	return doom_add(tx, event, e);
}
