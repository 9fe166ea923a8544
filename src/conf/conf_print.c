/*
 * conf_print: the effective configuration, and the table of keys, as text. See conf.h.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_load.h"
#include "conf/conf_value.h"

static void
print_rows(enum conf_section section, unsigned kind, const void *base, const char *indent,
           struct buf *out)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		if (k->section != section || !conf_key_is_for(k, kind))
			continue;
		if (k->type == TYPE_PATTERN && ((const struct conf_rule *)base)->pattern_file[0])
			continue; /* the file's name says it */
		(void)buf_printf(out, "%s%s = ", indent, k->name);
		conf_value_print(k, base, false, out);
		(void)buf_add_str(out, ";\n");
	}
}

static void
print_list(const struct conf *c, enum conf_section section, const char *indent, struct buf *out)
{
	size_t n = conf_element_count(c, section);

	(void)buf_printf(out, "%s%s = (", indent, conf_sections[section].name);
	for (size_t i = 0; i < n; i++) {
		const void *element = conf_element(c, section, i);
		(void)buf_printf(out, "%s\n%s  {\n", i > 0 ? "," : "", indent);
		print_rows(section, conf_element_kind(section, element), element,
		           indent[0] ? "      " : "    ", out);
		(void)buf_printf(out, "%s  }", indent);
	}
	(void)buf_printf(out, "%s%s);\n", n > 0 ? "\n" : "", n > 0 ? indent : "");
}

static void
print_group(const struct conf *c, enum conf_section section, struct buf *out)
{
	(void)buf_printf(out, "%s = {\n", conf_sections[section].name);
	print_rows(section, 0, c, "  ", out);
	if (section == SECTION_AWS) {
		(void)buf_add_str(out, "  endpoints = {\n");
		print_rows(SECTION_ENDPOINTS, 0, c, "    ", out);
		(void)buf_add_str(out, "  };\n");
		print_list(c, SECTION_ACCOUNT, "  ", out);
	}
	(void)buf_add_str(out, "};\n");
}

void
conf_print(const struct conf *c, struct buf *out)
{
	print_rows(SECTION_TOP, 0, c, "", out);
	print_group(c, SECTION_CONTROL, out);
	if (c->self_alerts.is_given)
		print_group(c, SECTION_SELF_ALERTS, out);
	print_group(c, SECTION_HEARTBEAT, out);
	print_group(c, SECTION_AWS, out);
	print_list(c, SECTION_SOURCE, "", out);
	print_list(c, SECTION_SINK, "", out);
	print_list(c, SECTION_RULE, "", out);
}

/* "email,sns"; "-" where a row holds for all. */
static void
print_kinds(const struct conf_key *k, struct buf *out)
{
	const struct conf_word *w =
		k->section == SECTION_SINK ? conf_sink_types : conf_source_types;
	const char *between = "";

	if (k->of == 0)
		(void)buf_add_char(out, '-');
	for (; k->of != 0 && w->word != NULL; w++)
		if (conf_key_is_for(k, w->value)) {
			(void)buf_printf(out, "%s%s", between, w->word);
			between = ",";
		}
}

static void
print_default(const struct conf_key *k, struct buf *out)
{
	if (k->is_required)
		(void)buf_add_str(out, "(required)");
	else if (k->def == NULL)
		(void)buf_add_char(out, '-');
	else if (k->def[0] == '\0')
		(void)buf_add_str(out, "\"\"");
	else
		(void)buf_add_str(out, k->def);
}

void
conf_print_keys(struct buf *out)
{
	(void)buf_add_str(out, "key\tof\ttype\tdefault\tallowed\treload\thelp\n");
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		const char *section = conf_sections[k->section].one;
		size_t before;
		(void)buf_printf(out, "%s%s%s\t", section, section[0] ? "." : "", k->name);
		print_kinds(k, out);
		(void)buf_printf(out, "\t%s\t", conf_type_name(k->type));
		print_default(k, out);
		(void)buf_add_char(out, '\t');
		before = out->len;
		conf_value_print_range(k, out);
		(void)buf_printf(out, "%s\t%s\t%s\n", out->len == before ? "-" : "",
		                 k->is_restart ? "restart"
		                 : k->is_later ? "later"
		                               : "live",
		                 k->help);
	}
}
