/*
 * pretty: JSON text laid out for people, as event patterns are written in manuals.
 *
 * Only blanks change: keys, strings and numbers keep their bytes, equal keys stay, order stays. A list that fits a line
 * stands on one, and so does an object in a list; any other object has a line per member.
 */
#ifndef FD_JSON_PRETTY_H
#define FD_JSON_PRETTY_H

#include "base/str.h"

struct buf;
struct err;

/* Append text laid out, without a newline at its end. -1 with e when it is not one JSON value; out may hold a part then. */
int pretty_add(struct span text, struct buf *out, struct err *e);

#endif
