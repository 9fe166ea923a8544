/*
 * import_print: imported rules as libconfig text and as JSON. See import.h.
 *
 * Whatever a text from elsewhere holds, it stays within its quotes or its comment.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "ctl/import_in.h"
#include "json/emit.h"

/* In quotes; a pattern keeps its lines. */
static void
add_quoted(const char *s, bool keep_lines, struct buf *out)
{
	(void)buf_add_char(out, '"');
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			(void)buf_printf(out, "\\%c", *s);
		else if (((unsigned char)*s < ' ' && !(*s == '\n' && keep_lines)) || *s == 0x7f)
			(void)buf_printf(out, "\\x%02x", (unsigned)*s);
		else
			(void)buf_add_char(out, *s);
	(void)buf_add_char(out, '"');
}

/* A line of comment for each line of a text. */
static void
add_comment(const char *indent, const char *s, struct buf *out)
{
	(void)buf_printf(out, "%s# ", indent);
	for (; *s != '\0'; s++)
		if (*s == '\n')
			(void)buf_printf(out, "\n%s#   ", indent);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			(void)buf_add_char(out, ' ');
		else
			(void)buf_add_char(out, *s);
	(void)buf_add_char(out, '\n');
}

static void
add_comments(const char *indent, const struct conf_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->count; i++)
		add_comment(indent, l->items[i], out);
}

static void
add_key(const char *key, const char *value, struct buf *out)
{
	(void)buf_printf(out, "    %s = ", key);
	add_quoted(value, false, out);
	(void)buf_add_str(out, ";\n");
}

static void
add_sink(const struct import_sink *s, struct buf *out)
{
	(void)buf_add_str(out, "  {\n");
	add_key("name", s->name, out);
	add_key("type", s->is_webhook ? "webhook" : "sns", out);
	add_key(s->is_webhook ? "url" : "topic_arn", s->address, out);
	add_key("format", s->format, out);
	if (s->rate[0] != '\0')
		add_key("rate", s->rate, out);
	if (s->max_age[0] != '\0')
		add_key("max_age", s->max_age, out);
	if (s->headers.count > 0) {
		(void)buf_add_str(out, "    headers = {");
		for (size_t i = 0; i < s->headers.count; i++) {
			(void)buf_printf(out, " %s = ", s->headers.items[i].name);
			add_quoted(s->headers.items[i].value, false, out);
			(void)buf_add_char(out, ';');
		}
		(void)buf_add_str(out, " };\n");
	}
	(void)buf_add_str(out, "  }");
}

/* The sinks that these rules are the first to need. */
static void
add_sinks(struct import *im, const struct import_rule *rules, size_t count, struct buf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < im->sink_count; i++) {
		struct import_sink *s = &im->sinks[i];
		bool is_used = false;
		for (size_t k = 0; k < count && !is_used; k++)
			is_used =
				!rules[k].is_left_out && import_list_has(&rules[k].sinks, s->name);
		if (!is_used || s->written != NULL)
			continue;
		(void)buf_add_str(out, is_first ? "sinks = (\n" : ",\n");
		add_sink(s, out);
		s->written = rules;
		is_first = false;
	}
	if (!is_first)
		(void)buf_add_str(out, "\n);\n");
}

static void
add_rule(const struct import_rule *r, bool in_files, struct buf *out)
{
	add_comment("  ", r->bridge_name[0] == '\0' ? "A rule of EventBridge" : r->bridge_name,
	            out);
	if (r->description[0] != '\0')
		add_comment("  ", r->description, out);
	add_comments("  ", &r->notes, out);
	add_comments("  ", &r->comments, out);
	(void)buf_add_str(out, "  {\n");
	add_key("name", r->name, out);
	if (in_files) {
		(void)buf_printf(out, "    pattern_file = \"patterns/%s.json\";\n", r->name);
	} else {
		(void)buf_add_str(out, "    pattern = ");
		add_quoted(r->pattern, true, out);
		(void)buf_add_str(out, ";\n");
	}
	(void)buf_add_str(out, "    sinks = [ ");
	for (size_t i = 0; i < r->sinks.count; i++) {
		(void)buf_add_str(out, i > 0 ? ", " : "");
		add_quoted(r->sinks.items[i], false, out);
	}
	(void)buf_add_str(out, r->sinks.count == 0 ? "\"CHANGE-ME\" ];\n" : " ];\n");
	if (r->is_disabled)
		(void)buf_add_str(out, "    enabled = false;\n");
	(void)buf_add_str(out, "  }");
}

void
import_print(struct import *im, const struct import_rule *rules, size_t count, bool in_files,
             struct buf *out)
{
	bool is_first = true;

	(void)buf_add_str(
		out,
		"# From EventBridge, which tells every update of a finding. Here a finding is told when it is\n"
		"# created, grows worse, comes back and is resolved; add \"updated\" to a rule's on for all.\n");
	add_sinks(im, rules, count, out);
	for (size_t i = 0; i < count; i++) {
		if (rules[i].is_left_out)
			continue;
		(void)buf_add_str(out, is_first ? "rules = (\n" : ",\n");
		add_rule(&rules[i], in_files, out);
		is_first = false;
	}
	(void)buf_add_str(out, is_first ? "" : "\n);\n");
}

static void
emit_list(struct emit *w, const char *name, const struct conf_list *l)
{
	emit_key(w, name);
	emit_array_begin(w);
	for (size_t i = 0; i < l->count; i++)
		emit_str(w, l->items[i]);
	emit_array_end(w);
}

static void
emit_sink(struct emit *w, const struct import_sink *s)
{
	emit_object_begin(w);
	emit_key(w, "name");
	emit_str(w, s->name);
	emit_key(w, "type");
	emit_str(w, s->is_webhook ? "webhook" : "sns");
	emit_key(w, s->is_webhook ? "url" : "topic_arn");
	emit_str(w, s->address);
	emit_key(w, "format");
	emit_str(w, s->format);
	emit_object_end(w);
}

void
import_print_json(const struct import *im, const struct import_rule *r, struct buf *out)
{
	struct buf flat = { .len = 0 };
	struct emit w;

	/* one line: a line break stands between tokens only, never within a string */
	for (const char *p = r->pattern; *p != '\0'; p++)
		if (*p == '\n')
			p += strspn(p + 1, " ");
		else
			(void)buf_add_char(&flat, *p);
	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "rule");
	emit_str(&w, r->name);
	emit_key(&w, "imported");
	emit_bool(&w, !r->is_left_out);
	emit_key(&w, "enabled");
	emit_bool(&w, !r->is_disabled);
	emit_key(&w, "pattern");
	if (flat.len > 0 && !r->is_failed)
		emit_raw(&w, (struct span){ flat.data, flat.len });
	else
		emit_null(&w);
	emit_list(&w, "sinks", &r->sinks);
	emit_key(&w, "new_sinks");
	emit_array_begin(&w);
	for (size_t i = 0; i < im->sink_count; i++)
		if (import_list_has(&r->sinks, im->sinks[i].name))
			emit_sink(&w, &im->sinks[i]);
	emit_array_end(&w);
	emit_list(&w, "notes", &r->notes);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
	buf_done(&flat);
}
