/*
 * schema: the tables of the store, and the way from each version of them to the next. See schema.h.
 *
 * Rows of memory, event and outbox carry a checksum over what never changes in place, because SQLite has none of its own.
 * Rules for a new step: append it; never edit one that is on main; a step must be able to run on a full table, within one
 * transaction; tests/unit/store/test_schema opens a file of every version.
 */
#include "config.h"

#include "store/schema.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/fault.h"
#include "store/tx.h"

/* Step i leads from version i to i + 1. */
static const char *const steps[] = {
	/* 1: cursors, memory, outbox, audit, quarantine, meta */
	"CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE cursor(source TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,"
	" stream INTEGER NOT NULL, watermark_ms INTEGER NOT NULL, target_ms INTEGER NOT NULL,"
	" started_ms INTEGER NOT NULL, start_kind INTEGER NOT NULL, start_ms INTEGER NOT NULL,"
	" success_ms INTEGER NOT NULL, PRIMARY KEY(source, account, region, stream)) WITHOUT ROWID;"

	/* Rows in the order of first sight; ident finds them by the first 8 bytes of the identity (see hot.h). */
	"CREATE TABLE memory(id INTEGER PRIMARY KEY, identity BLOB NOT NULL, seen_ms INTEGER NOT NULL,"
	" is_open INTEGER NOT NULL, sum INTEGER NOT NULL, state BLOB NOT NULL);"
	"CREATE TABLE ident(h INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(h, id)) WITHOUT ROWID;"

	"CREATE TABLE origin(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
	"CREATE TABLE watch(memory INTEGER NOT NULL, origin INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" checked_ms INTEGER NOT NULL, finding TEXT NOT NULL, PRIMARY KEY(memory, origin)) WITHOUT ROWID;"
	"CREATE INDEX watch_checked ON watch(origin, checked_ms, severity);"

	"CREATE TABLE sink(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, queued INTEGER NOT NULL,"
	" blocked INTEGER NOT NULL, done INTEGER NOT NULL, dead INTEGER NOT NULL,"
	" cancelled INTEGER NOT NULL, dropped INTEGER NOT NULL);"

	"CREATE TABLE event(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL);"

	/* state: enum outbox_state. urgency: 4 - severity. has_next: another waits behind it. What follows `sum` may change. */
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY, sink INTEGER NOT NULL, memory INTEGER NOT NULL,"
	" change INTEGER NOT NULL, n INTEGER NOT NULL, generation INTEGER NOT NULL, grp INTEGER NOT NULL,"
	" urgency INTEGER NOT NULL, first_severity INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" thread TEXT NOT NULL, message TEXT NOT NULL, rules TEXT NOT NULL, sum INTEGER NOT NULL,"
	" event INTEGER NOT NULL, state INTEGER NOT NULL, has_next INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	" finished_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, took_ms INTEGER NOT NULL,"
	" answer TEXT NOT NULL, context TEXT NOT NULL);"
	"CREATE INDEX outbox_due ON outbox(sink, urgency, due_ms) WHERE state = 0;"
	"CREATE INDEX outbox_blocked ON outbox(sink) WHERE state = 1;"
	"CREATE INDEX outbox_memory ON outbox(memory, sink);"
	"CREATE INDEX outbox_dead ON outbox(memory) WHERE state IN (3, 5);"

	"CREATE TABLE attempt(id INTEGER PRIMARY KEY, item INTEGER NOT NULL, number INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL, answer TEXT NOT NULL);"
	"CREATE INDEX attempt_item ON attempt(item);"

	"CREATE TABLE quarantine(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, place TEXT NOT NULL,"
	" reason TEXT NOT NULL, sum INTEGER NOT NULL UNIQUE, body BLOB NOT NULL);",

	/* 2: what a notice was about, which outlives the event's bytes: see struct outbox_new */
	"ALTER TABLE outbox ADD COLUMN subject TEXT NOT NULL DEFAULT '';",

	/* 3: alerts that stand for several findings (member.h); what a notice says beside its finding */
	"CREATE TABLE member(memory INTEGER NOT NULL, key INTEGER NOT NULL, grp INTEGER NOT NULL,"
	" PRIMARY KEY(memory, key)) WITHOUT ROWID;"
	"CREATE INDEX member_grp ON member(grp);"
	"ALTER TABLE outbox ADD COLUMN note TEXT NOT NULL DEFAULT '';",
	/*
	 * 4: digests. outbox.digest: the digest that an item was folded into; outbox.asked_ms: when a person last asked for it again, 0 =
	 * never; event.memory: whose notices name it, so that the bytes of what was delivered can be kept for a while and found again.
	 */
	"ALTER TABLE outbox ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE outbox ADD COLUMN asked_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE event ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sink ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sink ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX outbox_tried ON outbox(sink, created_ms) WHERE state = 0 AND attempts > 0;"
	"CREATE INDEX outbox_held ON outbox(sink) WHERE state = 6;"
	"CREATE INDEX outbox_folded ON outbox(sink, digest) WHERE state = 7;"
	"CREATE INDEX outbox_digest_dead ON outbox(digest) WHERE state = 3 AND digest > 0;",

	/* 5: a cursor that became another's by one bit would be a first start of its own, in silence */
	"ALTER TABLE cursor ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;",
};

enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]) };

int
schema_version(void)
{
	return STEP_COUNT;
}

static int
fail(sqlite3 *db, const char *path, struct err *e)
{
	return tx_fail_rc(sqlite3_extended_errcode(db), sqlite3_errmsg(db), path, e);
}

static int
read_pragma(sqlite3 *db, const char *sql, const char *path, int *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return fail(db, path, e);
	int rc = sqlite3_step(st);
	*ret = rc == SQLITE_ROW ? sqlite3_column_int(st, 0) : 0;
	/* Finalize repeats the error of step, and the message of the connection with it. */
	if (sqlite3_finalize(st) != SQLITE_OK)
		return fail(db, path, e);
	return 0;
}

/* One step and the version that it leads to: both or neither, also when we are killed between them. */
static int
run_step(sqlite3 *db, int step, const char *path, struct err *e)
{
	char sql[128];

	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, path, e);
	(void)FAULT("store.schema.step");
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
	               SCHEMA_APPLICATION_ID, step + 1);
	if (sqlite3_exec(db, steps[step], NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK && !FAULT("store.schema.fail") &&
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	(void)fail(db, path, e);
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err_wrap(e, "bringing the store from schema %d to %d failed, nothing was changed",
	                step, step + 1);
}

/* Nothing may be written: all steps in the one transaction that never ends. */
static int
pretend_steps(sqlite3 *db, int from, const char *path, struct err *e)
{
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, path, e);
	for (int i = from; i < STEP_COUNT; i++) {
		if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
			return fail(db, path, e);
	}
	return 0;
}

static int
run_steps(sqlite3 *db, int from, const char *path, struct err *e)
{
	for (int i = from; i < STEP_COUNT; i++) {
		if (run_step(db, i, path, e) < 0)
			return -1;
	}
	return 0;
}

int
schema_create(sqlite3 *db, const char *path, struct err *e)
{
	return run_steps(db, 0, path, e);
}

int
schema_read_version(sqlite3 *db, const char *path, int *ret, struct err *e)
{
	int id = 0, version = 0;

	if (read_pragma(db, "PRAGMA application_id", path, &id, e) < 0 ||
	    read_pragma(db, "PRAGMA user_version", path, &version, e) < 0)
		return -1;
	if (id != SCHEMA_APPLICATION_ID)
		return err_set(
			e, ERR_CORRUPT,
			"%s: not a store of findingsd (application id %08x); check state_dir, or move "
			"the file away to start anew",
			path, (unsigned)id);
	if (version > STEP_COUNT)
		return err_set(
			e, ERR_SCHEMA,
			"%s: written by a newer findingsd (schema %d, this one knows %d); install that "
			"version again, or restore the backup made before the upgrade",
			path, version, (int)STEP_COUNT);
	if (version < 1)
		return err_set(e, ERR_CORRUPT,
		               "%s: schema version %d cannot be; run 'findingsctl db check'", path,
		               version);
	*ret = version;
	return 0;
}

int
schema_upgrade(sqlite3 *db, const char *path, bool is_read_only, int *ret_from, struct err *e)
{
	int version = 0;

	if (schema_read_version(db, path, &version, e) < 0)
		return -1;
	*ret_from = version;
	if (version == STEP_COUNT)
		return 0;
	return is_read_only ? pretend_steps(db, version, path, e) : run_steps(db, version, path, e);
}
