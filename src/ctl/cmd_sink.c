/*
 * cmd_sink: findingsctl sink list | test NAME | pause NAME | resume NAME.
 *
 * `sink test` is the first thing that anyone runs: a marked notice goes through the same code as a real one, and each step
 * that it took is shown.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/client.h"
#include "ctl/show.h"

static const struct table_column sink_columns[] = {
	{ "sink", "SINK", 30 },          { "type", "TYPE", 0 },
	{ "state", "STATE", 0 },         { "in_flight", "SENT", 0 },
	{ "delivered", "DELIVERED", 0 }, { "failed", "FAILED", 0 },
	{ "last_ok", "LAST OK", 0 },     { "next", "NEXT", 0 },
	{ "error", "ERROR", 100 },       { 0 },
};

static bool
is_ok(struct span line)
{
	struct buf word = { 0 };
	bool ok;

	table_text(line, "ok", &word);
	ok = span_eq_str((struct span){ word.data, word.len }, "true");
	buf_done(&word);
	return ok;
}

/* "ok      tls      TLSv1.3, certificate of hook.example.com" per step, the result last. */
static enum exit_code
print_test(struct span lines)
{
	enum exit_code code = EXIT_CHECK_FAILED;
	struct buf kind = { 0 }, step = { 0 }, text = { 0 };
	struct span line;

	while (table_next_line(&lines, &line)) {
		buf_clear(&kind);
		buf_clear(&step);
		buf_clear(&text);
		table_text(line, "kind", &kind);
		table_text(line, "step", &step);
		table_text(line, "text", &text);
		if (span_eq_str((struct span){ kind.data, kind.len }, "result")) {
			code = is_ok(line) ? EXIT_OK : EXIT_CHECK_FAILED;
			(void)printf("%s: %s\n", code == EXIT_OK ? "delivered" : "NOT delivered",
			             text.len ? text.data : "");
		} else {
			(void)printf("%-6s  %-14s %s\n", is_ok(line) ? "ok" : "FAILED",
			             step.len ? step.data : "", text.len ? text.data : "");
		}
	}
	buf_done(&kind);
	buf_done(&step);
	buf_done(&text);
	return code;
}

/* Exit code 1 when it was not delivered, with --json too. */
static enum exit_code
last_result(struct span lines)
{
	struct span line;
	bool ok = false;

	while (table_next_line(&lines, &line))
		ok = is_ok(line);
	return ok ? EXIT_OK : EXIT_CHECK_FAILED;
}

static enum exit_code
test_sink(const struct ctl *c, const char *target)
{
	struct buf lines = { 0 };
	enum exit_code code = client_call(c, true, target, &lines);
	struct span all = { lines.data, lines.len };

	if (code == EXIT_OK && c->is_json) {
		show_raw(&lines);
		code = last_result(all);
	} else if (code == EXIT_OK) {
		code = print_test(all);
	}
	buf_done(&lines);
	return code;
}

enum exit_code
cmd_sink(const struct ctl *c, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "list";
	struct buf target = { 0 };
	enum exit_code code;

	if (argc <= 2 && strcmp(verb, "list") == 0)
		return show_table(c, "/v1/sinks", NULL, sink_columns, "no sinks\n");
	if (argc != 3 || (strcmp(verb, "test") != 0 && strcmp(verb, "pause") != 0 &&
	                  strcmp(verb, "resume") != 0))
		return ctl_fail(EXIT_USAGE_ERROR,
		                "sink list, sink test NAME, sink pause NAME or sink resume NAME");
	(void)buf_printf(&target, "/v1/sinks/%s", verb);
	client_param(&target, "name", argv[2]);
	if (strcmp(verb, "test") == 0)
		code = test_sink(c, target.data);
	else
		code = show_done(c, target.data,
		                 strcmp(verb, "pause") == 0
		                         ? "paused; its queue is kept, also over a restart"
		                         : "resumed");
	buf_done(&target);
	return code;
}
