/*
 * api_error: what an answer of AWS means: code, message, and which way to go on. Pure. Of this room only.
 */
#ifndef FD_AWS_API_ERROR_H
#define FD_AWS_API_ERROR_H

#include "aws/api.h"
#include "net/http.h"

enum api_verdict {
	VERDICT_OK = 0,
	VERDICT_THROTTLED, /* slow down, try again */
	VERDICT_TRANSIENT, /* try again */
	VERDICT_EXPIRED,   /* other credentials, try again once */
	VERDICT_SKEWED,    /* set the clock, try again once, if it was wrong */
	VERDICT_FINAL,     /* trying again changes nothing */
};

/*
 * Read an answer whose transfer went well or not.
 *
 * Fills ret's err, status, code, message, request_id, aws_date_ms, retry_after_ms; leaves its other fields alone.
 * where  "guardduty ListFindings in us-east-1", for the texts
 * wall_ms  for a Retry-After with a date
 */
enum api_verdict api_judge(enum api_protocol protocol, const char *service, const char *where,
                           const struct http_answer *a, int64_t wall_ms, struct api_answer *ret);

#endif
