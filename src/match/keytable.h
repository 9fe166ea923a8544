/*
 * keytable: byte strings to numbers; built once, then only asked. Open addressing, at most half full.
 */
#ifndef FD_MATCH_KEYTABLE_H
#define FD_MATCH_KEYTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define KEYTABLE_NONE UINT32_MAX

struct keytable_slot {
	uint32_t hash;
	uint32_t value; /* KEYTABLE_NONE: empty */
	struct span key;
};

/* Zero-initialised is empty. */
struct keytable {
	struct keytable_slot *slots;
	uint32_t mask, count;
	uint64_t
		length_mask; /* a bit per length of a key, the last for 63 and more: most misses end there */
	uint64_t first_mask; /* a bit per first byte, folded to 6 bits */
};

static inline uint64_t
keytable_load(const char *p, size_t len)
{
	uint64_t v = 0;

	if (len >= 8) {
		memcpy(&v, p, 8);
		return v;
	}
	if (len >= 4) {
		uint32_t low, high;
		memcpy(&low, p, 4);
		memcpy(&high, p + len - 4, 4);
		return (uint64_t)high << 32 | low;
	}
	if (len > 0)
		v = (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[len / 2] << 8 |
		    (uint64_t)(unsigned char)p[len - 1] << 16;
	return v;
}

static inline uint32_t
keytable_hash(const char *p, size_t len)
{
	uint64_t h = len * 0x9E3779B97F4A7C15u;
	const char *end = p + len;

	for (; end - p > 8; p += 8) {
		h = (h ^ keytable_load(p, 8)) * 0xD6E8FEB86659FD93u;
		h ^= h >> 32;
	}
	h = (h ^ (len > 8 ? keytable_load(end - 8, 8) : keytable_load(p, len))) *
	    0xD6E8FEB86659FD93u;
	return (uint32_t)(h >> 32);
}

static inline uint64_t
keytable_length_bit(size_t len)
{
	return (uint64_t)1 << (len > 63 ? 63 : len);
}

static inline uint32_t
keytable_find(const struct keytable *t, const char *p, size_t len)
{
	uint32_t h;

	if ((t->length_mask & keytable_length_bit(len)) == 0 ||
	    (len > 0 && ((t->first_mask >> (*p & 63)) & 1) == 0))
		return KEYTABLE_NONE;
	h = keytable_hash(p, len);
	for (uint32_t i = h;; i++) {
		const struct keytable_slot *s = &t->slots[i & t->mask];
		if (s->value == KEYTABLE_NONE)
			return KEYTABLE_NONE;
		if (s->hash == h && s->key.len == len && memcmp(s->key.p, p, len) == 0)
			return s->value;
	}
}

/* The value of key, or KEYTABLE_NONE after adding it with this one. The key is borrowed. */
uint32_t keytable_add(struct keytable *t, struct span key, uint32_t value);
void keytable_done(struct keytable *t);

#endif
