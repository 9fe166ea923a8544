/*
 * engine: the database file. See engine.h.
 *
 * WAL with synchronous=FULL: a commit is one append and one fsync. The lock is taken for good (locking_mode=EXCLUSIVE before
 * WAL), so there is no -shm file and a second instance is refused. Checkpoints are ours: an automatic one stalls a commit.
 */
#include "config.h"

#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/repair.h"
#include "store/schema.h"
#include "store/tx.h"
#include "store/wal.h"

static int
fail(sqlite3 *db, const char *path, struct err *e)
{
	int error = db ? sqlite3_system_errno(db) : 0;

	/* A file that cannot be made, or a quota: SQLite has other codes for those. */
	if (error == ENOSPC || error == EDQUOT)
		return tx_fail_rc(SQLITE_FULL, "", path, e);
	return tx_fail_rc(db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM,
	                  db ? sqlite3_errmsg(db) : "out of memory", path, e);
}

/* Pragmas return rows; sqlite3_exec drops them. */
static int
run(sqlite3 *db, const char *path, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, path, e);
}

static int
connect(const char *path, sqlite3 **ret, struct err *e)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db,
	                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	                    NULL) != SQLITE_OK) {
		(void)fail(db, path, e);
		(void)sqlite3_close(db);
		return -1;
	}
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	*ret = db;
	return 0;
}

static int
configure(sqlite3 *db, const struct store_options *o, struct err *e)
{
	char sql[512];
	size_t cache = o->cache_bytes ? o->cache_bytes : (size_t)8 << 20;

	(void)snprintf(
		sql, sizeof(sql),
		"PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;"
		/* Debian's default is to write zeros over what is deleted: every delivered event twice. */
		"PRAGMA secure_delete=OFF;"
		"PRAGMA cache_size=-%zu; PRAGMA journal_size_limit=%d;"
		"PRAGMA wal_autocheckpoint=0;",
		cache / 1024, (int)ENGINE_WAL_KEPT);
	if (run(db, o->path, sql, e) < 0)
		return -1;
	if (o->is_read_only && run(db, o->path, "PRAGMA cache_spill=OFF", e) < 0)
		return -1;
	if (o->max_page_count > 0) {
		(void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%lld",
		               (long long)o->max_page_count);
		return run(db, o->path, sql, e);
	}
	return 0;
}

static const char sql_new[] =
	"PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA synchronous=FULL";
_Static_assert(ENGINE_PAGE_BYTES == 16384, "sql_new says so");

/* A whole, empty store in a file of another name. */
static int
build_new(const char *temp, const char *path, struct err *e)
{
	sqlite3 *db = NULL;

	(void)unlink(temp);
	int fd = open(temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == ENOSPC || errno == EDQUOT))
		return tx_fail_rc(SQLITE_FULL, "", path, e);
	if (fd < 0)
		return err_set(e, ERR_IO,
		               "%s: cannot be created: %s; check that the folder exists and "
		               "is writable for the daemon's user",
		               path, strerror(errno));
	(void)close(fd);
	int rc = connect(temp, &db, e);
	rc = rc < 0 ? rc : run(db, path, sql_new, e);
	rc = rc < 0 ? rc : schema_create(db, path, e);
	(void)sqlite3_close(db);
	return rc;
}

int
engine_sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = err_temp(e, ERR_IO, "%s: the folder cannot be synced: %s", folder,
		              strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	mem_free(folder);
	return rc;
}

static int
create(const char *path, struct err *e)
{
	char *temp = mem_printf("%s.new.%ld", path, (long)getpid());
	int rc = build_new(temp, path, e);

	(void)FAULT("store.create.before");
	if (rc == 0 && link(temp, path) < 0 && errno != EEXIST && rename(temp, path) < 0)
		rc = errno == ENOSPC || errno == EDQUOT
		             ? tx_fail_rc(SQLITE_FULL, "", path, e)
		             : err_temp(e, ERR_IO, "%s: cannot be put in place: %s", path,
		                        strerror(errno));
	(void)unlink(temp);
	mem_free(temp);
	(void)FAULT("store.create.after");
	return rc < 0 ? rc : engine_sync_folder(path, e);
}

static int
damaged(const char *path, const char *why, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"%s: %s; keep it, restore a backup in its place, or run 'findingsctl db repair' to "
		"move it aside and start again from a time that you name",
		path, why);
}

