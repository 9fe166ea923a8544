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
#include "json/pick.h"
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

/* What pick finds by jumping is what scan_fields finds by reading; of broken text nothing outside of it. */
static void
check_pick(struct span text, const struct scan_field *wanted)
{
	static const char *const sets[] = { "portable", "sse2", "avx2", "avx512", "neon" };
	static const struct pick_key below_a[] = { PICK("b", 1) };
	static const struct pick_key keys[] = { PICK_BOTH("a", 0, below_a), PICK("c", 2) };
	struct span got[3];

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!pick_by(sets[i], SPAN_LIT("{}"), keys, PICK_COUNT(keys), got, 3))
			continue; /* not this processor's */
		(void)pick_by(sets[i], text, keys, PICK_COUNT(keys), got, 3);
		for (size_t k = 0; k < 3; k++) {
			assert(got[k].p == NULL ||
			       (got[k].p >= text.p && got[k].p + got[k].len <= text.p + text.len));
			assert(wanted == NULL || got[k].p == wanted[k].raw.p);
			assert(wanted == NULL || got[k].p == NULL ||
			       got[k].len == wanted[k].raw.len);
		}
	}
}

/* What pick jumps to, scan_fields reads its way to; on text that is no JSON it stays within the text. */
static void
pick_agrees(struct span text, bool is_good, const struct scan_field *fields)
{
	static const char *const sets[] = { "portable", "sse2", "avx2", "avx512", "neon" };
	static const struct pick_key below[] = { PICK("b", 1) };
	static const struct pick_key keys[] = { PICK_BOTH("a", 0, below) };
	struct span got[2];

	for (size_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++) {
		bool is_picked = pick_by(sets[k], text, keys, 1, got, 2);
		for (int i = 0; i < 2; i++) {
			assert(got[i].p == NULL ||
			       (got[i].p >= text.p && got[i].p + got[i].len <= text.p + text.len));
			if (is_good && is_picked)
				assert(got[i].p == fields[i].raw.p &&
				       (got[i].p == NULL || got[i].len == fields[i].raw.len));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_field fields[] = { { "a", { NULL, 0 } },
		                       { "a.b", { NULL, 0 } },
		                       { "a.[0].b", { NULL, 0 } } };
	struct scan_field picked[] = { { "a", { NULL, 0 } },
		                       { "a.b", { NULL, 0 } },
		                       { "c", { NULL, 0 } } };
	struct span text = { (const char *)data, size }, element;
	struct scan_array array;
	struct buf copy = { .len = 0 };
	struct err e;
	size_t tokens;
	bool is_good = walk(text, &tokens);
	unsigned line, column;

	assert((scan_check(text, false, &e) == 0) == is_good);
	scan_position(text, size, &line, &column);
	bool is_object = scan_fields(text, fields, 3, &e) == 0;
	assert(!is_object || is_good);
	pick_agrees(text, is_object, fields);
	check_pick(text, scan_fields(text, picked, 3, &e) == 0 ? picked : NULL);
	for (bool more = scan_array_first(&array, text, &element); more;
	     more = scan_array_next(&array, &element))
		assert(element.len > 0);
	if (dedupe(text, &copy, &e) > 0)
		assert(is_good && scan_check((struct span){ copy.data, copy.len }, true, &e) == 0 &&
		       copy.len < size);
	buf_done(&copy);
	return 0;
}
