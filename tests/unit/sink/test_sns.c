/*
 * sns: the form that is published, and what each answer means. AWS is on a script (fake_aws).
 */
#include "config.h"

#include "unit.h"

#include <stdlib.h>

#include "fake_aws.h"
#include "rig.h"

#include "base/mem.h"
#include "sink/snsform.h"

static struct sink_result result;
static unsigned done;

static void
on_done(struct sink_result *r, void *arg)
{
	(void)arg;
	result = *r;
	done++;
}

static char *
publish(struct conf_sink *conf, const char *title, struct api_answer *answer)
{
	struct sink_env env = { .api = (struct api_env *)(uintptr_t)8,
		                .cred = (struct cred *)(uintptr_t)16 };
	char *event = rig_event("abc", title, "text");
	struct notice n = {
		.event = span_of(event),
		.change = CHANGE_RESOLVED,
		.rules = SPAN_LIT("a\nb \"q\""),
		.message_key = "fd1-aa-bb-2",
		.thread_key = "fd1-aa",
		.severity = SEVERITY_HIGH,
		.first_severity = SEVERITY_HIGH,
		.sink_name = "topic",
		.queued_ms = 1787398805000,
	};
	struct sink_message m = { .now_ms = 1787398805000 };
	struct render_view v;
	struct sink *s;
	struct err e = { 0 };
	void *call;

	done = 0;
	assert_int_equal(sink_open(&env, conf, &s, &e), 0);
	render_view_init(&v, &n, false);
	m.view = &v;
	assert_int_equal(sink_send(s, &m, on_done, NULL, &call, &e), 0);
	render_view_done(&v);
	mem_free(event);
	assert_int_equal(done, 0);
	if (answer) {
		fake_aws_answer(answer);
		assert_int_equal(done, 1);
	} else {
		sink_cancel(s, call);
		assert_int_equal(done, 0);
	}
	sink_close(s);
	return mem_strdup(fake_aws.form.data);
}

static void
topic(struct conf_sink *conf, char *arn)
{
	rig_conf(conf, CONF_SINK_SNS);
	conf->topic_arn = arn;
}

static void
test_the_form(void **state)
{
	char arn[] = "arn:aws:sns:eu-west-1:111122223333:oncall", *form;
	struct conf_sink conf;

	(void)state;
	topic(&conf, arn);
	conf.format = CONF_FORMAT_RAW;
	form = publish(&conf, "Tor", NULL);
	assert_string_equal(fake_aws.region, "eu-west-1");
	assert_string_equal(fake_aws.operation, "Publish");
	assert_int_equal(fake_aws.max_attempts, 1);
	assert_non_null(strstr(
		form,
		"Action=Publish\nVersion=2010-03-31\nTopicArn=arn:aws:sns:eu-west-1:111122223333:"
		"oncall\nMessage={\"version\":\"0\""));
	assert_non_null(strstr(form, "\nSubject=[HIGH] GuardDuty: Tor - 111122223333 us-east-1\n"));
	assert_null(strstr(form, "MessageGroupId"));
	assert_non_null(strstr(form, "MessageAttributes.entry.1.Name=severity\n"
	                             "MessageAttributes.entry.1.Value.DataType=String\n"
	                             "MessageAttributes.entry.1.Value.StringValue=HIGH\n"));
	assert_non_null(strstr(form, "Name=change\n"));
	assert_non_null(strstr(form, "StringValue=resolved\n"));
	assert_non_null(strstr(form, "Name=message_key\n"));
	assert_non_null(strstr(form, "StringValue=fd1-aa-bb-2\n"));
	assert_non_null(strstr(form, "Name=finding\n"));
	assert_non_null(strstr(
		form,
		"StringValue=arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/abc\n"));
	assert_non_null(strstr(form, "DataType=String.Array\n"));
	assert_non_null(strstr(form, "StringValue=[\"a\",\"b \\\"q\\\"\"]\n"));
	assert_null(strstr(form, "entry.11."));
	mem_free(form);
	mem_free(conf.name);
}

static void
test_fifo_groups_by_identity_and_dedups_by_key(void **state)
{
	char arn[] = "arn:aws:sns:us-east-1:111122223333:oncall.fifo", *form, *group;
	struct conf_sink conf;

	(void)state;
	topic(&conf, arn);
	form = publish(&conf, "Tor", NULL);
	group = strstr(form, "MessageGroupId=");
	assert_non_null(group);
	assert_int_equal(strspn(group + 15, "0123456789abcdef"), 64);
	assert_non_null(strstr(form, "\nMessageDeduplicationId=fd1-aa-bb-2\n"));
	mem_free(form);
	mem_free(conf.name);
}

