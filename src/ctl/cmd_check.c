/*
 * cmd_check: findingsctl check: the configuration, as `findingsd --check` reads it.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "ctl/ctl.h"
#include "sink/sink.h"
#include "json/emit.h"

static void
print_problem(const struct ctl *c, const struct conf_problem *p)
{
	struct buf line = { 0 };
	struct emit w;

	if (!c->is_json) {
		conf_problem_print(p, &line);
		(void)fprintf(stderr, "%s\n", line.data ? line.data : "");
		buf_done(&line);
		return;
	}
	emit_init(&w, &line);
	emit_object_begin(&w);
	emit_key(&w, "file");
	emit_str(&w, p->file);
	emit_key(&w, "line");
	emit_u64(&w, p->line);
	emit_key(&w, "column");
	emit_u64(&w, p->column);
	emit_key(&w, "severity");
	emit_str(&w, p->is_warning ? "warning" : "error");
	emit_key(&w, "text");
	emit_str(&w, p->text);
	emit_object_end(&w);
	(void)printf("%s\n", line.data ? line.data : "");
	buf_done(&line);
}

enum exit_code
cmd_check(const struct ctl *c, int argc, char **argv)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	int r;

	if (argc > 1)
		return ctl_fail(EXIT_USAGE_ERROR, "check takes no '%s'", argv[1]);
	r = conf_look(c->conf_path, &conf, &problems);
	if (r == 0)
		r = sink_check_all(conf, &problems);
	for (size_t i = 0; i < problems.count; i++)
		print_problem(c, &problems.items[i]);
	if (r == 0 && !c->is_json)
		(void)printf("%s: %zu sources, %zu sinks, %zu rules: good\n", c->conf_path,
		             conf->source_count, conf->sink_count, conf->rule_count);
	conf_problems_done(&problems);
	conf_free(conf);
	return r == 0 ? EXIT_OK : EXIT_CONFIG_ERROR;
}
