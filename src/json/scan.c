/*
 * scan: the token machine. See scan.h; scan_text.c decodes strings, scan_path.c picks values by path.
 *
 * One state says what may come next; a bit per open container says whether it is an object. Source: RFC 8259.
 */
#include "config.h"

#include "json/scan.h"

#include <assert.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/err.h"
#include "json/leap.h"

enum {
	EXPECT_VALUE,
	EXPECT_FIRST_KEY,     /* key or } */
	EXPECT_FIRST_ELEMENT, /* value or ] */
	EXPECT_MORE,          /* comma, or the container's end */
	EXPECT_END,
	EXPECT_NOTHING, /* after END or an error */
};

void
scan_init(struct scan *s, struct span text, unsigned max_depth)
{
	s->start = s->p = text.p == NULL ? "" : text.p;
	s->end = s->start + text.len;
	s->token = (struct span){ s->p, 0 };
	s->has_escapes = false;
	s->depth = 0;
	s->max_depth = max_depth == 0 ? SCAN_DEPTH_DEFAULT : max_depth;
	if (s->max_depth > SCAN_DEPTH_MAX)
		s->max_depth = SCAN_DEPTH_MAX;
	s->offset = 0;
	s->error = NULL;
	s->expect = EXPECT_VALUE;
}

static enum scan_token
fail(struct scan *s, const char *at, const char *what)
{
	s->error = what;
	s->offset = (size_t)(at - s->start);
	s->p = at;
	s->expect = EXPECT_NOTHING;
	return SCAN_ERROR;
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline void
skip_blanks(struct scan *s)
{
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
}

/* First byte from p on that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *
plain_run(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      blank = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* signed compare: bytes over 127 are below blank too */
		__m128i hit = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
			_mm_cmplt_epi8(v, blank));
		int mask = _mm_movemask_epi8(hit);
		if (mask != 0)
			return p + __builtin_ctz((unsigned)mask);
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= ' ')
		p++;
	return p;
}

static bool
is_hex4(const char *p)
{
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return true;
}

/* Length of the escape at p (a backslash), 0 when it is none. */
static size_t
escape_length(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] == 'u')
		return end - p >= 6 && is_hex4(p + 2) ? 6 : 0;
	return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
}

/* s->p is behind the opening quote; on success it is behind the closing one and token is what lies between. */
static bool
read_string(struct scan *s)
{
	const char *from = s->p, *p = from;
	uint32_t cp;

	s->has_escapes = false;
	for (;;) {
		size_t n = 0;

		p = plain_run(p, s->end);
		if (p == s->end)
			return fail(s, s->end, "a string is not closed"), false;
		if (*p == '"')
			break;
		if (*p == '\\') {
			s->has_escapes = true;
			n = escape_length(p, s->end);
			if (n == 0)
				return fail(s, p, "invalid escape in a string"), false;
		} else if ((unsigned char)*p < ' ') {
			return fail(s, p, "a control byte in a string (must be escaped)"), false;
		} else {
			n = str_utf8_decode(p, (size_t)(s->end - p), &cp);
			if (n == 0)
				return fail(s, p, "bytes that are not UTF-8 in a string"), false;
		}
		p += n;
	}
	s->token = (struct span){ from, (size_t)(p - from) };
	s->p = p + 1;
	return true;
}

static inline const char *
digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static enum scan_token
read_number(struct scan *s)
{
	const char *p = s->p, *end = s->end, *from;

	if (*p == '-')
		p++;
	from = p;
	p = digits(p, end);
	if (p == from)
		return fail(s, s->p, "a number without digits");
	if (*from == '0' && p - from > 1)
		return fail(s, s->p, "a number with a leading zero");
	if (p < end && *p == '.') {
		from = ++p;
		p = digits(p, end);
		if (p == from)
			return fail(s, s->p, "a number without digits after its point");
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = digits(p, end);
		if (p == from)
			return fail(s, s->p, "a number without digits in its exponent");
	}
	s->token = (struct span){ s->p, (size_t)(p - s->p) };
	s->p = p;
	return SCAN_NUMBER;
}

