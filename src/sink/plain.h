/*
 * plain: text of strangers made fit for people's eyes, and escaped for the place where it goes.
 *
 * Finding text is written by whoever attacks. What it may not do: forge a line, turn the reading direction, hide
 * characters, call a whole channel by a mention, or break the markup around it. Output is always valid UTF-8.
 */
#ifndef FD_SINK_PLAIN_H
#define FD_SINK_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum plain_flags {
	PLAIN_LINE = 0,       /* one line: line ends and tabs become one blank */
	PLAIN_KEEP_LINES = 1, /* LF stays; CRLF and CR become LF; at most one empty line in a row */
	PLAIN_NO_MENTIONS =
		2, /* @everyone, @here, @channel, @all and <! get a word joiner behind their first character */
};

/*
 * Append text without controls (C0, DEL, C1), bidirectional and invisible format characters, tag characters, line and
 * paragraph separators and noncharacters; bytes that are no UTF-8 become U+FFFD. Blanks at both ends go. At most
 * max code points (0 = no limit): then the last one is an ellipsis. Returns true when it was cut.
 */
bool plain_add(struct buf *out, struct span text, enum plain_flags flags, size_t max);

/* Append with & < > " ' as entities; LF becomes <br> when lines is set. Text must be valid UTF-8. */
void plain_html(struct buf *out, const char *text, bool lines);

/* Append what is printable ASCII; a code point beyond becomes "?" (accents of Latin-1 lose their mark). */
void plain_ascii(struct buf *out, const char *text);

/* Append for an HTTP header or attribute value: bytes outside U+0021-U+007E, '"' and '%' as %XY. */
void plain_percent(struct buf *out, const char *text);

/* Percent-encode everything but RFC 3986 unreserved characters. */
void plain_url(struct buf *out, const char *text);

/*
 * What a peer said, as one line of at most out_bytes - 1 bytes: cleaned as PLAIN_LINE, cut on a code point with an
 * ellipsis.
 */
void plain_answer(const char *p, size_t len, char *out, size_t out_bytes);

#endif
