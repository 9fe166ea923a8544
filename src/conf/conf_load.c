/*
 * conf_load: one file's settings into struct conf, along the table of keys. See conf_load.h.
 *
 * Every setting is looked at even after errors, so that one run tells them all. An element that is wrong stays in the conf
 * until the end of the load, so that what refers to its name is not reported too.
 */
#include "config.h"

#include "conf/conf_load.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <libconfig.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_problem.h"
#include "conf/conf_text.h"

enum { KEYS_MAX = 128, KIND_UNKNOWN = 31, LABEL_BYTES = 100 };

/* One group being read: the top, a section, or an element of a list. */
struct group {
	enum conf_section section;
	const config_setting_t *s;
	void *base;              /* struct conf, or the element */
	size_t index;            /* of the element */
	unsigned kind;           /* KIND_UNKNOWN: its type is missing or wrong */
	char label[LABEL_BYTES]; /* "sink 'hook': ", "aws.", "" */
	bool is_seen[KEYS_MAX];  /* by row */
};

static void read_group(struct conf_loader *l, struct group *g);
static void read_list(struct conf_loader *l, enum conf_section section, const config_setting_t *s);

static unsigned
line_of(const config_setting_t *s)
{
	return config_setting_source_line(s);
}

#define ERROR_AT(l, s, ...) conf_error_at((l)->problems, (l)->file, line_of(s), 0, __VA_ARGS__)

/* ---- elements ---- */

void *
conf_element(const struct conf *c, enum conf_section section, size_t index)
{
	const struct conf_section_row *row = &conf_sections[section];
	char *const *items = (char *const *)((const char *)c + row->items);

	return *items + index * row->bytes;
}

size_t
conf_element_count(const struct conf *c, enum conf_section section)
{
	return *(const size_t *)((const char *)c + conf_sections[section].count);
}

unsigned
conf_element_kind(enum conf_section section, const void *element)
{
	if (section == SECTION_SOURCE)
		return ((const struct conf_source *)element)->type;
	if (section == SECTION_SINK)
		return ((const struct conf_sink *)element)->type;
	return 0;
}

const char *
conf_element_name(enum conf_section section, const void *element)
{
	return *(char *const *)((const char *)element + conf_sections[section].name_offset);
}

static void *
add_element(struct conf *c, enum conf_section section)
{
	const struct conf_section_row *row = &conf_sections[section];
	void **items = (void **)((char *)c + row->items);
	size_t *count = (size_t *)((char *)c + row->count);

	*items = mem_reallocn(*items, *count + 1, row->bytes);
	void *element = (char *)*items + *count * row->bytes;
	memset(element, 0, row->bytes);
	(*count)++;
	return element;
}

/* ---- lines ---- */

static void
remember_line(struct conf_loader *l, const struct group *g, const char *key, unsigned line)
{
	l->lines = mem_reallocn(l->lines, l->line_count + 1, sizeof(*l->lines));
	l->lines[l->line_count++] = (struct conf_line){ g->section, g->index, key, line, false };
}

struct conf_where
conf_load_where(const struct conf_loader *l, enum conf_section section, size_t index,
                const char *key)
{
	struct conf_where where = { l->c->files[0], 0 };

	if (conf_sections[section].is_list)
		where = *(const struct conf_where *)((char *)conf_element(l->c, section, index) +
		                                     conf_sections[section].where_offset);
	for (size_t i = 0; i < l->line_count; i++)
		if (l->lines[i].section == section && l->lines[i].index == index &&
		    strcmp(l->lines[i].key, key) == 0)
			where.line = l->lines[i].line;
	return where;
}

bool
conf_load_is_bad(const struct conf_loader *l, enum conf_section section, size_t index,
                 const char *key)
{
	for (size_t i = 0; i < l->line_count; i++)
		if (l->lines[i].is_bad && l->lines[i].section == section &&
		    l->lines[i].index == index && strcmp(l->lines[i].key, key) == 0)
			return true;
	return false;
}