static int
check_header(const char *path, struct err *e)
{
	static const char magic[16] = "SQLite format 3";
	char head[100];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, ERR_IO, "%s: cannot be read: %s; check owner and permissions",
		               path, strerror(errno));
	ssize_t n = read(fd, head, sizeof(head));
	(void)close(fd);
	if (n == 0)
		return damaged(path, "empty, though a store is never empty", e);
	if (n < (ssize_t)sizeof(head))
		return damaged(path, "cut short", e);
	if (memcmp(head, magic, sizeof(magic)) != 0)
		return damaged(path, "not a database", e);
	return 0;
}

static int
check_no_log(const char *path, struct err *e)
{
	char *log = mem_printf("%s-wal", path);
	struct stat st;
	int rc = 0;

	if (stat(log, &st) == 0 && st.st_size > 0)
		rc = damaged(path, "missing, though its log (-wal) is there", e);
	mem_free(log);
	return rc;
}

static int
open_in_memory(const struct store_options *o, sqlite3 **ret, struct err *e)
{
	sqlite3 *db = NULL;

	if (connect(":memory:", &db, e) < 0)
		return -1;
	if (schema_create(db, o->path, e) < 0) {
		(void)sqlite3_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

int
engine_build(const char *path, struct err *e)
{
	return build_new(path, path, e);
}

int
engine_open(const struct store_options *o, sqlite3 **ret, int *ret_schema_from, struct err *e)
{
	struct stat st;
	sqlite3 *db = NULL;

	*ret_schema_from = schema_version();
	if (repair_check_mark(o->path, e) < 0)
		return -1;
	if (stat(o->path, &st) < 0) {
		if (errno != ENOENT)
			return err_set(e, ERR_IO, "%s: %s", o->path, strerror(errno));
		if (check_no_log(o->path, e) < 0)
			return -1;
		if (o->is_read_only)
			return open_in_memory(o, ret, e);
		if (create(o->path, e) < 0)
			return -1;
	}
	bool has_log = wal_is_there(o->path);
	if (check_header(o->path, e) < 0 || connect(o->path, &db, e) < 0)
		return -1;
	/* The count reads the file, which takes the lock and plays the log of a crash back. */
	if (configure(db, o, e) < 0 ||
	    run(db, o->path, "SELECT count(*) FROM sqlite_schema; BEGIN IMMEDIATE; COMMIT", e) <
	            0 ||
	    schema_read_version(db, o->path, ret_schema_from, e) < 0 ||
	    wal_check_mark(db, o->path, has_log, e) < 0 ||
	    schema_upgrade(db, o->path, o->is_read_only, ret_schema_from, e) < 0) {
		(void)sqlite3_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

int
engine_open_raw(const char *path, sqlite3 **ret, struct err *e)
{
	sqlite3 *db = NULL;

	if (check_header(path, e) < 0 || connect(path, &db, e) < 0)
		return -1;
	if (run(db, path,
	        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
	        "PRAGMA wal_autocheckpoint=0; SELECT count(*) FROM sqlite_schema;"
	        "BEGIN IMMEDIATE; COMMIT; PRAGMA query_only=ON",
	        e) < 0) {
		(void)sqlite3_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

int
engine_checkpoint(sqlite3 *db)
{
	(void)FAULT("store.checkpoint.before");
	if (FAULT("store.checkpoint.fail"))
		return SQLITE_FULL;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	(void)FAULT("store.checkpoint.after");
	return rc;
}

void
engine_reserve_log(const char *path)
{
	char *log = mem_printf("%s-wal", path);
	int fd = open(log, O_RDWR | O_CLOEXEC);

	/* SQLite holds no lock on this file, so closing our descriptor drops none. */
	if (fd >= 0) {
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ENGINE_WAL_RESERVED);
		(void)close(fd);
	}
	mem_free(log);
}

static int64_t
read_pragma(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t value = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		value = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return value;
}

int64_t
engine_pages(sqlite3 *db)
{
	return read_pragma(db, "PRAGMA page_count");
}

void
engine_reserve_file(sqlite3 *db, const char *path, int *fd, int64_t *reserved)
{
	int64_t need = engine_pages(db) * ENGINE_PAGE_BYTES;

	if (need + ENGINE_FILE_AHEAD / 2 <= *reserved)
		return;
	if (*fd < 0)
		*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd >= 0 && fallocate(*fd, FALLOC_FL_KEEP_SIZE, 0, need + ENGINE_FILE_AHEAD) == 0)
		*reserved = need + ENGINE_FILE_AHEAD;
}

void
engine_close(sqlite3 *db, bool is_clean)
{
	if (is_clean) {
		(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	}
	(void)sqlite3_close(db);
}

int64_t
engine_free_space(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return -1;
	return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

int64_t
engine_free_inside(sqlite3 *db)
{
	return read_pragma(db, "PRAGMA freelist_count") * ENGINE_PAGE_BYTES;
}
