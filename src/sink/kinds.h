/*
 * kinds: the rows of the table of sinks, one file each. Only sink.c reads this.
 */
#ifndef FD_SINK_KINDS_H
#define FD_SINK_KINDS_H

#include "sink/sink.h"

extern const struct sink_kind sink_kind_email;
extern const struct sink_kind sink_kind_sns;
extern const struct sink_kind sink_kind_webhook;

#endif
