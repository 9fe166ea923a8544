/*
 * emit: write JSON text into a buf.
 *
 * Commas and escapes are its business: what comes out is always one valid, compact JSON value in valid UTF-8, whatever
 * bytes go in (malformed UTF-8 becomes U+FFFD). A full buffer shows in buf.is_full, so a run of calls needs one check.
 * Calls out of order (a value where a key has to stand) are our own bugs and assert.
 */
#ifndef FD_JSON_EMIT_H
#define FD_JSON_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;

enum { EMIT_DEPTH_MAX = 64 };

/* Open value type, made by emit_init; on the stack. */
struct emit {
	struct buf *out;
	unsigned depth;
	bool is_after_key;
	uint64_t has_items; /* a bit per open container */
};

/* Appends to out, which the caller owns. */
void emit_init(struct emit *w, struct buf *out);

void emit_object_begin(struct emit *w);
void emit_object_end(struct emit *w);
void emit_array_begin(struct emit *w);
void emit_array_end(struct emit *w);

void emit_key(struct emit *w, const char *name);
void emit_key_span(struct emit *w, struct span name);

void emit_string(struct emit *w, struct span s);
void emit_str(struct emit *w, const char *s); /* NULL writes null */
void emit_string_escaped(struct emit *w,
                         struct span text); /* as scan gives it: quotes are added, nothing else */
void emit_raw(struct emit *w,
              struct span raw); /* one JSON value, verbatim; the caller vouches for it */
void emit_i64(struct emit *w, int64_t v);
void emit_u64(struct emit *w, uint64_t v);
void emit_double(struct emit *w,
                 double v); /* shortest form that reads back the same; not finite writes null */
void emit_bool(struct emit *w, bool v);
void emit_null(struct emit *w);

/* Append s escaped, without quotes. Returns 0, or -1 when the buffer is full. */
int emit_escape(struct buf *out, struct span s);

#endif
