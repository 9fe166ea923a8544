/*
 * envelope: the event that EventBridge would have carried, byte for byte, and what patterns see on top.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "event/envelope.h"
#include "event/finding.h"
#include "json/scan.h"

static const struct envelope_place place = { "111122223333", "eu-west-1", "prod \"1\"" };

static void
build(enum finding_view view, const char *text, bool is_for_match, struct buf *out)
{
	struct err e = { 0 };
	struct finding f;

	if (finding_parse(view, span_of(text), NULL, &f, &e))
		fail_msg("%s", e.text);
	buf_clear(out);
	assert_int_equal(is_for_match ? envelope_for_match(&f, &place, out)
	                              : envelope_build(&f, &place, out),
	                 0);
	if (scan_check((struct span){ out->data, out->len }, true, &e))
		fail_msg("%s: %s", out->data, e.text);
}

/* The text with what stands between "id":" and the next quote taken out: it is compared for itself. */
static void
without_id(struct buf *b, char ret_id[37])
{
	char *id = strstr(b->data, "\"id\":\"");

	assert_non_null(id);
	memcpy(ret_id, id + 6, 36);
	ret_id[36] = '\0';
	memmove(id + 6, id + 42, b->len - (size_t)(id + 42 - b->data) + 1);
	b->len -= 36;
}

static void
test_guardduty_event(void **state)
{
	/* Pretty-printed and with an odd number: the finding's bytes stay as they are. */
	static const char finding[] =
		"{ \"id\": \"34cd\",\n\"arn\":\"arn:aws:guardduty:x\", \"severity\":8.0,"
		"\"accountId\":\"444455556666\",\"region\":\"eu-west-1\","
		"\"updatedAt\":\"2026-08-01T11:05:00.999Z\" }";
	struct buf b = { 0 };
	char id[37];

	(void)state;
	build(VIEW_GUARDDUTY, finding, false, &b);
	without_id(&b, id);
	assert_string_equal(
		b.data,
		"{\"version\":\"0\",\"id\":\"\",\"detail-type\":\"GuardDuty Finding\","
		"\"source\":\"aws.guardduty\",\"account\":\"111122223333\","
		"\"time\":\"2026-08-01T11:05:00Z\",\"region\":\"eu-west-1\",\"resources\":[],"
		"\"detail\":{ \"id\": \"34cd\",\n\"arn\":\"arn:aws:guardduty:x\", \"severity\":8.0,"
		"\"accountId\":\"444455556666\",\"region\":\"eu-west-1\","
		"\"updatedAt\":\"2026-08-01T11:05:00.999Z\" }}");
	assert_true(id[8] == '-' && id[14] == '5');
	buf_done(&b);
}

static void
test_securityhub_event(void **state)
{
	struct buf b = { 0 };
	char id[37];

	(void)state;
	build(VIEW_SECURITYHUB,
	      "{\"Id\":\"a\\/b\",\"ProductArn\":\"arn:aws:securityhub:eu-west-1::product/aws/macie\","
	      "\"UpdatedAt\":\"2026-08-01T11:05:00Z\"}",
	      false, &b);
	without_id(&b, id);
	assert_string_equal(
		b.data,
		"{\"version\":\"0\",\"id\":\"\",\"detail-type\":\"Security Hub Findings - Imported\","
		"\"source\":\"aws.securityhub\",\"account\":\"111122223333\","
		"\"time\":\"2026-08-01T11:05:00Z\",\"region\":\"eu-west-1\","
		"\"resources\":[\"arn:aws:securityhub:eu-west-1::product/aws/macie/a\\/b\"],"
		"\"detail\":{\"findings\":[{\"Id\":\"a\\/b\","
		"\"ProductArn\":\"arn:aws:securityhub:eu-west-1::product/aws/macie\","
		"\"UpdatedAt\":\"2026-08-01T11:05:00Z\"}]}}");
	buf_done(&b);
}

static void
test_ids_follow_the_version(void **state)
{
	static const char *const texts[] = {
		"{\"Id\":\"a\",\"ProductArn\":\"p\",\"UpdatedAt\":\"2026-08-01T11:05:00Z\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"p\",\"UpdatedAt\":\"2026-08-01T11:05:00.000000001Z\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"p\",\"UpdatedAt\":\"2026-08-01T11:05:01Z\"}",
		"{\"Id\":\"b\",\"ProductArn\":\"p\",\"UpdatedAt\":\"2026-08-01T11:05:00Z\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"p\",\"UpdatedAt\":\"2026-08-01T11:05:00Z\",\"RecordState\":\"ARCHIVED\"}",
	};
	char ids[LENGTH(texts)][37], again[37];
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		build(VIEW_SECURITYHUB, texts[i], false, &b);
		without_id(&b, ids[i]);
		build(VIEW_SECURITYHUB, texts[i], true, &b);
		without_id(&b, again);
		assert_string_equal(ids[i], again);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
	buf_done(&b);
}

#define HEAD \
	"\"Id\":\"i\",\"ProductArn\":\"x:product/aws/inspector\",\"AwsAccountId\":\"1\",\"Region\":\"r\""

