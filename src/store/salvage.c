/*
 * salvage: rows of a damaged store, copied into a new one. See salvage.h.
 *
 * Table by table and row by row, by the columns that both stores have. A page that cannot be read ends the reading of a table: the reader
 * then looks for the next id behind the hole that can be read, by doubling its steps and halving them again; tables without ids are read
 * from both ends. Rows that carry a checksum are held against it.
 */
#include "config.h"

#include "store/salvage.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/cursor_row.h"
#include "store/row.h"
#include "store/schema.h"
#include "store/tx.h"

enum { HOLES_MAX = 100000 };

/* One table on its way. */
struct salvage {
	sqlite3 *from, *to;
	struct repair *r;
	struct repair_table *table;
	struct store_tx tx; /* over from, for the checksums of the outbox */
	bool has_tx;
	struct buf columns;
	int count; /* of columns */
	bool has_id;
	sqlite3_stmt *put;
	struct err *err;
};

/* Columns of the table in both stores, joined by commas. 0, or -1: it is in neither. */
static int
find_columns(struct salvage *s, const char *table)
{
	static const char sql[] = "SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid";
	sqlite3_stmt *old = NULL, *new = NULL;

	buf_clear(&s->columns);
	s->count = 0;
	s->has_id = false;
	if (sqlite3_prepare_v2(s->to, sql, -1, &new, NULL) != SQLITE_OK)
		return -1;
	(void)sqlite3_bind_text(new, 1, table, -1, SQLITE_STATIC);
	(void)sqlite3_prepare_v2(s->from, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2", -1,
	                         &old, NULL);
	while (sqlite3_step(new) == SQLITE_ROW) {
		struct span name = tx_column(new, 0);
		(void)sqlite3_bind_text(old, 1, table, -1, SQLITE_STATIC);
		(void)sqlite3_bind_text(old, 2, name.p, (int)name.len, SQLITE_TRANSIENT);
		bool is_there = old != NULL && sqlite3_step(old) == SQLITE_ROW;
		(void)sqlite3_reset(old);
		if (!is_there)
			continue;
		if (s->count++ == 0)
			s->has_id = span_eq_str(name, "id") && sqlite3_column_int(new, 1) == 1;
		else
			(void)buf_add_char(&s->columns, ',');
		(void)buf_add(&s->columns, name.p, name.len);
	}
	(void)sqlite3_finalize(old);
	(void)sqlite3_finalize(new);
	return s->count > 0 ? 0 : -1;
}

static bool
is_memory_sound(struct salvage *s, int64_t id)
{
	static const char sql[] = "SELECT sum, state, identity FROM memory WHERE id = ?1";
	sqlite3_stmt *st = tx_stmt(&s->tx, sql, s->err);
	bool is_sound = false;

	if (st == NULL)
		return false;
	tx_bind_i64(st, 1, id);
	if (sqlite3_step(st) == SQLITE_ROW) {
		struct span state = tx_column(st, 1);
		is_sound = tx_column(st, 2).len == 32 &&
		           (int64_t)tx_sum((uint64_t)id, state.p, state.len) ==
		                   sqlite3_column_int64(st, 0);
	}
	tx_reset(st);
	return is_sound;
}

static bool
is_event_sound(struct salvage *s, int64_t id)
{
	static const char sql[] = "SELECT sum, body FROM event WHERE id = ?1";
	sqlite3_stmt *st = tx_stmt(&s->tx, sql, s->err);
	bool is_sound = false;

	if (st == NULL)
		return false;
	tx_bind_i64(st, 1, id);
	if (sqlite3_step(st) == SQLITE_ROW) {
		struct span body = tx_column(st, 1);
		is_sound = (int64_t)tx_sum((uint64_t)id, body.p, body.len) ==
		           sqlite3_column_int64(st, 0);
	}
	tx_reset(st);
	return is_sound;
}

