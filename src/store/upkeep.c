/*
 * upkeep: forgetting what is too old, in small pieces. See store.h.
 *
 * Two hands walk the tables, outbox and memory, by id, a chunk a call; a hand that comes to the end says that there is no more and
 * starts again at the next round. A finding with an open notice is kept for 100 days more: reconcile still asks about it. What was
 * told of it is kept until it is closed: the record says what its last notice, perhaps of months later, is about.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/body.h"
#include "store/member.h"
#include "store/store.h"
#include "store/tx.h"

enum { CHUNK = 500, VACUUM_PAGES = 256, FREE_KEPT_PAGES = 2048 };
#define OPEN_KEPT_MS (100 * INT64_C(86400000))

static const char sql_items[] =
	"SELECT id, memory, event, state, sink, finished_ms FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char sql_is_open[] = "SELECT is_open FROM memory WHERE id = ?1";
static const char sql_drop_item[] = "DELETE FROM outbox WHERE id = ?1";
static const char sql_drop_attempts[] = "DELETE FROM attempt WHERE item = ?1";
static const char sql_memories[] =
	"SELECT id, identity, seen_ms, is_open FROM memory WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char sql_drop_memory[] = "DELETE FROM memory WHERE id = ?1";
static const char sql_drop_ident[] = "DELETE FROM ident WHERE h = ?1 AND id = ?2";
static const char sql_drop_watch[] = "DELETE FROM watch WHERE memory = ?1";
static const char sql_drop_quarantine[] = "DELETE FROM quarantine WHERE at_ms < ?1";
static const char sql_free_pages[] = "PRAGMA freelist_count";
static const char sql_pages[] = "PRAGMA page_count";

struct old_item {
	int64_t id, memory, event, sink;
	enum outbox_state state;
};

static int
drop_by_id(struct store_tx *tx, const char *sql, int64_t id, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e);
}

static int
drop_item(struct store_tx *tx, const struct old_item *old, struct err *e)
{
	struct tx_sink *sink = tx_sink_by_id(tx, old->sink);

	if (drop_by_id(tx, sql_drop_item, old->id, e) < 0 ||
	    drop_by_id(tx, sql_drop_attempts, old->id, e) < 0)
		return -1;
	if (sink != NULL && (old->state == OUTBOX_DEAD || old->state == OUTBOX_DROPPED))
		sink->job[old->state]--; /* what was delivered or cancelled stays counted */
	/* The event of a delivered one was doomed when it was delivered. */
	return old->state == OUTBOX_DONE ? 0 : body_release(tx, old->memory, old->event, e);
}

static int
is_alert_open(struct store_tx *tx, int64_t memory, struct err *e)
{
	sqlite3_stmt *st = memory ? tx_stmt(tx, sql_is_open, e) : NULL;

	if (st == NULL)
		return memory ? -1 : 0;
	tx_bind_i64(st, 1, memory);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		rc = sqlite3_column_int(st, 0) != 0;
		tx_reset(st);
	}
	return rc;
}

static int
prune_items(struct store_tx *tx, int64_t before_ms, bool *ret_more, struct err *e)
{
	struct old_item old[CHUNK];
	sqlite3_stmt *st = tx_stmt(tx, sql_items, e);
	size_t count = 0, seen = 0;
	int64_t last = tx->prune_outbox_id;
	int rc;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, last);
	tx_bind_i64(st, 2, CHUNK);
	while ((rc = tx_step(tx, st, e)) > 0 && seen < CHUNK) {
		int64_t finished_ms = sqlite3_column_int64(st, 5);
		seen++;
		last = sqlite3_column_int64(st, 0);
		if (finished_ms == 0 || finished_ms >= before_ms)
			continue;
		old[count++] =
			(struct old_item){ .id = last,
			                   .memory = sqlite3_column_int64(st, 1),
			                   .event = sqlite3_column_int64(st, 2),
			                   .state = (enum outbox_state)sqlite3_column_int(st, 3),
			                   .sink = sqlite3_column_int64(st, 4) };
	}
	tx_reset(st);
	for (size_t i = 0; rc >= 0 && i < count; i++) {
		rc = is_alert_open(tx, old[i].memory, e);
		if (rc == 0)
			rc = drop_item(tx, &old[i], e);
	}
	*ret_more = seen == CHUNK;
	tx->prune_outbox_id = *ret_more ? last : 0;
	return rc < 0 ? -1 : 0;
}

