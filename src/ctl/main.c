/*
 * main: findingsctl: options, the table of commands, exit codes.
 */
#include "config.h"

#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl.h"

#define DEFAULT_CONF SYSCONFDIR "/findingsd/findingsd.conf"

/* In order of names. A command without a function is one that this version lacks. */
static const struct command {
	const char *name;
	ctl_fn *fn;
	const char *help;
} commands[] = {
	{ .name = "check", .fn = cmd_check, .help = "check the configuration" },
	{ .name = "db",
	  .fn = cmd_db,
	  .help = "check | backup FILE | repair --since TIME: the store" },
	{ .name = "dead",
	  .fn = cmd_dead,
	  .help = "list | show ID | retry ID|--all | drop ID|--all: dead letters" },
	{ .name = "explain", .fn = cmd_explain, .help = "why a pattern matches an event or not" },
	{ .name = "history",
	  .fn = cmd_history,
	  .help = "FINDING | --all [--since TIME]: who was told what, when, with which answer" },
	{ .name = "iam-policy", .help = "the IAM policy that the configuration needs" },
	{ .name = "import",
	  .fn = cmd_import,
	  .help = "eventbridge FILE...: take rules over from EventBridge" },
	{ .name = "match", .fn = cmd_match, .help = "which rules match which events" },
	{ .name = "plan", .help = "what the configuration would do" },
	{ .name = "poll", .fn = cmd_poll, .help = "[SOURCE]: poll now" },
	{ .name = "queue", .fn = cmd_queue, .help = "what waits, per sink" },
	{ .name = "recent", .fn = cmd_recent, .help = "the notices made last" },
	{ .name = "reload", .fn = cmd_reload, .help = "read the configuration again" },
	{ .name = "render", .help = "what a sink would send for an event" },
	{ .name = "replay",
	  .fn = cmd_replay,
	  .help = "[FINDING] [--since TIME] ...: send again what was delivered" },
	{ .name = "silence", .help = "hold notices back" },
	{ .name = "sink", .fn = cmd_sink, .help = "list | test NAME | pause NAME | resume NAME" },
	{ .name = "status", .fn = cmd_status, .help = "sources, sinks and what was done" },
	{ .name = "test", .fn = cmd_test, .help = "unit tests for patterns" },
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },         { "socket", required_argument, NULL, 's' },
	{ "version", no_argument, NULL, 'V' },      { NULL, 0, NULL, 0 },
};

static void
print_usage(FILE *to)
{
	(void)fprintf(
		to, "usage: findingsctl [-c FILE] [--json] [--socket PATH] COMMAND [ARGUMENT ...]\n"
		    "\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].fn)
			(void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	}
	(void)fprintf(to, "\nfindingsctl(1) has it all.\n");
}

enum exit_code
ctl_fail(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fputs("findingsctl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return code;
}

static enum exit_code
run(const struct ctl *c, int argc, char **argv)
{
	const char *names[COMMAND_COUNT];
	const char *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i] = commands[i].name;
		if (strcmp(commands[i].name, argv[0]) != 0)
			continue;
		if (!commands[i].fn)
			return ctl_fail(EXIT_USAGE_ERROR,
			                "this version (" PACKAGE_VERSION ") lacks '%s' (%s)",
			                argv[0], commands[i].help);
		return commands[i].fn(c, argc, argv);
	}
	near = str_nearest(argv[0], names, COMMAND_COUNT);
	return ctl_fail(EXIT_USAGE_ERROR, "no command '%s'%s%s%s; findingsctl --help lists them",
	                argv[0], near ? " (did you mean '" : "", near ? near : "",
	                near ? "'?)" : "");
}

int
main(int argc, char **argv)
{
	struct ctl c = { .conf_path = DEFAULT_CONF };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	enum exit_code code;
	int o;

	(void)sigaction(SIGPIPE, &ignore, NULL);
	opterr = 0;
	while ((o = getopt_long(argc, argv, "+:c:h", long_options, NULL)) != -1) {
		switch (o) {
		case 'c':
			c.conf_path = optarg;
			break;
		case 'j':
			c.is_json = true;
			break;
		case 's':
			c.socket_path = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_OK;
		case 'V':
			(void)puts("findingsctl " PACKAGE_VERSION);
			return EXIT_OK;
		default:
			return ctl_fail(EXIT_USAGE_ERROR, "option '%s' %s", argv[optind - 1],
			                o == ':' ? "needs a value" : "is unknown");
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return EXIT_USAGE_ERROR;
	}
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(&c, argc - optind, argv + optind);
	curl_global_cleanup();
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_NO_RESOURCES;
	return code;
}
