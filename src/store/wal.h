/*
 * wal: is the log beside the store the one that belongs there? Private to this room.
 *
 * SQLite takes a store without its log, or with one whose header is broken, for a store without anything in its log: what was committed since
 * the last checkpoint would be gone in silence. So a store that is in use says so in itself (meta: store.in_use, from its first commit
 * to its clean close), and one that says so is opened only with a log.
 */
#ifndef FD_STORE_WAL_H
#define FD_STORE_WAL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

#define WAL_MARK_KEY "store.in_use"

/* Is there a log with a header of SQLite's? Before the store is opened: opening makes one. path: the store's. */
bool wal_is_there(const char *path);

/* An open store that was in use when it was last closed, but had no log: -1 with ERR_CORRUPT. */
int wal_check_mark(sqlite3 *db, const char *path, bool had_log, struct err *e);

#endif
