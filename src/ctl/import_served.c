/*
 * import_served: can the events that a rule asks for come to findingsd? See import_in.h.
 *
 * Asked is the matcher itself: the rule's conditions on source and detail-type alone, against the events that findingsd
 * makes. So every operator counts, not only texts.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/import_in.h"
#include "match/pattern.h"
#include "json/scan.h"

static const struct event_kind {
	const char *source, *detail_type;
} kinds[] = { { "aws.guardduty", "GuardDuty Finding" },
	      { "aws.securityhub", "Security Hub Findings - Imported" } };

/* What is known about texts that findingsd's events never have. */
static const struct advice {
	const char *text, *advice;
} source_advice[] = {
	{ "aws.inspector2", "Inspector" }, { "aws.inspector", "Inspector" },
	{ "aws.macie", "Macie" },          { "aws.access-analyzer", "IAM Access Analyzer" },
	{ "aws.config", "Config" },        { "aws.health", "Health" },
	{ "aws.fms", "Firewall Manager" }, { NULL, NULL },
};

static const struct advice type_advice[] = {
	{ "Security Hub Findings - Custom Action",
	  "are made when a person presses a button in the console, and no API lists them: keep the "
	  "rule in EventBridge" },
	{ "Security Hub Insight Results",
	  "are made when a person presses a button in the console, and no API lists them: keep the "
	  "rule in EventBridge" },
	{ "Findings Imported V2",
	  "carry OCSF; findingsd reads ASFF: ask for \"Security Hub Findings - Imported\" and "
	  "rewrite the fields" },
	{ "AWS API Call via CloudTrail",
	  "are API calls, not findings: keep the rule in EventBridge" },
	{ NULL, NULL },
};

/* Does the pattern's condition on a field hold for a text? */
static bool
holds(struct span conditions, const char *field, const char *text)
{
	struct buf pattern = { .len = 0 }, event = { .len = 0 }, why = { .len = 0 };
	struct pattern *p;
	bool result;
	struct err e;

	(void)buf_printf(&pattern, "{\"%s\":%.*s}", field, SPAN_FMT(conditions));
	(void)buf_printf(&event, "{\"%s\":\"%s\"}", field, text);
	p = pattern_parse((struct span){ pattern.data, pattern.len }, NULL, &e);
	result = p == NULL ||
	         pattern_explain(p, (struct span){ event.data, event.len }, &why, &e) != 0;
	pattern_free(p);
	buf_done(&pattern);
	buf_done(&event);
	buf_done(&why);
	return result;
}

static const char *
advice_of(const struct advice *a, const char *text)
{
	for (; a->text != NULL; a++)
		if (strcmp(a->text, text) == 0)
			return a->advice;
	return NULL;
}

static void
note_source(struct import_rule *r, const char *text)
{
	const char *product = advice_of(source_advice, text);

	if (product != NULL)
		import_note(
			&r->notes,
			"events of %s do not come to findingsd, but its findings do where Security "
			"Hub takes them in: ask for source aws.securityhub and "
			"detail.findings.ProductName \"%s\"",
			text, product);
	else
		import_note(&r->notes,
		            "events of %s do not come to findingsd, which polls the findings of "
		            "GuardDuty and Security Hub: keep a rule for them in EventBridge",
		            text);
}

static void
note_type(struct import_rule *r, const char *text)
{
	const char *advice = advice_of(type_advice, text);

	import_note(&r->notes, "\"%s\" events %s", text,
	            advice != NULL ? advice
	                           : "do not come to findingsd, which polls findings: keep a rule "
	                             "for them in EventBridge");
}

/* The texts of a list that no event of ours has. Returns how many. */
static size_t
note_texts(struct import_rule *r, struct span conditions, bool is_source)
{
	struct scan_array a;
	struct span element;
	size_t n = 0;

	for (bool more = scan_array_first(&a, conditions, &element); more;
	     more = scan_array_next(&a, &element)) {
		struct span escaped;
		struct buf text = { .len = 0 };
		bool is_ours = false;
		if (!scan_string_of(element, &escaped))
			continue;
		(void)scan_unescape(escaped, &text);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			is_ours |= strcmp(text.data == NULL ? "" : text.data,
			                  is_source ? kinds[i].source : kinds[i].detail_type) == 0;
		if (!is_ours && text.data != NULL) {
			(is_source ? note_source : note_type)(r, text.data);
			n++;
		}
		buf_done(&text);
	}
	return n;
}

bool
import_is_served(struct import_rule *r)
{
	struct span pattern = span_of(r->pattern), source, type;
	bool has_source = scan_get(pattern, (const char *const[]){ "source" }, 1, &source);
	bool has_type = scan_get(pattern, (const char *const[]){ "detail-type" }, 1, &type);
	/* alternatives may ask for other sources: such a pattern is left to lint */
	bool is_served = scan_get(pattern, (const char *const[]){ "$or" }, 1, &(struct span){ 0 });
	size_t told = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		is_served |= (!has_source || holds(source, "source", kinds[i].source)) &&
		             (!has_type || holds(type, "detail-type", kinds[i].detail_type));
	if (has_source)
		told += note_texts(r, source, true);
	if (has_type && told == 0)
		told += note_texts(r, type, false);
	if (!is_served && told == 0)
		import_note(&r->notes,
		            "its source and detail-type fit no event of findingsd, which polls the "
		            "findings of GuardDuty and Security Hub: keep the rule in EventBridge");
	return is_served;
}
