/*
 * cursor: how far each stream has been read. See cursor.h.
 */
#include "config.h"

#include "store/cursor.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/cursor_row.h"
#include "store/tx.h"

static const char sql_get[] = "SELECT " CURSOR_COLUMNS " FROM cursor WHERE source = ?1"
			      " AND account = ?2 AND region = ?3 AND stream = ?4";
static const char sql_set[] = "INSERT OR REPLACE INTO cursor(" CURSOR_COLUMNS
			      ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
static const char sql_delete[] =
	"DELETE FROM cursor WHERE source = ?1 AND account = ?2 AND region = ?3 AND stream = ?4";
static const char sql_list[] =
	"SELECT " CURSOR_COLUMNS " FROM cursor ORDER BY source, account, region, stream";

static sqlite3_stmt *
bind_key(struct store_tx *tx, const char *sql, const struct cursor *key, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st != NULL) {
		tx_bind_text(st, 1, span_of(key->source));
		tx_bind_text(st, 2, span_of(key->account));
		tx_bind_text(st, 3, span_of(key->region));
		tx_bind_i64(st, 4, (int64_t)key->stream);
	}
	return st;
}

static void
copy_name(char to[CURSOR_NAME_MAX + 1], struct span from)
{
	size_t len = from.len < CURSOR_NAME_MAX ? from.len : CURSOR_NAME_MAX;

	if (len > 0)
		memcpy(to, from.p, len);
	to[len] = '\0';
}

/* Never 0, which says that there is none. */
static int64_t
sum_of(const struct cursor *c)
{
	const int64_t numbers[] = { (int64_t)c->stream, c->watermark_ms, c->target_ms,
		                    c->started_ms,      c->start_kind,   c->start_ms,
		                    c->last_success_ms };
	uint64_t sum = tx_sum(5, numbers, sizeof(numbers));

	sum = tx_sum(sum, c->source, strlen(c->source));
	sum = tx_sum(sum, c->account, strlen(c->account));
	sum = tx_sum(sum, c->region, strlen(c->region));
	return sum ? (int64_t)sum : 1;
}

bool
cursor_row_read(sqlite3_stmt *st, struct cursor *ret)
{
	int64_t sum = sqlite3_column_int64(st, 10);

	memset(ret, 0, sizeof(*ret));
	copy_name(ret->source, tx_column(st, 0));
	copy_name(ret->account, tx_column(st, 1));
	copy_name(ret->region, tx_column(st, 2));
	ret->stream = (enum cursor_stream)sqlite3_column_int(st, 3);
	ret->watermark_ms = sqlite3_column_int64(st, 4);
	ret->target_ms = sqlite3_column_int64(st, 5);
	ret->started_ms = sqlite3_column_int64(st, 6);
	ret->start_kind = sqlite3_column_int(st, 7);
	ret->start_ms = sqlite3_column_int64(st, 8);
	ret->last_success_ms = sqlite3_column_int64(st, 9);
	return sum == 0 || sum == sum_of(ret);
}

static int
damaged(const struct store_tx *tx, const struct cursor *c, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"%s: damaged (the cursor of '%s' in '%s': its checksum is wrong); restore a backup, or "
		"run 'findingsctl db repair' to read the sources again from a time that you name",
		tx->path, c->source, c->region);
}

int
cursor_get(struct store_tx *tx, const struct cursor *key, struct cursor *ret, struct err *e)
{
	sqlite3_stmt *st = bind_key(tx, sql_get, key, e);
	int rc = st ? tx_step(tx, st, e) : -1;
	struct cursor found;

	if (rc <= 0)
		return rc;
	bool is_sound = cursor_row_read(st, &found);
	tx_reset(st);
	if (!is_sound)
		return damaged(tx, &found, e);
	*ret = found;
	return 1;
}

static bool
is_name(const char s[CURSOR_NAME_MAX + 1])
{
	return memchr(s, '\0', CURSOR_NAME_MAX + 1) != NULL;
}

int
cursor_set(struct store_tx *tx, const struct cursor *c, struct err *e)
{
	if (!is_name(c->source) || !is_name(c->account) || !is_name(c->region))
		return err_set(e, ERR_LIMIT, "cursor: a name of over %d bytes",
		               (int)CURSOR_NAME_MAX);
	sqlite3_stmt *st = bind_key(tx, sql_set, c, e);
	if (st == NULL)
		return -1;
	(void)FAULT("store.cursor.set");
	tx_bind_i64(st, 5, c->watermark_ms);
	tx_bind_i64(st, 6, c->target_ms);
	tx_bind_i64(st, 7, c->started_ms);
	tx_bind_i64(st, 8, c->start_kind);
	tx_bind_i64(st, 9, c->start_ms);
	tx_bind_i64(st, 10, c->last_success_ms);
	tx_bind_i64(st, 11, sum_of(c));
	return tx_exec(tx, st, e);
}

int
cursor_delete(struct store_tx *tx, const struct cursor *key, struct err *e)
{
	sqlite3_stmt *st = bind_key(tx, sql_delete, key, e);

	return st ? tx_exec(tx, st, e) : -1;
}

int
cursor_list(struct store_tx *tx, struct cursor **ret, size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_list, e);
	struct cursor *list = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = tx_step(tx, st, e)) > 0) {
		if (count == cap) {
			cap = cap ? cap * 2 : 16;
			list = mem_reallocn(list, cap, sizeof(*list));
		}
		if (!cursor_row_read(st, &list[count++])) {
			rc = damaged(tx, &list[count - 1], e);
			tx_reset(st);
			break;
		}
	}
	if (rc < 0) {
		mem_free(list);
		return -1;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}
