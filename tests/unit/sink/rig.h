/*
 * rig: a loop, a store in a folder of its own, and a webhook receiver on loopback that answers as told: what the
 * courier's tests stand on. Nothing here waits for time: rig_until turns the loop until something is so.
 */
#ifndef FD_TESTS_SINK_RIG_H
#define FD_TESTS_SINK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "sink/courier.h"
#include "store/outbox.h"

struct evhttp;
struct evhttp_request;

enum { RIG_HITS_MAX = 512 };

struct rig_hit {
	char id[160], at[32], signature[200], change[32], finding[300], severity[32], test[8],
		auth[100];
	char *body;
	size_t body_len;
	int status; /* as answered, 0 = not yet */
};

struct rig {
	char folder[64];
	struct loop *loop;
	struct xfer *xfer;
	struct store *store;
	struct watch *watch;
	struct evhttp *http;
	int port;
	struct rig_hit hits[RIG_HITS_MAX];
	size_t hit_count;
	/* How to answer hit number n (from 0): statuses[n], beyond the last one 200. 0: not at all, until rig_release. */
	int statuses[RIG_HITS_MAX];
	size_t status_count;
	const char *retry_after;
	struct evhttp_request *held[RIG_HITS_MAX];
	size_t held_count, held_max;
	struct sink_env env;
	struct conf_sink conf;
	char url[64];
	int64_t next_memory_id;
	char failing[600]; /* what on_failing said last */
	unsigned failings, recoveries, notes, deads;
	bool is_quiet;
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);
/* Close the store and open it again, as a restart does. No courier may be alive. */
void rig_reopen_store(struct rig *r);

/* A sink with defaults: every string set. */
void rig_conf(struct conf_sink *conf, enum conf_sink_type type);
struct courier *rig_courier(struct rig *r);

/* Queue a notice; memory_id 0: an identity of its own. Returns the item's id. */
int64_t rig_queue(struct rig *r, int64_t memory_id, const char *key, int64_t created_ms);
/* `dead retry`. */
void rig_retry_dead(struct rig *r, int64_t id);
void rig_queue_event(struct rig *r, const char *key, struct span event);

/* State of an item, and its last answer (up to 600 bytes). */
enum outbox_state rig_state(struct rig *r, int64_t id, char *answer);

/* Answer all that is held with 200. */
void rig_release(struct rig *r);

/* Turn the loop until *ok; false after 20 s. */
bool rig_until(struct rig *r, bool (*is_so)(struct rig *r, void *arg), void *arg);
bool rig_until_hits(struct rig *r, size_t count);
bool rig_until_quiet(struct rig *r, struct courier *c);
/* Let what is ready happen: some turns without waiting. */
void rig_turns(struct rig *r, int count);

/* A GuardDuty event as EventBridge carries it, with this id and these texts (JSON-escaped already). Free with mem_free. */
char *rig_event(const char *id, const char *title, const char *description);

#endif
