/*
 * block: which of 64 bytes of JSON are quotes, backslashes, brackets and commas, one bit each, by several instruction sets.
 * For what jumps over text instead of reading it: the matcher's walk and json/pick.
 */
#ifndef FD_JSON_BLOCK_H
#define FD_JSON_BLOCK_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* As read from the bytes. */
struct block {
	uint64_t quote, slash, open, close, comma;
};

static inline void
block_portable(const char *p, struct block *ret)
{
	*ret = (struct block){ 0, 0, 0, 0, 0 };
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

#if defined(__x86_64__)

static inline void
block_sse2(const char *p, struct block *ret)
{
	*ret = (struct block){ 0, 0, 0, 0, 0 };
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

#define BLOCK_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

BLOCK_AVX2 static inline void
block_avx2(const char *p, struct block *ret)
{
	*ret = (struct block){ 0, 0, 0, 0, 0 };
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

#define BLOCK_AVX512 __attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2,lzcnt,popcnt")))

BLOCK_AVX512 static inline void
block_avx512(const char *p, struct block *ret)
{
	__m512i v = _mm512_loadu_si512((const void *)p);
	__m512i low = _mm512_or_si512(v, _mm512_set1_epi8(0x20));

	ret->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
	ret->slash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
	ret->open = _mm512_cmpeq_epi8_mask(low, _mm512_set1_epi8('{'));
	ret->close = _mm512_cmpeq_epi8_mask(low, _mm512_set1_epi8('}'));
	ret->comma = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(','));
}

#endif

#endif
