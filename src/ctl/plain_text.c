/*
 * plain_text: text from elsewhere, made fit for a terminal. See plain_text.h.
 */
#include "config.h"

#include "ctl/plain_text.h"

#include <stdbool.h>

#include "json/scan.h"

/* C0, DEL, C1; marks and overrides of direction; line and paragraph separators; tags. */
static bool
is_unwanted(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xe0000 && cp <= 0xe007f);
}

void
plain_text(struct span s, struct buf *out)
{
	while (s.len > 0) {
		uint32_t cp;
		size_t n = str_utf8_decode(s.p, s.len, &cp);

		if (n == 0) {
			(void)buf_add_char(out, '?');
			n = 1;
		} else if (is_unwanted(cp)) {
			(void)buf_add_char(out, ' ');
		} else {
			(void)buf_add(out, s.p, n);
		}
		s.p += n;
		s.len -= n;
	}
}

void
plain_text_json(struct span escaped, struct buf *out)
{
	struct buf text = { 0 };

	if (scan_unescape(escaped, &text) >= 0 && text.len)
		plain_text((struct span){ text.data, text.len }, out);
	buf_done(&text);
}
