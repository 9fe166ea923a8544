/*
 * fuzz_import: any bytes as rules of EventBridge. What is printed of them is a configuration: its text passes the same check
 * as a file's, and nothing of a name or a template gets out of its quotes or its comment.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf_problem.h"
#include "conf/conf_text.h"
#include "ctl/bridge.h"
#include "ctl/import.h"
#include "fuzz.h"
#include "json/pretty.h"
#include "json/scan.h"

static void
check_text(struct import *im, bool in_files)
{
	struct conf_problems problems = { 0 };
	struct buf out = { .len = 0 };

	import_print(im, im->rules, im->rule_count, in_files, &out);
	assert(conf_text_check("x", (struct span){ out.data, out.len }, &problems) == 0);
	conf_problems_done(&problems);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct bridge b = { .rule_count = 0 };
	struct import im = { .rule_count = 0 };
	struct buf out = { .len = 0 };
	struct err e = { .kind = ERR_NONE };

	if (bridge_read(&b, text, &e) == 0) {
		bridge_link(&b);
		import_make(&im, &b, NULL, NULL);
		for (size_t i = 0; i < im.rule_count; i++) {
			import_print_json(&im, &im.rules[i], &out);
			assert(scan_check((struct span){ out.data, out.len - 1 }, true, &e) == 0);
			assert(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
			buf_clear(&out);
		}
		check_text(&im, true);
		for (size_t i = 0; i < im.sink_count; i++)
			im.sinks[i].written = NULL;
		check_text(&im, false);
	} else {
		assert(e.text[0] != '\0');
	}
	bridge_done(&b);
	import_done(&im);
	/* laid out, a text stays the text */
	buf_clear(&out);
	bool is_json = scan_check(text, false, &e) == 0;
	assert((pretty_add(text, &out, &e) == 0) == is_json || size > 4096);
	if (is_json && out.len > 0)
		assert(scan_check((struct span){ out.data, out.len }, false, &e) == 0);
	buf_done(&out);
	return 0;
}
