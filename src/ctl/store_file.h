/*
 * store_file: the store, opened by findingsctl itself, where no daemon holds it.
 */
#ifndef FD_CTL_STORE_FILE_H
#define FD_CTL_STORE_FILE_H

#include <stdbool.h>

#include "base/exits.h"
#include "ctl/ctl.h"

struct store;

/* Where the configuration says that the store is, or would be; caller frees. NULL: the reason was printed. */
char *store_file_path(const struct ctl *c);

/*
 * Open it to be read: nothing is written. EXIT_OK; else why not was printed: EXIT_TRY_AGAIN (a daemon holds it), EXIT_STORE_UNREADABLE,
 * EXIT_CHECK_FAILED (there is none).
 */
enum exit_code store_file_open(const char *path, struct store **ret);

#endif
