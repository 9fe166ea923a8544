/*
 * render: one notice, made readable for people and machines. This file builds the view; render_text.c, render_html.c
 * and render_json.c make texts of it.
 */
#include "config.h"

#include "sink/render.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "sink/console.h"
#include "sink/plain.h"
#include "sink/render_note.h"
#include "sink/tally.h"
#include "json/scan.h"

enum { SLOTS_MAX = 64 };

/* Strings go into one growing arena, so the view's pointers are set when it has stopped growing. */
struct build {
	struct render_view *v;
	struct buf *arena;
	struct buf scratch;
	struct {
		const char **slot;
		size_t at;
	} slots[SLOTS_MAX];
	size_t count;
};

static void
slot_begin(struct build *b, const char **slot)
{
	assert(b->count < SLOTS_MAX);
	b->slots[b->count].slot = slot;
	b->slots[b->count].at = b->arena->len;
	b->count++;
}

static void
slot_end(struct build *b)
{
	(void)buf_add_char(b->arena, '\0');
}

/* What a slot that was set holds; the last one counts. */
static const char *
slot_get(const struct build *b, const char *const *slot)
{
	for (size_t i = b->count; i-- > 0;)
		if (b->slots[i].slot == slot)
			return b->arena->data + b->slots[i].at;
	return "";
}

static void
set_str(struct build *b, const char **slot, const char *text)
{
	slot_begin(b, slot);
	(void)buf_add_str(b->arena, text ? text : "");
	slot_end(b);
}

/* A text of the finding: unescaped, cleaned, cut. */
static void
set_raw(struct build *b, const char **slot, struct span raw, enum plain_flags flags, size_t max)
{
	slot_begin(b, slot);
	if (raw.len) {
		struct span clean = raw;

		if (memchr(raw.p, '\\', raw.len)) {
			buf_clear(&b->scratch);
			(void)scan_unescape(raw, &b->scratch);
			clean = (struct span){ b->scratch.data, b->scratch.len };
		}
		if (plain_add(b->arena, clean, flags, max))
			b->v->is_truncated = true;
	}
	slot_end(b);
}

static void
set_time(struct build *b, const char **slot, int64_t ms)
{
	char text[TIMEFMT_BYTES];

	set_str(b, slot, ms > 0 ? timefmt_rfc3339_ms(ms, text) : "");
}

/* "NAME (ID)", or the one that there is. */
static void
set_pair(struct build *b, const char **slot, const char *const *name, const char *const *id,
         const char *between, const char *after)
{
	size_t need = strlen(slot_get(b, name)) + strlen(slot_get(b, id)) + 16;
	const char *first, *second;

	/* The arena may move while it is read: make the room first. The slot may be one of the two. */
	(void)buf_reserve(b->arena, need);
	first = slot_get(b, name);
	second = slot_get(b, id);
	slot_begin(b, slot);
	(void)buf_add_str(b->arena, first);
	if (*first && *second)
		(void)buf_add_str(b->arena, between);
	(void)buf_add_str(b->arena, second);
	if (*first && *second)
		(void)buf_add_str(b->arena, after);
	slot_end(b);
}

static void
set_rules(struct build *b)
{
	struct span rest = b->v->notice->rules;

	slot_begin(b, &b->v->rules);
	while (rest.len) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.p) : rest.len;

		(void)plain_add(b->arena, (struct span){ rest.p, len }, PLAIN_LINE,
		                RENDER_FIELD_MAX);
		if (!end)
			break;
		(void)buf_add_str(b->arena, ", ");
		rest = (struct span){ end + 1, rest.len - len - 1 };
	}
	slot_end(b);
}

static void
set_account_name(struct build *b)
{
	const struct notice *n = b->v->notice;
	const char *name = NULL;

	if (n->account_name)
		name = n->account_name(span_of(slot_get(b, &b->v->account)), n->account_arg);
	/* Without a name of ours, the one that the finding gave stands. */
	if (!name)
		return;
	slot_begin(b, &b->v->account_name);
	(void)plain_add(b->arena, span_of(name), PLAIN_LINE, 100);
	slot_end(b);
}

/* A link that is shown as one: http or https, printable ASCII without what ends a link or a markup, not too long. */
static void
set_link(struct build *b, const char **slot, struct span raw)
{
	bool is_link;

	set_raw(b, slot, raw, PLAIN_LINE, RENDER_URL_MAX);
	is_link = str_starts(slot_get(b, slot), "https://") ||
	          str_starts(slot_get(b, slot), "http://");
	for (const char *p = slot_get(b, slot); is_link && *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("<>\"'`|\\^{}", *p))
			is_link = false;
	if (!is_link)
		set_str(b, slot, "");
}

