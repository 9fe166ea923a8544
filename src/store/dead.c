/*
 * dead: what was finished and goes again: its place in line, and the dead letters. See outbox.h and outcome.h.
 */
#include "config.h"

#include <string.h>

#include "store/outcome.h"

static const char sql_requeue[] =
	"UPDATE outbox SET state = ?2, finished_ms = 0, due_ms = ?3, asked_ms = ?4,"
	" digest = CASE WHEN state = 2 THEN digest ELSE 0 END,"
	" has_next = ?5 WHERE id = ?1";
static const char sql_set_event[] = "UPDATE outbox SET event = ?2 WHERE id = ?1";
static const char sql_live_before[] =
	"SELECT id FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND sink = ?2 AND id < ?3"
	" AND state IN (0, 1, 7) ORDER BY id DESC LIMIT 1";
static const char sql_live_after[] =
	"SELECT id, state FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND sink = ?2 AND id > ?3"
	" AND state IN (0, 1) ORDER BY id LIMIT 1";
static const char sql_mark_next[] = "UPDATE outbox SET has_next = 1 WHERE id = ?1";
static const char sql_block[] = "UPDATE outbox SET state = 1 WHERE id = ?1";
static const char sql_is_open[] = "SELECT is_open FROM memory WHERE id = ?1";

static int
find_dead(struct store_tx *tx, int64_t id, struct outcome_row *ret, struct err *e)
{
	int rc = outcome_read(tx, id, ret, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || ret->state != OUTBOX_DEAD)
		return err_set(e, ERR_NOT_FOUND,
		               "%lld is no dead letter; see 'findingsctl dead list'",
		               (long long)id);
	return 0;
}

static int
is_finding_open(struct store_tx *tx, int64_t memory, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_is_open, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		rc = sqlite3_column_int(st, 0) != 0;
		tx_reset(st);
	}
	return rc;
}

/* The id of the nearest of its line, 0 none. */
static int
find_neighbour(struct store_tx *tx, const char *sql, const struct outcome_row *row, int64_t *ret,
               int64_t *ret_state, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	int rc;

	*ret = 0;
	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, row->memory);
	tx_bind_i64(st, 2, row->sink);
	tx_bind_i64(st, 3, row->id);
	if ((rc = tx_step(tx, st, e)) <= 0)
		return rc;
	*ret = sqlite3_column_int64(st, 0);
	if (ret_state != NULL)
		*ret_state = sqlite3_column_int64(st, 1);
	tx_reset(st);
	return 0;
}

static int
exec_on(struct store_tx *tx, const char *sql, int64_t id, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e);
}

/* Its place in line: *ret_before and *ret_after are 0 at the ends. What comes after it and could go has to wait. */
static int
find_place(struct store_tx *tx, const struct outcome_row *row, int64_t *ret_before,
           int64_t *ret_after, struct err *e)
{
	int64_t state = OUTBOX_BLOCKED;

	*ret_before = *ret_after = 0;
	if (row->memory == 0)
		return 0;
	if (find_neighbour(tx, sql_live_before, row, ret_before, NULL, e) < 0 ||
	    find_neighbour(tx, sql_live_after, row, ret_after, &state, e) < 0)
		return -1;
	if (*ret_before != 0 && exec_on(tx, sql_mark_next, *ret_before, e) < 0)
		return -1;
	if (*ret_after == 0 || state != OUTBOX_QUEUED)
		return 0;
	outcome_count(tx, row->sink, OUTBOX_QUEUED, -1);
	outcome_count(tx, row->sink, OUTBOX_BLOCKED, 1);
	return exec_on(tx, sql_block, *ret_after, e);
}

int
outcome_requeue(struct store_tx *tx, const struct outcome_row *row, int64_t due_ms,
                int64_t asked_ms, struct err *e)
{
	int64_t before, after;
	sqlite3_stmt *st;

	if (outcome_keep_last(tx, row, e) < 0 || find_place(tx, row, &before, &after, e) < 0 ||
	    (st = tx_stmt(tx, sql_requeue, e)) == NULL)
		return -1;
	enum outbox_state state = before ? OUTBOX_BLOCKED : OUTBOX_QUEUED;
	tx_bind_i64(st, 1, row->id);
	tx_bind_i64(st, 2, (int64_t)state);
	tx_bind_i64(st, 3, due_ms);
	tx_bind_i64(st, 4, asked_ms);
	tx_bind_i64(st, 5, after != 0);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	outcome_count(tx, row->sink, row->state, -1);
	outcome_count(tx, row->sink, state, 1);
	return 0;
}

