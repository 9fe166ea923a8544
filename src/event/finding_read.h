/*
 * finding_read: what the readers of the two shapes (finding_guardduty.c, finding_asff.c) share with finding.c.
 */
#ifndef FD_EVENT_FINDING_READ_H
#define FD_EVENT_FINDING_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/finding.h"

/* Fill what the shape says: all but identity, digest, state and closed_by. -1 with e: the bytes are no JSON object. */
int finding_read_guardduty(struct finding *f, struct err *e);
int finding_read_asff(struct finding *f, struct err *e);

/* Fill e: the body is no JSON object; the grammar's own words where that is why. Returns -1. */
int finding_no_object(struct span body, struct err *e);

/* Readers of one raw value. Wrong type or absent: empty, false, or *ret untouched. */
struct span finding_text(struct span raw);         /* a string's content, still escaped */
bool finding_number(struct span raw, double *ret); /* a number, or a string that holds one */
bool finding_instant(struct span raw, int64_t *ret_ms, int32_t *ret_sub_ns); /* no zone = UTC */
bool finding_is_true(struct span raw);                                       /* true or "true" */
/* The raw string holds JSON text with "sample": true in its top object. */
bool finding_says_sample(struct span raw);
struct span finding_arn_part(struct span arn,
                             unsigned part); /* 0-based, between colons; empty = none */
void finding_set_count(struct finding *f, struct span raw);

#endif
