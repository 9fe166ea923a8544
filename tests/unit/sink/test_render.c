/*
 * render: what every text names, exact bodies, and that no finding, however hostile or long, breaks a format.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#include "base/mem.h"
#include "sink/mail.h"
#include "sink/preset.h"
#include "sink/snsform.h"
#include "json/scan.h"

static const char *
name_of(struct span account, void *arg)
{
	assert_null(arg);
	return span_eq_str(account, "111122223333") ? "prod" : NULL;
}

static struct notice
notice_of(const char *event)
{
	return (struct notice){
		.event = span_of(event),
		.change = CHANGE_CREATED,
		.rules = SPAN_LIT("rule-a\nrule-b"),
		.message_key = "fd1-aa-bb-1",
		.thread_key = "fd1-aa",
		.severity = SEVERITY_HIGH,
		.first_severity = SEVERITY_MEDIUM,
		.account_name = name_of,
		.sink_name = "hook",
		.queued_ms = 1787398805000,
	};
}

static char *
text_of(const char *event, enum change change, enum render_room room,
        void (*render)(const struct render_view *, enum render_room, struct buf *))
{
	struct notice n = notice_of(event);
	struct render_view v;
	struct buf out;
	size_t len;

	n.change = change;
	render_view_init(&v, &n, false);
	buf_init(&out, 0);
	render(&v, room, &out);
	render_view_done(&v);
	return buf_take(&out, &len);
}

static void
json_with_event(const struct render_view *v, enum render_room room, struct buf *out)
{
	render_json(v, room, true, out);
}

static void
json_compact(const struct render_view *v, enum render_room room, struct buf *out)
{
	render_json(v, room, false, out);
}

static const char guardduty_link[] =
	"https://console.aws.amazon.com/guardduty/home?region=us-east-1#/findings?search=id%3Dabc";

static const char guardduty_remedy[] =
	"https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_remediate.html";

static void
test_every_text_names_what_people_need(void **state)
{
	static const char *const wants[] = { "New finding",
		                             "Credentials used from Tor exit node",
		                             "prod (111122223333)",
		                             "us-east-1",
		                             "AccessKey",
		                             "HIGH",
		                             "2026-08-22T09:12:00.000Z",
		                             "2026-08-22T11:40:00.000Z",
		                             "14",
		                             guardduty_link,
		                             guardduty_remedy,
		                             "rule-a, rule-b",
		                             "GuardDuty",
		                             "API GetObject was invoked" };
	char *event = rig_event("abc", "Credentials used from Tor exit node",
	                        "API GetObject was invoked");
	char *text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);
	char *html = text_of(event, CHANGE_CREATED, RENDER_ALL, render_html);

	(void)state;
	for (size_t i = 0; i < LENGTH(wants); i++) {
		assert_non_null(strstr(text, wants[i]));
		assert_non_null(strstr(html, wants[i]));
	}
	assert_null(strstr(html, "<img"));
	assert_null(strstr(html, "<script"));
	mem_free(text);
	mem_free(html);
	mem_free(event);
}

static void
test_text_to_the_letter(void **state)
{
	char *event = rig_event("abc", "Tor", "One.\\nTwo.");
	char *text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);

	(void)state;
	assert_string_equal(
		text,
		"New finding: Tor\n"
		"\n"
		"Severity:     HIGH\n"
		"Account:      prod (111122223333)\n"
		"Region:       us-east-1\n"
		"Resource:     AccessKey\n"
		"Product:      GuardDuty\n"
		"Type:         UnauthorizedAccess:IAMUser/TorIPCaller\n"
		"First seen:   2026-08-22T09:12:00.000Z\n"
		"Last seen:    2026-08-22T11:40:00.000Z\n"
		"Count:        14\n"
		"Finding:      arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/abc\n"
		"Rules:        rule-a, rule-b\n"
		"\n"
		"One.\nTwo.\n"
		"\n"
		"Console:      https://console.aws.amazon.com/guardduty/home?region=us-east-1#/"
		"findings?search=id%3Dabc\n"
		"Remediation:  https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_remediate.html\n");
	mem_free(text);
	mem_free(event);
}

static void
test_json_to_the_letter(void **state)
{
	char *event = rig_event("abc", "Tor", "One.");
	char *json = text_of(event, CHANGE_SEVERITY_RAISED, RENDER_ALL, json_compact);
	char *identity = strstr(json, "\"identity\":\"");

	(void)state;
	assert_non_null(identity);
	memset(identity + 12, 'x', 64);
	assert_string_equal(
		json,
		"{\"type\":\"finding.severity_raised\",\"timestamp\":\"2026-08-22T11:40:05.000Z\",\"data\":{"
		"\"change\":\"severity_raised\",\"id\":\"fd1-aa-bb-1\",\"thread\":\"fd1-aa\",\"identity\":"
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\","
		"\"finding\":\"arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/abc\","
		"\"rules\":[\"rule-a\",\"rule-b\"],\"flapping\":null,\"calm\":null,\"also\":null,"
		"\"aged_out\":false,\"severity\":\"HIGH\",\"headline\":\"Severity raised to HIGH\","
		"\"title\":\"Tor\",\"description\":\"One.\",\"product\":\"aws/guardduty\",\"product_name\":\"GuardDuty\","
		"\"finding_type\":\"UnauthorizedAccess:IAMUser/TorIPCaller\",\"account\":{\"id\":\"111122223333\","
		"\"name\":\"prod\"},\"region\":\"us-east-1\",\"resource\":{\"type\":\"AccessKey\",\"id\":null},"
		"\"state\":\"open\",\"closed_by\":null,\"workflow\":null,\"record_state\":null,\"compliance\":null,"
		"\"control\":null,\"first_seen\":\"2026-08-22T09:12:00.000Z\",\"last_seen\":"
		"\"2026-08-22T11:40:00.000Z\",\"updated\":\"2026-08-22T11:40:03.120Z\",\"count\":14,\"console_url\":"
		"\"https://console.aws.amazon.com/guardduty/home?region=us-east-1#/findings?search=id%3Dabc\","
		"\"remediation_url\":\"https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_remediate.html\",\"remediation\":null,\"sample\":false,\"test\":false,\"truncated\":false}}");
	mem_free(json);
	json = text_of(event, CHANGE_CREATED, RENDER_ALL, json_with_event);
	assert_non_null(strstr(json, event));
	mem_free(json);
	mem_free(event);
}

static char *
asff(const char *id, const char *extra)
{
	return mem_printf(
		"{\"version\":\"0\",\"id\":\"0\",\"detail-type\":\"Security Hub Findings - Imported\",\"source\":"
		"\"aws.securityhub\",\"account\":\"111122223333\",\"time\":\"2026-08-22T11:40:03Z\",\"region\":\"%s\","
		"\"resources\":[],\"detail\":{\"findings\":[{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"%s\",\"ProductArn\":"
		"\"arn:%s:securityhub:%s::product/aws/securityhub\",\"ProductName\":\"Security Hub\",\"AwsAccountId\":"
		"\"111122223333\",\"Region\":\"%s\",\"GeneratorId\":\"g\",\"Types\":[\"t\"],\"CreatedAt\":"
		"\"2026-08-01T00:00:00Z\",\"UpdatedAt\":\"2026-08-22T11:40:03Z\",\"Severity\":{\"Label\":\"HIGH\"},"
		"\"Title\":\"S3 is public\",\"Description\":\"d\",\"Resources\":[{\"Type\":\"AwsS3Bucket\",\"Id\":"
		"\"arn:aws:s3:::b\"}],\"Compliance\":{\"Status\":\"FAILED\",\"SecurityControlId\":\"S3.1\"},"
		"\"Workflow\":{\"Status\":\"NEW\"},\"RecordState\":\"ACTIVE\"%s}]}}",
		"us-east-1", id, "aws", "us-east-1", "us-east-1", extra);
}

/* Our configuration's name goes before; where it has none, Security Hub's own is better than a number alone. */
static void
test_an_account_without_a_name_of_ours_has_the_findings(void **state)
{
	char *event = asff("a:1/x", ",\"AwsAccountName\":\"pay\\nments\"");
	char *text;

	(void)state;
	for (char *at = event; (at = strstr(at, "111122223333")) != NULL;)
		memcpy(at, "444455556666", 12);
	text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);
	if (!strstr(text, "\nAccount:      pay ments (444455556666)\n"))
		fail_msg("no name of the account in:\n%s", text);
	mem_free(text);
	mem_free(event);
}

