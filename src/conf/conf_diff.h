/*
 * conf_diff: what a reload changes.
 *
 * Sources, sinks and rules are known by name. Keys that only a restart can change keep their running value: they are
 * named here, so that the daemon can say so.
 */
#ifndef FD_CONF_CONF_DIFF_H
#define FD_CONF_CONF_DIFF_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct conf;

enum conf_diff_kind { CONF_DIFF_ADDED, CONF_DIFF_REMOVED, CONF_DIFF_CHANGED };

struct conf_diff_item {
	enum conf_diff_kind kind;
	const char *section; /* "source", "sink", "rule", "account", or "" for a key of the top */
	const char *name;    /* of the source...; of the key for section "" ("control.listen") */
	const char *key;     /* CHANGED: the first key that differs, else "" */
	bool is_restart;     /* this key keeps its running value until a restart */
};

struct conf_diff {
	struct conf_diff_item *items; /* names are borrowed from both confs */
	size_t count;
	size_t restart_count;
};

/* Compare. Fills *ret (conf_diff_done it); borrowed names live as long as both confs. */
void conf_diff(const struct conf *before, const struct conf *after, struct conf_diff *ret);
void conf_diff_done(struct conf_diff *d);

/* One line: "sink hook changed (url), rule x added; restart for: state_dir". "nothing" when equal. */
void conf_diff_print(const struct conf_diff *d, struct buf *out);

#endif
