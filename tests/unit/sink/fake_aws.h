/*
 * fake_aws: see fake_aws.c.
 */
#ifndef FD_TESTS_SINK_FAKE_AWS_H
#define FD_TESTS_SINK_FAKE_AWS_H

#include <stdio.h>

#include "aws/api.h"

struct fake_aws {
	unsigned calls, max_attempts;
	bool is_start_refused;
	char region[64], operation[64], role[128];
	struct buf form; /* "name=value" lines */
};

extern struct fake_aws fake_aws;

/* Answer the call that is under way; frees answer->body. */
void fake_aws_answer(struct api_answer *answer);

#endif
