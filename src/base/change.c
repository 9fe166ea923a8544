/*
 * change: names of changes. See change.h.
 */
#include "config.h"

#include "base/change.h"

static const char *const names[CHANGE_COUNT] = {
	[CHANGE_CREATED] = "created",   [CHANGE_SEVERITY_RAISED] = "severity_raised",
	[CHANGE_REOPENED] = "reopened", [CHANGE_RESOLVED] = "resolved",
	[CHANGE_UPDATED] = "updated",   [CHANGE_REPEAT] = "repeat",
	[CHANGE_DIGEST] = "digest",
};

const char *
change_name(enum change change)
{
	return (unsigned)change < CHANGE_COUNT ? names[change] : "unknown";
}

bool
change_parse(struct span name, enum change *ret)
{
	for (unsigned i = 0; i < CHANGE_COUNT; i++) {
		if (span_eq_str(name, names[i])) {
			*ret = (enum change)i;
			return true;
		}
	}
	return false;
}
