/*
 * conf_diff: what a reload changes. See conf_diff.h.
 *
 * Values are compared as the table's printer writes them, secrets included; those texts are wiped and never leave here.
 */
#include "config.h"

#include "conf/conf_diff.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_load.h"
#include "conf/conf_value.h"

static void
add(struct conf_diff *d, struct conf_diff_item item)
{
	d->items = mem_reallocn(d->items, d->count + 1, sizeof(*d->items));
	d->items[d->count++] = item;
	d->restart_count += item.is_restart;
}

static bool
is_equal(const struct conf_key *k, const void *a, const void *b)
{
	struct buf ta = { 0 }, tb = { 0 };

	conf_value_print(k, a, true, &ta);
	conf_value_print(k, b, true, &tb);
	bool equal = ta.len == tb.len && memcmp(ta.data, tb.data, ta.len) == 0;
	buf_done_secret(&ta);
	buf_done_secret(&tb);
	return equal;
}

/* Groups and the top: each key is a thing of its own. */
static void
compare_top(const struct conf *before, const struct conf *after, struct conf_diff *d)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		if (conf_sections[k->section].is_list || is_equal(k, before, after))
			continue;
		add(d, (struct conf_diff_item){
			       .kind = CONF_DIFF_CHANGED,
			       .section = conf_sections[k->section].one,
			       .name = k->name,
			       .key = k->name,
			       .is_restart = k->is_restart,
		       });
	}
	if (before->self_alerts.is_given != after->self_alerts.is_given &&
	    before->self_alerts.sinks.count == after->self_alerts.sinks.count)
		add(d, (struct conf_diff_item){ .kind = CONF_DIFF_CHANGED,
		                                .section = "self_alerts",
		                                .name = "sinks",
		                                .key = "sinks" });
}

/* The first key that differs between two elements of one name; NULL: none. */
static const char *
first_difference(enum conf_section section, const void *a, const void *b)
{
	if (conf_element_kind(section, a) != conf_element_kind(section, b))
		return "type";
	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_keys[i].section == section &&
		    conf_key_is_for(&conf_keys[i], conf_element_kind(section, a)) &&
		    !is_equal(&conf_keys[i], a, b))
			return conf_keys[i].name;
	return NULL;
}

static const void *
find(const struct conf *c, enum conf_section section, const char *name, size_t hint)
{
	size_t n = conf_element_count(c, section);

	/* Mostly nothing moved: look at the same place first. */
	for (size_t i = 0; i < n; i++) {
		const void *element = conf_element(c, section, (i + hint) % n);
		if (strcmp(conf_element_name(section, element), name) == 0)
			return element;
	}
	return NULL;
}

static void
compare_list(const struct conf *before, const struct conf *after, enum conf_section section,
             struct conf_diff *d)
{
	const char *one = conf_sections[section].one;

	for (size_t i = 0; i < conf_element_count(before, section); i++) {
		const void *a = conf_element(before, section, i);
		const char *name = conf_element_name(section, a);
		const void *b = find(after, section, name, i);
		const char *key = b != NULL ? first_difference(section, a, b) : NULL;
		if (b == NULL)
			add(d, (struct conf_diff_item){ CONF_DIFF_REMOVED, one, name, "", false });
		else if (key != NULL)
			add(d, (struct conf_diff_item){ CONF_DIFF_CHANGED, one, name, key, false });
	}
	for (size_t i = 0; i < conf_element_count(after, section); i++) {
		const char *name = conf_element_name(section, conf_element(after, section, i));
		if (find(before, section, name, i) == NULL)
			add(d, (struct conf_diff_item){ CONF_DIFF_ADDED, one, name, "", false });
	}
}

void
conf_diff(const struct conf *before, const struct conf *after, struct conf_diff *ret)
{
	*ret = (struct conf_diff){ 0 };
	compare_top(before, after, ret);
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (conf_sections[i].is_list)
			compare_list(before, after, (enum conf_section)i, ret);
}

void
conf_diff_done(struct conf_diff *d)
{
	mem_free(d->items);
	*d = (struct conf_diff){ 0 };
}

static bool
is_top(const struct conf_diff_item *item)
{
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (conf_sections[i].is_list && strcmp(conf_sections[i].one, item->section) == 0)
			return false;
	return true;
}

static void
print_item(const struct conf_diff_item *item, struct buf *out)
{
	static const char *const verbs[] = { "added", "removed", "changed" };

	if (is_top(item)) {
		(void)buf_printf(out, "%s%s%s changed", item->section, item->section[0] ? "." : "",
		                 item->name);
		return;
	}
	(void)buf_printf(out, "%s %s %s", item->section, item->name, verbs[item->kind]);
	if (item->kind == CONF_DIFF_CHANGED)
		(void)buf_printf(out, " (%s)", item->key);
}

void
conf_diff_print(const struct conf_diff *d, struct buf *out)
{
	const char *between = "";

	for (size_t i = 0; i < d->count; i++)
		if (!d->items[i].is_restart) {
			(void)buf_add_str(out, between);
			print_item(&d->items[i], out);
			between = ", ";
		}
	if (d->count == d->restart_count)
		(void)buf_add_str(out, "nothing changed");
	between = "; only a restart takes ";
	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].is_restart) {
			(void)buf_printf(out, "%s%s%s%s", between, d->items[i].section,
			                 d->items[i].section[0] ? "." : "", d->items[i].name);
			between = ", ";
		}
}
