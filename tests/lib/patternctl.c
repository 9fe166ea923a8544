/*
 * patternctl: the commands about patterns as a program of their own, for tests, profilers and the bench.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

enum exit_code
ctl_fail(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("patternctl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		ctl_fn *fn;
	} commands[] = { { "match", cmd_match }, { "test", cmd_test }, { "explain", cmd_explain } };
	struct ctl c = { .conf_path = "findingsd.conf" };

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return (int)commands[i].fn(&c, argc - 1, argv + 1);
	return (int)ctl_fail(EXIT_USAGE_ERROR, "match, test or explain");
}
