/*
 * audit_print: a record of the audit as JSON. See audit_print.h.
 *
 * The attempt that finished an item is in its row, the others are rows of their own; here they are one list.
 */
#include "config.h"

#include "store/audit_print.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/timefmt.h"
#include "json/emit.h"

/* As severity_name (event/finding.h), which this room may not know; a test compares them. */
static const char *const severities[] = { "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL" };

static void
add_text(struct emit *w, const char *key, struct span value)
{
	emit_key(w, key);
	emit_string(w, value);
}

static void
add_number(struct emit *w, const char *key, int64_t value)
{
	emit_key(w, key);
	emit_i64(w, value);
}

static void
add_time(struct emit *w, const char *key, int64_t ms)
{
	char text[TIMEFMT_BYTES];

	emit_key(w, key);
	if (ms > 0)
		emit_str(w, timefmt_rfc3339_ms(ms, text));
	else
		emit_null(w);
}

/* What is before the first newline; *text goes behind it. */
static struct span
cut_line(struct span *text)
{
	const char *end = text->len ? memchr(text->p, '\n', text->len) : NULL;
	struct span line = { text->p, end ? (size_t)(end - text->p) : text->len };

	text->p = end ? end + 1 : text->p + text->len;
	text->len -= line.len + (end ? 1 : 0);
	return line;
}

static void
add_rules(struct emit *w, struct span rules)
{
	emit_key(w, "rules");
	emit_array_begin(w);
	while (rules.len > 0)
		emit_string(w, cut_line(&rules));
	emit_array_end(w);
}

static void
add_subject(struct emit *w, const struct audit_record *r)
{
	static const char *const keys[] = { "finding", "title", "product", "account", "region" };
	struct span left = r->item->subject;
	char hex[2 * 32 + 1];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		emit_key(w, keys[i]);
		emit_string_escaped(w, cut_line(&left));
	}
	if (r->identity.len != 32)
		return;
	digest_hex((const unsigned char *)r->identity.p, 32, hex);
	add_text(w, "identity", span_of(hex));
}

static void
add_head(struct emit *w, const struct audit_record *r, const char *state)
{
	const struct outbox_item *it = r->item;

	add_number(w, "id", it->id);
	add_time(w, "created", it->created_ms);
	add_text(w, "sink", it->sink);
	add_text(w, "state", span_of(state));
	add_text(w, "change", span_of(change_name(it->change)));
	add_text(w, "severity", span_of(severities[it->severity]));
}

/* The one that finished it, or does not exist. */
static bool
has_last(const struct audit_record *r)
{
	uint32_t kept = r->attempt_count > 0 ? r->attempts[r->attempt_count - 1].number : 0;

	return r->item->finished_ms > 0 && r->item->attempts > kept;
}

static uint32_t
count_left_out(const struct audit_record *r)
{
	uint32_t shown = (uint32_t)r->attempt_count + has_last(r);

	return r->item->attempts > shown ? r->item->attempts - shown : 0;
}

static void
add_try(struct emit *w, uint32_t number, int64_t at_ms, int64_t took_ms, struct span answer)
{
	add_number(w, "number", number);
	add_time(w, "at", at_ms);
	add_number(w, "took_ms", took_ms);
	add_text(w, "answer", answer);
}

static void
add_tries(struct emit *w, const struct audit_record *r)
{
	const struct outbox_item *it = r->item;

	emit_key(w, "tries");
	emit_array_begin(w);
	for (size_t i = 0; i < r->attempt_count; i++) {
		const struct audit_attempt *a = &r->attempts[i];
		emit_object_begin(w);
		add_try(w, a->number, a->at_ms, a->took_ms, span_of(a->answer));
		emit_object_end(w);
	}
	if (has_last(r)) {
		emit_object_begin(w);
		add_try(w, it->attempts, it->finished_ms, it->took_ms, it->answer);
		emit_object_end(w);
	}
	emit_array_end(w);
	add_number(w, "tries_left_out", count_left_out(r));
}

void
audit_print(const struct audit_record *r, struct buf *out)
{
	const struct outbox_item *it = r->item;
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	add_head(&w, r, outbox_state_name(it->state));
	add_rules(&w, it->rules);
	add_subject(&w, r);
	add_number(&w, "n", it->n);
	add_number(&w, "generation", it->generation);
	add_time(&w, "due", it->finished_ms > 0 ? 0 : it->due_ms);
	add_time(&w, "finished", it->finished_ms);
	add_number(&w, "attempts", it->attempts);
	add_text(&w, "message_key", it->message_key);
	add_text(&w, "thread_key", it->thread_key);
	add_text(&w, "answer", it->answer);
	emit_key(&w, "note");
	if (it->note.len > 0)
		emit_raw(&w, it->note); /* JSON of our own, under the row's checksum */
	else
		emit_null(&w);
	add_tries(&w, r);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
}

/* number 0: no attempt of its own. */
static void
print_try(const struct audit_record *r, const char *state, uint32_t number, int64_t at_ms,
          int64_t took_ms, struct span answer, struct buf *out)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	add_head(&w, r, state);
	add_subject(&w, r);
	add_rules(&w, r->item->rules);
	if (number > 0)
		add_try(&w, number, at_ms, took_ms, answer);
	else
		add_text(&w, "answer", answer);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
}

void
audit_print_tries(const struct audit_record *r, struct buf *out)
{
	const struct outbox_item *it = r->item;
	uint32_t left_out = count_left_out(r), expected = 1;
	char text[64];

	for (size_t i = 0; i < r->attempt_count; i++) {
		const struct audit_attempt *a = &r->attempts[i];
		if (a->number > expected && left_out > 0) {
			(void)snprintf(text, sizeof(text), "%u attempts are counted, not kept",
			               (unsigned)(a->number - expected));
			print_try(r, "...", 0, 0, 0, span_of(text), out);
		}
		print_try(r, "failed", a->number, a->at_ms, a->took_ms, span_of(a->answer), out);
		expected = a->number + 1;
	}
	if (has_last(r))
		print_try(r, outbox_state_name(it->state), it->attempts, it->finished_ms,
		          it->took_ms, it->answer, out);
	else if (r->attempt_count == 0 || it->finished_ms > 0 || it->state == OUTBOX_QUEUED)
		/* How it stands: waiting, or ended without a further attempt. */
		print_try(r, outbox_state_name(it->state), 0, 0, 0,
		          it->finished_ms > 0 ? it->answer : SPAN_LIT(""), out);
}
