/*
 * row: one row of the outbox, read. Private to this room.
 */
#ifndef FD_STORE_ROW_H
#define FD_STORE_ROW_H

#include "store/outbox.h"
#include "store/tx.h"

/* The columns that row_read expects, in its order. */
#define ROW_COLUMNS                                                                                   \
	"id, sink, memory, change, n, generation, grp, urgency, first_severity, created_ms,"          \
	" thread, message, rules, sum, event, state, due_ms, finished_ms, attempts, answer, context," \
	" took_ms, subject, note, digest, asked_ms"

/* How a row may be wrong. */
enum row_fault {
	ROW_SOUND = 0,
	ROW_DAMAGED,  /* its checksum, or that of its event */
	ROW_NO_EVENT, /* its event is gone */
};

/* What the checksum covers: all that never changes. */
int64_t row_sum(int64_t sink, int64_t urgency, const struct outbox_new *n);

/*
 * The row that st stands on, as an item in a block of its own; with its event when is_with_event. NULL with *ret_fault when it is
 * not sound, or with ROW_SOUND and e when the database failed.
 */
struct outbox_item *row_read(struct store_tx *tx, sqlite3_stmt *st, bool is_with_event,
                             enum row_fault *ret_fault, struct err *e);

/* What is left of a row that row_read found damaged: marked, its texts fit to be shown, without its event. */
struct outbox_item *row_read_damaged(struct store_tx *tx, sqlite3_stmt *st);

/* All rows of a bound statement, at most max, without their events; damaged ones are marked. Resets st. */
int row_read_all(struct store_tx *tx, sqlite3_stmt *st, size_t max, struct outbox_item ***ret,
                 size_t *ret_count, struct err *e);

#endif
