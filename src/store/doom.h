/*
 * doom: events that nobody needs any more, to be deleted together. Private to this room.
 *
 * Three events of the usual size share a page. Deleted one by one, as deliveries end, each page is written two or three times on
 * its way out; deleted some hundred at a time in the order of their ids, it goes whole and is not written at all. Until then
 * their ids stand in one row of meta, which the transaction that dooms them writes: a crash leaves none behind. The newest stay on
 * that list, so that what was delivered lately can be sent again.
 */
#ifndef FD_STORE_DOOM_H
#define FD_STORE_DOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store_tx;

enum {
	DOOM_KEEP = 512,  /* the newest are left for `findingsctl replay` */
	DOOM_BATCH = 128, /* deleted when so many more are there */
	DOOM_MAX = 1536,  /* held at most; one more is deleted at once */
};

struct doom {
	int64_t ids[DOOM_MAX]; /* in order of arrival */
	size_t count;
	size_t mark_job, mark_group; /* counts to go back to */
	size_t swept;                /* so many of the oldest the running group has deleted */
};

/* Read what an earlier process left. */
int doom_load(struct store_tx *tx, struct err *e);

/* Doom one. 0, or -1 with e. */
int doom_add(struct store_tx *tx, int64_t event, struct err *e);

/* At the end of a group, before its commit: keep the list, or delete what is too many when that are a batch (is_all: in any case). */
int doom_write(struct store_tx *tx, bool is_all, struct err *e);

/* Groups and jobs begin; what was doomed since is forgotten (job), and the list is what it was (abort) or as written (commit). */
void doom_group_begin(struct doom *d);
void doom_job_begin(struct doom *d);
void doom_job_undo(struct doom *d);
void doom_group_undo(struct doom *d);
void doom_group_done(struct doom *d);

#endif
