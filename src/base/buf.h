/*
 * buf: a growing byte buffer with a ceiling.
 *
 * Every size that a peer chose lives in one of these. The bytes are always followed by a NUL that is not counted, so
 * buf.data can be read as a string when it holds text. Once the ceiling was hit the buffer is "full": it keeps what
 * it had, further appends fail, and is_full stays set until buf_clear, so that a run of appends needs one check.
 */
#ifndef FD_BASE_BUF_H
#define FD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open value type; change it only through these functions. Zero-initialised = empty, no ceiling but BUF_MAX_BYTES. */
struct buf {
	char *data;       /* NULL until the first append, else NUL-terminated */
	size_t len;       /* bytes used */
	size_t cap;       /* bytes allocated, 0 or > len */
	size_t max_bytes; /* ceiling of len; 0 = BUF_MAX_BYTES */
	bool is_full;     /* an append was refused */
};

#define BUF_MAX_BYTES ((size_t)1 << 30)

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);        /* frees; b is empty again and may be used again */
void buf_done_secret(struct buf *b); /* wipes first */
void buf_clear(struct buf *b);       /* len = 0, keeps the memory */

/* All appends return 0, or -1 (and set is_full) when the ceiling would be passed; then nothing is appended. */
int buf_add(struct buf *b, const void *p, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_add_u64(struct buf *b, uint64_t v);
int buf_add_i64(struct buf *b, int64_t v);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make room for len more bytes and return where to write them; then buf_commit what was written. NULL at the ceiling. */
char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* Cut to len bytes (len <= b->len). */
void buf_truncate(struct buf *b, size_t len);

/* Take the bytes out: caller frees with mem_free; b is empty afterwards. Never NULL ("" when empty). */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
