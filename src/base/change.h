/*
 * change: what a notice says happened to a finding.
 *
 * The numbers are stored in the outbox: add at the end only. Sets are bit sets, CHANGE_BIT(change).
 */
#ifndef FD_BASE_CHANGE_H
#define FD_BASE_CHANGE_H

#include <stdbool.h>

#include "base/str.h"

enum change {
	CHANGE_CREATED = 0,
	CHANGE_SEVERITY_RAISED,
	CHANGE_REOPENED,
	CHANGE_RESOLVED,
	CHANGE_UPDATED,
	CHANGE_REPEAT,
	CHANGE_DIGEST, /* of no single finding: many notices told as one */
	CHANGE_COUNT,
};

#define CHANGE_BIT(change) (1u << (unsigned)(change))
/* What a rule is told unless it says otherwise. */
#define CHANGE_DEFAULT                                                     \
	(CHANGE_BIT(CHANGE_CREATED) | CHANGE_BIT(CHANGE_SEVERITY_RAISED) | \
	 CHANGE_BIT(CHANGE_REOPENED) | CHANGE_BIT(CHANGE_RESOLVED))

/* "created", "severity_raised", ...; "unknown" for a number that is none. Never NULL. */
const char *change_name(enum change change);

/* The name's change. false: no such name, *ret untouched. */
bool change_parse(struct span name, enum change *ret);

#endif
