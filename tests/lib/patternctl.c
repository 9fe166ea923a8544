/*
 * patternctl: the commands about patterns as a program of their own, for tests, profilers and the bench.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/cmd_match.h"

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "test") == 0)
		return cmd_test(argc - 1, argv + 1);
	fprintf(stderr, "usage: patternctl match|test|explain ...\n");
	return 64;
}
