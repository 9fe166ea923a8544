/*
 * exits: the exit codes of findingsd and findingsctl.
 *
 * Those of sysexits.h, by our names. findingsd.8 lists them (tests/lint/check-words holds both together); the systemd
 * unit does not restart on 64, 74 and 78.
 */
#ifndef FD_BASE_EXITS_H
#define FD_BASE_EXITS_H

#include "base/err.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_CHECK_FAILED = 1,      /* a check that was asked for failed */
	EXIT_USAGE_ERROR = 64,      /* the command line */
	EXIT_NO_DAEMON = 69,        /* findingsctl: the daemon cannot be reached */
	EXIT_BUG = 70,              /* a fault of ours */
	EXIT_NO_RESOURCES = 71,     /* out of memory, descriptors, sockets */
	EXIT_STORE_UNREADABLE = 74, /* the store: unreadable, corrupt, or of a newer version */
	EXIT_TRY_AGAIN = 75,    /* the store is locked, its disk full, or something is left to do */
	EXIT_CONFIG_ERROR = 78, /* the configuration */
};

/* The code to leave with after a failed start; ERR_NONE and what has no code of its own give EXIT_BUG. */
static inline enum exit_code
exit_code_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_CONFIG:
	case ERR_PARSE:
		return EXIT_CONFIG_ERROR;
	case ERR_LOCKED:
	case ERR_FULL:
		return EXIT_TRY_AGAIN;
	case ERR_STORE:
	case ERR_CORRUPT:
	case ERR_SCHEMA:
	case ERR_IO:
		return EXIT_STORE_UNREADABLE;
	case ERR_LIMIT:
	case ERR_NET:
		return EXIT_NO_RESOURCES;
	default:
		return EXIT_BUG;
	}
}

#endif
