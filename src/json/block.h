/*
 * block: which of 64 bytes of JSON are quotes, backslashes, brackets and commas, one bit each, by several instruction sets.
 * For what jumps over text instead of reading it: the matcher's walk and json/pick.
 */
#ifndef FD_JSON_BLOCK_H
#define FD_JSON_BLOCK_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__AARCH64EL__)
#include <arm_neon.h>
#define BLOCK_HAS_NEON 1 /* every arm64 has it; lanes are counted as in little endian */
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

#elif defined(BLOCK_HAS_NEON)

/* A bit per byte of 64, which are all ones or all zeros: each keeps its own bit of eight, then neighbours are added up. */
static inline uint64_t
block_neon_bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	static const uint8_t own_bits[16] = { 1, 2, 4, 8, 16, 32, 64, 128,
		                              1, 2, 4, 8, 16, 32, 64, 128 };
	const uint8x16_t own = vld1q_u8(own_bits);
	uint8x16_t low = vpaddq_u8(vandq_u8(a, own), vandq_u8(b, own));
	uint8x16_t high = vpaddq_u8(vandq_u8(c, own), vandq_u8(d, own));

	low = vpaddq_u8(low, high);
	low = vpaddq_u8(low, low);
	return vgetq_lane_u64(vreinterpretq_u64_u8(low), 0);
}

static inline void
block_neon(const char *p, struct block *ret)
{
	const uint8_t *bytes = (const uint8_t *)p;
	uint8x16_t v[4], low[4];

	for (int i = 0; i < 4; i++) {
		v[i] = vld1q_u8(bytes + 16 * i);
		low[i] = vorrq_u8(v[i], vdupq_n_u8(0x20));
	}
#define BITS(x, c)                                                                    \
	block_neon_bits(vceqq_u8(x[0], vdupq_n_u8(c)), vceqq_u8(x[1], vdupq_n_u8(c)), \
	                vceqq_u8(x[2], vdupq_n_u8(c)), vceqq_u8(x[3], vdupq_n_u8(c)))
	ret->quote = BITS(v, '"');
	ret->slash = BITS(v, '\\');
	ret->open = BITS(low, '{');
	ret->close = BITS(low, '}');
	ret->comma = BITS(v, ',');
#undef BITS
}

#endif

#endif
