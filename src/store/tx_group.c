/*
 * tx_group: groups and savepoints, and what follows them in memory: sinks and their numbers, the hot index, what is doomed. See
 * tx.h.
 */
#include "config.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/tx.h"
#include "store/wal.h"

static const char sql_sinks[] =
	"SELECT id, name, queued, blocked, done, dead, cancelled, dropped, held, folded FROM sink ORDER BY id";

static struct tx_sink *
sink_append(struct store_tx *tx)
{
	if (tx->sink_count == tx->sink_cap) {
		tx->sink_cap = tx->sink_cap ? tx->sink_cap * 2 : 8;
		tx->sinks = mem_reallocn(tx->sinks, tx->sink_cap, sizeof(*tx->sinks));
	}
	struct tx_sink *sink = &tx->sinks[tx->sink_count++];
	memset(sink, 0, sizeof(*sink));
	return sink;
}

static void
sink_set_name(struct tx_sink *sink, struct span name)
{
	size_t len = name.len < sizeof(sink->name) ? name.len : sizeof(sink->name) - 1;

	if (len > 0)
		memcpy(sink->name, name.p, len);
	sink->name[len] = '\0';
}

int
tx_load_sinks(struct store_tx *tx, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_sinks, e);
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = tx_step(tx, st, e)) > 0) {
		if (tx->sink_count == TX_SINKS_MAX) {
			tx_reset(st);
			return err_set(e, ERR_CORRUPT,
			               "%s: over %d sinks; run 'findingsctl db check'", tx->path,
			               TX_SINKS_MAX);
		}
		struct tx_sink *sink = sink_append(tx);
		sink->id = sqlite3_column_int64(st, 0);
		sink_set_name(sink, tx_column(st, 1));
		for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
			sink->count[i] = sqlite3_column_int64(st, 2 + i);
	}
	return rc;
}

/* A number from a statement of one row and one column; 0 where it is NULL or no row. */
static int
read_number(struct store_tx *tx, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	int rc = st ? tx_step(tx, st, e) : -1;

	*ret = 0;
	if (rc > 0) {
		*ret = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

static const char sql_merged[] =
	"SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'store.ident.merged'";
static const char sql_count[] =
	"SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'store.memory.count'";
static const char sql_is_marked[] = "SELECT 1 FROM meta WHERE key = '" WAL_MARK_KEY "'";
static const char sql_max_memory[] = "SELECT max(id) FROM memory";
static const char sql_unmerged[] = "SELECT id, identity FROM memory WHERE id > ?1 ORDER BY id";

/* 1: the index is full, *ret_last is the last that it took. */
static int
load_some(struct store_tx *tx, int64_t *ret_last, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_unmerged, e);
	int rc;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, tx->merged_id);
	while ((rc = tx_step(tx, st, e)) > 0) {
		struct span identity = tx_column(st, 1);
		uint64_t hash = 0;
		if (identity.len >= sizeof(hash)) /* else damaged, and found by nobody */
			memcpy(&hash, identity.p, sizeof(hash));
		if (!hot_add(&tx->hot, hash, sqlite3_column_int64(st, 0))) {
			tx_reset(st);
			return 1;
		}
		*ret_last = sqlite3_column_int64(st, 0);
	}
	return rc;
}

static int merge(struct store_tx *tx, int64_t merged, struct err *e);

/* A crash may leave more rows behind the last move than the index holds: move on the way. */
static int
load_hot(struct store_tx *tx, struct err *e)
{
	int64_t last = tx->merged_id;
	int rc;

	while ((rc = load_some(tx, &last, e)) > 0) {
		if (merge(tx, last, e) < 0)
			return -1;
	}
	return rc;
}

int
tx_load(struct store_tx *tx, struct err *e)
{
	int64_t max_id = 0, mark = 0;

	if (tx_load_sinks(tx, e) < 0 || read_number(tx, sql_merged, &tx->merged_id, e) < 0 ||
	    read_number(tx, sql_count, &tx->memory_count, e) < 0 ||
	    read_number(tx, sql_max_memory, &max_id, e) < 0)
		return -1;
	if (read_number(tx, sql_is_marked, &mark, e) < 0)
		return -1;
	tx->is_marked = mark != 0;
	tx->next_memory_id = (max_id > tx->merged_id ? max_id : tx->merged_id) + 1;
	return doom_load(tx, e) < 0 ? -1 : load_hot(tx, e);
}

struct tx_sink *
tx_sink_find(struct store_tx *tx, const char *name)
{
	for (size_t i = 0; i < tx->sink_count; i++) {
		if (strcmp(tx->sinks[i].name, name) == 0)
			return &tx->sinks[i];
	}
	return NULL;
}