static int
drop_memory(struct store_tx *tx, const struct hot_entry *old, struct err *e)
{
	sqlite3_stmt *st;

	if (drop_by_id(tx, sql_drop_memory, old->id, e) < 0 ||
	    drop_by_id(tx, sql_drop_watch, old->id, e) < 0 || member_forget(tx, old->id, e) < 0)
		return -1;
	tx->memory_job--;
	if (old->id > tx->merged_id)
		return 0; /* only in the hot index: what points to nothing is nothing */
	if ((st = tx_stmt(tx, sql_drop_ident, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, (int64_t)old->hash);
	tx_bind_i64(st, 2, old->id);
	return tx_exec(tx, st, e);
}

static int
prune_memory(struct store_tx *tx, int64_t before_ms, bool *ret_more, struct err *e)
{
	struct hot_entry old[CHUNK];
	sqlite3_stmt *st = tx_stmt(tx, sql_memories, e);
	size_t count = 0, seen = 0;
	int64_t last = tx->prune_memory_id;
	int rc;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, last);
	tx_bind_i64(st, 2, CHUNK);
	while ((rc = tx_step(tx, st, e)) > 0 && seen < CHUNK) {
		struct span identity = tx_column(st, 1);
		bool is_open = sqlite3_column_int(st, 3) != 0;
		seen++;
		last = sqlite3_column_int64(st, 0);
		if (sqlite3_column_int64(st, 2) >= before_ms - (is_open ? OPEN_KEPT_MS : 0))
			continue;
		old[count].id = last;
		old[count].hash = 0;
		if (identity.len >= sizeof(old[count].hash))
			memcpy(&old[count].hash, identity.p, sizeof(old[count].hash));
		count++;
	}
	tx_reset(st);
	for (size_t i = 0; rc >= 0 && i < count; i++)
		rc = drop_memory(tx, &old[i], e);
	*ret_more = seen == CHUNK;
	tx->prune_memory_id = *ret_more ? last : 0;
	return rc < 0 ? -1 : 0;
}

static int
read_pragma(struct store_tx *tx, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	int rc = st ? tx_step(tx, st, e) : -1;

	if (rc > 0) {
		*ret = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

/* Free pages beyond what is kept for a full disk, and beyond a quarter of the file, go back to the file system. */
static int
give_back(struct store_tx *tx, bool *ret_more, struct err *e)
{
	char sql[64];
	int64_t unused = 0, pages = 0;

	if (read_pragma(tx, sql_free_pages, &unused, e) < 0 ||
	    read_pragma(tx, sql_pages, &pages, e) < 0)
		return -1;
	if (unused <= FREE_KEPT_PAGES + VACUUM_PAGES || unused < pages / 4)
		return 0;
	(void)snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", (int)VACUUM_PAGES);
	*ret_more = true;
	return tx_sql(tx, sql, e);
}

int
store_prune(struct store_tx *tx, int64_t before_ms, bool *ret_more, struct err *e)
{
	bool is_more_items = false, is_more_memory = false, is_more_pages = false;
	sqlite3_stmt *st;

	if (prune_items(tx, before_ms, &is_more_items, e) < 0 ||
	    prune_memory(tx, before_ms, &is_more_memory, e) < 0)
		return -1;
	if ((st = tx_stmt(tx, sql_drop_quarantine, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, before_ms);
	if (tx_exec(tx, st, e) < 0 || give_back(tx, &is_more_pages, e) < 0)
		return -1;
	*ret_more = is_more_items || is_more_memory || is_more_pages;
	return 0;
}
