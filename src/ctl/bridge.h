/*
 * bridge: EventBridge rules and their targets, as the tools that list them write them.
 *
 * Read are, told apart by their members, any number of JSON texts one after the other:
 *	aws events describe-rule, list-rules, list-targets-by-rule (after the rule it belongs to),
 *	aws events describe-api-destination, list-api-destinations,
 *	Terraform: terraform show -json (of a state or a plan), a state file, *.tf.json,
 *	and a JSON array of such.
 * Shapes: botocore's model of "events" (2015-10-07); Terraform's "JSON Output Format" 1.x and state format 4; the AWS
 * provider's aws_cloudwatch_event_rule, _target and _api_destination.
 *
 * Nothing is judged here. What cannot be read is said in a rule's or target's trouble.
 */
#ifndef FD_CTL_BRIDGE_H
#define FD_CTL_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

struct bridge_pair {
	char *name, *value;
};

struct bridge_pairs {
	struct bridge_pair *items;
	size_t count;
};

/* Strings are never NULL; "" = not given. */
struct bridge_rule {
	char *name;
	char *label;  /* Terraform's address within its module, "" for the others */
	char *module; /* Terraform's module, "" = root */
	char *arn, *bus, *description, *schedule, *managed_by;
	char *pattern; /* JSON text, as it came */
	char *trouble; /* why it cannot be used: "its event_pattern is a Terraform expression" */
	bool is_disabled;
};

struct bridge_target {
	size_t rule;      /* index into rules, or BRIDGE_NO_RULE */
	char *rule_name;  /* as Terraform has it, to find the rule by */
	char *rule_label; /* or by this */
	char *module, *bus;
	char *id, *arn,
		*arn_label; /* arn_label: Terraform's reference, where the ARN is not known */
	char *input, *input_path, *template; /* template: of InputTransformer */
	struct bridge_pairs paths;           /* InputPathsMap */
	struct bridge_pairs headers, query;  /* HttpParameters */
	char *dead_letter_arn, *role_arn;
	char *max_age_s, *max_attempts; /* RetryPolicy: digits, or "" */
};
#define BRIDGE_NO_RULE ((size_t)-1)

/* An API destination: where a webhook goes. */
struct bridge_destination {
	char *arn, *label, *name, *url, *method;
	char *rate; /* requests per second: digits, or "" */
};

/* Zero-initialised is empty. */
struct bridge {
	struct bridge_rule *rules;
	size_t rule_count;
	struct bridge_target *targets;
	size_t target_count;
	struct bridge_destination *destinations;
	size_t destination_count;
	bool is_cut;  /* a list said that it goes on (NextToken) */
	size_t fresh; /* private: rules that the text with rules read last had */
};

/* Add what text holds. -1 with e: "line L, column C: ...", or what the text is instead. */
int bridge_read(struct bridge *b, struct span text, struct err *e);

/* Say of each target which rule it belongs to. After all texts were read. */
void bridge_link(struct bridge *b);

/* The destination that a target's ARN names; NULL when it is not among what was read. */
const struct bridge_destination *bridge_destination_of(const struct bridge *b,
                                                       const struct bridge_target *t);
void bridge_done(struct bridge *b);

#endif
