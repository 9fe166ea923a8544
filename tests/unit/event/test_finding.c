/*
 * finding: what is read out of both shapes, identity, version, state, and that hostile bytes do no harm.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "event/finding.h"

#define GD_ARN "arn:aws:guardduty:eu-west-1:111122223333:detector/12ab/finding/34cd"

/* Written by us after botocore's models. */
static const char guardduty[] =
	"{\"schemaVersion\":\"2.0\",\"accountId\":\"111122223333\",\"region\":\"eu-west-1\","
	"\"partition\":\"aws\",\"id\":\"34cd\",\"arn\":\"" GD_ARN "\","
	"\"type\":\"UnauthorizedAccess:EC2/SSHBruteForce\",\"resource\":{\"resourceType\":\"Instance\","
	"\"instanceDetails\":{\"instanceId\":\"i-0abc\"}},\"service\":{\"detectorId\":\"12ab\","
	"\"archived\":false,\"count\":7,\"eventFirstSeen\":\"2026-08-01T10:00:00.000Z\","
	"\"eventLastSeen\":\"2026-08-01T11:00:00.000Z\",\"additionalInfo\":{\"value\":\"{}\"}},"
	"\"severity\":8,\"createdAt\":\"2026-08-01T10:05:00.000Z\","
	"\"updatedAt\":\"2026-08-01T11:05:00.123Z\",\"title\":\"Title\",\"description\":\"Text\"}";

static const char asff[] =
	"{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"" GD_ARN "\","
	"\"ProductArn\":\"arn:aws:securityhub:eu-west-1::product/aws/guardduty\","
	"\"ProductName\":\"GuardDuty\",\"CompanyName\":\"Amazon\",\"Region\":\"eu-west-1\","
	"\"AwsAccountId\":\"111122223333\",\"GeneratorId\":\"g\",\"Types\":[\"TTPs/x\",\"y\"],"
	"\"CreatedAt\":\"2026-08-01T10:05:00.000Z\",\"UpdatedAt\":\"2026-08-01T11:05:00.123456789Z\","
	"\"Severity\":{\"Label\":\"HIGH\",\"Normalized\":70},\"Title\":\"Title\",\"Description\":\"Text\","
	"\"Remediation\":{\"Recommendation\":{\"Text\":\"Do\",\"Url\":\"https://example.com/r\"}},"
	"\"ProductFields\":{\"aws/guardduty/service/count\":\"7\"},"
	"\"Resources\":[{\"Type\":\"AwsEc2Instance\",\"Id\":\"arn:aws:ec2:x\"}],"
	"\"Compliance\":{\"Status\":\"FAILED\",\"SecurityControlId\":\"EC2.1\"},"
	"\"WorkflowState\":\"NEW\",\"Workflow\":{\"Status\":\"NEW\"},\"RecordState\":\"ACTIVE\"}";

static void
read_ok(enum finding_view view, const char *text, struct finding *f)
{
	static const struct finding_polled polled = { "999999999999", "us-east-1", false };
	struct err e = { 0 };

	if (finding_parse(view, span_of(text), &polled, f, &e))
		fail_msg("%s: %s", text, e.text);
}

static void
assert_span(struct span s, const char *want)
{
	if (!span_eq_str(s, want))
		fail_msg("'%.*s' is not '%s'", SPAN_FMT(s), want);
}

static void
test_guardduty_fields(void **state)
{
	struct finding f;
	int64_t ms;

	(void)state;
	read_ok(VIEW_GUARDDUTY, guardduty, &f);
	assert_span(f.product, "aws/guardduty");
	assert_span(f.account, "111122223333");
	assert_span(f.region, "eu-west-1");
	assert_span(f.id, GD_ARN);
	assert_span(f.type, "UnauthorizedAccess:EC2/SSHBruteForce");
	assert_span(f.resource_type, "Instance");
	assert_span(f.resource_id, "i-0abc");
	assert_span(f.detector_id, "12ab");
	assert_true(timefmt_parse(SPAN_LIT("2026-08-01T11:05:00.123Z"), &ms, NULL));
	assert_true(f.updated_ms == ms && f.updated_sub_ns == 0 && !f.is_undated);
	assert_true(f.count == 7 && f.severity == SEVERITY_HIGH && f.severity_number == 8);
	assert_true(f.state == FINDING_OPEN && f.closed_by[0] == '\0' && !f.is_sample);
	assert_true(f.first_seen_ms < f.created_ms && f.created_ms < f.updated_ms);
}

