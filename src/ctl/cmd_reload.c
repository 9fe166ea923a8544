/*
 * cmd_reload: findingsctl reload: read the configuration again; the daemon keeps the old one when it is refused.
 */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/table.h"

enum exit_code
cmd_reload(const struct ctl *c, int argc, char **argv)
{
	struct buf lines = { 0 }, changes = { 0 };
	enum exit_code code;

	if (argc > 1)
		return ctl_fail(EXIT_USAGE_ERROR, "reload takes no '%s'", argv[1]);
	code = client_call(c, true, "/v1/reload", &lines);
	if (code == EXIT_OK && c->is_json) {
		show_raw(&lines);
	} else if (code == EXIT_OK) {
		table_text((struct span){ lines.data, lines.len }, "changes", &changes);
		(void)printf("reloaded: %s\n", changes.len ? changes.data : "nothing changed");
	}
	buf_done(&lines);
	buf_done(&changes);
	return code;
}
