/*
 * operator: the table of operators, and how the operand of each is read. See operator.h; findingsd-patterns(7) tells
 * the user the same.
 *
 * A reader is called with the operator's key just read; it consumes the operand's value and nothing more.
 */
#include "config.h"

#include "match/operator.h"

#include <float.h>
#include <string.h>

#include "base/err.h"
#include "match/decimal.h"

typedef int reader_fn(struct parse *ps, struct test *ret);

static reader_fn read_anything_but, read_block, read_exactly, read_exists, read_ignore_case,
	read_numeric, read_prefix, read_suffix, read_wildcard;

static const struct operator_row {
	struct operator_info info;
	reader_fn *read;
} operators[] = {
	{ { "anything-but",
	    "string, number, a list of either, or {\"prefix\"|\"suffix\"|\"equals-ignore-case\"|\"wildcard\": string or list}",
	    "any value that is there and is not excluded" },
	  read_anything_but },
	{ { "cidr", "\"address/bits\"", "an IP address in the block" }, read_block },
	{ { "equals-ignore-case", "string", "the same text, upper or lower case" },
	  read_ignore_case },
	{ { "exactly", "string", "the same text, never read as an address" }, read_exactly },
	{ { "exists", "true or false", "the field has a value, or has none" }, read_exists },
	{ { "numeric", "[\"=\", n], [\"<\", n], [\">\", n, \"<=\", m] ...", "a number in a range" },
	  read_numeric },
	{ { "prefix", "string or {\"equals-ignore-case\": string}", "text that begins so" },
	  read_prefix },
	{ { "suffix", "string or {\"equals-ignore-case\": string}", "text that ends so" },
	  read_suffix },
	{ { "wildcard", "string with *", "text where each * stands for anything" }, read_wildcard },
};

enum { OPERATOR_COUNT = sizeof(operators) / sizeof(operators[0]) };

const struct operator_info *
pattern_operators(size_t *ret_count)
{
	static struct operator_info infos[OPERATOR_COUNT];

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		infos[i] = operators[i].info;
	*ret_count = OPERATOR_COUNT;
	return infos;
}

static const struct operator_row *
find(struct span name)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (span_eq_str(name, operators[i].info.name))
			return &operators[i];
	return NULL;
}

static int
fail_unknown(struct parse *ps, size_t offset, struct span name)
{
	const char *names[OPERATOR_COUNT];
	const char *near;
	char text[64];

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		names[i] = operators[i].info.name;
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
	const struct operator_row *row;
	struct span name;

	if (token == SCAN_ERROR)
		return -1;
	if (token == SCAN_OBJECT_END)
		return parse_fail(
			ps, open,
			"an empty object where an operator has to stand, as in {\"prefix\": \"a\"}");
	name = parse_text(ps);
	row = find(name);
	if (row == NULL)
		return fail_unknown(ps, ps->scan.offset, name);
	ret->offset = open;
	if (row->read(ps, ret) != 0)
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

	if (read_string(ps, "cidr", TEST_BLOCK, ret) != 0)
		return -1;
	wrong = address_parse_block(ret->text, &ret->address, &ret->bits);
	return wrong == NULL ? 0 : parse_fail(ps, ps->scan.offset, "%s", wrong);
}

static size_t
count_stars(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else
			n += s.p[i] == '*';
	}
	return n;
}

/* Split ret->text at its stars. */
static int
split_wildcard(struct parse *ps, struct test *ret)
{
	struct span s = ret->text;
	struct span *parts = pool_alloc(ps->pool, (count_stars(s) + 1) * sizeof(*parts));
	char *out = pool_alloc(ps->pool, s.len + 1);
	size_t n = 0, from = 0, o = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '*') {
			if (i + 1 < s.len && s.p[i + 1] == '*')
				return parse_fail(
					ps, ps->scan.offset,
					"two stars in a row at byte %zu of the wildcard; one says the same",
					i + 1);
			parts[n++] = (struct span){ out + from, o - from };
			from = o;
			continue;
		}
		if (s.p[i] == '\\') {
			i++;
			if (i == s.len || (s.p[i] != '*' && s.p[i] != '\\'))
				return parse_fail(
					ps, ps->scan.offset,
					"a backslash at byte %zu of the wildcard; only \\* and \\\\ "
					"(in JSON \"\\\\*\" and \"\\\\\\\\\") have a meaning",
					i);
		}
		out[o++] = s.p[i];
	}
	parts[n++] = (struct span){ out + from, o - from };
	ret->parts = parts;
	ret->part_count = n;
	if (n == 1) {
		ret->kind = TEST_STRING;
		ret->text = parts[0];
	}
	return 0;
}

