/*
 * operator: the table of operators, and how the operand of each is read. See operator.h; findingsd-patterns(7) tells
 * the user the same.
 *
 * A reader is called with the operator's key just read; it consumes the operand's value and nothing more.
 */
#include "config.h"

#include "match/operator.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "match/decimal.h"

typedef int reader_fn(struct parse *ps, struct test *ret);

static reader_fn read_block, read_exactly, read_exists, read_ignore_case, read_numeric, read_prefix,
	read_suffix, read_wildcard;

/* In order of names; readers in the same order. */
static const struct operator_info operators[] = {
	{ "anything-but",
	  "string, number, a list of either, or {\"prefix\"|\"suffix\"|\"equals-ignore-case\"|\"wildcard\": string or list}",
	  "any value that is there and is not excluded" },
	{ "cidr", "\"address/bits\"", "an IP address in the block" },
	{ "equals-ignore-case", "string", "the same text, upper or lower case" },
	{ "exactly", "string", "the same text, never read as an address" },
	{ "exists", "true or false", "the field has a value, or has none" },
	{ "numeric", "[\"=\", n], [\"<\", n], [\">\", n, \"<=\", m] ...", "a number in a range" },
	{ "prefix", "string or {\"equals-ignore-case\": string}", "text that begins so" },
	{ "suffix", "string or {\"equals-ignore-case\": string}", "text that ends so" },
	{ "wildcard", "string with *", "text where each * stands for anything" },
};

static reader_fn *const readers[] = {
	operator_anything_but, read_block,  read_ignore_case, read_exactly,  read_exists,
	read_numeric,          read_prefix, read_suffix,      read_wildcard,
};

enum { OPERATOR_COUNT = sizeof(operators) / sizeof(operators[0]) };
_Static_assert(sizeof(readers) / sizeof(readers[0]) == OPERATOR_COUNT,
               "a reader for each operator");

int
parse_fail(struct parse *ps, size_t offset, const char *fmt, ...)
{
	char what[ERR_TEXT_BYTES];
	struct pattern_where where = { 0, 0, "" };
	size_t n = str_utf8_cut(ps->path.p, ps->path.len, sizeof(where.path) - 1);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	scan_position(ps->text, offset, &where.line, &where.column);
	if (n > 0)
		memcpy(where.path, ps->path.p, n);
	if (ps->where != NULL)
		*ps->where = where;
	return err_set(ps->e, ERR_PARSE, "%u:%u: %s%s%s", where.line, where.column, where.path,
	               where.path[0] == '\0' ? "" : ": ", what);
}

enum scan_token
parse_next(struct parse *ps)
{
	enum scan_token token = scan_next(&ps->scan);

	if (token == SCAN_ERROR)
		(void)parse_fail(ps, ps->scan.offset, "%s", scan_error(&ps->scan));
	return token;
}

struct span
parse_text(struct parse *ps)
{
	char *out = pool_alloc(ps->pool, ps->scan.token.len + 1);
	size_t n = scan_unescape_to(ps->scan.token, out, true);

	out[n] = '\0';
	return (struct span){ out, n };
}

const struct operator_info *
pattern_operators(size_t *ret_count)
{
	*ret_count = OPERATOR_COUNT;
	return operators;
}

static reader_fn *
find(struct span name)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (span_eq_str(name, operators[i].name))
			return readers[i];
	return NULL;
}

static int
fail_unknown(struct parse *ps, size_t offset, struct span name)
{
	const char *names[OPERATOR_COUNT];
	const char *near;
	char text[64];

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		names[i] = operators[i].name;
	memset(text, 0, sizeof(text));
	memcpy(text, name.p, str_utf8_cut(name.p, name.len, sizeof(text) - 1));
	near = str_nearest(text, names, OPERATOR_COUNT);
	if (near != NULL)
		return parse_fail(ps, offset, "unknown operator \"%s\" (did you mean \"%s\"?)",
		                  text, near);
	return parse_fail(
		ps, offset,
		"unknown operator \"%s\" (there are: anything-but, cidr, equals-ignore-case, "
		"exists, numeric, prefix, suffix, wildcard)",
		text);
}