static const char *
headline_of(const struct notice *n, const struct finding *f, const struct render_note *note,
            char *out, size_t out_bytes)
{
	const char *by = f && f->state == FINDING_CLOSED && *f->closed_by ? f->closed_by : "";

	if (note->is_flapping)
		return "Flapping";
	if (note->is_aged && n->change == CHANGE_RESOLVED)
		by = "aged out";
	switch (n->change) {
	case CHANGE_CREATED:
		return "New finding";
	case CHANGE_SEVERITY_RAISED:
		(void)snprintf(out, out_bytes, "Severity raised to %s", severity_name(n->severity));
		return out;
	case CHANGE_REOPENED:
		return "Reopened";
	case CHANGE_RESOLVED:
		if (!*by)
			return "Resolved";
		(void)snprintf(out, out_bytes, "Resolved (%s)", by);
		return out;
	case CHANGE_UPDATED:
		return "Updated";
	case CHANGE_REPEAT:
		return note->is_calm ? "Still open, no longer flapping" : "Still open";
	case CHANGE_DIGEST:
		return "Digest";
	case CHANGE_COUNT:
		break;
	}
	return "Finding";
}

static void
set_note(struct build *b, const char **slot, const struct render_note *n,
         void (*write)(const struct render_note *n, struct buf *out))
{
	slot_begin(b, slot);
	write(n, b->arena);
	slot_end(b);
}

/* What headers and attributes need. */
static void
build_brief(struct build *b, const struct finding *f)
{
	struct render_view *v = b->v;
	char hex[2 * FINDING_IDENTITY_BYTES + 1];

	digest_hex(f->identity, FINDING_IDENTITY_BYTES, hex);
	set_str(b, &v->identity, hex);
	set_raw(b, &v->finding, f->id, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->product_id, f->product, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->account, f->account, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->region, f->region, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->type, f->type, PLAIN_LINE, RENDER_FIELD_MAX);
	set_time(b, &v->updated, f->updated_ms);
	set_time(b, &v->first_seen, f->first_seen_ms ? f->first_seen_ms : f->created_ms);
	set_time(b, &v->last_seen, f->last_seen_ms ? f->last_seen_ms : f->updated_ms);
	v->state = f->state == FINDING_CLOSED ? "closed" : "open";
	v->closed_by = f->closed_by;
	v->is_sample = f->is_sample;
	v->detail_type = f->view == VIEW_GUARDDUTY ? "GuardDuty Finding"
	                                           : "Security Hub Findings - Imported";
	v->source = f->view == VIEW_GUARDDUTY ? "aws.guardduty" : "aws.securityhub";
}

static void
build_texts(struct build *b, const struct finding *f)
{
	struct render_view *v = b->v;
	struct span url = f->remediation_url;
	char count[24];

	set_raw(b, &v->account_name, f->account_name, PLAIN_LINE, 100);
	set_raw(b, &v->title, f->title, PLAIN_LINE, RENDER_TITLE_MAX);
	if (!*slot_get(b, &v->title))
		set_raw(b, &v->title, f->type.len ? f->type : f->id, PLAIN_LINE, RENDER_TITLE_MAX);
	set_raw(b, &v->description, f->description, PLAIN_KEEP_LINES, RENDER_DESCRIPTION_MAX);
	set_raw(b, &v->product, f->product_name, PLAIN_LINE, 100);
	if (!*slot_get(b, &v->product))
		set_str(b, &v->product, f->view == VIEW_GUARDDUTY ? "GuardDuty" : "Security Hub");
	set_raw(b, &v->resource_type, f->resource_type, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->resource_id, f->resource_id, PLAIN_LINE, RENDER_FIELD_MAX);
	set_pair(b, &v->resource_text, &v->resource_type, &v->resource_id, " ", "");
	set_raw(b, &v->control_id, f->control_id, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->compliance, f->compliance_text, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->workflow, f->workflow_text, PLAIN_LINE, RENDER_FIELD_MAX);
	set_raw(b, &v->record_state, f->record_text, PLAIN_LINE, RENDER_FIELD_MAX);
	/* A finding that tells no count was seen once. */
	(void)snprintf(count, sizeof count, "%lld", (long long)(f->count > 0 ? f->count : 1));
	set_str(b, &v->count, count);
	if (!url.len && !f->remediation_text.len)
		url = console_remediation(f->product, f->partition);
	set_link(b, &v->remediation_url, url);
	set_raw(b, &v->remediation_text, f->remediation_text, PLAIN_LINE, RENDER_FIELD_MAX);
	buf_clear(&b->scratch);
	console_link(&b->scratch, f->view, f->partition, slot_get(b, &v->region),
	             slot_get(b, &v->finding));
	set_str(b, &v->console_url,
	        b->scratch.len && b->scratch.len <= RENDER_URL_MAX ? b->scratch.data : "");
}

