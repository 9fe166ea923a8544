/*
 * source: requests byte for byte, and every way in which an answer can be no page.
 */
#include "config.h"

#include "unit.h"

#include "source/source.h"
#include "json/scan.h"

static const struct source_query window = { .start_ms = INT64_C(1785582300000),
	                                    .end_ms = INT64_C(1785582360123),
	                                    .page_size = 50,
	                                    .detector = "12ab" };
static const struct span no_token = { NULL, 0 };

static void
assert_request(const struct source_request *r, const char *operation, const char *method,
               const char *path, const char *query, const char *body)
{
	assert_string_equal(r->operation, operation);
	assert_string_equal(r->method, method);
	assert_string_equal(r->path.data, path);
	assert_string_equal(r->query.len > 0 ? r->query.data : "", query);
	assert_string_equal(r->body.len > 0 ? r->body.data : "", body);
	if (r->body.len > 0)
		assert_int_equal(scan_check((struct span){ r->body.data, r->body.len }, true, NULL),
		                 0);
}

#define GD_BODY                                                                                     \
	"{\"findingCriteria\":{\"criterion\":{\"updatedAt\":{\"greaterThanOrEqual\":1785582300000," \
	"\"lessThanOrEqual\":1785582360123}}},\"maxResults\":50,"                                   \
	"\"sortCriteria\":{\"attributeName\":\"updatedAt\",\"orderBy\":\"ASC\"}"

static void
test_guardduty_requests(void **state)
{
	const struct span ids[] = { SPAN_LIT("a1"), SPAN_LIT("b\\u002f2") };
	const struct span arns[] = { SPAN_LIT("arn:aws:guardduty:r:1:detector/12ab/finding/34cd"),
		                     SPAN_LIT("bare") };
	const struct source_kind *k = &source_guardduty;
	struct source_query open = window;
	struct source_request r;

	(void)state;
	source_request_init(&r);
	k->build_detectors(no_token, &r);
	assert_request(&r, "ListDetectors", "GET", "/detector", "maxResults=50", "");
	source_request_clear(&r);
	k->build_detectors(SPAN_LIT("a/b\\\"+=\\u002f"), &r);
	assert_request(&r, "ListDetectors", "GET", "/detector",
	               "maxResults=50&nextToken=a%2Fb%22%2B%3D%2F", "");
	source_request_clear(&r);
	k->build_list(&window, no_token, &r);
	assert_request(&r, "ListFindings", "POST", "/detector/12ab/findings", "", GD_BODY "}");
	source_request_clear(&r);
	k->build_list(&window, SPAN_LIT("t\\\"=="), &r);
	assert_request(&r, "ListFindings", "POST", "/detector/12ab/findings", "",
	               GD_BODY ",\"nextToken\":\"t\\\"==\"}");
	source_request_clear(&r);
	open.is_open_only = true;
	k->build_list(&open, no_token, &r);
	assert_non_null(strstr(
		r.body.data,
		"\"criterion\":{\"service.archived\":{\"equals\":[\"false\"]},\"updatedAt\""));
	source_request_clear(&r);
	k->build_get("12ab", ids, LENGTH(ids), &r);
	assert_request(&r, "GetFindings", "POST", "/detector/12ab/findings/get", "",
	               "{\"findingIds\":[\"a1\",\"b\\u002f2\"]}");
	source_request_clear(&r);
	k->build_reread("12ab", arns, LENGTH(arns), &r);
	assert_request(&r, "GetFindings", "POST", "/detector/12ab/findings/get", "",
	               "{\"findingIds\":[\"34cd\",\"bare\"]}");
	/* A detector id goes into the path: it cannot leave it. */
	source_request_clear(&r);
	k->build_get("../x?y", ids, 1, &r);
	assert_null(strpbrk(r.path.data + strlen("/detector/"), "?"));
	assert_null(strstr(r.path.data, "/../"));
	source_request_done(&r);
}

#define SH_BODY                                                                                           \
	"\"UpdatedAt\":[{\"Start\":\"2026-08-01T11:05:00.000Z\",\"End\":\"2026-08-01T11:06:00.123Z\"}]}," \
	"\"SortCriteria\":[{\"Field\":\"UpdatedAt\",\"SortOrder\":\"asc\"}],\"MaxResults\":50"

