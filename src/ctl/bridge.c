/*
 * bridge: see bridge.h. The lists, the texts one after the other, and which target belongs to which rule.
 */
#include "config.h"

#include "ctl/bridge.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "ctl/bridge_in.h"

#define RULE(field)        offsetof(struct bridge_rule, field)
#define TARGET(field)      offsetof(struct bridge_target, field)
#define DESTINATION(field) offsetof(struct bridge_destination, field)

static const size_t rule_strings[] = {
	RULE(name),        RULE(label),    RULE(module),     RULE(arn),     RULE(bus),
	RULE(description), RULE(schedule), RULE(managed_by), RULE(pattern), RULE(trouble),
};
static const size_t target_strings[] = {
	TARGET(rule_name),  TARGET(rule_label),   TARGET(module),          TARGET(bus),
	TARGET(id),         TARGET(arn),          TARGET(arn_label),       TARGET(input),
	TARGET(input_path), TARGET(template),     TARGET(dead_letter_arn), TARGET(role_arn),
	TARGET(max_age_s),  TARGET(max_attempts),
};
static const size_t destination_strings[] = {
	DESTINATION(arn), DESTINATION(label),  DESTINATION(name),
	DESTINATION(url), DESTINATION(method), DESTINATION(rate),
};
static const size_t target_pairs[] = { TARGET(paths), TARGET(headers), TARGET(query) };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char **
string_at(void *base, size_t offset)
{
	return (char **)(void *)((char *)base + offset);
}

/* One more element of a list, all its strings "". */
static void *
add(void *list, size_t *count, size_t bytes, const size_t *strings, size_t string_count)
{
	void **items = list;
	char *item;

	*items = mem_reallocn(*items, *count + 1, bytes);
	item = (char *)*items + (*count)++ * bytes;
	memset(item, 0, bytes);
	for (size_t i = 0; i < string_count; i++)
		*string_at(item, strings[i]) = mem_strdup("");
	return item;
}

struct bridge_rule *
bridge_add_rule(struct bridge *b)
{
	return add(&b->rules, &b->rule_count, sizeof(*b->rules), rule_strings, COUNT(rule_strings));
}

struct bridge_target *
bridge_add_target(struct bridge *b)
{
	struct bridge_target *t = add(&b->targets, &b->target_count, sizeof(*b->targets),
	                              target_strings, COUNT(target_strings));

	t->rule = BRIDGE_NO_RULE;
	return t;
}

struct bridge_destination *
bridge_add_destination(struct bridge *b)
{
	return add(&b->destinations, &b->destination_count, sizeof(*b->destinations),
	           destination_strings, COUNT(destination_strings));
}

static void
free_strings(void *item, const size_t *strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(*string_at(item, strings[i]));
}

static void
free_pairs(struct bridge_pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		mem_free(p->items[i].name);
		mem_free(p->items[i].value);
	}
	mem_free(p->items);
}

void
bridge_done(struct bridge *b)
{
	for (size_t i = 0; i < b->rule_count; i++)
		free_strings(&b->rules[i], rule_strings, COUNT(rule_strings));
	for (size_t i = 0; i < b->target_count; i++) {
		free_strings(&b->targets[i], target_strings, COUNT(target_strings));
		for (size_t k = 0; k < COUNT(target_pairs); k++)
			free_pairs((void *)((char *)&b->targets[i] + target_pairs[k]));
	}
	for (size_t i = 0; i < b->destination_count; i++)
		free_strings(&b->destinations[i], destination_strings, COUNT(destination_strings));
	mem_free(b->rules);
	mem_free(b->targets);
	mem_free(b->destinations);
	*b = (struct bridge){ .rule_count = 0 };
}

/* Something with names, but none that is known: what it looks like. */
static int
refuse(struct span object, struct err *e)
{
	struct span raw;

	if (bridge_member(object, "source", &raw) || bridge_member(object, "detail-type", &raw) ||
	    bridge_member(object, "detail", &raw))
		return err_set(
			e, ERR_PARSE,
			"this is an event pattern, not a rule: name the file as pattern_file "
			"in a rule of your own");
	if (bridge_member(object, "AWSTemplateFormatVersion", &raw) ||
	    bridge_member(object, "Resources", &raw))
		return err_set(e, ERR_PARSE,
		               "this is a CloudFormation template: give what `aws events "
		               "describe-rule --name NAME` prints of the rule that it made");
	return err_set(e, ERR_PARSE,
	               "this is neither of `aws events describe-rule` nor of `terraform show "
	               "-json`: no EventPattern, Rules, Targets, values or resource in it");
}

