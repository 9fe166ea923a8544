/*
 * fuzz_machine: a pattern, a byte 0, an event: the machine, by every walk, agrees with the reference. Without a byte 0 the
 * input is an event for a few patterns of ours, so that broken events are tried too.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "match/machine.h"
#include "match/pattern.h"
#include "match/reference.h"
#include "json/scan.h"

enum { EVENT_MAX_BYTES = 4096 }; /* the reference is slow */

static const char own_pattern[] =
	"{\"a\":{\"b\":[{\"anything-but\":\"x\"},{\"exists\":false}],\"c\":[{\"wildcard\":\"*a*b\"},1,null]},"
	"\"$or\":[{\"d\":[{\"exists\":false}]},{\"e\":[{\"numeric\":[\">\",1]},{\"prefix\":{\"equals-ignore-case\":\"x\"}}]}]}";

static void
try_walk(const struct machine *m, const struct pattern *p, struct span event, const char *walk)
{
	struct machine_scratch *s;
	const uint32_t *rules;
	size_t count = 0;
	struct err e;
	bool is_good = scan_check(event, true, &e) == 0;
	int r;

	(void)setenv("FINDINGSD_WALK", walk, 1);
	s = machine_scratch_new(m);
	r = machine_match(m, s, event, &rules, &count, &e);
	if (r == 0 && is_good && event.len <= EVENT_MAX_BYTES)
		assert(reference_match(p, event, &e) == (count == 1));
	if (is_good)
		assert(r == 0);
	machine_scratch_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const walks[] = { "portable", "sse2", "avx2", "avx512", "neon" };
	const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
	struct span text = span_of(own_pattern), event = { (const char *)data, size };
	struct pattern *p;
	struct machine *m;
	struct err e;

	if (zero != NULL) {
		text = (struct span){ (const char *)data, (size_t)(zero - data) };
		event = (struct span){ (const char *)zero + 1, size - text.len - 1 };
	}
	p = pattern_parse(text, NULL, &e);
	if (p == NULL)
		return 0;
	m = machine_build((const struct pattern *const *)&p, 1, &e);
	assert(m != NULL);
	/* exactly as long as the event: a sanitizer sees a byte too many */
	char *copy = mem_dup(event.p, event.len);
	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		try_walk(m, p, (struct span){ copy, event.len }, walks[i]);
	mem_free(copy);
	machine_free(m);
	pattern_free(p);
	return 0;
}
