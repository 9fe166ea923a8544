/*
 * cmd_test: findingsctl test FILE.jsonl...: unit tests for patterns. See findingsctl(1).
 *
 * Each line is {"id","pattern","event","expect":"match"|"no-match"|"invalid"}; pattern and event are JSON objects, or
 * strings that hold JSON text. Every failure is one line; the last line is "N passed, N failed".
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/lines.h"
#include "match/machine.h"
#include "match/pattern.h"
#include "json/scan.h"

struct tally {
	size_t passed, failed;
};

/* The JSON text of a member: verbatim, or what a string holds (decoded into buf). */
static struct span
text_of(struct span raw, struct buf *buf)
{
	struct span escaped;

	if (!scan_string_of(raw, &escaped))
		return raw;
	buf_clear(buf);
	if (scan_unescape(escaped, buf) != 0 || buf->data == NULL)
		return SPAN_LIT("");
	return (struct span){ buf->data, buf->len };
}

/* "match", "no-match" or "invalid"; why in e where there is a reason. */
static const char *
verdict(struct span pattern_text, struct span event, struct err *e)
{
	struct pattern *p = pattern_parse(pattern_text, NULL, e);
	struct machine *m = NULL;
	struct machine_scratch *s = NULL;
	const uint32_t *rules;
	const char *result = "invalid";
	size_t count = 0;

	if (p != NULL)
		m = machine_build((const struct pattern *const *)&p, 1, e);
	if (m != NULL) {
		result = "broken event";
		s = machine_scratch_new(m);
		if (scan_check(event, true, e) == 0 &&
		    machine_match(m, s, event, &rules, &count, e) == 0)
			result = count > 0 ? "match" : "no-match";
	}
	machine_scratch_free(s);
	machine_free(m);
	pattern_free(p);
	return result;
}

static void
test_line(const char *file, size_t line, struct span text, struct buf bufs[3], struct tally *t)
{
	struct scan_field f[] = { { "id", { NULL, 0 } },
		                  { "pattern", { NULL, 0 } },
		                  { "event", { NULL, 0 } },
		                  { "expect", { NULL, 0 } } };
	struct err e = { .kind = ERR_NONE };
	struct span id, expect;
	const char *got;

	if (scan_fields(text, f, 4, &e) != 0 || f[1].raw.p == NULL || f[2].raw.p == NULL ||
	    f[3].raw.p == NULL) {
		printf("%s:%zu: not a test: %s\n", file, line,
		       e.kind == ERR_NONE ? "pattern, event and expect are needed" : e.text);
		t->failed++;
		return;
	}
	expect = text_of(f[3].raw, &bufs[2]);
	got = verdict(text_of(f[1].raw, &bufs[0]), text_of(f[2].raw, &bufs[1]), &e);
	if (span_eq_str(expect, got)) {
		t->passed++;
		return;
	}
	t->failed++;
	id = f[0].raw.p == NULL ? SPAN_LIT("(no id)") : f[0].raw;
	printf("%s:%zu: %.*s: expected %.*s, got %s%s%s\n", file, line, SPAN_FMT(id),
	       SPAN_FMT(expect), got, e.kind == ERR_NONE ? "" : ": ",
	       e.kind == ERR_NONE ? "" : e.text);
}

enum exit_code
cmd_test(const struct ctl *c, int argc, char **argv)
{
	struct tally t = { 0, 0 };
	struct buf bufs[3] = { { .len = 0 } };

	(void)c;
	if (argc < 2)
		return ctl_fail(EXIT_USAGE_ERROR,
		                "test takes files of tests, one JSON object a line");
	for (int i = 1; i < argc; i++) {
		struct lines lines;
		struct err e;
		if (lines_open(&lines, argv[i], &e) != 0)
			return ctl_fail(EXIT_USAGE_ERROR, "%s", e.text);
		while (lines_next(&lines))
			if (!lines_is_blank(&lines))
				test_line(argv[i], lines.number, lines.text, bufs, &t);
		lines_close(&lines);
	}
	for (size_t i = 0; i < 3; i++)
		buf_done(&bufs[i]);
	printf("%zu passed, %zu failed\n", t.passed, t.failed);
	return t.failed == 0 ? EXIT_OK : EXIT_CHECK_FAILED;
}
