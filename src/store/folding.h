/*
 * folding: many items of one sink told as one: the digest, and what is in it. See outbox.h for the states.
 *
 * A digest is an item like any other (CHANGE_DIGEST, memory 0, keys of its own), but that it is HELD while it collects, and nobody sends
 * it. A flood's takes all that falls due meanwhile, so also what follows its members; else that waits behind them. Released, it is QUEUED
 * with its event.
 * Its members are FOLDED until it is finished; then folding_settle gives each of them its outcome, some at a time. Undone (its
 * row was damaged before it was told), its members are queued again.
 *
 *	QUEUED --add--> FOLDED --settle--> DONE | DEAD | QUEUED        HELD --release--> QUEUED        HELD --undo--> CANCELLED
 *
 * What waits for a digest's members therefore never overtakes them, and after a crash at any point each member is told once, or in
 * one digest. For job functions only (see store.h).
 */
#ifndef FD_STORE_FOLDING_H
#define FD_STORE_FOLDING_H

#include "store/outbox.h"

/* Why there is a digest; stored as the generation of its row. */
enum folding_reason {
	FOLDING_FLOOD = 1, /* more than people can read */
	FOLDING_BACKLOG,   /* after an outage */
	FOLDING_MAX_AGE,   /* what got too old: it only tells of them, they are dead letters */
};

/*
 * The digest of a sink that still collects, without event: of FOLDING_MAX_AGE when is_catch_up, else of the others. 1, 0 none, -1 with
 * e. One whose row is damaged is undone, and none.
 */
int folding_held(struct store_tx *tx, const char *sink, bool is_catch_up, struct outbox_item **ret,
                 struct err *e);

/* A new one. Of n, event_id, memory_id, change and generation are not used. */
int folding_new(struct store_tx *tx, const struct outbox_new *n, enum folding_reason reason,
                int64_t *ret_id, struct err *e);

/* What the courier keeps with it while it collects. */
int folding_note(struct store_tx *tx, int64_t id, struct span context, struct err *e);

/* Of n: event_id, severity (also the first), rules, subject, due_ms. The context goes: it is in the event now. */
int folding_release(struct store_tx *tx, int64_t id, const struct outbox_new *n, struct err *e);

struct folding_query {
	const char *sink;
	/* Queued, and due before this ... */
	int64_t due_before_ms;
	/* ... or tried at least once, whenever due, and older than this (created, or asked for). 0 = none of those. */
	int64_t tried_before_ms;
	bool is_all; /* also what is never folded: our own, digests, asked for by hand, with a context */
	const int64_t *skip; /* ids that are under way */
	size_t skip_count;
	size_t limit; /* <= OUTBOX_FETCH_MAX */
};
/* Those, the most severe first, without event unless is_all; damaged ones are left for outbox_next. As outbox_next's result. */
int folding_list(struct store_tx *tx, const struct folding_query *q, struct outbox_item ***ret,
                 size_t *ret_count, struct err *e);
/* How many that list would hold at most; counts no further than q->limit. */
int folding_count(struct store_tx *tx, const struct folding_query *q, size_t *ret, struct err *e);

/* A queued item into a digest that collects. What waits behind it may go in next when it was made before next_before_ms. */
int folding_add(struct store_tx *tx, int64_t id, int64_t digest_id, int64_t next_before_ms,
                struct err *e);

struct folding_settled {
	unsigned told, dead, back; /* members that became DONE, DEAD, QUEUED */
	bool has_more;
};
/*
 * Give members of finished digests their outcome, at most limit of them. Costs nothing where nothing is folded, unless is_late: then
 * also those that died with a digest that was told after all (`dead retry`).
 */
int folding_settle(struct store_tx *tx, const char *sink, int64_t now_ms, size_t limit,
                   bool is_late, struct folding_settled *ret, struct err *e);

/* Never told: its members are to be queued again, by folding_settle. */
int folding_undo(struct store_tx *tx, int64_t id, int64_t now_ms, const char *why, struct err *e);

#endif