static void
test_security_hub_names_control_and_remediation(void **state)
{
	static const char *const wants[] = {
		"S3 is public",
		"AwsS3Bucket arn:aws:s3:::b",
		"S3.1",
		"FAILED",
		"NEW",
		"ACTIVE",
		"https://console.aws.amazon.com/securityhub/home?region=us-east-1#/findings?search=Id%3D%255Coperator%255C"
		"%253AEQUALS%255C%253Aa%253A1%252Fx",
		"https://docs.aws.amazon.com/console/securityhub/S3.1/remediation",
		"Security Hub",
		"Count:        1\n",
		"Account:      prod (111122223333)\n",
	};
	char *event = asff(
		"a:1/x",
		",\"AwsAccountName\":\"not ours\",\"Remediation\":{\"Recommendation\":{\"Text\":\"Read the docs\",\"Url\":"
		"\"https://docs.aws.amazon.com/console/securityhub/S3.1/remediation\"}}");
	char *text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);

	(void)state;
	for (size_t i = 0; i < LENGTH(wants); i++)
		if (!strstr(text, wants[i]))
			fail_msg("%s is missing in:\n%s", wants[i], text);
	mem_free(text);
	mem_free(event);
}

static void
test_hostile_links_are_no_links(void **state)
{
	static const char *const urls[] = { "javascript:alert(1)",
		                            "https://x/\\\" onclick=\\\"y",
		                            "https://a b/",
		                            "http://x/<script>",
		                            "ftp://x/",
		                            "https://\\u202ex/",
		                            "data:text/html,x" };

	(void)state;
	for (size_t i = 0; i < LENGTH(urls); i++) {
		char *extra = mem_printf(",\"Remediation\":{\"Recommendation\":{\"Url\":\"%s\"}}",
		                         urls[i]);
		char *event = asff("a", extra);
		char *html = text_of(event, CHANGE_CREATED, RENDER_ALL, render_html);

		if (i != 5) {
			assert_null(strstr(html, "Remediation: <a"));
		}
		assert_null(strstr(html, "<script"));
		assert_null(strstr(html, "onclick=\""));
		mem_free(html);
		mem_free(event);
		mem_free(extra);
	}
}

