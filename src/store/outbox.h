/*
 * outbox: what has to be told to whom, until it is told; then the record that it was.
 *
 * A row is made in the transaction that decides it, with the event's bytes stored once beside it, and never deleted before its
 * outcome is recorded: its state changes, and the finished row is the audit row (audit.h lists those). The event's bytes go
 * when no unfinished item and no dead letter needs them.
 *
 * Order holds per identity and sink: an item waits (OUTBOX_BLOCKED) while an earlier one for the same identity and sink is
 * unfinished. Which items are under way is known to the courier alone: after a crash they are simply due.
 *
 *	QUEUED --done--> DONE      BLOCKED --predecessor finished--> QUEUED
 *	QUEUED --retry--> QUEUED   QUEUED, BLOCKED --cancel--> CANCELLED
 *	QUEUED --bury--> DEAD      DEAD --dead_retry--> QUEUED    DEAD --dead_drop--> DROPPED
 *
 * For job functions only (see store.h). Numbers per sink are maintained, not counted.
 */
#ifndef FD_STORE_OUTBOX_H
#define FD_STORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/change.h"
#include "base/err.h"
#include "base/str.h"

struct store_tx;

/* Values are stored: add at the end only. */
enum outbox_state {
	OUTBOX_QUEUED = 0,
	OUTBOX_BLOCKED,
	OUTBOX_DONE,
	OUTBOX_DEAD,
	OUTBOX_CANCELLED,
	OUTBOX_DROPPED,
	OUTBOX_HELD,   /* a digest that still collects */
	OUTBOX_FOLDED, /* in a digest that is not told yet */
	OUTBOX_STATE_COUNT,
};
const char *outbox_state_name(enum outbox_state state); /* "queued", ... */

/* Unfinished, and to be sent one day with its event. */
static inline bool
outbox_needs_event(enum outbox_state state)
{
	return state <= OUTBOX_BLOCKED || state == OUTBOX_FOLDED;
}

enum {
	OUTBOX_KEY_MAX = 128,           /* message and thread keys */
	OUTBOX_RULES_MAX = 4096,        /* names of rules, joined by newlines */
	OUTBOX_CONTEXT_MAX = 64 * 1024, /* the courier's notes on an item */
	OUTBOX_ANSWER_MAX = 1024,       /* longer answers are cut on a code point */
	OUTBOX_SUBJECT_MAX = 4096,
	OUTBOX_NOTE_MAX = 16 * 1024,
	OUTBOX_FIRST_ATTEMPTS = 10, /* the record of failed attempts keeps so many of the first */
	OUTBOX_LAST_ATTEMPTS = 40,  /* and of the last; all are counted */
	OUTBOX_EVENT_MAX = 9 * 1024 * 1024, /* whatever fits a page of answers */
	OUTBOX_FETCH_MAX = 1024,
	OUTBOX_DUE_MAX_MS =
		61 * 60 * 1000, /* due later than that from now: a clock was wrong, it is due */
};

/* Store an event's bytes. 0 and *ret_id (> 0), or -1 with e: ERR_LIMIT too long; ERR_STORE temporary (also: disk almost full). */
int outbox_event_add(struct store_tx *tx, struct span body, int64_t *ret_id, struct err *e);

/* What to tell. Everything is copied. */
struct outbox_new {
	const char *sink;  /* name */
	int64_t memory_id; /* of the identity; 0 for events of our own: then no order, no pairs */
	int64_t event_id;  /* from outbox_event_add in this job */
	enum change change;
	uint32_t n; /* counts notices per sink and identity */
	uint32_t generation;
	uint64_t group; /* 0, or the key of a rule that stands apart (merge = false) */
	int severity; /* 0 informational .. 4 critical: most severe first where a queue has built up */
	int first_severity; /* of the thread's first notice */
	const char *thread_key;
	const char *message_key;
	struct span rules; /* names joined by '\n', in file order */
	/*
	 * What it is about, for the record that outlives the event: id, title, product, account and region, joined by '\n',
	 * each as it stands in JSON (escaped, so that no '\n' is in it); may be empty.
	 */
	struct span subject;
	struct span
		note; /* what is to be said beside the finding: JSON of route/note.h, may be empty */
	struct span context; /* JSON of the courier, may be empty */
	int64_t created_ms;
	int64_t due_ms; /* not before; usually created_ms */
};
/* 0, or -1 with e. ret_id may be NULL. */
int outbox_add(struct store_tx *tx, const struct outbox_new *n, int64_t *ret_id, struct err *e);

/* One item, in one block of memory: outbox_item_free frees it with all its texts. Texts are NUL-terminated. */
struct outbox_item {
	int64_t id;
	int64_t memory_id, event_id;
	enum outbox_state state;
	enum change change;
	uint32_t n, generation;
	uint64_t group;
	int severity, first_severity;
	int64_t created_ms, due_ms;
	int64_t finished_ms; /* 0 while unfinished */
	uint32_t attempts;   /* finished and recorded */
	int64_t took_ms;     /* the last of them, when it finished the item */
	int64_t digest_id;   /* the digest that it was folded into, 0 = none */
	int64_t asked_ms; /* when a person last asked for it again, 0 = never: its age counts from there */
	bool is_damaged; /* what is left of a row with a wrong checksum: to be shown, not to be believed */
	struct span sink, thread_key, message_key;
	struct span rules; /* joined by '\n' */
	struct span context, subject, note;
	struct span answer; /* the last one */
	struct span event;  /* empty when the bytes are gone or were not asked for */
	char text[];        /* private: the bytes of all of them */
};
void outbox_item_free(struct outbox_item *item);

