/*
 * watch: which findings with open notices have to be asked about again, and where. See memory.h.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "store/memory.h"
#include "store/tx.h"

enum { FINDING_MAX = 2048, LIST_MAX = 1000 };

static const char sql_origin[] = "SELECT id FROM origin WHERE key = ?1";
static const char sql_origin_new[] = "INSERT INTO origin(key) VALUES(?1)";
static const char sql_watch[] =
	"INSERT INTO watch(memory, origin, severity, checked_ms, finding) VALUES(?1, ?2, ?3, ?4, ?5)"
	" ON CONFLICT(memory, origin) DO UPDATE SET severity = excluded.severity,"
	" checked_ms = excluded.checked_ms, finding = excluded.finding";
static const char sql_list[] =
	"SELECT w.memory, w.checked_ms, w.severity, w.finding, m.identity FROM watch w"
	" INDEXED BY watch_checked JOIN memory m ON m.id = w.memory"
	" WHERE w.origin = ?1 AND w.checked_ms < ?2 AND w.severity >= ?3 ORDER BY w.checked_ms LIMIT ?4";
static const char sql_checked[] =
	"UPDATE watch SET checked_ms = ?3 WHERE memory = ?1 AND origin = ?2";
static const char sql_count[] =
	"SELECT count(*), min(checked_ms) FROM watch INDEXED BY watch_checked WHERE origin = ?1";

static void
origin_key(const struct memory_origin *origin, struct buf *ret)
{
	buf_clear(ret);
	(void)buf_add_str(ret, origin->source);
	(void)buf_add_char(ret, '\n');
	(void)buf_add_str(ret, origin->account);
	(void)buf_add_char(ret, '\n');
	(void)buf_add_str(ret, origin->region);
}

/* 1 and *ret_id, 0 unknown (only without is_new), -1. The last one is kept: a page has one origin. */
static int
find_origin(struct store_tx *tx, const struct memory_origin *origin, bool is_new, int64_t *ret_id,
            struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	origin_key(origin, &tx->scratch);
	struct span key = { tx->scratch.data, tx->scratch.len };
	if (tx->origin_id != 0 &&
	    span_eq(key, (struct span){ tx->origin_key.data, tx->origin_key.len })) {
		*ret_id = tx->origin_id;
		return 1;
	}
	if ((st = tx_stmt(tx, sql_origin, e)) == NULL)
		return -1;
	tx_bind_text(st, 1, key);
	if ((rc = tx_step(tx, st, e)) < 0)
		return -1;
	if (rc > 0) {
		*ret_id = sqlite3_column_int64(st, 0);
		tx_reset(st);
	} else if (!is_new) {
		return 0;
	} else {
		if ((st = tx_stmt(tx, sql_origin_new, e)) == NULL)
			return -1;
		tx_bind_text(st, 1, key);
		if (tx_exec(tx, st, e) < 0)
			return -1;
		*ret_id = sqlite3_last_insert_rowid(tx->db);
	}
	buf_clear(&tx->origin_key);
	(void)buf_add(&tx->origin_key, key.p, key.len);
	tx->origin_id = *ret_id;
	return 1;
}

int
memory_watch(struct store_tx *tx, int64_t id, const struct memory_origin *origin,
             struct span finding, int severity, int64_t checked_ms, struct err *e)
{
	int64_t origin_id;
	sqlite3_stmt *st;

	if (finding.len > FINDING_MAX)
		return 0; /* no API takes such an id: it cannot be asked about, and may not hold up its page */
	if (find_origin(tx, origin, true, &origin_id, e) < 0 ||
	    (st = tx_stmt(tx, sql_watch, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, origin_id);
	tx_bind_i64(st, 3, severity);
	tx_bind_i64(st, 4, checked_ms);
	tx_bind_text(st, 5, finding);
	return tx_exec(tx, st, e);
}

static struct memory_watched *
read_watched(sqlite3_stmt *st)
{
	struct span finding = tx_column(st, 3), identity = tx_column(st, 4);
	struct memory_watched *w = mem_zalloc(sizeof(*w) + finding.len + 1);
	char *text = (char *)(w + 1);

	w->id = sqlite3_column_int64(st, 0);
	w->checked_ms = sqlite3_column_int64(st, 1);
	w->severity = sqlite3_column_int(st, 2);
	if (finding.len > 0)
		memcpy(text, finding.p, finding.len);
	w->finding = (struct span){ text, finding.len };
	if (identity.len == sizeof(w->identity))
		memcpy(w->identity, identity.p, identity.len);
	return w;
}

int
memory_watch_list(struct store_tx *tx, const struct memory_origin *origin, int min_severity,
                  int64_t checked_before_ms, size_t limit, struct memory_watched ***ret,
                  size_t *ret_count, struct err *e)
{
	size_t max = limit < LIST_MAX ? limit : LIST_MAX, count = 0;
	int64_t origin_id;
	sqlite3_stmt *st;

	*ret = NULL;
	*ret_count = 0;
	int rc = find_origin(tx, origin, false, &origin_id, e);
	if (rc <= 0)
		return rc;
	if ((st = tx_stmt(tx, sql_list, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, origin_id);
	tx_bind_i64(st, 2, checked_before_ms);
	tx_bind_i64(st, 3, min_severity);
	tx_bind_i64(st, 4, (int64_t)max);
	struct memory_watched **list = mem_calloc(max, sizeof(struct memory_watched *));
	while (count < max && (rc = tx_step(tx, st, e)) > 0)
		list[count++] = read_watched(st);
	tx_reset(st);
	if (rc < 0) {
		memory_watched_free(list, count);
		return -1;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

void
memory_watched_free(struct memory_watched **w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(w[i]);
	mem_free(w);
}

int
memory_watch_checked(struct store_tx *tx, int64_t id, const struct memory_origin *origin,
                     int64_t checked_ms, struct err *e)
{
	int64_t origin_id;
	sqlite3_stmt *st;
	int rc = find_origin(tx, origin, false, &origin_id, e);

	if (rc <= 0)
		return rc;
	if ((st = tx_stmt(tx, sql_checked, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, origin_id);
	tx_bind_i64(st, 3, checked_ms);
	return tx_exec(tx, st, e);
}

int
memory_watch_count(struct store_tx *tx, const struct memory_origin *origin, uint64_t *ret_count,
                   int64_t *ret_oldest_ms, struct err *e)
{
	int64_t origin_id;
	sqlite3_stmt *st;
	int rc = find_origin(tx, origin, false, &origin_id, e);

	*ret_count = 0;
	*ret_oldest_ms = 0;
	if (rc <= 0)
		return rc;
	if ((st = tx_stmt(tx, sql_count, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, origin_id);
	if ((rc = tx_step(tx, st, e)) <= 0)
		return rc;
	*ret_count = (uint64_t)sqlite3_column_int64(st, 0);
	*ret_oldest_ms = sqlite3_column_int64(st, 1);
	tx_reset(st);
	return 0;
}