/* An event without a finding: one of our own, or one that cannot be read as a finding. */
static void
build_plain(struct build *b, const struct err *why)
{
	enum { SOURCE, TYPE, ACCOUNT, REGION, TIME, TITLE, TEXT, SUBJECT, FIELDS };
	struct scan_field fields[FIELDS] = {
		[SOURCE] = { .path = "source" },       [TYPE] = { .path = "detail-type" },
		[ACCOUNT] = { .path = "account" },     [REGION] = { .path = "region" },
		[TIME] = { .path = "time" },           [TITLE] = { .path = "detail.title" },
		[TEXT] = { .path = "detail.message" }, [SUBJECT] = { .path = "detail.subject" },
	};
	struct render_view *v = b->v;
	struct span s[FIELDS] = { 0 };

	if (scan_fields(v->notice->event, fields, FIELDS, NULL) == 0)
		for (size_t i = 0; i < FIELDS; i++)
			(void)scan_string_of(fields[i].raw, &s[i]);
	set_raw(b, &v->source, s[SOURCE], PLAIN_LINE, 200);
	set_raw(b, &v->detail_type, s[TYPE], PLAIN_LINE, 200);
	set_raw(b, &v->account, s[ACCOUNT], PLAIN_LINE, 64);
	set_raw(b, &v->region, s[REGION], PLAIN_LINE, 64);
	set_raw(b, &v->first_seen, s[TIME], PLAIN_LINE, 64);
	set_raw(b, &v->last_seen, s[TIME], PLAIN_LINE, 64);
	set_raw(b, &v->title, s[TITLE].len ? s[TITLE] : s[TYPE], PLAIN_LINE, RENDER_TITLE_MAX);
	if (!s[TITLE].len && s[SUBJECT].len) {
		set_raw(b, &v->resource_id, s[SUBJECT], PLAIN_LINE, RENDER_FIELD_MAX);
		set_pair(b, &v->title, &v->title, &v->resource_id, ": ", "");
	}
	if (!*slot_get(b, &v->title))
		set_str(b, &v->title, "An event that findingsd cannot read");
	set_raw(b, &v->description, s[TEXT], PLAIN_KEEP_LINES, RENDER_DESCRIPTION_MAX);
	set_str(b, &v->product, "findingsd");
	if (why->kind != ERR_NOT_FOUND)
		set_raw(b, &v->trouble, span_of(why->text), PLAIN_LINE, 300);
}

/* The event of a digest is one of our own; what stands in its detail is what it tells. */
static void
build_digest(struct build *b)
{
	static const char *const path[] = { "detail" };
	struct render_view *v = b->v;
	struct span detail = { NULL, 0 };
	char count[24];

	if (v->notice->change != CHANGE_DIGEST)
		return;
	v->digest = mem_zalloc(sizeof *v->digest);
	(void)scan_get(v->notice->event, path, 1, &detail);
	if (!tally_read(v->digest, detail))
		return;
	set_time(b, &v->first_seen, v->digest->from_ms);
	set_time(b, &v->last_seen, v->digest->to_ms);
	(void)snprintf(count, sizeof count, "%llu", (unsigned long long)v->digest->count);
	set_str(b, &v->count, count);
}

static const char **
slot_of(struct render_view *v, size_t i)
{
	const char **slots[] = {
		&v->headline,      &v->title,        &v->description,     &v->product,
		&v->product_id,    &v->finding,      &v->identity,        &v->account,
		&v->account_name,  &v->account_text, &v->region,          &v->type,
		&v->resource_type, &v->resource_id,  &v->resource_text,   &v->control_id,
		&v->compliance,    &v->workflow,     &v->record_state,    &v->state,
		&v->closed_by,     &v->first_seen,   &v->last_seen,       &v->updated,
		&v->count,         &v->console_url,  &v->remediation_url, &v->remediation_text,
		&v->rules,         &v->event_time,   &v->detail_type,     &v->source,
		&v->trouble,       &v->also,         &v->flapping,
	};

	return i < sizeof slots / sizeof slots[0] ? slots[i] : NULL;
}

void
render_view_init(struct render_view *v, const struct notice *n, bool is_brief)
{
	struct build b = { .v = v };
	struct finding f;
	struct err why = { 0 };
	struct render_note note;
	char headline[64];
	bool is_finding;

	memset(v, 0, sizeof *v);
	for (size_t i = 0; slot_of(v, i); i++)
		*slot_of(v, i) = "";
	v->notice = n;
	buf_init(&v->arena, 0);
	b.arena = &v->arena;
	buf_init(&b.scratch, 0);
	v->change = change_name(n->change);
	v->severity = severity_name(n->severity);
	render_note_read(n->note, &note);
	is_finding = finding_from_event(n->event, &f, &why) == 0;
	if (is_finding)
		build_brief(&b, &f);
	else
		build_plain(&b, &why);
	build_digest(&b);
	if (is_finding && note.is_aged)
		v->closed_by = "aged out";
	if (is_finding && !is_brief)
		build_texts(&b, &f);
	set_str(&b, &v->headline,
	        is_finding  ? headline_of(n, &f, &note, headline, sizeof headline)
	        : v->digest ? "Digest"
	                    : "Notice of findingsd itself");
	set_account_name(&b);
	set_pair(&b, &v->account_text, &v->account_name, &v->account, " (", ")");
	set_rules(&b);
	set_note(&b, &v->also, &note, render_note_also);
	set_note(&b, &v->flapping, &note, render_note_flapping);
	for (size_t i = 0; i < b.count; i++)
		*b.slots[i].slot = v->arena.data + b.slots[i].at;
	buf_done(&b.scratch);
}

void
render_view_done(struct render_view *v)
{
	buf_done(&v->arena);
	if (v->digest)
		tally_done(v->digest);
	mem_free(v->digest);
	v->digest = NULL;
}
