/*
 * note: what a notice says beside its finding, as JSON kept with it in the outbox (at most OUTBOX_NOTE_MAX bytes).
 *
 *	{"flapping":{"reopened":4,"within_ms":3600000}}   it flaps: held from now on
 *	{"calm":{"after_ms":3600000}}                     it was held: this is its state now
 *	{"aged_out":true}                                 resolved because AWS no longer has it
 *	{"also":{"open":12,"open_is_more":false,"more":5,"in":["us-west-2","eu-west-1"]}}
 *
 * also: of an alert that stands for several findings: how many are open in it (counted up to a limit), how many have joined since its
 * last notice, and what tells some of those apart from the one that was told first.
 */
#ifndef FD_ROUTE_NOTE_H
#define FD_ROUTE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "route/lifecycle.h"

/* Of an alert that stands for several; NULL where it does not. */
struct note_together {
	uint32_t open;                  /* findings that are open in it */
	bool is_more;                   /* than were counted */
	uint32_t more;                  /* that joined since its last notice */
	struct span in[LIFECYCLE_ALSO]; /* where some of those are */
	size_t in_count;
};

/* Append the note of a notice; nothing when there is nothing to say. */
void note_write(const struct lifecycle_action *a, const struct note_together *together,
                struct buf *out);

#endif
