/*
 * snsform: what SNS's rules make of a notice: subject, attributes, sizes. Pure.
 *
 * Source: AWS-FACTS 1.8 (Publish: message and attributes together at most 262,144 bytes; Subject ASCII, under 100
 * characters, no control characters, begins with a letter, digit or punctuation; at most 10 attributes when a
 * subscription delivers raw).
 */
#ifndef FD_SINK_SNSFORM_H
#define FD_SINK_SNSFORM_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "sink/render.h"

enum {
	SNSFORM_BYTES = 262144,
	SNSFORM_SUBJECT_MAX = 99,
	SNSFORM_ATTRIBUTES_MAX = 10,
	SNSFORM_REGION_BYTES = 32
};

struct snsform_topic {
	char region[SNSFORM_REGION_BYTES];
	bool is_fifo;
};

/* Read "arn:aws:sns:us-east-1:111122223333:name". -1 with e (ERR_CONFIG). */
int snsform_topic(const char *arn, struct snsform_topic *ret, struct err *e);

/* Append the subject; configured text instead of the finding's when it is not "". */
void snsform_subject(const struct render_view *v, const char *configured, struct buf *out);

struct snsform_attribute {
	const char *name;
	const char *type; /* "String" or "String.Array" */
	const char *value;
};

/* Attributes in a fixed order, none with an empty value. rules holds the text of one of them. Returns how many. */
size_t snsform_attributes(const struct render_view *v, struct buf *rules,
                          struct snsform_attribute ret[SNSFORM_ATTRIBUTES_MAX]);

/* Bytes that SNS counts for them. */
size_t snsform_attribute_bytes(const struct snsform_attribute *a, size_t count);

#endif
