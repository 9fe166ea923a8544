/*
 * check_rows: what the check looks at in each part. See check_rows.h.
 */
#include "config.h"

#include "store/check_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/cursor_row.h"
#include "store/row.h"
#include "store/schema.h"

#define DAY_MS INT64_C(86400000)

static void bad(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
bad(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->more.bad++ > 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(c->more.trouble, sizeof(c->more.trouble), fmt, ap);
	va_end(ap);
}

static int
look_nothing(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	(void)tx;
	(void)c;
	(void)e;
	for (int i = 0; i < sqlite3_column_count(row); i++)
		*bytes += tx_column(row, i).len;
	return 0;
}

static int
look_cursor(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	struct cursor found;
	bool is_sound = cursor_row_read(row, &found);
	const int64_t instants[] = { found.watermark_ms, found.target_ms, found.started_ms,
		                     found.start_ms, found.last_success_ms };

	(void)tx;
	(void)bytes;
	(void)e;
	if (!is_sound)
		bad(c, "the cursor of '%s' in '%s': its checksum is wrong", found.source,
		    found.region);
	if (found.source[0] == '\0' || (unsigned)found.stream >= CURSOR_STREAM_COUNT)
		bad(c, "a cursor of no source that can be: '%s', stream %d", found.source,
		    (int)found.stream);
	for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
		/* AWS's clock may be ahead of ours, by no day. */
		if (instants[i] < 0 || (c->now_ms > 0 && instants[i] > c->now_ms + DAY_MS))
			bad(c, "the cursor of %s in %s is at %lld, which is no instant that was",
			    found.source, found.region, (long long)instants[i]);
	}
	return 0;
}

static const char sql_count_states[] = "SELECT count(*) FROM outbox WHERE sink = ?1 AND state = ?2";

/* Only while few are waiting: what is counted is walked. The numbers steer nothing but what people see. */
static int
look_sink(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	struct span name = tx_column(row, 1);

	(void)bytes;
	if (name.len == 0 || name.len > TX_SINK_NAME_MAX)
		bad(c, "sink %lld has no name that can be",
		    (long long)sqlite3_column_int64(row, 0));
	for (int i = 2; i < sqlite3_column_count(row); i++) {
		if (sqlite3_column_int64(row, i) < 0)
			bad(c, "sink %.*s counts less than nothing", SPAN_FMT(name));
	}
	if (!c->is_full)
		return 0;
	/* queued, blocked, dead: nothing takes them out of the numbers but what takes the rows away. */
	for (int state = 0; state <= OUTBOX_DEAD; state++) {
		sqlite3_stmt *st = tx_stmt(tx, sql_count_states, e);
		if (st == NULL)
			return -1;
		tx_bind_i64(st, 1, sqlite3_column_int64(row, 0));
		tx_bind_i64(st, 2, state);
		if (tx_step(tx, st, e) < 0)
			return -1;
		int64_t counted = sqlite3_column_int64(st, 0);
		tx_reset(st);
		if (state != OUTBOX_DONE && counted != sqlite3_column_int64(row, 2 + state))
			bad(c, "sink %.*s: %lld items are %s, its number says %lld", SPAN_FMT(name),
			    (long long)counted, outbox_state_name((enum outbox_state)state),
			    (long long)sqlite3_column_int64(row, 2 + state));
	}
	return 0;
}

static const char sql_is_due[] =
	"SELECT 1 FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1 AND urgency = ?2"
	" AND due_ms = ?3 AND id = ?4";
static const char sql_is_behind[] =
	"SELECT 1 FROM outbox INDEXED BY outbox_memory WHERE memory = ?2 AND sink = ?1 AND id = ?4"
	" AND ?3 = ?3";
static const char sql_has_event[] = "SELECT 1 FROM event WHERE id = ?1";

static int
finds(struct store_tx *tx, const char *sql, const int64_t *values, int count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return -1;
	for (int i = 0; i < count; i++)
		tx_bind_i64(st, i + 1, values[i]);
	int rc = tx_step(tx, st, e);
	tx_reset(st);
	return rc;
}

/* An item that its index does not know is never sent, and nobody would miss it. */
static int
look_unfinished(struct store_tx *tx, struct check *c, sqlite3_stmt *row,
                const struct outbox_item *item, struct err *e)
{
	bool is_due = item->state == OUTBOX_QUEUED;
	const int64_t key[] = { sqlite3_column_int64(row, 1),
		                is_due ? 4 - item->severity : item->memory_id, item->due_ms,
		                item->id };
	int rc = finds(tx, is_due ? sql_is_due : sql_is_behind, key, 4, e);

	if (rc == 0)
		bad(c, "item %lld waits, but is not in the index of what waits",
		    (long long)item->id);
	if (rc < 0)
		return -1;
	if (item->event_id == 0 || (rc = finds(tx, sql_has_event, &item->event_id, 1, e)) == 0)
		bad(c, "item %lld waits, but its event is gone", (long long)item->id);
	return rc < 0 ? -1 : 0;
}

