/*
 * pick: values of known JSON by path. See pick.h.
 *
 * Containers that nobody wants are jumped over by counting brackets outside of strings. Recursion goes as deep as the table of
 * wanted keys, never as deep as the text.
 */
#include "config.h"

#include "json/pick.h"

#include <string.h>

#include "json/block.h"
#include "json/scan.h"

/* ---- jumping ---- */

/* Into each set's loop: on its own a helper would be compiled without the set's instructions. */
#define INLINE static inline __attribute__((always_inline))

/* Where a jump stands between two blocks. */
struct jump {
	uint64_t in_string;  /* all ones within a string */
	uint64_t is_escaped; /* bit 0: the next byte is */
	size_t depth;        /* containers to be closed */
};

/* Bits of quotes that open or close a string. */
INLINE uint64_t
real_quotes(struct jump *j, const struct block *b)
{
	const uint64_t even = 0x5555555555555555u;

	if ((b->slash | j->is_escaped) == 0)
		return b->quote;
	/* A byte behind an odd run of backslashes is escaped. */
	uint64_t slash = b->slash & ~j->is_escaped;
	uint64_t follows = slash << 1 | j->is_escaped;
	uint64_t odd_starts = slash & ~even & ~follows;
	uint64_t from_even;
	j->is_escaped = __builtin_add_overflow(odd_starts, slash, &from_even);
	return b->quote & ~((even ^ from_even << 1) & follows);
}

INLINE uint64_t
spread(uint64_t quotes)
{
	quotes ^= quotes << 1;
	quotes ^= quotes << 2;
	quotes ^= quotes << 4;
	quotes ^= quotes << 8;
	quotes ^= quotes << 16;
	return quotes ^ quotes << 32;
}

/* The bit behind the bracket that ends it all; 0: it is not in this block. */
INLINE size_t
jump_block(struct jump *j, const struct block *b)
{
	uint64_t inside = spread(real_quotes(j, b)) ^ j->in_string;
	uint64_t open = b->open & ~inside, close = b->close & ~inside;
	size_t closes = (size_t)__builtin_popcountll(close);

	j->in_string = (uint64_t)((int64_t)inside >> 63);
	if (closes >= j->depth) { /* it may end here */
		size_t k = 1;
		for (uint64_t c = close; c != 0; c &= c - 1, k++) {
			uint64_t below = (c & -c) - 1;
			if (j->depth + (size_t)__builtin_popcountll(open & below) <= k)
				return (size_t)__builtin_ctzll(c) + 1;
		}
	}
	j->depth += (size_t)__builtin_popcountll(open);
	j->depth -= closes;
	return 0;
}

/* The last bytes of the text, fewer than a block. */
static const char *
jump_rest(struct jump *j, const char *p, const char *end)
{
	char last[64];
	struct block b;

	memset(last, ' ', sizeof(last));
	memcpy(last, p, (size_t)(end - p));
	block_portable(last, &b);
	size_t at = jump_block(j, &b);
	return at ? p + at : NULL;
}

/* From within a container to behind its end; NULL: the text ends before. */
typedef const char *jump_fn(const char *p, const char *end);

static const char *
jump_portable(const char *p, const char *end)
{
	struct jump j = { .depth = 1 };

	for (; end - p >= 64; p += 64) {
		struct block b;
		block_portable(p, &b);
		size_t at = jump_block(&j, &b);
		if (at)
			return p + at;
	}
	return jump_rest(&j, p, end);
}

#if defined(__x86_64__)

static const char *
jump_sse2(const char *p, const char *end)
{
	struct jump j = { .depth = 1 };

	for (; end - p >= 64; p += 64) {
		struct block b;
		block_sse2(p, &b);
		size_t at = jump_block(&j, &b);
		if (at)
			return p + at;
	}
	return jump_rest(&j, p, end);
}

BLOCK_AVX2 static const char *
jump_avx2(const char *p, const char *end)
{
	struct jump j = { .depth = 1 };

	for (; end - p >= 64; p += 64) {
		struct block b;
		block_avx2(p, &b);
		size_t at = jump_block(&j, &b);
		if (at)
			return p + at;
	}
	return jump_rest(&j, p, end);
}

BLOCK_AVX512 static const char *
jump_avx512(const char *p, const char *end)
{
	struct jump j = { .depth = 1 };

	for (; end - p >= 64; p += 64) {
		struct block b;
		block_avx512(p, &b);
		size_t at = jump_block(&j, &b);
		if (at)
			return p + at;
	}
	return jump_rest(&j, p, end);
}

#elif defined(BLOCK_HAS_NEON)

static const char *
jump_neon(const char *p, const char *end)
{
	struct jump j = { .depth = 1 };

	for (; end - p >= 64; p += 64) {
		struct block b;
		block_neon(p, &b);
		size_t at = jump_block(&j, &b);
		if (at)
			return p + at;
	}
	return jump_rest(&j, p, end);
}

#endif

/* The fastest that this processor can run. Asking costs a look at a global word. */
static jump_fn *
best_jump(void)
{
#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
		return jump_sse2;
	return __builtin_cpu_supports("avx512bw") ? jump_avx512 : jump_avx2;
#elif defined(BLOCK_HAS_NEON)
	return jump_neon;
#else
	return jump_portable;
#endif
}

