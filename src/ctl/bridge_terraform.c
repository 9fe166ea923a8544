/*
 * bridge_terraform: what Terraform writes and reads in JSON. See bridge.h.
 *
 * Of a state and a plan the values are known. In *.tf.json they may be expressions, which only Terraform can evaluate:
 * a reference from one of the resources to another is followed, anything else is said to be one.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/bridge_in.h"

enum { MODULE_DEPTH_MAX = 32 };

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
/* A block is a list of one in values, and may be an object in *.tf.json. */
#define TARGET_BLOCK(block, name, field) \
	TARGET(block "." name, field), TARGET(block ".[0]." name, field)

static const struct bridge_text rule_texts[] = {
	RULE("name", name),
	RULE("arn", arn),
	RULE("event_bus_name", bus),
	RULE("description", description),
	RULE("schedule_expression", schedule),
	RULE("event_pattern", pattern),
	{ NULL, 0 },
};

static const struct bridge_text target_texts[] = {
	TARGET("rule", rule_name),
	TARGET("event_bus_name", bus),
	TARGET("target_id", id),
	TARGET("arn", arn),
	TARGET("role_arn", role_arn),
	TARGET("input", input),
	TARGET("input_path", input_path),
	TARGET_BLOCK("input_transformer", "input_template", template),
	TARGET_BLOCK("dead_letter_config", "arn", dead_letter_arn),
	TARGET_BLOCK("retry_policy", "maximum_event_age_in_seconds", max_age_s),
	TARGET_BLOCK("retry_policy", "maximum_retry_attempts", max_attempts),
	{ NULL, 0 },
};
static const struct bridge_map target_maps[] = {
	TARGET_BLOCK("input_transformer", "input_paths", paths),
	TARGET_BLOCK("http_target", "header_parameters", headers),
	TARGET_BLOCK("http_target", "query_string_parameters", query),
	{ NULL, 0 },
};

static const struct bridge_text destination_texts[] = {
	DESTINATION("arn", arn),
	DESTINATION("name", name),
	DESTINATION("invocation_endpoint", url),
	DESTINATION("http_method", method),
	DESTINATION("invocation_rate_limit_per_second", rate),
	{ NULL, 0 },
};
static const struct bridge_map no_maps[] = { { NULL, 0 } };

/* One resource: its type, its name in Terraform, its values. */
struct resource {
	const char *type, *label, *module;
	struct span values;
	bool is_source; /* of a *.tf.json: values may be expressions */
};

/* Does a text hold ${...} or %{...} that is not doubled to stand for itself? */
static bool
is_expression(const char *s)
{
	for (; s[0] != '\0'; s++)
		if ((s[0] == '$' || s[0] == '%') && s[1] == '{')
			return true;
		else if ((s[0] == '$' || s[0] == '%') && s[1] == s[0] && s[2] == '{')
			s += 2;
	return false;
}

/* A text of a *.tf.json as Terraform takes it; "" where it is an expression. */
static void
evaluate(char **field)
{
	char *to = *field;

	if (is_expression(*field)) {
		to[0] = '\0';
		return;
	}
	for (const char *from = *field; from[0] != '\0'; from++) {
		if ((from[0] == '$' || from[0] == '%') && from[1] == from[0] && from[2] == '{')
			from++;
		*to++ = from[0];
	}
	*to = '\0';
}

/* "${TYPE.LABEL.name}" -> "LABEL"; "" for anything else. Caller frees. */
static char *
referred(const char *s, const char *type)
{
	size_t n = strlen(type);

	if (!str_starts(s, "${") || strncmp(s + 2, type, n) != 0 || s[2 + n] != '.')
		return mem_strdup("");
	s += 2 + n + 1;
	n = strcspn(s, ".[");
	return s[n] == '\0' || strchr(s, '}') == NULL || strchr(s, '}')[1] != '\0'
	               ? mem_strdup("")
	               : mem_strndup(s, n);
}

