/*
 * collapse: what a rule's collapse_by finds in an event: findings with equal values are one alert.
 *
 * A path is names with dots between, as in a pattern: arrays on the way are looked through, so detail.findings.Resources.Id has the
 * ids of all resources. Of several values the order and repeats do not count; only the first COLLAPSE_VALUES_MAX do. Strings
 * are compared decoded, everything else as it is spelled. A name with a dot in it cannot be written.
 *
 * A finding in which one of the paths has no value (missing, or null) has none: it is told for itself. Else a rule for controls
 * would make one alert of all that is no control.
 *
 * Pure, any thread.
 */
#ifndef FD_ROUTE_COLLAPSE_H
#define FD_ROUTE_COLLAPSE_H

#include "base/str.h"
#include "route/lifecycle.h"
#include "route/rule.h"

enum {
	COLLAPSE_VALUES_MAX = 64, /* of one path */
	COLLAPSE_NESTED_MAX =
		4, /* arrays directly in arrays that are looked through; deeper ones are values */
};

/*
 * The value of an event, as patterns see it, for one rule: of what its paths hold, of the sinks it tells (one alert has the same
 * listeners from its first notice to its last), and of the rule itself where it stands apart. The paths' order counts. A sample is
 * never equal to what is none: a sink that drops samples would miss what joined one.
 */
void collapse_value(const struct rule_policy *rule, struct span event, struct lifecycle_value *ret);

#endif