static int read_one(struct bridge *b, struct span raw, struct err *e);

static int
read_array(struct bridge *b, struct span array, struct err *e)
{
	struct scan_array a;
	struct span element;

	for (bool more = scan_array_first(&a, array, &element); more;
	     more = scan_array_next(&a, &element))
		if (scan_kind_of(element) == SCAN_ARRAY_BEGIN)
			return err_set(e, ERR_PARSE,
			               "an array within an array is no list of rules");
		else if (read_one(b, element, e) != 0)
			return -1;
	return 0;
}

static int
read_one(struct bridge *b, struct span raw, struct err *e)
{
	int result = 0;

	if (scan_kind_of(raw) == SCAN_ARRAY_BEGIN)
		return read_array(b, raw, e);
	if (scan_kind_of(raw) != SCAN_OBJECT_BEGIN)
		return err_set(e, ERR_PARSE, "a rule is a JSON object");
	if (bridge_read_aws(b, raw, e, &result) || bridge_read_terraform(b, raw, e, &result))
		return result;
	return refuse(raw, e);
}

static struct span
without_blanks(struct span s)
{
	while (s.len > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = (struct span){ s.p + 1, s.len - 1 };
	return s;
}

int
bridge_read(struct bridge *b, struct span text, struct err *e)
{
	const char *end = text.p + text.len;
	struct span rest = text, raw;
	unsigned line, column;

	while ((rest = without_blanks(rest)).len > 0) {
		struct scan s;
		scan_init(&s, rest, 0);
		if (scan_value(&s, &raw) == SCAN_ERROR) {
			scan_position(text, (size_t)(rest.p - text.p) + s.offset, &line, &column);
			return err_set(e, ERR_PARSE, "line %u, column %u: %s", line, column,
			               scan_error(&s));
		}
		if (read_one(b, raw, e) != 0) {
			scan_position(text, (size_t)(raw.p - text.p), &line, &column);
			return line == 1 ? -1 : err_wrap(e, "line %u", line);
		}
		rest = (struct span){ raw.p + raw.len, (size_t)(end - raw.p) - raw.len };
	}
	return 0;
}

/* Same name on the same bus; "" and "default" are one bus, and only the last part of an ARN counts. */
static bool
is_same_bus(const char *a, const char *b)
{
	const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');

	a = slash_a != NULL ? slash_a + 1 : a[0] == '\0' ? "default" : a;
	b = slash_b != NULL ? slash_b + 1 : b[0] == '\0' ? "default" : b;
	return strcmp(a, b) == 0;
}

static bool
is_rule_of(const struct bridge_rule *r, const struct bridge_target *t)
{
	if (t->rule_label[0] != '\0')
		return strcmp(r->label, t->rule_label) == 0;
	return t->rule_name[0] != '\0' && strcmp(r->name, t->rule_name) == 0 &&
	       is_same_bus(r->bus, t->bus);
}

/* In the target's module first: modules are copies of each other. Without a name, the only rule of the module. */
static size_t
rule_of(const struct bridge *b, const struct bridge_target *t)
{
	size_t other = BRIDGE_NO_RULE, only = BRIDGE_NO_RULE, in_module = 0;

	for (size_t i = 0; i < b->rule_count; i++) {
		bool is_near = strcmp(b->rules[i].module, t->module) == 0;
		if (is_rule_of(&b->rules[i], t) && is_near)
			return i;
		if (is_rule_of(&b->rules[i], t))
			other = i;
		if (is_near && in_module++ == 0)
			only = i;
	}
	if (other == BRIDGE_NO_RULE && in_module == 1 && t->rule_name[0] == '\0' &&
	    t->rule_label[0] == '\0')
		return only;
	return other;
}

void
bridge_link(struct bridge *b)
{
	for (size_t i = 0; i < b->target_count; i++)
		if (b->targets[i].rule == BRIDGE_NO_RULE)
			b->targets[i].rule = rule_of(b, &b->targets[i]);
}

const struct bridge_destination *
bridge_destination_of(const struct bridge *b, const struct bridge_target *t)
{
	for (size_t i = 0; i < b->destination_count; i++) {
		const struct bridge_destination *d = &b->destinations[i];
		if ((t->arn[0] != '\0' && strcmp(d->arn, t->arn) == 0) ||
		    (t->arn_label[0] != '\0' && strcmp(d->label, t->arn_label) == 0))
			return d;
	}
	return NULL;
}
