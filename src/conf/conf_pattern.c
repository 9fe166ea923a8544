/*
 * conf_pattern: the rules' patterns, from the rule itself or from a file of its own.
 *
 * A pattern in a file is told as FILE:LINE:COLUMN of that file, one in the rule by the line of the rule's key and its
 * line and column within the JSON.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_load.h"
#include "conf/conf_problem.h"
#include "conf/conf_text.h"
#include "match/pattern.h"

/* Fill pattern_text and pattern_where. false: reported. */
static bool
read_pattern(struct conf_loader *l, size_t index, struct conf_rule *r)
{
	struct conf_where at = conf_load_where(l, SECTION_RULE, index, "pattern_file");
	struct buf text = { 0 };
	struct err e = { 0 };

	if (r->pattern_file[0] == '\0') {
		r->pattern_where = conf_load_where(l, SECTION_RULE, index, "pattern");
		return true;
	}
	if (conf_text_read(r->pattern_file, &text, &e) < 0) {
		conf_error(l->problems, &at, "rule '%s': pattern_file: %s %s", r->name,
		           r->pattern_file, e.text);
		return false;
	}
	r->pattern_where = (struct conf_where){ conf_load_add_file(l->c, r->pattern_file), 1 };
	if (memchr(text.data, '\0', text.len) != NULL) {
		conf_error_at(l->problems, r->pattern_where.file, 0, 0,
		              "has a NUL byte: this is not JSON");
		buf_done(&text);
		return false;
	}
	mem_free(r->pattern_text);
	r->pattern_text = buf_take(&text, NULL);
	return true;
}

/* What lint finds, with the rule it is about. */
struct lint {
	struct conf_loader *l;
	const struct conf_rule *r;
};

/* "LINE:COLUMN: " goes from the text where the problem itself carries line and column. */
static const char *
without_place(const char *text)
{
	size_t n = strspn(text, "0123456789:");

	return n > 0 && text[n] == ' ' ? text + n + 1 : text;
}

static void
on_warning(void *arg, const struct pattern_where *where, const char *text)
{
	const struct lint *x = arg;
	const struct conf_rule *r = x->r;

	if (r->pattern_file[0] != '\0')
		conf_warn_at(x->l->problems, r->pattern_where.file, where->line, "%s",
		             without_place(text));
	else
		conf_warn(x->l->problems, &r->pattern_where, "rule '%s': pattern: %s", r->name,
		          text);
}

static void
parse_pattern(struct conf_loader *l, struct conf_rule *r)
{
	struct span text = span_of(r->pattern_text);
	struct lint lint = { l, r };
	struct pattern_where where = { 0 };
	struct err e = { 0 };

	r->pattern = pattern_parse(text, &where, &e);
	if (r->pattern != NULL)
		pattern_lint(r->pattern, text, on_warning, &lint);
	else if (r->pattern_file[0] != '\0')
		conf_error_at(l->problems, r->pattern_where.file, where.line, where.column, "%s",
		              without_place(e.text));
	else
		conf_error(l->problems, &r->pattern_where, "rule '%s': pattern: %s", r->name,
		           e.text);
}

static void
load_pattern(struct conf_loader *l, size_t index, struct conf_rule *r)
{
	bool has_text = r->pattern_text[0] != '\0', has_file = r->pattern_file[0] != '\0';
	struct conf_where at = conf_load_where(l, SECTION_RULE, index, "pattern");

	if (conf_load_is_bad(l, SECTION_RULE, index, "pattern") ||
	    conf_load_is_bad(l, SECTION_RULE, index, "pattern_file"))
		return;
	if (has_text == has_file) {
		conf_error(
			l->problems, &at,
			has_text
				? "rule '%s': pattern: there is a pattern_file too; wants one of both"
				: "rule '%s': pattern: is missing: wants pattern or pattern_file",
			r->name);
		return;
	}
	if (read_pattern(l, index, r))
		parse_pattern(l, r);
}

void
conf_load_patterns(struct conf_loader *l)
{
	for (size_t i = 0; i < l->c->rule_count; i++)
		load_pattern(l, i, &l->c->rules[i]);
}

void
conf_pattern_free(struct conf_rule *r)
{
	pattern_free(r->pattern);
	r->pattern = NULL;
}
