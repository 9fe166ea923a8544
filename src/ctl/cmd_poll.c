/*
 * cmd_poll: findingsctl poll [SOURCE]: poll one source, or all, now.
 */
#include "config.h"

#include "base/buf.h"
#include "ctl/client.h"
#include "ctl/show.h"

enum exit_code
cmd_poll(const struct ctl *c, int argc, char **argv)
{
	struct buf target = { 0 };
	enum exit_code code;

	if (argc > 2)
		return ctl_fail(EXIT_USAGE_ERROR, "poll takes the name of one source");
	client_path(&target, "/v1/poll");
	if (argc == 2)
		client_param(&target, "source", argv[1]);
	code = show_done(c, target.data, "polling now; findingsctl status shows how it goes");
	buf_done(&target);
	return code;
}