/* ---- keys ---- */

/* The row for a name in this group; with an unknown kind that of any kind. */
static const struct conf_key *
find_key(const struct group *g, const char *name)
{
	const struct conf_key *k = NULL;

	if (g->kind != KIND_UNKNOWN)
		return conf_key_find(g->section, name, g->kind);
	for (unsigned kind = 0; kind < 8 && k == NULL; kind++)
		k = conf_key_find(g->section, name, kind);
	return k;
}

/* A known name in the wrong place: "is a key of sns sinks", "stands in aws". NULL: not known anywhere. */
static const char *
find_elsewhere(const struct group *g, const char *name, char *out, size_t bytes)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		if (k->section != g->section || strcmp(k->name, name) != 0)
			continue;
		const struct conf_word *types =
			g->section == SECTION_SINK ? conf_sink_types : conf_source_types;
		(void)snprintf(out, bytes, "is no key of %s %ss, but of",
		               conf_word_of(types, g->kind), conf_sections[g->section].one);
		for (const struct conf_word *w = types; w->word != NULL; w++)
			if (conf_key_find(g->section, name, w->value) != NULL)
				(void)snprintf(out + strlen(out), bytes - strlen(out), " %s",
				               w->word);
		return out;
	}
	for (size_t i = 0; i < conf_key_count; i++)
		if (strcmp(conf_keys[i].name, name) == 0) {
			const struct conf_section_row *row = &conf_sections[conf_keys[i].section];
			(void)snprintf(out, bytes, "does not stand here, but in %s",
			               row->name[0] ? row->name : "the top of the file");
			return out;
		}
	return NULL;
}

static void
refuse_key(struct conf_loader *l, const struct group *g, const config_setting_t *s)
{
	const char *names[KEYS_MAX], *name = config_setting_name(s);
	char elsewhere[160];
	size_t n = 0;

	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_keys[i].section == g->section &&
		    (g->kind == KIND_UNKNOWN || conf_key_is_for(&conf_keys[i], g->kind)))
			names[n++] = conf_keys[i].name;
	for (size_t i = 1; i < SECTION_COUNT; i++)
		if (conf_sections[i].parent == g->section &&
		    (g->section == SECTION_TOP || g->section == SECTION_AWS))
			names[n++] = conf_sections[i].name;
	const char *near = str_nearest(name, names, n);
	const char *other = find_elsewhere(g, name, elsewhere, sizeof(elsewhere));
	if (other != NULL)
		ERROR_AT(l, s, "%s%s: %s", g->label, name, other);
	else if (near != NULL)
		ERROR_AT(l, s, "%s%s: unknown key; did you mean %s?", g->label, name, near);
	else
		ERROR_AT(l, s, "%s%s: unknown key; findingsd --list keys names all", g->label,
		         name);
}

/* The value is not the one that asks for nothing. */
static bool
asks_for_something(const struct conf_key *k, const void *base)
{
	static const char *const nothing[] = { "\"off\"", "\"each\"", "[]" };
	struct buf value = { 0 };
	bool is_nothing = false;

	conf_value_print(k, base, true, &value);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		is_nothing |= strcmp(value.data, nothing[i]) == 0;
	buf_done(&value);
	return !is_nothing;
}

