/*
 * note: what a notice says beside its finding. See note.h.
 */
#include "config.h"

#include "route/note.h"

#include "json/emit.h"

static void
write_aside(struct emit *w, const struct lifecycle_action *a)
{
	switch (a->aside) {
	case LIFECYCLE_ASIDE_NONE:
		return;
	case LIFECYCLE_ASIDE_FLAPPING:
		emit_key(w, "flapping");
		emit_object_begin(w);
		emit_key(w, "reopened");
		emit_u64(w, a->turns);
		emit_key(w, "within_ms");
		emit_i64(w, a->flap_ms);
		emit_object_end(w);
		return;
	case LIFECYCLE_ASIDE_CALM:
		emit_key(w, "calm");
		emit_object_begin(w);
		emit_key(w, "after_ms");
		emit_i64(w, a->flap_ms);
		emit_object_end(w);
		return;
	case LIFECYCLE_ASIDE_AGED:
		emit_key(w, "aged_out");
		emit_bool(w, true);
		return;
	}
}

static void
write_also(struct emit *w, const struct note_together *together)
{
	emit_key(w, "also");
	emit_object_begin(w);
	emit_key(w, "open");
	emit_u64(w, together->open);
	emit_key(w, "open_is_more");
	emit_bool(w, together->is_more);
	emit_key(w, "more");
	emit_u64(w, together->more);
	emit_key(w, "in");
	emit_array_begin(w);
	for (size_t i = 0; i < together->in_count; i++)
		emit_string(w, together->in[i]);
	emit_array_end(w);
	emit_object_end(w);
}

void
note_write(const struct lifecycle_action *a, const struct note_together *together, struct buf *out)
{
	bool is_alone = together == NULL || (together->open <= 1 && together->more == 0);
	struct emit w;

	if (a->aside == LIFECYCLE_ASIDE_NONE && is_alone)
		return;
	emit_init(&w, out);
	emit_object_begin(&w);
	write_aside(&w, a);
	if (!is_alone)
		write_also(&w, together);
	emit_object_end(&w);
}
