/*
 * console: where a finding can be looked at in AWS's console. Pure.
 *
 * Source: the links that terraform-aws-notify-slack makes; hosts by partition. Other partitions have no public console.
 */
#ifndef FD_SINK_CONSOLE_H
#define FD_SINK_CONSOLE_H

#include "base/buf.h"
#include "event/finding.h"

/* Append the link; id and region are clean text. Appends nothing when there is no console or no id. */
void console_link(struct buf *out, enum finding_view view, struct span partition,
                  const char *region, const char *id);

#endif
