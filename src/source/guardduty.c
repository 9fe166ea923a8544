/*
 * guardduty: ListDetectors, ListFindings (ids, by updatedAt), GetFindings (50 at a time).
 *
 * Archived findings are listed too: an archive is what resolves a finding. Both ends of the window are inclusive, in
 * milliseconds, as updatedAt has them. Source: AWS-FACTS 1.1, 2.3, 2.4.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "aws/api.h"
#include "source/read.h"
#include "source/source.h"
#include "json/scan.h"

static void
build_detectors(struct span token, struct source_request *r)
{
	r->method = "GET";
	r->operation = "ListDetectors";
	buf_add_str(&r->path, "/detector");
	buf_add_str(&r->query, "maxResults=50");
	if (token.len == 0)
		return;
	struct buf plain;
	buf_init(&plain, SOURCE_TOKEN_BYTES);
	(void)scan_unescape(token, &plain);
	buf_add_str(&r->query, "&nextToken=");
	api_encode(&r->query, (struct span){ plain.data, plain.len });
	buf_done(&plain);
}

static void
build_probe(struct source_request *r)
{
	build_detectors((struct span){ NULL, 0 }, r);
}

static int
read_detectors(struct span answer, struct span *ret_detector, struct span *ret_token, struct err *e)
{
	static const struct read_list list = { "detectorIds", "nextToken", true };
	struct source_page p;

	if (read_page(answer, &list, &p, e))
		return -1;
	*ret_detector = p.count > 0 ? p.items[0] : (struct span){ NULL, 0 };
	*ret_token = p.token;
	source_page_done(&p);
	return 0;
}

static void
add_path(const char *detector, const char *tail, struct source_request *r)
{
	buf_add_str(&r->path, "/detector/");
	api_encode(&r->path, span_of(detector));
	buf_add_str(&r->path, tail);
}

static void
build_list(const struct source_query *q, struct span token, struct source_request *r)
{
	r->method = "POST";
	r->operation = "ListFindings";
	add_path(q->detector, "/findings", r);
	buf_printf(&r->body,
	           "{\"findingCriteria\":{\"criterion\":{%s\"updatedAt\":{\"greaterThanOrEqual\":"
	           "%" PRId64 ",\"lessThanOrEqual\":%" PRId64 "}}},\"maxResults\":%u,"
	           "\"sortCriteria\":{\"attributeName\":\"updatedAt\",\"orderBy\":\"ASC\"}",
	           q->is_open_only ? "\"service.archived\":{\"equals\":[\"false\"]}," : "",
	           q->start_ms, q->end_ms, q->page_size);
	if (token.len > 0) {
		buf_add_str(&r->body, ",\"nextToken\":\"");
		buf_add(&r->body, token.p, token.len);
		buf_add_char(&r->body, '"');
	}
	buf_add_char(&r->body, '}');
}

static int
read_list(struct span answer, struct source_page *ret, struct err *e)
{
	static const struct read_list list = { "findingIds", "nextToken", true };

	return read_page(answer, &list, ret, e);
}

static void
build_get(const char *detector, const struct span *ids, size_t count, struct source_request *r)
{
	r->method = "POST";
	r->operation = "GetFindings";
	add_path(detector, "/findings/get", r);
	buf_add_str(&r->body, "{\"findingIds\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_str(&r->body, i == 0 ? "\"" : ",\"");
		buf_add(&r->body, ids[i].p, ids[i].len);
		buf_add_char(&r->body, '"');
	}
	buf_add_str(&r->body, "]}");
}

static int
read_get(struct span answer, struct source_page *ret, struct err *e)
{
	static const struct read_list list = { "findings", NULL, false };

	return read_page(answer, &list, ret, e);
}

/* The identity's id is the ARN; the API wants what stands behind its last slash. */
static void
build_reread(const char *detector, const struct span *ids, size_t count, struct source_request *r)
{
	struct span bare[50];

	for (size_t i = 0; i < count && i < 50; i++) {
		const char *slash = memrchr(ids[i].p, '/', ids[i].len);
		const char *from = slash ? slash + 1 : ids[i].p;

		bare[i] = (struct span){ from, (size_t)(ids[i].p + ids[i].len - from) };
	}
	build_get(detector, bare, count < 50 ? count : 50, r);
}

const struct source_kind source_guardduty = {
	.name = "guardduty",
	.service = "guardduty",
	.view = VIEW_GUARDDUTY,
	.page_max = 50,
	.reread_max = 50,
	.window_min_ms = 1,
	.updated_key = "updatedAt",
	.action = "guardduty:ListDetectors, guardduty:ListFindings and guardduty:GetFindings",
	.build_detectors = build_detectors,
	.read_detectors = read_detectors,
	.build_list = build_list,
	.read_list = read_list,
	.build_get = build_get,
	.read_get = read_get,
	.build_reread = build_reread,
	.build_probe = build_probe,
};
