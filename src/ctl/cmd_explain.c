/*
 * cmd_explain: findingsctl explain (--pattern FILE | --rule NAME) EVENT: the first field that failed, what was asked and
 * what was there. EVENT is a file that holds one event ("-": standard input). Exit 0 when it matches, 1 when not.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/event_view.h"
#include "ctl/lines.h"
#include "ctl/rule_set.h"
#include "match/pattern.h"
#include "json/emit.h"

static void
print_json(const char *name, bool is_match, const struct buf *why)
{
	struct buf line = { .len = 0 };
	struct emit w;

	emit_init(&w, &line);
	emit_object_begin(&w);
	emit_key(&w, "rule");
	emit_str(&w, name);
	emit_key(&w, "match");
	emit_bool(&w, is_match);
	if (!is_match) {
		emit_key(&w, "why");
		emit_str(&w, why->data);
	}
	emit_object_end(&w);
	(void)printf("%s\n", line.data);
	buf_done(&line);
}

/* 1 match, 0 no match, -1 with e. */
static int
explain_one(const struct ctl *c, const struct rule_item *rule, struct span event, struct err *e)
{
	struct buf why = { .len = 0 }, view = { .len = 0 };
	int result;

	if (event_view_is_wanted(rule->pattern))
		event = event_view(event, &view);
	result = pattern_explain(rule->pattern, event, &why, e);

	if (result >= 0 && c->is_json)
		print_json(rule->name, result > 0, &why);
	else if (result > 0)
		(void)printf("%s: match\n", rule->name);
	else if (result == 0)
		(void)printf("%s: no match: %s\n", rule->name, why.data == NULL ? "" : why.data);
	buf_done(&why);
	buf_done(&view);
	return result;
}

static enum exit_code
explain(const struct ctl *c, const struct rule_set *rules, const char *name, const char *file)
{
	struct lines event;
	struct err e;
	size_t told = 0;
	int result = 1;

	if (name != NULL && rule_set_pattern(rules, name) == NULL)
		return ctl_fail(EXIT_USAGE_ERROR, "no enabled rule is called '%s'", name);
	if (lines_open(&event, file, &e) != 0)
		return ctl_fail(EXIT_USAGE_ERROR, "%s", e.text);
	for (size_t i = 0; result >= 0 && i < rules->count; i++) {
		int r;
		if (name != NULL && rule_set_pattern(rules, name) != rules->items[i].pattern)
			continue;
		r = explain_one(c, &rules->items[i], event.all, &e);
		result = r < 0 || r < result ? r : result;
		told++;
	}
	lines_close(&event);
	if (result < 0)
		return ctl_fail(EXIT_CHECK_FAILED, "%s: %s", file, e.text);
	return result > 0 && told > 0 ? EXIT_OK : EXIT_CHECK_FAILED;
}

enum exit_code
cmd_explain(const struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "pattern", required_argument, NULL, 'p' },
		                                 { "rule", required_argument, NULL, 'r' },
		                                 { NULL, 0, NULL, 0 } };
	struct rule_set rules = { .count = 0 };
	const char *pattern = NULL, *name = NULL;
	enum exit_code code;
	struct err e;
	int o;

	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'p')
			pattern = optarg;
		else if (o == 'r')
			name = optarg;
		else
			return ctl_fail(EXIT_USAGE_ERROR, "explain takes no '%s'",
			                argv[optind - 1]);
	}
	if (argc - optind != 1 || (pattern == NULL) == (name == NULL))
		return ctl_fail(
			EXIT_USAGE_ERROR,
			"explain takes --pattern FILE or --rule NAME, and a file with one event");
	if ((pattern != NULL ? rule_set_add_pattern(&rules, pattern, &e)
	                     : rule_set_add_conf(&rules, c->conf_path, &e)) != 0)
		code = ctl_fail(e.kind == ERR_IO ? EXIT_USAGE_ERROR : EXIT_CONFIG_ERROR, "%s",
		                e.text);
	else
		code = explain(c, &rules, name, argv[optind]);
	rule_set_done(&rules);
	return code;
}
