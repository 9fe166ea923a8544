/*
 * machine_walk: one pass over an event's bytes, beside the tree of wanted paths.
 *
 * First a bit map of quotes, braces, brackets and commas is made, 64 bytes at a time; then the walk reads only keys of
 * objects on wanted paths and jumps over everything else by counting brackets in the map. The same text (machine_walk_body.h) is
 * compiled for several instruction sets; which one runs is chosen at start.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "match/field.h"
#include "match/machine_in.h"
#include "json/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Bits of 64 bytes; all but quote only outside of strings. */
struct index_block {
	uint64_t quote, open, close, comma;
};

/*
 * A key that is no child's name as it stands: it may have escapes, or dots that lead further down. Out of line: rare.
 */
static uint32_t
find_odd(struct machine_scratch *s, uint32_t node, struct span key)
{
	const char *p = key.p, *end = p + key.len;

	if (key.len > 0 && memchr(key.p, '\\', key.len) != NULL) {
		p = field_room(s, key.len);
		end = p + scan_unescape_to(key, s->text, true);
	}
	for (bool is_first = true;; is_first = false) {
		const char *dot = memchr(p, '.', (size_t)(end - p));
		size_t len = (size_t)((dot == NULL ? end : dot) - p);

		node = child_find(&s->m->nodes[node], p, len, child_head(p, len, len));
		if (node == NONE)
			return NONE;
		if (dot == NULL) {
			s->has_dotted |= !is_first;
			return node;
		}
		p = dot + 1;
	}
}

/* Has a key this byte? head is its child_head. A call of memchr is dearer than most keys are long. */
static inline bool
has_byte(struct span s, uint64_t head, char c)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t a = head ^ ones * (unsigned char)c, b = a;

	if (s.len > 16)
		return memchr(s.p, c, s.len) != NULL;
	if (s.len > 8) {
		memcpy(&b, s.p + s.len - 8, 8);
		b ^= ones * (unsigned char)c;
	}
	return ((((a - ones) & ~a) | ((b - ones) & ~b)) & highs) != 0;
}

/* As read from the bytes. */
struct raw_block {
	uint64_t quote, slash, open, close, comma;
};

static inline void
raw_portable(const char *p, struct raw_block *ret)
{
	*ret = (struct raw_block){ 0, 0, 0, 0, 0 };
	for (int i = 0; i < 64; i++) {
		uint64_t bit = (uint64_t)1 << i;
		switch (p[i]) {
		case '"':
			ret->quote |= bit;
			break;
		case '\\':
			ret->slash |= bit;
			break;
		case '{':
		case '[':
			ret->open |= bit;
			break;
		case '}':
		case ']':
			ret->close |= bit;
			break;
		case ',':
			ret->comma |= bit;
			break;
		}
	}
}

#define WALK     walk_portable
#define WALK_RAW raw_portable
#define WALK_FOR
#include "match/machine_walk_body.h"

#if defined(__x86_64__)

static inline void
raw_sse2(const char *p, struct raw_block *ret)
{
	*ret = (struct raw_block){ 0, 0, 0, 0, 0 };
	for (int i = 0; i < 64; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i low = _mm_or_si128(v, _mm_set1_epi8(0x20));
#define BITS(x) (uint64_t)(uint16_t) _mm_movemask_epi8(x) << i
		ret->quote |= BITS(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
		ret->slash |= BITS(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
		ret->open |= BITS(_mm_cmpeq_epi8(low, _mm_set1_epi8('{')));
		ret->close |= BITS(_mm_cmpeq_epi8(low, _mm_set1_epi8('}')));
		ret->comma |= BITS(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')));
#undef BITS
	}
}

#define WALK     walk_sse2
#define WALK_RAW raw_sse2
#define WALK_FOR
#include "match/machine_walk_body.h"

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

AVX2 static inline void
raw_avx2(const char *p, struct raw_block *ret)
{
	*ret = (struct raw_block){ 0, 0, 0, 0, 0 };
	for (int i = 0; i < 64; i += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
		__m256i low = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
#define BITS(x) (uint64_t)(uint32_t) _mm256_movemask_epi8(x) << i
		ret->quote |= BITS(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
		ret->slash |= BITS(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
		ret->open |= BITS(_mm256_cmpeq_epi8(low, _mm256_set1_epi8('{')));
		ret->close |= BITS(_mm256_cmpeq_epi8(low, _mm256_set1_epi8('}')));
		ret->comma |= BITS(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(',')));
#undef BITS
	}
}

#define WALK     walk_avx2
#define WALK_RAW raw_avx2
#define WALK_FOR AVX2
#include "match/machine_walk_body.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2,lzcnt,popcnt")))

AVX512 static inline void
raw_avx512(const char *p, struct raw_block *ret)
{
	__m512i v = _mm512_loadu_si512((const void *)p);
	__m512i low = _mm512_or_si512(v, _mm512_set1_epi8(0x20));

	ret->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
	ret->slash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
	ret->open = _mm512_cmpeq_epi8_mask(low, _mm512_set1_epi8('{'));
	ret->close = _mm512_cmpeq_epi8_mask(low, _mm512_set1_epi8('}'));
	ret->comma = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(','));
}

#define WALK     walk_avx512
#define WALK_RAW raw_avx512
#define WALK_FOR AVX512
#include "match/machine_walk_body.h"

#endif

static const struct choice {
	const char *name;
	enum walk_end (*walk)(struct machine_scratch *s, struct span event);
} choices[] = {
	{ "portable", walk_portable },
#if defined(__x86_64__)
	{ "sse2", walk_sse2 },
	{ "avx2", walk_avx2 },
	{ "avx512", walk_avx512 },
#endif
};

/* FINDINGSD_WALK names one, for tests: it has to be one that the processor can run. */
static const struct choice *
choose(void)
{
	size_t best = 0;
	const char *wanted = secure_getenv("FINDINGSD_WALK");

#if defined(__x86_64__)
	best = 1;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		best = 2;
	if (best == 2 && __builtin_cpu_supports("avx512bw"))
		best = 3;
#endif
	for (size_t i = 0; wanted != NULL && i <= best; i++)
		if (strcmp(choices[i].name, wanted) == 0)
			return &choices[i];
	return &choices[best];
}

enum walk_end (*walk_choose(void))(struct machine_scratch *s, struct span event)
{
	return choose()->walk;
}

const char *
walk_name(void)
{
	return choose()->name;
}
