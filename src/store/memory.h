/*
 * memory: what is remembered of each finding ever read: identity -> a row with the packed lifecycle state.
 *
 * The state's bytes belong to route/lifecycle and are opaque here. Look-ups go by the hash of the identity alone; rows lie
 * in the order in which they were first seen, so that a million of them do not slow the writing of new ones.
 * A row whose checksum is wrong is moved to the quarantine and counts as never seen: better told twice than never.
 *
 * A finding with an open notice is also *watched*: reconcile asks AWS for it again through the source, account and region
 * that showed it. For job functions only (see store.h).
 */
#ifndef FD_STORE_MEMORY_H
#define FD_STORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct store_tx;

enum { MEMORY_IDENTITY_BYTES = 32, MEMORY_STATE_MAX = 16 * 1024 };

/* Where a finding was read. Names as in struct cursor. */
struct memory_origin {
	const char *source, *account, *region;
};

/*
 * Look up by identity. 1 found: *ret_id, state (borrowed bytes, valid until the next memory_get), *ret_seen_ms
 * (when it was last seen, by our clock, coarse). 0 never seen. -1 with e. ret_seen_ms may be NULL.
 */
int memory_get(struct store_tx *tx, const unsigned char identity[MEMORY_IDENTITY_BYTES],
               int64_t *ret_id, struct span *ret_state, int64_t *ret_seen_ms, struct err *e);

/* The same by id, and whose it is. */
int memory_get_id(struct store_tx *tx, int64_t id,
                  unsigned char ret_identity[MEMORY_IDENTITY_BYTES], struct span *ret_state,
                  int64_t *ret_seen_ms, struct err *e);

/* The same by the first 8 bytes of the identity, as they lie in memory: for what is known by no more of it. */
int memory_get_key(struct store_tx *tx, uint64_t key, int64_t *ret_id,
                   unsigned char ret_identity[MEMORY_IDENTITY_BYTES], struct span *ret_state,
                   int64_t *ret_seen_ms, struct err *e);

/* Remember a new identity (memory_get said 0). 0 and *ret_id (> 0), or -1 with e. */
int memory_add(struct store_tx *tx, const unsigned char identity[MEMORY_IDENTITY_BYTES],
               struct span state, bool is_open, int64_t now_ms, int64_t *ret_id, struct err *e);

/* Replace the state. is_open: it has at least one open notice; false ends all its watches. */
int memory_set(struct store_tx *tx, int64_t id, struct span state, bool is_open, int64_t now_ms,
               struct err *e);

/* It was read again, unchanged. Writes only when the stored last sight is over 6 h old: cheap to call always. */
int memory_touch(struct store_tx *tx, int64_t id, int64_t seen_ms, int64_t now_ms, struct err *e);

/*
 * Watch an open finding through one origin (again: updates severity and checked_ms). finding: the id by which that API finds it
 * (a GuardDuty finding id, an ASFF Id); over 2 KiB it is not watched. severity 0..4; checked_ms: when it was read (our clock).
 */
int memory_watch(struct store_tx *tx, int64_t id, const struct memory_origin *origin,
                 struct span finding, int severity, int64_t checked_ms, struct err *e);

/* One watched finding, in a block of its own: mem_free frees it. */
struct memory_watched {
	int64_t id;
	int64_t checked_ms;
	int severity;
	struct span finding; /* NUL-terminated */
	unsigned char identity[MEMORY_IDENTITY_BYTES];
};

/*
 * The watched findings of an origin with severity >= min_severity that were checked longest ago, before checked_before_ms;
 * at most limit (<= 1000). *ret is an array to free with memory_watched_free. 0, or -1 with e.
 */
int memory_watch_list(struct store_tx *tx, const struct memory_origin *origin, int min_severity,
                      int64_t checked_before_ms, size_t limit, struct memory_watched ***ret,
                      size_t *ret_count, struct err *e);
void memory_watched_free(struct memory_watched **w, size_t count);
/* Asked about, answer taken (also when the finding was not returned): goes to the end of the line. */
int memory_watch_checked(struct store_tx *tx, int64_t id, const struct memory_origin *origin,
                         int64_t checked_ms, struct err *e);
/* How many are watched there and the oldest checked_ms (0 = none). */
int memory_watch_count(struct store_tx *tx, const struct memory_origin *origin, uint64_t *ret_count,
                       int64_t *ret_oldest_ms, struct err *e);

/* Identities remembered, about (from maintained numbers). */
int memory_count(struct store_tx *tx, uint64_t *ret, struct err *e);

#endif
