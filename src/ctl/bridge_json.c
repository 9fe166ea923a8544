/*
 * bridge_json: members of JSON objects as strings. See bridge_in.h.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/bridge_in.h"

bool
bridge_members_first(struct bridge_members *m, struct span object, struct span *ret_name,
                     struct span *ret_raw)
{
	scan_init(&m->scan, object, SCAN_DEPTH_MAX);
	return scan_next(&m->scan) == SCAN_OBJECT_BEGIN &&
	       bridge_members_next(m, ret_name, ret_raw);
}

bool
bridge_members_next(struct bridge_members *m, struct span *ret_name, struct span *ret_raw)
{
	if (scan_next(&m->scan) != SCAN_KEY)
		return false;
	*ret_name = m->scan.token;
	return scan_value(&m->scan, ret_raw) != SCAN_ERROR;
}

bool
bridge_member(struct span object, const char *name, struct span *ret_raw)
{
	return scan_kind_of(object) == SCAN_OBJECT_BEGIN &&
	       scan_get(object, (const char *const[]){ name }, 1, ret_raw);
}

char *
bridge_text_of(struct span raw)
{
	struct buf text = { .len = 0 };
	struct span escaped;

	if (scan_kind_of(raw) == SCAN_NULL)
		return mem_strdup("");
	if (!scan_string_of(raw, &escaped))
		return span_dup(raw);
	(void)scan_unescape(escaped, &text);
	for (size_t i = 0; i < text.len; i++) /* no text of AWS's may hold one */
		if (text.data[i] == '\0')
			text.data[i] = '?';
	return buf_take(&text, &(size_t){ 0 });
}

char *
bridge_member_text(struct span object, const char *name)
{
	struct span raw;

	return bridge_member(object, name, &raw) ? bridge_text_of(raw) : mem_strdup("");
}

void
bridge_set(char **field, const char *text)
{
	char *old = *field;

	*field = mem_strdup(text);
	mem_free(old);
}

static void
fill_pairs(struct span object, struct bridge_pairs *p)
{
	struct bridge_members m;
	struct span name, raw;

	for (bool more = bridge_members_first(&m, object, &name, &raw); more;
	     more = bridge_members_next(&m, &name, &raw)) {
		struct buf text = { .len = 0 };
		(void)scan_unescape(name, &text);
		p->items = mem_reallocn(p->items, p->count + 1, sizeof(*p->items));
		p->items[p->count++] = (struct bridge_pair){ buf_take(&text, &(size_t){ 0 }),
			                                     bridge_text_of(raw) };
	}
}

void
bridge_fill(struct span object, const struct bridge_text *texts, const struct bridge_map *maps,
            void *base)
{
	struct scan_field fields[SCAN_FIELDS_MAX];
	size_t text_count = 0, n = 0;

	for (; texts[text_count].path != NULL; text_count++)
		fields[n++] = (struct scan_field){ texts[text_count].path, { NULL, 0 } };
	for (size_t i = 0; maps[i].path != NULL; i++)
		fields[n++] = (struct scan_field){ maps[i].path, { NULL, 0 } };
	assert(n <= SCAN_FIELDS_MAX);
	if (scan_fields(object, fields, n, NULL) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (fields[i].raw.p == NULL)
			continue;
		if (i >= text_count) {
			fill_pairs(fields[i].raw,
			           (void *)((char *)base + maps[i - text_count].offset));
			continue;
		}
		char *text = bridge_text_of(fields[i].raw);
		bridge_set((char **)(void *)((char *)base + texts[i].offset), text);
		mem_free(text);
	}
}
