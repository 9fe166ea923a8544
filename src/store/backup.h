/*
 * backup: a whole copy of the store in another file, made a step at a time. Private to this room; users: store.h.
 *
 * SQLite's backup over the store's own connection: what is written meanwhile goes into both, so that the copy is the store of the moment
 * in which it is finished. It grows under another name and gets its own only when it is whole and on disk; never over another file.
 */
#ifndef FD_STORE_BACKUP_H
#define FD_STORE_BACKUP_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

enum { BACKUP_STEP_PAGES = 64 }; /* 1 MiB, and flushed: some ms */

struct backup;

/* dest: absolute. reserve_bytes: left free where source and copy share a disk. ERR_CONFIG: it exists, or cannot be made there. */
int backup_start(sqlite3 *db, const char *path, const char *dest, int64_t reserve_bytes,
                 struct backup **ret, struct err *e);

/* Outside of any transaction. 1 there is more, 0 it is whole and in place (then free it), -1 with e. */
int backup_step(struct backup *b, struct err *e);

void backup_get_progress(const struct backup *b, int64_t *ret_done_bytes, int64_t *ret_all_bytes);

/* What is not in place is taken away. NULL does nothing. Before the connection is closed. */
void backup_free(struct backup *b);

#endif
