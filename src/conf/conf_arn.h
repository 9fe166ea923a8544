/*
 * conf_arn: the form of the ARNs that a configuration holds.
 */
#ifndef FD_CONF_CONF_ARN_H
#define FD_CONF_CONF_ARN_H

#include "base/str.h"

struct err;

/* Part 0..5 of "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"; the last keeps its colons. Empty when there is none. */
struct span conf_arn_part(const char *arn, unsigned part);

/* 0, or -1 with e (ERR_CONFIG): "wants arn:aws:iam::111122223333:role/NAME; ..." */
int conf_arn_check_role(const char *arn, struct err *e);
int conf_arn_check_topic(const char *arn, struct err *e);

#endif
