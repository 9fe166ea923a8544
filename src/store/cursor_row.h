/*
 * cursor_row: one row of the cursors, read. Private to this room.
 */
#ifndef FD_STORE_CURSOR_ROW_H
#define FD_STORE_CURSOR_ROW_H

#include <sqlite3.h>
#include <stdbool.h>

#include "store/cursor.h"

/* The columns that cursor_row_read expects, in its order. */
#define CURSOR_COLUMNS                                                          \
	"source, account, region, stream, watermark_ms, target_ms, started_ms," \
	" start_kind, start_ms, success_ms, sum"

/* The row that st stands on. False: its checksum is wrong. Rows of schema 4 have none (0), until they are written again. */
bool cursor_row_read(sqlite3_stmt *st, struct cursor *ret);

#endif
