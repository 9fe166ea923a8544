/*
 * scan_text: strings of a scan, decoded or compared without decoding. See scan.h.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "json/scan.h"

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v & 0xFFFF;
}

static char
short_escape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	}
	return c; /* quote, backslash, slash */
}

/* Three bytes for any value of 16 bits from 0x800 on, surrogates too. */
static size_t
put_cp(uint32_t cp, char *out)
{
	if (cp >= 0xD800 && cp < 0xE000) {
		out[0] = (char)0xED;
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	return str_utf8_encode(cp, out);
}

/* Decode the escape at p (a backslash, valid, len bytes follow at most): bytes consumed, *ret_n bytes in out[4]. */
static size_t
decode_escape(const char *p, size_t len, bool keep_surrogates, char *out, size_t *ret_n)
{
	uint32_t cp;

	if (len < 2 || (p[1] == 'u' && len < 6)) { /* not from scan: never read beyond the end */
		out[0] = *p;
		*ret_n = 1;
		return 1;
	}
	if (p[1] != 'u') {
		out[0] = short_escape(p[1]);
		*ret_n = 1;
		return 2;
	}
	cp = hex4(p + 2);
	if (cp >= 0xD800 && cp < 0xDC00 && len >= 12 && p[6] == '\\' && p[7] == 'u') {
		uint32_t low = hex4(p + 8);
		if (low >= 0xDC00 && low < 0xE000) {
			*ret_n = put_cp(0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00), out);
			return 12;
		}
	}
	if (cp >= 0xD800 && cp < 0xE000 && !keep_surrogates)
		cp = 0xFFFD;
	*ret_n = put_cp(cp, out);
	return 6;
}

size_t
scan_unescape_to(struct span escaped, char *out, bool keep_surrogates)
{
	const char *p = escaped.p, *end = p + escaped.len;
	char *o = out;

	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((slash == NULL ? end : slash) - p);
		memmove(o, p, plain);
		o += plain;
		p += plain;
		if (slash != NULL) {
			char four[4];
			size_t n;
			p += decode_escape(p, (size_t)(end - p), keep_surrogates, four, &n);
			memcpy(o, four, n);
			o += n;
		}
	}
	return (size_t)(o - out);
}

int
scan_unescape(struct span escaped, struct buf *out)
{
	char *room = buf_reserve(out, escaped.len);

	if (room == NULL)
		return -1;
	buf_commit(out, scan_unescape_to(escaped, room, false));
	return 0;
}

bool
scan_string_eq(struct span escaped, struct span decoded)
{
	const char *p, *end, *d, *dend;

	if (escaped.len < decoded.len)
		return false;
	p = escaped.p;
	if (escaped.len == 0 || memchr(p, '\\', escaped.len) == NULL)
		return span_eq(escaped, decoded);
	end = p + escaped.len;
	d = decoded.len == 0 ? "" : decoded.p;
	dend = d + decoded.len;
	while (p < end) {
		char four[4];
		size_t n = 1, used = 1;

		if (*p == '\\')
			used = decode_escape(p, (size_t)(end - p), true, four, &n);
		else
			four[0] = *p;
		if ((size_t)(dend - d) < n || memcmp(d, four, n) != 0)
			return false;
		d += n;
		p += used;
	}
	return d == dend;
}

bool
scan_string_is(struct span escaped, const char *s)
{
	return scan_string_eq(escaped, span_of(s));
}

bool
scan_string_of(struct span raw, struct span *ret_escaped)
{
	if (raw.len < 2 || raw.p[0] != '"')
		return false;
	*ret_escaped = (struct span){ raw.p + 1, raw.len - 2 };
	return true;
}

enum scan_token
scan_kind_of(struct span raw)
{
	if (raw.len == 0)
		return SCAN_ERROR;
	switch (raw.p[0]) {
	case '{':
		return SCAN_OBJECT_BEGIN;
	case '[':
		return SCAN_ARRAY_BEGIN;
	case '"':
		return SCAN_STRING;
	case 't':
		return SCAN_TRUE;
	case 'f':
		return SCAN_FALSE;
	case 'n':
		return SCAN_NULL;
	}
	return SCAN_NUMBER;
}
