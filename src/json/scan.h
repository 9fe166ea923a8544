/*
 * scan: a streaming reader of JSON text. No tree, no copy, no allocation.
 *
 * It gives tokens as slices of the caller's bytes, checks the grammar of RFC 8259 strictly (also UTF-8, also in what
 * is skipped), keeps duplicate keys and the spelling of numbers, and never recurses on the input's depth. Whoever wants
 * a tree uses jansson. Strings are given as they stand in the text, without quotes and still escaped.
 */
#ifndef FD_JSON_SCAN_H
#define FD_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct err;

enum scan_token {
	SCAN_ERROR = 0, /* s.error says what, s.offset where; every further call gives it again */
	SCAN_END,       /* the one value is complete and nothing but blanks follows */
	SCAN_OBJECT_BEGIN,
	SCAN_OBJECT_END,
	SCAN_ARRAY_BEGIN,
	SCAN_ARRAY_END,
	SCAN_KEY, /* the colon is consumed */
	SCAN_STRING,
	SCAN_NUMBER,
	SCAN_TRUE,
	SCAN_FALSE,
	SCAN_NULL,
};

enum { SCAN_DEPTH_MAX = 2048, SCAN_DEPTH_DEFAULT = 1100 };

/* Open value type, made by scan_init. Read token, has_escapes, depth, offset; change nothing. */
struct scan {
	const char *start, *p, *end;
	struct span
		token; /* string or key without its quotes, still escaped; number; literal; one brace */
	bool has_escapes; /* the string or key just given holds a backslash */
	unsigned depth;   /* containers open now */
	unsigned max_depth;
	size_t offset;     /* of the token just given (of the opening quote), or of the error */
	const char *error; /* static text, NULL while there is none */
	int expect;        /* private */
	uint64_t is_object[SCAN_DEPTH_MAX / 64];
};

/* text is borrowed as long as s is used. max_depth: 1 to SCAN_DEPTH_MAX; 0 = SCAN_DEPTH_DEFAULT. */
void scan_init(struct scan *s, struct span text, unsigned max_depth);

enum scan_token scan_next(struct scan *s);

/*
 * Consume the next whole value, whatever it is, and give its bytes from first to last (strings with their quotes).
 * Returns the token that the value begins with; SCAN_ARRAY_END, SCAN_OBJECT_END (consumed), SCAN_END or SCAN_ERROR when
 * no value comes, *ret_raw is untouched then. ret_raw may be NULL. Call it where a value may stand: not before a key.
 */
enum scan_token scan_value(struct scan *s, struct span *ret_raw);

/* As scan_value, without asking for the bytes. */
enum scan_token scan_skip(struct scan *s);

/* What is wrong, in words ("a string is not closed"); "" when nothing is. */
const char *scan_error(const struct scan *s);

/* Fill e with ERR_PARSE and "line L, column C: what". Returns -1. */
int scan_fail(const struct scan *s, struct err *e);

/* Line and column (in code points) of an offset, both from 1. */
void scan_position(struct span text, size_t offset, unsigned *ret_line, unsigned *ret_column);

/* The whole text is one JSON value (a JSON object, when is_object). -1 with e: line, column and what is wrong. */
int scan_check(struct span text, bool is_object, struct err *e);

/* Does an escaped string (or key) say s, once decoded? */
bool scan_string_is(struct span escaped, const char *s);
bool scan_string_eq(struct span escaped, struct span decoded);

/*
 * Append the decoded string. It has to come from scan (escapes valid). A lone surrogate becomes U+FFFD.
 * Returns 0, or -1 when the buffer is full.
 */
int scan_unescape(struct span escaped, struct buf *out);

/*
 * As scan_unescape, into memory of at least escaped.len bytes; returns the bytes written, never more than escaped.len.
 * keep_surrogates: a lone surrogate becomes its own three bytes (as WTF-8 has them), so that it equals only itself.
 */
size_t scan_unescape_to(struct span escaped, char *out, bool keep_surrogates);

/* The content of a raw string value: "\"ab\"" -> "ab", still escaped. false: raw is no string. */
bool scan_string_of(struct span raw, struct span *ret_escaped);

/* What kind of value raw bytes hold, by their first byte. SCAN_ERROR when empty. */
enum scan_token scan_kind_of(struct span raw);

/*
 * The value at a path of keys, SCAN_INDEX_0 stands for the first element of an array. Of duplicate keys the last one
 * counts. false: absent, or the text is broken before the end of what had to be read.
 */
#define SCAN_INDEX_0 "[0]"
bool scan_get(struct span object, const char *const *path, size_t n, struct span *ret_raw);

/*
 * One wanted field of scan_fields. path: names joined by dots, "[0]" = first element: "Resources.[0].Id". Names with
 * dots cannot be written; names are compared decoded. At most 8 names.
 */
struct scan_field {
	const char *path;
	struct span raw; /* the value's bytes; .p NULL when absent */
};

enum { SCAN_FIELDS_MAX = 64, SCAN_FIELD_STEPS_MAX = 8 };

/*
 * Fill many fields in one pass over an object, checking the grammar of all of it. n <= SCAN_FIELDS_MAX. Fields may be
 * parts of each other. Of duplicate keys the last one counts, wholly: nothing of the earlier one is kept.
 * Returns 0, or -1 with e (ERR_PARSE with line and column; the fields are then undefined).
 */
int scan_fields(struct span object, struct scan_field *fields, size_t n, struct err *e);

/*
 * The elements of an array, raw:
 *	for (bool more = scan_array_first(&a, raw_array, &element); more; more = scan_array_next(&a, &element))
 *	if (scan_array_failed(&a)) ...
 */
struct scan_array {
	struct scan scan;
};

bool scan_array_first(struct scan_array *a, struct span array, struct span *ret_element);
bool scan_array_next(struct scan_array *a, struct span *ret_element);
bool scan_array_failed(const struct scan_array *a); /* not an array, or broken */

#endif
