/*
 * take: one page of findings, made durable: the store's half of the pipeline.
 *
 * A take holds a page's findings as the loop read and matched them. take_run is the store's job: per finding it reads
 * what is remembered, lets lifecycle decide, and writes memory, notices and quarantine, then the cursors, all in the
 * page's one transaction. It may run twice, so results are forgotten at its start. It neither logs nor counts: results
 * are left in the take for the loop to read after the commit.
 */
#ifndef FD_DAEMON_TAKE_H
#define FD_DAEMON_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/change.h"
#include "base/err.h"
#include "event/finding.h"
#include "source/page.h"

struct lifecycle_value;
struct plan;
struct store_tx;
struct take_scratch;

enum { TAKE_SINKS_MAX = 64, TAKE_NAME_BYTES = 65 };

/* One finding of the page. */
struct take_item {
	struct finding finding;   /* valid unless poison */
	struct span raw;          /* its bytes */
	char *poison;             /* why it cannot be identified; NULL: it can */
	uint32_t first_match;     /* into matched */
	uint32_t match_count;     /* rules that match, by index in the plan */
	const char *account_name; /* the plan's, or NULL */
};

/* What was queued for one sink. */
struct take_tally {
	char sink[TAKE_NAME_BYTES];
	uint32_t queued[CHANGE_COUNT];
};

/* A notice that a dry run would have queued. */
struct take_notice {
	char sink[TAKE_NAME_BYTES];
	enum change change;
	int severity, first_severity;
	unsigned char identity[FINDING_IDENTITY_BYTES];
	char *rules; /* names joined by '\n' */
	char *note;  /* JSON, or empty */
	char *event;
	size_t event_bytes;
	char message_key[80], thread_key[80];
};

/* Filled by take_run. */
struct take_result {
	uint32_t fresh;   /* identities never seen before */
	uint32_t matched; /* new versions that matched a rule */
	uint32_t stale;   /* the same version again, or an older one */
	uint32_t poisoned;
	uint32_t queued;
	struct take_tally tallies[TAKE_SINKS_MAX];
	size_t tally_count;
	bool has_more_sinks;         /* more sinks than tallies: wake them all */
	uint32_t *rule_hits;         /* per rule of the plan: new versions that matched */
	struct take_notice *notices; /* is_kept only */
	size_t notice_count, notice_cap;
};

/* Where the page came from: the key of its cursors and of what is watched. Strings outlive the take. */
struct take_origin {
	const char *source;
	const char *account; /* as the cursors name it; "" = the process's own */
	const char *region;
};

struct take {
	struct plan *plan; /* referenced */
	struct page *page; /* owned */
	struct take_origin origin;
	int64_t now_ms;
	int64_t remembered_ms; /* how long what was seen is remembered after its last sight */
	bool is_kept;          /* dry run: keep notices in the result */
	struct take_item *items;
	size_t count;
	uint32_t *matched;
	size_t matched_count, matched_cap;
	struct lifecycle_value *values; /* of each match; NULL: no rule has collapse_by */
	int64_t *asked; /* memory ids that a re-read asked about: they go to the end of the line */
	size_t asked_count;
	struct take_scratch *scratch; /* shared by all takes, the store's thread only */
	struct take_result result;
};

struct take_scratch *take_scratch_new(void);
void take_scratch_free(struct take_scratch *s);

/* The job (store_job_fn); job is a struct take. */
int take_run(struct store_tx *tx, void *job, struct err *e);

/* Forget the result, free what it holds. */
void take_result_done(struct take_result *r);

#endif
