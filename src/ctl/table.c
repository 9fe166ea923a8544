/*
 * table: JSON lines as a table for people. See table.h.
 */
#include "config.h"

#include "ctl/table.h"

#include <string.h>

#include "base/mem.h"
#include "ctl/plain_text.h"
#include "json/scan.h"

/* Cells in one buffer, a NUL behind each, row after row. */
struct grid {
	size_t columns, rows;
	struct buf cells;
	size_t widths[TABLE_COLUMNS_MAX];
};

bool
table_next_line(struct span *lines, struct span *ret_line)
{
	while (lines->len > 0) {
		const char *end = memchr(lines->p, '\n', lines->len);
		size_t n = end ? (size_t)(end - lines->p) : lines->len;

		*ret_line = (struct span){ lines->p, n };
		lines->p += n + (end ? 1 : 0);
		lines->len -= n + (end ? 1 : 0);
		if (n)
			return true;
	}
	return false;
}

static void
add_value(struct span raw, struct buf *out)
{
	struct scan_array list;
	struct span text, element;
	bool is_first = true;

	switch (scan_kind_of(raw)) {
	case SCAN_NULL:
		break;
	case SCAN_STRING:
		if (scan_string_of(raw, &text))
			plain_text_json(text, out);
		break;
	case SCAN_ARRAY_BEGIN:
		for (bool ok = scan_array_first(&list, raw, &element); ok;
		     ok = scan_array_next(&list, &element)) {
			if (!is_first)
				(void)buf_add_char(out, ',');
			is_first = false;
			add_value(element, out);
		}
		break;
	default:
		plain_text(raw, out);
	}
}

void
table_text(struct span line, const char *key, struct buf *out)
{
	const char *const path[] = { key };
	struct span raw;

	if (scan_get(line, path, 1, &raw))
		add_value(raw, out);
}

static void
add_cell(struct grid *g, size_t column, struct span text, size_t max_width)
{
	size_t width = str_utf8_count(text.p, text.len);

	if (max_width && width > max_width) {
		(void)buf_add(&g->cells, text.p, str_utf8_prefix(text.p, text.len, max_width - 3));
		(void)buf_add_str(&g->cells, "...");
		width = max_width;
	} else if (text.len) {
		(void)buf_add(&g->cells, text.p, text.len);
	}
	(void)buf_add_char(&g->cells, '\0');
	if (width > g->widths[column])
		g->widths[column] = width;
}

static void
add_row(struct grid *g, struct span line, const struct table_column *columns)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < g->columns; i++) {
		buf_clear(&text);
		table_text(line, columns[i].key, &text);
		if (text.len)
			add_cell(g, i, (struct span){ text.data, text.len }, columns[i].max_width);
		else
			add_cell(g, i, SPAN_LIT("-"), 0);
	}
	g->rows++;
	buf_done(&text);
}

static void
print_grid(const struct grid *g, struct buf *out)
{
	const char *cell = g->cells.data;

	for (size_t r = 0; r < g->rows; r++) {
		for (size_t i = 0; i < g->columns; i++) {
			size_t width = str_utf8_count(cell, strlen(cell));

			(void)buf_add_str(out, cell);
			for (; i + 1 < g->columns && width < g->widths[i] + 2; width++)
				(void)buf_add_char(out, ' ');
			cell += strlen(cell) + 1;
		}
		(void)buf_add_char(out, '\n');
	}
}

size_t
table_print(struct span lines, const char *kind, const struct table_column *columns,
            struct buf *out)
{
	struct grid g = { 0 };
	struct buf text = { 0 };
	struct span line;
	size_t rows;

	while (g.columns < TABLE_COLUMNS_MAX && columns[g.columns].heading)
		g.columns++;
	for (size_t i = 0; i < g.columns; i++)
		add_cell(&g, i, span_of(columns[i].heading), 0);
	g.rows = 1;
	while (table_next_line(&lines, &line)) {
		buf_clear(&text);
		table_text(line, "kind", &text);
		if (!kind || span_eq_str((struct span){ text.data, text.len }, kind))
			add_row(&g, line, columns);
	}
	rows = g.rows - 1;
	if (rows)
		print_grid(&g, out);
	buf_done(&text);
	buf_done(&g.cells);
	return rows;
}
