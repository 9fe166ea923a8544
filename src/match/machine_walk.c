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
#include "json/block.h"
#include "json/scan.h"

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

#define WALK     walk_portable
#define WALK_RAW block_portable
#define WALK_FOR
#include "match/machine_walk_body.h"

#if defined(__x86_64__)

#define WALK     walk_sse2
#define WALK_RAW block_sse2
#define WALK_FOR
#include "match/machine_walk_body.h"

#define WALK     walk_avx2
#define WALK_RAW block_avx2
#define WALK_FOR BLOCK_AVX2
#include "match/machine_walk_body.h"

#define WALK     walk_avx512
#define WALK_RAW block_avx512
#define WALK_FOR BLOCK_AVX512
#include "match/machine_walk_body.h"

#elif defined(BLOCK_HAS_NEON)

#define WALK     walk_neon
#define WALK_RAW block_neon
#define WALK_FOR
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
#elif defined(BLOCK_HAS_NEON)
	{ "neon", walk_neon },
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
#elif defined(BLOCK_HAS_NEON)
	best = 1;
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
