/*
 * Loading: what a key may hold, what is said when it does not, and that everything is said in one run.
 */
#include "config.h"

#include "conf_fixture.h"

/* A key put into a place of an otherwise good configuration, and what is said of it. */
struct key_case {
	const char *text, *problem; /* "" = fine */
};

static void
expect_all(const char *format, const struct key_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(format, "%s");
		char *text =
			mem_printf("%.*s%s%s", (int)(at - format), format, cases[i].text, at + 2);
		fixture_expect(text, cases[i].problem);
		mem_free(text);
	}
}

#define SAYS(what) "findingsd.conf:1: " what "\n"

static void
test_top_keys(void **state)
{
	static const struct key_case cases[] = {
		{ "log_level=\"debug\";", "" },
		{ "log_level=\"dbug\";",
		  SAYS("log_level: \"dbug\" is not known; wants one of err, warn, info, debug; did you mean "
		       "\"debug\"?") },
		{ "log_level=3;", SAYS("log_level: wants a word in quotes; found the integer 3") },
		{ "retention=\"1h\";", "" },
		{ "retention=\"59m\";", SAYS("retention: wants 1h to 3650d; found \"59m\"") },
		{ "retention=\"4000d\";",
		  SAYS("retention: wants a duration in quotes, such as \"30s\" (units: ms, s, m, h, d); found "
		       "\"4000d\"") },
		{ "retention=30;",
		  SAYS("retention: wants a duration in quotes, such as \"30s\" (units: ms, s, m, h, d); found "
		       "the integer 30") },
		{ "retention=\"30\";",
		  SAYS("retention: wants a duration in quotes, such as \"30s\" (units: ms, s, m, h, d); found "
		       "\"30\"") },
		{ "state_dir=\"\";", SAYS("state_dir: is empty: wants a folder") },
		{ "state_dir=true;", SAYS("state_dir: wants a path in quotes; found true") },
		{ "state_dirs=\"x\";", SAYS("state_dirs: unknown key; did you mean state_dir?") },
		{ "qwertzuiop=1;",
		  SAYS("qwertzuiop: unknown key; findingsd --list keys names all") },
		{ "regions=[\"us-east-1\"];", SAYS("regions: does not stand here, but in aws") },
		{ "sink=( );", SAYS("sink: unknown key; did you mean sinks?") },
		{ "control={listen=\"[::1]:9465\";};", "" },
		{ "control={listen=\"\";};", "" },
		{ "control={listen=\"9465\";};",
		  SAYS("control.listen: \"9465\": wants ADDRESS:PORT, such as \"127.0.0.1:9465\", or \"\" for "
		       "off") },
		{ "control={listen=\"::1:9465\";};",
		  SAYS("control.listen: \"::1:9465\": wants ADDRESS:PORT, such as \"127.0.0.1:9465\", or \"\" "
		       "for off") },
		{ "control={socket=\"\";};",
		  SAYS("control.socket: is empty: findingsctl needs it") },
		{ "control={socket=\"/0123456789012345678901234567890123456789012345678901234567890123456"
		  "7890123456789012345678901234567890123456789\";};",
		  SAYS("control.socket: has 111 bytes, a socket's path at most 107") },
		{ "control={soket=\"/x\";};",
		  SAYS("control.soket: unknown key; did you mean socket?") },
		{ "control=1;", SAYS("control: wants a group: control = { ... };") },
		{ "self_alerts={sinks=[\"h\"];};", "" },
		{ "self_alerts={sinks=[];};", "" },
		{ "self_alerts={sinks=[\"hh\"];};",
		  SAYS("self_alerts.sinks: there is no sink \"hh\"; did you mean \"h\"?") },
		{ "self_alerts={sinks=\"h\";};",
		  SAYS("self_alerts.sinks: wants texts in brackets: [ \"a\", \"b\" ]; found \"h\"") },
		{ "heartbeat={url=\"https://example.com/x\";interval=\"10s\";};", "" },
		{ "heartbeat={url=\"ftp://x\";};",
		  SAYS("heartbeat.url: wants http:// or https://") },
		{ "heartbeat={interval=\"0\";};",
		  SAYS("heartbeat.interval: wants 1s to 1d; found \"0\"") },
	};

	(void)state;
	expect_all("%s" FIXTURE_BASE, cases, LENGTH(cases));
}

