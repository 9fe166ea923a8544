/*
 * conf_keys: THE table of configuration keys. See conf_keys.h.
 *
 * Rows stand in the order of sections, names within; a key with several rows has one per kind. Adding a key: a row, a
 * case in tests/unit/conf/test_conf_keys.c, a paragraph in findingsd.conf(5), a line in the sample.
 */
#include "config.h"

#include "conf/conf_keys.h"

#include <string.h>

#include "conf/conf.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    INT64_C(86400000)

#define SINK_SNS     CONF_OF(CONF_SINK_SNS)
#define SINK_EMAIL   CONF_OF(CONF_SINK_EMAIL)
#define SINK_WEBHOOK CONF_OF(CONF_SINK_WEBHOOK)

const struct conf_word conf_source_types[] = { { "guardduty", CONF_SOURCE_GUARDDUTY },
	                                       { "securityhub", CONF_SOURCE_SECURITYHUB },
	                                       { 0 } };
const struct conf_word conf_sink_types[] = { { "email", CONF_SINK_EMAIL },
	                                     { "sns", CONF_SINK_SNS },
	                                     { "webhook", CONF_SINK_WEBHOOK },
	                                     { 0 } };
static const struct conf_word log_levels[] = { { "err", LOG_LEVEL_ERR },
	                                       { "warn", LOG_LEVEL_WARN },
	                                       { "info", LOG_LEVEL_INFO },
	                                       { "debug", LOG_LEVEL_DEBUG },
	                                       { 0 } };
static const struct conf_word formats_sns[] = { { "text", CONF_FORMAT_TEXT },
	                                        { "json", CONF_FORMAT_JSON },
	                                        { "raw", CONF_FORMAT_RAW },
	                                        { 0 } };
static const struct conf_word formats_webhook[] = { { "json", CONF_FORMAT_JSON },
	                                            { "raw", CONF_FORMAT_RAW },
	                                            { 0 } };
static const struct conf_word tls_words[] = { { "required", CONF_TLS_REQUIRED },
	                                      { "implicit", CONF_TLS_IMPLICIT },
	                                      { "none", CONF_TLS_NONE },
	                                      { 0 } };
static const struct conf_word auth_words[] = { { "none", CONF_AUTH_NONE },
	                                       { "bearer", CONF_AUTH_BEARER },
	                                       { "basic", CONF_AUTH_BASIC },
	                                       { 0 } };
static const struct conf_word backlog_words[] = { { "each", CONF_BACKLOG_EACH },
	                                          { "digest", CONF_BACKLOG_DIGEST },
	                                          { 0 } };
static const struct conf_word samples_words[] = { { "label", CONF_SAMPLES_LABEL },
	                                          { "drop", CONF_SAMPLES_DROP },
	                                          { 0 } };
static const struct conf_word preset_words[] = { { "generic", CONF_PRESET_GENERIC }, { 0 } };
static const struct conf_word rule_starts[] = { { "now", CONF_RULE_START_NOW },
	                                        { "open", CONF_RULE_START_OPEN },
	                                        { 0 } };
static const struct conf_word changes[] = {
	{ "created", CHANGE_BIT(CHANGE_CREATED) },
	{ "severity_raised", CHANGE_BIT(CHANGE_SEVERITY_RAISED) },
	{ "reopened", CHANGE_BIT(CHANGE_REOPENED) },
	{ "resolved", CHANGE_BIT(CHANGE_RESOLVED) },
	{ "updated", CHANGE_BIT(CHANGE_UPDATED) },
	{ 0 },
};

#define ROW(sec, key, t, type_of, field, ...)                                     \
	{                                                                         \
		.section = SECTION_##sec, .name = key, .type = TYPE_##t, .of = 0, \
		.offset = offsetof(type_of, field), __VA_ARGS__                   \
	}
#define TOP(sec, key, t, field, ...) ROW(sec, key, t, struct conf, field, __VA_ARGS__)
#define ACCOUNT(key, t, field, ...)  ROW(ACCOUNT, key, t, struct conf_account, field, __VA_ARGS__)
#define SOURCE(key, t, field, ...)   ROW(SOURCE, key, t, struct conf_source, field, __VA_ARGS__)
#define RULE(key, t, field, ...)     ROW(RULE, key, t, struct conf_rule, field, __VA_ARGS__)
#define SINK(key, t, kinds, field, ...)                                                \
	{                                                                              \
		.section = SECTION_SINK, .name = key, .type = TYPE_##t, .of = (kinds), \
		.offset = offsetof(struct conf_sink, field), __VA_ARGS__               \
	}
