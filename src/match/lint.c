/*
 * lint: valid patterns that can hardly be meant. See pattern_lint in pattern.h.
 *
 * It knows the outermost names of the events that findingsd makes (GuardDuty's detail, ASFF, its own), not all of them:
 * a name deeper down is never held against a pattern.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "match/pattern.h"
#include "match/pattern_tree.h"
#include "json/scan.h"

enum { EVENTBRIDGE_COMBINATIONS_MAX = 1000 };

static const char *const top_names[] = { "account", "detail",  "detail-type", "findingsd",
	                                 "id",      "region",  "resources",   "source",
	                                 "time",    "version", NULL };

static const char *const sources[] = { "aws.guardduty", "aws.securityhub", "findingsd", NULL };

static const char *const detail_types[] = {
	"GuardDuty Finding",
	"Security Hub Findings - Imported",
	"Source Failing",
	"Source Recovered",
	"Sink Failing",
	"Sink Recovered",
	"Store Failing",
	"Store Recovered",
	"Queue Backlog",
	"Dead Letter",
	"Quarantine",
	"Reload Refused",
	"Coverage Gap",
	"Clock Wrong",
	NULL,
};

static const char *const guardduty_names[] = {
	"accountId",
	"arn",
	"associatedAttackSequenceArn",
	"confidence",
	"createdAt",
	"description",
	"id",
	"partition",
	"region",
	"resource",
	"schemaVersion",
	"service",
	"severity",
	"title",
	"type",
	"updatedAt",
	NULL,
};

static const char *const asff_names[] = {
	"Action",
	"AwsAccountId",
	"AwsAccountName",
	"CompanyName",
	"Compliance",
	"Confidence",
	"CreatedAt",
	"Criticality",
	"Description",
	"Detection",
	"FindingProviderFields",
	"FirstObservedAt",
	"GeneratorDetails",
	"GeneratorId",
	"Id",
	"LastObservedAt",
	"Malware",
	"Network",
	"NetworkPath",
	"Note",
	"PatchSummary",
	"Process",
	"ProcessedAt",
	"ProductArn",
	"ProductFields",
	"ProductName",
	"RecordState",
	"Region",
	"RelatedFindings",
	"Remediation",
	"Resources",
	"Sample",
	"SchemaVersion",
	"Severity",
	"SourceUrl",
	"ThreatIntelIndicators",
	"Threats",
	"Title",
	"Types",
	"UpdatedAt",
	"UserDefinedFields",
	"VerificationState",
	"Vulnerabilities",
	"Workflow",
	"WorkflowState",
	NULL,
};

/* Fields whose values are always strings, or always numbers. */
static const char *const string_paths[] = {
	"account",
	"detail-type",
	"detail.accountId",
	"detail.id",
	"detail.region",
	"detail.type",
	"detail.findings.AwsAccountId",
	"detail.findings.Compliance.Status",
	"detail.findings.ProductFields.aws/securityhub/SeverityLabel",
	"detail.findings.RecordState",
	"detail.findings.Severity.Label",
	"detail.findings.Severity.Original",
	"detail.findings.Workflow.Status",
	"findingsd.severity",
	"id",
	"region",
	"source",
	"time",
	NULL,
};
static const char *const number_paths[] = { "detail.severity", "detail.service.count",
	                                    "detail.findings.Severity.Normalized",
	                                    "detail.findings.Severity.Product", NULL };
static const char *const label_paths[] = {
	"detail.findings.FindingProviderFields.Severity.Label",
	"detail.findings.ProductFields.aws/securityhub/SeverityLabel",
	"detail.findings.Severity.Label",
	"findingsd.severity",
	NULL,
};

struct lint {
	const struct pattern *p;
	struct span text;
	pattern_warning_fn *on_warning;
	void *arg;
};

static bool
is_in(struct span s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (span_eq_str(s, *list))
			return true;
	return false;
}

