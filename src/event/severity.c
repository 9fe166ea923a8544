/*
 * severity: one scale for all products, and the names of what a finding says about itself.
 *
 * Total: every real number and every label lands somewhere, none is dropped (ASKS R23).
 */
#include "config.h"

#include <string.h>

#include "event/finding.h"

static const char *const severity_names[] = {
	[SEVERITY_INFORMATIONAL] = "INFORMATIONAL",
	[SEVERITY_LOW] = "LOW",
	[SEVERITY_MEDIUM] = "MEDIUM",
	[SEVERITY_HIGH] = "HIGH",
	[SEVERITY_CRITICAL] = "CRITICAL",
};

const char *
severity_name(enum severity s)
{
	return s <= SEVERITY_CRITICAL ? severity_names[s] : "HIGH";
}

bool
severity_parse(struct span label, enum severity *ret)
{
	char word[16];

	if (label.len == 0 || label.len >= sizeof(word))
		return false;
	memcpy(word, label.p, label.len);
	word[label.len] = '\0';
	for (int i = 0; i <= SEVERITY_CRITICAL; i++)
		if (str_ieq(word, severity_names[i])) {
			*ret = (enum severity)i;
			return true;
		}
	return false;
}

enum severity
severity_of_guardduty(double number)
{
	if (number < 1)
		return SEVERITY_INFORMATIONAL;
	if (number < 4)
		return SEVERITY_LOW;
	if (number < 7)
		return SEVERITY_MEDIUM;
	/* NaN ends here: not known is HIGH. */
	return number >= 9 ? SEVERITY_CRITICAL : SEVERITY_HIGH;
}

enum severity
severity_of_normalized(double number)
{
	if (number < 1)
		return SEVERITY_INFORMATIONAL;
	if (number < 40)
		return SEVERITY_LOW;
	if (number < 70)
		return SEVERITY_MEDIUM;
	return number >= 90 ? SEVERITY_CRITICAL : SEVERITY_HIGH;
}

const char *
finding_view_name(enum finding_view view)
{
	return view == VIEW_GUARDDUTY ? "guardduty" : "securityhub";
}

const char *
finding_state_name(enum finding_state state)
{
	switch (state) {
	case FINDING_OPEN:
		return "open";
	case FINDING_CLOSED:
		return "closed";
	case FINDING_NEUTRAL:
		return "neutral";
	}
	return "open";
}

int
finding_compare_instant(int64_t a_ms, int32_t a_sub_ns, int64_t b_ms, int32_t b_sub_ns)
{
	if (a_ms != b_ms)
		return a_ms < b_ms ? -1 : 1;
	return a_sub_ns < b_sub_ns ? -1 : a_sub_ns > b_sub_ns;
}
