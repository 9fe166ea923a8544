/*
 * pattern: text to clauses. See pattern.h and pattern_tree.h.
 *
 * Clauses are kept while reading as lists of conditions by path; a later write to a path replaces the earlier one in
 * every clause (so of duplicate keys the last one counts, and the order of a field and a $or matters, as in
 * EventBridge). $or copies the clauses so far once per alternative: the ceiling on that product is what keeps a hostile
 * pattern from exploding.
 */
#include "config.h"

#include "match/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "match/keytable.h"
#include "match/operator.h"
#include "match/pattern_tree.h"

enum {
	CELLS_MAX = 4 * 1000 * 1000, /* conditions in all clauses together */
	PATHS_MAX = 10000,
};

struct clause_list {
	struct clause *items;
	size_t count, cap;
};

struct reader {
	struct parse ps;
	struct pattern *p;
	struct keytable path_index;
	struct buf path; /* of the object being read */
	unsigned names;  /* on that path; $or adds none */
	struct clause_list clauses;
	size_t path_cap;
	struct test *tests; /* of the list being read */
	size_t test_cap;
};

static uint32_t
path_number(struct reader *r)
{
	struct span path = { r->path.data == NULL ? "" : r->path.data, r->path.len };
	uint32_t number = keytable_find(&r->path_index, path.p, path.len);

	if (number != KEYTABLE_NONE)
		return number;
	number = (uint32_t)r->p->path_count;
	path = pool_dup(&r->p->pool, path);
	(void)keytable_add(&r->path_index, path, number);
	if (r->p->path_count == r->path_cap) {
		struct span *more;
		r->path_cap = r->path_cap == 0 ? 4 : 2 * r->path_cap;
		more = pool_alloc(&r->p->pool, r->path_cap * sizeof(*more));
		if (number > 0)
			memcpy(more, r->p->paths, number * sizeof(*more));
		r->p->paths = more;
	}
	r->p->paths[r->p->path_count++] = path;
	return number;
}

static void
clause_set(struct reader *r, struct clause *c, const struct condition *condition)
{
	if (condition->path >= c->path_count) {
		size_t n = c->path_count * 2 > condition->path + 1 ? c->path_count * 2
		                                                   : condition->path + 1;
		const struct condition **more =
			pool_zalloc(&r->p->pool, n * sizeof(const struct condition *));
		if (c->path_count > 0)
			memcpy(more, c->by_path, c->path_count * sizeof(*more));
		c->by_path = more;
		c->path_count = n;
	}
	c->by_path[condition->path] = condition;
}

