/*
 * source: the table of services that findings are polled from.
 *
 * A kind is a row of functions in a file of its own (guardduty.c, securityhub.c): it builds the frozen requests of a
 * walk and reads the answers. It neither sends, waits, retries nor decides: that is the poller's and the walk's.
 * Pure. Source: AWS-FACTS 1.1, 1.2, 2.3.
 */
#ifndef FD_SOURCE_SOURCE_H
#define FD_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "event/finding.h"

/* The walks of one poller. Each has a cursor of its own in the store, under this name. Stored: names never change. */
enum source_stream {
	STREAM_LIVE = 0, /* what was updated since the watermark: every interval */
	STREAM_LATE, /* the last `overlap` once more: every 5 min, for what arrived behind the watermark */
	STREAM_BACKFILL, /* from `start` to the first start of the poller */
	STREAM_SWEEP,    /* 7 days back, every `sweep` */
	STREAM_REREAD,   /* by id: what has open notices; no cursor */
};
#define SOURCE_STREAM_COUNT 5
#define SOURCE_CURSOR_COUNT 4                         /* without STREAM_REREAD */
const char *source_stream_name(enum source_stream s); /* "live", "late", ... */
bool source_stream_parse(const char *s, enum source_stream *ret);

/* Where a source begins when it has no cursor. */
enum source_start_kind {
	SOURCE_START_NOW,  /* what was created before: remembered silently */
	SOURCE_START_OPEN, /* all that is open */
	SOURCE_START_AGO,  /* updated within the last ms */
	SOURCE_START_AT,   /* updated since the instant ms */
};
struct source_start {
	enum source_start_kind kind;
	int64_t ms; /* AGO: how long; AT: ms since 1970; else 0 */
};

/* One question, the same for all pages of a window but for the token. */
struct source_query {
	int64_t start_ms, end_ms; /* both inclusive, AWS's time */
	bool is_open_only;        /* only what is open: start = "open" */
	unsigned page_size;       /* 1..kind->page_max */
	const char *detector;     /* GuardDuty; else NULL */
};

/* A request, made into buffers that the caller owns. */
struct source_request {
	const char *method;    /* literal */
	const char *operation; /* AWS's name of the call, literal: "GetFindings" */
	struct buf path;       /* encoded, without query */
	struct buf query;      /* "maxResults=50", may be empty */
	struct buf body;       /* may be empty */
};
void source_request_init(struct source_request *r);
void source_request_done(struct source_request *r);
void source_request_clear(struct source_request *r);

enum { SOURCE_TOKEN_BYTES = 64 * 1024, SOURCE_ITEMS_MAX = 10000, SOURCE_REREAD_MAX = 50 };

/* What a page says. Spans point into the answer. */
struct source_page {
	struct span *items; /* findings (raw objects), or ids (raw, without quotes) */
	size_t count;
	struct span token; /* raw, still escaped; empty = this was the last page */
};
void source_page_done(struct source_page *p);

struct source_kind {
	const char *name;    /* as in the configuration's `type` */
	const char *service; /* endpoint and signing name */
	enum finding_view view;
	unsigned page_max;       /* MaxResults of the list call */
	unsigned reread_max;     /* ids in one call by id */
	int64_t window_min_ms;   /* a window is not halved below this */
	const char *updated_key; /* member of a finding that the list call sorts by */
	const char *action;      /* IAM action that is missing when the list call is refused */

	/* NULL, or: the call that names the detectors, and its answer. No detector and no token = the service is off there.
	 * token: raw as it came, empty for the first page. */
	void (*build_detectors)(struct span token, struct source_request *r);
	int (*read_detectors)(struct span answer, struct span *ret_detector, struct span *ret_token,
	                      struct err *e);
	/* One page of the window. token: raw as it came, empty for the first page. */
	void (*build_list)(const struct source_query *q, struct span token,
	                   struct source_request *r);
	int (*read_list)(struct span answer, struct source_page *ret, struct err *e);
	/* NULL, or: the list call gives ids, and this one the findings. ids are raw. */
	void (*build_get)(const char *detector, const struct span *ids, size_t count,
	                  struct source_request *r);
	int (*read_get)(struct span answer, struct source_page *ret, struct err *e);
	/* The findings with these ids (identity's id, raw), whatever their age; read by read_get or read_list. */
	void (*build_reread)(const char *detector, const struct span *ids, size_t count,
	                     struct source_request *r);
	/* A cheap call that any answer of gives AWS's time, and whether the service is on. */
	void (*build_probe)(struct source_request *r);
};

/* By the configuration's name; NULL = no such kind. Rows are listed in name order, NULL at the end. */
const struct source_kind *source_find(const char *name);
const struct source_kind *source_at(size_t i);

extern const struct source_kind source_guardduty;
extern const struct source_kind source_securityhub;

#endif
