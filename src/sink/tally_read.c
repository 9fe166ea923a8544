/*
 * tally_read: a tally back from the JSON that tally_write made.
 */
#include "config.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "sink/tally.h"
#include "store/folding.h"

static uint64_t
number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

static const char *
text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static int64_t
instant(const json_t *object, const char *key)
{
	int64_t ms = 0;

	return timefmt_parse(span_of(text(object, key)), &ms, NULL) ? ms : 0;
}

static enum severity
severity_of(const char *name)
{
	for (int s = SEVERITY_CRITICAL; s > SEVERITY_INFORMATIONAL; s--)
		if (strcmp(severity_name((enum severity)s), name) == 0)
			return (enum severity)s;
	return SEVERITY_INFORMATIONAL;
}

static unsigned
reason_of(const char *name)
{
	for (unsigned r = FOLDING_FLOOD; r <= FOLDING_MAX_AGE; r++)
		if (strcmp(tally_reason_name(r), name) == 0)
			return r;
	return FOLDING_FLOOD;
}

static void
read_names(const json_t *root, const char *key, const char *others, struct tally_names *ret)
{
	const json_t *list = json_object_get(root, key);

	for (size_t i = 0; i < json_array_size(list) && ret->count < TALLY_NAMES; i++) {
		const json_t *one = json_array_get(list, i);

		ret->items[ret->count].name = mem_strdup(text(one, "name"));
		ret->items[ret->count++].count = number(one, "alerts");
	}
	ret->others = number(root, others);
}

static void
read_top(const json_t *one, struct tally_top *top)
{
	enum change change = CHANGE_CREATED;

	(void)change_parse(span_of(text(one, "change")), &change);
	top->severity = severity_of(text(one, "severity"));
	top->change = change;
	top->at_ms = instant(one, "at");
	top->title = mem_strdup(text(one, "title"));
	top->product = mem_strdup(text(one, "product"));
	top->account = mem_strdup(text(one, "account"));
	top->region = mem_strdup(text(one, "region"));
	top->finding = mem_strdup(text(one, "finding"));
	top->thread_key = mem_strdup(text(one, "thread"));
	top->message_key = mem_strdup(text(one, "message_key"));
}

static void
read_all(struct tally *t, const json_t *root)
{
	const json_t *severities = json_object_get(root, "severities");
	const json_t *changes = json_object_get(root, "changes"),
		     *top = json_object_get(root, "top");

	t->count = number(root, "alerts");
	t->from_ms = instant(root, "from");
	t->to_ms = instant(root, "to");
	for (int s = 0; s < TALLY_SEVERITIES; s++)
		t->severities[s] = number(severities, severity_name((enum severity)s));
	for (unsigned c = 0; c < CHANGE_COUNT; c++)
		t->changes[c] = number(changes, change_name((enum change)c));
	read_names(root, "rules", "other_rules", &t->rules);
	read_names(root, "accounts", "other_accounts", &t->accounts);
	read_names(root, "regions", "other_regions", &t->regions);
	for (size_t i = 0; i < json_array_size(top) && t->top_count < TALLY_TOP; i++)
		read_top(json_array_get(top, i), &t->top[t->top_count++]);
}

bool
tally_read(struct tally *t, struct span json)
{
	json_t *root = json.len ? json_loadb(json.p, json.len, 0, NULL) : NULL;
	bool is_ours = json_is_object(root) && json_is_string(json_object_get(root, "reason"));

	tally_init(t, is_ours ? reason_of(text(root, "reason")) : FOLDING_FLOOD);
	if (is_ours)
		read_all(t, root);
	json_decref(root);
	return is_ours;
}