#define AWS                                                                                          \
	"aws={regions=[\"eu-west-1\"];%s};sources=({name=\"g\";type=\"guardduty\";});" FIXTURE_SINKS \
		FIXTURE_RULES

static void
test_aws_keys(void **state)
{
	static const struct key_case cases[] = {
		{ "endpoint_url=\"http://127.0.0.1:4566\";", "" },
		{ "endpoint_url=\"localhost:4566\";",
		  SAYS("aws.endpoint_url: \"localhost:4566\" is no URL: wants SCHEME://HOST...") },
		{ "endpoint_url=\"ftp://x\";",
		  SAYS("aws.endpoint_url: \"ftp://x\": wants http:// or https://") },
		{ "endpoints={sns=\"http://x\";sts=\"\";guardduty=\"https://y\";securityhub=\"\";};",
		  "" },
		{ "endpoints={sqs=\"http://x\";};",
		  SAYS("aws.endpoints.sqs: unknown key; did you mean sns?") },
		{ "accounts=({name=\"p\";role_arn=\"arn:aws:iam::111122223333:role/x/y\";});", "" },
		{ "accounts=({name=\"p\";});",
		  SAYS("account 'p': role_arn: is missing: role to assume in that account") },
		{ "accounts=({name=\"p\";role_arn=\"arn:aws:iam::11112222333:role/x\";});",
		  SAYS("account 'p': role_arn: \"arn:aws:iam::11112222333:role/x\": the account id has to be 12 "
		       "digits") },
		{ "accounts=({name=\"p\";role_arn=\"arn:aws:iam::111122223333:user/x\";});",
		  SAYS("account 'p': role_arn: \"arn:aws:iam::111122223333:user/x\" is no role's ARN; wants "
		       "arn:aws:iam::111122223333:role/NAME") },
		{ "accounts=({role_arn=\"arn:aws:iam::111122223333:role/x\";});",
		  SAYS("account 1: name: is missing: what the account is called here and in alerts") },
		{ "accounts=[\"111122223333\"];",
		  SAYS("accounts: wants a list of groups: accounts = ( { ... }, { ... } );") },
	};

	(void)state;
	expect_all(AWS, cases, LENGTH(cases));
}

#define SOURCE                                                                                     \
	"aws={regions=[\"us-east-1\"];accounts=({name=\"p\";role_arn=\"arn:aws:iam::111122223333:" \
	"role/x\";});};sources=({name=\"g\";type=\"guardduty\";%s});" FIXTURE_SINKS FIXTURE_RULES

static void
test_source_keys(void **state)
{
	static const struct key_case cases[] = {
		{ "interval=\"1s\";", "" },
		{ "interval=\"1d\";", "" },
		{ "interval=\"999ms\";",
		  SAYS("source 'g': interval: wants 1s to 1d; found \"999ms\"") },
		{ "interval=\"25h\";",
		  SAYS("source 'g': interval: wants 1s to 1d; found \"25h\"") },
		{ "interval=60;",
		  SAYS("source 'g': interval: wants a duration in quotes, such as \"30s\" (units: ms, s, m, h, "
		       "d); found the integer 60") },
		{ "overlap=\"0\";sweep=\"0\";reconcile=\"0\";", "" },
		{ "overlap=\"8d\";", SAYS("source 'g': overlap: wants 0 to 7d; found \"8d\"") },
		{ "sweep=\"-1h\";",
		  SAYS("source 'g': sweep: wants a duration in quotes, such as \"30s\" (units: ms, s, m, h, d); "
		       "found \"-1h\"") },
		{ "reconcile=\"2d\";", SAYS("source 'g': reconcile: wants 0 to 1d; found \"2d\"") },
		{ "enabled=true;", "" },
		{ "enabled=\"true\";",
		  SAYS("source 'g': enabled: wants true or false, without quotes; found \"true\"") },
		{ "enabled=1;",
		  SAYS("source 'g': enabled: wants true or false, without quotes; found the integer 1") },
		{ "start=\"open\";", "" },
		{ "start=\"-24h\";", "" },
		{ "start=\"2026-01-31T00:00:00Z\";", "" },
		{ "start=\"24h\";",
		  SAYS("source 'g': start: wants \"now\", \"open\", \"-24h\" or an instant "
		       "such as \"2026-01-31T00:00:00Z\"; found \"24h\"") },
		{ "start=\"2026-02-30T00:00:00Z\";",
		  SAYS("source 'g': start: wants \"now\", \"open\", \"-24h\" or an instant such as "
		       "\"2026-01-31T00:00:00Z\"; found \"2026-02-30T00:00:00Z\"") },
		{ "regions=\"enabled\";", "" },
		{ "regions=[\"us-gov-west-1\",\"cn-north-1\",\"ap-southeast-7\",\"mx-central-1\"];",
		  "" },
		{ "regions=\"us-east-1\";",
		  SAYS("source 'g': regions: wants regions in brackets, [ \"us-east-1\" ], or \"enabled\"; "
		       "found \"us-east-1\"") },
		{ "regions=[\"us-esat-1\"];",
		  SAYS("source 'g': regions: \"us-esat-1\" is no region's name; did you mean \"us-east-1\"?") },
		{ "regions=[\"virginia\"];",
		  SAYS("source 'g': regions: \"virginia\" is no region's name; wants one like "
		       "\"us-east-1\"") },
		{ "regions=[\"us-east-1\",\"us-east-1\"];",
		  SAYS("source 'g': regions: \"us-east-1\" stands there twice") },
		{ "regions=[];", SAYS("source 'g': regions: has 0 elements, wants 1 to 64") },
		{ "accounts=[\"p\"];", "" },
		{ "accounts=[\"prod\"];",
		  SAYS("source 'g': accounts: there is no account \"prod\"") },
		{ "typ=\"x\";", SAYS("source 'g': typ: unknown key; did you mean type?") },
		{ "url=\"http://x\";",
		  SAYS("source 'g': url: does not stand here, but in heartbeat") },
	};

	(void)state;
	expect_all(SOURCE, cases, LENGTH(cases));
}

