/*
 * repair: a new store made of what can still be read of a damaged one, which is moved aside whole. For findingsctl, with no daemon.
 *
 * Nothing is deleted: file and log get the name PATH.damaged-INSTANT (and -wal). A file PATH.repairing marks the moment in between: a
 * store beside such a mark is not opened, so that a repair that is interrupted never looks like a first start. Run it again then.
 */
#ifndef FD_STORE_REPAIR_H
#define FD_STORE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { REPAIR_TABLES_MAX = 32 };

/* What became of a table. */
struct repair_table {
	char name[48];
	uint64_t kept;
	uint64_t bad;   /* read, but not as they were written: left out */
	uint64_t holes; /* places where no row could be read; how many were there is not known */
};

struct repair {
	/* Asked for. */
	const char *path;
	int64_t since_ms; /* sources are read again from here, by AWS's clock */
	int64_t now_ms;

	/* Told. */
	char aside[512]; /* where the damaged one is now */
	bool is_resumed; /* an earlier run was interrupted; the tables are told only where they were made anew */
	bool is_unreadable; /* nothing of it could be read */
	char why[ERR_TEXT_BYTES];
	struct repair_table tables[REPAIR_TABLES_MAX];
	size_t table_count;
	uint64_t
		without_event; /* items that waited and whose event is gone: given up, recorded as dropped */
};

/*
 * 0, or -1 with e, and then the store is where it was: ERR_LOCKED (a daemon has it), ERR_NOT_FOUND (there is none), ERR_SCHEMA (it is of a
 * newer version, not damaged), ERR_IO, ERR_STORE.
 */
int repair_run(struct repair *r, struct err *e);

/* -1 with e (ERR_CORRUPT) where a repair of that store was interrupted. */
int repair_check_mark(const char *path, struct err *e);

#endif
