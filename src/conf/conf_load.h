/*
 * conf_load: what loading passes around while it reads; private to the room.
 */
#ifndef FD_CONF_CONF_LOAD_H
#define FD_CONF_CONF_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_value.h"

/* Where a key of an element stands, for checks that come later. */
struct conf_line {
	enum conf_section section;
	size_t index; /* of the element; 0 for groups */
	const char *key;
	unsigned line;
	bool is_bad; /* it could not be read, and was told */
};

struct conf_loader {
	struct conf *c;
	struct conf_problems *problems;
	struct conf_value_env env;
	const char *file; /* being read; in c->files */
	bool is_main;
	bool is_partial;       /* a file could not be read: what refers to names is not judged */
	bool has_plain_secret; /* the file being read holds a secret itself */
	struct conf_line *lines;
	size_t line_count;
};

/* Read one file's text into the conf. */
void conf_load_text(struct conf_loader *l, const char *file, struct span text, bool is_main);
/* Defaults of everything outside lists, and empty texts everywhere; after the last file. */
void conf_load_defaults(struct conf_loader *l);

/* Where a key stands; the element itself when the key was not given. */
struct conf_where conf_load_where(const struct conf_loader *l, enum conf_section section,
                                  size_t index, const char *key);

/* The key was given and could not be read: what is missing because of it is not told again. */
bool conf_load_is_bad(const struct conf_loader *l, enum conf_section section, size_t index,
                      const char *key);

/* An element of a list section. */
void *conf_element(const struct conf *c, enum conf_section section, size_t index);
size_t conf_element_count(const struct conf *c, enum conf_section section);
/* Its kind (sources, sinks), else 0. */
unsigned conf_element_kind(enum conf_section section, const void *element);
const char *conf_element_name(enum conf_section section, const void *element);

/* Remember that a file was read; the copy lives as long as the conf. */
const char *conf_load_add_file(struct conf *c, const char *file);

/* Read and parse the patterns of all rules (conf_pattern.c). */
void conf_load_patterns(struct conf_loader *l);
void conf_pattern_free(struct conf_rule *r);

/* Everything against everything (conf_check.c, conf_check_sink.c); fills what follows from other keys. */
void conf_check(struct conf_loader *l);
void conf_check_sinks(struct conf_loader *l);

#endif