#define DEFAULT(text)   .def = (text)
#define REQUIRED        .is_required = true
#define RESTART         .is_restart = true
#define LATER           .is_later = true
#define MILD            .is_mild = true
#define RANGE(low, top) .min = (low), .max = (top)
#define WORDS(table)    .words = (table)
#define HELP(text)      .help = (text)

/* clang-format off */
const struct conf_key conf_keys[] = {
	TOP(TOP, "log_level", WORD, log_level, DEFAULT("info"), WORDS(log_levels),
	    HELP("what is logged: this and what is worse")),
	TOP(TOP, "retention", DURATION, retention_ms, DEFAULT("30d"), RANGE(HOUR, 3650 * DAY),
	    HELP("how long the audit is kept, and what is remembered after its last sight")),
	TOP(TOP, "state_dir", PATH, state_dir, DEFAULT("/var/lib/findingsd"), RESTART,
	    HELP("folder of the database")),

	TOP(CONTROL, "listen", TEXT, control.listen, DEFAULT("127.0.0.1:9465"), RESTART,
	    HELP("ADDRESS:PORT that serves /metrics, /healthz and /readyz; \"\" = off")),
	TOP(CONTROL, "socket", PATH, control.socket, DEFAULT("/run/findingsd/control.sock"), RESTART,
	    HELP("unix socket that findingsctl talks to")),

	TOP(SELF_ALERTS, "sinks", LIST, self_alerts.sinks, RANGE(0, 64),
	    HELP("where the daemon's own trouble is told (not given: to all sinks)")),

	TOP(HEARTBEAT, "interval", DURATION, heartbeat.interval_ms, DEFAULT("1m"), RANGE(SECOND, DAY),
	    HELP("how often heartbeat.url is asked for")),
	TOP(HEARTBEAT, "url", SECRET, heartbeat.url, DEFAULT(""), MILD,
	    HELP("asked for while all is well, so that an outside watchdog notices our end; \"\" = off")),

	TOP(AWS, "endpoint_url", URL, aws.endpoint_url, DEFAULT(""), RESTART,
	    HELP("asked in place of AWS's own hosts, for every service")),
	TOP(AWS, "regions", REGIONS, aws.regions, RANGE(1, 64),
	    HELP("regions to poll, or \"enabled\" (not given: AWS_REGION, then AWS_DEFAULT_REGION)")),

	TOP(ENDPOINTS, "guardduty", URL, aws.endpoints.guardduty, DEFAULT(""), RESTART,
	    HELP("asked in place of AWS's own host for GuardDuty")),
	TOP(ENDPOINTS, "securityhub", URL, aws.endpoints.securityhub, DEFAULT(""), RESTART,
	    HELP("asked in place of AWS's own host for Security Hub")),
	TOP(ENDPOINTS, "sns", URL, aws.endpoints.sns, DEFAULT(""), RESTART,
	    HELP("asked in place of AWS's own host for SNS")),
	TOP(ENDPOINTS, "sts", URL, aws.endpoints.sts, DEFAULT(""), RESTART,
	    HELP("asked in place of AWS's own host for STS")),

	ACCOUNT("external_id", SECRET, external_id, DEFAULT(""), MILD,
	        HELP("sent with AssumeRole when the role's trust policy wants one")),
	ACCOUNT("name", NAME, name, REQUIRED,
	        HELP("what the account is called here and in alerts")),
	ACCOUNT("role_arn", TEXT, role_arn, REQUIRED,
	        HELP("role to assume in that account")),

	SOURCE("accounts", LIST, accounts, RANGE(0, 1000),
	       HELP("names of aws.accounts to poll (not given: all of them)")),
	SOURCE("enabled", BOOL, is_enabled, DEFAULT("true"),
	       HELP("false: is not polled; its cursor is kept")),
	SOURCE("interval", DURATION, interval_ms, DEFAULT("60s"), RANGE(SECOND, DAY),
	       HELP("time between two polls")),
	SOURCE("name", NAME, name, REQUIRED,
	       HELP("what the source is called; its cursor is kept under this name")),
	SOURCE("overlap", DURATION, overlap_ms, DEFAULT("15m"), RANGE(0, 7 * DAY),
	       HELP("how far back findings that come late are looked for, every 5 min")),
	SOURCE("rate", RATE, rate, DEFAULT("off"), RANGE(1, 100000),
	       HELP("calls of the findings API per account and region (off: what AWS publishes)")),
	SOURCE("reconcile", DURATION, reconcile_ms, DEFAULT("5m"), RANGE(0, DAY),
	       HELP("how often what was told as CRITICAL or HIGH is read again; 0 = never")),
	SOURCE("regions", REGIONS, regions, RANGE(1, 64),
	       HELP("regions to poll (not given: aws.regions)")),
	SOURCE("start", START, start, DEFAULT("now"),
	       HELP("what the first poll tells: now, open, -24h, or an RFC 3339 instant")),
	SOURCE("sweep", DURATION, sweep_ms, DEFAULT("6h"), RANGE(0, 7 * DAY),
	       HELP("how often the last 7 days are read again; 0 = never")),
	SOURCE("timeout", DURATION, timeout_ms, DEFAULT("60s"), RANGE(100, 10 * MINUTE),
	       HELP("limit of one call's attempt, answer included")),
	SOURCE("type", WORD, type, REQUIRED, WORDS(conf_source_types),
	       HELP("which AWS service")),

	SINK("auth", WORD, SINK_WEBHOOK, auth, DEFAULT("none"), WORDS(auth_words),
	     HELP("how to log in: bearer with token, basic with username and password")),
	SINK("backlog", WORD, SINK_EMAIL, backlog, DEFAULT("digest"), WORDS(backlog_words),
	     HELP("after an outage: each alert, or one digest of what is older than 15 min")),
	SINK("backlog", WORD, SINK_SNS | SINK_WEBHOOK, backlog, DEFAULT("each"), WORDS(backlog_words),
	     HELP("after an outage: each alert, or one digest of what is older than 15 min")),
	SINK("ca_file", PATH, 0, ca_file, DEFAULT(""),
	     HELP("certificates (PEM) to trust in place of the system's")),
	SINK("enabled", BOOL, 0, is_enabled, DEFAULT("true"),
	     HELP("false: nothing is sent; its queue is kept")),
	SINK("external_id", SECRET, SINK_SNS, external_id, DEFAULT(""), MILD,
	     HELP("sent with AssumeRole when the trust policy of role_arn wants one")),
	SINK("flood", RATE, SINK_EMAIL, flood, DEFAULT("30/10m"), RANGE(1, 1000000),
	     HELP("alerts beyond this become one digest; off = never")),
	SINK("flood", RATE, SINK_SNS | SINK_WEBHOOK, flood, DEFAULT("off"), RANGE(1, 1000000),
	     HELP("alerts beyond this become one digest; off = never")),
	SINK("format", WORD, SINK_SNS, format, DEFAULT("text"), WORDS(formats_sns),
	     HELP("text for people, json compact, raw as EventBridge carries it")),
	SINK("format", WORD, SINK_WEBHOOK, format, DEFAULT("json"), WORDS(formats_webhook),
	     HELP("json compact, raw as EventBridge carries it")),
	SINK("from", TEXT, SINK_EMAIL, from, REQUIRED,
	     HELP("sender's address")),
	SINK("full", BOOL, SINK_WEBHOOK, is_full, DEFAULT("false"),
	     HELP("true: the json body holds the whole event too")),
	SINK("headers", PAIRS, SINK_WEBHOOK, headers, RANGE(0, 32),
	     HELP("further request headers, as { X-Name = \"value\"; }")),
	SINK("max_age", DURATION, 0, max_age_ms, DEFAULT("3d"), RANGE(SECOND, 365 * DAY),
	     HELP("what cannot be delivered for so long becomes a dead letter")),
	SINK("max_in_flight", INTEGER, 0, max_in_flight, DEFAULT("8"), RANGE(1, 256),
	     HELP("sent and not yet recorded at once; what can repeat after a crash")),
	SINK("name", NAME, 0, name, REQUIRED,
	     HELP("what the sink is called; its queue is kept under this name")),
	SINK("password", SECRET, SINK_EMAIL | SINK_WEBHOOK, password, DEFAULT(""),
	     HELP("goes with username")),
	SINK("preset", WORD, SINK_WEBHOOK, preset, DEFAULT("generic"), WORDS(preset_words),
	     HELP("whose requests are made")),
	SINK("proxy", URL, 0, proxy, DEFAULT(""),
	     HELP("proxy to go through (not given: as the environment's *_proxy say)")),
	SINK("rate", RATE, 0, rate, DEFAULT("off"), RANGE(1, 1000000),
	     HELP("at most so many requests, \"5/s\" or \"100/m\"; off = as fast as it goes")),
	SINK("region", TEXT, SINK_SNS, region, DEFAULT(""),
	     HELP("region whose SNS is called (not given: the one in topic_arn)")),
	SINK("reply_to", TEXT, SINK_EMAIL, reply_to, DEFAULT(""),
	     HELP("address for answers")),
	SINK("role_arn", TEXT, SINK_SNS, role_arn, DEFAULT(""),
	     HELP("role to assume for publishing")),
	SINK("samples", WORD, 0, samples, DEFAULT("label"), WORDS(samples_words),
	     HELP("sample findings: delivered and labelled, or dropped")),
	SINK("secret", SECRET, SINK_WEBHOOK, secret, DEFAULT(""),
	     HELP("signs each request (Standard Webhooks: \"whsec_...\")")),
	SINK("subject", TEXT, SINK_SNS, subject, DEFAULT(""),
	     HELP("Subject of messages (not given: made from the finding)")),
	SINK("subject_prefix", TEXT, SINK_EMAIL, subject_prefix, DEFAULT(""),
	     HELP("put before each subject")),
	SINK("timeout", DURATION, 0, timeout_ms, DEFAULT("30s"), RANGE(100, 10 * MINUTE),
	     HELP("limit of one attempt")),
	SINK("tls", WORD, SINK_EMAIL, tls, DEFAULT("required"), WORDS(tls_words),
	     HELP("required: STARTTLS; implicit: from the first byte; none: in the clear")),
	SINK("to", LIST, SINK_EMAIL, to, REQUIRED, RANGE(1, 50),
	     HELP("recipients' addresses")),
	SINK("token", SECRET, SINK_WEBHOOK, token, DEFAULT(""),
	     HELP("goes with auth = \"bearer\"")),
	SINK("topic_arn", TEXT, SINK_SNS, topic_arn, REQUIRED,
	     HELP("topic to publish to; FIFO topics too")),
	SINK("type", WORD, 0, type, REQUIRED, WORDS(conf_sink_types),
	     HELP("which kind of sink")),
	SINK("url", URL, SINK_EMAIL | SINK_WEBHOOK, url, REQUIRED,
	     HELP("smtp://HOST:PORT or smtps://HOST:PORT; http:// or https://")),
	SINK("username", SECRET, SINK_EMAIL | SINK_WEBHOOK, username, DEFAULT(""), MILD,
	     HELP("to log in with")),

	RULE("collapse_by", LIST, collapse_by, RANGE(0, 8),
	     HELP("dotted paths into the event: findings equal there are one alert")),
	RULE("enabled", BOOL, is_enabled, DEFAULT("true"),
	     HELP("false: matches nothing; its open notices still get their resolved")),
	RULE("flap", RATE, flap, DEFAULT("3/1h"), RANGE(1, 15),
	     HELP("reopened more often than this: told once, then held until calm; off = each told")),
	RULE("merge", BOOL, is_merge, DEFAULT("true"),
	     HELP("false: notices of its own, not shared with other rules of the same sink")),
	RULE("min_count", INTEGER, min_count, DEFAULT("1"), RANGE(1, 1000000000),
	     HELP("silent until the finding was seen so often")),
	RULE("name", NAME, name, REQUIRED,
	     HELP("what the rule is called, also in alerts")),
	RULE("on", WORDS, on, DEFAULT("created severity_raised reopened resolved"), WORDS(changes),
	     RANGE(1, 8), HELP("changes that are told")),
	RULE("pattern", PATTERN, pattern_text, DEFAULT(""),
	     HELP("event pattern, as JSON; this or pattern_file")),
	RULE("pattern_file", PATH, pattern_file, DEFAULT(""),
	     HELP("file that holds the event pattern; this or pattern")),
	RULE("repeat_backoff", NUMBER, repeat_backoff, DEFAULT("1"), RANGE(1, 100),
	     HELP("each repeat waits so many times longer than the one before")),
	RULE("repeat_interval", DURATION, repeat_interval_ms, DEFAULT("0"), RANGE(0, 365 * DAY),
	     HELP("what is still open is told again after this; 0 = never")),
	RULE("sinks", LIST, sinks, REQUIRED, RANGE(1, 16),
	     HELP("where the alerts go")),
	RULE("start", WORD, start, DEFAULT("now"), WORDS(rule_starts),
	     HELP("a rule added by a reload: now = silent about what was there, open = tells it")),
};
/* clang-format on */

