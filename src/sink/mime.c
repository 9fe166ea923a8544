/*
 * mime: the bytes of a mail.
 */
#include "config.h"

#include "sink/mime.h"

#include <stdint.h>
#include <string.h>

#include "base/digest.h"

/* An encoded word is at most 75 bytes: "=?UTF-8?B?" + base64 + "?=" leaves 60 of base64, that is 45 bytes of text. */
enum { WORD_BYTES = 45, WORD_FRAME = 12 };

static bool
is_plain_header(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
		if (s.p[i] == '=' && i + 1 < s.len && s.p[i + 1] == '?')
			return false;
	}
	return true;
}

/* One line end and a blank before the next piece, if the line would get too long. */
static void
fold(struct buf *out, size_t *column, size_t piece)
{
	if (*column + 1 + piece > MIME_LINE_MAX && *column > 1) {
		(void)buf_add_str(out, "\r\n ");
		*column = 1;
	} else if (*column > 1) {
		(void)buf_add_char(out, ' ');
		++*column;
	}
}

/* Words of printable ASCII, folded between them. Other bytes are left out. */
static void
add_words(struct buf *out, size_t *column, struct span s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t start, n = 0;

		while (at < s.len && (unsigned char)s.p[at] <= 0x20)
			at++;
		start = at;
		while (at < s.len && (unsigned char)s.p[at] > 0x20)
			at++;
		for (size_t i = start; i < at; i++)
			n += (unsigned char)s.p[i] < 0x7f;
		if (!n)
			continue;
		fold(out, column, n);
		for (size_t i = start; i < at; i++)
			if ((unsigned char)s.p[i] < 0x7f)
				(void)buf_add_char(out, s.p[i]);
		*column += n;
	}
}

/* Bytes of s from at that one encoded word takes, on whole code points: what the line has left, if that is worth it. */
static size_t
word_len(struct span s, size_t at, size_t column)
{
	size_t left = column + 1 + WORD_FRAME < MIME_LINE_MAX
	                      ? (MIME_LINE_MAX - column - 1 - WORD_FRAME) / 4 * 3
	                      : 0;
	size_t n = str_utf8_cut(s.p + at, s.len - at,
	                        left >= 12 && left < WORD_BYTES ? left : WORD_BYTES);

	return n ? n : 1;
}

