/*
 * dedupe: see dedupe.h.
 *
 * Members are collected as objects are read. When an object ends its members are sorted by name; each but the last of a
 * name is cut from the opening quote of its key to that of the next key: there always is a next one.
 */
#include "config.h"

#include "match/dedupe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "match/pool.h"
#include "json/scan.h"

struct member {
	struct span name;  /* decoded */
	size_t from, next; /* offset of its key, and of the next member's key */
};

struct cut {
	size_t from, to;
};

struct work {
	struct pool pool;
	struct member *members; /* of the objects that are open, outermost first */
	size_t member_count, member_cap;
	size_t *first; /* per open container: its first member */
	struct cut *cuts;
	size_t cut_count, cut_cap;
};

static void
add_member(struct work *w, const struct scan *s)
{
	char *name = pool_alloc(&w->pool, s->token.len + 1);
	size_t first = w->first[s->depth - 1];

	if (w->member_count > first)
		w->members[w->member_count - 1].next = s->offset;
	if (w->member_count == w->member_cap) {
		w->member_cap = w->member_cap == 0 ? 64 : 2 * w->member_cap;
		w->members = mem_reallocn(w->members, w->member_cap, sizeof(*w->members));
	}
	w->members[w->member_count++] =
		(struct member){ { name, scan_unescape_to(s->token, name, true) }, s->offset, 0 };
}

static int
by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = span_cmp(x->name, y->name);

	return c != 0 ? c : x->from < y->from ? -1 : x->from > y->from;
}

static void
end_object(struct work *w, size_t first)
{
	size_t n = w->member_count - first;

	if (n < 2) {
		w->member_count = first;
		return;
	}
	qsort(w->members + first, n, sizeof(*w->members), by_name);
	for (size_t i = first; i + 1 < w->member_count; i++) {
		struct member *m = &w->members[i];
		if (!span_eq(m->name, m[1].name))
			continue;
		if (w->cut_count == w->cut_cap) {
			w->cut_cap = w->cut_cap == 0 ? 16 : 2 * w->cut_cap;
			w->cuts = mem_reallocn(w->cuts, w->cut_cap, sizeof(*w->cuts));
		}
		w->cuts[w->cut_count++] = (struct cut){ m->from, m->next };
	}
	w->member_count = first;
}

static int
collect(struct work *w, struct span event, struct err *e)
{
	struct scan s;
	enum scan_token token;

	scan_init(&s, event, 0);
	while ((token = scan_next(&s)) != SCAN_END) {
		if (token == SCAN_ERROR)
			return scan_fail(&s, e);
		if (token == SCAN_OBJECT_BEGIN || token == SCAN_ARRAY_BEGIN)
			w->first[s.depth - 1] = w->member_count;
		else if (token == SCAN_OBJECT_END)
			end_object(w, w->first[s.depth]);
		else if (token == SCAN_KEY)
			add_member(w, &s);
	}
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static int
write_rest(struct work *w, struct span event, struct buf *out, struct err *e)
{
	size_t at = 0;
	int result = 0;

	qsort(w->cuts, w->cut_count, sizeof(*w->cuts), by_place);
	for (size_t i = 0; i < w->cut_count; i++) {
		if (w->cuts[i].to <= at) /* within one that is gone */
			continue;
		result |= buf_add(out, event.p + at, w->cuts[i].from - at);
		at = w->cuts[i].to;
	}
	result |= buf_add(out, event.p + at, event.len - at);
	return result == 0 ? 1
	                   : err_set(e, ERR_LIMIT, "an event of %zu bytes is too large", event.len);
}

int
dedupe(struct span event, struct buf *out, struct err *e)
{
	struct work w = { .members = NULL };
	int result = -1;

	if (scan_check(event, true, e) != 0)
		return -1;
	pool_init(&w.pool, 4096);
	w.first = mem_calloc(SCAN_DEPTH_MAX + 1, sizeof(*w.first));
	if (collect(&w, event, e) == 0)
		result = w.cut_count == 0 ? 0 : write_rest(&w, event, out, e);
	pool_done(&w.pool);
	mem_free(w.members);
	mem_free(w.first);
	mem_free(w.cuts);
	return result;
}
