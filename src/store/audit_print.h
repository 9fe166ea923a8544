/*
 * audit_print: a record of the audit as JSON. Private to this room.
 */
#ifndef FD_STORE_AUDIT_PRINT_H
#define FD_STORE_AUDIT_PRINT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "store/audit.h"

struct audit_record {
	const struct outbox_item *item;
	struct span identity;                 /* 32 bytes, or empty */
	const struct audit_attempt *attempts; /* kept ones that did not finish it */
	size_t attempt_count;
};

/* One line with all attempts in it. */
void audit_print(const struct audit_record *r, struct buf *out);

/* A line per attempt, and one for those that are not kept; one line where none was made yet. */
void audit_print_tries(const struct audit_record *r, struct buf *out);

#endif
