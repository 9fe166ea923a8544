/*
 * bridge_aws: what `aws events` prints. See bridge.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "ctl/bridge_in.h"

#define RULE(name, field)                                 \
	{                                                 \
		name, offsetof(struct bridge_rule, field) \
	}
#define TARGET(name, field)                                 \
	{                                                   \
		name, offsetof(struct bridge_target, field) \
	}
#define DESTINATION(name, field)                                 \
	{                                                        \
		name, offsetof(struct bridge_destination, field) \
	}

static const struct bridge_text rule_texts[] = {
	RULE("Name", name),
	RULE("Arn", arn),
	RULE("EventBusName", bus),
	RULE("Description", description),
	RULE("ScheduleExpression", schedule),
	RULE("ManagedBy", managed_by),
	RULE("EventPattern", pattern),
	{ NULL, 0 },
};

static const struct bridge_text target_texts[] = {
	TARGET("Id", id),
	TARGET("Arn", arn),
	TARGET("RoleArn", role_arn),
	TARGET("Input", input),
	TARGET("InputPath", input_path),
	TARGET("InputTransformer.InputTemplate", template),
	TARGET("DeadLetterConfig.Arn", dead_letter_arn),
	TARGET("RetryPolicy.MaximumEventAgeInSeconds", max_age_s),
	TARGET("RetryPolicy.MaximumRetryAttempts", max_attempts),
	{ NULL, 0 },
};
static const struct bridge_map target_maps[] = {
	TARGET("InputTransformer.InputPathsMap", paths),
	TARGET("HttpParameters.HeaderParameters", headers),
	TARGET("HttpParameters.QueryStringParameters", query),
	{ NULL, 0 },
};

static const struct bridge_text destination_texts[] = {
	DESTINATION("ApiDestinationArn", arn),
	DESTINATION("Name", name),
	DESTINATION("InvocationEndpoint", url),
	DESTINATION("HttpMethod", method),
	DESTINATION("InvocationRateLimitPerSecond", rate),
	{ NULL, 0 },
};
static const struct bridge_map no_maps[] = { { NULL, 0 } };

static void
read_rule(struct bridge *b, struct span object)
{
	struct bridge_rule *r = bridge_add_rule(b);
	char *state = bridge_member_text(object, "State");

	bridge_fill(object, rule_texts, no_maps, r);
	r->is_disabled = strcmp(state, "DISABLED") == 0;
	mem_free(state);
}

static void
read_target(struct bridge *b, struct span object)
{
	struct bridge_target *t = bridge_add_target(b);

	bridge_fill(object, target_texts, target_maps, t);
	t->rule = b->rule_count - 1;
}

static void
read_destination(struct bridge *b, struct span object)
{
	bridge_fill(object, destination_texts, no_maps, bridge_add_destination(b));
}

/* Each object of a list. */
static int
read_list(struct bridge *b, struct span list, void (*read)(struct bridge *, struct span),
          const char *name, struct err *e)
{
	struct scan_array a;
	struct span element;

	if (scan_kind_of(list) != SCAN_ARRAY_BEGIN)
		return err_set(e, ERR_PARSE, "%s is not a list", name);
	for (bool more = scan_array_first(&a, list, &element); more;
	     more = scan_array_next(&a, &element)) {
		if (scan_kind_of(element) != SCAN_OBJECT_BEGIN)
			return err_set(e, ERR_PARSE, "%s holds something that is no object", name);
		read(b, element);
	}
	return 0;
}

static int
read_targets(struct bridge *b, struct span list, struct err *e)
{
	if (b->fresh != 1)
		return err_set(
			e, ERR_PARSE,
			b->fresh == 0 ? "targets do not say whose they are: give the rule (`aws "
					"events describe-rule`) before them"
				      : "targets do not say whose they are, and %zu rules came "
					"before them: give each rule (`aws events describe-rule`), "
					"then its targets",
			b->fresh);
	return read_list(b, list, read_target, "Targets", e);
}

static int
read_rules(struct bridge *b, struct span list, struct err *e)
{
	size_t before = b->rule_count;
	int result = read_list(b, list, read_rule, "Rules", e);

	b->fresh = b->rule_count - before;
	return result;
}

bool
bridge_read_aws(struct bridge *b, struct span object, struct err *e, int *ret)
{
	struct span raw;
	bool is_known = true;

	*ret = 0;
	if (bridge_member(object, "Rules", &raw)) {
		*ret = read_rules(b, raw, e);
	} else if (bridge_member(object, "Targets", &raw)) {
		*ret = read_targets(b, raw, e);
	} else if (bridge_member(object, "ApiDestinations", &raw)) {
		*ret = read_list(b, raw, read_destination, "ApiDestinations", e);
	} else if (bridge_member(object, "InvocationEndpoint", &raw)) {
		read_destination(b, object);
	} else if (bridge_member(object, "EventPattern", &raw) ||
	           bridge_member(object, "ScheduleExpression", &raw)) {
		read_rule(b, object);
		b->fresh = 1;
	} else {
		is_known = false;
	}
	b->is_cut |= is_known && bridge_member(object, "NextToken", &raw) &&
	             scan_kind_of(raw) == SCAN_STRING;
	return is_known;
}
