/*
 * cmd_recent: findingsctl recent [N]: the notices made last, newest first.
 */
#include "config.h"

#include "base/buf.h"
#include "base/str.h"
#include "ctl/client.h"
#include "ctl/show.h"

enum exit_code
cmd_recent(const struct ctl *c, int argc, char **argv)
{
	static const struct table_column columns[] = {
		{ "id", "ID", 0 },         { "created", "CREATED", 0 },   { "sink", "SINK", 30 },
		{ "change", "CHANGE", 0 }, { "severity", "SEVERITY", 0 }, { "state", "STATE", 0 },
		{ "rules", "RULES", 40 },  { "answer", "ANSWER", 60 },    { 0 },
	};
	struct buf target = { 0 };
	enum exit_code code;
	int64_t n;

	if (argc > 2 || (argc == 2 && !str_to_i64(span_of(argv[1]), &n)))
		return ctl_fail(EXIT_USAGE_ERROR, "recent takes a number of notices (1 to 1000)");
	client_path(&target, "/v1/recent");
	client_param(&target, "limit", argc == 2 ? argv[1] : "20");
	code = show_table(c, target.data, NULL, columns, "nothing was told yet\n");
	buf_done(&target);
	return code;
}
