/*
 * check: is all of the store as it was written? In chunks of some milliseconds, each a job, part by part.
 *
 * Every row is read, so every page that holds one is; checksums are compared; what is unfinished must be found through the index that
 * the courier looks in, and have its event. A bad row is counted and named: whoever meets it later sets it aside (memory.h, outbox.h).
 * Pages that cannot be read end a part with ERR_CORRUPT. The daemon checks so after each start, and sends nothing before the parts up
 * to CHECK_GATE are well; `findingsctl db check` also has SQLite verify the whole file.
 */
#ifndef FD_STORE_CHECK_H
#define FD_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct store_tx;

/* In the order in which they are checked. */
enum check_part {
	CHECK_SCHEMA = 0, /* every table and index that this version has */
	CHECK_META,
	CHECK_CURSORS,
	CHECK_SINKS, /* and their numbers */
	CHECK_OUTBOX,
	CHECK_GATE, /* not a part: what is before it is what sending needs */
	CHECK_EVENTS = CHECK_GATE,
	CHECK_IDENT, /* before memory: see check_place */
	CHECK_MEMORY,
	CHECK_ATTEMPTS,
	CHECK_QUARANTINE,
	CHECK_OTHERS, /* the tables that no part above knows, as SQLite sees them */
	CHECK_FILE, /* only when is_full: SQLite's integrity_check; in one chunk, however long it takes */
	CHECK_PARTS,
};
const char *check_part_name(enum check_part part); /* "schema", ... */

/* What was found in a part. */
struct check_found {
	uint64_t rows, bad;
	char trouble[ERR_TEXT_BYTES]; /* the first bad one; "" = all is well */
};

/* Zero it, fill the first block. */
struct check {
	bool is_full;
	int64_t now_ms; /* cursors beyond it are not sane */

	struct check_place {
		enum check_part part;
		int64_t key, key2; /* the last one seen */
		bool is_over;      /* the part is */
		/*
		 * Identities up to merged_id are found through ident: of those there, and of those in memory, which may be fewer (what
		 * was set aside leaves its entry, what is pruned meanwhile is gone from both), never more.
		 */
		int64_t merged_id;
		uint64_t indexed, remembered;
	} at, next;
	struct check_found found[CHECK_PARTS], more; /* more: this chunk's */
};

/* A store_job_fn: one chunk. -1 with e: ERR_CORRUPT, or the store's. */
int check_run(struct store_tx *tx, void *check, struct err *e);

/* The chunk is committed. True: run another. */
bool check_next(struct check *c);

/* The chunk failed with ERR_CORRUPT: note it and go on with the next part. True: run another. */
bool check_skip(struct check *c, const struct err *failed);

/* A line of JSON per part: part, ok, rows, bad, text. */
void check_print(const struct check *c, struct buf *out);

/* Is anything not as it was written? */
bool check_is_bad(const struct check *c);

#endif
