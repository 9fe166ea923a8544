/*
 * canon: the canonical form of a path and a query, as Signature Version 4 hashes them.
 *
 * Made from what goes on the wire: a path's bytes are encoded once more, a query's are decoded and encoded anew, and
 * its pairs sorted.
 */
#ifndef FD_AWS_CANON_H
#define FD_AWS_CANON_H

#include <stdbool.h>

#include "base/str.h"

struct buf;
struct err;

/* Append to out. scratch is overwritten. is_raw: leave dot segments and double slashes in. */
void canon_path(struct buf *out, struct buf *scratch, struct span path, bool is_raw);

/* Returns 0, or -1 with e: ERR_LIMIT too many parameters. */
int canon_query(struct buf *out, struct buf *scratch, struct span query, struct err *e);

#endif
