/*
 * pick: chosen values out of a JSON object whose grammar was checked before. No tree, no copy, no allocation.
 *
 * scan_fields reads every byte because it has to prove that they are JSON. What comes out of a page that was cut by scan, or out
 * of the store, has been proved already: here only keys on wanted paths are read, and everything else is jumped over, 64
 * bytes at a time. On text that is no JSON the values are wrong or missing, but always lie within the text.
 */
#ifndef FD_JSON_PICK_H
#define FD_JSON_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { PICK_NONE = -1 };

/* A wanted key of an object. Tables of these are constant; they nest as the objects do. */
struct pick_key {
	const char *
		name; /* decoded; PICK_FIRST: the first element of an array, the only row of its table then */
	size_t len;
	int field;                    /* where its value goes, or PICK_NONE */
	const struct pick_key *below; /* wanted below it, or NULL */
	size_t below_count;
};

#define PICK_FIRST    "[0]"
#define PICK_COUNT(t) (sizeof(t) / sizeof((t)[0]))
#define PICK(name, field)                              \
	{                                              \
		name, sizeof(name) - 1, field, NULL, 0 \
	}
#define PICK_BELOW(name, table)                                             \
	{                                                                   \
		name, sizeof(name) - 1, PICK_NONE, table, PICK_COUNT(table) \
	}
#define PICK_BOTH(name, field, table)                                   \
	{                                                               \
		name, sizeof(name) - 1, field, table, PICK_COUNT(table) \
	}

/*
 * Fill fields[0 .. field_count) with the raw bytes of the values (strings with their quotes, escapes as they stand); absent ones
 * get a NULL p. Of duplicate keys the last one counts, wholly. Keys may be written with escapes.
 *
 * false: text does not begin with an object, or ends within it.
 */
bool pick(struct span text, const struct pick_key *keys, size_t key_count, struct span *fields,
          size_t field_count);

/*
 * For tests: as pick, with the jumps of one instruction set: "portable", "sse2", "avx2", "avx512". false also when this
 * processor cannot run it.
 */
bool pick_by(const char *set, struct span text, const struct pick_key *keys, size_t key_count,
             struct span *fields, size_t field_count);

#endif
