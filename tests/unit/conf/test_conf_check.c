/*
 * Sinks: each key against the others, and the form of what AWS, SMTP and HTTP are particular about.
 */
#include "config.h"

#include "conf_fixture.h"

struct sink_case {
	const char *keys, *problem; /* "" = fine */
};

static void
expect_sinks(const char *head, const struct sink_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = mem_printf("%s sinks=({name=\"h\";%s%s});",
		                        FIXTURE_SOURCES FIXTURE_RULES, head, cases[i].keys);
		char *problem = cases[i].problem[0] == '\0'
		                        ? mem_strdup("")
		                        : mem_printf("findingsd.conf:1: %s\n", cases[i].problem);
		fixture_expect(text, problem);
		mem_free(text);
		mem_free(problem);
	}
}

#define H "sink 'h': "

static void
test_email(void **state)
{
	static const struct sink_case cases[] = {
		{ "url=\"smtp://mail.example.com:587\";", "" },
		{ "url=\"smtps://mail.example.com\";", "" },
		{ "url=\"smtps://mail.example.com\";tls=\"implicit\";", "" },
		{ "url=\"smtps://mail.example.com\";tls=\"required\";", H
		  "tls: smtps:// is TLS from the first byte: wants \"implicit\", or smtp:// in url" },
		{ "url=\"mail.example.com:587\";",
		  H "url: \"mail.example.com:587\" is no URL: wants SCHEME://HOST..." },
		{ "url=\"https://mail.example.com\";",
		  H "url: wants smtp://HOST:PORT or smtps://HOST:PORT" },
		{ "url=\"smtp://u:p@mail.example.com\";", H
		  "url: user and password do not stand in the URL, but in username and password" },
		{ "url=\"smtp://mail.example.com\";tls=\"none\";",
		  "warning: " H "tls: alerts cross the network in the clear" },
		{ "url=\"smtp://127.0.0.1:25\";tls=\"none\";username=\"u\";password=\"p\";", "" },
		{ "url=\"smtp://[::1]:25\";tls=\"none\";username=\"u\";password=\"p\";", "" },
		{ "url=\"smtp://127.0.0.1.example.com\";tls=\"none\";username=\"u\";password=\"p\";",
		  H
		  "tls: with \"none\" username and password would cross the network in the clear; wants "
		  "\"required\" or \"implicit\"" },
		{ "url=\"smtp://x\";username=\"u\";",
		  H "password: is missing: username stands alone" },
		{ "url=\"smtp://x\";password=\"p\";",
		  H "username: is missing: password stands alone" },
		{ "url=\"smtp://x\";tls=\"starttls\";",
		  H "tls: \"starttls\" is not known; wants one of required, implicit, none" },
		{ "url=\"smtp://x\";reply_to=\"Sec Ops <sec@example.com>\";", "" },
		{ "url=\"smtp://x\";reply_to=\"x\";",
		  H "reply_to: \"x\" is no address; wants \"user@example.com\"" },
		{ "url=\"smtp://x\";subject_prefix=\"a\\r\\nBcc: b\";",
		  H "subject_prefix: has a line break or another control character" },
		{ "url=\"smtp://x\";format=\"text\";",
		  H "format: is no key of email sinks, but of sns webhook" },
		{ "url=\"smtp://x\";samples=\"drop\";rate=\"100/m\";flood=\"off\";backlog=\"each\";",
		  "" },
		{ "url=\"smtp://x\";rate=\"100\";", H
		  "rate: wants COUNT/TIME, such as \"5/s\" or \"30/10m\", or \"off\"; found \"100\"" },
		{ "url=\"smtp://x\";rate=\"0/s\";",
		  H "rate: wants a count of 1 to 1000000 in 1s to 1d, found \"0/s\"" },
		{ "url=\"smtp://x\";flood=\"30/10m\";", "" },
		{ "url=\"smtp://x\";flood=\"5/1ms\";",
		  H "flood: wants a count of 1 to 1000000 in 1s to 1d, found \"5/1ms\"" },
		{ "url=\"smtp://x\";max_in_flight=0;",
		  H "max_in_flight: wants 1 to 256; found the integer 0" },
		{ "url=\"smtp://x\";max_in_flight=257;",
		  H "max_in_flight: wants 1 to 256; found the integer 257" },
		{ "url=\"smtp://x\";timeout=\"99ms\";",
		  H "timeout: wants 100ms to 10m; found \"99ms\"" },
		{ "url=\"smtp://x\";timeout=\"11m\";",
		  H "timeout: wants 100ms to 10m; found \"11m\"" },
		{ "url=\"smtp://x\";max_age=\"366d\";",
		  H "max_age: wants 1s to 365d; found \"366d\"" },
		{ "url=\"smtp://x\";proxy=\"proxy:3128\";",
		  H "proxy: \"proxy:3128\" is no URL: wants SCHEME://HOST..." },
	};

	(void)state;
	expect_sinks("type=\"email\";from=\"findingsd@example.com\";to=[\"a@example.com\"];", cases,
	             LENGTH(cases));
}

