/*
 * source: the table, and what its rows share: requests in buffers, and one reader for pages of any list call.
 */
#include "config.h"

#include "source/source.h"

#include <string.h>

#include "base/mem.h"
#include "source/read.h"
#include "json/scan.h"

static const struct source_kind *const sources[] = { &source_guardduty, &source_securityhub };

static const char *const stream_names[SOURCE_STREAM_COUNT] = {
	[STREAM_LIVE] = "live",   [STREAM_LATE] = "late",     [STREAM_BACKFILL] = "backfill",
	[STREAM_SWEEP] = "sweep", [STREAM_REREAD] = "reread",
};

const struct source_kind *
source_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i]->name, name) == 0)
			return sources[i];
	return NULL;
}

const struct source_kind *
source_at(size_t i)
{
	return i < sizeof(sources) / sizeof(sources[0]) ? sources[i] : NULL;
}

const char *
source_stream_name(enum source_stream s)
{
	return s < SOURCE_STREAM_COUNT ? stream_names[s] : "unknown";
}

bool
source_stream_parse(const char *s, enum source_stream *ret)
{
	for (int i = 0; i < SOURCE_STREAM_COUNT; i++)
		if (strcmp(stream_names[i], s) == 0) {
			*ret = (enum source_stream)i;
			return true;
		}
	return false;
}

void
source_request_init(struct source_request *r)
{
	*r = (struct source_request){ .method = "POST", .operation = "" };
}

void
source_request_done(struct source_request *r)
{
	buf_done(&r->path);
	buf_done(&r->query);
	buf_done(&r->body);
}

void
source_request_clear(struct source_request *r)
{
	buf_clear(&r->path);
	buf_clear(&r->query);
	buf_clear(&r->body);
}

void
source_page_done(struct source_page *p)
{
	mem_free(p->items);
	*p = (struct source_page){ 0 };
}

static int
not_json(const struct scan *s, struct err *e)
{
	(void)scan_fail(s, e);
	return err_wrap(e, "the answer is not JSON in UTF-8");
}

static void
add_item(struct source_page *p, size_t *cap, struct span item)
{
	if (p->count == *cap) {
		*cap = *cap == 0 ? 128 : *cap * 2;
		p->items = mem_reallocn(p->items, *cap, sizeof(*p->items));
	}
	p->items[p->count++] = item;
}

/* The scan stands before the array's value. */
static int
read_items(struct scan *s, const struct read_list *list, struct source_page *p, struct err *e)
{
	enum scan_token want = list->is_strings ? SCAN_STRING : SCAN_OBJECT_BEGIN;
	enum scan_token got;
	struct span item;
	size_t cap = 0;

	if (p->items || p->count > 0)
		return err_set(e, ERR_PARSE, "the answer has two members '%s'", list->items);
	got = scan_next(s);
	if (got == SCAN_NULL)
		return 0;
	if (got != SCAN_ARRAY_BEGIN)
		return err_set(e, ERR_PARSE, "'%s' of the answer is no array", list->items);
	while ((got = scan_value(s, &item)) != SCAN_ARRAY_END) {
		if (got == SCAN_ERROR)
			return not_json(s, e);
		if (got != want)
			return err_set(e, ERR_PARSE, "an element of '%s' is no %s", list->items,
			               list->is_strings ? "string" : "object");
		if (p->count == SOURCE_ITEMS_MAX)
			return err_set(e, ERR_LIMIT, "the answer has over %d elements in '%s'",
			               SOURCE_ITEMS_MAX, list->items);
		if (list->is_strings && !scan_string_of(item, &item))
			return err_set(e, ERR_PARSE, "an element of '%s' is no string",
			               list->items);
		add_item(p, &cap, item);
	}
	return 0;
}

static int
read_token(struct scan *s, const struct read_list *list, struct source_page *p, struct err *e)
{
	switch (scan_next(s)) {
	case SCAN_NULL:
		return 0;
	case SCAN_STRING:
		if (s->token.len > SOURCE_TOKEN_BYTES)
			return err_set(e, ERR_LIMIT, "'%s' of the answer is over %d bytes long",
			               list->token, SOURCE_TOKEN_BYTES);
		p->token = s->token;
		return 0;
	case SCAN_ERROR:
		return not_json(s, e);
	default:
		return err_set(e, ERR_PARSE, "'%s' of the answer is no string", list->token);
	}
}

static int
read_members(struct scan *s, const struct read_list *list, struct source_page *p, struct err *e)
{
	bool has_items = false;
	enum scan_token t;

	if (scan_next(s) != SCAN_OBJECT_BEGIN)
		return s->error ? not_json(s, e)
		                : err_set(e, ERR_PARSE, "the answer is no JSON object");
	while ((t = scan_next(s)) == SCAN_KEY) {
		if (scan_string_is(s->token, list->items)) {
			has_items = true;
			if (read_items(s, list, p, e))
				return -1;
		} else if (list->token && scan_string_is(s->token, list->token)) {
			if (read_token(s, list, p, e))
				return -1;
		} else if (scan_skip(s) == SCAN_ERROR) {
			return not_json(s, e);
		}
	}
	if (t == SCAN_ERROR || scan_next(s) != SCAN_END)
		return not_json(s, e);
	if (!has_items)
		return err_set(e, ERR_PARSE, "the answer has no '%s': not what the API answers",
		               list->items);
	return 0;
}

int
read_page(struct span answer, const struct read_list *list, struct source_page *ret, struct err *e)
{
	struct source_page p = { 0 };
	struct scan s;

	scan_init(&s, answer, 0);
	if (read_members(&s, list, &p, e)) {
		source_page_done(&p);
		return -1;
	}
	*ret = p;
	return 0;
}
