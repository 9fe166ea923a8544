/*
 * fold: see fold.h. The key is the upper case of the lower case: it joins all forms that one letter may match.
 */
#include "config.h"

#include "match/fold.h"

#include <string.h>

#include "match/case_table.h"

enum { FORM_MAX = 3 };

/* Code points that one becomes. */
struct form {
	unsigned count;
	uint32_t cp[FORM_MAX];
};

static uint32_t
map(const struct case_range *table, size_t n, uint32_t cp)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct case_range *r = &table[mid];
		if (cp > r->last)
			low = mid + 1;
		else if (cp < r->first)
			high = mid;
		else
			return (cp - r->first) % r->step == 0
			               ? (uint32_t)((int32_t)cp + r->distance)
			               : cp;
	}
	return cp;
}

static struct form
lower(uint32_t cp)
{
	if (cp < 0x80)
		return (struct form){ 1, { cp >= 'A' && cp <= 'Z' ? cp | 0x20 : cp } };
	if (cp == 0x130) /* capital I with dot above */
		return (struct form){ 2, { 'i', 0x307 } };
	if (cp > 0xFFFF)
		return (struct form){ 1, { cp } };
	return (struct form){ 1, { map(case_lower, case_lower_count, cp) } };
}

static struct form
upper(uint32_t cp)
{
	if (cp < 0x80)
		return (struct form){ 1, { cp >= 'a' && cp <= 'z' ? cp & ~0x20u : cp } };
	if (cp > 0xFFFF)
		return (struct form){ 1, { cp } };
	for (size_t i = 0; i < case_upper_many_count; i++) {
		const struct case_many *m = &case_upper_many[i];
		if (m->from == cp)
			return (struct form){ m->count, { m->to[0], m->to[1], m->to[2] } };
	}
	return (struct form){ 1, { map(case_upper, case_upper_count, cp) } };
}

/* The code point at s; a byte that starts none stands for itself, out of Unicode's range. */
static uint32_t
next_cp(struct span s, size_t *at)
{
	uint32_t cp;
	size_t n = str_utf8_decode(s.p + *at, s.len - *at, &cp);

	if (n == 0) {
		cp = 0x110000 + (unsigned char)s.p[*at];
		n = 1;
	}
	*at += n;
	return cp;
}

static size_t
put_cp(uint32_t cp, char *out)
{
	if (cp >= 0x110000) {
		out[0] = (char)(cp - 0x110000);
		return 1;
	}
	return str_utf8_encode(cp, out);
}

/* Does value go on with this form? Bytes it takes, 0 if not. */
static size_t
form_at(const struct form *f, struct span value, size_t at)
{
	size_t from = at;

	for (unsigned i = 0; i < f->count; i++) {
		char bytes[4];
		size_t n = put_cp(f->cp[i], bytes);
		if (value.len - at < n || memcmp(value.p + at, bytes, n) != 0)
			return 0;
		at += n;
	}
	return at - from;
}

/* Match the whole pattern from an offset on: where it ends in value, or SIZE_MAX. No form is the beginning of another. */
static size_t
match_from(struct span pattern, struct span value, size_t at)
{
	size_t i = 0;

	while (i < pattern.len) {
		uint32_t cp = next_cp(pattern, &i);
		struct form form = { 1, { cp } };
		size_t n = form_at(&form, value, at);

		if (n == 0) {
			form = lower(cp);
			n = form_at(&form, value, at);
		}
		if (n == 0) {
			form = upper(cp);
			n = form_at(&form, value, at);
		}
		if (n == 0)
			return SIZE_MAX;
		at += n;
	}
	return at;
}

bool
fold_equals(struct span pattern, struct span value)
{
	return match_from(pattern, value, 0) == value.len;
}

bool
fold_starts(struct span pattern, struct span value)
{
	return match_from(pattern, value, 0) != SIZE_MAX;
}

bool
fold_ends(struct span pattern, struct span value)
{
	size_t longest = pattern.len * FOLD_GROWTH;
	size_t from = value.len > longest ? value.len - longest : 0;

	for (size_t at = from; at <= value.len; at++)
		if (match_from(pattern, value, at) == value.len)
			return true;
	return false;
}

bool
fold_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

size_t
fold_key(struct span s, char *out)
{
	size_t at = 0, n = 0;

	while (at < s.len) {
		unsigned char c = (unsigned char)s.p[at];
		if (c < 0x80) {
			out[n++] = (char)(c >= 'a' && c <= 'z' ? c & ~0x20u : c);
			at++;
			continue;
		}
		struct form low = lower(next_cp(s, &at));
		for (unsigned i = 0; i < low.count; i++) {
			struct form up = upper(low.cp[i]);
			for (unsigned k = 0; k < up.count; k++)
				n += put_cp(up.cp[k], out + n);
		}
	}
	return n;
}
