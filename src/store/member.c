/*
 * member: which findings make up an alert that stands for several. See member.h.
 */
#include "config.h"

#include "store/member.h"

#include "store/tx.h"

static const char sql_add[] =
	"INSERT INTO member(memory, key, grp) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
static const char sql_remove[] = "DELETE FROM member WHERE memory = ?1 AND key = ?2";
static const char sql_find[] = "SELECT grp FROM member WHERE memory = ?1 AND key = ?2";
static const char sql_count[] =
	"SELECT count(*) FROM (SELECT 1 FROM member INDEXED BY member_grp WHERE grp = ?1 LIMIT ?2)";
static const char sql_forget_finding[] = "DELETE FROM member WHERE memory = ?1";
static const char sql_forget_alert[] = "DELETE FROM member WHERE grp = ?1";

int
member_add(struct store_tx *tx, int64_t memory_id, uint64_t key, int64_t grp, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_add, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory_id);
	tx_bind_i64(st, 2, (int64_t)key);
	tx_bind_i64(st, 3, grp);
	return tx_exec(tx, st, e);
}

int
member_remove(struct store_tx *tx, int64_t memory_id, uint64_t key, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_remove, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory_id);
	tx_bind_i64(st, 2, (int64_t)key);
	return tx_exec(tx, st, e);
}

int
member_find(struct store_tx *tx, int64_t memory_id, uint64_t key, int64_t *ret_grp, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_find, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory_id);
	tx_bind_i64(st, 2, (int64_t)key);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		*ret_grp = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc;
}

int
member_count(struct store_tx *tx, int64_t grp, uint32_t limit, uint32_t *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_count, e);

	*ret = 0;
	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, grp);
	tx_bind_i64(st, 2, limit);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		*ret = (uint32_t)sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

static int
forget(struct store_tx *tx, const char *sql, int64_t id, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e);
}

int
member_forget(struct store_tx *tx, int64_t memory_id, struct err *e)
{
	return forget(tx, sql_forget_finding, memory_id, e) < 0 ||
	                       forget(tx, sql_forget_alert, memory_id, e) < 0
	               ? -1
	               : 0;
}
