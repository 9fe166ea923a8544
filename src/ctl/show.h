/*
 * show: ask the daemon and show its answer: JSON lines as they came, or a table.
 */
#ifndef FD_CTL_SHOW_H
#define FD_CTL_SHOW_H

#include "ctl/ctl.h"
#include "ctl/table.h"

/* To standard output, as it is. */
void show_raw(const struct buf *b);

/* GET target. Without --json: a table of the lines of kind (NULL: all), or empty when there are none. */
enum exit_code show_table(const struct ctl *c, const char *target, const char *kind,
                          const struct table_column *columns, const char *empty);

/* POST target. Without --json: done on standard output when it was. */
enum exit_code show_done(const struct ctl *c, const char *target, const char *done);

#endif
