/*
 * render_note: what a notice says beside its finding (the outbox's note, written by route/note.h), as words for people.
 * Private to the renderers.
 */
#ifndef FD_SINK_RENDER_NOTE_H
#define FD_SINK_RENDER_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { RENDER_NOTE_NAMES = 8 };

/* A note, read. Spans point into its text, still escaped. What is not there is zero. */
struct render_note {
	bool is_flapping, is_calm, is_aged;
	int64_t reopened, time_ms; /* so often within it; calm for it */
	bool is_together;
	int64_t open; /* findings open in the alert */
	bool is_more; /* than that */
	int64_t more; /* joined since the last notice */
	struct span names[RENDER_NOTE_NAMES];
	size_t name_count;
};

/* A note that cannot be read says nothing. */
void render_note_read(struct span note, struct render_note *ret);

/* "us-west-2; eu-west-1; and 3 more (12 findings open)"; appends nothing when there is nothing to say. */
void render_note_also(const struct render_note *n, struct buf *out);
/* "reopened 4 times within 1h: held until it has been calm for 1h"; "calm for 1h"; as above. */
void render_note_flapping(const struct render_note *n, struct buf *out);

#endif
