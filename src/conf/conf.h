/*
 * conf: the configuration, read whole or not at all.
 *
 * conf_load reads the main file, then conf.d beside it (names ending in .conf, in name order, each a libconfig file of its own whose
 * sources, sinks and rules are appended), resolves secrets, reads and parses the patterns, and checks everything against
 * everything. All semantic problems of all files are reported in one run. What a key means, its type, unit, range and
 * default stand once, in conf_keys.c.
 *
 * A struct conf is immutable once loaded, holds copies of everything, and may be read by any thread. Every string is
 * set: "" where nothing was given, so that nobody has to ask for NULL. Secrets are wiped by conf_free and stand in no
 * problem's text and no printed form.
 */
#ifndef FD_CONF_CONF_H
#define FD_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/change.h"
#include "base/log.h"

struct buf;
struct pattern;

/* Where something stands. For things that no file gave (defaults), line is 0. */
struct conf_where {
	const char *file; /* as opened; lives as long as the conf */
	unsigned line;    /* from 1 */
};

struct conf_list {
	char **items; /* items[count] is NULL */
	size_t count;
};

/* A secret string. origin says where it came from ("file:/run/x", "env:NAME", "cred:NAME", "the file", ""): that is what may be shown. */
struct conf_secret {
	char *value; /* "" = none */
	char *origin;
};

struct conf_pair {
	char *name;
	struct conf_secret value;
};

struct conf_pairs {
	struct conf_pair *items;
	size_t count;
};

/* "10/s", "30/10m". count 0: none ("off", ""). */
struct conf_rate {
	int64_t count;
	int64_t per_ms;
};

enum conf_start_kind {
	CONF_START_NOW = 0, /* what was created before the start is remembered silently */
	CONF_START_OPEN,    /* all that is open now is told */
	CONF_START_AGO,     /* "-24h": updated since ms before the start */
	CONF_START_AT,      /* RFC 3339: updated since ms (1970) */
};

struct conf_start {
	enum conf_start_kind kind;
	int64_t ms; /* AGO: how far back, > 0; AT: the instant; else 0 */
};

/* Regions as written: a list, or "enabled". count 0 and not is_enabled: not given. */
struct conf_regions {
	bool is_enabled; /* "enabled": those that the account has switched on, to be asked at start */
	struct conf_list list;
};

enum conf_source_type { CONF_SOURCE_GUARDDUTY = 0, CONF_SOURCE_SECURITYHUB };
enum conf_sink_type { CONF_SINK_EMAIL = 0, CONF_SINK_SNS, CONF_SINK_WEBHOOK };
enum conf_format { CONF_FORMAT_TEXT = 0, CONF_FORMAT_JSON, CONF_FORMAT_RAW };
enum conf_tls { CONF_TLS_REQUIRED = 0, CONF_TLS_IMPLICIT, CONF_TLS_NONE };
enum conf_auth { CONF_AUTH_NONE = 0, CONF_AUTH_BEARER, CONF_AUTH_BASIC };
enum conf_backlog { CONF_BACKLOG_EACH = 0, CONF_BACKLOG_DIGEST };
enum conf_samples { CONF_SAMPLES_LABEL = 0, CONF_SAMPLES_DROP };
enum conf_preset { CONF_PRESET_GENERIC = 0 };
enum conf_rule_start { CONF_RULE_START_NOW = 0, CONF_RULE_START_OPEN };

const char *conf_source_type_name(enum conf_source_type type); /* "guardduty" */
const char *conf_sink_type_name(enum conf_sink_type type);     /* "sns" */
const char *conf_format_name(enum conf_format format);

struct conf_account {
	char *name;
	struct conf_where where;
	char *role_arn;   /* never "" */
	char *account_id; /* the 12 digits of role_arn */
	struct conf_secret external_id;
};

struct conf_aws {
	struct conf_regions
		regions; /* never empty once loaded: AWS_REGION or AWS_DEFAULT_REGION fill in */
	bool is_regions_from_env;
	char *endpoint_url; /* for every service; "" = AWS's own */
	struct {
		char *guardduty, *securityhub, *sns, *sts;
	} endpoints; /* "" = endpoint_url, then the environment, then AWS's own */
	struct conf_account *accounts;
	size_t account_count; /* 0: the process's own account */
};

struct conf_source {
	char *name;
	struct conf_where where;
	enum conf_source_type type;
	bool is_enabled;
	int64_t interval_ms;
	int64_t timeout_ms; /* of one attempt of one call */
	struct conf_rate
		rate; /* of the findings API, per account and region; count 0: AWS's published quota */
	int64_t overlap_ms;
	int64_t sweep_ms;     /* 0 = never */
	int64_t reconcile_ms; /* 0 = never */
	struct conf_start start;
	struct conf_regions regions; /* filled from aws.regions when not given */
	struct conf_list
		accounts; /* names of aws.accounts; filled with all of them when not given */
};

