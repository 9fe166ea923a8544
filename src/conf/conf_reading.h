/*
 * conf_reading: one value on its way from a libconfig setting into its field; shared by the readers, private to them.
 */
#ifndef FD_CONF_CONF_READING_H
#define FD_CONF_CONF_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf_value.h"

struct conf_secret;

struct conf_reading {
	const struct conf_key *k;
	struct conf_value_env *env;
	const config_setting_t *s;
	void *field;
	struct err *e;
};

/* -1 with e: "wants WANTED; found the integer 60"; never shows what a secret holds. */
int conf_reading_wrong(const struct conf_reading *r, const char *wanted);
/* The setting's text; NULL (and e) when it is none. */
const char *conf_reading_text(const struct conf_reading *r, const char *wanted);
/* The value of one of the row's words; -1 with e names them all, and the nearest. */
int conf_reading_word(const struct conf_reading *r, const char *s, unsigned *ret);
bool conf_is_text_list(const config_setting_t *s);
bool conf_has_control_bytes(const char *s);
int conf_read_secret_into(const struct conf_reading *r, struct conf_secret *ret);

/* One per type; conf_value.c has the table. */
int conf_read_text(const struct conf_reading *r);
int conf_read_name(const struct conf_reading *r);
int conf_read_path(const struct conf_reading *r);
int conf_read_secret(const struct conf_reading *r);
int conf_read_url(const struct conf_reading *r);
int conf_read_list(const struct conf_reading *r);
int conf_read_words(const struct conf_reading *r);
int conf_read_regions(const struct conf_reading *r);
int conf_read_pairs(const struct conf_reading *r);

#endif
