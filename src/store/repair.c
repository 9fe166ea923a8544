/*
 * repair: a new store made of what can still be read of a damaged one. See repair.h; the reading is in salvage.c.
 *
 *	build PATH.repaired -> mark -> move PATH and PATH-wal aside -> put the new one in place -> take the mark away
 *
 * Killed before the mark: the damaged store is where it was. Behind it: the mark keeps every start away, and names where the damaged one
 * is, so that the next run takes it from there.
 */
#include "config.h"

#include "store/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/check.h"
#include "store/engine.h"
#include "store/salvage.h"
#include "store/schema.h"
#include "store/tx.h"

static char *
mark_of(const char *path)
{
	return mem_printf("%s.repairing", path);
}

int
repair_check_mark(const char *path, struct err *e)
{
	char *mark = mark_of(path);
	int rc = 0;

	if (access(mark, F_OK) == 0)
		rc = err_set(e, ERR_CORRUPT,
		             "%s: a repair was interrupted; run 'findingsctl db repair' again "
		             "(nothing is lost by that)",
		             path);
	mem_free(mark);
	return rc;
}

static int
fail_file(const char *path, const char *what, struct err *e)
{
	return err_set(e, ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* What follows from the rows that are there: numbers, places in line, the index of identities. */
static const char sql_settle[] =
	/* Nobody can send what has no event; the record of it stays. */
	"UPDATE outbox SET state = 5, finished_ms = %lld, has_next = 0, event = 0,"
	" answer = 'given up: its event was lost with the damaged store'"
	" WHERE state IN (0, 1, 7) AND event NOT IN (SELECT id FROM event);"
	/* Folded into a digest that is gone: told by itself. */
	"UPDATE outbox SET state = 0, digest = 0 WHERE state = 7"
	" AND digest NOT IN (SELECT id FROM outbox);"
	"UPDATE outbox SET state = 0, due_ms = min(due_ms, %lld) WHERE state = 1 AND NOT EXISTS("
	"SELECT 1 FROM outbox p WHERE p.memory = outbox.memory AND p.sink = outbox.sink"
	" AND p.id < outbox.id AND p.state IN (0, 1));"
	"UPDATE outbox SET has_next = EXISTS(SELECT 1 FROM outbox n WHERE n.memory = outbox.memory"
	" AND n.sink = outbox.sink AND n.id > outbox.id AND n.state = 1)"
	" WHERE state IN (0, 1) AND memory <> 0;"
	"DELETE FROM event WHERE id NOT IN (SELECT event FROM outbox);"
	"DELETE FROM attempt WHERE item NOT IN (SELECT id FROM outbox);"
	"UPDATE sink SET queued = (SELECT count(*) FROM outbox WHERE sink = sink.id AND state = 0),"
	" blocked = (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 1),"
	" dead = (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 3),"
	" dropped = (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 5),"
	" held = (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 6),"
	" folded = (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 7),"
	" done = max(done, (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 2)),"
	" cancelled = max(cancelled, (SELECT count(*) FROM outbox o WHERE o.sink = sink.id AND o.state = 4));"
	/* Read again from there on: what is remembered is not told again. */
	"UPDATE cursor SET watermark_ms = min(watermark_ms, %lld), sum = 0 WHERE stream = 0;"
	"DELETE FROM cursor WHERE source = '' OR stream < 0 OR watermark_ms < 0 OR started_ms < 0;"
	"INSERT OR REPLACE INTO meta(key, value) VALUES('store.memory.count',"
	" CAST((SELECT count(*) FROM memory) AS TEXT)),"
	" ('store.repaired', '%lld %lld'), ('store.ident.merged', CAST(max("
	" (SELECT coalesce(max(id), 0) FROM memory), (SELECT coalesce(max(memory), 0) FROM outbox))"
	" AS TEXT));";

static int
index_identities(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_stmt *all = NULL, *put = NULL;
	int rc = SQLITE_OK;

	if (sqlite3_prepare_v2(db, "SELECT id, identity FROM memory", -1, &all, NULL) !=
	            SQLITE_OK ||
	    sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO ident(h, id) VALUES(?1, ?2)", -1, &put,
	                       NULL) != SQLITE_OK)
		rc = SQLITE_ERROR;
	while (rc == SQLITE_OK && sqlite3_step(all) == SQLITE_ROW) {
		int64_t hash;
		memcpy(&hash, tx_column(all, 1).p, sizeof(hash)); /* 32 bytes: checked */
		tx_bind_i64(put, 1, hash);
		tx_bind_i64(put, 2, sqlite3_column_int64(all, 0));
		rc = sqlite3_step(put) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		(void)sqlite3_reset(put);
	}
	(void)sqlite3_finalize(all);
	(void)sqlite3_finalize(put);
	return rc == SQLITE_OK
	               ? 0
	               : tx_fail_rc(sqlite3_extended_errcode(db), sqlite3_errmsg(db), path, e);
}

static uint64_t
count_without_event(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(db,
	                       "SELECT count(*) FROM outbox WHERE state IN (0, 1, 7)"
	                       " AND event NOT IN (SELECT id FROM event)",
	                       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return n;
}

static int
settle(sqlite3 *db, struct repair *r, struct err *e)
{
	long long now = r->now_ms, since = r->since_ms;

	r->without_event = count_without_event(db);
	char *sql = mem_printf(sql_settle, now, now, since, since, now);
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
	                 ? 0
	                 : tx_fail_rc(sqlite3_extended_errcode(db), sqlite3_errmsg(db), r->path, e);
	mem_free(sql);
	return rc < 0 ? -1 : index_identities(db, r->path, e);
}

/* Of an older version it is read as it would be after the upgrade. */
static int
open_damaged(const char *file, struct repair *r, sqlite3 **ret, struct err *e)
{
	struct err why = { 0 };
	int version;

	*ret = NULL;
	if (engine_open_raw(file, ret, &why) == 0) {
		(void)sqlite3_exec(*ret, "PRAGMA query_only=OFF", NULL, NULL, NULL);
		if (schema_read_version(*ret, file, &version, &why) < 0 && why.kind == ERR_SCHEMA) {
			*e = why;
			return -1;
		}
		if (why.kind == ERR_NONE)
			(void)schema_upgrade(*ret, file, true, &version, &why);
		return 0;
	}
	if (why.kind == ERR_LOCKED) {
		*e = why;
		return -1;
	}
	r->is_unreadable = true;
	memcpy(r->why, why.text, sizeof(r->why));
	return 0;
}

static int
fill_new(const char *damaged, const char *fresh, struct repair *r, struct err *e)
{
	sqlite3 *from, *to = NULL;
	int rc = open_damaged(damaged, r, &from, e);

	if (rc < 0) {
		engine_close(from, false);
		return -1;
	}
	rc = engine_build(fresh, e);
	if (rc == 0 && sqlite3_open_v2(fresh, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		rc = tx_fail_rc(sqlite3_extended_errcode(to), sqlite3_errmsg(to), fresh, e);
	if (rc == 0 && sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN",
	                            NULL, NULL, NULL) != SQLITE_OK)
		rc = tx_fail_rc(sqlite3_extended_errcode(to), sqlite3_errmsg(to), fresh, e);
	if (rc == 0 && from != NULL)
		rc = salvage_all(from, to, r, e);
	if (rc == 0)
		rc = settle(to, r, e);
	if (rc == 0 && sqlite3_exec(to, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = tx_fail_rc(sqlite3_extended_errcode(to), sqlite3_errmsg(to), fresh, e);
	(void)sqlite3_close(to);
	engine_close(from, false);
	return rc;
}

/* Only what passes the whole check takes the place of anything. */
static int
check_new(const char *fresh, struct err *e)
{
	struct store_options o = { .path = fresh, .is_read_only = true };
	struct check c = { .is_full = true };
	struct store *store = NULL;
	int rc = store_open(&o, &store, e);

	while (rc == 0) {
		rc = store_run_wait(store, check_run, &c, e);
		if (rc == 0 && !check_next(&c))
			break;
	}
	store_close(store);
	for (int i = 0; rc == 0 && i < CHECK_PARTS; i++) {
		if (c.found[i].bad > 0)
			rc = err_set(e, ERR_BUG, "%s: what was made is not sound (%s: %.200s)",
			             fresh, check_part_name((enum check_part)i),
			             c.found[i].trouble);
	}
	return rc;
}

/* On disk, and the daemon's: who repairs is often root. */
static int
settle_file(const char *fresh, const char *damaged, struct err *e)
{
	struct stat st;
	char *log = mem_printf("%s-wal", fresh);
	int fd = open(fresh, O_RDWR | O_CLOEXEC), rc = 0;

	(void)unlink(log); /* of the check: it holds nothing */
	mem_free(log);
	if (fd >= 0 && stat(damaged, &st) == 0)
		(void)!fchown(fd, st.st_uid, st.st_gid);
	if (fd < 0 || fsync(fd) < 0)
		rc = fail_file(fresh, "cannot be written", e);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
write_mark(const char *mark, const char *aside, struct err *e)
{
	int fd = open(mark, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600), rc = 0;
	size_t len = strlen(aside);

	if (fd < 0 || write(fd, aside, len) != (ssize_t)len || fsync(fd) < 0)
		rc = fail_file(mark, "cannot be written", e);
	if (fd >= 0)
		(void)close(fd);
	return rc < 0 ? rc : engine_sync_folder(mark, e);
}

/* Where an interrupted run put the damaged store, or was about to. */
static bool
read_mark(const char *mark, char *aside, size_t bytes)
{
	int fd = open(mark, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, aside, bytes - 1);

	if (fd >= 0)
		(void)close(fd);
	aside[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* What is not there any more was moved by an earlier run. */
static int
move(const char *from, const char *to, struct err *e)
{
	if (access(from, F_OK) < 0)
		return 0;
	if (access(to, F_OK) == 0)
		return err_set(e, ERR_IO, "%s is there already; move it elsewhere", to);
	return rename(from, to) == 0 ? 0 : fail_file(from, "cannot be moved aside", e);
}

static int
swap(const struct repair *r, const char *fresh, const char *mark, struct err *e)
{
	char *log = mem_printf("%s-wal", r->path), *log_aside = mem_printf("%s-wal", r->aside);
	int rc = write_mark(mark, r->aside, e);

	(void)FAULT("store.repair.marked");
	if (rc == 0)
		rc = move(r->path, r->aside, e);
	(void)FAULT("store.repair.moved");
	if (rc == 0)
		rc = move(log, log_aside, e);
	(void)FAULT("store.repair.aside");
	if (rc == 0 && rename(fresh, r->path) < 0)
		rc = fail_file(fresh, "cannot be put in place", e);
	(void)FAULT("store.repair.placed");
	if (rc == 0)
		rc = engine_sync_folder(r->path, e);
	if (rc == 0 && unlink(mark) < 0)
		rc = fail_file(mark, "cannot be taken away", e);
	mem_free(log);
	mem_free(log_aside);
	return rc < 0 ? rc : engine_sync_folder(r->path, e);
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int
make_anew(struct repair *r, const char *damaged, const char *mark, struct err *e)
{
	char *fresh = mem_printf("%s.repaired.%ld", r->path, (long)getpid());
	int rc = fill_new(damaged, fresh, r, e);

	if (rc == 0)
		rc = check_new(fresh, e);
	if (rc == 0)
		rc = settle_file(fresh, damaged, e);
	if (rc == 0)
		rc = swap(r, fresh, mark, e);
	if (rc < 0)
		(void)unlink(fresh);
	mem_free(fresh);
	return rc;
}

/* What an earlier run left behind: see the picture above. *ret_damaged: where the damaged store is; NULL: all is done. */
static int
resume(struct repair *r, const char *mark, const char *log, const char **ret_damaged, struct err *e)
{
	char *log_aside = mem_printf("%s-wal", r->aside);
	int rc = 0;

	r->is_resumed = true;
	*ret_damaged = is_there(r->aside) ? r->aside : r->path;
	if (is_there(r->aside) && is_there(r->path)) {
		*ret_damaged = NULL;
		rc = unlink(mark) == 0 ? engine_sync_folder(r->path, e)
		                       : fail_file(mark, "cannot be taken away", e);
	} else if (is_there(r->aside)) {
		rc = move(log, log_aside, e); /* it belongs to what was moved */
	}
	mem_free(log_aside);
	return rc;
}

int
repair_run(struct repair *r, struct err *e)
{
	char *mark = mark_of(r->path), *log = mem_printf("%s-wal", r->path);
	char instant[TIMEFMT_BYTES];
	const char *damaged = r->path;
	int rc = 0;

	if (read_mark(mark, r->aside, sizeof(r->aside)))
		rc = resume(r, mark, log, &damaged, e);
	else
		(void)snprintf(r->aside, sizeof(r->aside), "%s.damaged-%s", r->path,
		               timefmt_basic(r->now_ms, instant));
	if (rc == 0 && damaged == r->path && !is_there(r->path) && !is_there(log))
		rc = err_set(e, ERR_NOT_FOUND, "%s: there is no store", r->path);
	if (rc == 0 && damaged != NULL)
		rc = make_anew(r, damaged, mark, e);
	mem_free(mark);
	mem_free(log);
	return rc;
}