struct conf_sink {
	char *name;
	struct conf_where where;
	enum conf_sink_type type;
	bool is_enabled;
	enum conf_format format;
	int64_t timeout_ms;
	struct conf_rate rate; /* count 0: as fast as it goes */
	int64_t max_in_flight;
	int64_t max_age_ms;
	enum conf_backlog backlog;
	struct conf_rate flood; /* count 0: off */
	enum conf_samples samples;
	char *ca_file; /* absolute path; "" = the system's */
	char *proxy;   /* URL; "" = none but what the environment says */

	char *url;       /* email, webhook */
	char *url_shown; /* the same for logs and lists: no user, no query, no path of a webhook */
	struct conf_secret username;
	struct conf_secret password; /* email; webhook with auth = "basic" */

	enum conf_preset preset;   /* webhook, from here */
	struct conf_secret secret; /* signs: Standard Webhooks; as given, with its "whsec_" */
	struct conf_pairs headers;
	enum conf_auth auth;
	struct conf_secret token; /* auth = "bearer" */
	bool is_full;

	enum conf_tls tls; /* email, from here */
	char *from;
	struct conf_list to;
	char *reply_to;
	char *subject_prefix;

	char *topic_arn; /* sns, from here */
	char *region;    /* the ARN's unless given */
	char *role_arn;
	struct conf_secret external_id;
	char *subject; /* "" = made from the finding */
};

struct conf_rule {
	char *name;
	struct conf_where where;
	bool is_enabled;
	char *pattern_text;              /* never NULL: the JSON */
	char *pattern_file;              /* absolute path; "" = the pattern stands in the rule */
	struct conf_where pattern_where; /* the file that holds it; line 1 for pattern_file */
	struct pattern *pattern;         /* parsed; owned by the conf */
	struct conf_list sinks;          /* names that exist, in file order */
	unsigned on;                     /* CHANGE_BIT of each */
	int64_t repeat_interval_ms;      /* 0 = never */
	double repeat_backoff;
	int64_t min_count;
	struct conf_list collapse_by;
	struct conf_rate flap;
	bool is_merge;
	enum conf_rule_start start;
};

struct conf {
	char *path;   /* main file, as given */
	char *folder; /* of the main file; relative paths start here */
	char *state_dir;
	enum log_level log_level;
	int64_t retention_ms;
	struct {
		char *socket; /* absolute path */
		char *listen; /* "ADDRESS:PORT"; "" = off */
	} control;
	struct {
		bool is_given; /* false: all sinks */
		struct conf_list sinks;
	} self_alerts;
	struct {
		struct conf_secret url; /* "" = off; such URLs often hold a key */
		int64_t interval_ms;
	} heartbeat;
	struct conf_aws aws;
	struct conf_source *sources;
	size_t source_count;
	struct conf_sink *sinks;
	size_t sink_count;
	struct conf_rule *rules;
	size_t rule_count;

	char **files; /* all that were read, main file first; where.file points here */
	size_t file_count;
};

/* One thing that is wrong, or (is_warning) odd. */
struct conf_problem {
	char *file;
	unsigned line, column; /* 0: not known */
	char *text;            /* "key: what is wrong, what to do" */
	bool is_warning;
};

struct conf_problems {
	struct conf_problem *items; /* in order of file and line as far as known */
	size_t count;
	size_t error_count;
};

/*
 * Read. path is the main file. *ret is set only when there was no error (warnings do not count); conf_free it.
 * problems is filled in either case; conf_problems_done it.
 *
 * Returns 0, or -1: see problems.
 */
int conf_load(const char *path, struct conf **ret, struct conf_problems *problems);

/*
 * As conf_load, for whoever looks at a configuration without running by it (check, match). systemd gives credentials to the
 * service alone: outside of it a "cred:NAME" is a warning, and its value a stand-in.
 */
int conf_look(const char *path, struct conf **ret, struct conf_problems *problems);
void conf_free(struct conf *c); /* NULL does nothing */

void conf_problems_done(struct conf_problems *p);
/* "FILE:LINE: text", "FILE:LINE:COLUMN: text"; warnings get "warning: " before the text. No newline. */
void conf_problem_print(const struct conf_problem *p, struct buf *out);

/* By name; NULL when there is none. */
const struct conf_source *conf_source_find(const struct conf *c, const char *name);
const struct conf_sink *conf_sink_find(const struct conf *c, const char *name);
const struct conf_rule *conf_rule_find(const struct conf *c, const char *name);
const struct conf_account *conf_account_find(const struct conf *c, const char *name);

/* The effective configuration as libconfig text, defaults included, secrets as "***". */
void conf_print(const struct conf *c, struct buf *out);

/* The table of keys for --list keys: a line per key, tab-separated, with a heading. */
void conf_print_keys(struct buf *out);

#endif