static void
test_asff_fields(void **state)
{
	struct finding f;

	(void)state;
	read_ok(VIEW_SECURITYHUB, asff, &f);
	assert_span(f.product, "aws/guardduty");
	assert_span(f.id, GD_ARN);
	assert_span(f.type, "TTPs/x");
	assert_span(f.resource_id, "arn:aws:ec2:x");
	assert_span(f.control_id, "EC2.1");
	assert_span(f.remediation_url, "https://example.com/r");
	assert_span(f.remediation_text, "Do");
	assert_true(f.updated_sub_ns == 456789 && f.count == 7);
	assert_true(f.severity == SEVERITY_HIGH && f.severity_number == 70);
	assert_true(f.workflow == WORKFLOW_NEW && f.record == RECORD_ACTIVE &&
	            f.compliance == COMPLIANCE_FAILED && f.state == FINDING_OPEN);
	assert_true(asff[f.fields_end] == '}' && !f.is_fields_empty);
}

static void
test_both_views_are_one_identity(void **state)
{
	struct finding a, b;

	(void)state;
	read_ok(VIEW_GUARDDUTY, guardduty, &a);
	read_ok(VIEW_SECURITYHUB, asff, &b);
	assert_memory_equal(a.identity, b.identity, sizeof(a.identity));
}

static void
test_identity_is_of_decoded_text(void **state)
{
	struct finding a, b;

	(void)state;
	read_ok(VIEW_SECURITYHUB,
	        "{\"Id\":\"a/b\",\"ProductArn\":\"arn:aws:securityhub:eu-west-1::product/x/y\","
	        "\"AwsAccountId\":\"1\"}",
	        &a);
	read_ok(VIEW_SECURITYHUB,
	        "{\"AwsAccountId\":\"\\u0031\",\"ProductArn\":"
	        "\"arn:aws:securityhub:eu-west-1::product\\/x\\/y\",\"Id\":\"a\\/\\u0062\"}",
	        &b);
	assert_memory_equal(a.identity, b.identity, sizeof(a.identity));
	assert_span(a.region, "eu-west-1");
}

