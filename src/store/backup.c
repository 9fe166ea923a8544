/*
 * backup: a whole copy of the store in another file. See backup.h.
 *
 * The copy is marked as one without a log (bytes 18 and 19 of the header), so that it is one file, whole by itself, that any SQLite opens
 * to be read; the store makes itself a log again when it opens it.
 */
#include "config.h"

#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/engine.h"
#include "store/tx.h"
#include "store/wal.h"

enum { RESTARTS_MAX = 100 };

struct backup {
	char *path, *temp;
	sqlite3 *dest;
	sqlite3_backup *copy;
	int fd;
	int64_t reserve_bytes; /* -1: not the store's disk */
	int done_pages, all_pages;
	unsigned restarts;
	bool is_made; /* temp is ours */
};

static int
fail_file(const struct backup *b, const char *what, struct err *e)
{
	return err_set(e, ERR_IO, "%s: %s: %s", b->path, what, strerror(errno));
}

/* The store must be able to go on beside its copy. */
static int
check_room(struct backup *b, sqlite3 *db, const char *source, struct err *e)
{
	int64_t need = engine_pages(db) * ENGINE_PAGE_BYTES;
	struct stat own, other;

	if (stat(source, &own) < 0 || fstat(b->fd, &other) < 0 || own.st_dev != other.st_dev)
		b->reserve_bytes = -1;
	int64_t room = engine_free_space(b->temp);
	int64_t kept = b->reserve_bytes > 0 ? b->reserve_bytes : 0;
	if (room < 0 || room >= need + kept)
		return 0;
	return err_set(e, ERR_CONFIG,
	               "%s: the copy takes %lld MiB, and %lld MiB are free there%s; name a file "
	               "on a larger disk",
	               b->path, (long long)(need >> 20), (long long)(room >> 20),
	               kept ? " (some are kept for the store itself)" : "");
}

static int
open_dest(struct backup *b, struct err *e)
{
	if (access(b->path, F_OK) == 0)
		return err_set(e, ERR_CONFIG, "%s exists; a backup never replaces a file", b->path);
	b->fd = open(b->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (b->fd < 0)
		return err_set(e, ERR_CONFIG,
		               "%s: cannot be made: %s; who holds the store writes it: name a file "
		               "where that user may write (state_dir, where findingsd runs)",
		               b->temp, strerror(errno));
	b->is_made = true;
	if (sqlite3_open_v2(b->temp, &b->dest, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	            SQLITE_OK ||
	    sqlite3_exec(b->dest,
	                 "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=64",
	                 NULL, NULL, NULL) != SQLITE_OK)
		return tx_fail_rc(sqlite3_extended_errcode(b->dest), sqlite3_errmsg(b->dest),
		                  b->path, e);
	return 0;
}

int
backup_start(sqlite3 *db, const char *path, const char *dest, int64_t reserve_bytes,
             struct backup **ret, struct err *e)
{
	struct backup *b = mem_zalloc(sizeof(*b));

	b->fd = -1;
	b->path = mem_strdup(dest);
	b->temp = mem_printf("%s.part.%ld", dest, (long)getpid());
	b->reserve_bytes = reserve_bytes;
	if (open_dest(b, e) < 0 || check_room(b, db, path, e) < 0)
		goto fail;
	b->copy = sqlite3_backup_init(b->dest, "main", db, "main");
	if (b->copy == NULL) {
		(void)tx_fail_rc(sqlite3_extended_errcode(b->dest), sqlite3_errmsg(b->dest),
		                 b->path, e);
		goto fail;
	}
	*ret = b;
	return 0;
fail:
	backup_free(b);
	return -1;
}

/* The store was in use; its copy is not, and needs no log. */
static int
take_mark_off(struct backup *b, struct err *e)
{
	sqlite3 *db = NULL;
	int rc = 0;

	if (sqlite3_open_v2(b->temp, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	            SQLITE_OK ||
	    sqlite3_exec(db,
	                 "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
	                 "DELETE FROM meta WHERE key = '" WAL_MARK_KEY "'",
	                 NULL, NULL, NULL) != SQLITE_OK)
		rc = tx_fail_rc(sqlite3_extended_errcode(db), sqlite3_errmsg(db), b->path, e);
	(void)sqlite3_close(db);
	return rc;
}

/* All pages are there. */
static int
put_in_place(struct backup *b, struct err *e)
{
	int rc = sqlite3_backup_finish(b->copy);

	b->copy = NULL;
	if (rc != SQLITE_OK)
		return tx_fail_rc(rc, sqlite3_errmsg(b->dest), b->path, e);
	(void)sqlite3_close(b->dest);
	b->dest = NULL;
	if (pwrite(b->fd, "\1\1", 2, 18) != 2)
		return fail_file(b, "cannot be written", e);
	if (take_mark_off(b, e) < 0)
		return -1;
	if (fsync(b->fd) < 0)
		return fail_file(b, "cannot be written", e);
	(void)FAULT("store.backup.place");
	/* Not every file system has the first; a link refuses to replace as well. */
	if (renameat2(AT_FDCWD, b->temp, AT_FDCWD, b->path, RENAME_NOREPLACE) < 0) {
		if (link(b->temp, b->path) < 0)
			return fail_file(b, "cannot be put in place", e);
		(void)unlink(b->temp);
	}
	b->is_made = false;
	return engine_sync_folder(b->path, e);
}

int
backup_step(struct backup *b, struct err *e)
{
	int rc = sqlite3_backup_step(b->copy, BACKUP_STEP_PAGES);
	int done = sqlite3_backup_pagecount(b->copy) - sqlite3_backup_remaining(b->copy);

	if (FAULT("store.backup.fail"))
		rc = SQLITE_IOERR_WRITE;
	if (rc == SQLITE_DONE)
		return put_in_place(b, e);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		return tx_fail_rc(rc, "the backup stopped", b->path, e);
	/* A transaction that is taken back starts it anew. */
	if (done < b->done_pages && ++b->restarts > RESTARTS_MAX)
		return err_temp(
			e, ERR_STORE,
			"%s: begun anew %d times, since the store keeps failing; see to that "
			"first",
			b->path, (int)RESTARTS_MAX);
	b->done_pages = done;
	b->all_pages = sqlite3_backup_pagecount(b->copy);
	if (fdatasync(b->fd) < 0)
		return fail_file(b, "cannot be written", e);
	if (b->reserve_bytes > 0 && engine_free_space(b->temp) < b->reserve_bytes)
		return err_set(
			e, ERR_STORE,
			"%s: given up, the disk is almost full, and the store needs the rest",
			b->path);
	return 1;
}

void
backup_get_progress(const struct backup *b, int64_t *ret_done_bytes, int64_t *ret_all_bytes)
{
	*ret_done_bytes = (int64_t)b->done_pages * ENGINE_PAGE_BYTES;
	*ret_all_bytes = (int64_t)b->all_pages * ENGINE_PAGE_BYTES;
}

void
backup_free(struct backup *b)
{
	if (b == NULL)
		return;
	if (b->copy != NULL)
		(void)sqlite3_backup_finish(b->copy);
	(void)sqlite3_close(b->dest);
	if (b->fd >= 0)
		(void)close(b->fd);
	if (b->is_made)
		(void)unlink(b->temp);
	mem_free(b->path);
	mem_free(b->temp);
	mem_free(b);
}
