/*
 * lifecycle_turn: one reading on its way through the lifecycle. Private to route/lifecycle*.c.
 */
#ifndef FD_ROUTE_LIFECYCLE_TURN_H
#define FD_ROUTE_LIFECYCLE_TURN_H

#include "route/lifecycle.h"

/* One reading under way. */
struct turn {
	struct lifecycle_state *state;
	const struct lifecycle_input *in;
	const struct lifecycle_reading *r;
	struct lifecycle_result *ret;
	bool is_closed;      /* the identity, after this reading */
	bool is_reopened;    /* by this reading */
	bool is_view_known;  /* the view was known before */
	bool is_baseline;    /* of the view */
	int severity_before; /* the view's peak before */
	uint64_t count;      /* best known */
};

/* Move the identity by this reading: versions, views, open or closed, generation. */
void lifecycle_follow(struct turn *t, bool is_new);

#endif
