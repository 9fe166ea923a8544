/*
 * main: findingsd's options, boot order and exit codes. What it does is daemon.c's.
 *
 * Findings and secrets are in memory: no core file, no ptrace, files for us alone. Log lines go to standard error; standard
 * output is for what was asked for (--list, --version, --once).
 */
#include "config.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/exits.h"
#include "base/log.h"
#include "conf/conf.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "match/pattern.h"
#include "sink/preset.h"
#include "sink/sink.h"
#include "source/source.h"

static void
protect_process(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct rlimit none = { 0, 0 };

	(void)umask(077);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

static void
print_operators(struct buf *out)
{
	size_t count;
	const struct operator_info *rows = pattern_operators(&count);

	for (size_t i = 0; i < count; i++)
		(void)buf_printf(out, "%s\t%s\t%s\n", rows[i].name, rows[i].operand, rows[i].help);
}

static enum exit_code
print_list(enum options_list list)
{
	struct buf out = { 0 };

	switch (list) {
	case LIST_KEYS:
		conf_print_keys(&out);
		break;
	case LIST_OPERATORS:
		print_operators(&out);
		break;
	case LIST_SINKS:
		for (size_t i = 0; sink_kind_at(i); i++)
			(void)buf_printf(&out, "%s\t%s\t%s\n", sink_kind_at(i)->name,
			                 sink_kind_at(i)->formats, sink_kind_at(i)->help);
		break;
	case LIST_SOURCES:
		for (size_t i = 0; source_at(i); i++)
			(void)buf_printf(&out, "%s\t%s\n", source_at(i)->name,
			                 source_at(i)->service);
		break;
	case LIST_PRESETS:
		for (size_t i = 0; sink_preset_at(i); i++)
			(void)buf_printf(&out, "%s\t%s\n", sink_preset_at(i)->name,
			                 sink_preset_at(i)->help);
		break;
	case LIST_NONE:
		break;
	}
	if (out.len)
		(void)fwrite(out.data, 1, out.len, stdout);
	buf_done(&out);
	return EXIT_OK;
}

/* NULL: refused, and all that is wrong was printed to standard error. */
static struct conf *
load(const char *path, bool is_check)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	struct buf line = { 0 };
	int r = is_check ? conf_look(path, &conf, &problems) : conf_load(path, &conf, &problems);

	if (r == 0 && sink_check_all(conf, &problems) < 0) {
		conf_free(conf);
		r = -1;
	}
	for (size_t i = 0; i < problems.count; i++) {
		buf_clear(&line);
		conf_problem_print(&problems.items[i], &line);
		(void)fprintf(stderr, "%s\n", line.data ? line.data : "");
	}
	buf_done(&line);
	conf_problems_done(&problems);
	return r == 0 ? conf : NULL;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct err e = { 0 };
	struct conf *conf;
	enum exit_code code;

	protect_process();
	if (options_parse(argc, argv, &options, &e) < 0) {
		(void)fprintf(stderr, "findingsd: %s\n%s", e.text, options_usage);
		return EXIT_USAGE_ERROR;
	}
	if (options.is_help || options.is_version) {
		(void)printf("%s",
		             options.is_help ? options_usage : "findingsd " PACKAGE_VERSION "\n");
		return EXIT_OK;
	}
	if (options.list != LIST_NONE)
		return print_list(options.list);
	conf = load(options.conf_path, options.is_check);
	if (!conf)
		return EXIT_CONFIG_ERROR;
	if (options.is_check) {
		conf_free(conf);
		return EXIT_OK;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		(void)fprintf(stderr, "findingsd: libcurl cannot start\n");
		return EXIT_NO_RESOURCES;
	}
	code = daemon_main(&options, conf);
	curl_global_cleanup();
	return code;
}
