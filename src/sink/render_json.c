/*
 * render_json: the generic webhook's body, in the shape that Standard Webhooks advises.
 */
#include "config.h"

#include <string.h>

#include "base/timefmt.h"
#include "sink/plain.h"
#include "sink/render_digest.h"
#include "json/emit.h"
#include "json/scan.h"

/* A member; what is unknown is null, so that every body has the same members. */
static void
add(struct emit *w, const char *name, const char *value)
{
	emit_key(w, name);
	emit_str(w, value && *value ? value : NULL);
}

static void
add_cut(struct emit *w, const char *name, const char *value, size_t max)
{
	struct buf cut;

	buf_init(&cut, 0);
	(void)plain_add(&cut, span_of(value), PLAIN_KEEP_LINES, max);
	add(w, name, cut.len ? cut.data : NULL);
	buf_done(&cut);
}

/* "finding.created"; of our own events "findingsd.sink_failing". */
static void
add_type(const struct render_view *v, struct emit *w)
{
	struct buf type;

	buf_init(&type, 0);
	if (*v->finding || v->digest) {
		(void)buf_printf(&type, "finding.%s", v->change);
	} else {
		(void)buf_add_str(&type, "findingsd.");
		for (const char *p = *v->detail_type ? v->detail_type : "event"; *p; p++) {
			char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;

			(void)buf_add_char(
				&type, (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_');
		}
	}
	add(w, "type", type.data);
	buf_done(&type);
}

static void
add_rules(struct emit *w, struct span rules)
{
	emit_key(w, "rules");
	emit_array_begin(w);
	while (rules.len) {
		const char *end = memchr(rules.p, '\n', rules.len);
		size_t len = end ? (size_t)(end - rules.p) : rules.len;

		emit_string(w, (struct span){ rules.p, len });
		rules = end ? (struct span){ end + 1, rules.len - len - 1 }
		            : (struct span){ NULL, 0 };
	}
	emit_array_end(w);
}

/* What the note says, in the note's own names; null where it says nothing. */
static void
add_note(struct emit *w, struct span note)
{
	struct scan_field f[] = { { .path = "flapping" },
		                  { .path = "calm" },
		                  { .path = "also" },
		                  { .path = "aged_out" } };
	const size_t n = sizeof f / sizeof f[0];
	bool is_read = note.len > 0 && scan_fields(note, f, n, NULL) == 0;

	for (size_t i = 0; i < n; i++) {
		emit_key(w, f[i].path);
		if (is_read && f[i].raw.p != NULL)
			emit_raw(w, f[i].raw);
		else if (i + 1 == n)
			emit_bool(w, false);
		else
			emit_null(w);
	}
}

static void
add_what(const struct render_view *v, enum render_room room, struct emit *w)
{
	bool is_shortest = room >= RENDER_SHORTEST;

	add(w, "severity", v->severity);
	add(w, "headline", v->headline);
	add_cut(w, "title", v->title, is_shortest ? 200 : 0);
	add_cut(w, "description", is_shortest ? "" : v->description,
	        room >= RENDER_SHORT ? 1000 : 0);
	add(w, "product", v->product_id);
	add(w, "product_name", v->product);
	add(w, "finding_type", v->type);
	emit_key(w, "account");
	emit_object_begin(w);
	add(w, "id", v->account);
	add(w, "name", v->account_name);
	emit_object_end(w);
	add(w, "region", v->region);
	emit_key(w, "resource");
	emit_object_begin(w);
	add(w, "type", v->resource_type);
	add(w, "id", v->resource_id);
	emit_object_end(w);
}

static void
add_state(const struct render_view *v, struct emit *w)
{
	add(w, "state", v->state);
	add(w, "closed_by", v->closed_by);
	add(w, "workflow", v->workflow);
	add(w, "record_state", v->record_state);
	add(w, "compliance", v->compliance);
	add(w, "control", v->control_id);
	add(w, "first_seen", v->first_seen);
	add(w, "last_seen", v->last_seen);
	add(w, "updated", v->updated);
	emit_key(w, "count");
	if (*v->count)
		emit_raw(w, span_of(v->count));
	else
		emit_null(w);
	add(w, "console_url", v->console_url);
	add(w, "remediation_url", v->remediation_url);
	add(w, "remediation", v->remediation_text);
}

static void
add_digest(const struct render_view *v, enum render_room room, struct emit *w)
{
	struct buf json;

	buf_init(&json, 0);
	render_digest_json(v, room, &json);
	emit_key(w, "digest");
	emit_raw(w, (struct span){ json.data, json.len });
	buf_done(&json);
}

void
render_json(const struct render_view *v, enum render_room room, bool with_event, struct buf *out)
{
	const struct notice *n = v->notice;
	bool has_event = with_event && room < RENDER_NO_EVENT && n->event.len > 0;
	char at[TIMEFMT_BYTES];
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	add_type(v, &w);
	add(&w, "timestamp", timefmt_rfc3339_ms(n->queued_ms, at));
	emit_key(&w, "data");
	emit_object_begin(&w);
	add(&w, "change", v->change);
	add(&w, "id", n->message_key);
	add(&w, "thread", n->thread_key);
	add(&w, "identity", v->identity);
	add(&w, "finding", v->finding);
	add_rules(&w, n->rules);
	add_note(&w, n->note);
	add_what(v, room, &w);
	add_state(v, &w);
	emit_key(&w, "sample");
	emit_bool(&w, v->is_sample);
	emit_key(&w, "test");
	emit_bool(&w, n->is_test);
	emit_key(&w, "truncated");
	emit_bool(&w, v->is_truncated || room >= RENDER_SHORT || (with_event && !has_event));
	if (*v->trouble)
		add(&w, "trouble", v->trouble);
	if (v->digest)
		add_digest(v, room, &w);
	if (has_event) {
		emit_key(&w, "event");
		emit_raw(&w, n->event);
	}
	emit_object_end(&w);
	emit_object_end(&w);
}
