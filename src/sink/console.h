/*
 * console: where a finding can be looked at in AWS's console, and where AWS says what to do about it. Pure.
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

/* AWS's own page on what to do, for products whose findings name none; { NULL, 0 }: there is no such page. */
struct span console_remediation(struct span product, struct span partition);

#endif
