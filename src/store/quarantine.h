/*
 * quarantine: what could not be understood, kept with the reason: findings that cannot be identified, rows whose checksum is
 * wrong. Bounded: beyond QUARANTINE_MAX rows the oldest go. For job functions only (see store.h).
 */
#ifndef FD_STORE_QUARANTINE_H
#define FD_STORE_QUARANTINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct store_tx;

enum { QUARANTINE_MAX = 10000, QUARANTINE_BODY_MAX = 1024 * 1024 };

/* where: "source/account/region" or "store.memory"; body is cut at QUARANTINE_BODY_MAX. The same bytes are kept once. */
int quarantine_add(struct store_tx *tx, const char *where, const char *reason, struct span body,
                   int64_t now_ms, struct err *e);

struct quarantine_row {
	int64_t id, at_ms;
	size_t body_bytes;
	char where[201];
	char reason[ERR_TEXT_BYTES];
};
/* Oldest first, after after_id. *ret: array to free with mem_free. limit <= 1000. */
int quarantine_list(struct store_tx *tx, int64_t after_id, size_t limit,
                    struct quarantine_row **ret, size_t *ret_count, struct err *e);
/* Appends the bytes. 1 found, 0 none, -1 with e. */
struct buf;
int quarantine_body(struct store_tx *tx, int64_t id, struct buf *ret, struct err *e);
int quarantine_drop(struct store_tx *tx, int64_t id, struct err *e);

#endif