#define RULE                          \
	FIXTURE_SOURCES FIXTURE_SINKS \
		"rules=({name=\"r\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"h\"];%s});"

static void
test_rule_keys(void **state)
{
	static const struct key_case cases[] = {
		{ "on=[\"created\",\"updated\"];", "" },
		{ "on=[\"create\"];",
		  SAYS("rule 'r': on: \"create\" is not known; wants one of created, severity_raised, reopened, "
		       "resolved, updated; did you mean \"created\"?") },
		{ "on=[];", SAYS("rule 'r': on: has 0 elements, wants 1 to 8") },
		{ "on=[\"resolved\",\"updated\"];",
		  SAYS("warning: rule 'r': on: without created, reopened or severity_raised it opens no alert: "
		       "it tells nothing but what another rule opens on the same sink") },
		{ "on=[\"updated\"];merge=false;",
		  SAYS("warning: rule 'r': on: without created, reopened or severity_raised it opens no alert: "
		       "it tells nothing") },
		{ "on=[\"reopened\"];", "" },
		{ "repeat_interval=\"4h\";repeat_backoff=2;", "" },
		{ "repeat_interval=\"4h\";repeat_backoff=1.5;", "" },
		{ "repeat_interval=\"4h\";repeat_backoff=0.5;",
		  SAYS("rule 'r': repeat_backoff: wants 1 to 100; found the number 0.5") },
		{ "repeat_backoff=2;",
		  SAYS("warning: rule 'r': repeat_backoff: does nothing without repeat_interval") },
		{ "min_count=5;", "" },
		{ "min_count=0;",
		  SAYS("rule 'r': min_count: wants 1 to 1000000000; found the integer 0") },
		{ "min_count=1.5;",
		  SAYS("rule 'r': min_count: wants an integer, without quotes; found the number 1.5") },
		{ "min_count=1000000000L;", "" },
		{ "collapse_by=[\"detail.type\"];", "" },
		{ "collapse_by=[];", "" },
		{ "collapse_by=[\"detail.findings.Resources[0].Id\"];",
		  SAYS("rule 'r': collapse_by: \"detail.findings.Resources[0].Id\": wants names alone: arrays are looked "
		       "through, leave [0] and * out") },
		{ "collapse_by=[\"region\",\"detial.type\"];",
		  SAYS("rule 'r': collapse_by: \"detial.type\": no event has \"detial\" at its top; did you mean "
		       "\"detail\"?") },
		{ "collapse_by=[\"Resources.Id\"];",
		  SAYS("rule 'r': collapse_by: \"Resources.Id\": no event has \"Resources\" at its top; did you mean "
		       "\"resources\"?") },
		{ "collapse_by=[\"ControlId\"];",
		  SAYS("rule 'r': collapse_by: \"ControlId\": no event has \"ControlId\" at its top; a finding's fields "
		       "stand below \"detail\"") },
		{ "collapse_by=[\"detail.type\",\"detail.type\"];",
		  SAYS("rule 'r': collapse_by: \"detail.type\" stands there twice") },
		{ "flap=\"off\";", "" },
		{ "flap=\"5/30m\";", "" },
		{ "flap=\"16/1h\";",
		  SAYS("rule 'r': flap: wants a count of 1 to 15 in 1s to 1d, found \"16/1h\"") },
		{ "collapse_by=[\"detail..type\"];",
		  SAYS("rule 'r': collapse_by: \"detail..type\": wants names with dots between, such as "
		       "\"detail.type\"") },
		{ "merge=false;start=\"open\";enabled=false;", "" },
		{ "start=\"-24h\";",
		  SAYS("rule 'r': start: \"-24h\" is not known; wants one of now, open") },
		{ "pattern_file=\"p.json\";",
		  SAYS("rule 'r': pattern: there is a pattern_file too; wants one of both") },
		{ "sink=[\"h\"];", SAYS("rule 'r': sink: unknown key; did you mean sinks?") },
	};

	(void)state;
	expect_all(RULE, cases, LENGTH(cases));
}