/* The finding as patterns see it. */
static void
test_old_product_fields(void **state)
{
	static const struct {
		const char *finding, *want;
	} cases[] = {
		{ "{" HEAD ",\"ProductFields\":{},\"Severity\":{\"Label\":\"HIGH\"}}",
		  "{" HEAD ",\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"HIGH\"},"
		  "\"Severity\":{\"Label\":\"HIGH\"}}" },
		{ "{" HEAD ",\"ProductFields\":{ \"a\":\"b\" },\"Severity\":{\"Normalized\":50},"
		  "\"ProductName\":\"Inspector\",\"CompanyName\":\"Am\\u0061zon\"}",
		  "{" HEAD
		  ",\"ProductFields\":{ \"a\":\"b\" ,\"aws/securityhub/SeverityLabel\":\"MEDIUM\","
		  "\"aws/securityhub/ProductName\":\"Inspector\",\"aws/securityhub/CompanyName\":\"Am\\u0061zon\"},"
		  "\"Severity\":{\"Normalized\":50},\"ProductName\":\"Inspector\","
		  "\"CompanyName\":\"Am\\u0061zon\"}" },
		{ "{" HEAD ",\"Severity\":{\"Label\":\"LOW\"}}",
		  "{" HEAD ",\"Severity\":{\"Label\":\"LOW\"},"
		  "\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"LOW\"}}" },
		/* What is there stays, also where it disagrees. */
		{ "{" HEAD ",\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"LOW\","
		  "\"aws/securityhub/ProductName\":\"Old\"},\"Severity\":{\"Label\":\"HIGH\"},\"ProductName\":\"New\"}",
		  "{" HEAD ",\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"LOW\","
		  "\"aws/securityhub/ProductName\":\"Old\"},\"Severity\":{\"Label\":\"HIGH\"},"
		  "\"ProductName\":\"New\"}" },
		{ "{" HEAD ",\"ProductFields\":null,\"Severity\":{\"Label\":\"HIGH\"}}",
		  "{" HEAD ",\"ProductFields\":null,\"Severity\":{\"Label\":\"HIGH\"}}" },
	};
	static const char *const path[] = { "detail", "findings", SCAN_INDEX_0 };
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct span got;

		build(VIEW_SECURITYHUB, cases[i].finding, true, &b);
		assert_true(scan_get((struct span){ b.data, b.len }, path, 3, &got));
		if (!span_eq_str(got, cases[i].want))
			fail_msg("%.*s\nis not\n%s", SPAN_FMT(got), cases[i].want);
	}
	buf_done(&b);
}

static void
test_block(void **state)
{
	static const char *const path[] = { "findingsd" };
	struct buf b = { 0 };
	struct span got;
	char want[256];

	(void)state;
	build(VIEW_SECURITYHUB, "{" HEAD ",\"Severity\":{\"Label\":\"CRITICAL\"},\"Sample\":true}",
	      true, &b);
	assert_true(scan_get((struct span){ b.data, b.len }, path, 1, &got));
	/* sha256sum of "aws/inspector\n1\nr\ni" */
	(void)snprintf(
		want, sizeof(want),
		"{\"identity\":\"%s\",\"severity\":\"CRITICAL\",\"product\":\"aws/inspector\","
		"\"account_name\":\"prod \\\"1\\\"\",\"sample\":true}",
		"f027fc1ef6e209c0d59d8dfcda62f1a41783ca50e3c4c2c630b7777685c34b46");
	assert_true(span_eq_str(got, want));
	buf_done(&b);
}

static void
test_full_buffer_is_cut_back(void **state)
{
	struct err e = { 0 };
	struct finding f;
	struct buf b;

	(void)state;
	assert_int_equal(finding_parse(VIEW_GUARDDUTY, SPAN_LIT("{\"id\":\"x\"}"), NULL, &f, &e),
	                 0);
	buf_init(&b, 100);
	(void)buf_add_str(&b, "before");
	assert_int_equal(envelope_build(&f, &place, &b), -1);
	assert_string_equal(b.data, "before");
	assert_int_equal(envelope_for_match(&f, &place, &b), -1);
	assert_string_equal(b.data, "before");
	buf_done(&b);
}

static void
test_own_events(void **state)
{
	unsigned char a[32], b[32], c[32];
	struct buf out = { 0 };
	struct finding f;
	struct err e = { 0 };
	char id[37];

	(void)state;
	assert_int_equal(envelope_own("Sink Failing", SPAN_LIT("hook"), 1785582300000, &place,
	                              SPAN_LIT("{\"sink\":\"hook\"}"), &out),
	                 0);
	without_id(&out, id);
	assert_string_equal(
		out.data,
		"{\"version\":\"0\",\"id\":\"\",\"detail-type\":\"Sink Failing\","
		"\"source\":\"findingsd\",\"account\":\"111122223333\","
		"\"time\":\"2026-08-01T11:05:00Z\",\"region\":\"eu-west-1\",\"resources\":[],"
		"\"detail\":{\"sink\":\"hook\"}}");
	assert_int_equal(finding_from_event((struct span){ out.data, out.len }, &f, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	envelope_own_identity("Sink", SPAN_LIT("hook"), a);
	envelope_own_identity("Sink", SPAN_LIT("mail"), b);
	envelope_own_identity("Source", SPAN_LIT("hook"), c);
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a, c, 32);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guardduty_event),
		cmocka_unit_test(test_securityhub_event),
		cmocka_unit_test(test_ids_follow_the_version),
		cmocka_unit_test(test_old_product_fields),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_full_buffer_is_cut_back),
		cmocka_unit_test(test_own_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