static void
test_subjects_follow_the_rules(void **state)
{
	static const struct {
		const char *title, *configured, *want;
	} rows[] = {
		{ "Tor", "", "Subject=[HIGH] GuardDuty: Tor - 111122223333 us-east-1\n" },
		{ "caf\xc3\xa9 \xe6\x97\xa5", "",
		  "Subject=[HIGH] GuardDuty: cafe ? - 111122223333 us-east-1\n" },
		{ "x",
		  "  \xc3\x9c"
		  "ber alles\\n ",
		  "Subject=Uber alles\\n\n" },
	};
	char arn[] = "arn:aws:sns:us-east-1:111122223333:oncall";

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct conf_sink conf;
		char *subject = mem_strdup(rows[i].configured), *form;

		topic(&conf, arn);
		conf.subject = subject;
		form = publish(&conf, rows[i].title, NULL);
		if (!strstr(form, rows[i].want))
			fail_msg("row %zu: %s", i, form);
		mem_free(form);
		mem_free(subject);
		mem_free(conf.name);
	}
}

static void
test_topics(void **state)
{
	static const char *const bad[] = { "",
		                           "x",
		                           "arn:aws:sns:us-east-1:111122223333",
		                           "arn:aws:sqs:us-east-1:111122223333:q",
		                           "arn:aws:sns:us-east-1:1111:x",
		                           "arn:aws:sns::111122223333:x",
		                           "arn:aws:sns:us-east-1:111122223333:t:6b0e71bd-sub",
		                           "arn:aws:sns:us-east-1:111122223333:" };
	struct snsform_topic t;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_int_equal(snsform_topic(bad[i], &t, &e), -1);
	assert_int_equal(snsform_topic("arn:aws-cn:sns:cn-north-1:111122223333:x.fifo", &t, &e), 0);
	assert_string_equal(t.region, "cn-north-1");
	assert_true(t.is_fifo);
}

static void
fill(struct buf *b, const char *text)
{
	buf_init(b, 0);
	(void)buf_add_str(b, text);
}

static void
test_answers(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
		const char *code, *message, *body;
		enum sink_outcome want;
		const char *answer;
	} rows[] = {
		{ ERR_NONE, 200, "", "",
		  "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m-1</MessageId>"
		  "</PublishResult></PublishResponse>",
		  SINK_OK, "SNS 200 MessageId m-1" },
		{ ERR_NONE, 200, "", "", "<html>hotel wifi</html>", SINK_TEMPFAIL,
		  "without SNS's MessageId" },
		{ ERR_NONE, 200, "", "", "", SINK_TEMPFAIL, "without SNS's MessageId" },
		{ ERR_AUTH, 403, "AuthorizationError", "not authorized to perform: SNS:Publish", "",
		  SINK_HOLD, "sns:Publish" },
		{ ERR_HTTP, 404, "NotFound", "Topic does not exist", "", SINK_HOLD, "topic_arn" },
		{ ERR_HTTP, 400, "InvalidParameter", "Invalid parameter: Subject", "",
		  SINK_PERMFAIL, "Subject" },
		{ ERR_THROTTLE, 429, "Throttled", "slow", "", SINK_TEMPFAIL, "Throttled" },
		{ ERR_HTTP, 503, "", "", "", SINK_TEMPFAIL, "HTTP 503" },
		{ ERR_NET, 0, "", "", "", SINK_TEMPFAIL, "said so" },
		{ ERR_AUTH, 0, "", "", "", SINK_HOLD, "said so" },
	};
	char arn[] = "arn:aws:sns:us-east-1:111122223333:oncall";

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct api_answer a = { .status = rows[i].status, .retry_after_ms = -1 };
		struct conf_sink conf;

		topic(&conf, arn);
		if (rows[i].kind != ERR_NONE)
			(void)err_set(&a.err, rows[i].kind, "said so");
		(void)snprintf(a.code, sizeof a.code, "%s", rows[i].code);
		(void)snprintf(a.message, sizeof a.message, "%s", rows[i].message);
		fill(&a.body, rows[i].body);
		mem_free(publish(&conf, "Tor", &a));
		if (result.outcome != rows[i].want || !strstr(result.answer, rows[i].answer))
			fail_msg("row %zu: %d \"%s\"", i, (int)result.outcome, result.answer);
		mem_free(conf.name);
	}
}

static void
test_a_role_is_assumed(void **state)
{
	char arn[] = "arn:aws:sns:us-east-1:111122223333:oncall",
	     role[] = "arn:aws:iam::111122223333:role/publisher";
	struct conf_sink conf;

	(void)state;
	topic(&conf, arn);
	conf.role_arn = role;
	mem_free(publish(&conf, "Tor", NULL));
	assert_string_equal(fake_aws.role, role);
	mem_free(conf.name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_form),
		cmocka_unit_test(test_fifo_groups_by_identity_and_dedups_by_key),
		cmocka_unit_test(test_subjects_follow_the_rules),
		cmocka_unit_test(test_topics),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_a_role_is_assumed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&fake_aws.form);
	return rc;
}