/* Whether it still is what was queued: damaged, it would only die again. */
static int
check_sound(struct store_tx *tx, int64_t id, struct err *e)
{
	struct outbox_item *item = NULL;
	int rc = outbox_get(tx, id, &item, e);
	bool is_sound = rc > 0 && !item->is_damaged && item->event.len > 0;

	if (rc > 0)
		outbox_item_free(item);
	if (rc < 0)
		return -1;
	return is_sound ? 0
	                : err_set(e, ERR_CONFIG,
	                          "%lld is damaged and cannot be sent; 'findingsctl dead show' has "
	                          "what is left of it, 'findingsctl dead drop' gives it up",
	                          (long long)id);
}

/* An open alert that nobody will ever close. */
static int
check_closes(struct store_tx *tx, const struct outcome_row *row, struct err *e)
{
	int is_open;

	if (!outcome_is_opening(row->change) || row->memory == 0)
		return 0;
	if ((is_open = is_finding_open(tx, row->memory, e)) < 0)
		return -1;
	return is_open ? 0
	               : err_set(e, ERR_CONFIG,
	                         "%lld opens an alert whose finding is closed since; nothing would "
	                         "close it again: use --force to send it all the same",
	                         (long long)row->id);
}

int
dead_retry(struct store_tx *tx, int64_t id, bool is_forced, int64_t now_ms, struct err *e)
{
	struct outcome_row row;

	if (find_dead(tx, id, &row, e) < 0 || check_sound(tx, id, e) < 0)
		return -1;
	if (!is_forced && check_closes(tx, &row, e) < 0)
		return -1;
	return outcome_requeue(tx, &row, now_ms, now_ms, e);
}

/* The event that it was delivered with, under a number of its own: that of the old one may be deleted any moment. */
static int
copy_event(struct store_tx *tx, int64_t id, struct err *e)
{
	struct outbox_item *item = NULL;
	int64_t event = 0;
	sqlite3_stmt *st;
	int rc = outbox_get(tx, id, &item, e);

	if (rc <= 0)
		return rc;
	if (item->is_damaged || item->event.len == 0)
		rc = err_set(
			e, ERR_CONFIG,
			item->is_damaged
				? "%lld is damaged and cannot be sent"
				: "%lld cannot be sent again: its event is no longer kept (those of "
				  "some hundred deliveries that ended last are)",
			(long long)id);
	else
		rc = outbox_event_add(tx, item->event, &event, e);
	outbox_item_free(item);
	if (rc < 0 || (st = tx_stmt(tx, sql_set_event, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, event);
	return tx_exec(tx, st, e);
}

int
outbox_replay(struct store_tx *tx, int64_t id, bool is_forced, int64_t now_ms, struct err *e)
{
	struct outcome_row row;
	int rc = outcome_read(tx, id, &row, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no notice has the id %lld", (long long)id);
	if (row.state != OUTBOX_DONE)
		return err_set(e, ERR_CONFIG, "%lld was not delivered: it is %s%s", (long long)id,
		               outbox_state_name(row.state),
		               row.state == OUTBOX_DEAD ? "; 'findingsctl dead retry' sends it"
		                                        : "");
	if (row.memory == 0)
		return err_set(
			e, ERR_CONFIG,
			"%lld is of no single finding (a digest, or an alert of findingsd's own)",
			(long long)id);
	if ((!is_forced && check_closes(tx, &row, e) < 0) || copy_event(tx, id, e) < 0)
		return -1;
	return outcome_requeue(tx, &row, now_ms, now_ms, e);
}

int
dead_drop(struct store_tx *tx, int64_t id, int64_t now_ms, struct err *e)
{
	struct outbox_outcome o = { .now_ms = now_ms }; /* the last answer stays: it is why */
	struct outcome_row row;

	if (find_dead(tx, id, &row, e) < 0)
		return -1;
	return outcome_set(tx, &row, OUTBOX_DROPPED, &o, e);
}