static void
test_securityhub_requests(void **state)
{
	const struct span ids[] = { SPAN_LIT("a/b"), SPAN_LIT("c\\\"d") };
	const struct source_kind *k = &source_securityhub;
	struct source_query open = window;
	struct source_request r;

	(void)state;
	source_request_init(&r);
	k->build_list(&window, no_token, &r);
	assert_request(&r, "GetFindings", "POST", "/findings", "", "{\"Filters\":{" SH_BODY "}");
	source_request_clear(&r);
	k->build_list(&window, SPAN_LIT("t+/="), &r);
	assert_request(&r, "GetFindings", "POST", "/findings", "",
	               "{\"Filters\":{" SH_BODY ",\"NextToken\":\"t+/=\"}");
	source_request_clear(&r);
	open.is_open_only = true;
	k->build_list(&open, no_token, &r);
	assert_request(
		&r, "GetFindings", "POST", "/findings", "",
		"{\"Filters\":{\"RecordState\":[{\"Comparison\":\"EQUALS\",\"Value\":\"ACTIVE\"}],"
		"\"WorkflowStatus\":[{\"Comparison\":\"EQUALS\",\"Value\":\"NEW\"},"
		"{\"Comparison\":\"EQUALS\",\"Value\":\"NOTIFIED\"}]," SH_BODY "}");
	source_request_clear(&r);
	k->build_reread(NULL, ids, LENGTH(ids), &r);
	assert_request(&r, "GetFindings", "POST", "/findings", "",
	               "{\"Filters\":{\"Id\":[{\"Comparison\":\"EQUALS\",\"Value\":\"a/b\"},"
	               "{\"Comparison\":\"EQUALS\",\"Value\":\"c\\\"d\"}]},\"MaxResults\":100}");
	source_request_clear(&r);
	k->build_probe(&r);
	assert_non_null(strstr(r.body.data, "\"End\":")); /* AWS refuses a Start alone */
	source_request_done(&r);
}

