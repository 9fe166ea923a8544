/*
 * render_html: the HTML of a notice, for mail. Tables and inline styles only: what every mail program shows.
 */
#include "config.h"

#include "sink/plain.h"
#include "sink/render_digest.h"

static const char *
colour_of(enum severity s)
{
	switch (s) {
	case SEVERITY_CRITICAL:
		return "#7B1FA2";
	case SEVERITY_HIGH:
		return "#D32F2F";
	case SEVERITY_MEDIUM:
		return "#F57C00";
	case SEVERITY_LOW:
		return "#1976D2";
	case SEVERITY_INFORMATIONAL:
		break;
	}
	return "#757575";
}

static void
add_cut(struct buf *out, const char *text, enum plain_flags flags, size_t max)
{
	struct buf clean;

	buf_init(&clean, 0);
	(void)plain_add(&clean, span_of(text), flags, max);
	if (clean.len)
		plain_html(out, clean.data, flags & PLAIN_KEEP_LINES);
	buf_done(&clean);
}

static void
add_row(struct buf *out, const char *label, const char *value)
{
	(void)buf_add_str(out,
	                  "<tr><td style=\"padding:3px 12px 3px 0;color:#757575;vertical-align:top;"
	                  "white-space:nowrap\">");
	plain_html(out, label, false);
	(void)buf_add_str(out, "</td><td style=\"padding:3px 0;word-break:break-word\">");
	plain_html(out, value, false);
	(void)buf_add_str(out, "</td></tr>\n");
}

/* A link whose text is its address: nobody is led elsewhere than where it says. */
static void
add_link(struct buf *out, const char *label, const char *url)
{
	if (!*url)
		return;
	(void)buf_add_str(out, "<p style=\"margin:6px 0\">");
	plain_html(out, label, false);
	(void)buf_add_str(out, ": <a style=\"color:#1976D2;word-break:break-all\" href=\"");
	plain_html(out, url, false);
	(void)buf_add_str(out, "\">");
	plain_html(out, url, false);
	(void)buf_add_str(out, "</a></p>\n");
}

static void
add_banner(struct buf *out, const char *text)
{
	(void)buf_printf(
		out,
		"<p style=\"margin:0 0 8px;padding:6px 10px;background:#FFF3CD;color:#333333\">%s</p>\n",
		text);
}

void
render_html(const struct render_view *v, enum render_room room, struct buf *out)
{
	struct render_fact facts[24];
	size_t n = render_facts(v, facts, 24);

	(void)buf_add_str(
		out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\"><title>findingsd</title></head>\n"
		"<body style=\"margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;"
		"font-size:14px;line-height:1.4\">\n");
	if (v->notice->is_test)
		add_banner(out, "[TEST] This is a test of findingsd: nothing happened.");
	if (v->is_sample)
		add_banner(out, "[SAMPLE] This is a sample finding: nothing happened.");
	(void)buf_printf(
		out,
		"<p style=\"margin:0 0 4px\"><span style=\"display:inline-block;padding:2px 8px;"
		"background:%s;color:#FFFFFF;font-weight:bold\">%s</span> ",
		colour_of(v->notice->severity), v->severity);
	plain_html(out, v->headline, false);
	(void)buf_add_str(out, "</p>\n<h1 style=\"margin:0 0 12px;font-size:18px\">");
	add_cut(out, v->title, PLAIN_LINE, room >= RENDER_SHORTEST ? 200 : 0);
	(void)buf_add_str(out, "</h1>\n");
	if (room < RENDER_SHORTEST && *v->description) {
		(void)buf_add_str(out, "<p style=\"margin:0 0 12px\">");
		add_cut(out, v->description, PLAIN_KEEP_LINES, room >= RENDER_SHORT ? 1000 : 0);
		(void)buf_add_str(out, "</p>\n");
	}
	(void)buf_add_str(out, "<table style=\"border-collapse:collapse;font-size:14px\">\n");
	for (size_t i = 0; i < n; i++)
		add_row(out, facts[i].label, facts[i].value);
	(void)buf_add_str(out, "</table>\n");
	if (v->digest)
		render_digest_html(v, room, out);
	add_link(out, "Console", v->console_url);
	add_link(out, "Remediation", v->remediation_url);
	if (!*v->remediation_url && *v->remediation_text && room < RENDER_SHORTEST) {
		(void)buf_add_str(out, "<p style=\"margin:6px 0\">Remediation: ");
		plain_html(out, v->remediation_text, false);
		(void)buf_add_str(out, "</p>\n");
	}
	(void)buf_add_str(out, "</body></html>\n");
}