static void
test_whole_elements(void **state)
{
	static const struct key_case cases[] = {
		{ FIXTURE_SOURCES FIXTURE_SINKS "rules=({name=\"r\";sinks=[\"h\"];});",
		  SAYS("rule 'r': pattern: is missing: wants pattern or pattern_file") },
		{ FIXTURE_SOURCES FIXTURE_SINKS
		  "rules=({name=\"r\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";});",
		  SAYS("rule 'r': sinks: is missing: where the alerts go") },
		{ FIXTURE_SOURCES FIXTURE_SINKS
		  "rules=({name=\"r\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"hok\"];});",
		  SAYS("rule 'r': sinks: there is no sink \"hok\"; did you mean \"h\"?") },
		{ FIXTURE_SOURCES FIXTURE_SINKS
		  "rules=({name=\"a b\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"h\"];});",
		  SAYS("rule 'a b': name: \"a b\": a name holds letters, digits, '-', '_' and '.' only") },
		{ FIXTURE_SOURCES FIXTURE_SINKS "rules=(1);",
		  "findingsd.conf: warning: rules: there are none: findings are remembered, nobody is told\n" SAYS(
			  "rule 1: wants a group: { name = \"...\"; ... }") },
		{ FIXTURE_SINKS FIXTURE_RULES,
		  "findingsd.conf: sources: there is none that is enabled: nothing would be polled\n" },
		{ "sources=({name=\"g\";type=\"guardduty\";});" FIXTURE_SINKS FIXTURE_RULES,
		  SAYS("source 'g': regions: there are none: set aws.regions, for example [ \"us-east-1\" ], or "
		       "AWS_REGION in the environment") },
		{ "aws={regions=[\"us-east-1\"];};sources=({name=\"g\";});" FIXTURE_SINKS
		          FIXTURE_RULES,
		  SAYS("source 'g': type: is missing: which AWS service") },
		{ "aws={regions=[\"us-east-1\"];};sources=({name=\"g\";type=\"guardduti\";});" FIXTURE_SINKS
		          FIXTURE_RULES,
		  SAYS("source 'g': type: \"guardduti\" is not known; wants one of guardduty, securityhub; did "
		       "you mean \"guardduty\"?") },
		{ FIXTURE_SOURCES
		  "sinks=({name=\"h\";type=\"slack\";url=\"https://x\";});" FIXTURE_RULES,
		  SAYS("sink 'h': type: \"slack\" is not known; wants one of email, sns, webhook") },
		{ FIXTURE_SOURCES FIXTURE_SINKS FIXTURE_RULES "rules2=1;",
		  SAYS("rules2: unknown key; did you mean rules?") },
	};

	(void)state;
	expect_all("%s", cases, LENGTH(cases));
}

static void
test_names_used_twice_name_both_lines(void **state)
{
	(void)state;
	fixture_expect(
		"aws={regions=[\"us-east-1\"];};\n"
		"sources=({name=\"g\";type=\"guardduty\";},\n{name=\"g\";type=\"securityhub\";});\n"
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://x/\";},\n"
		"{type=\"webhook\";url=\"https://x/\";\nname=\"h\";});\n" FIXTURE_RULES,
		"findingsd.conf:3: source 'g': name: is taken by findingsd.conf:2\n"
		"findingsd.conf:6: sink 'h': name: is taken by findingsd.conf:4\n");
}

