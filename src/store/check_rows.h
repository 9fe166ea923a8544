/*
 * check_rows: what the check looks at in each part. Private to this room.
 */
#ifndef FD_STORE_CHECK_ROWS_H
#define FD_STORE_CHECK_ROWS_H

#include "store/check.h"
#include "store/tx.h"

enum { CHECK_WHOLE = 0, CHECK_ONE_KEY, CHECK_TWO_KEYS };

struct check_part_row {
	const char *name;
	/* Rows in order of their keys, which come first, behind ?1 (and ?2), at most ?3; or all, CHECK_WHOLE. NULL: whole does it. */
	const char *sql;
	int is_keyed;
	int (*look)(struct store_tx *tx, struct check *c, sqlite3_stmt *row, size_t *bytes,
	            struct err *e);
	int (*whole)(struct store_tx *tx, struct check *c, struct err *e);
};

/* A part with rows is over. */
void check_rows_end(struct check *c);

extern const struct check_part_row check_parts[CHECK_PARTS];

#endif
