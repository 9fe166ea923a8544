/*
 * take_in: what the files of a take share. take.c reads a page, take_mind.c remembers, take_queue.c queues notices,
 * take_together.c follows alerts that stand for several findings, take_absent.c what an answer should have had. Nobody
 * else includes this. All of it runs on the store's thread.
 */
#ifndef FD_DAEMON_TAKE_IN_H
#define FD_DAEMON_TAKE_IN_H

#include "base/buf.h"
#include "daemon/take.h"
#include "route/lifecycle.h"
#include "store/outbox.h"

struct note_together;

enum { TAKE_DEAD_MAX = 64 };

/* One identity: what is remembered of it, and what was decided. The state borrows from remembered. */
struct take_mind {
	struct lifecycle_state state;
	struct lifecycle_result decided;
	struct outbox_dead_count dead_rows[TAKE_DEAD_MAX];
	struct lifecycle_dead dead[TAKE_DEAD_MAX];
	size_t dead_count;
	struct buf remembered, packed;
	unsigned char identity[FINDING_IDENTITY_BYTES];
	int64_t id;      /* in memory; 0 = not there yet */
	int64_t seen_ms; /* last sight, coarse */
	bool is_new;     /* nothing is known of it */
};

/* Too big for a stack, and needed one at a time. */
struct take_scratch {
	struct take_mind own;      /* the finding's */
	struct take_mind together; /* that of an alert it is open in */
	struct buf event, rules, subject, note, made, parts;
	int64_t *seen; /* memory ids that an answer to a re-read had */
	size_t seen_count, seen_cap;
};

/* take_mind.c */
/* What is remembered of m->identity, which is set; m->id stays 0 when nothing is. */
int take_recall(struct store_tx *tx, struct take_mind *m, struct err *e);
/* The same by id (identity is set), or by the first bytes of the identity. 1 found, 0 not. */
int take_recall_id(struct store_tx *tx, struct take_mind *m, int64_t id, struct err *e);
int take_recall_key(struct store_tx *tx, struct take_mind *m, uint64_t key, struct err *e);
/* Decide; in: reading, matched, values and now_ms set, the rest is filled in. */
int take_decide(struct store_tx *tx, struct take_mind *m, const struct take *t,
                struct lifecycle_input *in, bool is_absent, struct err *e);
/* Write it, where it changed. */
int take_remember(struct store_tx *tx, struct take_mind *m, int64_t now_ms, struct err *e);

/* take_queue.c */
/* The event's bytes into the scratch. -1: no event can be made of it, or none that the store would take. */
int take_build_event(struct take *t, const struct take_item *item);
/* The notices of a mind, with the event that was built. together: NULL, or of what it stands for. */
int take_queue(struct store_tx *tx, struct take *t, const struct take_item *item,
               const struct take_mind *m, const struct note_together *together, struct err *e);

/* take_together.c: what a finding's decision means for the alerts that it is open in. */
int take_together(struct store_tx *tx, struct take *t, const struct take_item *item, struct err *e);

/* take_absent.c: what was asked about and not answered. */
int take_absent(struct store_tx *tx, struct take *t, struct err *e);

#endif
