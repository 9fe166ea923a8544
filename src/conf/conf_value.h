/*
 * conf_value: one reader and one printer per type of value.
 *
 * A reader takes a libconfig setting and fills the field that the key's row points to. Defaults come here as settings too,
 * made from the row's text. Errors say what was found and what is wanted, without file, line or key: the caller knows.
 */
#ifndef FD_CONF_CONF_VALUE_H
#define FD_CONF_CONF_VALUE_H

#include <stdbool.h>

#include <libconfig.h>

#include "conf/conf_keys.h"

struct buf;
struct err;

struct conf_value_env {
	const char *folder;    /* where relative paths start */
	bool is_looking;       /* a credential that only the service is given need not be there */
	bool is_unseen_secret; /* set by a reader: such a credential; a stand-in is its value */
	bool is_open_secret;   /* set by a reader: the secret's file can be read by everyone */
	bool is_plain_secret;  /* set by a reader: a secret stands in the configuration itself */
};

/* Read into the field (base + k->offset). The field keeps its value on failure. -1 with e: ERR_CONFIG. */
int conf_value_read(const struct conf_key *k, struct conf_value_env *env, const config_setting_t *s,
                    void *base, struct err *e);

/* Read the row's default, if it has one. A bad default is a fault of ours (assert). */
void conf_value_default(const struct conf_key *k, struct conf_value_env *env, void *base);

/* A field that nothing was read into becomes empty ("", no elements), never NULL. One that holds something stays. */
void conf_value_fill(const struct conf_key *k, void *base);

/* As libconfig text. Secrets as "***" unless is_revealed (for comparing only, never to be shown). */
void conf_value_print(const struct conf_key *k, const void *base, bool is_revealed,
                      struct buf *out);

/* Free what the field holds, wiping secrets; the field is empty (NULL) afterwards. */
void conf_value_free(const struct conf_key *k, void *base);

/* What a row allows, for people: "1s to 1d", "required, implicit, none". */
void conf_value_print_range(const struct conf_key *k, struct buf *out);

/* Libconfig's quoting. */
void conf_value_print_text(const char *text, struct buf *out);

#endif
