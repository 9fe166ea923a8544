/*
 * render_digest: what a digest says beyond what every notice says: counts by change, rule, account and region, and the most severe by
 * title. For render_text, render_html and render_json; view->digest is set.
 */
#ifndef FD_SINK_RENDER_DIGEST_H
#define FD_SINK_RENDER_DIGEST_H

#include "sink/render.h"

/* Lines, between the facts and the end of the text. */
void render_digest_text(const struct render_view *v, enum render_room room, struct buf *out);
/* Tables. */
void render_digest_html(const struct render_view *v, enum render_room room, struct buf *out);
/* One JSON object: tally_write's. */
void render_digest_json(const struct render_view *v, enum render_room room, struct buf *out);

#endif