static void
test_markup_in_a_title_stays_text(void **state)
{
	char *event = rig_event("abc", "<b onload=\\\"x\\\">&amp;</b>\\r\\nBcc: x@y.z @everyone",
	                        "<img src=x>");
	char *html = text_of(event, CHANGE_CREATED, RENDER_ALL, render_html);
	char *text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);

	(void)state;
	assert_null(strstr(html, "<b "));
	assert_null(strstr(html, "<img"));
	assert_non_null(strstr(
		html, "&lt;b onload=&quot;x&quot;&gt;&amp;amp;&lt;/b&gt; Bcc: x@y.z @everyone"));
	assert_null(strstr(text, "\nBcc"));
	assert_null(strstr(text, "@everyone"));
	mem_free(html);
	mem_free(text);
	mem_free(event);
}

static void
test_events_of_our_own_are_readable(void **state)
{
	static const char event[] =
		"{\"version\":\"0\",\"id\":\"x\",\"detail-type\":\"Sink Failing\",\"source\":\"findingsd\",\"account\":\"\","
		"\"time\":\"2026-08-22T11:40:03Z\",\"region\":\"\",\"resources\":[],\"detail\":{\"subject\":\"hook\","
		"\"message\":\"HTTP 401: login refused\",\"held_back\":0}}";
	char *text = text_of(event, CHANGE_CREATED, RENDER_ALL, render_text);
	char *json = text_of(event, CHANGE_CREATED, RENDER_ALL, json_compact);

	(void)state;
	assert_non_null(strstr(text, "Notice of findingsd itself: Sink Failing: hook"));
	assert_non_null(strstr(text, "HTTP 401: login refused"));
	assert_non_null(strstr(json, "\"type\":\"findingsd.sink_failing\""));
	assert_int_equal(scan_check(span_of(json), true, NULL), 0);
	mem_free(text);
	mem_free(json);
}

