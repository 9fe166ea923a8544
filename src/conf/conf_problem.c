/*
 * conf_problem: collects what is wrong with a configuration. See conf_problem.h.
 */
#include "config.h"

#include "conf/conf_problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

static void
add(struct conf_problems *p, bool is_warning, const char *file, unsigned line, unsigned column,
    const char *fmt, va_list ap)
{
	char text[1024];

	if (!is_warning)
		p->error_count++;
	if (p->count >= CONF_PROBLEMS_MAX)
		return;
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		n = 0;
	size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	len = str_utf8_cut(text, (size_t)n, len);
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	p->items = mem_reallocn(p->items, p->count + 1, sizeof(*p->items));
	p->items[p->count++] = (struct conf_problem){
		.file = mem_strdup(file),
		.line = line,
		.column = column,
		.text = mem_strdup(text),
		.is_warning = is_warning,
	};
}

void
conf_error_at(struct conf_problems *p, const char *file, unsigned line, unsigned column,
              const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, false, file, line, column, fmt, ap);
	va_end(ap);
}

void
conf_warn_at(struct conf_problems *p, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, true, file, line, 0, fmt, ap);
	va_end(ap);
}

/* What the sort looks at: the problem, and the rank of its file and of itself as they came. */
struct ranked {
	struct conf_problem problem;
	size_t file_rank, rank;
};

static int
compare_ranked(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;

	if (a->file_rank != b->file_rank)
		return a->file_rank < b->file_rank ? -1 : 1;
	if (a->problem.line != b->problem.line)
		return a->problem.line < b->problem.line ? -1 : 1;
	if (a->problem.column != b->problem.column)
		return a->problem.column < b->problem.column ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

void
conf_problems_sort(struct conf_problems *p)
{
	if (p->count < 2)
		return;
	struct ranked *all = mem_calloc(p->count, sizeof(*all));
	for (size_t i = 0; i < p->count; i++) {
		size_t first = 0;
		while (strcmp(p->items[first].file, p->items[i].file) != 0)
			first++;
		all[i] = (struct ranked){ p->items[i], first, i };
	}
	qsort(all, p->count, sizeof(*all), compare_ranked);
	for (size_t i = 0; i < p->count; i++)
		p->items[i] = all[i].problem;
	mem_free(all);
}

void
conf_problems_done(struct conf_problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		mem_free(p->items[i].file);
		mem_free(p->items[i].text);
	}
	mem_free(p->items);
	*p = (struct conf_problems){ 0 };
}

void
conf_problem_print(const struct conf_problem *p, struct buf *out)
{
	(void)buf_add_str(out, p->file);
	if (p->line > 0)
		(void)buf_printf(out, ":%u", p->line);
	if (p->line > 0 && p->column > 0)
		(void)buf_printf(out, ":%u", p->column);
	(void)buf_printf(out, ": %s%s", p->is_warning ? "warning: " : "", p->text);
}
