/*
 * salvage: rows of a damaged store, copied into a new one as far as they can be read and are what was written. Private to this room.
 */
#ifndef FD_STORE_SALVAGE_H
#define FD_STORE_SALVAGE_H

#include <sqlite3.h>

#include "base/err.h"
#include "store/repair.h"

/*
 * from: raw, to: new and empty, of this version's tables, in a transaction. What cannot be read is counted in r; -1 with e only where
 * `to` cannot be written.
 */
int salvage_all(sqlite3 *from, sqlite3 *to, struct repair *r, struct err *e);

#endif