static jump_fn *
jump_named(const char *set)
{
	if (strcmp(set, "portable") == 0)
		return jump_portable;
#if defined(__x86_64__)
	if (strcmp(set, "sse2") == 0)
		return jump_sse2;
	if (strcmp(set, "avx2") == 0 && best_jump() != jump_sse2)
		return jump_avx2;
	if (strcmp(set, "avx512") == 0 && best_jump() == jump_avx512)
		return jump_avx512;
#elif defined(BLOCK_HAS_NEON)
	if (strcmp(set, "neon") == 0)
		return jump_neon;
#endif
	return NULL;
}

/* ---- reading ---- */

struct pick {
	const char *end; /* of the text */
	jump_fn *jump;
	struct span *fields;
};

static inline const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ' &&
	       (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* From behind an opening quote to the closing one, or to the end of the text. */
static inline const char *
string_end(const char *p, const char *end, bool *ret_has_escapes)
{
	for (;;) {
#ifdef __SSE2__
		const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

		for (; end - p >= 16; p += 16) {
			__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
			int hit = _mm_movemask_epi8(
				_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
			if (hit != 0) {
				p += __builtin_ctz((unsigned)hit);
				break;
			}
		}
#endif
		while (p < end && *p != '"' && *p != '\\')
			p++;
		if (p >= end || *p == '"')
			return p < end ? p : end;
		*ret_has_escapes = true;
		p = end - p > 2 ? p + 2 : end;
	}
}

/* Behind the value at p, or NULL. */
static const char *
skip_value(const struct pick *k, const char *p)
{
	bool has_escapes;

	switch (*p) {
	case '"':
		p = string_end(p + 1, k->end, &has_escapes);
		return p < k->end ? p + 1 : NULL;
	case '{':
	case '[':
		return k->jump(p + 1, k->end);
	default:
		while (p < k->end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
			p++;
		return p;
	}
}

static const struct pick_key *
find_key(const struct pick_key *keys, size_t count, struct span name, bool has_escapes)
{
	for (size_t i = 0; i < count; i++) {
		const struct pick_key *key = &keys[i];
		if (has_escapes ? scan_string_eq(name, (struct span){ key->name, key->len })
		                : key->len == name.len && memcmp(key->name, name.p, name.len) == 0)
			return key;
	}
	return NULL;
}

/* What an earlier key of the same name left. */
static void
forget(const struct pick *k, const struct pick_key *key)
{
	if (key->field != PICK_NONE)
		k->fields[key->field] = (struct span){ NULL, 0 };
	for (size_t i = 0; i < key->below_count; i++)
		forget(k, &key->below[i]);
}

static const char *take_object(const struct pick *k, const char *p, const struct pick_key *keys,
                               size_t count);

static const char *take_value(const struct pick *k, const char *p, const struct pick_key *key);

/* From behind the bracket: only the first element can be wanted. */
static const char *
take_array(const struct pick *k, const char *p, const struct pick_key *first)
{
	p = skip_blanks(p, k->end);
	if (p < k->end && *p != ']')
		p = take_value(k, p, first);
	return p == NULL ? NULL : k->jump(p, k->end);
}

static const char *
take_value(const struct pick *k, const char *p, const struct pick_key *key)
{
	const char *from = p;
	bool is_list = key->below_count > 0 && strcmp(key->below[0].name, PICK_FIRST) == 0;

	if (*p == '{' && key->below_count > 0 && !is_list)
		p = take_object(k, p + 1, key->below, key->below_count);
	else if (*p == '[' && is_list)
		p = take_array(k, p + 1, &key->below[0]);
	else
		p = skip_value(k, p);
	if (p != NULL && key->field != PICK_NONE)
		k->fields[key->field] = (struct span){ from, (size_t)(p - from) };
	return p;
}

/* From behind the brace to behind the closing one; NULL: the text ends before, or is none. */
static const char *
take_object(const struct pick *k, const char *p, const struct pick_key *keys, size_t count)
{
	for (;;) {
		bool has_escapes = false;

		p = skip_blanks(p, k->end);
		if (p < k->end && *p == '}')
			return p + 1;
		if (p >= k->end || *p != '"')
			return NULL;
		struct span name = { p + 1, 0 };
		p = string_end(p + 1, k->end, &has_escapes);
		name.len = (size_t)(p - name.p);
		p = p < k->end ? skip_blanks(p + 1, k->end) : p;
		if (p >= k->end || *p != ':' || (p = skip_blanks(p + 1, k->end)) >= k->end)
			return NULL;
		const struct pick_key *key = find_key(keys, count, name, has_escapes);
		if (key != NULL)
			forget(k, key);
		p = key != NULL ? take_value(k, p, key) : skip_value(k, p);
		if (p == NULL || (p = skip_blanks(p, k->end)) >= k->end)
			return NULL;
		if (*p == ',')
			p++;
		else if (*p != '}')
			return NULL;
	}
}

static bool
pick_jumping(jump_fn *jump, struct span text, const struct pick_key *keys, size_t key_count,
             struct span *fields, size_t field_count)
{
	struct pick k = { text.p + text.len, jump, fields };
	const char *p = text.len > 0 ? skip_blanks(text.p, k.end) : k.end;

	memset(fields, 0, field_count * sizeof(*fields));
	return p < k.end && *p == '{' && take_object(&k, p + 1, keys, key_count) != NULL;
}

bool
pick(struct span text, const struct pick_key *keys, size_t key_count, struct span *fields,
     size_t field_count)
{
	return pick_jumping(best_jump(), text, keys, key_count, fields, field_count);
}

bool
pick_by(const char *set, struct span text, const struct pick_key *keys, size_t key_count,
        struct span *fields, size_t field_count)
{
	jump_fn *jump = jump_named(set);

	return jump != NULL && pick_jumping(jump, text, keys, key_count, fields, field_count);
}