static size_t
length(const char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

static const char *
nearest(struct span s, const char *const *list)
{
	char text[128];

	if (s.len >= sizeof(text))
		return NULL;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return str_nearest(text, list, length(list));
}

static void __attribute__((format(printf, 4, 5)))
warn(const struct lint *l, const struct condition *c, size_t offset, const char *fmt, ...)
{
	struct pattern_where where = { 0, 0, "" };
	struct span path = l->p->paths[c->path];
	size_t n = str_utf8_cut(path.p, path.len, sizeof(where.path) - 1);
	char what[ERR_TEXT_BYTES], text[ERR_TEXT_BYTES + 320];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	memcpy(where.path, path.p, n);
	scan_position(l->text, offset, &where.line, &where.column);
	(void)snprintf(text, sizeof(text), "%u:%u: %s: %s", where.line, where.column, where.path,
	               what);
	l->on_warning(l->arg, &where, text);
}

static void
warn_unknown(const struct lint *l, const struct condition *c, struct span name,
             const char *const *known, const char *where)
{
	const char *near = nearest(name, known);
	int len = name.len > 80 ? 80 : (int)name.len;

	if (near != NULL)
		warn(l, c, c->offset, "%s no field \"%.*s\" (did you mean \"%s\"?)", where, len,
		     name.p, near);
	else
		warn(l, c, c->offset, "%s no field \"%.*s\"", where, len, name.p);
}

/* The n-th name of a path; empty when there are not so many. */
static struct span
name_at(struct span path, unsigned n)
{
	const char *end = path.p + path.len;

	for (;; n--) {
		const char *dot = memchr(path.p, '.', path.len);
		if (n == 0)
			return (struct span){ path.p,
				              dot == NULL ? path.len : (size_t)(dot - path.p) };
		if (dot == NULL)
			return (struct span){ end, 0 };
		path = (struct span){ dot + 1, (size_t)(end - dot - 1) };
	}
}

/* Only if every test wants the field to be there. */
static bool
wants_value(const struct condition *c)
{
	for (size_t i = 0; i < c->test_count; i++)
		if (c->tests[i].kind == TEST_ABSENT)
			return false;
	return true;
}

/* What a clause says about its source: -1 nothing, else bits of sources[] that it can match. */
static int
sources_of(const struct pattern *p, const struct clause *c)
{
	int bits = 0;

	for (size_t i = 0; i < c->path_count; i++) {
		const struct condition *x = c->by_path[i];
		if (x == NULL || !span_eq_str(p->paths[i], "source"))
			continue;
		for (unsigned k = 0; sources[k] != NULL; k++) {
			struct leaf leaf = { true, span_of(sources[k]) };
			for (size_t t = 0; t < x->test_count; t++)
				if (test_holds(&x->tests[t], &leaf))
					bits |= 1 << k;
		}
		return bits;
	}
	return -1;
}

static void
lint_names(const struct lint *l, const struct condition *c, int source_bits)
{
	struct span path = l->p->paths[c->path];
	struct span top = name_at(path, 0), second = name_at(path, 1), third = name_at(path, 2);

	if (!is_in(top, top_names)) {
		warn_unknown(l, c, top, top_names, "events have");
		return;
	}
	if (!span_eq_str(top, "detail") || source_bits < 0)
		return;
	if (source_bits == 1 && !is_in(second, guardduty_names))
		warn_unknown(l, c, second, guardduty_names, "the detail of GuardDuty's events has");
	if (source_bits == 2 && !span_eq_str(second, "findings"))
		warn(l, c, c->offset,
		     "the detail of Security Hub's events has no field \"%.*s\"; the finding "
		     "is at detail.findings",
		     (int)(second.len > 80 ? 80 : second.len), second.p);
	else if (source_bits == 2 && third.len > 0 && !is_in(third, asff_names))
		warn_unknown(l, c, third, asff_names, "Security Hub's findings have");
}

/* A field with few possible values: one of them has to be matched. */
static void
lint_values(const struct lint *l, const struct condition *c, const char *const *known,
            const char *what)
{
	for (size_t t = 0; t < c->test_count; t++) {
		for (size_t k = 0; known[k] != NULL; k++) {
			struct leaf leaf = { true, span_of(known[k]) };
			if (test_holds(&c->tests[t], &leaf))
				return;
		}
	}
	for (size_t t = 0; t < c->test_count; t++) {
		const char *near =
			c->tests[t].kind == TEST_STRING ? nearest(c->tests[t].text, known) : NULL;
		if (near != NULL) {
			warn(l, c, c->tests[t].offset,
			     "findingsd has no %s \"%.*s\" (did you mean \"%s\"?)", what,
			     (int)(c->tests[t].text.len > 80 ? 80 : c->tests[t].text.len),
			     c->tests[t].text.p, near);
			return;
		}
	}
	if (wants_value(c))
		warn(l, c, c->offset, "this matches no %s that findingsd has", what);
}

static void
lint_types(const struct lint *l, const struct condition *c)
{
	struct span path = l->p->paths[c->path];
	bool is_string = is_in(path, string_paths), is_number = is_in(path, number_paths);

	for (size_t t = 0; t < c->test_count; t++) {
		enum test_kind kind = c->tests[t].kind;
		if (is_string &&
		    (kind == TEST_NUMBER || kind == TEST_RANGE || kind == TEST_NUMBER_TEXT))
			warn(l, c, c->tests[t].offset,
			     "a number never equals this field: it holds strings");
		if (is_number &&
		    (kind <= TEST_TOKEN || (kind >= TEST_ADDRESS && kind <= TEST_WILDCARD)))
			warn(l, c, c->tests[t].offset,
			     "a string never equals this field: it holds numbers");
	}
}

/* A list of severities that goes up to HIGH: CRITICAL would be missed. */
static void
lint_labels(const struct lint *l, const struct condition *c)
{
	bool has_high = false;

	if (!is_in(l->p->paths[c->path], label_paths))
		return;
	for (size_t t = 0; t < c->test_count; t++) {
		struct leaf critical = { true, SPAN_LIT("CRITICAL") };
		if (test_holds(&c->tests[t], &critical))
			return;
		has_high |=
			c->tests[t].kind == TEST_STRING && span_eq_str(c->tests[t].text, "HIGH");
	}
	if (has_high)
		warn(l, c, c->offset,
		     "the list stops below \"CRITICAL\": the gravest findings would not match");
}

static void
lint_condition(const struct lint *l, const struct condition *c, int source_bits)
{
	struct span path = l->p->paths[c->path];

	lint_names(l, c, source_bits);
	if (span_eq_str(path, "source"))
		lint_values(l, c, sources, "source");
	else if (span_eq_str(path, "detail-type"))
		lint_values(l, c, detail_types, "detail-type");
	lint_types(l, c);
	lint_labels(l, c);
}

/* Conditions are shared by clauses: each is looked at once, where it occurs first. */
static bool
was_seen(const struct pattern *p, size_t clause, size_t path, const struct condition *c)
{
	if (clause > 0 && clause < 64)
		for (size_t i = 0; i < clause; i++)
			if (path < p->clauses[i].path_count && p->clauses[i].by_path[path] == c)
				return true;
	return clause >= 64;
}

void
pattern_lint(const struct pattern *p, struct span text, pattern_warning_fn *on_warning, void *arg)
{
	struct lint l = { p, text, on_warning, arg };

	for (size_t i = 0; i < p->clause_count; i++) {
		const struct clause *c = &p->clauses[i];
		int source_bits = sources_of(p, c);
		for (size_t k = 0; k < c->path_count; k++)
			if (c->by_path[k] != NULL && !was_seen(p, i, k, c->by_path[k]))
				lint_condition(&l, c->by_path[k], source_bits);
	}
	if (p->clause_count > EVENTBRIDGE_COMBINATIONS_MAX) {
		struct pattern_where where = { 1, 1, "" };
		on_warning(
			arg, &where,
			"1:1: \"$or\" multiplies out to over 1000 combinations, which EventBridge refuses");
	}
}
