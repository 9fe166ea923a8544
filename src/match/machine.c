/*
 * machine: first form: each pattern in turn. See machine.h.
 */
#include "config.h"

#include "match/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "match/pattern.h"
#include "match/plain.h"

struct machine {
	struct pattern **patterns;
	uint32_t *rules;
	size_t count;
};

struct machine_scratch {
	uint32_t *rules;
};

struct machine *
machine_build2(const struct pattern *const *patterns, const uint32_t *rules, size_t count,
               struct err *e)
{
	struct machine *m = mem_zalloc(sizeof(*m));

	(void)e;
	m->patterns = mem_calloc(count + 1, sizeof(*m->patterns));
	m->rules = mem_calloc(count + 1, sizeof(*m->rules));
	m->count = count;
	for (size_t i = 0; i < count; i++) {
		m->patterns[i] = (struct pattern *)(uintptr_t)patterns[i];
		m->patterns[i]->machines++;
		m->rules[i] = rules == NULL ? (uint32_t)i : rules[i];
	}
	return m;
}

struct machine *
machine_build(const struct pattern *const *patterns, size_t count, struct err *e)
{
	return machine_build2(patterns, NULL, count, e);
}

void
machine_free(struct machine *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++) {
		m->patterns[i]->machines--;
		if (m->patterns[i]->is_freed)
			pattern_free(m->patterns[i]);
	}
	mem_free(m->patterns);
	mem_free(m->rules);
	mem_free(m);
}

struct machine_scratch *
machine_scratch_new(const struct machine *m)
{
	struct machine_scratch *s = mem_zalloc(sizeof(*s));

	s->rules = mem_calloc(m->count + 1, sizeof(*s->rules));
	return s;
}

void
machine_scratch_free(struct machine_scratch *s)
{
	if (s == NULL)
		return;
	mem_free(s->rules);
	mem_free(s);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int
machine_match(const struct machine *m, struct machine_scratch *s, struct span event,
              const uint32_t **ret_rules, size_t *ret_count, struct err *e)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		int r = plain_match(m->patterns[i], event, e);
		if (r < 0)
			return -1;
		if (r > 0)
			s->rules[n++] = m->rules[i];
	}
	qsort(s->rules, n, sizeof(*s->rules), by_number);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || s->rules[kept - 1] != s->rules[i])
			s->rules[kept++] = s->rules[i];
	*ret_rules = s->rules;
	*ret_count = kept;
	return 0;
}

size_t
machine_bytes(const struct machine *m)
{
	return sizeof(*m) + m->count * (sizeof(*m->patterns) + sizeof(*m->rules));
}
