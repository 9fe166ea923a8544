/*
 * schema: the tables of the store, as numbered steps; step N leads from user_version N - 1 to N. Private to this room.
 */
#ifndef FD_STORE_SCHEMA_H
#define FD_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

enum {
	SCHEMA_APPLICATION_ID = 0x46445331, /* "FDS1", in the file's header */
};

/* The version that this program writes. */
int schema_version(void);

/* All steps, in a file that holds nothing yet. */
int schema_create(sqlite3 *db, const char *path, struct err *e);

/* The version of an open database. -1 with ERR_SCHEMA (newer than ours), ERR_CORRUPT (not a store), or as tx_fail. */
int schema_read_version(sqlite3 *db, const char *path, int *ret, struct err *e);

/*
 * Bring an open database up to date, each step with its version number in a transaction of its own, so that an upgrade that is
 * interrupted goes on where it was. is_read_only: nothing is written; the transaction that holds the steps stays open.
 * *ret_from: the version that it had. -1 as schema_read_version.
 */
int schema_upgrade(sqlite3 *db, const char *path, bool is_read_only, int *ret_from, struct err *e);

#endif
