/*
 * rule: what a rule wants to be told, and where: its policy, compiled for deciding.
 *
 * The pattern is not here: match says which rules match, by index, and this table says what follows from it. A policy set
 * is immutable once made and holds copies of everything; it is part of the plan and may be read from the store's thread.
 */
#ifndef FD_ROUTE_RULE_H
#define FD_ROUTE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/change.h"
#include "base/err.h"
#include "base/str.h"

enum { RULE_NAME_MAX = 64, RULE_SINKS_MAX = 16, RULE_PATHS_MAX = 8 };

/* One rule's wishes. As input everything is borrowed; inside a set the strings belong to the set. */
struct rule_policy {
	const char *name;
	const char *const *sinks; /* names, in file order */
	size_t sink_count;
	unsigned on;        /* CHANGE_BIT(c) of each change it wants to be told */
	bool is_apart;      /* merge = false: notices of its own */
	bool is_start_open; /* start = "open": told also what was there before the rule was */
	int64_t start_ms; /* added by a reload then: what was created before is silent; 0 = the source's start decides */
	int64_t repeat_interval_ms; /* 0 = never */
	double repeat_backoff;      /* each repeat waits so much longer, >= 1 */
	uint64_t min_count;         /* silent until seen so often; 0 and 1 = at once */
	uint32_t
		flap_count; /* reopened more often than this within flap_ms: told once, then held; 0 = never held */
	int64_t flap_ms;
	const char *const
		*collapse_by; /* dotted paths: see collapse.h; none = each finding for itself */
	size_t collapse_count;
	uint64_t key; /* filled by the set: hash of the name, never 0 */
};

struct rule_set;

/* policies[i] belongs to the rule of index i in the machine. 0, or -1 with e (ERR_CONFIG: two names with one key, too many sinks). */
int rule_set_new(const struct rule_policy *policies, size_t count, struct rule_set **ret,
                 struct err *e);
void rule_set_free(struct rule_set *set);

/* At least one rule has collapse_by: else nobody needs to look for values. */
bool rule_set_collapses(const struct rule_set *set);

size_t rule_set_count(const struct rule_set *set);
const struct rule_policy *rule_set_at(const struct rule_set *set, size_t index);
/* By name; NULL when the set has none: it was removed. ret_index may be NULL. */
const struct rule_policy *rule_set_find(const struct rule_set *set, struct span name,
                                        size_t *ret_index);

/* The key that stands for a rule's name in outbox groups. */
uint64_t rule_key(struct span name);

#endif
