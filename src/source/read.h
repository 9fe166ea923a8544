/*
 * read: the one reader for answers of list calls, for the rows of the table of sources.
 */
#ifndef FD_SOURCE_READ_H
#define FD_SOURCE_READ_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "source/source.h"

struct read_list {
	const char *items; /* member that holds the array */
	const char *token; /* member that holds the next page's token; NULL = the call has none */
	bool is_strings;   /* its elements are strings, else objects */
};

/*
 * Read a page in one pass, checking the grammar of all of it. null stands for an empty array and for no token.
 * Returns 0 (source_page_done), or -1 with e: ERR_PARSE not such an answer, ERR_LIMIT too many elements, token too long.
 */
int read_page(struct span answer, const struct read_list *list, struct source_page *ret,
              struct err *e);

#endif
