/*
 * preset_generic: the body for receivers of one's own: Standard Webhooks' shape, or the event itself (format = "raw").
 */
#ifndef FD_SINK_PRESET_GENERIC_H
#define FD_SINK_PRESET_GENERIC_H

#include "sink/preset.h"

/* Standard Webhooks advises bodies under 20 kB; with the event in it (full = true) there is no such limit. */
enum { PRESET_GENERIC_BYTES = 20000 };

extern const struct sink_preset sink_preset_generic;

#endif
