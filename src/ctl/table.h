/*
 * table: JSON lines as a table for people.
 */
#ifndef FD_CTL_TABLE_H
#define FD_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
	const char *key;     /* member of the object */
	const char *heading; /* NULL ends the columns */
	size_t max_width;    /* in code points; 0 = as wide as it gets; longer text ends in "..." */
};

/*
 * Append a table of the lines whose member "kind" is kind (NULL: of all lines), with its heading; nothing when there are
 * none. Missing members and null are "-", lists are joined by commas. Returns the number of rows.
 */
size_t table_print(struct span lines, const char *kind, const struct table_column *columns,
                   struct buf *out);

/* One line of lines, cut off its front. false: none is left. */
bool table_next_line(struct span *lines, struct span *ret_line);

/* The text of a member of one line, for a terminal. Appends nothing when it is missing or null. */
void table_text(struct span line, const char *key, struct buf *out);

#endif