static enum scan_token
read_word(struct scan *s)
{
	static const struct {
		const char *word;
		size_t len;
		enum scan_token token;
	} words[] = { { "true", 4, SCAN_TRUE },
		      { "false", 5, SCAN_FALSE },
		      { "null", 4, SCAN_NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = words[i].len;
		if ((size_t)(s->end - s->p) >= n && memcmp(s->p, words[i].word, n) == 0) {
			s->token = (struct span){ s->p, n };
			s->p += n;
			return words[i].token;
		}
	}
	return fail(s, s->p, "not a JSON value");
}

static inline void
after_value(struct scan *s)
{
	s->expect = s->depth == 0 ? EXPECT_END : EXPECT_MORE;
}

static inline bool
in_object(const struct scan *s)
{
	unsigned d = s->depth - 1;

	return (s->is_object[d / 64] >> (d % 64)) & 1;
}

static enum scan_token
open_container(struct scan *s, bool is_object)
{
	unsigned d = s->depth;

	if (d == s->max_depth)
		return fail(s, s->p, "nested too deeply");
	if (is_object)
		s->is_object[d / 64] |= (uint64_t)1 << (d % 64);
	else
		s->is_object[d / 64] &= ~((uint64_t)1 << (d % 64));
	s->depth++;
	s->token = (struct span){ s->p, 1 };
	s->p++;
	s->expect = is_object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ELEMENT;
	return is_object ? SCAN_OBJECT_BEGIN : SCAN_ARRAY_BEGIN;
}

static enum scan_token
close_container(struct scan *s, enum scan_token token)
{
	s->token = (struct span){ s->p, 1 };
	s->p++;
	s->depth--;
	after_value(s);
	return token;
}

static enum scan_token
read_value(struct scan *s)
{
	enum scan_token token;

	switch (*s->p) {
	case '{':
		return open_container(s, true);
	case '[':
		return open_container(s, false);
	case '"':
		s->p++;
		token = read_string(s) ? SCAN_STRING : SCAN_ERROR;
		break;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		token = read_number(s);
		break;
	default:
		token = read_word(s);
		break;
	}
	if (token != SCAN_ERROR)
		after_value(s);
	return token;
}

static enum scan_token
read_key(struct scan *s)
{
	if (s->p == s->end || *s->p != '"')
		return fail(s, s->p, "expected a key in quotes");
	s->offset = (size_t)(s->p - s->start);
	s->p++;
	if (!read_string(s))
		return SCAN_ERROR;
	skip_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return fail(s, s->p, "expected ':' after a key");
	s->p++;
	s->expect = EXPECT_VALUE;
	return SCAN_KEY;
}

static enum scan_token
read_more(struct scan *s)
{
	bool object = in_object(s);
	char c = *s->p;

	if (c == (object ? '}' : ']'))
		return close_container(s, object ? SCAN_OBJECT_END : SCAN_ARRAY_END);
	if (c != ',')
		return fail(s, s->p, object ? "expected ',' or '}'" : "expected ',' or ']'");
	s->p++;
	skip_blanks(s);
	if (object)
		return read_key(s);
	if (s->p == s->end)
		return fail(s, s->p, "the text ends too early");
	s->offset = (size_t)(s->p - s->start);
	return read_value(s);
}

enum scan_token
scan_next(struct scan *s)
{
	if (s->expect == EXPECT_NOTHING)
		return s->error == NULL ? SCAN_END : SCAN_ERROR;
	skip_blanks(s);
	s->offset = (size_t)(s->p - s->start);
	if (s->expect == EXPECT_END) {
		if (s->p < s->end)
			return fail(s, s->p, "text after the end of the value");
		s->expect = EXPECT_NOTHING;
		return SCAN_END;
	}
	if (s->p == s->end)
		return fail(s, s->p, "the text ends too early");
	switch (s->expect) {
	case EXPECT_MORE:
		return read_more(s);
	case EXPECT_FIRST_KEY:
		return *s->p == '}' ? close_container(s, SCAN_OBJECT_END) : read_key(s);
	case EXPECT_FIRST_ELEMENT:
		if (*s->p == ']')
			return close_container(s, SCAN_ARRAY_END);
		break;
	}
	return read_value(s);
}

/* Over the container just opened at from, whole; false: token by token, to say what is wrong. */
static bool
leap(struct scan *s, const char *from)
{
	const char *behind = scan_leap(from, s->end, s->max_depth - s->depth + 1);

	if (behind == NULL)
		return false;
	s->token = (struct span){ behind - 1, 1 };
	s->offset = (size_t)(behind - 1 - s->start);
	s->p = behind;
	s->depth--;
	after_value(s);
	return true;
}

enum scan_token
scan_value(struct scan *s, struct span *ret_raw)
{
	enum scan_token first = scan_next(s);
	unsigned depth = s->depth;
	const char *from = s->start + s->offset;

	assert(first != SCAN_KEY);
	if (first == SCAN_OBJECT_BEGIN || first == SCAN_ARRAY_BEGIN) {
		if (!leap(s, from))
			while (s->depth >= depth)
				if (scan_next(s) == SCAN_ERROR)
					return SCAN_ERROR;
	} else if (first < SCAN_STRING) {
		return first;
	}
	if (ret_raw != NULL)
		*ret_raw = (struct span){ from, (size_t)(s->p - from) };
	return first;
}

enum scan_token
scan_skip(struct scan *s)
{
	return scan_value(s, NULL);
}

const char *
scan_error(const struct scan *s)
{
	return s->error == NULL ? "" : s->error;
}

void
scan_position(struct span text, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text.p[i] & 0xC0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

int
scan_fail(const struct scan *s, struct err *e)
{
	unsigned line, column;

	scan_position((struct span){ s->start, (size_t)(s->end - s->start) }, s->offset, &line,
	              &column);
	return err_set(e, ERR_PARSE, "line %u, column %u: %s", line, column, scan_error(s));
}

int
scan_check(struct span text, bool is_object, struct err *e)
{
	struct scan s;
	enum scan_token first;

	scan_init(&s, text, 0);
	first = scan_skip(&s);
	if (first == SCAN_ERROR || scan_next(&s) == SCAN_ERROR)
		return scan_fail(&s, e);
	if (is_object && first != SCAN_OBJECT_BEGIN)
		return err_set(e, ERR_PARSE, "not a JSON object");
	return 0;
}
