/*
 * operator_but: how the operands of anything-but and wildcard are read. See operator.h.
 */
#include "config.h"

#include <string.h>

#include "match/decimal.h"
#include "match/operator.h"

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
int
operator_split_wildcard(struct parse *ps, struct test *ret)
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
	ret->part_count = (uint32_t)n;
	if (n == 1) {
		ret->kind = TEST_STRING;
		ret->text = parts[0];
	}
	return 0;
}

/* What may stand within anything-but: how each member of its list becomes a test. */
static int
read_exclusion(struct parse *ps, enum scan_token token, enum test_kind kind, const char *name,
               struct test *ret)
{
	size_t offset = ps->scan.offset;

	*ret = (struct test){ .kind = kind, .offset = (uint32_t)offset };
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
	return kind == TEST_WILDCARD ? operator_split_wildcard(ps, ret) : 0;
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
	ret->except_count = (uint32_t)n;
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

int
operator_anything_but(struct parse *ps, struct test *ret)
{
	enum scan_token token = parse_next(ps);

	if (token == SCAN_ERROR)
		return -1;
	if (token == SCAN_OBJECT_BEGIN)
		return read_nested_exclusions(ps, ret);
	return read_exclusions(ps, token, TEST_STRING, "", ret);
}