int
operator_parse(struct parse *ps, struct test *ret)
{
	size_t open = ps->scan.offset;
	enum scan_token token = parse_next(ps);
	reader_fn *read;
	struct span name;

	if (token == SCAN_ERROR)
		return -1;
	if (token == SCAN_OBJECT_END)
		return parse_fail(
			ps, open,
			"an empty object where an operator has to stand, as in {\"prefix\": \"a\"}");
	name = parse_text(ps);
	read = find(name);
	if (read == NULL)
		return fail_unknown(ps, ps->scan.offset, name);
	ret->offset = (uint32_t)open;
	if (read(ps, ret) != 0)
		return -1;
	token = parse_next(ps);
	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_OBJECT_END)
		return parse_fail(
			ps, ps->scan.offset,
			"a second operator in one object; give each an object of its own: "
			"[{\"prefix\": \"a\"}, {\"suffix\": \"b\"}]");
	return 0;
}

static int
read_string(struct parse *ps, const char *operator, enum test_kind kind, struct test *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_STRING)
		return parse_fail(ps, ps->scan.offset, "\"%s\" takes a string", operator);
	ret->kind = kind;
	ret->text = parse_text(ps);
	return 0;
}

static int
read_exactly(struct parse *ps, struct test *ret)
{
	return read_string(ps, "exactly", TEST_STRING, ret);
}

static int
read_ignore_case(struct parse *ps, struct test *ret)
{
	return read_string(ps, "equals-ignore-case", TEST_IGNORE_CASE, ret);
}

/* prefix or suffix: a string, or {"equals-ignore-case": string} */
static int
read_affix(struct parse *ps, const char *name, enum test_kind plain, enum test_kind folded,
           struct test *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_STRING) {
		ret->kind = plain;
		ret->text = parse_text(ps);
		return 0;
	}
	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_OBJECT_BEGIN)
		return parse_fail(ps, ps->scan.offset,
		                  "\"%s\" takes a string or {\"equals-ignore-case\": string}",
		                  name);
	token = parse_next(ps);
	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_KEY || !span_eq_str(parse_text(ps), "equals-ignore-case"))
		return parse_fail(ps, ps->scan.offset,
		                  "only \"equals-ignore-case\" can stand within \"%s\"", name);
	if (read_string(ps, "equals-ignore-case", folded, ret) != 0)
		return -1;
	token = parse_next(ps);
	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_OBJECT_END)
		return parse_fail(ps, ps->scan.offset, "only one member can stand within \"%s\"",
		                  name);
	return 0;
}

static int
read_prefix(struct parse *ps, struct test *ret)
{
	return read_affix(ps, "prefix", TEST_PREFIX, TEST_PREFIX_IGNORE_CASE, ret);
}

static int
read_suffix(struct parse *ps, struct test *ret)
{
	return read_affix(ps, "suffix", TEST_SUFFIX, TEST_SUFFIX_IGNORE_CASE, ret);
}

static int
read_exists(struct parse *ps, struct test *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_TRUE && token != SCAN_FALSE)
		return parse_fail(ps, ps->scan.offset, "\"exists\" takes true or false");
	ret->kind = token == SCAN_TRUE ? TEST_EXISTS : TEST_ABSENT;
	return 0;
}

static int
read_block(struct parse *ps, struct test *ret)
{
	const char *wrong;
	unsigned bits = 0;

	if (read_string(ps, "cidr", TEST_BLOCK, ret) != 0)
		return -1;
	wrong = address_parse_block(ret->text, &ret->address, &bits);
	ret->bits = (uint8_t)bits;
	return wrong == NULL ? 0 : parse_fail(ps, ps->scan.offset, "%s", wrong);
}

static int
read_wildcard(struct parse *ps, struct test *ret)
{
	if (read_string(ps, "wildcard", TEST_WILDCARD, ret) != 0)
		return -1;
	return operator_split_wildcard(ps, ret);
}

