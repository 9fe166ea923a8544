/*
 * bench_json: how many lines of JSON jansson parses per second: the yardstick of the match figures, since machines differ.
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "ctl/lines.h"

enum { LINES_MAX = 20000 };

int
main(int argc, char **argv)
{
	struct lines lines;
	struct err e;
	uint64_t n = 0;
	int64_t start, us;

	if (argc != 2 || lines_open(&lines, argv[1], &e) != 0) {
		fprintf(stderr, "usage: bench_json FILE.jsonl\n");
		return 64;
	}
	start = clock_real_mono_us();
	while (n < LINES_MAX && lines_next(&lines)) {
		json_t *value = json_loadb(lines.text.p, lines.text.len, 0, NULL);
		n += value != NULL;
		json_decref(value);
	}
	us = clock_real_mono_us() - start;
	printf("%" PRIu64 "\n", us > 0 ? n * 1000000 / (uint64_t)us : 0);
	lines_close(&lines);
	return 0;
}