static void
list_add(struct clause_list *list, struct clause c)
{
	if (list->count == list->cap) {
		list->cap = list->cap == 0 ? 4 : 2 * list->cap;
		list->items = mem_reallocn(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->count++] = c;
}

static void
set_in_all(struct reader *r, const struct condition *condition)
{
	if (r->clauses.count == 0)
		list_add(&r->clauses, (struct clause){ NULL, 0 });
	for (size_t i = 0; i < r->clauses.count; i++)
		clause_set(r, &r->clauses.items[i], condition);
}

static int
check_size(struct reader *r, size_t offset)
{
	size_t cells = 0;

	for (size_t i = 0; i < r->clauses.count; i++)
		cells += r->clauses.items[i].path_count;
	if (r->clauses.count > PATTERN_COMBINATIONS_MAX || cells > CELLS_MAX)
		return parse_fail(
			&r->ps, offset,
			"the \"$or\" of this pattern multiply out to more than %d combinations "
			"(EventBridge takes 1000); write several rules",
			PATTERN_COMBINATIONS_MAX);
	return 0;
}

/* One member of a value array; the token is just read. */
static int
read_test(struct reader *r, enum scan_token token, struct test *ret)
{
	struct parse *ps = &r->ps;

	*ret = (struct test){ .offset = (uint32_t)ps->scan.offset };
	switch (token) {
	case SCAN_STRING:
		operator_literal_string(ps, ret);
		return 0;
	case SCAN_NUMBER:
		operator_literal_number(ps, ret);
		return 0;
	case SCAN_TRUE:
	case SCAN_FALSE:
	case SCAN_NULL:
		ret->kind = TEST_TOKEN;
		ret->text = pool_dup(ps->pool, ps->scan.token);
		return 0;
	case SCAN_OBJECT_BEGIN:
		return operator_parse(ps, ret);
	case SCAN_ARRAY_BEGIN:
		return parse_fail(
			ps, ps->scan.offset,
			"an array within the list of values; a value is a string, a number, true, "
			"false, null or an operator");
	default:
		return -1;
	}
}

/* The tests of a value array into r->tests; their number, or -1. */
static ssize_t
read_tests(struct reader *r)
{
	enum scan_token token;
	size_t n = 0;

	while ((token = parse_next(&r->ps)) != SCAN_ARRAY_END) {
		if (token == SCAN_ERROR)
			return -1;
		if (n == r->test_cap) {
			r->test_cap = r->test_cap == 0 ? 8 : 2 * r->test_cap;
			r->tests = mem_reallocn(r->tests, r->test_cap, sizeof(*r->tests));
		}
		if (read_test(r, token, &r->tests[n++]) != 0)
			return -1;
	}
	return (ssize_t)n;
}

/* The array of values of the field at r->path; its bracket is consumed. */
static int
read_values(struct reader *r)
{
	struct parse *ps = &r->ps;
	size_t from = ps->scan.offset;
	ssize_t n = read_tests(r);
	struct condition *c;

	if (n < 0)
		return -1;
	if (n == 0)
		return parse_fail(ps, from, "an empty list of values matches nothing");
	if (r->p->path_count == PATHS_MAX)
		return parse_fail(ps, from, "more than %d different fields in one pattern",
		                  PATHS_MAX);
	c = pool_zalloc(ps->pool, sizeof(*c));
	c->path = path_number(r);
	c->offset = (uint32_t)from;
	c->test_count = (uint32_t)n;
	c->tests = pool_alloc(ps->pool, c->test_count * sizeof(*c->tests));
	memcpy(c->tests, r->tests, c->test_count * sizeof(*c->tests));
	c->raw = pool_dup(ps->pool, (struct span){ ps->text.p + from, ps->scan.offset + 1 - from });
	set_in_all(r, c);
	return check_size(r, from);
}

/* Names that cannot be fields within $or: a forgotten pair of brackets would be read as a field otherwise. */
static bool
is_reserved(struct span name)
{
	static const char *const reserved[] = {
		"exactly",
		"equals-ignore-case",
		"prefix",
		"suffix",
		"anything-but",
		"exists",
		"wildcard",
		"numeric",
		"cidr",
		"=",
		"<",
		"<=",
		">",
		">=",
		"regex",
		"not-wildcard",
		"not-equals-ignore-case",
		"date-after",
		"date-on-or-after",
		"date-before",
		"date-on-or-before",
		"in-date-range",
		"ip-address-in-range",
		"ip-address-not-in-range",
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (span_eq_str(name, reserved[i]))
			return true;
	return false;
}

static int read_object(struct reader *r, bool is_in_or);

static struct clause_list
list_copy(struct reader *r, const struct clause_list *from)
{
	struct clause_list copy = { NULL, 0, 0 };

	for (size_t i = 0; i < from->count; i++) {
		struct clause c = from->items[i];
		const struct condition **cells =
			pool_zalloc(&r->p->pool, c.path_count * sizeof(const struct condition *));
		if (c.path_count > 0)
			memcpy(cells, c.by_path, c.path_count * sizeof(*cells));
		c.by_path = cells;
		list_add(&copy, c);
	}
	return copy;
}

/* One alternative of $or: everything so far, and this. Appends to done. */
static int
read_alternative(struct reader *r, const struct clause_list *so_far, struct clause_list *done)
{
	size_t offset = r->ps.scan.offset;
	int result;

	r->clauses = list_copy(r, so_far);
	if (r->clauses.count == 0)
		list_add(&r->clauses, (struct clause){ NULL, 0 });
	result = read_object(r, true);
	for (size_t i = 0; i < r->clauses.count; i++)
		list_add(done, r->clauses.items[i]);
	mem_free(r->clauses.items);
	r->clauses = (struct clause_list){ NULL, 0, 0 };
	if (result == 0 && done->count > PATTERN_COMBINATIONS_MAX) {
		r->clauses = *done;
		*done = (struct clause_list){ NULL, 0, 0 };
		result = check_size(r, offset);
	}
	return result;
}

static int
read_or(struct reader *r)
{
	struct parse *ps = &r->ps;
	size_t from = ps->scan.offset, n = 0;
	struct clause_list so_far = r->clauses, done = { NULL, 0, 0 };
	enum scan_token token = parse_next(ps);
	int result = 0;

	r->clauses = (struct clause_list){ NULL, 0, 0 };
	if (token != SCAN_ARRAY_BEGIN && token != SCAN_ERROR)
		result = parse_fail(ps, ps->scan.offset,
		                    "\"$or\" takes an array of at least two objects");
	else if (token == SCAN_ERROR)
		result = -1;
	while (result == 0 && (token = parse_next(ps)) != SCAN_ARRAY_END) {
		if (token == SCAN_OBJECT_BEGIN)
			result = read_alternative(r, &so_far, &done);
		else if (token != SCAN_ERROR)
			result = parse_fail(ps, ps->scan.offset, "\"$or\" takes objects only");
		else
			result = -1;
		n++;
	}
	if (result == 0 && n < 2)
		result = parse_fail(ps, from, "\"$or\" takes at least two objects");
	mem_free(so_far.items);
	mem_free(r->clauses.items);
	r->clauses = done;
	return result == 0 ? check_size(r, from) : -1;
}

static int
read_field(struct reader *r, struct span name, bool is_in_or)
{
	struct parse *ps = &r->ps;
	size_t parent = r->path.len, key = ps->scan.offset;
	enum scan_token token;
	int result = -1;

	if (r->names++ > 0 && r->path.len > 0) /* a leading empty name is dropped */
		(void)buf_add_char(&r->path, '.');
	(void)buf_add(&r->path, name.p, name.len);
	ps->path = (struct span){ r->path.data, r->path.len };
	token = parse_next(ps);
	if (is_in_or && is_reserved(name))
		result = parse_fail(
			ps, key,
			"an operator's name cannot be a field within \"$or\"; operators stand in a list: "
			"{\"field\": [{\"prefix\": \"a\"}]}");
	else if (token == SCAN_OBJECT_BEGIN)
		result = read_object(r, is_in_or);
	else if (token == SCAN_ARRAY_BEGIN)
		result = read_values(r);
	else if (token != SCAN_ERROR)
		result = parse_fail(
			ps, ps->scan.offset, "a value has to be in a list: write [%.*s]",
			(int)(ps->scan.token.len > 40 ? 40 : ps->scan.token.len), ps->scan.token.p);
	r->names--;
	if (result == 0) {
		buf_truncate(&r->path, parent);
		ps->path = (struct span){ r->path.data, r->path.len };
	}
	return result;
}

/* An object of fields; its brace is consumed. */
static int
read_object(struct reader *r, bool is_in_or)
{
	struct parse *ps = &r->ps;
	size_t from = ps->scan.offset;
	enum scan_token token = parse_next(ps);

	if (token == SCAN_OBJECT_END)
		return parse_fail(ps, from, "an empty object matches nothing");
	for (; token != SCAN_OBJECT_END; token = parse_next(ps)) {
		struct span name;
		if (token == SCAN_ERROR)
			return -1;
		name = parse_text(ps);
		if ((span_eq_str(name, "$or") ? read_or(r) : read_field(r, name, is_in_or)) != 0)
			return -1;
	}
	return 0;
}

static int
read_pattern(struct reader *r)
{
	struct parse *ps = &r->ps;
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_OBJECT_BEGIN)
		return parse_fail(ps, ps->scan.offset, "a pattern is a JSON object");
	if (read_object(r, false) != 0)
		return -1;
	return parse_next(ps) == SCAN_END ? 0 : -1;
}

struct ranked {
	struct span text;
	uint32_t path;
};

/* UTF-16 sorts code points beyond the BMP below U+E000; else as UTF-8 does. */
static int
utf16_weight(unsigned char c)
{
	return c < 0xEE ? c : c < 0xF0 ? c + 0x10 : c - 2;
}

int
pattern_path_compare(struct span x, struct span y)
{
	for (size_t i = 0; i < x.len && i < y.len; i++)
		if (x.p[i] != y.p[i])
			return utf16_weight((unsigned char)x.p[i]) -
			       utf16_weight((unsigned char)y.p[i]);
	return x.len < y.len ? -1 : x.len > y.len;
}

static int
by_utf16(const void *a, const void *b)
{
	return pattern_path_compare(((const struct ranked *)a)->text,
	                            ((const struct ranked *)b)->text);
}

static void
rank_paths(struct pattern *p)
{
	struct ranked *list = mem_calloc(p->path_count + 1, sizeof(*list));

	for (size_t i = 0; i < p->path_count; i++)
		list[i] = (struct ranked){ p->paths[i], (uint32_t)i };
	qsort(list, p->path_count, sizeof(*list), by_utf16);
	p->path_order = pool_alloc(&p->pool, (p->path_count + 1) * sizeof(*p->path_order));
	for (size_t i = 0; i < p->path_count; i++)
		p->path_order[list[i].path] = (uint32_t)i;
	mem_free(list);
}

struct pattern *
pattern_parse(struct span text, struct pattern_where *ret_where, struct err *e)
{
	struct pattern *p = mem_zalloc(sizeof(*p));
	struct reader r = { .p = p };
	int result;

	pool_init(&p->pool, 256 + text.len);
	r.ps = (struct parse){
		.text = text, .pool = &p->pool, .path = SPAN_LIT(""), .where = ret_where, .e = e
	};
	scan_init(&r.ps.scan, text, PATTERN_DEPTH_MAX);
	buf_init(&r.path, 0);
	result = read_pattern(&r);
	p->clause_count = r.clauses.count;
	p->clauses = pool_alloc(&p->pool, r.clauses.count * sizeof(*p->clauses));
	if (r.clauses.count > 0)
		memcpy(p->clauses, r.clauses.items, r.clauses.count * sizeof(*p->clauses));
	mem_free(r.clauses.items);
	keytable_done(&r.path_index);
	mem_free(r.tests);
	buf_done(&r.path);
	if (result == 0) {
		rank_paths(p);
		return p;
	}
	pattern_free(p);
	return NULL;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pool_done(&p->pool);
	mem_free(p);
}

bool
pattern_names(const struct pattern *p, const char *prefix)
{
	for (size_t i = 0; i < p->path_count; i++)
		if (span_starts(p->paths[i], prefix))
			return true;
	return false;
}