static int
look_item(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	enum row_fault fault = ROW_SOUND;
	struct outbox_item *item = row_read(tx, row, false, &fault, e);
	int rc = 0;

	if (item == NULL && fault == ROW_SOUND)
		return -1;
	if (item == NULL) {
		bad(c, "item %lld: its checksum is wrong", (long long)sqlite3_column_int64(row, 0));
		return 0;
	}
	*bytes += sizeof(*item) + item->rules.len + item->context.len + item->subject.len;
	if ((unsigned)item->state >= OUTBOX_STATE_COUNT)
		bad(c, "item %lld is in no state that there is", (long long)item->id);
	else if (item->state == OUTBOX_QUEUED || item->state == OUTBOX_BLOCKED)
		rc = look_unfinished(tx, c, row, item, e);
	outbox_item_free(item);
	return rc;
}

static int
look_event(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	int64_t id = sqlite3_column_int64(row, 0);
	struct span body = tx_column(row, 2);

	(void)tx;
	(void)e;
	*bytes += body.len;
	if ((int64_t)tx_sum((uint64_t)id, body.p, body.len) != sqlite3_column_int64(row, 1))
		bad(c, "event %lld: its checksum is wrong", (long long)id);
	return 0;
}

/* As memory.c writes it. */
static int
look_memory(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	int64_t id = sqlite3_column_int64(row, 0);
	struct span state = tx_column(row, 2), identity = tx_column(row, 3);

	(void)tx;
	(void)e;
	*bytes += state.len;
	c->next.remembered += id <= c->next.merged_id;
	if (identity.len != 32)
		bad(c, "finding %lld: its identity is not one", (long long)id);
	else if ((int64_t)tx_sum((uint64_t)id, state.p, state.len) != sqlite3_column_int64(row, 1))
		bad(c, "finding %lld: its checksum is wrong", (long long)id);
	return 0;
}

static const char sql_identity_of[] = "SELECT identity FROM memory WHERE id = ?1";

/* An identity is under no checksum of its row: by its hash it is found, so the two must agree. Random reads: only in full. */
static int
look_ident(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes, struct err *e)
{
	int64_t hash = sqlite3_column_int64(row, 0), id = sqlite3_column_int64(row, 1), own = 0;
	sqlite3_stmt *st;

	(void)bytes;
	c->next.indexed += id <= c->next.merged_id;
	if (!c->is_full)
		return 0;
	if ((st = tx_stmt(tx, sql_identity_of, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc; /* what points to nothing is nothing */
	struct span identity = tx_column(st, 0);
	if (identity.len >= sizeof(own))
		memcpy(&own, identity.p, sizeof(own));
	tx_reset(st);
	if (own != hash)
		bad(c, "finding %lld is not the one that the index of identities holds it for",
		    (long long)id);
	return 0;
}

void
check_rows_end(struct check *c)
{
	if (c->at.part == CHECK_MEMORY && c->next.remembered > c->next.indexed)
		bad(c, "%llu findings are remembered, but %llu are in the index of identities",
		    (unsigned long long)c->next.remembered, (unsigned long long)c->next.indexed);
}

/* A table or an index that is gone, or another's, is seen here before a statement stumbles over it. */
static int
compare_schema(struct store_tx *tx, struct check *c, sqlite3 *fresh, struct err *e)
{
	static const char sql_named[] = "SELECT type, sql FROM sqlite_schema WHERE name = ?1";
	sqlite3_stmt *all = NULL, *st = tx_stmt(tx, sql_named, e);
	int rc = 0;

	if (st == NULL)
		return -1;
	(void)sqlite3_prepare_v2(fresh, "SELECT name, type, sql FROM sqlite_schema", -1, &all,
	                         NULL);
	while (rc == 0 && sqlite3_step(all) == SQLITE_ROW) {
		struct span name = tx_column(all, 0);
		tx_bind_text(st, 1, name);
		int found = tx_step(tx, st, e);
		c->more.rows++;
		if (found < 0)
			rc = -1;
		else if (found == 0)
			bad(c, "%.*s %.*s is gone", SPAN_FMT(tx_column(all, 1)), SPAN_FMT(name));
		else if (!span_eq(tx_column(st, 0), tx_column(all, 1)) ||
		         !span_eq(tx_column(st, 1), tx_column(all, 2)))
			bad(c, "%.*s %.*s is not the one of this version",
			    SPAN_FMT(tx_column(all, 1)), SPAN_FMT(name));
		tx_reset(st);
	}
	(void)sqlite3_finalize(all);
	return rc;
}

static int
whole_schema(struct store_tx *tx, struct check *c, struct err *e)
{
	sqlite3 *fresh = NULL;
	int rc = sqlite3_open_v2(":memory:", &fresh, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	                         NULL) == SQLITE_OK
	                 ? schema_create(fresh, tx->path, e)
	                 : err_temp(e, ERR_STORE, "no memory to compare the tables in");

	if (rc == 0)
		rc = compare_schema(tx, c, fresh, e);
	(void)sqlite3_close(fresh);
	return rc;
}

/* What a check of SQLite says; "ok" is nothing. */
static int
take_pragma(struct store_tx *tx, struct check *c, const char *sql, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(tx->db, sql, -1, &st, NULL) != SQLITE_OK)
		return tx_fail(tx, e);
	while ((rc = tx_step(tx, st, e)) > 0) {
		struct span said = tx_column(st, 0);
		if (!span_eq_str(said, "ok"))
			bad(c, "%.*s", (int)(said.len < 300 ? said.len : 300), said.p);
	}
	(void)sqlite3_finalize(st);
	return rc;
}

static int
whole_others(struct store_tx *tx, struct check *c, struct err *e)
{
	static const char sql_others[] =
		"SELECT 'PRAGMA quick_check(\"' || replace(name, '\"', '\"\"') || '\")' FROM sqlite_schema"
		" WHERE type = 'table' AND name NOT IN ('meta', 'cursor', 'sink', 'outbox', 'event',"
		" 'memory', 'ident', 'attempt', 'quarantine')";
	sqlite3_stmt *st = tx_stmt(tx, sql_others, e);
	char sql[256];
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = tx_step(tx, st, e)) > 0) {
		(void)snprintf(sql, sizeof(sql), "%.*s", SPAN_FMT(tx_column(st, 0)));
		c->more.rows++;
		if (take_pragma(tx, c, sql, e) < 0) {
			tx_reset(st);
			return -1;
		}
	}
	return rc;
}

