/*
 * api_form: text percent-encoded for paths, queries and forms. See api.h.
 *
 * Blanks are '+' in forms and %20 elsewhere, '~' stays, hex digits are upper case: as the SDKs do.
 */
#include "config.h"

#include <string.h>

#include "aws/api.h"

static void
add_escaped(struct buf *b, struct span s, bool is_form)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c) != NULL) {
			if (c != '\0') {
				(void)buf_add_char(b, (char)c);
				continue;
			}
		}
		if (is_form && c == ' ') {
			(void)buf_add_char(b, '+');
			continue;
		}
		char three[3] = { '%', hex[c >> 4], hex[c & 15] };
		(void)buf_add(b, three, 3);
	}
}

void
api_encode(struct buf *b, struct span value)
{
	add_escaped(b, value, false);
}

void
api_form_add_span(struct buf *b, const char *name, struct span value)
{
	if (b->len > 0)
		(void)buf_add_char(b, '&');
	add_escaped(b, span_of(name), true);
	(void)buf_add_char(b, '=');
	add_escaped(b, value, true);
}

void
api_form_add(struct buf *b, const char *name, const char *value)
{
	api_form_add_span(b, name, span_of(value));
}
