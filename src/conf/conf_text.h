/*
 * conf_text: a configuration file's text before libconfig sees it.
 *
 * libconfig 1.5 stops at the first syntax error with two words, and some traps it does not see at all: an integer over
 * 2^31-1 is silently wrong, an unclosed comment swallows the rest, two strings side by side are one. This scan walks the
 * whole text, skipping strings and comments, and tells each trap with its own hint, all of them in one run. It is no
 * second parser: what it lets through, libconfig still has to accept.
 */
#ifndef FD_CONF_CONF_TEXT_H
#define FD_CONF_CONF_TEXT_H

#include <stddef.h>

#include "base/str.h"

struct buf;
struct conf_problems;
struct err;

enum { CONF_FILE_MAX_BYTES = 8 << 20 };

/* Read a whole file. -1 with e: ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (over CONF_FILE_MAX_BYTES); the text says which and why. */
int conf_text_read(const char *path, struct buf *out, struct err *e);

/* Add what is wrong. Returns the number of errors added (warnings do not count). */
size_t conf_text_check(const char *file, struct span text, struct conf_problems *p);

#endif
