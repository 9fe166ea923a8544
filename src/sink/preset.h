/*
 * preset: the bodies that a webhook can send, one row each. This version has one: generic.
 *
 * A preset is a way to write a body (and what Content-Type it has) within its receiver's limits; address, login,
 * signature and outcome stay the webhook's.
 */
#ifndef FD_SINK_PRESET_H
#define FD_SINK_PRESET_H

#include <stddef.h>

#include "base/buf.h"
#include "sink/render.h"

struct conf_sink;

struct sink_preset {
	const char *name;
	const char *help; /* one line for --list presets */
	const char *content_type;
	/* As sink_kind.render. */
	enum render_room (*render)(const struct conf_sink *conf, const struct render_view *view,
	                           enum render_room room, struct buf *out);
};

/* The table, in order of names; NULL behind the last. */
const struct sink_preset *sink_preset_at(size_t i);
const struct sink_preset *sink_preset_find(const char *name);
/* The configured one, never NULL. */
const struct sink_preset *sink_preset_of(const struct conf_sink *conf);

#endif
