/*
 * audit_read: the audit as JSON lines, read in chunks of some milliseconds, so that a million records delay no page and no delivery.
 * The daemon gives them to findingsctl; findingsctl reads them itself where no daemon holds the store.
 *
 * A chunk is one job: audit_read_run (job: the reader), then, when it is committed, audit_read_next. Neither the reader's size nor a page
 * grows with the number of records.
 */
#ifndef FD_STORE_AUDIT_READ_H
#define FD_STORE_AUDIT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/audit.h"

struct store_tx;

enum {
	AUDIT_PAGE_MAX = 1000,       /* records of a page */
	AUDIT_PAGE_BYTES = 1 << 20,  /* a page ends with the record that passes this */
	AUDIT_CANDIDATES = 5,        /* findings named where a part fits several */
	AUDIT_CANDIDATE_BYTES = 160, /* of the id of each */
};

/* Zero it, fill the first block, then audit_read_start. */
struct audit_reader {
	/*
	 * A finding: its identity (64 hex), its id or ARN, a thread or message key, or a part of the id that no other finding's
	 * has. NULL: all records, or those of memory_id.
	 */
	const char *finding;
	int64_t memory_id; /* known from an earlier page; 0 = not */
	int64_t after_id;  /* records behind this one */
	int64_t since_ms;  /* only what was made or finished since, or is unfinished */
	bool is_per_try;   /* a line per attempt, for tables, instead of one per record */

	/* What a page gave. Lines: see findingsctl(1), history. */
	struct buf out;
	struct audit_place {
		bool is_found; /* memory_id is known, or none is asked for */
		bool is_over;  /* the page is complete */
		bool is_last;  /* and nothing comes behind it */
		int64_t memory_id, after_id, search_id;
		size_t out_bytes, records;
		uint64_t damaged; /* records whose checksum is wrong: not shown */
		unsigned candidates;
		int64_t candidate_ids[AUDIT_CANDIDATES];
		bool is_exact;
	} at, next;
	char candidates[AUDIT_CANDIDATES][AUDIT_CANDIDATE_BYTES];
	struct buf plain;
	struct audit_attempt *attempts;
};

void audit_read_start(struct audit_reader *r);
void audit_read_done(struct audit_reader *r);

/*
 * A store_job_fn: one chunk. -1 with e: ERR_NOT_FOUND, ERR_CONFIG (a part that fits several findings, which are named), or the
 * store's.
 */
int audit_read_run(struct store_tx *tx, void *reader, struct err *e);

/* The chunk is committed. True: run another; false: the page is complete, its lines are in out, at.after_id is where the next begins. */
bool audit_read_next(struct audit_reader *r);

#endif
