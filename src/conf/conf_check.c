/*
 * conf_check: everything against everything, once all files are read. Sinks have a file of their own.
 *
 * Also fills what follows from other keys and from the environment: regions, accounts, account ids.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/change.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_arn.h"
#include "conf/conf_load.h"
#include "conf/conf_problem.h"
#include "conf/conf_region.h"

enum { SOCKET_PATH_MAX = 107 };

/* ---- names ---- */

static void
check_unique(struct conf_loader *l, enum conf_section section)
{
	const struct conf_section_row *row = &conf_sections[section];

	for (size_t i = 1; i < conf_element_count(l->c, section); i++) {
		const char *name = conf_element_name(section, conf_element(l->c, section, i));
		for (size_t j = 0; j < i; j++) {
			const void *other = conf_element(l->c, section, j);
			if (name[0] == '\0' || strcmp(conf_element_name(section, other), name) != 0)
				continue;
			struct conf_where here = conf_load_where(l, section, i, "name");
			struct conf_where there = conf_load_where(l, section, j, "name");
			conf_error(l->problems, &here, "%s '%s': name: is taken by %s:%u", row->one,
			           name, there.file, there.line);
			break;
		}
	}
}

/* Each of the names is an element of the section. what: "rule 'x': sinks: " */
static void
check_names(struct conf_loader *l, const struct conf_list *names, enum conf_section section,
            const struct conf_where *at, const char *what)
{
	size_t n = conf_element_count(l->c, section);
	const char **known = mem_calloc(n + 1, sizeof(*known));

	for (size_t i = 0; i < n; i++)
		known[i] = conf_element_name(section, conf_element(l->c, section, i));
	for (size_t i = 0; i < names->count && !l->is_partial; i++) {
		bool is_known = false;
		for (size_t j = 0; j < n; j++)
			is_known |= strcmp(known[j], names->items[i]) == 0;
		if (is_known)
			continue;
		const char *near = str_nearest(names->items[i], known, n);
		conf_error(l->problems, at, "%sthere is no %s \"%.64s\"%s%s%s", what,
		           conf_sections[section].one, names->items[i],
		           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	mem_free(known);
}

/* ---- top ---- */

/* ADDRESS:PORT, [ADDRESS]:PORT */
static bool
is_listen(const char *s)
{
	const char *colon = strrchr(s, ':');
	int64_t port;

	if (colon == NULL || colon == s || !str_to_i64(span_of(colon + 1), &port) || port < 0 ||
	    port > 65535)
		return false;
	if (s[0] == '[')
		return colon[-1] == ']' && colon - s > 3;
	return memchr(s, ':', (size_t)(colon - s)) == NULL && strpbrk(s, " /") == NULL;
}

static bool
is_http_url(const char *s)
{
	return str_starts(s, "https://") || str_starts(s, "http://");
}

static void
check_top(struct conf_loader *l)
{
	const struct conf *c = l->c;
	struct conf_where at = conf_load_where(l, SECTION_CONTROL, 0, "listen");

	if (c->control.listen[0] != '\0' && !is_listen(c->control.listen))
		conf_error(
			l->problems, &at,
			"control.listen: \"%.100s\": wants ADDRESS:PORT, such as \"127.0.0.1:9465\", "
			"or \"\" for off",
			c->control.listen);
	at = conf_load_where(l, SECTION_CONTROL, 0, "socket");
	if (c->control.socket[0] == '\0')
		conf_error(l->problems, &at, "control.socket: is empty: findingsctl needs it");
	else if (strlen(c->control.socket) > SOCKET_PATH_MAX)
		conf_error(l->problems, &at,
		           "control.socket: has %zu bytes, a socket's path at most %d",
		           strlen(c->control.socket), SOCKET_PATH_MAX);
	at = conf_load_where(l, SECTION_TOP, 0, "state_dir");
	if (c->state_dir[0] == '\0')
		conf_error(l->problems, &at, "state_dir: is empty: wants a folder");
	at = conf_load_where(l, SECTION_HEARTBEAT, 0, "url");
	if (c->heartbeat.url.value[0] != '\0' && !is_http_url(c->heartbeat.url.value))
		conf_error(l->problems, &at, "heartbeat.url: wants http:// or https://");
	at = conf_load_where(l, SECTION_SELF_ALERTS, 0, "sinks");
	check_names(l, &c->self_alerts.sinks, SECTION_SINK, &at, "self_alerts.sinks: ");
}

/* ---- aws ---- */

static void
check_endpoint(struct conf_loader *l, enum conf_section section, const char *key, const char *url)
{
	struct conf_where at = conf_load_where(l, section, 0, key);

	if (url[0] != '\0' && !is_http_url(url))
		conf_error(l->problems, &at, "%s.%s: \"%.100s\": wants http:// or https://",
		           conf_sections[section].one, key, url);
}

static void
check_accounts(struct conf_loader *l)
{
	struct err e = { 0 };

	for (size_t i = 0; i < l->c->aws.account_count; i++) {
		struct conf_account *a = &l->c->aws.accounts[i];
		struct conf_where at = conf_load_where(l, SECTION_ACCOUNT, i, "role_arn");
		if (a->role_arn[0] == '\0')
			continue; /* told as missing */
		if (conf_arn_check_role(a->role_arn, &e) < 0)
			conf_error(l->problems, &at, "account '%s': role_arn: %s", a->name, e.text);
		else
			a->account_id = mem_strndup(conf_arn_part(a->role_arn, 4).p, 12);
	}
}

/* What the AWS CLI takes when nothing else names a region. */
static void
fill_regions(struct conf_loader *l)
{
	static const char *const variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
	struct conf_regions *r = &l->c->aws.regions;
	struct err e = { 0 };

	for (size_t i = 0; i < 2 && r->list.count == 0 && !r->is_enabled; i++) {
		const char *value = getenv(variables[i]);
		if (value == NULL || value[0] == '\0')
			continue;
		if (conf_region_check(value, &e) < 0) {
			conf_error_at(l->problems, l->c->path, 0, 0, "aws.regions: %s: %s",
			              variables[i], e.text);
			return;
		}
		mem_free(r->list.items);
		r->list.items = mem_calloc(2, sizeof(char *));
		r->list.items[0] = mem_strdup(value);
		r->list.count = 1;
		l->c->aws.is_regions_from_env = true;
	}
}

static void
check_aws(struct conf_loader *l)
{
	const struct conf_aws *a = &l->c->aws;

	check_endpoint(l, SECTION_AWS, "endpoint_url", a->endpoint_url);
	check_endpoint(l, SECTION_ENDPOINTS, "guardduty", a->endpoints.guardduty);
	check_endpoint(l, SECTION_ENDPOINTS, "securityhub", a->endpoints.securityhub);
	check_endpoint(l, SECTION_ENDPOINTS, "sns", a->endpoints.sns);
	check_endpoint(l, SECTION_ENDPOINTS, "sts", a->endpoints.sts);
	check_accounts(l);
	fill_regions(l);
}

/* ---- sources ---- */

static void
copy_list(struct conf_list *to, const struct conf_list *from)
{
	mem_free(to->items);
	to->items = mem_calloc(from->count + 1, sizeof(char *));
	to->count = from->count;
	for (size_t i = 0; i < from->count; i++)
		to->items[i] = mem_strdup(from->items[i]);
}

static void
fill_source(struct conf_loader *l, size_t index)
{
	struct conf_source *s = &l->c->sources[index];
	const struct conf_aws *aws = &l->c->aws;
	struct conf_where at = conf_load_where(l, SECTION_SOURCE, index, "regions");
	char *what = mem_printf("source '%s': accounts: ", s->name);

	if (s->regions.list.count == 0 && !s->regions.is_enabled) {
		s->regions.is_enabled = aws->regions.is_enabled;
		copy_list(&s->regions.list, &aws->regions.list);
	}
	if (s->regions.list.count == 0 && !s->regions.is_enabled && s->is_enabled)
		conf_error(l->problems, &at,
		           "source '%s': regions: there are none: set aws.regions, for example "
		           "[ \"us-east-1\" ], or AWS_REGION in the environment",
		           s->name);
	at = conf_load_where(l, SECTION_SOURCE, index, "accounts");
	check_names(l, &s->accounts, SECTION_ACCOUNT, &at, what);
	if (s->accounts.count == 0 && aws->account_count > 0) {
		mem_free(s->accounts.items);
		s->accounts.items = mem_calloc(aws->account_count + 1, sizeof(char *));
		for (size_t i = 0; i < aws->account_count; i++)
			s->accounts.items[s->accounts.count++] = mem_strdup(aws->accounts[i].name);
	}
	mem_free(what);
}

static bool
have_common(const struct conf_list *a, const struct conf_list *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (strcmp(a->items[i], b->items[j]) == 0)
				return true;
	return false;
}

/* Two sources that poll the same: double the calls for nothing. */
static void
warn_of_overlap(struct conf_loader *l, size_t index)
{
	const struct conf_source *a = &l->c->sources[index];
	struct conf_where at = conf_load_where(l, SECTION_SOURCE, index, "type");

	for (size_t i = 0; i < index; i++) {
		const struct conf_source *b = &l->c->sources[i];
		bool is_same_place = (a->regions.is_enabled || b->regions.is_enabled ||
		                      have_common(&a->regions.list, &b->regions.list)) &&
		                     ((a->accounts.count == 0 && b->accounts.count == 0) ||
		                      have_common(&a->accounts, &b->accounts));
		if (a->type == b->type && a->is_enabled && b->is_enabled && is_same_place)
			conf_warn(
				l->problems, &at,
				"source '%s': polls what source '%s' polls too: each finding is read "
				"twice and told once",
				a->name, b->name);
	}
}

static void
check_sources(struct conf_loader *l)
{
	bool is_any = false;

	for (size_t i = 0; i < l->c->source_count; i++) {
		fill_source(l, i);
		warn_of_overlap(l, i);
		is_any |= l->c->sources[i].is_enabled;
	}
	if (!is_any && !l->is_partial)
		conf_error_at(l->problems, l->c->path, 0, 0,
		              "sources: there is none that is enabled: nothing would be polled");
}

/* ---- rules ---- */

/* "detail.resource.type": names with a dot between, none empty. */
static bool
is_dotted_path(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 256 && s[0] != '.' && s[n - 1] != '.' && strstr(s, "..") == NULL;
}

/* A path that no event has would never join anything: better refused than never noticed. */
static void
check_path(struct conf_loader *l, const struct conf_rule *r, size_t index, size_t i)
{
	static const char *const fields[] = { "account", "detail", "detail-type", "findingsd",
		                              "id",      "region", "resources",   "source",
		                              "time",    "version" };
	const size_t n = sizeof(fields) / sizeof(fields[0]);
	struct conf_where at = conf_load_where(l, SECTION_RULE, index, "collapse_by");
	const char *path = r->collapse_by.items[i], *near;
	char first[32];
	bool is_known = false;

	if (!is_dotted_path(path)) {
		conf_error(l->problems, &at,
		           "rule '%s': collapse_by: \"%.100s\": wants names with dots between, "
		           "such as \"detail.type\"",
		           r->name, path);
		return;
	}
	if (strpbrk(path, "[]*$") != NULL) {
		conf_error(
			l->problems, &at,
			"rule '%s': collapse_by: \"%.100s\": wants names alone: arrays are looked "
			"through, leave [0] and * out",
			r->name, path);
		return;
	}
	(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(path, "."), path);
	for (size_t k = 0; k < n; k++)
		is_known |= strcmp(fields[k], first) == 0;
	if (!is_known) {
		near = str_nearest(first, fields, n);
		conf_error(
			l->problems, &at,
			"rule '%s': collapse_by: \"%.100s\": no event has \"%s\" at its top; %s%s%s",
			r->name, path, first,
			near ? "did you mean \"" : "a finding's fields stand below \"detail",
			near ? near : "", near ? "\"?" : "\"");
	}
}

static void
check_rule(struct conf_loader *l, size_t index)
{
	const unsigned opening = CHANGE_BIT(CHANGE_CREATED) | CHANGE_BIT(CHANGE_REOPENED) |
	                         CHANGE_BIT(CHANGE_SEVERITY_RAISED);
	const struct conf_rule *r = &l->c->rules[index];
	struct conf_where at = conf_load_where(l, SECTION_RULE, index, "sinks");
	char *what = mem_printf("rule '%s': sinks: ", r->name);
	bool is_any = r->sinks.count == 0;

	check_names(l, &r->sinks, SECTION_SINK, &at, what);
	for (size_t i = 0; i < r->sinks.count; i++) {
		const struct conf_sink *s = conf_sink_find(l->c, r->sinks.items[i]);
		is_any |= s == NULL || s->is_enabled;
	}
	if (!is_any)
		conf_warn(l->problems, &at, "%snone of them is enabled: its alerts wait", what);
	for (size_t i = 0; i < r->collapse_by.count; i++)
		check_path(l, r, index, i);
	at = conf_load_where(l, SECTION_RULE, index, "on");
	if ((r->on & opening) == 0)
		conf_warn(l->problems, &at,
		          "rule '%s': on: without created, reopened or severity_raised it opens no "
		          "alert: it tells %s",
		          r->name,
		          r->is_merge ? "nothing but what another rule opens on the same sink"
		                      : "nothing");
	at = conf_load_where(l, SECTION_RULE, index, "repeat_backoff");
	if (r->repeat_backoff > 1 && r->repeat_interval_ms == 0)
		conf_warn(l->problems, &at,
		          "rule '%s': repeat_backoff: does nothing without repeat_interval",
		          r->name);
	mem_free(what);
}

void
conf_check(struct conf_loader *l)
{
	check_unique(l, SECTION_ACCOUNT);
	check_unique(l, SECTION_SOURCE);
	check_unique(l, SECTION_SINK);
	check_unique(l, SECTION_RULE);
	check_top(l);
	check_aws(l);
	check_sources(l);
	conf_check_sinks(l);
	for (size_t i = 0; i < l->c->rule_count; i++)
		check_rule(l, i);
	if (l->c->rule_count == 0 && !l->is_partial)
		conf_warn_at(l->problems, l->c->path, 0,
		             "rules: there are none: findings are remembered, nobody is told");
}