struct tx_sink *
tx_sink_by_id(struct store_tx *tx, int64_t id)
{
	for (size_t i = 0; i < tx->sink_count; i++) {
		if (tx->sinks[i].id == id)
			return &tx->sinks[i];
	}
	return NULL;
}

static const char sql_sink_new[] =
	"INSERT INTO sink(name, queued, blocked, done, dead, cancelled, dropped) VALUES(?1,0,0,0,0,0,0)";

struct tx_sink *
tx_sink(struct store_tx *tx, const char *name, struct err *e)
{
	struct tx_sink *sink = tx_sink_find(tx, name);
	sqlite3_stmt *st;

	if (sink != NULL)
		return sink;
	if (name[0] == '\0' || strlen(name) > TX_SINK_NAME_MAX || tx->sink_count == TX_SINKS_MAX) {
		(void)err_set(
			e, ERR_LIMIT,
			"sink '%.80s': the store takes names of 1 to %d bytes, and %d of them",
			name, TX_SINK_NAME_MAX, TX_SINKS_MAX);
		return NULL;
	}
	if ((st = tx_stmt(tx, sql_sink_new, e)) == NULL)
		return NULL;
	tx_bind_text(st, 1, span_of(name));
	if (tx_exec(tx, st, e) < 0)
		return NULL;
	sink = sink_append(tx);
	sink->id = sqlite3_last_insert_rowid(tx->db);
	sink_set_name(sink, span_of(name));
	sink->is_new = true;
	return sink;
}

int
tx_group_begin(struct store_tx *tx, struct err *e)
{
	tx->rc = 0;
	tx->sink_mark_group = tx->sink_mark_job = tx->sink_count;
	tx->hot_mark_group = tx->hot_mark_job = tx->hot.count;
	doom_group_begin(&tx->doom);
	if (!sqlite3_get_autocommit(tx->db))
		return 0; /* read-only: the one transaction that never ends */
	return tx_sql(tx, "BEGIN IMMEDIATE", e);
}

int
tx_job_begin(struct store_tx *tx, bool is_alone, struct err *e)
{
	tx->rc = 0;
	tx->sink_mark_job = tx->sink_count;
	tx->hot_mark_job = tx->hot.count;
	doom_job_begin(&tx->doom);
	if (is_alone && !tx->is_read_only)
		return 0;
	return tx_sql(tx, "SAVEPOINT job", e);
}

static void
forget_origin(struct store_tx *tx)
{
	tx->origin_id = 0;
	buf_clear(&tx->origin_key);
}

static void
fold_job(struct store_tx *tx, bool is_ok)
{
	for (size_t i = 0; i < tx->sink_count; i++) {
		struct tx_sink *sink = &tx->sinks[i];
		for (int k = 0; k < OUTBOX_STATE_COUNT; k++) {
			if (is_ok)
				sink->group[k] += sink->job[k];
			sink->job[k] = 0;
		}
	}
	if (is_ok)
		tx->memory_group += tx->memory_job;
	tx->memory_job = 0;
	if (is_ok)
		return;
	tx->sink_count = tx->sink_mark_job;
	hot_truncate(&tx->hot, tx->hot_mark_job);
	doom_job_undo(&tx->doom);
	forget_origin(tx);
}

int
tx_job_end(struct store_tx *tx, bool is_alone, bool is_ok, struct err *e)
{
	fold_job(tx, is_ok);
	if (sqlite3_get_autocommit(tx->db))
		return tx_fail_rc(tx->rc ? tx->rc : SQLITE_ABORT, "the transaction was lost",
		                  tx->path, e);
	if (is_alone && !tx->is_read_only)
		return 0;
	if (!is_ok && tx_sql(tx, "ROLLBACK TO job", e) < 0)
		return -1;
	return tx_sql(tx, "RELEASE job", e);
}

static const char sql_sink_numbers[] =
	"UPDATE sink SET queued = queued + ?2, blocked = blocked + ?3, done = done + ?4, dead = dead + ?5,"
	" cancelled = cancelled + ?6, dropped = dropped + ?7, held = held + ?8, folded = folded + ?9 WHERE id = ?1";
static const char sql_set_count[] = "INSERT INTO meta(key, value) VALUES('store.memory.count', ?1)"
				    " ON CONFLICT(key) DO UPDATE SET value = excluded.value";

static const char sql_mark[] =
	"INSERT OR REPLACE INTO meta(key, value) VALUES('" WAL_MARK_KEY "', '1')";

