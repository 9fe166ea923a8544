/*
 * cursor: how far each stream of a source has been read, in AWS's time.
 *
 * Written in the transaction of the page that justifies it, so a cursor is never ahead of the rows stored with it.
 * For job functions only (see store.h).
 */
#ifndef FD_STORE_CURSOR_H
#define FD_STORE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store_tx;

/* Values are stored: add at the end only. */
enum cursor_stream {
	CURSOR_LIVE = 0,
	CURSOR_LATE,
	CURSOR_BACKFILL,
	CURSOR_SWEEP,
	CURSOR_RECONCILE,
	CURSOR_STREAM_COUNT,
};

enum { CURSOR_NAME_MAX = 64 };

struct cursor {
	/* The key. account and region may be "" where a source has none. */
	char source[CURSOR_NAME_MAX + 1];
	char account[CURSOR_NAME_MAX + 1];
	char region[CURSOR_NAME_MAX + 1];
	enum cursor_stream stream;
	/* All in ms since 1970 by AWS's clock; 0 = not yet. */
	int64_t watermark_ms; /* everything before it is committed */
	int64_t target_ms; /* back-fill: where it ends; sweep: how far the one under way is, 0 = none */
	int64_t started_ms;      /* first start of this source, account and region */
	int32_t start_kind;      /* how it started; the source's own numbers */
	int64_t start_ms;        /* baseline instant that belongs to start_kind */
	int64_t last_success_ms; /* last window completed, by AWS's clock */
};

/* 1 found, 0 none, -1 with e. The key is read from *key; the rest of *ret is filled (key and ret may be the same). */
int cursor_get(struct store_tx *tx, const struct cursor *key, struct cursor *ret, struct err *e);
/* Insert or replace. 0, or -1 with e (ERR_LIMIT: a name over CURSOR_NAME_MAX). */
int cursor_set(struct store_tx *tx, const struct cursor *c, struct err *e);
int cursor_delete(struct store_tx *tx, const struct cursor *key, struct err *e);
/* All cursors in order of their keys, in an array to free with mem_free (NULL when none). 0, or -1 with e. */
int cursor_list(struct store_tx *tx, struct cursor **ret, size_t *ret_count, struct err *e);

#endif
