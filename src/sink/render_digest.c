/*
 * render_digest: what a digest says beyond what every notice says. See render_digest.h.
 */
#include "config.h"

#include "sink/render_digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sink/plain.h"
#include "sink/tally.h"

enum { SHORT_LIST = 5, SHORT_TITLE = 100, LABEL_WIDTH = 14 };

static size_t
list_max(enum render_room room, size_t count)
{
	return room >= RENDER_SHORT && count > SHORT_LIST ? SHORT_LIST : count;
}

/* "prod (111122223333)" where the configuration names it. */
static char *
account_text(const struct render_view *v, const char *id)
{
	const struct notice *n = v->notice;
	const char *name = n->account_name ? n->account_name(span_of(id), n->account_arg) : NULL;
	struct buf clean, out;
	size_t len;

	if (!name)
		return mem_strdup(id);
	buf_init(&clean, 0);
	buf_init(&out, 0);
	(void)plain_add(&clean, span_of(name), PLAIN_LINE, 100);
	(void)buf_printf(&out, "%s (%s)", clean.data ? clean.data : "", id);
	buf_done(&clean);
	return buf_take(&out, &len);
}

static int
by_count(const void *a, const void *b)
{
	const struct tally_name *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

/* "hub-high 400, guardduty 70, and 12 of others": the most frequent first. */
static void
add_names(const struct render_view *v, const struct tally_names *names, bool is_account,
          enum render_room room, struct buf *out)
{
	struct tally_name items[TALLY_NAMES];
	size_t shown = list_max(room, names->count);
	uint64_t others = names->others;

	memcpy(items, names->items, names->count * sizeof items[0]);
	qsort(items, names->count, sizeof items[0], by_count);
	for (size_t i = 0; i < names->count; i++) {
		char *text = is_account && i < shown ? account_text(v, items[i].name) : NULL;

		if (i < shown)
			(void)buf_printf(out, "%s%s %llu", i ? ", " : "",
			                 text ? text : items[i].name,
			                 (unsigned long long)items[i].count);
		else
			others += items[i].count;
		mem_free(text);
	}
	if (others)
		(void)buf_printf(out, "%sand %llu of others", names->count ? ", " : "",
		                 (unsigned long long)others);
}

static void
add_changes(const struct tally *t, struct buf *out)
{
	const char *between = "";

	for (unsigned c = 0; c < CHANGE_COUNT; c++) {
		if (!t->changes[c])
			continue;
		(void)buf_printf(out, "%s%s %llu", between, change_name((enum change)c),
		                 (unsigned long long)t->changes[c]);
		between = ", ";
	}
}

enum { ROWS = 4 };

/* The four lines of counts: labels and texts. */
static void
make_rows(const struct render_view *v, enum render_room room, const char *labels[ROWS],
          struct buf texts[ROWS])
{
	static const char *const names[ROWS] = { "Changes", "Rules", "Accounts", "Regions" };
	const struct tally *t = v->digest;

	for (size_t i = 0; i < ROWS; i++) {
		labels[i] = names[i];
		buf_init(&texts[i], 0);
	}
	add_changes(t, &texts[0]);
	add_names(v, &t->rules, false, room, &texts[1]);
	add_names(v, &t->accounts, true, room, &texts[2]);
	add_names(v, &t->regions, false, room, &texts[3]);
}

static void
add_more(const struct tally *t, size_t shown, struct buf *out)
{
	if (t->count > shown)
		(void)buf_printf(out, "%llu more are not listed here.",
		                 (unsigned long long)(t->count - shown));
}

static void
add_plain(struct buf *out, const char *text, size_t max)
{
	(void)plain_add(out, span_of(text), PLAIN_LINE | PLAIN_NO_MENTIONS, max);
}

static void
text_top(const struct render_view *v, const struct tally_top *top, enum render_room room,
         struct buf *out)
{
	char *account = account_text(v, top->account);

	(void)buf_printf(out, "- %s ", severity_name(top->severity));
	if (top->change != CHANGE_CREATED)
		(void)buf_printf(out, "(%s) ", change_name(top->change));
	add_plain(out, *top->title ? top->title : top->message_key,
	          room >= RENDER_SHORT ? SHORT_TITLE : 0);
	if (*account || *top->region) {
		(void)buf_add_str(out, " - ");
		add_plain(out, account, 0);
		(void)buf_printf(out, "%s", *account && *top->region ? " " : "");
		add_plain(out, top->region, 0);
	}
	(void)buf_add_char(out, '\n');
	if (*top->finding && room < RENDER_SHORT) {
		(void)buf_add_str(out, "  ");
		add_plain(out, top->finding, 0);
		(void)buf_add_char(out, '\n');
	}
	mem_free(account);
}

void
render_digest_text(const struct render_view *v, enum render_room room, struct buf *out)
{
	const struct tally *t = v->digest;
	size_t shown = list_max(room, t->top_count);
	const char *labels[ROWS];
	struct buf texts[ROWS];

	make_rows(v, room, labels, texts);
	for (size_t i = 0; i < ROWS; i++) {
		if (texts[i].len) {
			(void)buf_printf(out, "%s:%*s", labels[i],
			                 LABEL_WIDTH - 1 - (int)strlen(labels[i]), "");
			add_plain(out, texts[i].data, 0);
			(void)buf_add_char(out, '\n');
		}
		buf_done(&texts[i]);
	}
	if (shown)
		(void)buf_add_str(out, "\nThe most severe first:\n");
	for (size_t i = 0; i < shown; i++)
		text_top(v, &t->top[i], room, out);
	add_more(t, shown, out);
	(void)buf_add_char(out, '\n');
}

static void
html_cell(struct buf *out, const char *text, const char *style)
{
	(void)buf_printf(out, "<td style=\"padding:3px 12px 3px 0;vertical-align:top%s\">", style);
	plain_html(out, text, false);
	(void)buf_add_str(out, "</td>");
}

static void
html_top(const struct render_view *v, const struct tally_top *top, struct buf *out)
{
	char *account = account_text(v, top->account);

	(void)buf_add_str(out, "<tr>");
	html_cell(out, severity_name(top->severity), ";font-weight:bold;white-space:nowrap");
	html_cell(out, change_name(top->change), "");
	html_cell(out, account, "");
	html_cell(out, top->region, ";white-space:nowrap");
	html_cell(out, *top->title ? top->title : top->message_key, ";word-break:break-word");
	(void)buf_add_str(out, "</tr>\n");
	mem_free(account);
}

void
render_digest_html(const struct render_view *v, enum render_room room, struct buf *out)
{
	const struct tally *t = v->digest;
	size_t shown = list_max(room, t->top_count);
	const char *labels[ROWS];
	struct buf texts[ROWS], more;

	make_rows(v, room, labels, texts);
	(void)buf_add_str(out, "<table style=\"border-collapse:collapse;font-size:14px\">\n");
	for (size_t i = 0; i < ROWS; i++) {
		if (texts[i].len) {
			(void)buf_add_str(out, "<tr>");
			html_cell(out, labels[i], ";color:#757575;white-space:nowrap");
			html_cell(out, texts[i].data, ";word-break:break-word");
			(void)buf_add_str(out, "</tr>\n");
		}
		buf_done(&texts[i]);
	}
	(void)buf_add_str(out, "</table>\n<table style=\"border-collapse:collapse;font-size:14px;"
	                       "margin:12px 0 0\">\n");
	for (size_t i = 0; i < shown; i++)
		html_top(v, &t->top[i], out);
	(void)buf_add_str(out, "</table>\n");
	buf_init(&more, 0);
	add_more(t, shown, &more);
	if (more.len)
		(void)buf_printf(out, "<p style=\"margin:8px 0\">%s</p>\n", more.data);
	buf_done(&more);
}

void
render_digest_json(const struct render_view *v, enum render_room room, struct buf *out)
{
	struct tally shown = *v->digest;

	shown.top_count = list_max(room, shown.top_count);
	if (room >= RENDER_SHORTEST)
		shown.top_count = 0;
	tally_write(&shown, v->notice->sink_name ? v->notice->sink_name : "", out);
}