static void
test_pages(void **state)
{
	static const struct {
		const char *answer;
		size_t count;
		const char *first, *token;
	} cases[] = {
		{ "{\"Findings\":[],\"NextToken\":null}", 0, NULL, "" },
		{ "{\"Findings\":[]}", 0, NULL, "" },
		{ "{\"Findings\":null,\"NextToken\":\"\"}", 0, NULL, "" },
		{ "{\"Findings\":[],\"NextToken\":\"t\"}", 0, NULL, "t" },
		{ " { \"NextToken\" : \"a\\u0062\" , \"Findings\" : [ { \"Id\" : 1 } , {} ] , \"New\":[{}] } ",
		  2, "{ \"Id\" : 1 }", "a\\u0062" },
		{ "{\"Find\\u0069ngs\":[{}]}", 1, "{}", "" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct source_page p;
		struct err e = { 0 };

		if (source_securityhub.read_list(span_of(cases[i].answer), &p, &e))
			fail_msg("%s: %s", cases[i].answer, e.text);
		assert_int_equal(p.count, cases[i].count);
		if (cases[i].first)
			assert_true(span_eq_str(p.items[0], cases[i].first));
		assert_true(span_eq_str(p.token, cases[i].token));
		source_page_done(&p);
	}
}

static void
test_what_is_no_page(void **state)
{
	static const char *const cases[] = {
		"",
		"null",
		"[]",
		"\"Findings\"",
		"<html></html>",
		"{}",
		"{\"NextToken\":\"t\"}",
		"{\"Message\":\"oops\",\"Code\":\"InternalException\"}",
		"{\"Findings\":{}}",
		"{\"Findings\":\"x\"}",
		"{\"Findings\":[1]}",
		"{\"Findings\":[\"x\"]}",
		"{\"Findings\":[{},null]}",
		"{\"Findings\":[{}],\"Findings\":[{}]}",
		"{\"Findings\":[],\"NextToken\":1}",
		"{\"Findings\":[],\"NextToken\":{}}",
		"{\"Findings\":[{}",
		"{\"Findings\":[{}]",
		"{\"Findings\":[{\"Id\":\"x]}",
		"{\"Findings\":[{}]}x",
		"{\"Findings\":[{}],}",
		"{\"Findings\":[{\"a\":\"\xff\"}]}",
		"{\"Findings\":[{}],\"NextToken\":\"",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct source_page p;
		struct err e = { 0 };

		if (source_securityhub.read_list(span_of(cases[i]), &p, &e) == 0)
			fail_msg("%s", cases[i]);
		assert_true(e.text[0] != '\0');
	}
}

static void
test_ids_and_detectors(void **state)
{
	struct source_page p;
	struct err e = { 0 };
	struct span detector, token;

	(void)state;
	assert_int_equal(
		source_guardduty.read_list(
			SPAN_LIT("{\"findingIds\":[\"a\",\"b\"],\"nextToken\":\"\"}"), &p, &e),
		0);
	assert_true(p.count == 2 && span_eq_str(p.items[1], "b") && p.token.len == 0);
	source_page_done(&p);
	assert_int_equal(source_guardduty.read_list(SPAN_LIT("{\"findingIds\":[1]}"), &p, &e), -1);
	assert_int_equal(
		source_guardduty.read_get(SPAN_LIT("{\"findings\":[{\"id\":\"a\"}]}"), &p, &e), 0);
	assert_int_equal(p.count, 1);
	source_page_done(&p);
	assert_int_equal(
		source_guardduty.read_detectors(SPAN_LIT("{\"detectorIds\":[\"d\",\"e\"]}"),
	                                        &detector, &token, &e),
		0);
	assert_true(span_eq_str(detector, "d"));
	assert_int_equal(source_guardduty.read_detectors(
				 SPAN_LIT("{\"detectorIds\":[],\"nextToken\":\"t\"}"), &detector,
				 &token, &e),
	                 0);
	assert_int_equal(detector.len, 0);
	assert_true(span_eq_str(token, "t"));
	assert_int_equal(
		source_guardduty.read_detectors(SPAN_LIT("{\"detectorIds\":[],\"nextToken\":null}"),
	                                        &detector, &token, &e),
		0);
	assert_true(detector.len == 0 && token.len == 0);
	assert_int_equal(source_guardduty.read_detectors(SPAN_LIT("{}"), &detector, &token, &e),
	                 -1);
}

static void
test_ceilings(void **state)
{
	struct buf b = { 0 };
	struct source_page p;
	struct err e = { 0 };

	(void)state;
	(void)buf_add_str(&b, "{\"Findings\":[{}");
	for (int i = 0; i < SOURCE_ITEMS_MAX; i++)
		(void)buf_add_str(&b, ",{}");
	(void)buf_add_str(&b, "]}");
	assert_int_equal(source_securityhub.read_list((struct span){ b.data, b.len }, &p, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_clear(&b);
	(void)buf_add_str(&b, "{\"Findings\":[],\"NextToken\":\"");
	for (int i = 0; i <= SOURCE_TOKEN_BYTES; i++)
		(void)buf_add_char(&b, 't');
	(void)buf_add_str(&b, "\"}");
	assert_int_equal(source_securityhub.read_list((struct span){ b.data, b.len }, &p, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_done(&b);
}

static void
test_table(void **state)
{
	enum source_stream s;

	(void)state;
	assert_ptr_equal(source_find("guardduty"), &source_guardduty);
	assert_ptr_equal(source_find("securityhub"), &source_securityhub);
	assert_null(source_find("macie"));
	assert_non_null(source_at(0));
	for (size_t i = 1; source_at(i); i++)
		assert_true(strcmp(source_at(i - 1)->name, source_at(i)->name) < 0);
	for (int i = 0; i < SOURCE_STREAM_COUNT; i++) {
		assert_true(source_stream_parse(source_stream_name((enum source_stream)i), &s));
		assert_int_equal((int)s, i);
	}
	assert_false(source_stream_parse("", &s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guardduty_requests),
		cmocka_unit_test(test_securityhub_requests),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_what_is_no_page),
		cmocka_unit_test(test_ids_and_detectors),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
