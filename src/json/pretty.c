/*
 * pretty: see pretty.h. One pass over the tokens; what is open is counted by the scanner, so depth costs no stack.
 */
#include "config.h"

#include "json/pretty.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/scan.h"

/* RAW_MAX: a list whose text is longer is not looked at whether it fits, so that nested lists stay linear. */
enum { WIDTH = 90, INDENT = 2, INDENT_MAX = 60, RAW_MAX = 1024 };

/* The blanks before a token, on one line: `{"a": [1, 2]}`. */
static void
add_token(struct scan *s, enum scan_token token, bool is_first, struct buf *out)
{
	bool is_text = token == SCAN_KEY || token == SCAN_STRING;

	if (!is_first && token != SCAN_ARRAY_END && token != SCAN_OBJECT_END)
		(void)buf_add_str(out, ", ");
	if (is_text)
		(void)buf_add_char(out, '"');
	(void)buf_add(out, s->token.p, s->token.len);
	if (is_text)
		(void)buf_add_str(out, token == SCAN_KEY ? "\": " : "\"");
}

/* What follows a token that opens, or a key, follows without a comma. */
static bool
is_opening(enum scan_token token)
{
	return token == SCAN_OBJECT_BEGIN || token == SCAN_ARRAY_BEGIN || token == SCAN_KEY;
}

/* The list or object at the start of text on one line. false: it does not fit; out is as it was. */
static bool
add_line(struct span text, size_t column, struct buf *out)
{
	size_t before = out->len;
	bool is_first = true;
	struct scan s;

	if (text.len > RAW_MAX)
		text.len = RAW_MAX;
	scan_init(&s, text, SCAN_DEPTH_MAX);
	do {
		enum scan_token token = scan_next(&s);
		if (token == SCAN_ERROR)
			break;
		add_token(&s, token, is_first, out);
		is_first = is_opening(token);
		if (s.depth == 0)
			return true;
	} while (column + out->len - before <= WIDTH);
	buf_truncate(out, before);
	return false;
}

static void
add_break(unsigned depth, struct buf *out)
{
	size_t blanks = (size_t)depth * INDENT;

	(void)buf_add_char(out, '\n');
	for (size_t i = 0; i < blanks && i < INDENT_MAX; i++)
		(void)buf_add_char(out, ' ');
}

static size_t
column_of(const struct buf *out)
{
	const char *newline = out->len == 0 ? NULL : memrchr(out->data, '\n', out->len);

	return newline == NULL ? out->len : (size_t)(out->data + out->len - newline - 1);
}

/* After a comma or a bracket a new line begins, after a key none. */
static void
add_separator(enum scan_token token, enum scan_token last, unsigned depth, struct buf *out)
{
	bool is_end = token == SCAN_ARRAY_END || token == SCAN_OBJECT_END;

	if (last == SCAN_KEY || last == SCAN_END)
		return;
	if (is_end && is_opening(last))
		return; /* {} and [] */
	if (!is_end && !is_opening(last))
		(void)buf_add_char(out, ',');
	add_break(is_end ? depth
	                 : depth - (token == SCAN_OBJECT_BEGIN || token == SCAN_ARRAY_BEGIN),
	          out);
}

int
pretty_add(struct span text, struct buf *out, struct err *e)
{
	enum scan_token last = SCAN_END, before;
	struct scan s;

	scan_init(&s, text, SCAN_DEPTH_MAX);
	for (;;) {
		enum scan_token token = scan_next(&s);
		if (token == SCAN_ERROR)
			return scan_fail(&s, e);
		if (token == SCAN_END)
			return 0;
		add_separator(token, last, s.depth, out);
		before = last;
		last = token;
		/* a list, or an object in a list */
		if (token == SCAN_ARRAY_BEGIN ||
		    (token == SCAN_OBJECT_BEGIN && before != SCAN_KEY && before != SCAN_END)) {
			struct span rest = { s.token.p, (size_t)(text.p + text.len - s.token.p) };
			unsigned outside = s.depth - 1;
			if (add_line(rest, column_of(out), out)) {
				while (s.depth > outside)
					if (scan_next(&s) == SCAN_ERROR)
						return scan_fail(&s, e);
				last = SCAN_ARRAY_END;
				continue;
			}
		}
		add_token(&s, token, true, out);
	}
}
