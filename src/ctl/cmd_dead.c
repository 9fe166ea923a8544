/*
 * cmd_dead: findingsctl dead list [SINK] | show ID | retry ID|--all [--force] | drop ID|--all: dead letters.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "ctl/client.h"
#include "ctl/show.h"

static const struct table_column columns[] = {
	{ "id", "ID", 0 },         { "created", "CREATED", 0 },   { "sink", "SINK", 30 },
	{ "change", "CHANGE", 0 }, { "severity", "SEVERITY", 0 }, { "attempts", "TRIES", 0 },
	{ "rules", "RULES", 40 },  { "answer", "ANSWER", 100 },   { 0 },
};

static enum exit_code
usage(void)
{
	return ctl_fail(EXIT_USAGE_ERROR,
	                "dead list [SINK], dead show ID, dead retry ID|--all [--force] [SINK], "
	                "dead drop ID|--all [SINK]");
}

/* ID, --all, --force and SINK into the query; false: something else is there. */
static bool
take_arguments(int argc, char **argv, struct buf *target)
{
	bool has_id = false, is_all = false;
	int64_t id;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0) {
			is_all = true;
			client_param(target, "all", "1");
		} else if (strcmp(argv[i], "--force") == 0) {
			client_param(target, "force", "1");
		} else if (!has_id && str_to_i64(span_of(argv[i]), &id)) {
			has_id = true;
			client_param(target, "id", argv[i]);
		} else if (argv[i][0] != '-') {
			client_param(target, "sink", argv[i]);
		} else {
			return false;
		}
	}
	return has_id != is_all;
}

/* One object, a member per line: key, then value. */
static enum exit_code
show_item(const struct ctl *c, const char *target)
{
	static const char *const keys[] = { "id",       "sink",   "state",       "change",
		                            "severity", "rules",  "created",     "finished",
		                            "attempts", "answer", "message_key", "thread_key",
		                            "event" };
	struct buf line = { 0 }, text = { 0 };
	enum exit_code code = client_call(c, false, target, &line);

	if (code == EXIT_OK && c->is_json) {
		show_raw(&line);
	} else if (code == EXIT_OK) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			buf_clear(&text);
			table_text((struct span){ line.data, line.len }, keys[i], &text);
			if (text.len)
				(void)printf("%-12s %s\n", keys[i], text.data);
		}
	}
	buf_done(&line);
	buf_done(&text);
	return code;
}

enum exit_code
cmd_dead(const struct ctl *c, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "list";
	struct buf target = { 0 };
	enum exit_code code;

	if (strcmp(verb, "list") == 0) {
		client_path(&target, "/v1/dead");
		client_param(&target, "limit", "1000");
		if (argc == 3)
			client_param(&target, "sink", argv[2]);
		code = argc > 3 ? usage()
		                : show_table(c, target.data, NULL, columns, "no dead letters\n");
	} else if (strcmp(verb, "show") == 0) {
		client_path(&target, "/v1/dead/show");
		code = argc == 3 && take_arguments(argc, argv, &target) ? show_item(c, target.data)
		                                                        : usage();
	} else if (strcmp(verb, "retry") == 0 || strcmp(verb, "drop") == 0) {
		(void)buf_printf(&target, "/v1/dead/%s", verb);
		code = take_arguments(argc, argv, &target)
		               ? show_done(c, target.data,
		                           *verb == 'r' ? "queued again, under the same key"
		                                        : "dropped; the record of it is kept")
		               : usage();
	} else {
		code = usage();
	}
	buf_done(&target);
	return code;
}