const size_t conf_key_count = sizeof(conf_keys) / sizeof(conf_keys[0]);

#define LIST_OF(text, singular, up, array, n, type)                                       \
	{                                                                                 \
		.name = text, .one = singular, .parent = SECTION_##up, .is_list = true,   \
		.items = offsetof(struct conf, array), .count = offsetof(struct conf, n), \
		.bytes = sizeof(type), .name_offset = offsetof(type, name),               \
		.where_offset = offsetof(type, where)                                     \
	}

const struct conf_section_row conf_sections[SECTION_COUNT] = {
	[SECTION_TOP] = { .name = "", .one = "" },
	[SECTION_CONTROL] = { .name = "control", .one = "control" },
	[SECTION_SELF_ALERTS] = { .name = "self_alerts", .one = "self_alerts" },
	[SECTION_HEARTBEAT] = { .name = "heartbeat", .one = "heartbeat" },
	[SECTION_AWS] = { .name = "aws", .one = "aws" },
	[SECTION_ENDPOINTS] = { .name = "endpoints",
	                        .one = "aws.endpoints",
	                        .parent = SECTION_AWS },
	[SECTION_ACCOUNT] = LIST_OF("accounts", "account", AWS, aws.accounts, aws.account_count,
	                            struct conf_account),
	[SECTION_SOURCE] =
		LIST_OF("sources", "source", TOP, sources, source_count, struct conf_source),
	[SECTION_SINK] = LIST_OF("sinks", "sink", TOP, sinks, sink_count, struct conf_sink),
	[SECTION_RULE] = LIST_OF("rules", "rule", TOP, rules, rule_count, struct conf_rule),
};