static void
test_what_cannot_be_read_is_told_all_the_same(void **state)
{
	static const char *const events[] = {
		"",
		"x",
		"{}",
		"[]",
		"{\"source\":\"aws.guardduty\",\"detail\":{}}",
		"{\"source\":\"aws.guardduty\",\"detail-type\":\"GuardDuty Finding\",\"detail\":3}",
		"{\"source\":7,\"detail-type\":[]}"
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(events); i++) {
		char *text = text_of(events[i], CHANGE_CREATED, RENDER_ALL, render_text);
		char *json = text_of(events[i], CHANGE_CREATED, RENDER_ALL, json_compact);

		assert_true(strlen(text) > 40);
		assert_non_null(strstr(text, "Severity:     HIGH"));
		assert_int_equal(scan_check(span_of(json), true, NULL), 0);
		mem_free(text);
		mem_free(json);
	}
}

static void
test_subjects(void **state)
{
	static const struct {
		const char *title;
		size_t max;
		const char *want;
	} rows[] = {
		{ "Tor", 200, "[MEDIUM] GuardDuty: Tor - prod us-east-1" },
		{ "A title that is longer than the room there is", 50,
		  "[MEDIUM] GuardDuty: A title that\xe2\x80\xa6 - prod us-east-1" },
		{ "A title that is longer than the room there is", 30,
		  "[MEDIUM] GuardDuty: A title t\xe2\x80\xa6" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char *event = rig_event("abc", rows[i].title, "d");
		struct notice n = notice_of(event);
		struct render_view v;
		struct buf out;

		render_view_init(&v, &n, false);
		buf_init(&out, 0);
		render_subject(&v, n.first_severity, rows[i].max, &out);
		assert_true(str_utf8_count(out.data, out.len) <= rows[i].max);
		assert_string_equal(out.data, rows[i].want);
		buf_done(&out);
		render_view_done(&v);
		mem_free(event);
	}
}

/* Random text, escaped as JSON: markup, escapes, controls, surrogates, long runs. */
static char *
random_text(uint32_t *x, size_t len)
{
	static const char *const bits[] = { "a",
		                            "Z",
		                            " ",
		                            "<",
		                            ">",
		                            "&",
		                            "\\\"",
		                            "'",
		                            "\\\\",
		                            "\\n",
		                            "\\r\\n",
		                            "\\u0000",
		                            "\\u202e",
		                            "\\ud83d\\ude00",
		                            "\\ud800",
		                            "\xc3\xa9",
		                            "\xe6\x97\xa5",
		                            "@everyone ",
		                            "=?UTF-8?Q?x?=",
		                            "--=_fd_",
		                            "%s%n",
		                            "{{x}}",
		                            "\\u2028",
		                            "https://x/",
		                            "." };
	struct buf out;
	size_t n;

	buf_init(&out, 0);
	while (out.len < len) {
		*x = *x * 1664525u + 1013904223u;
		(void)buf_add_str(&out, bits[(*x >> 16) % LENGTH(bits)]);
	}
	return buf_take(&out, &n);
}

static void
check_utf8_text(const struct buf *b, bool one_line)
{
	for (size_t at = 0; at < b->len;) {
		uint32_t cp;
		size_t n = str_utf8_decode(b->data + at, b->len - at, &cp);

		assert_true(n > 0);
		assert_true(cp >= 0x20 || (!one_line && cp == '\n'));
		assert_true(cp != 0x202e && cp != 0x2028 && cp != 0x7f);
		at += n;
	}
}

static void
check_mail(const struct buf *b)
{
	size_t line = 0;
	bool is_head = true;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		assert_true(c >= 0x20 ? c < 0x7f : c == '\r' || c == '\n' || c == '\t');
		if (c == '\n') {
			assert_true(i > 0 && b->data[i - 1] == '\r');
			if (is_head && line == 1)
				is_head = false;
			line = 0;
			continue;
		}
		line++;
		assert_true(line <= 998);
		if (!is_head)
			assert_true(line <= 77);
	}
	/* nobody made a header of text */
	assert_null(strstr(b->data, "\nBcc"));
}