static bool
is_item_sound(struct salvage *s, int64_t id)
{
	static const char sql[] = "SELECT " ROW_COLUMNS " FROM outbox WHERE id = ?1";
	sqlite3_stmt *st = tx_stmt(&s->tx, sql, s->err);
	enum row_fault fault = ROW_SOUND;
	struct outbox_item *item = NULL;

	if (st == NULL)
		return false;
	tx_bind_i64(st, 1, id);
	if (sqlite3_step(st) == SQLITE_ROW)
		item = row_read(&s->tx, st, false, &fault, s->err);
	tx_reset(st);
	bool is_sound = item != NULL && (unsigned)item->state < OUTBOX_STATE_COUNT;
	outbox_item_free(item);
	return is_sound;
}

/* Its key is no number to look it up by again: it is read here, by name. */
static bool
is_cursor_sound(struct salvage *s, sqlite3_stmt *row)
{
	static const char sql[] = "SELECT " CURSOR_COLUMNS " FROM cursor WHERE source = ?1"
				  " AND account = ?2 AND region = ?3 AND stream = ?4";
	sqlite3_stmt *st = tx_stmt(&s->tx, sql, s->err);
	struct cursor c;

	if (st == NULL)
		return false;
	for (int i = 0; i < 4; i++)
		(void)sqlite3_bind_value(st, i + 1, sqlite3_column_value(row, i));
	bool is_sound = sqlite3_step(st) == SQLITE_ROW && cursor_row_read(st, &c);
	tx_reset(st);
	return is_sound;
}

static bool
is_sound(struct salvage *s, sqlite3_stmt *row)
{
	static const struct {
		const char *table;
		bool (*fn)(struct salvage *s, int64_t id);
	} checks[] = { { "memory", is_memory_sound },
		       { "event", is_event_sound },
		       { "outbox", is_item_sound } };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(s->table->name, checks[i].table) == 0)
			return s->has_tx && checks[i].fn(s, sqlite3_column_int64(row, 0));
	}
	return strcmp(s->table->name, "cursor") != 0 || is_cursor_sound(s, row);
}

/* Keys of the store's own are made anew. */
static bool
is_wanted(const struct salvage *s, sqlite3_stmt *row)
{
	return strcmp(s->table->name, "meta") != 0 || !span_starts(tx_column(row, 0), "store.");
}

/* -1: the new store cannot be written. */
static int
take_row(struct salvage *s, sqlite3_stmt *row)
{
	if (!is_wanted(s, row))
		return 0;
	if (!is_sound(s, row)) {
		s->table->bad++;
		return 0;
	}
	for (int i = 0; i < s->count; i++)
		(void)sqlite3_bind_value(s->put, i + 1, sqlite3_column_value(row, i));
	int rc = sqlite3_step(s->put);
	(void)sqlite3_reset(s->put);
	if (rc == SQLITE_DONE) {
		s->table->kept += (uint64_t)sqlite3_changes(s->to);
		return 0;
	}
	if ((rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_MISMATCH) {
		s->table->bad++;
		return 0;
	}
	return tx_fail_rc(rc, sqlite3_errmsg(s->to), s->r->path, s->err);
}

/* From id on, upwards. 1: to the end; 0: a hole behind *last; -1. */
static int
read_from(struct salvage *s, int64_t id, int64_t *last)
{
	char *sql = mem_printf("SELECT %s FROM %s NOT INDEXED WHERE id >= ?1 ORDER BY id",
	                       s->columns.data, s->table->name);
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->from, sql, -1, &st, NULL), taken = 0;

	mem_free(sql);
	tx_bind_i64(st, 1, id);
	while (rc == SQLITE_OK && taken == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(st, 0);
		if (at < *last)
			break; /* out of order: no page that can be believed */
		*last = at;
		taken = take_row(s, st);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(st);
	if (taken < 0)
		return -1;
	return rc == SQLITE_DONE;
}

static bool
can_read(struct salvage *s, int64_t id)
{
	char *sql = mem_printf("SELECT id FROM %s NOT INDEXED WHERE id >= ?1 ORDER BY id LIMIT 1",
	                       s->table->name);
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->from, sql, -1, &st, NULL);

	mem_free(sql);
	tx_bind_i64(st, 1, id);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	bool is_row = rc == SQLITE_ROW && sqlite3_column_int64(st, 0) >= id;
	(void)sqlite3_finalize(st);
	return is_row || rc == SQLITE_DONE;
}

