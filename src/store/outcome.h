/*
 * outcome: the arrows that outbox.h draws, as the files of the outbox share them. Private to this room.
 *
 * Each moves the row, its sink's numbers, the next in line and the event's bytes together.
 */
#ifndef FD_STORE_OUTCOME_H
#define FD_STORE_OUTCOME_H

#include "store/outbox.h"
#include "store/tx.h"

/* What the changes of state look at. */
struct outcome_row {
	int64_t id, sink, memory, event, digest, created_ms;
	enum outbox_state state;
	bool has_next;
	enum change change;
	int64_t generation, group, attempts;
};

/* 1 found, 0 none, -1 with e. */
int outcome_read(struct store_tx *tx, int64_t id, struct outcome_row *ret, struct err *e);

/* A new row, as it is: nobody is asked whether it fits. */
int outcome_insert(struct store_tx *tx, struct tx_sink *sink, const struct outbox_new *n,
                   enum outbox_state state, int64_t *ret_id, struct err *e);

/* The sink's numbers: so many more in this state. */
void outcome_count(struct store_tx *tx, int64_t sink, enum outbox_state state, int by);

static inline bool
outcome_is_opening(enum change change)
{
	return change == CHANGE_CREATED || change == CHANGE_REOPENED;
}

/* Give the row its final state, and nobody else anything; the event goes unless it is needed to send again. */
int outcome_set(struct store_tx *tx, const struct outcome_row *row, enum outbox_state state,
                const struct outbox_outcome *o, struct err *e);

/* The attempt that finished an item is in its row, and would be written over by the next one. */
int outcome_keep_last(struct store_tx *tx, const struct outcome_row *row, struct err *e);

/* To a final state; who waited behind it goes. */
int outcome_finish(struct store_tx *tx, const struct outcome_row *row, enum outbox_state state,
                   const struct outbox_outcome *o, struct err *e);
/* The same to DEAD, and the resolved behind an open goes with it. */
int outcome_bury(struct store_tx *tx, const struct outcome_row *row, const struct outbox_outcome *o,
                 unsigned *ret_cancelled, struct err *e);

/* Let the next in line go. */
int outcome_unblock(struct store_tx *tx, const struct outcome_row *row, struct err *e);

/*
 * Finished, or folded, and queued again, due now: behind what is unfinished before it and ahead of what is unfinished after it, so that
 * order holds. asked_ms: age counts from there, 0 = from its creation.
 */
int outcome_requeue(struct store_tx *tx, const struct outcome_row *row, int64_t due_ms,
                    int64_t asked_ms, struct err *e);

#endif