static void
test_all_problems_come_in_one_run_in_order(void **state)
{
	(void)state;
	fixture_expect(
		"log_level = \"loud\";\n"
		"aws = { regions = [ \"us-east-1\" ]; };\n"
		"sources = ( { name = \"g\";\n type = \"guardduty\"; intervall = \"1m\"; } );\n"
		"sinks = ( { name = \"m\";\n type = \"email\"; url = \"smtp://x\";\n from = \"a@b.c\";\n"
		" to = [ \"nobody\" ];\n timeout = 5; } );\n"
		"rules = ( { name = \"r\";\n pattern_file = \"gone.json\";\n sinks = [ \"n\" ]; } );\n",
		"findingsd.conf:1: log_level: \"loud\" is not known; wants one of err, warn, info, debug\n"
		"findingsd.conf:4: source 'g': intervall: unknown key; did you mean interval?\n"
		"findingsd.conf:8: sink 'm': to: \"nobody\" is no address; wants \"user@example.com\"\n"
		"findingsd.conf:9: sink 'm': timeout: wants a duration in quotes, such as \"30s\" (units: ms, "
		"s, m, h, d); found the integer 5\n"
		"findingsd.conf:11: rule 'r': pattern_file: FOLDER/gone.json cannot be opened: No such file "
		"or directory\n"
		"findingsd.conf:12: rule 'r': sinks: there is no sink \"n\"; did you mean \"m\"?\n");
}

static void
test_values_arrive(void **state)
{
	struct conf *c;
	char *problems = fixture_load(
		FIXTURE_SOURCES
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://example.com/key/1\";rate=\"5/s\";"
		"flood=\"30/10m\";headers={X-A=\"b\";};timeout=\"250ms\";max_in_flight=3;ca_file=\"ca.pem\";},"
		"{name=\"t\";type=\"sns\";topic_arn=\"arn:aws:sns:eu-west-1:111122223333:x.fifo\";},"
		"{name=\"m\";type=\"email\";url=\"smtps://localhost\";from=\"F <a@b>\";to=[\"a@b\",\"c@d\"];}"
		");rules=({name=\"r\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"h\",\"m\"];on=[\"reopened\",\"updated\"];"
		"repeat_interval=\"1h\";repeat_backoff=2;});",
		&c);

	(void)state;
	assert_string_equal(problems, "");
	mem_free(problems);
	const struct conf_sink *h = conf_sink_find(c, "h"), *t = conf_sink_find(c, "t");
	const struct conf_sink *m = conf_sink_find(c, "m");
	assert_int_equal(h->rate.count, 5);
	assert_int_equal(h->rate.per_ms, 1000);
	assert_int_equal(h->flood.count, 30);
	assert_int_equal(h->flood.per_ms, 600000);
	assert_string_equal(h->headers.items[0].name, "X-A");
	assert_string_equal(h->headers.items[0].value.value, "b");
	assert_int_equal(h->timeout_ms, 250);
	assert_int_equal(h->max_in_flight, 3);
	assert_int_equal(h->format, CONF_FORMAT_JSON);
	assert_string_equal(h->url_shown, "https://example.com/...");
	assert_true(h->ca_file[0] == '/' && strstr(h->ca_file, "/ca.pem") != NULL);
	assert_string_equal(t->region, "eu-west-1");
	assert_int_equal(t->format, CONF_FORMAT_TEXT);
	assert_int_equal(t->flood.count, 0);
	assert_int_equal(t->backlog, CONF_BACKLOG_EACH);
	assert_int_equal(m->tls, CONF_TLS_IMPLICIT);
	assert_int_equal(m->backlog, CONF_BACKLOG_DIGEST);
	assert_int_equal(m->flood.count, 30);
	assert_int_equal(m->to.count, 2);
	assert_null(m->to.items[2]);
	assert_int_equal(c->rules[0].on, CHANGE_BIT(CHANGE_REOPENED) | CHANGE_BIT(CHANGE_UPDATED));
	assert_int_equal(c->rules[0].repeat_interval_ms, 3600000);
	assert_true(c->rules[0].repeat_backoff == 2.0);
	assert_string_equal(c->rules[0].pattern_text, "{\"source\":[\"aws.guardduty\"]}");
	assert_int_equal(c->sources[0].where.line, 1);
	assert_false(c->self_alerts.is_given);
	conf_free(c);
}