static void
evaluate_pairs(struct bridge_pairs *p)
{
	for (size_t i = 0; i < p->count; i++)
		evaluate(&p->items[i].value);
}

static void
evaluate_target(struct bridge_target *t)
{
	char **const texts[] = { &t->rule_name,       &t->bus,       &t->id,          &t->arn,
		                 &t->role_arn,        &t->input,     &t->input_path,  &t->template,
		                 &t->dead_letter_arn, &t->max_age_s, &t->max_attempts };

	mem_free(t->rule_label);
	t->rule_label = referred(t->rule_name, "aws_cloudwatch_event_rule");
	mem_free(t->arn_label);
	t->arn_label = referred(t->arn, "aws_cloudwatch_event_api_destination");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		evaluate(texts[i]);
	evaluate_pairs(&t->paths);
	evaluate_pairs(&t->headers);
	evaluate_pairs(&t->query);
}

static void
evaluate_rule(struct bridge_rule *r)
{
	char **const texts[] = { &r->name,        &r->arn,      &r->bus,
		                 &r->description, &r->schedule, &r->pattern };

	if (is_expression(r->pattern))
		bridge_set(&r->trouble,
		           "its event_pattern is an expression that only Terraform can evaluate: "
		           "give what `terraform show -json` prints");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		evaluate(texts[i]);
}

/* state = "DISABLED"; is_enabled = false in older ones. */
static bool
is_disabled(struct span values)
{
	char *state = bridge_member_text(values, "state");
	char *enabled = bridge_member_text(values, "is_enabled");
	bool result = strcmp(state, "DISABLED") == 0 ||
	              (state[0] == '\0' && strcmp(enabled, "false") == 0);

	mem_free(state);
	mem_free(enabled);
	return result;
}

static void
take_rule(struct bridge *b, const struct resource *r)
{
	struct bridge_rule *rule = bridge_add_rule(b);

	bridge_fill(r->values, rule_texts, no_maps, rule);
	bridge_set(&rule->label, r->label);
	bridge_set(&rule->module, r->module);
	rule->is_disabled = is_disabled(r->values);
	if (r->is_source)
		evaluate_rule(rule);
	if (rule->name[0] == '\0')
		bridge_set(&rule->name, r->label);
	if (rule->pattern[0] == '\0' && rule->schedule[0] == '\0' && rule->trouble[0] == '\0')
		bridge_set(&rule->trouble,
		           "its event_pattern is not known before `terraform apply`: give what "
		           "`terraform show -json` prints afterwards");
}

static void
take_target(struct bridge *b, const struct resource *r)
{
	struct bridge_target *t = bridge_add_target(b);

	bridge_fill(r->values, target_texts, target_maps, t);
	bridge_set(&t->module, r->module);
	if (t->id[0] == '\0')
		bridge_set(&t->id, r->label);
	if (r->is_source)
		evaluate_target(t);
}

static void
take_destination(struct bridge *b, const struct resource *r)
{
	struct bridge_destination *d = bridge_add_destination(b);

	bridge_fill(r->values, destination_texts, no_maps, d);
	bridge_set(&d->label, r->label);
	if (r->is_source) {
		evaluate(&d->name);
		evaluate(&d->url);
		evaluate(&d->method);
		evaluate(&d->rate);
	}
}

static void
take(struct bridge *b, const struct resource *r)
{
	if (scan_kind_of(r->values) != SCAN_OBJECT_BEGIN)
		return;
	if (strcmp(r->type, "aws_cloudwatch_event_rule") == 0)
		take_rule(b, r);
	else if (strcmp(r->type, "aws_cloudwatch_event_target") == 0)
		take_target(b, r);
	else if (strcmp(r->type, "aws_cloudwatch_event_api_destination") == 0)
		take_destination(b, r);
}