const char *
conf_type_name(enum conf_type type)
{
	static const char *const names[] = {
		[TYPE_NAME] = "name",         [TYPE_TEXT] = "text",
		[TYPE_PATTERN] = "pattern",   [TYPE_PATH] = "path",
		[TYPE_URL] = "url",           [TYPE_SECRET] = "secret",
		[TYPE_DURATION] = "duration", [TYPE_BOOL] = "bool",
		[TYPE_WORD] = "word",         [TYPE_INTEGER] = "integer",
		[TYPE_NUMBER] = "number",     [TYPE_LIST] = "list",
		[TYPE_WORDS] = "words",       [TYPE_REGIONS] = "regions",
		[TYPE_START] = "start",       [TYPE_RATE] = "rate",
		[TYPE_PAIRS] = "pairs",
	};

	return names[type];
}

const char *
conf_word_of(const struct conf_word *words, unsigned value)
{
	for (; words->word != NULL; words++)
		if (words->value == value)
			return words->word;
	return "?";
}

bool
conf_key_is_for(const struct conf_key *k, unsigned kind)
{
	return k->of == 0 || (k->of & CONF_OF(kind)) != 0;
}

const struct conf_key *
conf_key_find(enum conf_section section, const char *name, unsigned kind)
{
	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_keys[i].section == section && strcmp(conf_keys[i].name, name) == 0 &&
		    conf_key_is_for(&conf_keys[i], kind))
			return &conf_keys[i];
	return NULL;
}
