/*
 * preset_generic: the body for receivers of one's own: Standard Webhooks' shape, or the event itself (format = "raw").
 */
#include "config.h"

#include "sink/preset_generic.h"

#include "conf/conf.h"

static enum render_room
generic_render(const struct conf_sink *conf, const struct render_view *view, enum render_room room,
               struct buf *out)
{
	size_t start = out->len;

	if (conf->format == CONF_FORMAT_RAW) {
		(void)buf_add(out, view->notice->event.p, view->notice->event.len);
		return RENDER_SHORTEST;
	}
	render_json(view, room, conf->is_full, out);
	while (!(conf->is_full && room == RENDER_ALL) && out->len - start > PRESET_GENERIC_BYTES &&
	       room < RENDER_SHORTEST) {
		buf_truncate(out, start);
		room++;
		render_json(view, room, conf->is_full, out);
	}
	return room;
}

const struct sink_preset sink_preset_generic = {
	.name = "generic",
	.help = "JSON in the shape of Standard Webhooks, or EventBridge's event (format = \"raw\")",
	.content_type = "application/json",
	.render = generic_render,
};
