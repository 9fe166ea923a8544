/*
 * reference: see reference.h. The meaning of an event (the room's README.md tells more):
 * - only strings, numbers, true, false and null are values; a path is the names on the way joined by dots, arrays add
 *   nothing; of duplicate keys in one object the last one counts;
 * - a clause matches when a value can be chosen for each condition so that chosen values that share an array lie in the
 *   same element of it; a condition may instead be met by absence, when no value at its path agrees with the chosen:
 *   {"exists": false} alone with all that are chosen, beside other tests with those chosen for paths that sort before.
 */
#include "config.h"

#include "match/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "match/dedupe.h"
#include "json/scan.h"

enum { SEARCH_STEPS_MAX = 1000000 };

/* A container that is open while flattening. */
struct frame {
	bool is_array;
	bool is_last_empty; /* as the flattener's, within it */
	size_t path_len;    /* of the path outside of it */
	unsigned names;
	uint32_t array, index; /* of an array: its number; the next element */
	uint32_t member;       /* membership of what lies directly in it */
};

struct flattener {
	const struct pattern *p;
	struct reference_event *ev;
	struct buf path;
	unsigned names;     /* on the path */
	bool is_last_empty; /* the last of them */
	uint32_t array_count;
	struct frame *frames;
	size_t depth;
};

static uint32_t
add_member(struct reference_event *ev, struct reference_member m)
{
	if (ev->member_count == ev->member_cap) {
		ev->member_cap = ev->member_cap == 0 ? 16 : 2 * ev->member_cap;
		ev->members = mem_reallocn(ev->members, ev->member_cap, sizeof(*ev->members));
	}
	ev->members[ev->member_count] = m;
	return (uint32_t)ev->member_count++;
}

static void
add_leaf(struct flattener *f, const struct scan *s, bool is_string, uint32_t member)
{
	struct reference_event *ev = f->ev;
	struct span path = { f->path.data == NULL ? "" : f->path.data, f->path.len };
	struct leaf leaf = { is_string, s->token };

	if (f->names > 1 && f->is_last_empty)
		return; /* no path can end in an empty name of its own */
	for (uint32_t i = 0; i < f->p->path_count; i++) {
		if (!span_eq(f->p->paths[i], path))
			continue;
		if (is_string) {
			char *text = pool_alloc(&ev->pool, s->token.len + 1);
			leaf.text = (struct span){ text, scan_unescape_to(s->token, text, true) };
		}
		if (ev->leaf_count == ev->leaf_cap) {
			ev->leaf_cap = ev->leaf_cap == 0 ? 16 : 2 * ev->leaf_cap;
			ev->leaves = mem_reallocn(ev->leaves, ev->leaf_cap, sizeof(*ev->leaves));
		}
		ev->leaves[ev->leaf_count++] = (struct reference_leaf){ i, member, leaf };
	}
}

static void
push_name(struct flattener *f, struct span escaped)
{
	if (f->names++ > 0)
		(void)buf_add_char(&f->path, '.');
	f->is_last_empty = escaped.len == 0;
	char *room = buf_reserve(&f->path, escaped.len);
	if (room != NULL)
		buf_commit(&f->path, scan_unescape_to(escaped, room, true));
}

static void
open_frame(struct flattener *f, bool is_array, size_t path_len, unsigned names)
{
	struct frame *above = f->depth == 0 ? NULL : &f->frames[f->depth - 1];
	struct frame *frame = &f->frames[f->depth++];

	*frame = (struct frame){ .is_array = is_array,
		                 .is_last_empty = f->is_last_empty,
		                 .path_len = path_len,
		                 .names = names,
		                 .member = above == NULL ? 0 : above->member };
	if (above != NULL && above->is_array)
		frame->member =
			add_member(f->ev, (struct reference_member){ above->member, above->array,
		                                                     above->index });
	if (is_array)
		frame->array = f->array_count++;
}

/* After a value within the innermost container. */
static void
after_value(struct flattener *f)
{
	struct frame *top;

	if (f->depth == 0)
		return;
	top = &f->frames[f->depth - 1];
	f->is_last_empty = top->is_last_empty;
	if (top->is_array) {
		top->index++;
	} else {
		buf_truncate(&f->path, top->path_len);
		f->names = top->names;
	}
}

static int
flatten(struct flattener *f, struct scan *s, struct err *e)
{
	enum scan_token token;

	while ((token = scan_next(s)) != SCAN_END) {
		switch (token) {
		case SCAN_ERROR:
			return scan_fail(s, e);
		case SCAN_KEY:
			push_name(f, s->token);
			break;
		case SCAN_OBJECT_BEGIN:
		case SCAN_ARRAY_BEGIN:
			open_frame(f, token == SCAN_ARRAY_BEGIN, f->path.len, f->names);
			break;
		case SCAN_OBJECT_END:
		case SCAN_ARRAY_END:
			f->depth--;
			after_value(f);
			break;
		default:
			if (f->depth > 0)
				add_leaf(f, s, token == SCAN_STRING,
				         f->frames[f->depth - 1].member);
			after_value(f);
		}
	}
	return 0;
}

