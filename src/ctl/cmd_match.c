/*
 * cmd_match: findingsctl match: which rules match which events. See findingsctl(1).
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/event_view.h"
#include "ctl/lines.h"
#include "ctl/rule_set.h"
#include "match/machine.h"
#include "json/emit.h"
#include "json/scan.h"

struct tally {
	uint64_t events, matched, matches, broken;
};

struct job {
	const char *file;
	struct rule_set rules;
	struct machine *machine;
	struct machine_scratch *scratch;
	struct lines lines;
	struct tally tally;
};

/* FILE:LINE:COLUMN: what, on standard error. */
static void
tell_broken(struct job *j)
{
	struct scan s;
	unsigned line, column;

	scan_init(&s, j->lines.text, 0);
	while (scan_next(&s) > SCAN_END)
		continue;
	scan_position(j->lines.text, s.error == NULL ? 0 : s.offset, &line, &column);
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s:%zu:%u: %s\n", j->file, j->lines.number, column,
	              s.error == NULL ? "not a JSON object" : s.error);
	j->tally.broken++;
}

static void
print_matches(const struct job *j, const uint32_t *rules, size_t n, struct buf *out)
{
	struct emit w;

	buf_clear(out);
	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "line");
	emit_u64(&w, j->lines.number);
	emit_key(&w, "rules");
	emit_array_begin(&w);
	for (size_t i = 0; i < n; i++)
		emit_str(&w, j->rules.names[rules[i]]);
	emit_array_end(&w);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
	(void)fwrite(out->data, 1, out->len, stdout);
}

static void
match_all(struct job *j, bool is_count)
{
	struct buf out = { .len = 0 }, view = { .len = 0 };
	const uint32_t *rules;
	struct span event;
	size_t n;

	while (lines_next(&j->lines)) {
		struct err e;
		if (!is_count &&
		    (lines_is_blank(&j->lines) || scan_check(j->lines.text, true, &e) != 0)) {
			if (!lines_is_blank(&j->lines))
				tell_broken(j);
			continue;
		}
		event = j->rules.wants_view ? event_view(j->lines.text, &view) : j->lines.text;
		if (machine_match(j->machine, j->scratch, event, &rules, &n, &e) != 0) {
			if (!lines_is_blank(&j->lines))
				tell_broken(j);
			continue;
		}
		j->tally.events++;
		j->tally.matched += n > 0;
		j->tally.matches += n;
		if (!is_count && n > 0)
			print_matches(j, rules, n, &out);
	}
	buf_done(&out);
	buf_done(&view);
}

static void
print_count(const struct job *j, int64_t us)
{
	double seconds = us > 0 ? (double)us / 1e6 : 1e-6;

	(void)printf("{\"events\":%" PRIu64 ",\"matched\":%" PRIu64 ",\"matches\":%" PRIu64
	             ",\"bytes\":%zu,\"seconds\":%.6f,\"events_per_second\":%.0f}\n",
	             j->tally.events, j->tally.matched, j->tally.matches, j->lines.all.len, seconds,
	             (double)j->tally.events / seconds);
}

/* Have the file in memory before the clock starts. */
static void
touch(struct span all)
{
	volatile char sum = 0;

	for (size_t i = 0; i < all.len; i += 4096)
		sum = (char)(sum + all.p[i]);
}

static enum exit_code
run(struct job *j, bool is_count)
{
	struct err e;
	int64_t start;

	j->machine = rule_set_build(&j->rules, &e);
	if (j->machine == NULL)
		return ctl_fail(EXIT_CONFIG_ERROR, "%s", e.text);
	j->scratch = machine_scratch_new(j->machine);
	if (lines_open(&j->lines, j->file, &e) != 0)
		return ctl_fail(EXIT_USAGE_ERROR, "%s", e.text);
	if (is_count)
		touch(j->lines.all);
	start = clock_real_mono_us();
	match_all(j, is_count);
	if (is_count)
		print_count(j, clock_real_mono_us() - start);
	lines_close(&j->lines);
	return j->tally.broken > 0 ? EXIT_CHECK_FAILED : EXIT_OK;
}

enum exit_code
cmd_match(const struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "pattern", required_argument, NULL, 'p' },
		                                 { "rules", required_argument, NULL, 'r' },
		                                 { "count", no_argument, NULL, 'n' },
		                                 { NULL, 0, NULL, 0 } };
	struct job j = { .file = "-" };
	bool is_count = false, has_rules = false;
	enum exit_code code;
	struct err e;
	int o, result = 0;

	optind = 0;
	while (result == 0 && (o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		has_rules |= o == 'p' || o == 'r';
		if (o == 'p')
			result = rule_set_add_pattern(&j.rules, optarg, &e);
		else if (o == 'r')
			result = rule_set_add_lines(&j.rules, optarg, &e);
		else if (o == 'n')
			is_count = true;
		else
			result = err_set(&e, ERR_NONE, "match takes no '%s'", argv[optind - 1]);
	}
	if (result == 0 && argc - optind > 1)
		result = err_set(&e, ERR_NONE, "match takes one file of events");
	if (result == 0 && !has_rules)
		result = rule_set_add_conf(&j.rules, c->conf_path, &e);
	if (result != 0) {
		rule_set_done(&j.rules);
		return ctl_fail(e.kind == ERR_NONE || e.kind == ERR_IO ? EXIT_USAGE_ERROR
		                                                       : EXIT_CONFIG_ERROR,
		                "%s", e.text);
	}
	if (argc - optind == 1)
		j.file = argv[optind];
	code = run(&j, is_count);
	machine_scratch_free(j.scratch);
	machine_free(j.machine);
	rule_set_done(&j.rules);
	return code;
}