static int
read_wildcard(struct parse *ps, struct test *ret)
{
	if (read_string(ps, "wildcard", TEST_WILDCARD, ret) != 0)
		return -1;
	return split_wildcard(ps, ret);
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

/* What may stand within anything-but: how each member of its list becomes a test. */
static int
read_exclusion(struct parse *ps, enum scan_token token, enum test_kind kind, const char *name,
               struct test *ret)
{
	size_t offset = ps->scan.offset;

	*ret = (struct test){ .kind = kind, .offset = offset };
	if (kind == TEST_STRING && token == SCAN_NUMBER) {
		ret->kind = TEST_NUMBER;
		if (!decimal_comparable(ps->scan.token, &ret->low))
			return parse_fail(ps, offset,
			                  "a number with more digits than can be compared");
		return 0;
	}
	if (token != SCAN_STRING)
		return parse_fail(
			ps, offset,
			kind == TEST_STRING
				? "\"anything-but\" excludes strings or numbers%s"
				: "\"anything-but\" with \"%s\" takes a string or a list of strings",
			kind == TEST_STRING ? "" : name);
	ret->text = parse_text(ps);
	if (ret->text.len == 0 && (kind == TEST_PREFIX || kind == TEST_SUFFIX))
		return parse_fail(ps, offset, "an empty %s excludes every string", name);
	return kind == TEST_WILDCARD ? split_wildcard(ps, ret) : 0;
}

static int
read_exclusions(struct parse *ps, enum scan_token token, enum test_kind kind, const char *name,
                struct test *ret)
{
	size_t offset = ps->scan.offset, n = 0, cap = 4;
	struct test *list = pool_alloc(ps->pool, cap * sizeof(*list));

	ret->kind = TEST_ANYTHING_BUT;
	ret->except = list;
	ret->except_count = 1;
	if (token != SCAN_ARRAY_BEGIN)
		return read_exclusion(ps, token, kind, name, list);
	while ((token = parse_next(ps)) != SCAN_ARRAY_END) {
		if (token == SCAN_ERROR)
			return -1;
		if (n == cap) {
			struct test *more = pool_alloc(ps->pool, 2 * cap * sizeof(*more));
			memcpy(more, list, n * sizeof(*more));
			list = more;
			cap *= 2;
		}
		if (read_exclusion(ps, token, kind, name, &list[n]) != 0)
			return -1;
		if (kind == TEST_STRING && list[n].kind != list[0].kind)
			return parse_fail(
				ps, ps->scan.offset,
				"\"anything-but\" takes strings or numbers, not both in one list");
		n++;
	}
	if (n == 0)
		return parse_fail(ps, offset,
		                  "an empty list excludes nothing; use {\"exists\": true}");
	ret->except = list;
	ret->except_count = n;
	return 0;
}

static int
read_nested_exclusions(struct parse *ps, struct test *ret)
{
	static const struct {
		const char *name;
		enum test_kind kind;
	} kinds[] = {
		{ "prefix", TEST_PREFIX },
		{ "suffix", TEST_SUFFIX },
		{ "equals-ignore-case", TEST_IGNORE_CASE },
		{ "wildcard", TEST_WILDCARD },
	};
	enum scan_token token = parse_next(ps);
	struct span name;

	if (token == SCAN_ERROR)
		return -1;
	name = token == SCAN_KEY ? parse_text(ps) : SPAN_LIT("");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_eq_str(name, kinds[i].name))
			continue;
		token = parse_next(ps);
		if (token == SCAN_ERROR ||
		    read_exclusions(ps, token, kinds[i].kind, kinds[i].name, ret) != 0)
			return -1;
		token = parse_next(ps);
		if (token == SCAN_ERROR)
			return -1;
		return token == SCAN_OBJECT_END
		               ? 0
		               : parse_fail(ps, ps->scan.offset,
		                            "only one member can stand within \"anything-but\"");
	}
	return parse_fail(ps, ps->scan.offset,
	                  "within \"anything-but\" there can be \"prefix\", \"suffix\", "
	                  "\"equals-ignore-case\" or \"wildcard\"");
}

static int
read_anything_but(struct parse *ps, struct test *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token == SCAN_OBJECT_BEGIN)
		return read_nested_exclusions(ps, ret);
	return read_exclusions(ps, token, TEST_STRING, "", ret);
}

void
operator_literal_string(struct parse *ps, struct test *ret)
{
	*ret = (struct test){ .kind = TEST_STRING, .offset = ps->scan.offset };
	ret->text = parse_text(ps);
	if (address_parse(ret->text, &ret->address)) {
		ret->kind = TEST_ADDRESS;
		ret->bits = ret->address.len * 8;
	}
}

void
operator_literal_number(struct parse *ps, struct test *ret)
{
	*ret = (struct test){ .kind = TEST_NUMBER, .offset = ps->scan.offset };
	if (!decimal_comparable(ps->scan.token, &ret->low)) {
		ret->kind = TEST_NUMBER_TEXT;
		ret->text = pool_dup(ps->pool, ps->scan.token);
	}
}
