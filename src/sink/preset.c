/*
 * preset: the bodies that a webhook can send, one row each.
 */
#include "config.h"

#include "sink/preset.h"

#include <string.h>

#include "conf/conf.h"
#include "sink/preset_generic.h"

static const struct sink_preset *const presets[] = {
	[CONF_PRESET_GENERIC] = &sink_preset_generic,
};

const struct sink_preset *
sink_preset_at(size_t i)
{
	return i < sizeof presets / sizeof presets[0] ? presets[i] : NULL;
}

const struct sink_preset *
sink_preset_find(const char *name)
{
	for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
		if (strcmp(presets[i]->name, name) == 0)
			return presets[i];
	return NULL;
}

const struct sink_preset *
sink_preset_of(const struct conf_sink *conf)
{
	return sink_preset_at((size_t)conf->preset) ? sink_preset_at((size_t)conf->preset)
	                                            : presets[0];
}
