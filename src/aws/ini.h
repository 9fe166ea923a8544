/*
 * ini: the AWS CLI's config and credentials files.
 *
 * Sections in brackets, "key = value", '#' and ';' comments, nested lines (indented) are skipped. Nothing is expanded.
 */
#ifndef FD_AWS_INI_H
#define FD_AWS_INI_H

#include <stdbool.h>

#include "base/str.h"

struct err;
struct ini;

enum { INI_MAX_BYTES = 1 << 20 };

/* is_config: profiles are "[profile NAME]" and "[default]"; else "[NAME]". NULL with e: ERR_PARSE, with the line. */
struct ini *ini_parse(struct span text, bool is_config, struct err *e);
/* A file that does not exist is an empty one. NULL with e: ERR_IO, ERR_LIMIT, ERR_PARSE; the text names the file. */
struct ini *ini_read(const char *path, bool is_config, struct err *e);
void ini_free(struct ini *i); /* wipes; NULL does nothing */

bool ini_has_profile(const struct ini *i, const char *profile);
/* The value; of a key that stands twice the last; NULL: none. Lives as long as i. */
const char *ini_get(const struct ini *i, const char *profile, const char *key);

#endif