static void
test_addresses(void **state)
{
	static const struct sink_case cases[] = {
		{ "from=\"F D <f@d>\";to=[\"a@b\",\"C D <c@d>\"];", "" },
		{ "to=[\"a@b\"];", H "from: is missing: sender's address" },
		{ "from=\"f@d\";", H "to: is missing: recipients' addresses" },
		{ "from=\"f@d\";to=\"a@b\";",
		  H "to: wants texts in brackets: [ \"a\", \"b\" ]; found \"a@b\"" },
		{ "from=\"f@d\";to=[];", H "to: has 0 elements, wants 1 to 50" },
		{ "from=\"f@d\";to=[\"a b@c\"];",
		  H "to: \"a b@c\" is no address; wants \"user@example.com\"" },
		{ "from=\"f@d\";to=[\"a@b\",\"a@b\"];", H "to: \"a@b\" stands there twice" },
		{ "from=\"f@d\";to=[\"a@b\\nRCPT TO:<x@y>\"];",
		  H "to: element 1 has a control character" },
		{ "from=\"f@@d\";to=[\"a@b\"];",
		  H "from: \"f@@d\" is no address; wants \"user@example.com\" or "
		    "\"Name <user@example.com>\"" },
		{ "from=\"\";to=[\"a@b\"];", H "from: is empty" },
	};

	(void)state;
	expect_sinks("type=\"email\";url=\"smtp://x\";", cases, LENGTH(cases));
}

static void
test_webhook(void **state)
{
	static const struct sink_case cases[] = {
		{ "url=\"https://example.com/hook?x=1\";", "" },
		{ "",
		  H "url: is missing: smtp://HOST:PORT or smtps://HOST:PORT; http:// or https://" },
		{ "url=\"\";", H "url: \"\" is no URL: wants SCHEME://HOST..." },
		{ "url=\"smtp://example.com\";", H "url: wants https:// or http://" },
		{ "url=\"http://127.0.0.1:80/\";secret=\"x\";", "" },
		{ "url=\"http://localhost/\";", "" },
		{ "url=\"http://example.com/\";",
		  "warning: " H
		  "url: http:// carries alerts over the network in the clear; wants https://" },
		{ "url=\"http://example.com/\";secret=\"x\";",
		  "warning: " H
		  "url: http:// carries alerts and secrets over the network in the clear; wants "
		  "https://" },
		{ "url=\"https://u:p@example.com/\";",
		  H "url: user and password do not stand in the URL; use auth = \"basic\"" },
		{ "url=\"https://example.com/#x\";",
		  H "url: what stands behind '#' is never sent" },
		{ "url=\"https://example.com/a b\";",
		  H "url: \"https://example.com/a b\" is no URL: wants SCHEME://HOST..." },
		{ "url=\"https://x/\";preset=\"slack\";",
		  H "preset: \"slack\" is not known; wants generic" },
		{ "url=\"https://x/\";format=\"raw\";", "" },
		{ "url=\"https://x/\";format=\"text\";",
		  H "format: \"text\" is not known; wants one of json, raw" },
		{ "url=\"https://x/\";format=\"raw\";full=true;",
		  "warning: " H "full: does nothing with format = \"raw\"" },
		{ "url=\"https://x/\";headers={X-Key=\"v\";};", "" },
		{ "url=\"https://x/\";headers={X-Key=1;};",
		  H "headers: X-Key: wants a text in quotes; found an integer" },
		{ "url=\"https://x/\";headers={X-Key=\"a\\r\\nHost: b\";};", H
		  "headers: X-Key: the text has a line break or another control character within it" },
		{ "url=\"https://x/\";headers={X-Key=\"env:FD_NOT_SET\";};", H
		  "headers: X-Key: the environment has no variable FD_NOT_SET: set it, or use file:PATH or "
		  "cred:NAME" },
		{ "url=\"https://x/\";headers={Content-Length=\"1\";};",
		  H "headers: Content-Length is set by findingsd itself" },
		{ "url=\"https://x/\";headers={a=\"1\";A=\"2\";};",
		  H "headers: A stands there twice" },
		{ "url=\"https://x/\";headers=[\"X: y\"];",
		  H "headers: wants a group: { Name = \"value\"; }; found a list of texts" },
		{ "url=\"https://x/\";auth=\"bearer\";token=\"t\";", "" },
		{ "url=\"https://x/\";auth=\"bearer\";",
		  H "token: is missing: auth = \"bearer\" wants it" },
		{ "url=\"https://x/\";token=\"t\";",
		  H "token: does nothing without auth = \"bearer\"" },
		{ "url=\"https://x/\";auth=\"basic\";username=\"u\";password=\"p\";", "" },
		{ "url=\"https://x/\";auth=\"basic\";username=\"u\";",
		  H "password: is missing: auth = \"basic\" wants it" },
		{ "url=\"https://x/\";auth=\"basic\";password=\"p\";",
		  H "username: is missing: auth = \"basic\" wants it" },
		{ "url=\"https://x/\";auth=\"basic\";username=\"u:v\";password=\"p\";",
		  H "username: holds a ':', which auth = \"basic\" cannot carry" },
		{ "url=\"https://x/\";username=\"u\";",
		  H "username: does nothing without auth = \"basic\"" },
		{ "url=\"https://x/\";auth=\"bearer\";token=\"t\";headers={authorization=\"x\";};",
		  H "headers: Authorization is set by auth already" },
		{ "url=\"https://x/\";topic_arn=\"x\";",
		  H "topic_arn: is no key of webhook sinks, but of sns" },
	};

	(void)state;
	expect_sinks("type=\"webhook\";", cases, LENGTH(cases));
}

