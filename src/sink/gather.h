/*
 * gather: what a courier does with its queue before it takes items from it: bury what is too old, fold what is a flood or a backlog into
 * a digest, give the members of a finished digest their outcome. A part of the courier's job: on the store's thread, a bounded
 * number of items a call, and it may run twice. DESIGN section 3, Flood; Never lost.
 */
#ifndef FD_SINK_GATHER_H
#define FD_SINK_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/finding.h"

struct store_tx;

enum {
	GATHER_CHUNK = 200,                 /* items a call, of each sort */
	GATHER_BACKLOG_MIN = 20,            /* so many are told one by one, however old */
	GATHER_BACKLOG_MS = 15 * 60 * 1000, /* older than that is a backlog */
};

/* What is to be done; filled by the loop. */
struct gather_plan {
	const char *sink;
	int64_t now_ms;
	int64_t max_age_ms;       /* for texts */
	int64_t expire_before_ms; /* what was made before is too old; 0 = do not look now */
	bool is_ready;            /* the sink works, as far as is known */
	bool wants_backlog;       /* backlog = "digest" */
	bool is_flood;            /* no more one by one: fold what is due */
	bool is_release;          /* the digest's time has come */
	bool is_late_settling;    /* a digest was just told: those who died with it too */
	const int64_t *skip;      /* ids that are under way */
	size_t skip_count;
	const int64_t *spare; /* those, and others that are not to be folded */
	size_t spare_count;
};

/* What was done. */
struct gather_done {
	unsigned expired, folded;
	unsigned told, dead; /* members of digests that were given their outcome */
	bool has_more;       /* call again before anything is taken from the queue */
	/* The digest that still collects; id 0 = none. */
	struct gather_held {
		int64_t id, first_ms;
		uint64_t count;
		enum severity severity;
	} held;
	/* Released now; count 0 = none. */
	struct gather_released {
		int64_t id;
		uint64_t count;
		enum severity severity;
		unsigned reason;
	} released[2];
	char dead_answer[300]; /* of the last that was expired */
};

int gather_run(struct store_tx *tx, const struct gather_plan *p, struct gather_done *ret,
               struct err *e);

#endif
