/*
 * cmd_status: findingsctl status: the daemon, its sources, its sinks.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/table.h"

static const struct table_column daemon_columns[] = {
	{ "version", "VERSION", 0 },
	{ "started", "STARTED", 0 },
	{ "rules", "RULES", 0 },
	{ "findings", "FINDINGS", 0 },
	{ "new", "NEW", 0 },
	{ "matched", "MATCHED", 0 },
	{ "queued", "QUEUED", 0 },
	{ "delivered", "DELIVERED", 0 },
	{ "dead", "DEAD", 0 },
	{ "store_ok", "STORE OK", 0 },
	{ "store_error", "STORE", 80 },
	{ 0 },
};

static const struct table_column source_columns[] = {
	{ "source", "SOURCE", 30 },    { "account_name", "ACCOUNT", 30 },
	{ "region", "REGION", 0 },     { "state", "STATE", 0 },
	{ "lag_seconds", "LAG", 0 },   { "last_success", "LAST SUCCESS", 0 },
	{ "findings", "FINDINGS", 0 }, { "failures", "FAILURES", 0 },
	{ "error", "ERROR", 100 },     { 0 },
};

static const struct table_column sink_columns[] = {
	{ "sink", "SINK", 30 },          { "type", "TYPE", 0 },
	{ "state", "STATE", 0 },         { "in_flight", "SENT", 0 },
	{ "delivered", "DELIVERED", 0 }, { "failed", "FAILED", 0 },
	{ "last_ok", "LAST OK", 0 },     { "next", "NEXT", 0 },
	{ "error", "ERROR", 100 },       { 0 },
};

enum exit_code
cmd_status(const struct ctl *c, int argc, char **argv)
{
	struct buf lines = { 0 }, out = { 0 };
	enum exit_code code;
	struct span all;

	if (argc > 1)
		return ctl_fail(EXIT_USAGE_ERROR, "status takes no '%s'", argv[1]);
	code = client_call(c, false, "/v1/status", &lines);
	all = (struct span){ lines.data, lines.len };
	if (code == EXIT_OK && c->is_json) {
		show_raw(&lines);
	} else if (code == EXIT_OK) {
		(void)table_print(all, "daemon", daemon_columns, &out);
		(void)buf_add_char(&out, '\n');
		if (table_print(all, "source", source_columns, &out))
			(void)buf_add_char(&out, '\n');
		(void)table_print(all, "sink", sink_columns, &out);
		show_raw(&out);
	}
	buf_done(&lines);
	buf_done(&out);
	return code;
}