static void
test_regions_come_from_the_environment_as_for_the_aws_cli(void **state)
{
	static const char text[] =
		"sources=({name=\"g\";type=\"guardduty\";});" FIXTURE_SINKS FIXTURE_RULES;
	struct conf *c;

	(void)state;
	assert_int_equal(setenv("AWS_DEFAULT_REGION", "eu-west-1", 1), 0);
	mem_free(fixture_load(text, &c));
	assert_string_equal(c->sources[0].regions.list.items[0], "eu-west-1");
	assert_true(c->aws.is_regions_from_env);
	conf_free(c);
	assert_int_equal(setenv("AWS_REGION", "eu-west-2", 1), 0);
	mem_free(fixture_load(text, &c));
	assert_string_equal(c->sources[0].regions.list.items[0], "eu-west-2");
	conf_free(c);
	assert_int_equal(setenv("AWS_REGION", "nowhere", 1), 0);
	char *problems = fixture_load(text, NULL);
	assert_non_null(
		strstr(problems, "aws.regions: AWS_REGION: \"nowhere\" is no region's name"));
	mem_free(problems);
	assert_int_equal(unsetenv("AWS_REGION") | unsetenv("AWS_DEFAULT_REGION"), 0);
}

static void
test_conf_d_is_appended_in_name_order(void **state)
{
	static const char a[] = "sinks=({name=\"a\";type=\"webhook\";url=\"https://a/\";});";
	static const char b[] =
		"rules=({name=\"b\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"a\"];});\n"
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://b/\";});";
	struct conf *c;

	(void)state;
	fixture_write("conf.d/README", "not read", 8);
	fixture_write("conf.d/a.conf", a, strlen(a));
	char *problems = fixture_load(FIXTURE_BASE "# no line break at the end", &c);
	assert_string_equal(problems, "");
	assert_string_equal(c->sinks[1].name, "a");
	assert_string_equal(c->sinks[1].where.file, "./conf.d/a.conf");
	mem_free(problems);
	conf_free(c);
	fixture_write("conf.d/b.conf", b, strlen(b));
	fixture_expect(FIXTURE_BASE,
	               "./conf.d/b.conf:2: sink 'h': name: is taken by findingsd.conf:1\n");
	fixture_write("conf.d/b.conf", "log_level=\"info\";", 17);
	fixture_expect(FIXTURE_BASE,
	               "./conf.d/b.conf:1: log_level: files in conf.d hold sources, sinks and "
	               "rules only; put it into findingsd.conf\n");
	/* With a file that cannot be read, what refers to its names is not told as missing. */
	fixture_write("conf.d/a.conf", "x = [ 1, ];", 11);
	fixture_write("conf.d/b.conf", b, strcspn(b, "\n"));
	problems = fixture_load(FIXTURE_BASE, NULL);
	assert_string_equal(problems,
	                    "./conf.d/a.conf:1: a comma before ']': libconfig allows none behind "
	                    "the last element\n");
	mem_free(problems);
	assert_int_equal(unlink("conf.d/a.conf") | unlink("conf.d/b.conf"), 0);
}

static void
test_a_missing_file_is_told(void **state)
{
	struct conf_problems p;
	struct conf *c = NULL;

	(void)state;
	assert_int_equal(conf_load("/nowhere/findingsd.conf", &c, &p), -1);
	char *problems = fixture_problems(&p);
	assert_string_equal(
		problems, "/nowhere/findingsd.conf: cannot be opened: No such file or directory\n");
	mem_free(problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top_keys),
		cmocka_unit_test(test_aws_keys),
		cmocka_unit_test(test_source_keys),
		cmocka_unit_test(test_rule_keys),
		cmocka_unit_test(test_whole_elements),
		cmocka_unit_test(test_names_used_twice_name_both_lines),
		cmocka_unit_test(test_all_problems_come_in_one_run_in_order),
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_regions_come_from_the_environment_as_for_the_aws_cli),
		cmocka_unit_test(test_conf_d_is_appended_in_name_order),
		cmocka_unit_test(test_a_missing_file_is_told),
	};

	return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