/* One of "resources": of values {type, name, values}, of a state file {type, name, module, instances}. */
static void
read_resource(struct bridge *b, struct span object, const char *module_of_values)
{
	char *type = bridge_member_text(object, "type"),
	     *label = bridge_member_text(object, "name");
	char *mode = bridge_member_text(object, "mode"), *module;
	struct resource r = { .type = type, .label = label, .module = module_of_values };
	struct scan_array a;
	struct span raw;

	module = bridge_member_text(object, "module");
	if (module[0] != '\0')
		r.module = module;
	if (strcmp(mode, "data") == 0) {
		;
	} else if (bridge_member(object, "values", &r.values)) {
		take(b, &r);
	} else if (bridge_member(object, "instances", &raw)) {
		for (bool more = scan_array_first(&a, raw, &raw); more;
		     more = scan_array_next(&a, &raw))
			if (bridge_member(raw, "attributes", &r.values))
				take(b, &r);
	}
	mem_free(type);
	mem_free(label);
	mem_free(mode);
	mem_free(module);
}

static void
read_resources(struct bridge *b, struct span holder, const char *module)
{
	struct scan_array a;
	struct span list, raw;

	if (!bridge_member(holder, "resources", &list))
		return;
	for (bool more = scan_array_first(&a, list, &raw); more; more = scan_array_next(&a, &raw))
		if (scan_kind_of(raw) == SCAN_OBJECT_BEGIN)
			read_resource(b, raw, module);
}

/* A module of values: its resources, then its child_modules. */
static int
read_module(struct bridge *b, struct span object, unsigned depth, struct err *e)
{
	char *address = bridge_member_text(object, "address");
	struct scan_array a;
	struct span list, raw;
	int result = 0;

	read_resources(b, object, address);
	mem_free(address);
	if (!bridge_member(object, "child_modules", &list))
		return 0;
	if (depth == MODULE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "Terraform modules nest deeper than %d",
		               MODULE_DEPTH_MAX);
	for (bool more = scan_array_first(&a, list, &raw); more && result == 0;
	     more = scan_array_next(&a, &raw))
		if (scan_kind_of(raw) == SCAN_OBJECT_BEGIN)
			result = read_module(b, raw, depth + 1, e);
	return result;
}

/* "resource" of a *.tf.json: {TYPE: {LABEL: BODY}}, each level an object or a list of them. */
static void
read_source(struct bridge *b, struct span raw, unsigned level, struct resource *r)
{
	struct bridge_members m;
	struct scan_array a;
	struct span name;

	if (scan_kind_of(raw) == SCAN_ARRAY_BEGIN) {
		for (bool more = scan_array_first(&a, raw, &raw); more;
		     more = scan_array_next(&a, &raw))
			if (scan_kind_of(raw) == SCAN_OBJECT_BEGIN)
				read_source(b, raw, level, r);
		return;
	}
	if (level == 2) {
		r->values = raw;
		take(b, r);
		return;
	}
	for (bool more = bridge_members_first(&m, raw, &name, &raw); more;
	     more = bridge_members_next(&m, &name, &raw)) {
		struct buf text = { .len = 0 };
		(void)scan_unescape(name, &text);
		*(level == 0 ? &r->type : &r->label) = text.data == NULL ? "" : text.data;
		read_source(b, raw, level + 1, r);
		buf_done(&text);
	}
}

bool
bridge_read_terraform(struct bridge *b, struct span object, struct err *e, int *ret)
{
	struct resource r = { .type = "", .label = "", .module = "", .is_source = true };
	struct span values, root;

	*ret = 0;
	if (bridge_member(object, "planned_values", &values) ||
	    bridge_member(object, "values", &values)) {
		if (bridge_member(values, "root_module", &root))
			*ret = read_module(b, root, 0, e);
	} else if (bridge_member(object, "resources", &values)) {
		read_resources(b, object, "");
	} else if (bridge_member(object, "resource", &values)) {
		read_source(b, values, 0, &r);
	} else if (!bridge_member(object, "format_version", &values)) {
		return false;
	}
	if (*ret == 0)
		b->fresh = 0;
	return true;
}