static void
check_sizes(struct conf_sink *conf, const struct render_view *v)
{
	struct snsform_attribute attributes[SNSFORM_ATTRIBUTES_MAX];
	const struct sink_kind *sns = sink_kind_find("sns");
	struct buf out, rules;

	buf_init(&out, 0);
	buf_init(&rules, 0);
	(void)sink_preset_of(conf)->render(conf, v, RENDER_ALL, &out);
	assert_int_equal(scan_check((struct span){ out.data, out.len }, true, NULL), 0);
	assert_true(out.len <= 20000);
	buf_clear(&out);
	for (int format = CONF_FORMAT_TEXT; format <= CONF_FORMAT_RAW; format++) {
		size_t n = snsform_attributes(v, &rules, attributes);

		conf->format = (enum conf_format)format;
		(void)sns->render(conf, v, RENDER_ALL, &out);
		assert_true(out.len + snsform_attribute_bytes(attributes, n) <= SNSFORM_BYTES);
		buf_clear(&out);
		buf_clear(&rules);
	}
	conf->format = CONF_FORMAT_JSON;
	snsform_subject(v, "", &out);
	assert_true(out.len >= 1 && out.len <= 99 && out.data[0] > ' ');
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.data[i] >= 0x20 && out.data[i] < 0x7f);
	buf_done(&out);
	buf_done(&rules);
}