static int
whole_file(struct store_tx *tx, struct check *c, struct err *e)
{
	return take_pragma(tx, c, "PRAGMA integrity_check(20)", e);
}

static const char sql_meta[] = "SELECT key, value FROM meta";
static const char sql_cursors[] = "SELECT " CURSOR_COLUMNS " FROM cursor";
static const char sql_sinks[] = "SELECT id, name, queued, blocked, done, dead FROM sink";
static const char sql_items[] = "SELECT " ROW_COLUMNS " FROM outbox WHERE id > ?1 AND ?2 = ?2"
				" ORDER BY id LIMIT ?3";
static const char sql_events[] =
	"SELECT id, sum, body FROM event WHERE id > ?1 AND ?2 = ?2 ORDER BY id LIMIT ?3";
static const char sql_memories[] = "SELECT id, sum, state, identity FROM memory WHERE id > ?1"
				   " AND ?2 = ?2 ORDER BY id LIMIT ?3";
static const char sql_idents[] =
	"SELECT h, id FROM ident WHERE (h, id) > (?1, ?2) ORDER BY h, id LIMIT ?3";
static const char sql_attempts[] = "SELECT id, item, number, answer FROM attempt WHERE id > ?1"
				   " AND ?2 = ?2 ORDER BY id LIMIT ?3";
static const char sql_quarantine[] = "SELECT id, place, reason, body FROM quarantine WHERE id > ?1"
				     " AND ?2 = ?2 ORDER BY id LIMIT ?3";

const struct check_part_row check_parts[CHECK_PARTS] = {
	[CHECK_SCHEMA] = { "schema", NULL, CHECK_WHOLE, NULL, whole_schema },
	[CHECK_META] = { "meta", sql_meta, CHECK_WHOLE, look_nothing, NULL },
	[CHECK_CURSORS] = { "cursors", sql_cursors, CHECK_WHOLE, look_cursor, NULL },
	[CHECK_SINKS] = { "sinks", sql_sinks, CHECK_WHOLE, look_sink, NULL },
	[CHECK_OUTBOX] = { "outbox", sql_items, CHECK_ONE_KEY, look_item, NULL },
	[CHECK_EVENTS] = { "events", sql_events, CHECK_ONE_KEY, look_event, NULL },
	[CHECK_IDENT] = { "ident", sql_idents, CHECK_TWO_KEYS, look_ident, NULL },
	[CHECK_MEMORY] = { "memory", sql_memories, CHECK_ONE_KEY, look_memory, NULL },
	[CHECK_ATTEMPTS] = { "attempts", sql_attempts, CHECK_ONE_KEY, look_nothing, NULL },
	[CHECK_QUARANTINE] = { "quarantine", sql_quarantine, CHECK_ONE_KEY, look_nothing, NULL },
	[CHECK_OTHERS] = { "others", NULL, CHECK_WHOLE, NULL, whole_others },
	[CHECK_FILE] = { "file", NULL, CHECK_WHOLE, NULL, whole_file },
};
