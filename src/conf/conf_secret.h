/*
 * conf_secret: strings that stand elsewhere: file:PATH, env:NAME, cred:NAME.
 *
 * cred:NAME is a systemd credential, a file in $CREDENTIALS_DIRECTORY. Errors name key and place, never a value.
 */
#ifndef FD_CONF_CONF_SECRET_H
#define FD_CONF_CONF_SECRET_H

#include <stdbool.h>

#include "conf/conf.h"

struct err;

enum { CONF_SECRET_MAX_BYTES = 64 << 10 };

/* Does the text point elsewhere? */
bool conf_secret_is_reference(const char *text);
/* A well-named credential of the service, and this process is not the service. */
bool conf_secret_is_elsewhere(const char *text);

/*
 * Resolve text, as written in the configuration; relative paths start at folder. One line break at the value's end is
 * cut. ret->origin is the reference itself, "the file" for a plain text, "" for an empty one. *ret_is_open: a file that
 * everyone can read.
 *
 * Returns 0, or -1 with e: ERR_CONFIG, what is missing and what to do.
 */
int conf_secret_read(const char *text, const char *folder, struct conf_secret *ret,
                     bool *ret_is_open, struct err *e);
void conf_secret_done(struct conf_secret *s); /* wipes */

#endif
