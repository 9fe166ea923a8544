/*
 * lines: a file of lines, mapped or read whole, for the commands that work on JSON lines.
 */
#ifndef FD_CTL_LINES_H
#define FD_CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

/* Open value type, made by lines_open. */
struct lines {
	struct span all;  /* the whole file */
	struct span text; /* the current line, without its newline */
	size_t number;    /* of the current line, from 1 */
	const char *next;
	bool is_mapped;
};

/* "-" is standard input. -1 with e: file and reason. */
int lines_open(struct lines *l, const char *path, struct err *e);
void lines_close(struct lines *l);

/* Go to the next line; false at the end. A last line without a newline counts. */
bool lines_next(struct lines *l);
bool lines_is_blank(const struct lines *l);

#endif
