/*
 * api: one call of an AWS API, from parameters to an answer or a reason.
 *
 * It gets credentials, waits for its turn (token buckets), signs, sends, reads errors of both protocols, retries as the
 * SDKs do, refreshes expired credentials and corrects a wrong clock. What an answer means is its caller's business.
 */
#ifndef FD_AWS_API_H
#define FD_AWS_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct api;
struct api_env;
struct cred;
struct loop;
struct xfer;

enum api_protocol { API_REST_JSON = 0, API_QUERY, API_JSON_1_1, API_JSON_1_0 };

/* What holds for all calls. Strings are copied by api_env_new. */
struct api_options {
	struct loop *loop;
	struct xfer *xfer;
	struct endpoint_options endpoints; /* overrides are copied too */
	const char *ca_file;               /* NULL: AWS_CA_BUNDLE, else the system's */
	const char *proxy;                 /* NULL: the environment's */
	const char *user_agent;            /* NULL: "findingsd/VERSION" */
	unsigned max_attempts;             /* 0: AWS_MAX_ATTEMPTS, else 3 */
	int64_t backoff_base_ms;           /* 0: 1000, as the SDKs */
};

struct api_env *api_env_new(const struct api_options *o);
/* No call may be under way, no cred be left. */
void api_env_free(struct api_env *env);
/* After a reload: other endpoints, ca_file, proxy for calls from now on. Clocks, buckets and counters stay. */
void api_env_reconfigure(struct api_env *env, const struct api_options *o);
struct loop *api_env_loop(struct api_env *env);

/* One call. Borrowed until api_start returns. */
struct api_call {
	const char *service; /* "guardduty", "securityhub", "sns", "sts" (endpoint.h) */
	const char *
		operation; /* "GetFindings": for buckets, counters, messages; X-Amz-Target of JSON_1_x is target */
	const char *region;
	const char *
		account; /* whose quota it uses: account's name of the configuration; NULL or "": own */
	struct cred *cred; /* NULL: the call is not signed */
	enum api_protocol protocol;
	const char *method;      /* NULL: POST */
	const char *path;        /* encoded, begins with '/'; NULL: "/" */
	const char *query;       /* encoded, without '?'; NULL: none */
	const char *target;      /* X-Amz-Target, JSON_1_x only */
	struct span body;        /* copied; API_QUERY: the form, api_form_add makes it */
	int64_t timeout_ms;      /* of one attempt; 0: 60 s */
	size_t max_answer_bytes; /* 0: 8 MiB */
	unsigned max_attempts;   /* 0: the environment's; 1: no retry */
	const char *ca_file;     /* NULL or "": as for all calls */
	const char *proxy;       /* NULL or "": as for all calls */
	bool is_paced;     /* wait for the API's token bucket; false: only count what it takes */
	double rate_per_s; /* of that bucket, which holds twice as much; 0: AWS's published quota */
};

struct api_answer {
	struct err err;    /* ERR_NONE: a 2xx without an error inside. See below for kinds */
	int status;        /* of the last attempt; 0: no answer */
	bool is_sent;      /* of the last attempt: the request went out, or began to */
	struct buf body;   /* of the last attempt; may be taken */
	char code[96];     /* "InvalidAccessException", without namespace; "" when there was none */
	char message[512]; /* AWS's own words; printable, cut; "" */
	char request_id[64];
	int64_t aws_date_ms;             /* Date of the answer, -1: none */
	int64_t request_started_mono_ms; /* last attempt's start */
	int64_t request_started_aws_ms;  /* the same by AWS's clock, -1: not known */
	int64_t retry_after_ms;          /* what AWS asked for, -1: nothing */
	int64_t took_ms;                 /* last attempt */
	unsigned attempts;               /* requests sent, 0: none */
};

/*
 * err.kind: ERR_DISABLED service off there, ERR_THROTTLE still throttled after all attempts, ERR_AUTH credentials or
 * permission (the text names action and resource when AWS did), ERR_NET, ERR_TIMEOUT, ERR_LIMIT answer over the ceiling,
 * ERR_HTTP any other refusal (code says which), ERR_CONFIG. err.is_temporary: trying again can help. A region that is
 * not opted in answers ERR_AUTH with code UnrecognizedClientException or InvalidClientTokenId: whether other regions
 * work, and so which of the two it is, the caller has to judge.
 */
typedef void api_done_fn(void *arg, struct api_answer *a);

/*
 * Start the call and return at once.
 *
 * on_done  called once, never before this returns, not after api_cancel(); the answer is freed when it returns
 *
 * Returns NULL with e: ERR_CONFIG for a region or endpoint that cannot be.
 */
struct api *api_start(struct api_env *env, const struct api_call *call, api_done_fn *on_done,
                      void *arg, struct err *e);
void
api_cancel(struct api *a); /* on_done will not be called. Not from within it. NULL does nothing */

/* AWS's time at that endpoint: monotonic clock + offset from its last Date; from our clock, where it says yes and sends no
 * Date. false: no answer was had yet; *ret untouched. */
bool api_now_ms(struct api_env *env, const char *service, const char *region, int64_t *ret);

/* Append a form parameter (API_QUERY): "&" where needed, name=value, encoded. */
void api_form_add(struct buf *b, const char *name, const char *value);
void api_form_add_span(struct buf *b, const char *name, struct span value);
/* Append value percent-encoded for one path segment or a query value. */
void api_encode(struct buf *b, struct span value);

enum api_outcome { API_OK = 0, API_REFUSED, API_THROTTLED, API_FAILED, API_OUTCOMES };

/* One row per (service, operation, region), in order of first use. Counters only grow. */
struct api_stat {
	const char *service;
	const char *operation;
	const char *region;
	uint64_t calls
		[API_OUTCOMES]; /* requests sent, by outcome; FAILED: no whole answer, or 5xx */
	uint64_t retries;
	uint64_t throttled;
	uint64_t took_ms; /* sum over requests */
};

/* Call fn for every row. */
typedef void api_stat_fn(const struct api_stat *row, void *arg);
void api_stats(const struct api_env *env, api_stat_fn *fn, void *arg);
const char *api_outcome_name(enum api_outcome o);

#endif
