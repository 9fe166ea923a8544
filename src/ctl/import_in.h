/*
 * import_in: what the files of import share.
 */
#ifndef FD_CTL_IMPORT_IN_H
#define FD_CTL_IMPORT_IN_H

#include "ctl/import.h"

void import_list_add(struct conf_list *l, const char *text);
bool import_list_has(const struct conf_list *l, const char *text);
void import_note(struct conf_list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * What the events of the rule have to do with findingsd's. false: none can come here; a note says what to do. Fields that
 * only in part come here are noted.
 */
bool import_is_served(struct import_rule *r);

/* Add the sinks of one target to the rule, and notes. */
struct import_targets {
	struct import *im;
	const struct bridge *b;
	const struct conf *conf; /* or NULL */
};
void import_target(const struct import_targets *x, struct import_rule *r,
                   const struct bridge_target *t);

/* A name of the configuration made of any text: what may not be in it becomes '-'. Caller frees. */
char *import_name(const char *text);

#endif
