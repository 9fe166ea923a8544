/*
 * fuzz_scan: the scanner on any bytes: never out of bounds, its parts agree with each other, what it decodes can be
 * written and read again.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "fuzz.h"
#include "match/dedupe.h"
#include "json/emit.h"
#include "json/scan.h"

/* Every string comes back the same through emit. */
static void
round_trip(struct span escaped)
{
	struct buf plain = { .len = 0 }, again = { .len = 0 };
	struct span decoded;

	assert(scan_unescape(escaped, &plain) == 0);
	decoded = (struct span){ plain.data, plain.len };
	assert(plain.len <= escaped.len);
	assert(emit_escape(&again, decoded) == 0);
	assert(scan_string_eq((struct span){ again.data == NULL ? "" : again.data, again.len },
	                      decoded));
	buf_done(&plain);
	buf_done(&again);
}

static bool
walk(struct span text, size_t *ret_tokens)
{
	struct scan s;
	enum scan_token token;

	*ret_tokens = 0;
	scan_init(&s, text, 0);
	while ((token = scan_next(&s)) > SCAN_END) {
		(*ret_tokens)++;
		assert(s.token.p >= text.p && s.token.p + s.token.len <= text.p + text.len);
		assert(s.offset <= text.len && s.depth <= SCAN_DEPTH_DEFAULT);
		if (token == SCAN_STRING || token == SCAN_KEY)
			round_trip(s.token);
	}
	assert(scan_next(&s) == token); /* an end stays one */
	return token == SCAN_END;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_field fields[] = { { "a", { NULL, 0 } },
		                       { "a.b", { NULL, 0 } },
		                       { "a.[0].b", { NULL, 0 } } };
	struct span text = { (const char *)data, size }, element;
	struct scan_array array;
	struct buf copy = { .len = 0 };
	struct err e;
	size_t tokens;
	bool is_good = walk(text, &tokens);
	unsigned line, column;

	assert((scan_check(text, false, &e) == 0) == is_good);
	scan_position(text, size, &line, &column);
	if (scan_fields(text, fields, 3, &e) == 0)
		assert(is_good);
	for (bool more = scan_array_first(&array, text, &element); more;
	     more = scan_array_next(&array, &element))
		assert(element.len > 0);
	if (dedupe(text, &copy, &e) > 0)
		assert(is_good && scan_check((struct span){ copy.data, copy.len }, true, &e) == 0 &&
		       copy.len < size);
	buf_done(&copy);
	return 0;
}