/* Encoded words; blanks between them are no part of the text, so each piece carries its own. */
static void
add_encoded(struct buf *out, size_t *column, struct span s)
{
	struct buf clean;

	buf_init(&clean, 0);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		(void)buf_add_char(&clean, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	for (size_t at = 0; at < clean.len;) {
		size_t n = word_len((struct span){ clean.data, clean.len }, at, *column);

		fold(out, column, WORD_FRAME + (n + 2) / 3 * 4);
		(void)buf_add_str(out, "=?UTF-8?B?");
		digest_base64(clean.data + at, n, out);
		(void)buf_add_str(out, "?=");
		*column += WORD_FRAME + (n + 2) / 3 * 4;
		at += n;
	}
	buf_done(&clean);
}

/* "Name:"; the first piece follows behind one blank. */
static size_t
begin(struct buf *out, const char *name)
{
	size_t len = strlen(name) + 1;

	(void)buf_add_str(out, name);
	(void)buf_add_char(out, ':');
	return len;
}

void
mime_header(struct buf *out, const char *name, const char *value)
{
	struct span s = span_of(value);
	size_t column = begin(out, name);

	if (is_plain_header(s))
		add_words(out, &column, s);
	else
		add_encoded(out, &column, s);
	(void)buf_add_str(out, "\r\n");
}

void
mime_header_raw(struct buf *out, const char *name, const char *value)
{
	size_t column = begin(out, name);

	add_words(out, &column, span_of(value));
	(void)buf_add_str(out, "\r\n");
}

struct span
mime_address(const char *text)
{
	const char *open = strrchr(text, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	struct span s = open && close ? (struct span){ open + 1, (size_t)(close - open - 1) }
	                              : span_of(text);

	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct span){ s.p + 1, s.len - 1 };
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Is a display name one that stands without quotes (RFC 5322 atoms and blanks)? */
static bool
is_atoms(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr("()<>[]:;@\\,.\"", s.p[i]))
			return false;
	return true;
}

static void
add_display_name(struct buf *out, size_t *column, struct span name)
{
	struct buf quoted;

	if (name.len >= 2 && name.p[0] == '"' && name.p[name.len - 1] == '"')
		name = (struct span){ name.p + 1, name.len - 2 };
	if (!is_plain_header(name)) {
		add_encoded(out, column, name);
		return;
	}
	if (is_atoms(name)) {
		add_words(out, column, name);
		return;
	}
	buf_init(&quoted, 0);
	(void)buf_add_char(&quoted, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			(void)buf_add_char(&quoted, '\\');
		(void)buf_add_char(&quoted, name.p[i]);
	}
	(void)buf_add_char(&quoted, '"');
	add_words(out, column, (struct span){ quoted.data, quoted.len });
	buf_done(&quoted);
}

static void
add_address(struct buf *out, size_t *column, const char *text, bool is_last)
{
	struct span address = mime_address(text);
	size_t name_len =
		address.p > text && address.p[-1] == '<' ? (size_t)(address.p - 1 - text) : 0;
	struct buf word;

	while (name_len && (text[name_len - 1] == ' ' || text[name_len - 1] == '\t'))
		name_len--;
	if (name_len)
		add_display_name(out, column, (struct span){ text, name_len });
	buf_init(&word, 0);
	(void)buf_printf(&word, name_len ? "<%.*s>%s" : "%.*s%s", SPAN_FMT(address),
	                 is_last ? "" : ",");
	add_words(out, column, (struct span){ word.data, word.len });
	buf_done(&word);
}

void
mime_header_addresses(struct buf *out, const char *name, const char *const *addresses, size_t count)
{
	size_t column = begin(out, name);

	for (size_t i = 0; i < count; i++)
		add_address(out, &column, addresses[i], i + 1 == count);
	(void)buf_add_str(out, "\r\n");
}

/* Must the byte at s.p[at] be written as =XY? Blanks only at a line's end; "." at its start survives any relay. */
static bool
needs_quote(struct span s, size_t at, size_t column)
{
	unsigned char c = (unsigned char)s.p[at];

	if (c == ' ' || c == '\t')
		return at + 1 == s.len || s.p[at + 1] == '\n' ||
		       (s.p[at + 1] == '\r' && at + 2 < s.len && s.p[at + 2] == '\n');
	if (c < 0x21 || c > 0x7e || c == '=')
		return true;
	/* A dot that begins a line, and "From ", are altered by some relays. */
	if (column == 0 && (c == '.' || c == '-'))
		return true;
	return column == 0 && c == 'F' && s.len - at >= 5 && memcmp(s.p + at, "From ", 5) == 0;
}

void
mime_quoted_printable(struct buf *out, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t column = 0;

	for (size_t at = 0; at < text.len; at++) {
		unsigned char c = (unsigned char)text.p[at];
		bool is_quoted;

		if (c == '\r' && at + 1 < text.len && text.p[at + 1] == '\n')
			continue;
		if (c == '\n') {
			(void)buf_add_str(out, "\r\n");
			column = 0;
			continue;
		}
		is_quoted = needs_quote(text, at, column);
		if (column + (is_quoted ? 3 : 1) > MIME_LINE_MAX - 1) {
			(void)buf_add_str(out, "=\r\n");
			column = 0;
			is_quoted = needs_quote(text, at, column);
		}
		if (is_quoted) {
			char q[3] = { '=', hex[c >> 4], hex[c & 15] };

			(void)buf_add(out, q, 3);
		} else {
			(void)buf_add_char(out, (char)c);
		}
		column += is_quoted ? 3 : 1;
	}
	if (column)
		(void)buf_add_str(out, "\r\n");
}

static void
add_part(struct buf *out, const char *key, const char *type, struct span body)
{
	(void)buf_printf(out,
	                 "--=_fd_%s\r\nContent-Type: %s; charset=utf-8\r\n"
	                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	                 key, type);
	mime_quoted_printable(out, body);
}

void
mime_alternative(struct buf *out, const char *boundary_key, struct span text, struct span html)
{
	/* "=_" cannot occur in quoted-printable, where "=" is followed by hex digits or a line end. */
	(void)buf_printf(
		out,
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"=_fd_%s\"\r\n\r\n",
		boundary_key);
	add_part(out, boundary_key, "text/plain", text);
	add_part(out, boundary_key, "text/html", html);
	(void)buf_printf(out, "--=_fd_%s--\r\n", boundary_key);
}
