/*
 * courier_in: what the files of the courier share. courier.c lives, courier_step.c decides,
 * courier_send.c sends, courier_job.c talks to the store, courier_test.c sends test notices. Nobody else includes this.
 */
#ifndef FD_SINK_COURIER_IN_H
#define FD_SINK_COURIER_IN_H

#include <sys/queue.h>

#include "net/pace.h"
#include "sink/breaker.h"
#include "sink/courier.h"
#include "sink/flood.h"
#include "sink/gather.h"
#include "store/outbox.h"
#include "store/store.h"

#define COURIER_MAGIC 0x436f7572u

/* One opened sink with its configuration; several while attempts of an old one end. */
struct courier_place {
	struct sink *sink;
	const struct conf_sink *conf;
	unsigned refs;
};

/* What is to be recorded of an item. */
enum courier_verdict {
	VERDICT_NONE = 0,
	VERDICT_DONE,
	VERDICT_RETRY,
	VERDICT_BURY,
	VERDICT_CANCEL
};

/* One item of the outbox, from fetched to recorded. In exactly one list. */
struct courier_item {
	TAILQ_ENTRY(courier_item) entry;
	struct courier *courier;
	struct outbox_item *row;
	struct courier_place *place; /* NULL unless under way */
	void *call;                  /* under way, for sink_cancel */
	enum render_room room;
	int64_t started_mono_ms;
	bool was_sent; /* counts to what is in flight until it is recorded */
	bool is_probe; /* goes to see whether the sink works again; until it is answered */
	/* finished: */
	enum courier_verdict verdict;
	struct sink_result result;
	int64_t finished_ms, took_ms, due_ms;
};
TAILQ_HEAD(courier_list, courier_item);

struct courier_job;
struct courier_test;
struct courier_tell;

struct courier {
	unsigned magic;
	enum courier_state state;
	struct courier_options o;
	struct courier_place *place;
	struct timer *timer;
	struct breaker breaker;
	struct breaker_holds holds;
	struct pace pace; /* rate; full_per_s 0 = none */
	struct flood flood;
	struct gather_held held; /* the digest that collects; id 0 = none */
	int64_t *
		spared; /* items that were in hand when the last process died: never folded, they may have been told */
	size_t spared_count;
	int64_t expired_ms; /* monotonic: when last looked for what is too old */
	uint32_t random;
	bool is_kicked, is_dead; /* a step waits in the loop's queue; free it there */
	bool is_loaded, is_paused, is_gone, is_stopping;
	bool is_woken;         /* the outbox may hold more than we know */
	bool is_retry_asked;   /* what waits for a retry is due now, until one fails again */
	bool is_holds_dirty;   /* holds are to be written */
	bool is_pause_dirty;   /* is_paused is to be written */
	bool is_flood_dirty;   /* flood is to be written */
	bool is_flushing;      /* digests wait for nothing: --once has read all that there was */
	bool is_expiry_due;    /* look for what is too old, however lately that was done */
	bool is_hand_dirty;    /* what is in hand is to be written */
	bool is_late_settling; /* a digest was told: those that died with it were, too */
	bool was_quiet;
	bool is_failing;       /* on_failing was told */
	int64_t hold_next_ms;  /* monotonic; valid while held */
	int64_t rate_next_ms;  /* monotonic; no token before */
	int64_t next_due_ms;   /* wall; INT64_MAX none */
	int64_t store_next_ms; /* monotonic; valid while store_failures > 0 */
	unsigned store_failures;
	struct courier_list ready, flying, finished, recording;
	size_t ready_count, sent_count; /* sent_count: was_sent items, until recorded */
	size_t probe_count;             /* is_probe items */
	struct courier_job *job;        /* the one that runs, or NULL */
	courier_done_fn *pause_done;    /* told when is_pause_dirty is on disk */
	void *pause_arg;
	struct courier_test *test;
	TAILQ_HEAD(, courier_tell) tells;
	unsigned tell_count;
	/* for status */
	uint64_t delivered, failed, dead;
	int64_t since_ms, last_ok_ms, down_since_ms;
	char last_error[SINK_ANSWER_BYTES];
};

/* courier.c */
void courier_kick(struct courier *c); /* courier_step soon, once */
uint32_t courier_random(struct courier *c);
struct courier_place *courier_place_ref(struct courier_place *p);
void courier_place_unref(struct courier *c, struct courier_place *p);

/* courier_step.c */
void courier_step(struct courier *c); /* do what the state asks for, now; only from the loop */
void
courier_drop_ready(struct courier *c); /* forget what only waits here: the store still has it */
void courier_fail(struct courier *c,
                  const struct sink_result *r); /* an attempt failed: rest, hold */
void courier_works(struct courier *c);          /* an attempt was answered as it should */

/* courier_flood.c */
/* How many more may be taken from the queue to be told one by one; 0: as many as are under way, or a flood. */
int64_t courier_room(struct courier *c);
bool courier_is_flood(struct courier *c);
/* When the digest that collects is to be told (wall); INT64_MAX = none. */
int64_t courier_digest_due_ms(const struct courier *c);
/* Skip ids are the caller's. */
void courier_plan_gather(struct courier *c, struct gather_plan *ret);
void courier_take_gathered(struct courier *c, const struct gather_plan *p,
                           const struct gather_done *done);
/* An item was recorded as delivered. */
void courier_count_told(struct courier *c, const struct outbox_item *row);
/*
 * What is in hand, as a list for the store: only where a digest could tell of it again. After a crash those are told one by one, under the
 * keys that they may have been told with. False: not for this sink.
 */
bool courier_write_hand(const struct courier *c, struct buf *out);
void courier_read_spared(struct courier *c, struct span text);
void courier_unspare(struct courier *c, int64_t id);

/* courier_send.c */
/* Start the first ready item, or finish it unsent (a sample that is not wanted), or give it back (too old). */
void courier_send_next(struct courier *c);
void courier_item_free(struct courier_item *it); /* not in any list */
void courier_list_free(struct courier_list *list);

/* courier_job.c */
void courier_job_start(struct courier *c, bool is_fetch, size_t limit);

/* courier_tell.c */
void courier_tell_cancel(struct courier *c);

/* courier_test.c */
void courier_test_cancel(struct courier *c);

#endif
