/*
 * cmd_replay: findingsctl replay [FINDING] [--since TIME] [--until TIME] [--rule NAME] [--sink NAME] [--force] [--dry-run]: what was
 * delivered is sent again, under the same message keys.
 *
 * The history says what that is, a page at a time; the daemon queues it, page by page. Nothing is asked of AWS.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/when.h"
#include "json/scan.h"

enum { IDS_AT_ONCE = 200 };

struct replay {
	const struct ctl *ctl;
	const char *finding, *rule, *sink;
	int64_t since_ms, until_ms;
	bool is_forced, is_dry;
	/* How far it is. */
	int64_t memory_id, after_id;
	bool is_last;
	struct buf ids; /* with commas between them */
	size_t id_count;
	uint64_t chosen, queued, refused;
};

static int64_t
number_in(struct span line, const char *key)
{
	struct buf text = { 0 };
	int64_t n = 0;

	table_text(line, key, &text);
	(void)str_to_i64((struct span){ text.data, text.len }, &n);
	buf_done(&text);
	return n;
}

static bool
is_text(struct span line, const char *key, const char *want)
{
	struct buf text = { 0 };

	table_text(line, key, &text);
	bool is = span_eq_str((struct span){ text.data ? text.data : "", text.len }, want);
	buf_done(&text);
	return is;
}

static bool
names_rule(struct span line, const char *rule)
{
	static const char *const path[] = { "rules" };
	struct span list, one, name;
	struct scan_array a;

	if (!scan_get(line, path, 1, &list))
		return false;
	for (bool has = scan_array_first(&a, list, &one); has; has = scan_array_next(&a, &one)) {
		if (scan_string_of(one, &name) && scan_string_is(name, rule))
			return true;
	}
	return false;
}

static bool
is_chosen(const struct replay *r, struct span line)
{
	struct buf text = { 0 };
	int64_t made_ms = 0;

	if (!is_text(line, "state", "done") || is_text(line, "change", "digest") ||
	    (r->sink && !is_text(line, "sink", r->sink)) || (r->rule && !names_rule(line, r->rule)))
		return false;
	table_text(line, "created", &text);
	bool is_timed =
		text.len && timefmt_parse((struct span){ text.data, text.len }, &made_ms, NULL);
	buf_done(&text);
	return is_timed && made_ms >= r->since_ms && (!r->until_ms || made_ms < r->until_ms);
}

/* What the daemon said of each. */
static void
count_answers(struct replay *r, const struct buf *answer)
{
	struct span lines = { answer->data, answer->len }, line;
	struct buf text = { 0 };

	while (table_next_line(&lines, &line)) {
		if (is_text(line, "ok", "true")) {
			r->queued++;
			continue;
		}
		r->refused++;
		buf_clear(&text);
		table_text(line, "text", &text);
		if (!r->ctl->is_json)
			(void)fprintf(stderr, "findingsctl: %s\n", text.data ? text.data : "");
	}
	buf_done(&text);
}

static enum exit_code
send_ids(struct replay *r)
{
	struct buf target = { 0 }, answer = { 0 };
	enum exit_code code;

	if (r->id_count == 0)
		return EXIT_OK;
	client_path(&target, "/v1/replay");
	client_param(&target, "ids", r->ids.data);
	if (r->is_forced)
		client_param(&target, "force", "1");
	code = client_call(r->ctl, true, target.data, &answer);
	if (code == EXIT_OK)
		count_answers(r, &answer);
	if (code == EXIT_OK && r->ctl->is_json)
		show_raw(&answer);
	buf_clear(&r->ids);
	r->id_count = 0;
	buf_done(&target);
	buf_done(&answer);
	return code;
}

static enum exit_code
take_line(struct replay *r, struct span line)
{
	if (is_text(line, "kind", "page")) {
		r->is_last = !is_text(line, "is_last", "false");
		r->memory_id = number_in(line, "memory");
		r->after_id = number_in(line, "after");
		return EXIT_OK;
	}
	if (!is_chosen(r, line))
		return EXIT_OK;
	r->chosen++;
	if (r->is_dry) {
		(void)printf("%.*s\n", SPAN_FMT(line));
		return EXIT_OK;
	}
	if (r->id_count++ > 0)
		(void)buf_add_char(&r->ids, ',');
	(void)buf_add_i64(&r->ids, number_in(line, "id"));
	return r->id_count == IDS_AT_ONCE ? send_ids(r) : EXIT_OK;
}

static enum exit_code
take_page(struct replay *r)
{
	struct buf target = { 0 }, page = { 0 };
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = { { "memory", r->memory_id },
		        { "after", r->after_id },
		        { "since", r->since_ms } };
	char number[32];

	client_path(&target, "/v1/history");
	if (r->finding)
		client_param(&target, "finding", r->finding);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].value == 0)
			continue;
		(void)snprintf(number, sizeof(number), "%" PRId64, numbers[i].value);
		client_param(&target, numbers[i].name, number);
	}
	enum exit_code code = client_call(r->ctl, false, target.data, &page);
	struct span lines = { page.data, page.len }, line;
	r->is_last = true;
	while (code == EXIT_OK && table_next_line(&lines, &line))
		code = take_line(r, line);
	buf_done(&target);
	buf_done(&page);
	return code;
}

static enum exit_code
usage(void)
{
	return ctl_fail(
		EXIT_USAGE_ERROR,
		"replay [FINDING] [--since TIME] [--until TIME] [--rule NAME] [--sink NAME] "
		"[--force] [--dry-run]: a FINDING, or --since; TIME is 2026-08-01T00:00:00Z or "
		"24h (ago)");
}

/* One option with its value; false: it is none. */
static bool
take_option(struct replay *r, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **ret;
	} texts[] = { { "--rule", &r->rule }, { "--sink", &r->sink } };

	if (value == NULL)
		return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].ret = value;
			return true;
		}
	}
	if (strcmp(name, "--since") == 0)
		return when_parse(value, &r->since_ms);
	return strcmp(name, "--until") == 0 && when_parse(value, &r->until_ms);
}

enum exit_code
cmd_replay(const struct ctl *c, int argc, char **argv)
{
	struct replay r = { .ctl = c };
	enum exit_code code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--force") == 0)
			r.is_forced = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			r.is_dry = true;
		else if (argv[i][0] != '-' && argv[i][0] != '\0' && !r.finding)
			r.finding = argv[i];
		else if (take_option(&r, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
			i++;
		else
			return usage();
	}
	if (!r.finding && !r.since_ms)
		return usage();
	do {
		code = take_page(&r);
		if (code == EXIT_OK)
			code = send_ids(&r);
	} while (code == EXIT_OK && !r.is_last);
	buf_done(&r.ids);
	if (code != EXIT_OK)
		return code;
	if (!c->is_json && !r.is_dry)
		(void)printf("%" PRIu64 " of %" PRIu64 " delivered notices are queued again\n",
		             r.queued, r.chosen);
	return r.refused ? EXIT_CHECK_FAILED : EXIT_OK;
}
