/*
 * options: the command line of findingsd. See options.h.
 */
#include "config.h"

#include "daemon/options.h"

#include <getopt.h>
#include <string.h>

#include "base/str.h"

#define DEFAULT_CONF SYSCONFDIR "/findingsd/findingsd.conf"

const char options_usage[] =
	"usage: findingsd [-c FILE] [--check] [--once] [--dry-run]\n"
	"                 [--list keys|operators|sinks|sources|presets] [--version]\n"
	"\n"
	"Poll AWS security findings and deliver those that match as alerts; findingsd(8) has it all.\n"
	"\n"
	"  -c FILE     configuration (default: " DEFAULT_CONF ")\n"
	"  --check     check the configuration and leave: 0, or 78 with what is wrong\n"
	"  --once      poll every source until caught up, send what is due, print a line, leave\n"
	"  --dry-run   as --once, but send and write nothing: print what would be sent\n"
	"  --list X    print a table: configuration keys, pattern operators, sinks, sources, presets\n"
	"  --version   print the version\n";

enum { OPT_CHECK = 256, OPT_ONCE, OPT_DRY_RUN, OPT_LIST, OPT_VERSION, OPT_HELP };

static const struct option long_options[] = {
	{ "check", no_argument, NULL, OPT_CHECK },     { "config", required_argument, NULL, 'c' },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN }, { "help", no_argument, NULL, OPT_HELP },
	{ "list", required_argument, NULL, OPT_LIST }, { "once", no_argument, NULL, OPT_ONCE },
	{ "version", no_argument, NULL, OPT_VERSION }, { NULL, 0, NULL, 0 },
};

static const struct {
	const char *word;
	enum options_list list;
} lists[] = {
	{ "keys", LIST_KEYS },   { "operators", LIST_OPERATORS }, { "presets", LIST_PRESETS },
	{ "sinks", LIST_SINKS }, { "sources", LIST_SOURCES },
};

static int take_option(int c, struct options *o, const char *given, struct err *e);
static int take_list(const char *word, struct options *o, struct err *e);

int
options_parse(int argc, char **argv, struct options *ret, struct err *e)
{
	struct options o = { .conf_path = DEFAULT_CONF };
	int c;

	optind = 0; /* start anew, also in tests */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
		if (take_option(c, &o, argv[optind > 0 ? optind - 1 : 0], e) < 0)
			return -1;
	}
	if (optind < argc)
		return err_set(e, ERR_PARSE, "'%s': findingsd takes options only", argv[optind]);
	if (o.is_check && o.is_once)
		return err_set(e, ERR_PARSE, "--check does not go with --once or --dry-run");
	*ret = o;
	return 0;
}

static int
take_option(int c, struct options *o, const char *given, struct err *e)
{
	switch (c) {
	case 'c':
		o->conf_path = optarg;
		return 0;
	case OPT_CHECK:
		o->is_check = true;
		return 0;
	case OPT_DRY_RUN:
		o->is_dry_run = true;
		o->is_once = true;
		return 0;
	case OPT_ONCE:
		o->is_once = true;
		return 0;
	case OPT_LIST:
		return take_list(optarg, o, e);
	case OPT_VERSION:
		o->is_version = true;
		return 0;
	case OPT_HELP:
		o->is_help = true;
		return 0;
	case ':':
		return err_set(e, ERR_PARSE, "option '%s' needs a value", given);
	default:
		return err_set(e, ERR_PARSE, "unknown option '%s'", given);
	}
}

static int
take_list(const char *word, struct options *o, struct err *e)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (strcmp(lists[i].word, word) == 0) {
			o->list = lists[i].list;
			return 0;
		}
	}
	return err_set(e, ERR_PARSE, "--list '%s': one of keys, operators, presets, sinks, sources",
	               word);
}