/* The numbers that jobs changed, once per group. */
static int
write_numbers(struct store_tx *tx, struct err *e)
{
	sqlite3_stmt *st;

	for (size_t i = 0; i < tx->sink_count; i++) {
		struct tx_sink *sink = &tx->sinks[i];
		bool is_changed = false;
		for (int k = 0; k < OUTBOX_STATE_COUNT; k++)
			is_changed |= sink->group[k] != 0;
		if (!is_changed)
			continue;
		if ((st = tx_stmt(tx, sql_sink_numbers, e)) == NULL)
			return -1;
		tx_bind_i64(st, 1, sink->id);
		for (int k = 0; k < OUTBOX_STATE_COUNT; k++)
			tx_bind_i64(st, 2 + k, sink->group[k]);
		if (tx_exec(tx, st, e) < 0)
			return -1;
	}
	if ((!tx->is_marked || tx->is_probing) && !tx->is_read_only &&
	    ((st = tx_stmt(tx, sql_mark, e)) == NULL || tx_exec(tx, st, e) < 0))
		return -1;
	if (tx->memory_group == 0)
		return 0;
	if ((st = tx_stmt(tx, sql_set_count, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, tx->memory_count + tx->memory_group);
	return tx_exec(tx, st, e);
}

static void
fold_group(struct store_tx *tx, bool is_ok)
{
	for (size_t i = 0; i < tx->sink_count; i++) {
		struct tx_sink *sink = &tx->sinks[i];
		for (int k = 0; k < OUTBOX_STATE_COUNT; k++) {
			if (is_ok)
				sink->count[k] += sink->group[k];
			sink->group[k] = 0;
		}
		sink->is_new = false;
	}
	if (is_ok)
		tx->memory_count += tx->memory_group;
	tx->memory_group = 0;
}

int
tx_group_commit(struct store_tx *tx, struct err *e)
{
	(void)FAULT("store.commit.before");
	if (write_numbers(tx, e) < 0 || doom_write(tx, false, e) < 0)
		return -1;
	if (FAULT("store.commit.fail"))
		return tx_fail_rc(SQLITE_FULL, "fault point", tx->path, e);
	if (FAULT("store.commit.ioerr")) {
		tx->is_io_broken = true;
		return tx_fail_rc(SQLITE_IOERR_FSYNC, "fault point", tx->path, e);
	}
	if (!tx->is_read_only && tx_sql(tx, "COMMIT", e) < 0)
		return -1;
	(void)FAULT("store.commit.after");
	tx->is_marked = true;
	fold_group(tx, true);
	doom_group_done(&tx->doom);
	return 0;
}

void
tx_group_abort(struct store_tx *tx)
{
	if (!sqlite3_get_autocommit(tx->db) && !tx->is_read_only)
		(void)sqlite3_exec(tx->db, "ROLLBACK", NULL, NULL, NULL);
	fold_job(tx, false);
	fold_group(tx, false);
	tx->sink_count = tx->sink_mark_group;
	hot_truncate(&tx->hot, tx->hot_mark_group);
	doom_group_undo(&tx->doom);
	forget_origin(tx);
}

static const char sql_ident_add[] = "INSERT OR IGNORE INTO ident(h, id) VALUES(?1, ?2)";
static const char sql_set_merged[] = "INSERT INTO meta(key, value) VALUES('store.ident.merged', ?1)"
				     " ON CONFLICT(key) DO UPDATE SET value = excluded.value";

static int
write_hot(struct store_tx *tx, const struct hot_entry *sorted, int64_t merged, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_ident_add, e);

	for (size_t i = 0; i < tx->hot.count; i++) {
		if (st == NULL)
			return -1;
		tx_bind_i64(st, 1, (int64_t)sorted[i].hash);
		tx_bind_i64(st, 2, sorted[i].id);
		if (tx_exec(tx, st, e) < 0)
			return -1;
	}
	if ((st = tx_stmt(tx, sql_set_merged, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, merged);
	return tx_exec(tx, st, e);
}

/* All rows up to the one merged are found through the table from now on. */
static int
merge(struct store_tx *tx, int64_t merged, struct err *e)
{
	if (tx_group_begin(tx, e) < 0)
		return -1;
	(void)FAULT("store.merge.before");
	struct hot_entry *sorted = hot_sorted(&tx->hot);
	int rc = write_hot(tx, sorted, merged, e);
	mem_free(sorted);
	if (rc < 0 || tx_group_commit(tx, e) < 0) {
		tx_group_abort(tx);
		return -1;
	}
	tx->merged_id = merged;
	hot_clear(&tx->hot);
	return 0;
}

int
tx_merge_hot(struct store_tx *tx, struct err *e)
{
	return merge(tx, tx->next_memory_id - 1, e);
}

int
tx_sweep(struct store_tx *tx, struct err *e)
{
	if (tx->doom.count <= DOOM_KEEP)
		return 0;
	if (tx_group_begin(tx, e) == 0 && doom_write(tx, true, e) == 0 &&
	    tx_group_commit(tx, e) == 0)
		return 0;
	tx_group_abort(tx);
	return -1;
}