/* Each part counts, and parts do not run into each other. */
static void
test_identities_differ(void **state)
{
	static const char *const text[] = {
		"{\"Id\":\"a\",\"ProductArn\":\"x:product/p\",\"AwsAccountId\":\"1\",\"Region\":\"r\"}",
		"{\"Id\":\"b\",\"ProductArn\":\"x:product/p\",\"AwsAccountId\":\"1\",\"Region\":\"r\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"x:product/q\",\"AwsAccountId\":\"1\",\"Region\":\"r\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"x:product/p\",\"AwsAccountId\":\"2\",\"Region\":\"r\"}",
		"{\"Id\":\"a\",\"ProductArn\":\"x:product/p\",\"AwsAccountId\":\"1\",\"Region\":\"s\"}",
		"{\"Id\":\"ra\",\"ProductArn\":\"x:product/p\",\"AwsAccountId\":\"1\",\"Region\":\"x\"}",
	};
	struct finding f[LENGTH(text)];

	(void)state;
	for (size_t i = 0; i < LENGTH(text); i++) {
		read_ok(VIEW_SECURITYHUB, text[i], &f[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(f[i].identity, f[j].identity, 32);
	}
}

static void
test_severity_is_total(void **state)
{
	static const struct {
		double number;
		enum severity want;
	} guardduty_cases[] = {
		{ -5, SEVERITY_INFORMATIONAL }, { 0, SEVERITY_INFORMATIONAL }, { 0.9, SEVERITY_INFORMATIONAL },
		{ 1, SEVERITY_LOW },            { 3.9, SEVERITY_LOW },         { 3.95, SEVERITY_LOW },
		{ 4, SEVERITY_MEDIUM },         { 6.9, SEVERITY_MEDIUM },      { 6.99, SEVERITY_MEDIUM },
		{ 7, SEVERITY_HIGH },           { 8.9, SEVERITY_HIGH },        { 8.95, SEVERITY_HIGH },
		{ 9, SEVERITY_CRITICAL },       { 10, SEVERITY_CRITICAL },     { 1e300, SEVERITY_CRITICAL },
		{ __builtin_nan(""), SEVERITY_HIGH },
	}, normalized_cases[] = {
		{ -1, SEVERITY_INFORMATIONAL }, { 0, SEVERITY_INFORMATIONAL }, { 1, SEVERITY_LOW },
		{ 39, SEVERITY_LOW },           { 39.5, SEVERITY_LOW },        { 40, SEVERITY_MEDIUM },
		{ 69, SEVERITY_MEDIUM },        { 70, SEVERITY_HIGH },         { 89, SEVERITY_HIGH },
		{ 90, SEVERITY_CRITICAL },      { 1000, SEVERITY_CRITICAL },   { __builtin_nan(""), SEVERITY_HIGH },
	};
	enum severity s;

	(void)state;
	for (size_t i = 0; i < LENGTH(guardduty_cases); i++)
		assert_int_equal(severity_of_guardduty(guardduty_cases[i].number),
		                 guardduty_cases[i].want);
	for (size_t i = 0; i < LENGTH(normalized_cases); i++)
		assert_int_equal(severity_of_normalized(normalized_cases[i].number),
		                 normalized_cases[i].want);
	for (int i = SEVERITY_INFORMATIONAL; i <= SEVERITY_CRITICAL; i++) {
		assert_true(severity_parse(span_of(severity_name((enum severity)i)), &s));
		assert_int_equal((int)s, i);
	}
	assert_false(severity_parse(SPAN_LIT("SEVERE"), &s));
	assert_false(severity_parse(SPAN_LIT(""), &s));
}

static void
test_severity_of_findings(void **state)
{
	static const struct {
		enum finding_view view;
		const char *json;
		enum severity want;
		bool is_unknown;
		const char *label;
	} cases[] = {
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":\"CRITICAL\"}", SEVERITY_CRITICAL,
		  false, "CRITICAL" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":\"Low\"}", SEVERITY_LOW, false,
		  "Low" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Normalized\":40}", SEVERITY_MEDIUM, false,
		  "MEDIUM" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":\"SEVERE\"}", SEVERITY_HIGH, true,
		  "SEVERE" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":\"SEVERE\",\"Normalized\":95}",
		  SEVERITY_CRITICAL, true, "SEVERE" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":\"SEVERE\",\"Normalized\":1}",
		  SEVERITY_HIGH, true, "SEVERE" },
		{ VIEW_SECURITYHUB, "\"Severity\":null", SEVERITY_INFORMATIONAL, true, "" },
		{ VIEW_SECURITYHUB,
		  "\"ProductFields\":{\"aws/securityhub/SeverityLabel\":\"HIGH\"}", SEVERITY_HIGH,
		  false, "HIGH" },
		{ VIEW_SECURITYHUB, "\"Severity\":{\"Label\":7}", SEVERITY_INFORMATIONAL, true,
		  "" },
		{ VIEW_GUARDDUTY, "\"severity\":9.0", SEVERITY_CRITICAL, false, "" },
		{ VIEW_GUARDDUTY, "\"severity\":5.4", SEVERITY_MEDIUM, false, "" },
		{ VIEW_GUARDDUTY, "\"severity\":\"8\"", SEVERITY_HIGH, false, "" },
		{ VIEW_GUARDDUTY, "\"severity\":\"very\"", SEVERITY_HIGH, true, "" },
		{ VIEW_GUARDDUTY, "\"severity\":[1]", SEVERITY_HIGH, true, "" },
		{ VIEW_GUARDDUTY, "\"x\":1", SEVERITY_INFORMATIONAL, true, "" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct finding f;

		(void)snprintf(text, sizeof(text),
		               "{\"Id\":\"i\",\"id\":\"i\",\"ProductArn\":\"p\",%s}",
		               cases[i].json);
		read_ok(cases[i].view, text, &f);
		if (f.severity != cases[i].want || f.is_severity_unknown != cases[i].is_unknown)
			fail_msg("%s: %s", cases[i].json, severity_name(f.severity));
		assert_span(f.severity_label, cases[i].label);
	}
}

static void
test_states(void **state)
{
	static const struct {
		enum finding_view view;
		const char *json;
		enum finding_state want;
		const char *closed_by;
	} cases[] = {
		{ VIEW_GUARDDUTY, "\"service\":{\"archived\":true}", FINDING_CLOSED, "archived" },
		{ VIEW_GUARDDUTY, "\"service\":{\"archived\":false}", FINDING_OPEN, "" },
		{ VIEW_GUARDDUTY, "\"service\":null", FINDING_OPEN, "" },
		{ VIEW_SECURITYHUB, "\"RecordState\":\"ARCHIVED\"", FINDING_CLOSED, "ARCHIVED" },
		{ VIEW_SECURITYHUB, "\"Workflow\":{\"Status\":\"RESOLVED\"}", FINDING_CLOSED,
		  "RESOLVED" },
		{ VIEW_SECURITYHUB, "\"Workflow\":{\"Status\":\"SUPPRESSED\"}", FINDING_CLOSED,
		  "SUPPRESSED" },
		{ VIEW_SECURITYHUB, "\"Workflow\":{\"Status\":\"NOTIFIED\"}", FINDING_OPEN, "" },
		{ VIEW_SECURITYHUB, "\"WorkflowState\":\"RESOLVED\"", FINDING_CLOSED, "RESOLVED" },
		{ VIEW_SECURITYHUB,
		  "\"WorkflowState\":\"RESOLVED\",\"Workflow\":{\"Status\":\"NEW\"}", FINDING_OPEN,
		  "" },
		{ VIEW_SECURITYHUB, "\"WorkflowState\":\"DEFERRED\"", FINDING_OPEN, "" },
		{ VIEW_SECURITYHUB, "\"Compliance\":{\"Status\":\"PASSED\"}", FINDING_CLOSED,
		  "PASSED" },
		{ VIEW_SECURITYHUB, "\"Compliance\":{\"Status\":\"FAILED\"}", FINDING_OPEN, "" },
		{ VIEW_SECURITYHUB, "\"Compliance\":{\"Status\":\"WARNING\"}", FINDING_NEUTRAL,
		  "" },
		{ VIEW_SECURITYHUB, "\"Compliance\":{\"Status\":\"NOT_AVAILABLE\"}",
		  FINDING_NEUTRAL, "" },
		{ VIEW_SECURITYHUB,
		  "\"Compliance\":{\"Status\":\"NOT_AVAILABLE\"},\"RecordState\":\"ARCHIVED\"",
		  FINDING_CLOSED, "ARCHIVED" },
		{ VIEW_SECURITYHUB, "\"Compliance\":{\"Status\":\"SOMETHING\"}", FINDING_OPEN, "" },
		{ VIEW_SECURITYHUB, "\"Workflow\":{\"Status\":\"RE\\u0053OLVED\"}", FINDING_CLOSED,
		  "RESOLVED" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct finding f;

		(void)snprintf(text, sizeof(text),
		               "{\"Id\":\"i\",\"id\":\"i\",\"ProductArn\":\"p\",%s}",
		               cases[i].json);
		read_ok(cases[i].view, text, &f);
		if (f.state != cases[i].want || strcmp(f.closed_by, cases[i].closed_by) != 0)
			fail_msg("%s: %s '%s'", cases[i].json, finding_state_name(f.state),
			         f.closed_by);
	}
}

/* A change that moves no instant shows in the digest; one that is nothing to us does not. */
static void
test_digest(void **state)
{
	static const char *const changes[] = {
		"\"Severity\":{\"Label\":\"LOW\"}",
		"\"Severity\":{\"Label\":\"HIGH\"}",
		"\"Severity\":{\"Label\":\"HIGH\",\"Normalized\":75}",
		"\"Workflow\":{\"Status\":\"NEW\"}",
		"\"Workflow\":{\"Status\":\"RESOLVED\"}",
		"\"Workflow\":{\"Status\":\"OF_THE_FUTURE\"}",
		"\"RecordState\":\"ACTIVE\"",
		"\"RecordState\":\"ARCHIVED\"",
		"\"Compliance\":{\"Status\":\"PASSED\"}",
	};
	struct finding f[LENGTH(changes)], a, b;
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(changes); i++) {
		(void)snprintf(text, sizeof(text), "{\"Id\":\"i\",\"ProductArn\":\"p\",%s}",
		               changes[i]);
		read_ok(VIEW_SECURITYHUB, text, &f[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(f[i].digest, f[j].digest, sizeof(f[i].digest));
	}
	read_ok(VIEW_GUARDDUTY, "{\"id\":\"i\",\"severity\":8,\"title\":\"a\"}", &a);
	read_ok(VIEW_GUARDDUTY, "{\"id\":\"i\",\"severity\":8.0,\"title\":\"b\"}", &b);
	assert_memory_equal(a.digest, b.digest, sizeof(a.digest));
}

static void
test_samples_are_known(void **state)
{
	static const struct {
		enum finding_view view;
		const char *json;
		bool want;
	} cases[] = {
		{ VIEW_GUARDDUTY, "\"service\":{\"additionalInfo\":{\"sample\":true}}", true },
		{ VIEW_GUARDDUTY, "\"service\":{\"additionalInfo\":{\"sample\":false}}", false },
		{ VIEW_GUARDDUTY,
		  "\"service\":{\"additionalInfo\":{\"value\":\"{\\\"sample\\\":true}\"}}", true },
		{ VIEW_GUARDDUTY,
		  "\"service\":{\"additionalInfo\":{\"value\":\"{\\\"sample\\\": false}\"}}",
		  false },
		{ VIEW_GUARDDUTY,
		  "\"service\":{\"additionalInfo\":{\"value\":\"a sample of {text\"}}", false },
		{ VIEW_GUARDDUTY,
		  "\"service\":{\"additionalInfo\":{\"value\":\"{\\\"a\\\":{\\\"sample\\\":true}}\"}}",
		  false },
		{ VIEW_GUARDDUTY, "\"title\":\"[SAMPLE] x\"", true },
		{ VIEW_SECURITYHUB, "\"Sample\":true", true },
		{ VIEW_SECURITYHUB, "\"Sample\":\"no\"", false },
		{ VIEW_SECURITYHUB, "\"Title\":\"[SAMPLE] x\"", true },
		{ VIEW_SECURITYHUB, "\"Title\":\"not a [SAMPLE]\"", false },
		{ VIEW_SECURITYHUB,
		  "\"ProductFields\":{\"aws/guardduty/service/additionalInfo/sample\":\"true\"}",
		  true },
		{ VIEW_SECURITYHUB,
		  "\"ProductFields\":{\"aws/guardduty/service/additionalInfo/value\":\"{\\\"sample\\\":true}\"}",
		  true },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct finding f;

		(void)snprintf(text, sizeof(text),
		               "{\"Id\":\"i\",\"id\":\"i\",\"ProductArn\":\"p\",%s}",
		               cases[i].json);
		read_ok(cases[i].view, text, &f);
		if (f.is_sample != cases[i].want)
			fail_msg("%s", cases[i].json);
	}
}

static void
test_instants(void **state)
{
	static const struct {
		const char *text, *same_as;
		int32_t sub_ns;
		bool is_undated;
	} cases[] = {
		{ "2026-08-01T11:05:00Z", "2026-08-01T11:05:00Z", 0, false },
		{ "2026-08-01T11:05:00.1Z", "2026-08-01T11:05:00.100Z", 0, false },
		{ "2026-08-01T11:05:00.123456Z", "2026-08-01T11:05:00.123Z", 456000, false },
		{ "2026-08-01T13:05:00.5+02:00", "2026-08-01T11:05:00.500Z", 0, false },
		{ "2026-08-01 11:05:00.721", "2026-08-01T11:05:00.721Z", 0, false },
		{ "2026-08-01T11:05:00\\u005a", "2026-08-01T11:05:00Z", 0, false },
		{ "yesterday", "2026-01-01T00:00:00Z", 0, true },
		{ "", "2026-01-01T00:00:00Z", 0, true },
		{ "2026-08-01T11:05:00.00000000000000000000000000000000000000000000000000000000000000000Z",
		  "2026-01-01T00:00:00Z", 0, true },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct finding f;
		int64_t want;

		(void)snprintf(
			text, sizeof(text),
			"{\"Id\":\"i\",\"ProductArn\":\"p\",\"CreatedAt\":\"2026-01-01T00:00:00Z\","
			"\"UpdatedAt\":\"%s\"}",
			cases[i].text);
		read_ok(VIEW_SECURITYHUB, text, &f);
		assert_true(timefmt_parse(span_of(cases[i].same_as), &want, NULL));
		if (f.updated_ms != want || f.updated_sub_ns != cases[i].sub_ns ||
		    f.is_undated != cases[i].is_undated)
			fail_msg("%s", cases[i].text);
	}
	assert_int_equal(finding_compare_instant(1, 0, 2, 0), -1);
	assert_int_equal(finding_compare_instant(2, 1, 2, 0), 1);
	assert_int_equal(finding_compare_instant(2, 1, 2, 2), -1);
	assert_int_equal(finding_compare_instant(2, 1, 2, 1), 0);
}

/* What is missing or odd is empty, and who was asked stands in. */
static void
test_only_required_fields_steer(void **state)
{
	static const char *const texts[] = {
		"{\"Id\":\"i\",\"ProductArn\":\"p\"}",
		"{\"Id\":\"i\",\"ProductArn\":\"p\",\"AwsAccountId\":12,\"Region\":null,\"Title\":{},"
		"\"Severity\":\"HIGH\",\"Types\":\"x\",\"Resources\":{},\"ProductFields\":[],\"Compliance\":1,"
		"\"UpdatedAt\":5,\"CreatedAt\":[],\"Workflow\":[],\"RecordState\":{},\"Remediation\":7}",
		"{\"Id\":\"i\",\"ProductArn\":\"p\",\"Resources\":[],\"Types\":[],\"Severity\":{},\"Sample\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct finding f;

		read_ok(VIEW_SECURITYHUB, texts[i], &f);
		assert_span(f.account, "999999999999");
		assert_span(f.region, "us-east-1");
		assert_span(f.partition, "aws");
		assert_span(f.title, "");
		assert_span(f.resource_id, "");
		assert_true(f.is_undated && f.updated_ms == 0 && f.state == FINDING_OPEN);
	}
}

static void
test_poison_is_named(void **state)
{
	static const struct {
		enum finding_view view;
		const char *json, *want;
	} cases[] = {
		{ VIEW_SECURITYHUB, "{\"ProductArn\":\"p\"}", "without an id" },
		{ VIEW_SECURITYHUB, "{\"Id\":7,\"ProductArn\":\"p\"}", "without an id" },
		{ VIEW_SECURITYHUB, "{\"Id\":\"i\"}", "without a product" },
		{ VIEW_GUARDDUTY, "{}", "without an id" },
		{ VIEW_GUARDDUTY, "[]", "not a finding" },
		{ VIEW_GUARDDUTY, "{\"id\":\"x\"", "not a finding" },
		{ VIEW_GUARDDUTY, "", "not a finding" },
		{ VIEW_GUARDDUTY, "{\"id\":\"\xff\"}", "not a finding" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err e = { 0 };
		struct finding f;

		assert_int_equal(finding_parse(cases[i].view, span_of(cases[i].json), NULL, &f, &e),
		                 -1);
		if (!strstr(e.text, cases[i].want))
			fail_msg("%s: %s", cases[i].json, e.text);
	}
}

/* Of duplicate keys the last one counts, as in every parser that people use. */
static void
test_duplicate_keys(void **state)
{
	struct finding f;

	(void)state;
	read_ok(VIEW_SECURITYHUB,
	        "{\"Id\":\"first\",\"Id\":\"last\",\"ProductArn\":\"p\",\"Severity\":{\"Label\":\"LOW\"},"
	        "\"Severity\":{\"Normalized\":95}}",
	        &f);
	assert_span(f.id, "last");
	assert_int_equal(f.severity, SEVERITY_CRITICAL);
}

static void
test_huge_and_deep(void **state)
{
	struct buf b = { 0 };
	struct err e = { 0 };
	struct finding f;

	(void)state;
	(void)buf_add_str(&b, "{\"Id\":\"");
	for (int i = 0; i < 300000; i++)
		(void)buf_add_str(&b, "\\u0041");
	(void)buf_add_str(&b, "\",\"ProductArn\":\"p\"}");
	assert_int_equal(
		finding_parse(VIEW_SECURITYHUB, (struct span){ b.data, b.len }, NULL, &f, &e), 0);

	buf_clear(&b);
	(void)buf_add_str(&b, "{\"Id\":\"i\",\"ProductArn\":\"p\",\"x\":");
	for (int i = 0; i < 100000; i++)
		(void)buf_add_char(&b, '[');
	assert_int_equal(
		finding_parse(VIEW_SECURITYHUB, (struct span){ b.data, b.len }, NULL, &f, &e), -1);
	buf_done(&b);
}

/* Cut at every byte, and with bytes changed at random: an answer or a reason, never a wild read (under ASan). */
static void
test_mutations(void **state)
{
	const char *const texts[] = { guardduty, asff };
	unsigned seed = 20260801;

	(void)state;
	for (size_t t = 0; t < LENGTH(texts); t++) {
		size_t len = strlen(texts[t]);

		for (size_t cut = 0; cut < len; cut++) {
			char *copy = mem_dup(texts[t], cut);
			struct err e = { 0 };
			struct finding f;

			assert_int_equal(finding_parse((enum finding_view)t,
			                               (struct span){ copy, cut }, NULL, &f, &e),
			                 -1);
			mem_free(copy);
		}
		for (int round = 0; round < 3000; round++) {
			char *copy = mem_dup(texts[t], len);
			struct err e = { 0 };
			struct finding f;

			for (int i = 0; i < 1 + round % 3; i++)
				copy[(size_t)rand_r(&seed) % len] = (char)(rand_r(&seed) & 0xff);
			if (finding_parse((enum finding_view)t, (struct span){ copy, len }, NULL,
			                  &f, &e) == 0)
				assert_true(f.id.len > 0 && f.fields_end < len);
			else
				assert_true(e.kind == ERR_PARSE && e.text[0] != '\0');
			mem_free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guardduty_fields),
		cmocka_unit_test(test_asff_fields),
		cmocka_unit_test(test_both_views_are_one_identity),
		cmocka_unit_test(test_identity_is_of_decoded_text),
		cmocka_unit_test(test_identities_differ),
		cmocka_unit_test(test_severity_is_total),
		cmocka_unit_test(test_severity_of_findings),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_samples_are_known),
		cmocka_unit_test(test_instants),
		cmocka_unit_test(test_only_required_fields_steer),
		cmocka_unit_test(test_poison_is_named),
		cmocka_unit_test(test_duplicate_keys),
		cmocka_unit_test(test_huge_and_deep),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
