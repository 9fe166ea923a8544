/*
 * rcpts: who of a mail's recipients has it, and who is refused for good: the context that email keeps with an item.
 *
 * A mail goes to each recipient once: those that the server took are not asked again when others have to be retried,
 * under the same Message-ID. Kept as JSON: {"done":["a@b"],"dead":[["c@d","550 no such user"]]}. Pure.
 */
#ifndef FD_SINK_RCPTS_H
#define FD_SINK_RCPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum rcpt_state { RCPT_LEFT = 0, RCPT_DONE, RCPT_DEAD };

enum { RCPTS_MAX = 100, RCPTS_ANSWER_BYTES = 160 };

struct rcpt {
	const char *address; /* borrowed: bare, as configured */
	enum rcpt_state state;
	char answer[RCPTS_ANSWER_BYTES]; /* why it is dead */
};

struct rcpts {
	struct rcpt items[RCPTS_MAX];
	size_t count;
};

/* addresses: bare ones, borrowed. context: what was kept, or NULL; what cannot be read counts as nothing. Addresses of
 * the context that are no longer configured are forgotten. */
void rcpts_init(struct rcpts *r, const char *const *addresses, size_t count, const char *context);

size_t rcpts_count(const struct rcpts *r, enum rcpt_state state);
void rcpts_set(struct rcpts *r, size_t i, enum rcpt_state state, const char *answer);

/* Append the JSON. */
void rcpts_write(const struct rcpts *r, struct buf *out);

/* Append ", refused for good: c@d (550 no such user), ..." when there are any; at most max bytes. */
void rcpts_tell_dead(const struct rcpts *r, struct buf *out, size_t max);

#endif
