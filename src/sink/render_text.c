/*
 * render_text: the plain text of a notice, its subject, and the facts that every text lists.
 */
#include "config.h"

#include <string.h>

#include "sink/plain.h"
#include "sink/render_digest.h"

enum { SHORT_DESCRIPTION = 1000, SHORT_TITLE = 200, LABEL_WIDTH = 14 };

size_t
render_facts(const struct render_view *v, struct render_fact *facts, size_t max)
{
	const struct render_fact all[] = {
		{ "Severity", v->severity },     { "Account", v->account_text },
		{ "Region", v->region },         { "Resource", v->resource_text },
		{ "Product", v->product },       { "Type", v->type },
		{ "Control", v->control_id },    { "Compliance", v->compliance },
		{ "Workflow", v->workflow },     { "Record state", v->record_state },
		{ "First seen", v->first_seen }, { "Last seen", v->last_seen },
		{ "Count", v->count },           { "Finding", v->finding },
		{ "Also in", v->also },          { "Flapping", v->flapping },
		{ "Rules", v->rules },           { "Trouble", v->trouble },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0] && n < max; i++)
		if (*all[i].value)
			facts[n++] = all[i];
	return n;
}

/* Text of the finding in a plain text: cut to the room, and no word that calls a whole channel. */
static void
add_text(struct buf *out, const char *text, enum plain_flags flags, size_t max)
{
	(void)plain_add(out, span_of(text), flags | PLAIN_NO_MENTIONS, max);
}

static void
add_line(struct buf *out, const char *label, const char *value, enum render_room room)
{
	size_t len = strlen(label);

	(void)buf_add_str(out, label);
	(void)buf_add_char(out, ':');
	for (size_t i = len + 1; i < LABEL_WIDTH; i++)
		(void)buf_add_char(out, ' ');
	add_text(out, value, PLAIN_LINE, room >= RENDER_SHORTEST ? SHORT_TITLE : 0);
	(void)buf_add_char(out, '\n');
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	if (!*url)
		return;
	(void)buf_printf(out, "%s:%*s%s\n", label, LABEL_WIDTH - 1 - (int)strlen(label), "", url);
}

static void
add_remediation(const struct render_view *v, struct buf *out)
{
	if (*v->remediation_url)
		add_link(out, "Remediation", v->remediation_url);
	else if (*v->remediation_text)
		add_line(out, "Remediation", v->remediation_text, RENDER_ALL);
}

void
render_text(const struct render_view *v, enum render_room room, struct buf *out)
{
	struct render_fact facts[24];
	size_t n = render_facts(v, facts, 24);

	if (v->notice->is_test)
		(void)buf_add_str(out, "[TEST] This is a test of findingsd: nothing happened.\n");
	if (v->is_sample)
		(void)buf_add_str(out, "[SAMPLE] This is a sample finding: nothing happened.\n");
	(void)buf_printf(out, "%s: ", v->headline);
	add_text(out, v->title, PLAIN_LINE, room >= RENDER_SHORTEST ? SHORT_TITLE : 0);
	(void)buf_add_str(out, "\n\n");
	for (size_t i = 0; i < n; i++)
		add_line(out, facts[i].label, facts[i].value, room);
	if (*v->description && room < RENDER_SHORTEST) {
		(void)buf_add_char(out, '\n');
		add_text(out, v->description, PLAIN_KEEP_LINES,
		         room >= RENDER_SHORT ? SHORT_DESCRIPTION : 0);
		(void)buf_add_char(out, '\n');
	}
	if (v->digest) {
		(void)buf_add_char(out, '\n');
		render_digest_text(v, room, out);
	}
	if (*v->console_url || *v->remediation_url || *v->remediation_text)
		(void)buf_add_char(out, '\n');
	add_link(out, "Console", v->console_url);
	if (room < RENDER_SHORTEST)
		add_remediation(v, out);
	if ((v->is_truncated || room >= RENDER_SHORT) && !v->digest)
		(void)buf_add_str(out, "\nThis text was shortened; the console has all of it.\n");
}

static void
digest_subject(const struct render_view *v, size_t max, struct buf *out)
{
	struct buf text;

	buf_init(&text, 0);
	(void)buf_printf(&text, "[%s] %s", v->title, v->rules);
	(void)plain_add(out, (struct span){ text.data, text.len }, PLAIN_LINE, max);
	buf_done(&text);
}

void
render_subject(const struct render_view *v, enum severity severity, size_t max, struct buf *out)
{
	struct buf tail;
	size_t used, left;

	if (v->digest) {
		digest_subject(v, max, out);
		return;
	}
	buf_init(&tail, 0);
	if (v->notice->is_test)
		(void)buf_add_str(&tail, "[TEST] ");
	else if (v->is_sample)
		(void)buf_add_str(&tail, "[SAMPLE] ");
	(void)buf_printf(&tail, "[%s] %s: ", severity_name(severity), v->product);
	used = str_utf8_count(tail.data, tail.len);
	(void)buf_add(out, tail.data,
	              used <= max ? tail.len : str_utf8_prefix(tail.data, tail.len, max));
	left = used < max ? max - used : 0;
	buf_clear(&tail);
	if (*v->account_name || *v->account || *v->region)
		(void)buf_printf(&tail, " - %s%s%s",
		                 *v->account_name ? v->account_name : v->account,
		                 *v->region ? " " : "", v->region);
	used = str_utf8_count(tail.data ? tail.data : "", tail.len);
	/* Where and whose are worth more than the end of a long title; but a title gets at least a third. */
	if (used > left * 2 / 3)
		used = 0;
	if (left > used)
		(void)plain_add(out, span_of(v->title), PLAIN_LINE, left - used);
	if (used)
		(void)buf_add(out, tail.data, tail.len);
	buf_done(&tail);
}
