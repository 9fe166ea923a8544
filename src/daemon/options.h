/*
 * options: the command line of findingsd. Pure: reads argv, says what was asked for.
 */
#ifndef FD_DAEMON_OPTIONS_H
#define FD_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

enum options_list {
	LIST_NONE = 0,
	LIST_KEYS,
	LIST_OPERATORS,
	LIST_SINKS,
	LIST_SOURCES,
	LIST_PRESETS
};

/* Strings are argv's own. */
struct options {
	const char *conf_path;  /* never NULL */
	enum options_list list; /* LIST_NONE: not asked for */
	bool is_check;
	bool is_once; /* --dry-run sets it too */
	bool is_dry_run;
	bool is_version;
	bool is_help;
};

extern const char options_usage[];

/* Returns 0, or -1 with e: ERR_PARSE, what is wrong and what is allowed. */
int options_parse(int argc, char **argv, struct options *ret, struct err *e);

#endif
