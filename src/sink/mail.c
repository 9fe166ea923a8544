/*
 * mail: a notice as a mail: headers, threading, both bodies. Pure: the same notice gives the same bytes at each attempt.
 */
#include "config.h"

#include "sink/mail.h"

#include <string.h>

#include "base/timefmt.h"
#include "conf/conf.h"
#include "sink/mime.h"
#include "sink/plain.h"

/* The part of an address behind its "@"; ids are made of it. */
static struct span
domain_of(const char *from)
{
	struct span address = mime_address(from);
	const char *at = memrchr(address.p, '@', address.len);

	if (!at || at + 1 == address.p + address.len)
		return SPAN_LIT("findingsd.invalid");
	return (struct span){ at + 1, (size_t)(address.p + address.len - at - 1) };
}

static void
add_subject(const struct conf_sink *conf, const struct render_view *v, struct buf *out)
{
	struct buf subject;

	buf_init(&subject, 0);
	if (conf->subject_prefix[0])
		(void)buf_printf(&subject, "%s ", conf->subject_prefix);
	/* The first notice's severity: a thread keeps its subject, the current one stands in the text. */
	render_subject(v, v->notice->first_severity, MAIL_SUBJECT_MAX, &subject);
	mime_header(out, "Subject", subject.data);
	buf_done(&subject);
}

static void
add_ids(const struct conf_sink *conf, const struct render_view *v, struct buf *out)
{
	const struct notice *n = v->notice;
	struct span domain = domain_of(conf->from);
	struct buf id;

	buf_init(&id, 0);
	(void)buf_printf(&id, "<%s@%.*s>", n->message_key ? n->message_key : "test",
	                 SPAN_FMT(domain));
	mime_header_raw(out, "Message-ID", id.data);
	if (n->thread_key && *n->thread_key) {
		buf_clear(&id);
		(void)buf_printf(&id, "<%s.root@%.*s>", n->thread_key, SPAN_FMT(domain));
		mime_header_raw(out, "In-Reply-To", id.data);
		mime_header_raw(out, "References", id.data);
	}
	buf_done(&id);
}

/* List-Id of the first rule: what people filter by. */
static void
add_list_id(const struct conf_sink *conf, const struct render_view *v, struct buf *out)
{
	struct span rules = v->notice->rules, domain = domain_of(conf->from);
	const char *end = rules.len ? memchr(rules.p, '\n', rules.len) : NULL;
	struct span rule = end ? (struct span){ rules.p, (size_t)(end - rules.p) } : rules;
	struct buf value;

	if (!rule.len)
		rule = span_of(conf->name);
	buf_init(&value, 0);
	(void)buf_add_str(&value, "findingsd ");
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1)
			(void)buf_add_str(&value, " <");
		for (size_t i = 0; i < rule.len && i < 100; i++) {
			char c = rule.p[i];
			bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			               (c >= '0' && c <= '9') || c == '-' || c == '_';

			(void)buf_add_char(&value, is_word ? c : '-');
		}
	}
	(void)buf_printf(&value, ".findingsd.%.*s>", SPAN_FMT(domain));
	mime_header_raw(out, "List-Id", value.data);
	buf_done(&value);
}

static void
add_headers(const struct conf_sink *conf, const struct render_view *v, struct buf *out)
{
	const char *const from[] = { conf->from }, *const reply_to[] = { conf->reply_to };
	char date[TIMEFMT_BYTES];

	mime_header_raw(out, "Date", timefmt_rfc5322(v->notice->queued_ms, date));
	mime_header_addresses(out, "From", from, 1);
	mime_header_addresses(out, "To", (const char *const *)conf->to.items, conf->to.count);
	if (conf->reply_to[0])
		mime_header_addresses(out, "Reply-To", reply_to, 1);
	add_subject(conf, v, out);
	add_ids(conf, v, out);
	mime_header_raw(out, "Auto-Submitted", "auto-generated");
	mime_header_raw(out, "X-Auto-Response-Suppress", "All");
	add_list_id(conf, v, out);
	if (v->notice->severity >= SEVERITY_HIGH)
		mime_header_raw(out, "Importance", "high");
	mime_header_raw(out, "X-Findingsd-Severity", v->severity);
	mime_header_raw(out, "X-Findingsd-Change", v->change);
	if (*v->state)
		mime_header_raw(out, "X-Findingsd-State", v->state);
	if (*v->finding)
		mime_header(out, "X-Findingsd-Finding", v->finding);
	if (v->notice->is_test)
		mime_header_raw(out, "X-Findingsd-Test", "true");
}

void
mail_write(const struct conf_sink *conf, const struct render_view *v, enum render_room room,
           struct buf *out)
{
	struct buf text, html;

	buf_init(&text, 0);
	buf_init(&html, 0);
	render_text(v, room, &text);
	render_html(v, room, &html);
	add_headers(conf, v, out);
	mime_alternative(out, v->notice->message_key ? v->notice->message_key : "test",
	                 (struct span){ text.data, text.len },
	                 (struct span){ html.data, html.len });
	buf_done(&text);
	buf_done(&html);
}