static void
read_key(struct conf_loader *l, struct group *g, const config_setting_t *s)
{
	const struct conf_key *k = find_key(g, config_setting_name(s));
	struct err e = { 0 };

	if (k == NULL) {
		refuse_key(l, g, s);
		return;
	}
	g->is_seen[k - conf_keys] = true;
	remember_line(l, g, k->name, line_of(s));
	l->env.is_open_secret = l->env.is_plain_secret = l->env.is_unseen_secret = false;
	if (conf_value_read(k, &l->env, s, g->base, &e) < 0) {
		ERROR_AT(l, s, "%s%s: %s", g->label, k->name, e.text);
		l->lines[l->line_count - 1].is_bad = true;
		conf_value_default(k, &l->env, g->base); /* so that nothing follows from it */
	} else if (k->is_later && asks_for_something(k, g->base)) {
		conf_warn_at(l->problems, l->file, line_of(s),
		             "%s%s: is read, but this version does not act on it yet", g->label,
		             k->name);
	}
	if (l->env.is_unseen_secret)
		conf_warn_at(l->problems, l->file, line_of(s),
		             "%s%s: cannot be seen from here: systemd gives credentials to the "
		             "service alone (LoadCredential= in its unit)",
		             g->label, k->name);
	if (l->env.is_open_secret)
		conf_warn_at(l->problems, l->file, line_of(s),
		             "%s%s: everyone can read the file of this secret: chmod o-r it",
		             g->label, k->name);
	l->has_plain_secret |= l->env.is_plain_secret && !k->is_mild;
}

/* ---- groups ---- */

/* The section of this name below another; SECTION_COUNT: none. */
static enum conf_section
find_section(enum conf_section parent, const char *name)
{
	for (size_t i = 1; i < SECTION_COUNT; i++)
		if (conf_sections[i].parent == parent && strcmp(conf_sections[i].name, name) == 0)
			return (enum conf_section)i;
	return SECTION_COUNT;
}

static void
read_section(struct conf_loader *l, enum conf_section section, const config_setting_t *s)
{
	const struct conf_section_row *row = &conf_sections[section];
	struct group g = { .section = section, .s = s, .base = l->c };

	if (row->is_list) {
		read_list(l, section, s);
		return;
	}
	if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
		ERROR_AT(l, s, "%s: wants a group: %s = { ... };", row->one, row->name);
		return;
	}
	(void)snprintf(g.label, sizeof(g.label), "%s.", row->one);
	read_group(l, &g);
}

static void
read_group(struct conf_loader *l, struct group *g)
{
	bool has_sections = g->section == SECTION_TOP || g->section == SECTION_AWS;

	for (int i = 0; i < config_setting_length(g->s); i++) {
		const config_setting_t *s = config_setting_get_elem(g->s, (unsigned)i);
		const char *name = config_setting_name(s);
		enum conf_section section =
			has_sections ? find_section(g->section, name) : SECTION_COUNT;
		if (g->section == SECTION_TOP && !l->is_main && section != SECTION_SOURCE &&
		    section != SECTION_SINK && section != SECTION_RULE)
			ERROR_AT(
				l, s,
				"%s: files in conf.d hold sources, sinks and rules only; put it into %s",
				name, l->c->path);
		else if (section != SECTION_COUNT)
			read_section(l, section, s);
		else
			read_key(l, g, s);
	}
}

/* What follows from the group as a whole: required keys, defaults. */
static void
finish_element(struct conf_loader *l, struct group *g)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		if (k->section != g->section)
			continue;
		bool is_for = g->kind == KIND_UNKNOWN ? k->of == 0 : conf_key_is_for(k, g->kind);
		if (is_for && !g->is_seen[i] && k->is_required)
			ERROR_AT(l, g->s, "%s%s: is missing: %s", g->label, k->name, k->help);
		if (is_for && !g->is_seen[i])
			conf_value_default(k, &l->env, g->base);
	}
	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_keys[i].section == g->section)
			conf_value_fill(&conf_keys[i], g->base);
	struct conf_sink *sink = g->base;
	if (g->section == SECTION_SINK && sink->type == CONF_SINK_EMAIL &&
	    !g->is_seen[conf_key_find(SECTION_SINK, "tls", CONF_SINK_EMAIL) - conf_keys] &&
	    str_starts(sink->url, "smtps://"))
		sink->tls = CONF_TLS_IMPLICIT;
}