int
reference_flatten(const struct pattern *p, struct span event, struct reference_event *ret,
                  struct err *e)
{
	struct flattener f = { .p = p, .ev = ret };
	struct scan s;
	int result;

	*ret = (struct reference_event){ .leaves = NULL };
	pool_init(&ret->pool, 1024);
	(void)add_member(ret, (struct reference_member){ 0, 0, 0 });
	buf_init(&ret->copy, 0);
	result = dedupe(event, &ret->copy, e);
	if (result < 0)
		return -1;
	if (result > 0)
		event = (struct span){ ret->copy.data, ret->copy.len };
	f.frames = mem_calloc(SCAN_DEPTH_MAX + 1, sizeof(*f.frames));
	buf_init(&f.path, 0);
	scan_init(&s, event, 0);
	result = flatten(&f, &s, e);
	buf_done(&f.path);
	mem_free(f.frames);
	return result;
}

void
reference_done(struct reference_event *ev)
{
	pool_done(&ev->pool);
	buf_done(&ev->copy);
	mem_free(ev->leaves);
	mem_free(ev->members);
	*ev = (struct reference_event){ .leaves = NULL };
}

bool
reference_condition_holds(const struct condition *c, const struct leaf *leaf)
{
	for (size_t i = 0; i < c->test_count; i++)
		if (test_holds(&c->tests[i], leaf))
			return true;
	return false;
}

static bool
may_be_absent(const struct condition *c)
{
	for (size_t i = 0; i < c->test_count; i++)
		if (c->tests[i].kind == TEST_ABSENT)
			return true;
	return false;
}

/* Do two values lie in different elements of one array? */
static bool
conflict(const struct reference_event *ev, uint32_t a, uint32_t b)
{
	for (uint32_t x = a; x != 0; x = ev->members[x].parent)
		for (uint32_t y = b; y != 0; y = ev->members[y].parent)
			if (ev->members[x].array == ev->members[y].array &&
			    ev->members[x].index != ev->members[y].index)
				return true;
	return false;
}

static bool
is_absence_only(const struct condition *c)
{
	for (size_t i = 0; i < c->test_count; i++)
		if (c->tests[i].kind != TEST_ABSENT)
			return false;
	return true;
}

struct search {
	const struct clause *c;
	const struct reference_event *ev;
	const struct condition **order;
	size_t count;
	uint32_t *chosen; /* members of the chosen values */
	size_t chosen_count;
	size_t steps;
};

static bool
agrees(const struct search *s, uint32_t member)
{
	for (size_t i = 0; i < s->chosen_count; i++)
		if (conflict(s->ev, s->chosen[i], member))
			return false;
	return true;
}

static bool
is_absent(const struct search *s, uint32_t path)
{
	for (size_t i = 0; i < s->ev->leaf_count; i++)
		if (s->ev->leaves[i].path == path && agrees(s, s->ev->leaves[i].member))
			return false;
	return true;
}

static bool
choose(struct search *s, size_t n)
{
	const struct condition *c;

	if (++s->steps > SEARCH_STEPS_MAX)
		return true; /* in doubt an alert */
	if (n == s->count)
		return true;
	c = s->order[n];
	for (size_t i = 0; i < s->ev->leaf_count; i++) {
		const struct reference_leaf *l = &s->ev->leaves[i];
		if (l->path != c->path || !agrees(s, l->member) ||
		    !reference_condition_holds(c, &l->leaf))
			continue;
		s->chosen[s->chosen_count++] = l->member;
		if (choose(s, n + 1))
			return true;
		s->chosen_count--;
	}
	return may_be_absent(c) && is_absent(s, c->path) && choose(s, n + 1);
}

struct ordered {
	uint64_t key;
	const struct condition *condition;
};

static int
by_key(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* By path, absences last. Returns how many. */
static size_t
put_in_order(const struct pattern *p, const struct clause *c, const struct condition **out)
{
	struct ordered *list = mem_calloc(c->path_count + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < c->path_count; i++) {
		const struct condition *condition = c->by_path[i];
		if (condition != NULL)
			list[n++] = (struct ordered){ (uint64_t)is_absence_only(condition) << 32 |
				                              p->path_order[i],
				                      condition };
	}
	qsort(list, n, sizeof(*list), by_key);
	for (size_t i = 0; i < n; i++)
		out[i] = list[i].condition;
	mem_free(list);
	return n;
}

bool
reference_clause_matches(const struct pattern *p, const struct clause *c,
                         const struct reference_event *ev)
{
	struct search s = { .c = c, .ev = ev };
	bool is_match;

	s.chosen = mem_calloc(c->path_count + 1, sizeof(*s.chosen));
	s.order = mem_calloc(c->path_count + 1, sizeof(const struct condition *));
	s.count = put_in_order(p, c, s.order);
	is_match = choose(&s, 0);
	mem_free(s.chosen);
	mem_free(s.order);
	return is_match;
}

int
reference_match(const struct pattern *p, struct span event, struct err *e)
{
	struct reference_event ev;
	int result = reference_flatten(p, event, &ev, e);

	for (size_t i = 0; result == 0 && i < p->clause_count; i++)
		if (reference_clause_matches(p, &p->clauses[i], &ev))
			result = 1;
	reference_done(&ev);
	return result;
}
