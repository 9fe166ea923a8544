/*
 * leap: grammar of a whole container. See leap.h. Source: RFC 8259.
 */
#include "config.h"

#include "json/leap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

enum { DEPTH_MAX = 64 };

static inline const char *
blanks(const char *p, const char *end)
{
	/* One comparison where there are none: nothing else that may stand here is below a blank. */
	while (p < end && (unsigned char)*p <= ' ' &&
	       (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* Behind the escape at p (a backslash), or NULL. */
static const char *
escape(const char *p, const char *end)
{
	if (end - p < 2 || p[1] == '\0')
		return NULL;
	if (p[1] != 'u')
		return strchr("\"\\/bfnrt", p[1]) != NULL ? p + 2 : NULL;
	if (end - p < 6)
		return NULL;
	for (int i = 2; i < 6; i++) {
		char c = (char)(p[i] | 0x20);
		if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f')))
			return NULL;
	}
	return p + 6;
}

/* Behind what is neither plain nor the end of a string: an escape, or more than one byte of UTF-8. NULL: neither. */
static const char *
special(const char *p, const char *end)
{
	uint32_t cp;

	if (*p == '\\')
		return escape(p, end);
	if ((unsigned char)*p < ' ')
		return NULL;
	size_t n = str_utf8_decode(p, (size_t)(end - p), &cp);
	return n == 0 ? NULL : p + n;
}

/* From behind the opening quote to behind the closing one, or NULL. */
static inline __attribute__((always_inline)) const char *
string(const char *p, const char *end)
{
	for (;;) {
#ifdef __SSE2__
		const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
			      blank = _mm_set1_epi8(' ');

		for (; end - p >= 16; p += 16) {
			__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
			/* signed compare: bytes over 127 are below blank too */
			int hit = _mm_movemask_epi8(_mm_or_si128(
				_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
				_mm_cmplt_epi8(v, blank)));
			if (hit != 0) {
				p += __builtin_ctz((unsigned)hit);
				break;
			}
		}
#endif
		while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= ' ')
			p++;
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if ((p = special(p, end)) == NULL)
			return NULL;
	}
}

static inline const char *
digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *
number(const char *p, const char *end)
{
	const char *from;

	if (*p == '-')
		p++;
	from = p;
	p = digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return NULL;
	if (p < end && *p == '.') {
		from = ++p;
		if ((p = digits(p, end)) == from)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		if ((p = digits(p, end)) == from)
			return NULL;
	}
	return p;
}

/* Behind a number or a word, or NULL. */
static inline const char *
scalar(const char *p, const char *end)
{
	size_t left = (size_t)(end - p);

	switch (*p) {
	case 't':
		return left >= 4 && memcmp(p, "true", 4) == 0 ? p + 4 : NULL;
	case 'f':
		return left >= 5 && memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
	case 'n':
		return left >= 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
	default:
		return number(p, end);
	}
}

/* From the quote of a key to its value, or NULL. */
static inline const char *
key(const char *p, const char *end)
{
	if (p == end || *p != '"' || (p = string(p + 1, end)) == NULL)
		return NULL;
	p = blanks(p, end);
	if (p == end || *p != ':')
		return NULL;
	return blanks(p + 1, end);
}

const char *
scan_leap(const char *p, const char *end, unsigned max_depth)
{
	uint64_t objects = 0; /* bit 0: the innermost container is one */
	unsigned depth = 0, limit = max_depth < DEPTH_MAX ? max_depth : DEPTH_MAX;

	for (;;) { /* p is at a value */
		if (p == NULL || p == end)
			return NULL;
		if (*p == '{' || *p == '[') {
			if (depth++ == limit)
				return NULL;
			objects = objects << 1 | (*p == '{');
			p = blanks(p + 1, end);
			if (p == end)
				return NULL;
			if (*p != (objects & 1 ? '}' : ']')) {
				p = objects & 1 ? key(p, end) : p;
				continue;
			}
		} else {
			p = *p == '"' ? string(p + 1, end) : scalar(p, end);
			if (p == NULL || (p = blanks(p, end)) == end)
				return NULL;
		}
		while (*p == (objects & 1 ? '}' : ']')) { /* behind a value: ends first */
			p++;
			objects >>= 1;
			if (--depth == 0)
				return p;
			if ((p = blanks(p, end)) == end)
				return NULL;
		}
		if (*p != ',')
			return NULL;
		p = blanks(p + 1, end);
		if (objects & 1)
			p = key(p, end);
	}
}