struct outbox_query {
	const char *sink;
	int64_t now_ms;
	size_t limit;        /* <= OUTBOX_FETCH_MAX */
	const int64_t *skip; /* ids that are under way, any order */
	size_t skip_count;   /* <= OUTBOX_FETCH_MAX */
};
/*
 * The items that are due, most severe first, then by due time; at most one per identity and sink is ever eligible.
 * *ret: array of *ret_count items (free each, then the array with mem_free; NULL when 0). *ret_next_due_ms: when the next
 * one that is neither due nor skipped falls due; INT64_MAX none. An item whose row or event is damaged is buried, not returned;
 * where another waited behind it, *ret_next_due_ms is 0: ask again.
 */
int outbox_next(struct store_tx *tx, const struct outbox_query *q, struct outbox_item ***ret,
                size_t *ret_count, int64_t *ret_next_due_ms, struct err *e);
void outbox_items_free(struct outbox_item **items, size_t count);

/*
 * Outcomes. attempt counts one more attempt; answer (cut, may be empty) is kept as the last one. Each returns 0, also when the
 * item was finished meanwhile (then nothing changes), or -1 with e (ERR_NOT_FOUND: no such item).
 */
struct outbox_outcome {
	int64_t now_ms;
	bool is_attempt;    /* false: finished without an attempt, for example too old */
	int64_t took_ms;    /* the attempt alone */
	struct span answer; /* clean text: status, reason, id */
};
int outbox_done(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, struct err *e);
/* Again at due_ms. context replaces the courier's notes unless its p is NULL. */
int outbox_retry(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, int64_t due_ms,
                 struct span context, struct err *e);
/*
 * To the dead letters. When it opened a thread (created, reopened) and the next in line for the same identity, sink and group is its
 * resolved, that one is cancelled with it. ret_cancelled (may be NULL): how many.
 */
int outbox_bury(struct store_tx *tx, int64_t id, const struct outbox_outcome *o,
                unsigned *ret_cancelled, struct err *e);
int outbox_cancel(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, struct err *e);

/* Bury what was queued for a sink before created_before_ms, at most limit items (orphans over max_age). */
int outbox_bury_older(struct store_tx *tx, const char *sink, int64_t created_before_ms,
                      size_t limit, const struct outbox_outcome *o, unsigned *ret_count,
                      struct err *e);

/*
 * For lifecycle: the notices of an identity that died or were dropped, per sink, group and generation. Usually none.
 * At most max; *ret_count of them. sink lives until the next store call of this job.
 */
struct outbox_dead_count {
	char sink[65];
	uint64_t group;
	uint32_t generation;
	uint32_t count;
};
int outbox_dead_of(struct store_tx *tx, int64_t memory_id, struct outbox_dead_count *ret,
                   size_t max, size_t *ret_count, struct err *e);

/* Numbers per sink that ever had an item, in order of the names; also of sinks that are no longer configured. */
struct outbox_count {
	char sink[65];
	uint64_t queued;  /* what is not told yet: QUEUED, BLOCKED, FOLDED */
	uint64_t blocked; /* of them, behind an earlier one */
	uint64_t folded;  /* of them, in a digest that is not told yet */
	uint64_t done, dead, cancelled, dropped;
	int64_t oldest_ms; /* created_ms of the oldest due item, near enough; 0 = none queued */
};
/* *ret: array to free with mem_free, NULL when none. */
int outbox_counts(struct store_tx *tx, struct outbox_count **ret, size_t *ret_count, struct err *e);

/*
 * Items in a state, by id, after after_id (0 = from the start); without event bytes; damaged ones marked. sink NULL = all.
 * limit <= OUTBOX_FETCH_MAX.
 */
int outbox_list(struct store_tx *tx, const char *sink, enum outbox_state state, int64_t after_id,
                size_t limit, struct outbox_item ***ret, size_t *ret_count, struct err *e);

/* One item with its event bytes; marked when it is damaged. 1 found, 0 none, -1 with e. */
int outbox_get(struct store_tx *tx, int64_t id, struct outbox_item **ret, struct err *e);

/*
 * Send a dead letter again, under the same message key, in its place in line; its age counts from now_ms. -1 with ERR_NOT_FOUND (no
 * such dead letter), ERR_CONFIG (it is damaged; or it opened a thread and the finding is closed since: is_forced sends it all the same).
 */
int dead_retry(struct store_tx *tx, int64_t id, bool is_forced, int64_t now_ms, struct err *e);
/*
 * Send what was delivered once more, under the same message key, in its place in line. -1 with ERR_NOT_FOUND (no such item), ERR_CONFIG (the
 * text says why not: not delivered, its event is gone, of no single finding, or as dead_retry).
 */
int outbox_replay(struct store_tx *tx, int64_t id, bool is_forced, int64_t now_ms, struct err *e);
/* Give a dead letter up; the record of it stays until retention ends. ERR_NOT_FOUND as above. */
int dead_drop(struct store_tx *tx, int64_t id, int64_t now_ms, struct err *e);

#endif