/* What the note of a notice says, in each format; and that it is escaped like everything else of a finding. */
static void
test_what_stands_beside_a_finding_is_told_in_every_format(void **state)
{
	static const struct {
		const char *note;
		enum change change;
		const char *headline, *text, *html, *json;
	} cases[] = {
		{ "{\"flapping\":{\"reopened\":4,\"within_ms\":3600000}}", CHANGE_REOPENED,
		  "Flapping",
		  "Flapping:     reopened 4 times within 1h: held until it has been calm for 1h\n",
		  "reopened 4 times within 1h",
		  "\"flapping\":{\"reopened\":4,\"within_ms\":3600000},\"calm\":null" },
		{ "{\"calm\":{\"after_ms\":1800000}}", CHANGE_REPEAT,
		  "Still open, no longer flapping", "Flapping:     no longer: calm for 30m\n",
		  "calm for 30m", "\"flapping\":null,\"calm\":{\"after_ms\":1800000}" },
		{ "{\"aged_out\":true}", CHANGE_RESOLVED, "Resolved (aged out)",
		  "Resolved (aged out): ", "Resolved (aged out)", "\"aged_out\":true" },
		{ "{\"also\":{\"open\":12,\"open_is_more\":false,\"more\":5,\"in\":[\"us-west-2\",\"<b>eu\\u202e\"]}}",
		  CHANGE_SEVERITY_RAISED, "Severity raised to HIGH",
		  "Also in:      us-west-2; <b>eu; and 3 more (12 findings are open in this alert)\n",
		  "us-west-2; &lt;b&gt;eu; and 3 more", "\"also\":{\"open\":12," },
		{ "{\"also\":{\"open\":1000,\"open_is_more\":true,\"more\":0,\"in\":[]}}",
		  CHANGE_REPEAT, "Still open",
		  "Also in:      over 1000 findings are open in this alert\n",
		  "over 1000 findings are open", "\"open_is_more\":true" },
		{ "{\"also\":", CHANGE_CREATED, "New finding", "New finding: ", "New finding",
		  "\"also\":null" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *event = rig_event("id", "Tor", "One.");
		struct notice n = notice_of(event);
		struct render_view v;
		struct buf out = { 0 };

		n.change = cases[i].change;
		n.note = span_of(cases[i].note);
		render_view_init(&v, &n, false);
		assert_string_equal(v.headline, cases[i].headline);
		render_text(&v, RENDER_ALL, &out);
		if (!strstr(out.data, cases[i].text))
			fail_msg("case %zu: %s", i, out.data);
		buf_clear(&out);
		render_html(&v, RENDER_ALL, &out);
		assert_non_null(strstr(out.data, cases[i].html));
		assert_null(strstr(out.data, "<b>eu"));
		buf_clear(&out);
		render_json(&v, RENDER_ALL, true, &out);
		assert_int_equal(scan_check((struct span){ out.data, out.len }, true, NULL), 0);
		assert_non_null(strstr(out.data, cases[i].json));
		buf_done(&out);
		render_view_done(&v);
		mem_free(event);
	}
}

static void
check_event(struct conf_sink *conf, const char *event)
{
	struct notice n = notice_of(event);
	struct render_view v;
	struct buf out;

	render_view_init(&v, &n, false);
	buf_init(&out, 0);
	for (int room = RENDER_ALL; room < RENDER_ROOM_COUNT; room++) {
		buf_clear(&out);
		render_text(&v, (enum render_room)room, &out);
		check_utf8_text(&out, false);
		buf_clear(&out);
		render_html(&v, (enum render_room)room, &out);
		check_utf8_text(&out, false);
		assert_true(room < RENDER_SHORT || out.len < 100 * 1024);
		buf_clear(&out);
		render_json(&v, (enum render_room)room, true, &out);
		assert_int_equal(scan_check((struct span){ out.data, out.len }, true, NULL), 0);
		buf_clear(&out);
		mail_write(conf, &v, (enum render_room)room, &out);
		check_mail(&out);
	}
	buf_clear(&out);
	render_subject(&v, n.severity, 99, &out);
	check_utf8_text(&out, true);
	assert_true(str_utf8_count(out.data, out.len) <= 99);
	buf_done(&out);
	check_sizes(conf, &v);
	render_view_done(&v);
}

static void
test_any_finding_gives_valid_bodies_within_limits(void **state)
{
	char from[] = "findingsd@example.com", *to[] = { (char[]){ "oncall@example.com" }, NULL };
	struct conf_sink conf;
	uint32_t x = 4711;

	(void)state;
	rig_conf(&conf, CONF_SINK_WEBHOOK);
	conf.from = from;
	conf.to.items = to;
	conf.to.count = 1;
	for (int round = 0; round < 150; round++) {
		size_t len = round % 15 == 14 ? 235 * 1024 : (size_t)(round * 37 % 3000);
		char *title = random_text(&x, len / 4), *text = random_text(&x, len - len / 4);
		char *id = random_text(&x, 40);
		char *event = round % 2 ? rig_event("id", title, text) : asff(id, "");

		check_event(&conf, event);
		mem_free(event);
		mem_free(title);
		mem_free(text);
		mem_free(id);
	}
	mem_free(conf.name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_text_names_what_people_need),
		cmocka_unit_test(test_text_to_the_letter),
		cmocka_unit_test(test_json_to_the_letter),
		cmocka_unit_test(test_an_account_without_a_name_of_ours_has_the_findings),
		cmocka_unit_test(test_security_hub_names_control_and_remediation),
		cmocka_unit_test(test_hostile_links_are_no_links),
		cmocka_unit_test(test_markup_in_a_title_stays_text),
		cmocka_unit_test(test_events_of_our_own_are_readable),
		cmocka_unit_test(test_what_cannot_be_read_is_told_all_the_same),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_what_stands_beside_a_finding_is_told_in_every_format),
		cmocka_unit_test(test_any_finding_gives_valid_bodies_within_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