/* The least id above bad from which on reading works again; 0: none was found. */
static int64_t
behind_hole(struct salvage *s, int64_t bad)
{
	int64_t step = 1, good;

	while (!can_read(s, bad + step)) {
		if (step > INT64_MAX / 4 - bad)
			return 0;
		step *= 2;
	}
	good = bad + step;
	for (bad += step / 2; good - bad > 1;) {
		int64_t middle = bad + (good - bad) / 2;
		if (can_read(s, middle))
			good = middle;
		else
			bad = middle;
	}
	return good;
}

static int
read_by_id(struct salvage *s)
{
	int64_t id = INT64_MIN / 4, last = INT64_MIN;
	int rc;

	while ((rc = read_from(s, id, &last)) == 0 && s->table->holes++ < HOLES_MAX) {
		int64_t next = behind_hole(s, last > id ? last : id);
		if (next == 0)
			return 0;
		id = next;
	}
	return rc < 0 ? -1 : 0;
}

/* In the order of its key, then, where that broke off, from the other end. */
static int
read_both_ways(struct salvage *s)
{
	static const char *const orders[] = { "", " ORDER BY 1 DESC, 2 DESC" };

	for (size_t i = 0; i < 2; i++) {
		char *sql = mem_printf("SELECT %s FROM %s NOT INDEXED%s", s->columns.data,
		                       s->table->name, orders[i]);
		sqlite3_stmt *st = NULL;
		int rc = sqlite3_prepare_v2(s->from, sql, -1, &st, NULL), taken = 0;
		mem_free(sql);
		while (rc == SQLITE_OK && taken == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			taken = take_row(s, st);
			rc = SQLITE_OK;
		}
		(void)sqlite3_finalize(st);
		if (taken < 0)
			return -1;
		if (rc == SQLITE_DONE)
			return 0;
		if (i == 0)
			s->table->holes++;
	}
	return 0;
}

static int
salvage_table(struct salvage *s, const char *name)
{
	if (s->r->table_count == REPAIR_TABLES_MAX)
		return err_set(s->err, ERR_BUG, "the store has more tables than repair expects");
	s->table = &s->r->tables[s->r->table_count++];
	(void)snprintf(s->table->name, sizeof(s->table->name), "%s", name);
	if (find_columns(s, name) < 0) {
		s->table->holes++;
		return 0;
	}
	struct buf sql = { 0 };
	(void)buf_printf(&sql, "INSERT OR IGNORE INTO %s(%s) VALUES(?", name, s->columns.data);
	for (int i = 1; i < s->count; i++)
		(void)buf_add_str(&sql, ",?");
	(void)buf_add_char(&sql, ')');
	int rc = sqlite3_prepare_v2(s->to, sql.data, -1, &s->put, NULL);
	buf_done(&sql);
	if (rc != SQLITE_OK)
		return tx_fail_rc(rc, sqlite3_errmsg(s->to), s->r->path, s->err);
	rc = s->has_id ? read_by_id(s) : read_both_ways(s);
	(void)sqlite3_finalize(s->put);
	s->put = NULL;
	return rc;
}

int
salvage_all(sqlite3 *from, sqlite3 *to, struct repair *r, struct err *e)
{
	static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
				  " AND name NOT LIKE 'sqlite_%' AND name <> 'ident'";
	struct salvage s = { .from = from, .to = to, .r = r, .err = e };
	sqlite3_stmt *names = NULL;
	struct err ignored;
	int rc = 0;

	tx_init(&s.tx, from, r->path, 1);
	s.has_tx = tx_load_sinks(&s.tx, &ignored) >= 0;
	if (sqlite3_prepare_v2(to, sql, -1, &names, NULL) != SQLITE_OK)
		rc = tx_fail_rc(sqlite3_extended_errcode(to), sqlite3_errmsg(to), r->path, e);
	while (rc == 0 && sqlite3_step(names) == SQLITE_ROW) {
		char name[48];
		(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(tx_column(names, 0)));
		rc = salvage_table(&s, name);
	}
	(void)sqlite3_finalize(names);
	buf_done(&s.columns);
	tx_done(&s.tx);
	return rc;
}
