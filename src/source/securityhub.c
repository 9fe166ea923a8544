/*
 * securityhub: GetFindings by UpdatedAt, 100 a page, oldest first.
 *
 * Start and End are both set (AWS refuses a Start alone) and inclusive. Source: AWS-FACTS 1.2, 2.3.
 */
#include "config.h"

#include "base/timefmt.h"
#include "source/read.h"
#include "source/source.h"

static const char sort[] = "\"SortCriteria\":[{\"Field\":\"UpdatedAt\",\"SortOrder\":\"asc\"}]";
static const char open_only[] =
	"\"RecordState\":[{\"Comparison\":\"EQUALS\",\"Value\":\"ACTIVE\"}],"
	"\"WorkflowStatus\":[{\"Comparison\":\"EQUALS\",\"Value\":\"NEW\"},"
	"{\"Comparison\":\"EQUALS\",\"Value\":\"NOTIFIED\"}],";

static void
build_list(const struct source_query *q, struct span token, struct source_request *r)
{
	char start[TIMEFMT_BYTES], end[TIMEFMT_BYTES];

	r->method = "POST";
	r->operation = "GetFindings";
	buf_add_str(&r->path, "/findings");
	buf_printf(&r->body,
	           "{\"Filters\":{%s\"UpdatedAt\":[{\"Start\":\"%s\",\"End\":\"%s\"}]},%s,"
	           "\"MaxResults\":%u",
	           q->is_open_only ? open_only : "", timefmt_rfc3339_ms(q->start_ms, start),
	           timefmt_rfc3339_ms(q->end_ms, end), sort, q->page_size);
	if (token.len > 0) {
		buf_add_str(&r->body, ",\"NextToken\":\"");
		buf_add(&r->body, token.p, token.len);
		buf_add_char(&r->body, '"');
	}
	buf_add_char(&r->body, '}');
}

static int
read_list(struct span answer, struct source_page *ret, struct err *e)
{
	static const struct read_list list = { "Findings", "NextToken", false };

	return read_page(answer, &list, ret, e);
}

static void
build_reread(const char *detector, const struct span *ids, size_t count, struct source_request *r)
{
	(void)detector;
	r->method = "POST";
	r->operation = "GetFindings";
	buf_add_str(&r->path, "/findings");
	buf_add_str(&r->body, "{\"Filters\":{\"Id\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_str(&r->body, i == 0 ? "" : ",");
		buf_add_str(&r->body, "{\"Comparison\":\"EQUALS\",\"Value\":\"");
		buf_add(&r->body, ids[i].p, ids[i].len);
		buf_add_str(&r->body, "\"}");
	}
	buf_add_str(&r->body, "]},\"MaxResults\":100}");
}

/* A second long ago: the permission is the one that polling needs, and the answer is empty. */
static void
build_probe(struct source_request *r)
{
	const struct source_query q = {
		.start_ms = 946684800000, /* 2000-01-01T00:00:00Z */
		.end_ms = 946684801000,
		.page_size = 1,
	};

	build_list(&q, (struct span){ NULL, 0 }, r);
}

const struct source_kind source_securityhub = {
	.name = "securityhub",
	.service = "securityhub",
	.view = VIEW_SECURITYHUB,
	.page_max = 100,
	.reread_max = 20,
	.window_min_ms = 1000,
	.updated_key = "UpdatedAt",
	.action = "securityhub:GetFindings",
	.build_list = build_list,
	.read_list = read_list,
	.build_reread = build_reread,
	.build_probe = build_probe,
};
