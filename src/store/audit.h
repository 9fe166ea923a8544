/*
 * audit: who was told what, when, through which sink, with which answer.
 *
 * The finished outbox row is the record; attempts that did not finish an item are kept beside it, one row each.
 * For job functions only (see store.h).
 */
#ifndef FD_STORE_AUDIT_H
#define FD_STORE_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/outbox.h"

struct store_tx;

struct audit_attempt {
	int64_t item_id;
	int64_t at_ms;
	int64_t took_ms;
	uint32_t number; /* 1, 2, ... */
	char answer[OUTBOX_ANSWER_MAX + 1];
};

/* The attempts of an item that did not finish it, oldest first; at most max. */
int audit_attempts(struct store_tx *tx, int64_t item_id, struct audit_attempt *ret, size_t max,
                   size_t *ret_count, struct err *e);

/* All items of an identity, oldest first, after after_id; free as outbox_next's. limit <= OUTBOX_FETCH_MAX. */
int audit_history(struct store_tx *tx, const unsigned char identity[32], int64_t after_id,
                  size_t limit, struct outbox_item ***ret, size_t *ret_count, struct err *e);

/* What the last notice of a row of memory was about (outbox_new.subject), into ret; empty when that is not known. */
int audit_subject(struct store_tx *tx, int64_t memory_id, struct buf *ret, struct err *e);

/* The items made last, newest first. */
int audit_recent(struct store_tx *tx, size_t limit, struct outbox_item ***ret, size_t *ret_count,
                 struct err *e);

#endif
