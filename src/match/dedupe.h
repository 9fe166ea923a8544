/*
 * dedupe: an event without duplicate keys: of equal keys in one object the last one stays, as AWS documents it.
 */
#ifndef FD_MATCH_DEDUPE_H
#define FD_MATCH_DEDUPE_H

#include "base/str.h"

struct buf;
struct err;

/*
 * 1: out holds a copy without the earlier ones; 0: there were none, out is untouched; -1 with e: not a JSON object, or
 * the copy does not fit into out. The grammar is checked wholly.
 */
int dedupe(struct span event, struct buf *out, struct err *e);

#endif