#define TOPIC "arn:aws:sns:us-east-1:111122223333:oncall"

static void
test_sns(void **state)
{
	static const struct sink_case cases[] = {
		{ "topic_arn=\"" TOPIC "\";", "" },
		{ "topic_arn=\"arn:aws-cn:sns:cn-north-1:111122223333:x.fifo\";", "" },
		{ "", H "topic_arn: is missing: topic to publish to; FIFO topics too" },
		{ "topic_arn=111122223333L;",
		  H "topic_arn: wants a text in quotes; found the integer 111122223333" },
		{ "topic_arn=\"oncall\";", H "topic_arn: \"oncall\" is no ARN; wants "
		                             "arn:aws:sns:us-east-1:111122223333:NAME" },
		{ "topic_arn=\"arn:aws:sqs:us-east-1:111122223333:oncall\";", H
		  "topic_arn: \"arn:aws:sqs:us-east-1:111122223333:oncall\" is an ARN of 'sqs', not of 'sns'; "
		  "wants arn:aws:sns:us-east-1:111122223333:NAME" },
		{ "topic_arn=\"arn:aws:sns:us-esat-1:111122223333:oncall\";",
		  H "topic_arn: \"us-esat-1\" is no region's name; did you mean \"us-east-1\"?" },
		{ "topic_arn=\"" TOPIC ":0f6a\";",
		  H "topic_arn: \"" TOPIC ":0f6a\" is a subscription's ARN; wants the topic's" },
		{ "topic_arn=\"arn:aws:sns:us-east-1:111122223333:on call\";", H
		  "topic_arn: \"arn:aws:sns:us-east-1:111122223333:on call\": no topic is called so; wants "
		  "arn:aws:sns:us-east-1:111122223333:NAME" },
		{ "topic_arn=\"" TOPIC "\";region=\"us-west-2\";format=\"json\";", "" },
		{ "topic_arn=\"" TOPIC "\";region=\"us-west\";",
		  H "region: \"us-west\" is no region's name; wants one like \"us-east-1\"" },
		{ "topic_arn=\"" TOPIC
		  "\";role_arn=\"arn:aws:iam::111122223333:role/x\";external_id=\"e\";",
		  "" },
		{ "topic_arn=\"" TOPIC "\";external_id=\"e\";",
		  H "external_id: does nothing without role_arn" },
		{ "topic_arn=\"" TOPIC "\";subject=\"Security alert\";", "" },
		{ "topic_arn=\"" TOPIC "\";subject=\"Al\xc3\xa4rm\";",
		  H "subject: SNS takes ASCII only" },
		{ "topic_arn=\"" TOPIC "\";subject=\" x\";",
		  H "subject: SNS wants it to begin with a letter, a digit or a mark" },
		{ "topic_arn=\"" TOPIC
		  "\";subject=\"0123456789012345678901234567890123456789012345678901234567890"
		  "123456789012345678901234567890123456789\";",
		  H "subject: has 100 characters, SNS takes at most 99" },
		{ "topic_arn=\"" TOPIC "\";url=\"https://x\";",
		  H "url: is no key of sns sinks, but of email "
		    "webhook" },
	};

	(void)state;
	expect_sinks("type=\"sns\";", cases, LENGTH(cases));
}

static void
test_odd_but_possible_is_a_warning(void **state)
{
	(void)state;
	fixture_expect(
		"aws={regions=[\"us-east-1\"];};sources=({name=\"g\";type=\"guardduty\";},\n"
		"{name=\"k\";type=\"guardduty\";});" FIXTURE_SINKS FIXTURE_RULES,
		"findingsd.conf:2: warning: source 'k': polls what source 'g' polls too: each finding is "
		"read twice and told once\n");
	fixture_expect("aws={regions=[\"us-east-1\"];};sources=({name=\"g\";type=\"guardduty\";},\n"
	               "{name=\"k\";type=\"guardduty\";regions=[\"us-east-2\"];});" FIXTURE_SINKS
	                       FIXTURE_RULES,
	               "");
	fixture_expect(
		FIXTURE_SOURCES FIXTURE_RULES
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://x/\";enabled=false;});",
		"findingsd.conf:1: warning: rule 'r': sinks: none of them is enabled: its alerts wait\n");
	fixture_expect(FIXTURE_SOURCES FIXTURE_SINKS,
	               "findingsd.conf: warning: rules: there are none: findings "
	               "are remembered, nobody is told\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_email),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_sns),
		cmocka_unit_test(test_odd_but_possible_is_a_warning),
	};

	return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