static int
read_number(struct parse *ps, const char *after, double *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_NUMBER)
		return parse_fail(ps, ps->scan.offset, "a number has to follow \"%s\"", after);
	if (!decimal_comparable(ps->scan.token, ret))
		return parse_fail(
			ps, ps->scan.offset,
			"%.*s has more digits than a number can be compared by (15 are always fine)",
			(int)(ps->scan.token.len > 60 ? 60 : ps->scan.token.len), ps->scan.token.p);
	return 0;
}

static int
end_numeric(struct parse *ps)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_ARRAY_END)
		return parse_fail(ps, ps->scan.offset, "too many members in \"numeric\"");
	return 0;
}

/* After a lower bound: the array's end, or an upper bound. */
static int
read_upper_bound(struct parse *ps, struct test *ret)
{
	enum scan_token token = parse_next(ps);
	struct span operator;
	char after[3] = "";
	size_t offset = ps->scan.offset;

	if (token == SCAN_ERROR)
		return -1;
	if (token == SCAN_ARRAY_END)
		return 0;
	operator= token == SCAN_STRING ? parse_text(ps) : SPAN_LIT("");
	if (!span_eq_str(operator, "<") && !span_eq_str(operator, "<="))
		return parse_fail(ps, offset,
		                  "after a lower bound \"<\" or \"<=\" and a number can follow");
	memcpy(after, operator.p, operator.len);
	ret->is_high_open = operator.len == 1;
	if (read_number(ps, after, &ret->high) != 0)
		return -1;
	if (ret->low >= ret->high)
		return parse_fail(ps, offset, "the lower bound has to be below the upper one");
	return end_numeric(ps);
}

static int
read_comparison(struct parse *ps, struct span operator, struct test * ret)
{
	char name[3] = "";

	memcpy(name, operator.p, operator.len);
	if (name[0] == '=') {
		ret->kind = TEST_NUMBER;
		return read_number(ps, name, &ret->low) == 0 ? end_numeric(ps) : -1;
	}
	ret->kind = TEST_RANGE;
	ret->low = -DBL_MAX;
	ret->high = DBL_MAX;
	if (name[0] == '<') {
		ret->is_high_open = operator.len == 1;
		return read_number(ps, name, &ret->high) == 0 ? end_numeric(ps) : -1;
	}
	ret->is_low_open = operator.len == 1;
	return read_number(ps, name, &ret->low) == 0 ? read_upper_bound(ps, ret) : -1;
}

static int
read_numeric(struct parse *ps, struct test *ret)
{
	static const char *const known[] = { "=", "<", "<=", ">", ">=" };
	enum scan_token token = parse_next(ps);
	struct span operator;

	if (token == SCAN_ERROR)
		return -1;
	if (token != SCAN_ARRAY_BEGIN)
		return parse_fail(ps, ps->scan.offset,
		                  "\"numeric\" takes an array, as in [\">=\", 7]");
	token = parse_next(ps);
	if (token == SCAN_ERROR)
		return -1;
	operator= token == SCAN_STRING ? parse_text(ps) : SPAN_LIT("");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq_str(operator, known[i]))
			return read_comparison(ps, operator, ret);
	return parse_fail(ps, ps->scan.offset,
	                  "\"numeric\" begins with \"=\", \"<\", \"<=\", \">\" or \">=\"");
}

void
operator_literal_string(struct parse *ps, struct test *ret)
{
	*ret = (struct test){ .kind = TEST_STRING, .offset = (uint32_t)ps->scan.offset };
	ret->text = parse_text(ps);
	if (address_parse(ret->text, &ret->address)) {
		ret->kind = TEST_ADDRESS;
		ret->bits = (uint8_t)(ret->address.len * 8);
	}
}

void
operator_literal_number(struct parse *ps, struct test *ret)
{
	*ret = (struct test){ .kind = TEST_NUMBER, .offset = (uint32_t)ps->scan.offset };
	if (!decimal_comparable(ps->scan.token, &ret->low)) {
		ret->kind = TEST_NUMBER_TEXT;
		ret->text = pool_dup(ps->pool, ps->scan.token);
	}
}
