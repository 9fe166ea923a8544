/*
 * rule_set: the rules that a command without a daemon works with, from a file or from the configuration.
 */
#ifndef FD_CTL_RULE_SET_H
#define FD_CTL_RULE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct machine;
struct pattern;

struct rule_item {
	char *name;
	struct pattern *pattern;
};

/* Zero-initialised is empty. Sorted by name once machine_of was called. */
struct rule_set {
	struct rule_item *items;
	size_t count, cap;
	char **names; /* by rule number, sorted, each once */
	size_t name_count;
	bool wants_view; /* a rule asks for what findingsd adds to events */
};

/* Each adds rules; -1 with e, which names file and line. */
int rule_set_add_lines(struct rule_set *s, const char *path,
                       struct err *e); /* {"name","pattern"} per line */
int rule_set_add_pattern(struct rule_set *s, const char *path,
                         struct err *e); /* one pattern, named as its file */

/* The enabled rules of a configuration; problems go to standard error. */
int rule_set_add_conf(struct rule_set *s, const char *conf_path, struct err *e);

/* Rule number i of the machine is names[i]. Frees the patterns. */
struct machine *rule_set_build(struct rule_set *s, struct err *e);

const struct pattern *rule_set_pattern(const struct rule_set *s, const char *name);
void rule_set_done(struct rule_set *s);

#endif