/* The kind that the group's type says, without complaining: reading the key does. */
static unsigned
kind_of(enum conf_section section, const config_setting_t *s)
{
	const struct conf_word *w = section == SECTION_SINK ? conf_sink_types : conf_source_types;
	const char *type = NULL;

	if (section != SECTION_SOURCE && section != SECTION_SINK)
		return 0;
	if (config_setting_lookup_string(s, "type", &type))
		for (; w->word != NULL; w++)
			if (strcmp(w->word, type) == 0)
				return w->value;
	return KIND_UNKNOWN;
}

static void
read_element(struct conf_loader *l, enum conf_section section, const config_setting_t *s, int n)
{
	const struct conf_section_row *row = &conf_sections[section];
	struct group g = { .section = section, .s = s, .kind = kind_of(section, s) };
	const char *name = NULL;

	g.index = conf_element_count(l->c, section);
	g.base = add_element(l->c, section);
	*(struct conf_where *)((char *)g.base + row->where_offset) =
		(struct conf_where){ l->file, line_of(s) };
	if (config_setting_lookup_string(s, "name", &name) && name[0] != '\0')
		(void)snprintf(g.label, sizeof(g.label), "%s '%.64s': ", row->one, name);
	else
		(void)snprintf(g.label, sizeof(g.label), "%s %d: ", row->one, n + 1);
	read_group(l, &g);
	finish_element(l, &g);
	if (g.kind == KIND_UNKNOWN && section == SECTION_SINK)
		((struct conf_sink *)g.base)->type = (enum conf_sink_type)KIND_UNKNOWN;
	if (g.kind == KIND_UNKNOWN && section == SECTION_SOURCE)
		((struct conf_source *)g.base)->type = (enum conf_source_type)KIND_UNKNOWN;
}

static void
read_list(struct conf_loader *l, enum conf_section section, const config_setting_t *s)
{
	const struct conf_section_row *row = &conf_sections[section];
	int type = config_setting_type(s), n = config_setting_length(s);

	if (type != CONFIG_TYPE_LIST && !(type == CONFIG_TYPE_ARRAY && n == 0)) {
		ERROR_AT(l, s, "%s: wants a list of groups: %s = ( { ... }, { ... } );", row->name,
		         row->name);
		return;
	}
	for (int i = 0; i < n; i++) {
		const config_setting_t *one = config_setting_get_elem(s, (unsigned)i);
		if (config_setting_type(one) != CONFIG_TYPE_GROUP)
			ERROR_AT(l, s, "%s %d: wants a group: { name = \"...\"; ... }", row->one,
			         i + 1);
		else
			read_element(l, section, one, i);
	}
}

/* ---- a file ---- */

void
conf_load_text(struct conf_loader *l, const char *file, struct span text, bool is_main)
{
	struct group top = { .section = SECTION_TOP, .base = l->c };
	config_t config;

	assert(conf_key_count <= KEYS_MAX);
	l->file = file;
	l->is_main = is_main;
	l->has_plain_secret = false;
	if (conf_text_check(file, text, l->problems) > 0) {
		l->is_partial = true;
		return;
	}
	config_init(&config);
	if (!config_read_string(&config, text.p)) {
		l->is_partial = true;
		conf_error_at(
			l->problems, file, (unsigned)config_error_line(&config), 0,
			"%s: look for a missing ';', ',', '=' or quote here and in the line before",
			config_error_text(&config));
	} else {
		top.s = config_root_setting(&config);
		read_group(l, &top);
	}
	config_destroy(&config);
}

void
conf_load_defaults(struct conf_loader *l)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		bool is_given = false;
		if (conf_sections[k->section].is_list)
			continue;
		for (size_t j = 0; j < l->line_count; j++)
			is_given |= l->lines[j].section == k->section &&
			            strcmp(l->lines[j].key, k->name) == 0;
		if (!is_given)
			conf_value_default(k, &l->env, l->c);
		conf_value_fill(k, l->c);
		if (is_given && k->section == SECTION_SELF_ALERTS)
			l->c->self_alerts.is_given = true;
	}
}
