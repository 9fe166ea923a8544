/*
 * rule_set: see rule_set.h.
 */
#include "config.h"

#include "ctl/rule_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/event_view.h"
#include "ctl/lines.h"
#include "match/machine.h"
#include "match/pattern.h"
#include "json/scan.h"

static void
add(struct rule_set *s, char *name, struct pattern *p)
{
	if (s->count == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		s->items = mem_reallocn(s->items, s->cap, sizeof(*s->items));
	}
	s->items[s->count++] = (struct rule_item){ name, p };
}

/* "pattern" as an object, or as a string that holds one. */
static struct pattern *
parse_member(struct span raw, struct err *e)
{
	struct buf text = { .len = 0 };
	struct span escaped;
	struct pattern *p;

	if (!scan_string_of(raw, &escaped))
		return pattern_parse(raw, NULL, e);
	(void)scan_unescape(escaped, &text);
	p = pattern_parse((struct span){ text.data == NULL ? "" : text.data, text.len }, NULL, e);
	buf_done(&text);
	return p;
}

static int
add_line(struct rule_set *s, struct span line, struct err *e)
{
	struct scan_field f[] = { { "name", { NULL, 0 } }, { "pattern", { NULL, 0 } } };
	struct buf name = { .len = 0 };
	struct span escaped;
	struct pattern *p;

	if (scan_fields(line, f, 2, e) != 0)
		return -1;
	if (f[1].raw.p == NULL || f[0].raw.p == NULL || !scan_string_of(f[0].raw, &escaped))
		return err_set(e, ERR_PARSE, "a rule is {\"name\": string, \"pattern\": object}");
	(void)scan_unescape(escaped, &name);
	p = parse_member(f[1].raw, e);
	if (p == NULL) {
		buf_done(&name);
		return -1;
	}
	add(s, buf_take(&name, &(size_t){ 0 }), p);
	return 0;
}

int
rule_set_add_lines(struct rule_set *s, const char *path, struct err *e)
{
	struct lines lines;
	int result = 0;

	if (lines_open(&lines, path, e) != 0)
		return -1;
	while (result == 0 && lines_next(&lines))
		if (!lines_is_blank(&lines) && add_line(s, lines.text, e) != 0)
			result = err_wrap(e, "%s:%zu", path, lines.number);
	lines_close(&lines);
	return result;
}

int
rule_set_add_pattern(struct rule_set *s, const char *path, struct err *e)
{
	struct lines lines;
	struct pattern *p;

	if (lines_open(&lines, path, e) != 0)
		return -1;
	p = pattern_parse(lines.all, NULL, e);
	lines_close(&lines);
	if (p == NULL) { /* FILE:LINE:COLUMN without a blank between */
		struct err inner = *e;
		return err_set(e, inner.kind, "%s:%s", path, inner.text);
	}
	add(s, mem_strdup(path), p);
	return 0;
}

int
rule_set_add_conf(struct rule_set *s, const char *conf_path, struct err *e)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	int result = conf_look(conf_path, &conf, &problems);

	for (size_t i = 0; i < problems.count; i++) {
		struct buf line = { .len = 0 };
		conf_problem_print(&problems.items[i], &line);
		(void)fprintf(stderr, "%s\n", line.data == NULL ? "" : line.data);
		buf_done(&line);
	}
	conf_problems_done(&problems);
	if (result != 0)
		return err_set(e, ERR_CONFIG, "%s: the configuration is not usable", conf_path);
	for (size_t i = 0; result == 0 && i < conf->rule_count; i++) {
		struct pattern *p;
		if (!conf->rules[i].is_enabled)
			continue;
		p = pattern_parse(span_of(conf->rules[i].pattern_text), NULL, e);
		if (p == NULL)
			result = -1;
		else
			add(s, mem_strdup(conf->rules[i].name), p);
	}
	conf_free(conf);
	return result;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct rule_item *)a)->name, ((const struct rule_item *)b)->name);
}

struct machine *
rule_set_build(struct rule_set *s, struct err *e)
{
	const struct pattern **patterns = mem_calloc(s->count + 1, sizeof(*patterns));
	uint32_t *rules = mem_calloc(s->count + 1, sizeof(*rules));
	struct machine *m;

	qsort(s->items, s->count, sizeof(*s->items), by_name);
	mem_free(s->names);
	s->names = mem_calloc(s->count + 1, sizeof(*s->names));
	s->name_count = 0;
	for (size_t i = 0; i < s->count; i++) {
		char *name = s->items[i].name;
		if (s->name_count == 0 || strcmp(s->names[s->name_count - 1], name) != 0)
			s->names[s->name_count++] = name;
		patterns[i] = s->items[i].pattern;
		s->wants_view |= event_view_is_wanted(s->items[i].pattern);
		rules[i] = (uint32_t)(s->name_count - 1);
	}
	m = machine_build2(patterns, rules, s->count, e);
	mem_free(patterns);
	mem_free(rules);
	for (size_t i = 0; i < s->count; i++) {
		pattern_free(s->items[i].pattern);
		s->items[i].pattern = NULL;
	}
	return m;
}

const struct pattern *
rule_set_pattern(const struct rule_set *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return s->items[i].pattern;
	return NULL;
}

void
rule_set_done(struct rule_set *s)
{
	for (size_t i = 0; i < s->count; i++) {
		mem_free(s->items[i].name);
		pattern_free(s->items[i].pattern);
	}
	mem_free(s->items);
	mem_free(s->names);
	*s = (struct rule_set){ .count = 0 };
}
