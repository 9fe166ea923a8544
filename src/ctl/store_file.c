/*
 * store_file: the store, opened by findingsctl itself. See store_file.h.
 */
#include "config.h"

#include "ctl/store_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "store/store.h"

char *
store_file_path(const struct ctl *c)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	char *path = NULL;

	if (conf_look(c->conf_path, &conf, &problems) == 0)
		path = mem_printf("%s/findingsd.db", conf->state_dir);
	else
		(void)ctl_fail(
			EXIT_CONFIG_ERROR,
			"%s: cannot be read, so where the store is (state_dir) is not known: "
			"run 'findingsctl check'",
			c->conf_path);
	conf_problems_done(&problems);
	conf_free(conf);
	return path;
}

enum exit_code
store_file_open(const char *path, struct store **ret)
{
	struct store_options o = { .path = path, .is_read_only = true };
	struct err e = { 0 };

	/* A read-only open of nothing gives an empty store, which would read as "nobody was told anything". */
	if (access(path, F_OK) < 0)
		return ctl_fail(EXIT_CHECK_FAILED,
		                "%s: %s; is state_dir right, and has findingsd run?", path,
		                strerror(errno));
	if (store_open(&o, ret, &e) < 0)
		return ctl_fail(exit_code_of(e.kind), "%s", e.text);
	return EXIT_OK;
}
