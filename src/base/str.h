/*
 * str: text to number, duration and size, and back; small helpers on strings.
 *
 * The strict readers take the whole text or nothing: no leading blanks, no trailing bytes, no locale.
 */
#ifndef FD_BASE_STR_H
#define FD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes, not NUL-terminated. p may be NULL when len is 0. */
struct span {
	const char *p;
	size_t len;
};

#define SPAN_LIT(s)  ((struct span){ "" s, sizeof(s) - 1 })
#define SPAN_FMT(sp) (int)(sp).len, (sp).p /* for "%.*s" */

struct span span_of(const char *s); /* NULL gives an empty span */
bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *s);
bool span_starts(struct span a, const char *prefix);
int span_cmp(struct span a, struct span b); /* byte order, shorter first */
char *span_dup(struct span s);              /* NUL-terminated copy; caller frees */

/* Decimal integers of the whole span. false: not a number, or out of range; *ret untouched. */
bool str_to_i64(struct span s, int64_t *ret);
bool str_to_u64(struct span s, uint64_t *ret);

/* JSON number syntax to double, without locale. false: not a number, or not finite. */
bool str_to_double(struct span s, double *ret);

/* "250ms", "30s", "15m", "6h", "3d", "0" (zero needs no unit) -> milliseconds. false: malformed or over 10 years. */
bool str_to_duration_ms(struct span s, int64_t *ret_ms);

/* The shortest exact form of a duration: 90000 -> "90s", 3600000 -> "1h". buf of at least 24 bytes. */
const char *str_duration(int64_t ms, char *out, size_t out_bytes);

/* "4096", "64k", "8M", "1G" (powers of 1024) -> bytes. */
bool str_to_size(struct span s, int64_t *ret_bytes);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_ieq(const char *a, const char *b); /* ASCII case only */

/* How far apart two words are (Damerau-Levenshtein, ASCII case ignored); for "did you mean". Over 64 bytes: 99. */
size_t str_distance(const char *a, const char *b);

/* The nearest of n words to s, or NULL when none is near enough to be meant. words[i] may not be NULL. */
const char *str_nearest(const char *s, const char *const *words, size_t n);

/* Number of bytes of s (len bytes) that form whole UTF-8 code points within max_bytes: a cut never halves one. */
size_t str_utf8_cut(const char *s, size_t len, size_t max_bytes);

/* Bytes taken by the first n code points. Malformed bytes count as one code point each. */
size_t str_utf8_prefix(const char *s, size_t len, size_t max_code_points);
size_t str_utf8_count(const char *s, size_t len);

/* Decode one code point at s (len > 0): its length, or 0 when the bytes are not UTF-8 (overlong, surrogate, cut). */
size_t str_utf8_decode(const char *s, size_t len, uint32_t *ret_cp);
/* Encode; returns 1..4. out needs 4 bytes. */
size_t str_utf8_encode(uint32_t cp, char *out);

#endif
