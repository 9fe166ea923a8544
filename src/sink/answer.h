/*
 * answer: what a peer's answer means for the queue. The table of FORMATS, as code. Pure.
 */
#ifndef FD_SINK_ANSWER_H
#define FD_SINK_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "sink/sink.h"

/*
 * Fill ret from an HTTP status. location and body may be empty; they are cleaned and cut into ret->answer.
 *
 * 2xx ok; 401 403 hold; 410 hold and gone; 408 425 429 5xx again later (Retry-After kept); 413 too big; 3xx and
 * 4xx else permanent for this notice; what is no status of HTTP again later.
 */
void answer_from_http(struct sink_result *ret, int status, int64_t retry_after_ms,
                      struct span location, struct span body);

/* Fill ret from an attempt that got no answer: the network, a timeout or a limit of ours. */
void answer_from_err(struct sink_result *ret, const struct err *e);

/* Fill ret from an error code of SNS (AWS-FACTS 1.8) and its message; status 0 when unknown. */
void answer_from_sns(struct sink_result *ret, int status, const char *code, const char *message,
                     int64_t retry_after_ms);

#endif
