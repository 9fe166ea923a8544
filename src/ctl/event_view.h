/*
 * event_view: an event as the daemon's rules see it, for commands that match events from files.
 *
 * What EventBridge carries lacks what findingsd adds for matching: the old product fields of Security Hub, and the block
 * "findingsd". Here both are put in, the rest of the event stays as it is.
 */
#ifndef FD_CTL_EVENT_VIEW_H
#define FD_CTL_EVENT_VIEW_H

#include <stdbool.h>

#include "base/str.h"

struct buf;
struct pattern;

/* Does a pattern ask for any of it? */
bool event_view_is_wanted(const struct pattern *p);

/* The event, or its view in out (which is cleared first) when it holds a finding. */
struct span event_view(struct span event, struct buf *out);

#endif
