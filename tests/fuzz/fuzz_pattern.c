/*
 * fuzz_pattern: the pattern parser on any bytes, and what follows a parsed pattern: lint, explain, a machine.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "fuzz.h"
#include "match/machine.h"
#include "match/pattern.h"
#include "json/scan.h"

static void
on_warning(void *arg, const struct pattern_where *where, const char *text)
{
	(void)arg;
	assert(where->line > 0 && where->column > 0 && text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char event[] =
		"{\"source\":\"aws.guardduty\",\"detail\":{\"severity\":8,\"a\":[{\"b\":\"x\"},null]}}";
	struct span text = { (const char *)data, size };
	struct pattern_where where = { 0, 0, "" };
	struct err e = { .kind = ERR_NONE };
	struct pattern *p = pattern_parse(text, &where, &e);
	struct buf why = { .len = 0 };
	struct machine *m;

	if (p == NULL) {
		assert(e.kind == ERR_PARSE && where.line > 0 && where.column > 0);
		return 0;
	}
	assert(scan_check(text, true, &e) == 0);
	pattern_lint(p, text, on_warning, NULL);
	assert(pattern_explain(p, span_of(event), &why, &e) >= 0);
	m = machine_build((const struct pattern *const *)&p, 1, &e);
	assert(m != NULL);
	machine_free(m);
	buf_done(&why);
	pattern_free(p);
	return 0;
}
