/*
 * import: rules of EventBridge as rules of findingsd, and what cannot be done the same way.
 *
 * bridge.h read them; here each becomes a rule with its pattern laid out, the sinks that stand for its targets, and notes
 * that say what differs and what to do about it. A rule that cannot work here is left out, with a note that says why.
 */
#ifndef FD_CTL_IMPORT_H
#define FD_CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "ctl/bridge.h"

struct buf;
struct emit;

/* A sink that the configuration lacks. */
struct import_sink {
	char *name;
	bool is_webhook;
	char *address; /* topic's ARN, or URL */
	const char *format;
	char *rate, *max_age; /* as in the configuration; "" = not given */
	struct bridge_pairs headers;
	const struct import_rule
		*written; /* the first of the rules whose file has it; NULL = none */
};

struct import_rule {
	char *name;        /* fit for the configuration, none twice */
	char *bridge_name; /* as EventBridge has it */
	char *description;
	char *pattern; /* laid out; "" when there is none */
	bool is_disabled;
	bool is_left_out;       /* notes say why */
	bool is_failed;         /* left out for what is wrong with it, not for what it is about */
	struct conf_list sinks; /* names; "" = CHANGE-ME in what is printed, not written to files */
	struct conf_list notes; /* a line each */
	struct conf_list comments; /* the same kind, for the file alone: a transformer's text */
};

struct import {
	struct import_rule *rules;
	size_t rule_count;
	struct import_sink *sinks;
	size_t sink_count;
	struct conf_list notes; /* about no rule */
};

/* b: linked. conf: the configuration that they go into, or NULL. sinks: names that take the targets' place, or NULL. */
void import_make(struct import *im, const struct bridge *b, const struct conf *conf,
                 const struct conf_list *sinks);
void import_done(struct import *im);

/*
 * A file for conf.d with those of the rules that are not left out, and the new sinks that no file before it has. in_files: the
 * patterns stand in patterns/NAME.json.
 */
void import_print(struct import *im, const struct import_rule *rules, size_t count, bool in_files,
                  struct buf *out);
/* One rule as a line of JSON. */
void import_print_json(const struct import *im, const struct import_rule *r, struct buf *out);

#endif
