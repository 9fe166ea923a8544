/*
 * render_note: what a notice says beside its finding, as words. See render_note.h.
 */
#include "config.h"

#include "sink/render_note.h"

#include <inttypes.h>
#include <string.h>

#include "sink/plain.h"
#include "json/scan.h"

enum { NAME_MAX = 200 }; /* code points of a name that is shown */

static int64_t
number(struct span raw)
{
	int64_t v = 0;

	return raw.p != NULL && str_to_i64(raw, &v) && v > 0 ? v : 0;
}

static void
read_names(struct span raw, struct render_note *ret)
{
	struct scan_array array;
	struct span element;

	if (raw.p == NULL)
		return;
	for (bool more = scan_array_first(&array, raw, &element);
	     more && ret->name_count < RENDER_NOTE_NAMES; more = scan_array_next(&array, &element))
		if (scan_string_of(element, &ret->names[ret->name_count]))
			ret->name_count++;
}

void
render_note_read(struct span note, struct render_note *ret)
{
	enum {
		FLAPPING,
		REOPENED,
		WITHIN,
		CALM,
		AFTER,
		AGED,
		ALSO,
		OPEN,
		IS_MORE,
		MORE,
		IN,
		FIELDS
	};
	struct scan_field f[FIELDS] = {
		[FLAPPING] = { .path = "flapping" },
		[REOPENED] = { .path = "flapping.reopened" },
		[WITHIN] = { .path = "flapping.within_ms" },
		[CALM] = { .path = "calm" },
		[AFTER] = { .path = "calm.after_ms" },
		[AGED] = { .path = "aged_out" },
		[ALSO] = { .path = "also" },
		[OPEN] = { .path = "also.open" },
		[IS_MORE] = { .path = "also.open_is_more" },
		[MORE] = { .path = "also.more" },
		[IN] = { .path = "also.in" },
	};

	memset(ret, 0, sizeof(*ret));
	if (note.len == 0 || scan_fields(note, f, FIELDS, NULL) != 0)
		return;
	ret->is_flapping = f[FLAPPING].raw.p != NULL;
	ret->is_calm = f[CALM].raw.p != NULL;
	ret->is_aged = f[AGED].raw.p != NULL;
	ret->reopened = number(f[REOPENED].raw);
	ret->time_ms = number(ret->is_flapping ? f[WITHIN].raw : f[AFTER].raw);
	ret->is_together = f[ALSO].raw.p != NULL;
	ret->open = number(f[OPEN].raw);
	ret->is_more = scan_kind_of(f[IS_MORE].raw) == SCAN_TRUE;
	ret->more = number(f[MORE].raw);
	read_names(f[IN].raw, ret);
}

void
render_note_also(const struct render_note *n, struct buf *out)
{
	struct buf name = { 0 };

	if (!n->is_together)
		return;
	for (size_t i = 0; i < n->name_count; i++) {
		buf_clear(&name);
		(void)scan_unescape(n->names[i], &name);
		(void)buf_add_str(out, i ? "; " : "");
		(void)plain_add(out, (struct span){ name.data ? name.data : "", name.len },
		                PLAIN_LINE, NAME_MAX);
	}
	buf_done(&name);
	if (n->more > (int64_t)n->name_count)
		(void)buf_printf(out, "%s%" PRId64 " more", n->name_count ? "; and " : "",
		                 n->more - (int64_t)n->name_count);
	if (n->open > 1)
		(void)buf_printf(out, "%s%s%" PRId64 " findings are open in this alert%s",
		                 n->more ? " (" : "", n->is_more ? "over " : "", n->open,
		                 n->more ? ")" : "");
}

void
render_note_flapping(const struct render_note *n, struct buf *out)
{
	char time[24];

	(void)str_duration(n->time_ms, time, sizeof(time));
	if (n->is_flapping)
		(void)buf_printf(out,
		                 "reopened %" PRId64
		                 " times within %s: held until it has been calm for %s",
		                 n->reopened, time, time);
	else if (n->is_calm)
		(void)buf_printf(out, "no longer: calm for %s", time);
}
