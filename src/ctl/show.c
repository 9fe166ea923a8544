/*
 * show: ask the daemon and show its answer. See show.h.
 */
#include "config.h"

#include "ctl/show.h"

#include <stdio.h>

#include "ctl/client.h"

void
show_raw(const struct buf *b)
{
	if (b->len)
		(void)fwrite(b->data, 1, b->len, stdout);
}

enum exit_code
show_table(const struct ctl *c, const char *target, const char *kind,
           const struct table_column *columns, const char *empty)
{
	struct buf lines = { 0 }, out = { 0 };
	enum exit_code code = client_call(c, false, target, &lines);
	struct span all = { lines.data, lines.len };

	if (code == EXIT_OK && c->is_json)
		show_raw(&lines);
	else if (code == EXIT_OK)
		(void)printf("%s", table_print(all, kind, columns, &out) ? out.data : empty);
	buf_done(&lines);
	buf_done(&out);
	return code;
}

enum exit_code
show_done(const struct ctl *c, const char *target, const char *done)
{
	struct buf lines = { 0 };
	enum exit_code code = client_call(c, true, target, &lines);

	if (code == EXIT_OK && c->is_json)
		show_raw(&lines);
	else if (code == EXIT_OK)
		(void)printf("%s\n", done);
	buf_done(&lines);
	return code;
}
