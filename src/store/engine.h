/*
 * engine: open, create and close the database file, and write its log back. Private to this room.
 *
 * A new file is built under another name and linked into place when it is whole, so that an empty or half-made file in
 * place is always damage and never the trace of a crash at the first start.
 */
#ifndef FD_STORE_ENGINE_H
#define FD_STORE_ENGINE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

enum {
	ENGINE_PAGE_BYTES = 16384,
	ENGINE_WAL_BYTES = 8 << 20, /* write the log back past this */
	/* Room to record outcomes on a full disk: */
	ENGINE_WAL_KEPT = 16 << 20,    /* the log's file is cut to this, never shorter */
	ENGINE_WAL_RESERVED = 4 << 20, /* it has so many blocks from the start */
	ENGINE_FILE_AHEAD = 8 << 20,   /* and the database so many more than it holds */
};

/* As store_open, without the thread. *ret_schema_from: the version of the schema that the file had before. */
int engine_open(const struct store_options *o, sqlite3 **ret, int *ret_schema_from, struct err *e);

/*
 * Open a file as it is, sound or not, of whatever version, and lock it: to copy it or to read what can be read. Nothing is changed, also
 * not when it is closed (is_clean false); its log, if there is one, is read with it.
 */
int engine_open_raw(const char *path, sqlite3 **ret, struct err *e);

/* A whole, empty store in a new file at path. */
int engine_build(const char *path, struct err *e);

/* The names in path's folder are on disk. */
int engine_sync_folder(const char *path, struct err *e);

/* NULL does nothing. is_clean: write the log back and take it away. */
void engine_close(sqlite3 *db, bool is_clean);

/* Write the log back into the file. 0, or the code of SQLite's error. */
int engine_checkpoint(sqlite3 *db);

/*
 * Give the log and the file blocks of their own, so that outcomes can be recorded, and the log written back, on a disk that others
 * filled. Best effort: not every file system can, and a full one cannot.
 *
 * engine_reserve_file: *fd is -1 at first, and closed by the caller after engine_close, never before: closing any descriptor of
 * the file would drop SQLite's lock on it. *reserved: how far it got, 0 at first.
 */
void engine_reserve_log(const char *path);
void engine_reserve_file(sqlite3 *db, const char *path, int *fd, int64_t *reserved);

/* Free bytes for us on the file system of path; -1 unknown. */
int64_t engine_free_space(const char *path);

/* Pages of the file, log included. */
int64_t engine_pages(sqlite3 *db);

/* Unused pages inside the file, in bytes. */
int64_t engine_free_inside(sqlite3 *db);

#endif
