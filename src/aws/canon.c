/*
 * canon: canonical path and query of Signature Version 4. See canon.h.
 */
#include "config.h"

#include "aws/canon.h"

#include "base/buf.h"
#include "base/err.h"

enum { QUERY_PAIRS_MAX = 128 };

struct pair {
	struct span name, value; /* encoded */
};

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void
add_encoded(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789ABCDEF";
	char three[3] = { '%', hex[c >> 4], hex[c & 15] };

	(void)buf_add(b, three, 3);
}

/* Runs that need no encoding are copied as one. */
static void
encode(struct buf *b, struct span s, bool keeps_slash)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_unreserved(c) || (keeps_slash && c == '/'))
			continue;
		(void)buf_add(b, s.p + from, i - from);
		add_encoded(b, c);
		from = i + 1;
	}
	(void)buf_add(b, s.p + from, s.len - from);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode %XX and encode again: whatever the wire's form was, the canonical one comes out. */
static struct span
encode_again(struct buf *b, struct span s)
{
	size_t at = b->len;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '%' && i + 2 < s.len && hex_value(s.p[i + 1]) >= 0 &&
		    hex_value(s.p[i + 2]) >= 0) {
			c = (unsigned char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
			i += 2;
		}
		if (is_unreserved(c))
			(void)buf_add_char(b, (char)c);
		else
			add_encoded(b, c);
	}
	return (struct span){ b->data + at, b->len - at };
}

/* ---- path ---- */

/* Without "." and "..", and with one '/' where there were many (RFC 3986 section 5.2.4, and AWS's own rule). */
static struct span
normalize_path(struct buf *out, struct span path)
{
	buf_clear(out);
	for (size_t i = 0; i < path.len;) {
		while (i < path.len && path.p[i] == '/')
			i++;
		size_t from = i;
		while (i < path.len && path.p[i] != '/')
			i++;
		struct span part = { path.p + from, i - from };
		if (span_eq_str(part, "..")) {
			while (out->len > 0 && out->data[out->len - 1] != '/')
				out->len--;
			if (out->len > 0)
				out->len--;
		} else if (part.len > 0 && !span_eq_str(part, ".")) {
			(void)buf_add_char(out, '/');
			(void)buf_add(out, part.p, part.len);
		}
	}
	bool ends_open = path.len > 0 && path.p[path.len - 1] == '/';
	if (out->len == 0 || ends_open)
		(void)buf_add_char(out, '/');
	return (struct span){ out->data, out->len };
}

static bool
needs_normalizing(struct span path)
{
	for (size_t i = 0; i + 1 < path.len; i++)
		if (path.p[i] == '/' && (path.p[i + 1] == '/' || path.p[i + 1] == '.'))
			return true;
	return path.len == 0 || path.p[0] != '/';
}

void
canon_path(struct buf *out, struct buf *scratch, struct span path, bool is_raw)
{
	if (path.len == 0)
		path = SPAN_LIT("/");
	if (!is_raw && needs_normalizing(path))
		path = normalize_path(scratch, path);
	encode(out, path, true);
}

/* ---- query ---- */

static bool
pair_is_before(const struct pair *a, const struct pair *b)
{
	int by_name = span_cmp(a->name, b->name);

	return by_name != 0 ? by_name < 0 : span_cmp(a->value, b->value) < 0;
}

/* Insertion keeps equal ones in order; queries have a handful of pairs. */
static void
sort_pairs(struct pair *pairs, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct pair moving = pairs[i];
		size_t j = i;
		for (; j > 0 && pair_is_before(&moving, &pairs[j - 1]); j--)
			pairs[j] = pairs[j - 1];
		pairs[j] = moving;
	}
}

static int
add_pairs(struct buf *out, struct buf *scratch, struct span query, struct err *e)
{
	struct pair pairs[QUERY_PAIRS_MAX];
	size_t n = 0;

	buf_clear(scratch);
	/* Encoded text is at most three times as long: reserved at once, so that spans into it stay. */
	(void)buf_reserve(scratch, 3 * query.len + 1);
	for (size_t i = 0; i < query.len; i++) {
		size_t from = i, equals = SIZE_MAX;
		for (; i < query.len && query.p[i] != '&'; i++)
			if (query.p[i] == '=' && equals == SIZE_MAX)
				equals = i;
		if (i == from)
			continue;
		if (n == QUERY_PAIRS_MAX)
			return err_set(e, ERR_LIMIT,
			               "a query of more than %d parameters cannot be signed",
			               QUERY_PAIRS_MAX);
		size_t name_end = equals == SIZE_MAX ? i : equals;
		size_t value_at = equals == SIZE_MAX ? i : equals + 1;
		pairs[n].name =
			encode_again(scratch, (struct span){ query.p + from, name_end - from });
		pairs[n].value =
			encode_again(scratch, (struct span){ query.p + value_at, i - value_at });
		n++;
	}
	sort_pairs(pairs, n);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)buf_add_char(out, '&');
		(void)buf_add(out, pairs[i].name.p, pairs[i].name.len);
		(void)buf_add_char(out, '=');
		(void)buf_add(out, pairs[i].value.p, pairs[i].value.len);
	}
	return 0;
}

int
canon_query(struct buf *out, struct buf *scratch, struct span query, struct err *e)
{
	/* Most have none: spare them the array. */
	return query.len == 0 ? 0 : add_pairs(out, scratch, query, e);
}
