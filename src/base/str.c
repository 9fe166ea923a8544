/*
 * str: text to values and back. See str.h.
 */
#include "config.h"

#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

struct span
span_of(const char *s)
{
	return (struct span){ s, s == NULL ? 0 : strlen(s) };
}

bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_of(s));
}

bool
span_starts(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && memcmp(a.p, prefix, n) == 0;
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

char *
span_dup(struct span s)
{
	return mem_strndup(s.p, s.len);
}

bool
str_to_u64(struct span s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return true;
}

bool
str_to_i64(struct span s, int64_t *ret)
{
	bool is_negative = s.len > 0 && s.p[0] == '-';
	uint64_t v;

	if (is_negative)
		s = (struct span){ s.p + 1, s.len - 1 };
	if (!str_to_u64(s, &v) || v > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret = is_negative ? (int64_t)(~v + 1) : (int64_t)v;
	return true;
}

static bool
is_json_number(struct span s)
{
	size_t i = 0;

#define DIGITS()                                                    \
	do {                                                        \
		size_t from = i;                                    \
		while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9') \
			i++;                                        \
		if (i == from)                                      \
			return false;                               \
	} while (0)
	if (i < s.len && s.p[i] == '-')
		i++;
	if (i < s.len && s.p[i] == '0')
		i++;
	else
		DIGITS();
	if (i < s.len && s.p[i] == '.') {
		i++;
		DIGITS();
	}
	if (i < s.len && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.len && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		DIGITS();
	}
#undef DIGITS
	return i == s.len;
}

bool
str_to_double(struct span s, double *ret)
{
	static locale_t c_locale;
	char small[64];

	if (!is_json_number(s))
		return false;
	if (c_locale == (locale_t)0)
		c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	char *text = s.len < sizeof(small) ? small : mem_alloc(s.len + 1);
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	double d = strtod_l(text, NULL, c_locale);
	if (text != small)
		mem_free(text);
	if (!isfinite(d))
		return false;
	*ret = d;
	return true;
}

static const struct {
	const char *unit;
	int64_t ms;
} duration_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

#define DURATION_MAX_MS (INT64_C(3660) * 86400000)

bool
str_to_duration_ms(struct span s, int64_t *ret_ms)
{
	size_t digits = 0;
	int64_t v;

	while (digits < s.len && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!str_to_i64((struct span){ s.p, digits }, &v))
		return false;
	struct span unit = { s.p + digits, s.len - digits };
	if (unit.len == 0 && v == 0) {
		*ret_ms = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++) {
		if (!span_eq_str(unit, duration_units[i].unit))
			continue;
		if (v > DURATION_MAX_MS / duration_units[i].ms)
			return false;
		*ret_ms = v * duration_units[i].ms;
		return true;
	}
	return false;
}

const char *
str_duration(int64_t ms, char *out, size_t out_bytes)
{
	if (ms == 0) {
		(void)snprintf(out, out_bytes, "0");
		return out;
	}
	for (size_t i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++)
		if (ms % duration_units[i].ms == 0) {
			(void)snprintf(out, out_bytes, "%lld%s",
			               (long long)(ms / duration_units[i].ms),
			               duration_units[i].unit);
			break;
		}
	return out;
}

bool
str_to_size(struct span s, int64_t *ret_bytes)
{
	int shift = 0;
	int64_t v;

	if (s.len > 0) {
		char c = s.p[s.len - 1];
		shift = c == 'k' || c == 'K' ? 10 : c == 'M' ? 20 : c == 'G' ? 30 : 0;
	}
	if (shift != 0)
		s.len--;
	if (!str_to_i64(s, &v) || v < 0 || v > (INT64_MAX >> 1) >> shift)
		return false;
	*ret_bytes = v << shift;
	return true;
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool
str_ieq(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b))
		a++, b++;
	return lower(*a) == lower(*b);
}

size_t
str_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t n = strlen(a), m = strlen(b);
	unsigned char d[3][MAX + 1];

	if (n > MAX || m > MAX)
		return 99;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned char *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= m; j++) {
			int cost = lower(a[i - 1]) != lower(b[j - 1]);
			int best = up[j - 1] + cost;
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = (unsigned char)best;
		}
	}
	return d[n % 3][m];
}

const char *
str_nearest(const char *s, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_distance =
		strlen(s) / 3 + 2; /* "near enough": under a third of it differs, or one slip */

	for (size_t i = 0; i < n; i++) {
		size_t d = str_distance(s, words[i]);
		if (d < best_distance) {
			best_distance = d;
			best = words[i];
		}
	}
	return best;
}

size_t
str_utf8_decode(const char *s, size_t len, uint32_t *ret_cp)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t cp;
	size_t n;

	if (u[0] < 0x80) {
		*ret_cp = u[0];
		return 1;
	}
	n = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : 2;
	if (u[0] < 0xC2 || u[0] > 0xF4 || len < n)
		return 0;
	cp = u[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xC0) != 0x80)
			return 0;
		cp = cp << 6 | (u[i] & 0x3F);
	}
	if ((n == 3 && (cp < 0x800 || (cp >= 0xD800 && cp < 0xE000))) ||
	    (n == 4 && (cp < 0x10000 || cp > 0x10FFFF)))
		return 0;
	*ret_cp = cp;
	return n;
}

size_t
str_utf8_encode(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

static size_t
step_utf8(const char *s, size_t len)
{
	uint32_t cp;
	size_t n = str_utf8_decode(s, len, &cp);

	return n ? n : 1;
}

size_t
str_utf8_cut(const char *s, size_t len, size_t max_bytes)
{
	if (len <= max_bytes)
		return len;
	size_t cut = max_bytes;
	for (int back = 0; back < 4 && cut > 0 && ((unsigned char)s[cut] & 0xC0) == 0x80; back++)
		cut--;
	return cut;
}

size_t
str_utf8_prefix(const char *s, size_t len, size_t max_code_points)
{
	size_t i = 0;

	while (i < len && max_code_points-- > 0)
		i += step_utf8(s + i, len - i);
	return i;
}

size_t
str_utf8_count(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++)
		i += step_utf8(s + i, len - i);
	return n;
}
