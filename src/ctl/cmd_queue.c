/*
 * cmd_queue: findingsctl queue: what waits, per sink, also of sinks that are no longer configured.
 */
#include "config.h"

#include "ctl/show.h"

enum exit_code
cmd_queue(const struct ctl *c, int argc, char **argv)
{
	static const struct table_column columns[] = {
		{ "sink", "SINK", 40 },          { "state", "STATE", 0 },
		{ "queued", "QUEUED", 0 },       { "behind", "BEHIND", 0 },
		{ "in_digest", "IN DIGEST", 0 }, { "in_flight", "SENT", 0 },
		{ "oldest", "OLDEST", 0 },       { "dead", "DEAD", 0 },
		{ "delivered", "DELIVERED", 0 }, { 0 },
	};

	if (argc > 1)
		return ctl_fail(EXIT_USAGE_ERROR, "queue takes no '%s'", argv[1]);
	return show_table(c, "/v1/queue", NULL, columns, "no sinks\n");
}
