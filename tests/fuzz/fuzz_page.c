/*
 * fuzz_page: an answer of a list call, held against jansson: cut into the same elements; each finding in it is read, and what
 * was read is what jansson reads. Then its events: JSON, with the finding's bytes in them, readable again, rendered without
 * a byte that a mail, a page or a terminal would take for its own.
 *
 * The first byte says which call; the rest is the answer.
 */
#include "config.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "event/envelope.h"
#include "event/finding.h"
#include "fuzz.h"
#include "sink/render.h"
#include "source/source.h"
#include "json/scan.h"

static json_t *
load(struct span text)
{
	return json_loadb(text.p, text.len,
	                  JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
}

/* What jansson has at a key is the text of a raw span; both may lack it. Only where scan's decoding is jansson's. */
static void
same_text(const json_t *object, const char *key, struct span raw)
{
	const json_t *value = json_object_get(object, key);
	struct buf text = { .len = 0 };

	if (!json_is_string(value) || json_string_length(value) == 0)
		return;
	(void)scan_unescape(raw, &text);
	assert(text.len == json_string_length(value));
	assert(memcmp(text.data, json_string_value(value), text.len) == 0);
	buf_done(&text);
}

static void
check_clean(const struct buf *text, bool is_html)
{
	for (size_t i = 0; i < text->len;) {
		uint32_t cp;
		size_t n = str_utf8_decode(text->data + i, text->len - i, &cp);
		assert(n > 0 && (cp == '\n' || cp >= ' ') && cp != 0x7f);
		assert(!(cp >= 0x202a && cp <= 0x202e) && cp != 0x2066);
		i += n;
	}
	assert(!is_html || memmem(text->data, text->len, "<script", 7) == NULL);
}

/* The store's bytes may be damaged: then the event is not sent along, and all else holds. */
static void
render(struct span event, bool is_json)
{
	struct notice notice = { .event = event,
		                 .rules = SPAN_LIT("r"),
		                 .message_key = "m",
		                 .thread_key = "t",
		                 .sink_name = "s" };
	struct buf text = { .len = 0 }, html = { .len = 0 }, json = { .len = 0 };
	struct render_view view;
	struct err e;

	render_view_init(&view, &notice, false);
	render_subject(&view, SEVERITY_HIGH, 100, &text);
	assert(text.len == 0 || memchr(text.data, '\n', text.len) == NULL);
	for (int room = 0; room < RENDER_ROOM_COUNT; room++) {
		buf_clear(&text);
		buf_clear(&html);
		buf_clear(&json);
		render_text(&view, (enum render_room)room, &text);
		render_html(&view, (enum render_room)room, &html);
		render_json(&view, (enum render_room)room, is_json, &json);
		check_clean(&text, false);
		check_clean(&html, true);
		assert(scan_check((struct span){ json.data, json.len }, true, &e) == 0);
	}
	render_view_done(&view);
	buf_done(&text);
	buf_done(&html);
	buf_done(&json);
}

static void
wrap(const struct finding *f)
{
	static const struct envelope_place place = { "111122223333", "us-east-1", "prod" };
	struct buf event = { .len = 0 }, matched = { .len = 0 };
	struct finding again;
	struct err e;

	assert(envelope_build(f, &place, &event) == 0);
	assert(envelope_for_match(f, &place, &matched) == 0);
	struct span text = { event.data, event.len };
	assert(scan_check(text, true, &e) == 0);
	assert(scan_check((struct span){ matched.data, matched.len }, true, &e) == 0);
	assert(memmem(text.p, text.len, f->body.p, f->body.len) != NULL);
	assert(finding_from_event(text, &again, &e) == 0);
	assert(memcmp(again.digest, f->digest, sizeof(f->digest)) == 0);
	assert(again.updated_ms == f->updated_ms && again.severity == f->severity);
	assert(again.state == f->state && span_eq(again.id, f->id));
	render(text, true);
	buf_done(&event);
	buf_done(&matched);
}

static void
check_finding(enum finding_view view, struct span body)
{
	struct finding_polled polled = { "111122223333", "us-east-1", false };
	struct finding f, trusted;
	struct err e;
	json_t *object = load(body);

	if (finding_parse(view, body, &polled, &f, &e) == 0) {
		if (object != NULL && view == VIEW_SECURITYHUB) {
			same_text(object, "Id", f.id);
			same_text(object, "Title", f.title);
			same_text(object, "ProductArn", f.product_arn);
		} else if (object != NULL) {
			same_text(object, "type", f.type);
			same_text(object, "title", f.title);
		}
		polled.is_checked = true; /* as a page's element: the same, without checking */
		assert(finding_parse(view, body, &polled, &trusted, &e) == 0);
		assert(memcmp(trusted.identity, f.identity, sizeof(f.identity)) == 0);
		assert(memcmp(trusted.digest, f.digest, sizeof(f.digest)) == 0);
		assert(trusted.updated_ms == f.updated_ms && span_eq(trusted.title, f.title));
		wrap(&f);
	} else {
		assert(e.text[0] != '\0');
	}
	json_decref(object);
}

/* The page is what jansson says: the last member of that name, as many elements, each of them equal. */
static void
check_items(struct span answer, const char *name, const struct source_page *page)
{
	json_t *whole = load(answer), *list = json_object_get(whole, name);

	if (whole != NULL && json_is_array(list))
		assert(json_array_size(list) == page->count);
	for (size_t i = 0; whole != NULL && json_is_array(list) && i < page->count; i++) {
		json_t *item = load(page->items[i]);
		/* ids come without their quotes */
		assert(item == NULL || !json_is_object(item) ||
		       json_equal(item, json_array_get(list, i)));
		json_decref(item);
	}
	json_decref(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_page page = { .count = 0 };
	struct err e = { .kind = ERR_NONE };
	struct span answer, detector, token;
	int kind = size == 0 ? 0 : data[0] % 5;

	if (size == 0)
		return 0;
	answer = (struct span){ (const char *)data + 1, size - 1 };
	if (kind == 0) {
		if (source_securityhub.read_list(answer, &page, &e) == 0)
			check_items(answer, "Findings", &page);
		for (size_t i = 0; i < page.count; i++)
			check_finding(VIEW_SECURITYHUB, page.items[i]);
	} else if (kind == 1) {
		if (source_guardduty.read_get(answer, &page, &e) == 0)
			check_items(answer, "findings", &page);
		for (size_t i = 0; i < page.count; i++)
			check_finding(VIEW_GUARDDUTY, page.items[i]);
	} else if (kind == 2) {
		if (source_guardduty.read_list(answer, &page, &e) == 0)
			check_items(answer, "findingIds", &page);
	} else if (kind == 3) {
		(void)source_guardduty.read_detectors(answer, &detector, &token, &e);
	} else {
		check_finding(VIEW_SECURITYHUB, answer);
		check_finding(VIEW_GUARDDUTY, answer);
		render(answer, scan_check(answer, true, &e) == 0);
	}
	source_page_done(&page);
	return 0;
}
