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

/*
 * Bring an open database up to date, all steps in one transaction. is_new: a file that holds nothing yet.
 * -1 with ERR_SCHEMA (newer), ERR_CORRUPT (not ours), or as tx_fail.
 */
int schema_upgrade(sqlite3 *db, const char *path, bool is_new, struct err *e);

#endif
