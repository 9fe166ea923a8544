/*
 * emit: the escaping writer. See emit.h. Source: RFC 8259 section 7.
 */
#include "config.h"

#include "json/emit.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void
emit_init(struct emit *w, struct buf *out)
{
	*w = (struct emit){ .out = out };
}

/* Whatever stands before a value: a comma, or nothing. */
static void
before_item(struct emit *w)
{
	if (w->is_after_key) {
		w->is_after_key = false;
		return;
	}
	if (w->depth > 0) {
		uint64_t bit = (uint64_t)1 << (w->depth - 1);
		if (w->has_items & bit)
			(void)buf_add_char(w->out, ',');
		w->has_items |= bit;
	}
}

static void
begin(struct emit *w, char c)
{
	before_item(w);
	assert(w->depth < EMIT_DEPTH_MAX);
	w->has_items &= ~((uint64_t)1 << w->depth);
	w->depth++;
	(void)buf_add_char(w->out, c);
}

static void
end(struct emit *w, char c)
{
	assert(w->depth > 0 && !w->is_after_key);
	w->depth--;
	(void)buf_add_char(w->out, c);
}

void
emit_object_begin(struct emit *w)
{
	begin(w, '{');
}

void
emit_object_end(struct emit *w)
{
	end(w, '}');
}

void
emit_array_begin(struct emit *w)
{
	begin(w, '[');
}

void
emit_array_end(struct emit *w)
{
	end(w, ']');
}

void
emit_key_span(struct emit *w, struct span name)
{
	assert(w->depth > 0 && !w->is_after_key);
	before_item(w);
	(void)buf_add_char(w->out, '"');
	(void)emit_escape(w->out, name);
	(void)buf_add(w->out, "\":", 2);
	w->is_after_key = true;
}

void
emit_key(struct emit *w, const char *name)
{
	emit_key_span(w, span_of(name));
}

void
emit_string(struct emit *w, struct span s)
{
	before_item(w);
	(void)buf_add_char(w->out, '"');
	(void)emit_escape(w->out, s);
	(void)buf_add_char(w->out, '"');
}

void
emit_str(struct emit *w, const char *s)
{
	if (s == NULL)
		emit_null(w);
	else
		emit_string(w, span_of(s));
}

void
emit_string_escaped(struct emit *w, struct span text)
{
	before_item(w);
	(void)buf_add_char(w->out, '"');
	(void)buf_add(w->out, text.p, text.len);
	(void)buf_add_char(w->out, '"');
}

void
emit_raw(struct emit *w, struct span raw)
{
	before_item(w);
	(void)buf_add(w->out, raw.p, raw.len);
}

void
emit_i64(struct emit *w, int64_t v)
{
	before_item(w);
	(void)buf_add_i64(w->out, v);
}

void
emit_u64(struct emit *w, uint64_t v)
{
	before_item(w);
	(void)buf_add_u64(w->out, v);
}

void
emit_double(struct emit *w, double v)
{
	char text[40];
	double back;

	if (!isfinite(v)) {
		emit_null(w);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, v);
		if (str_to_double(span_of(text), &back) && back == v)
			break;
	}
	emit_raw(w, span_of(text));
}

void
emit_bool(struct emit *w, bool v)
{
	emit_raw(w, v ? SPAN_LIT("true") : SPAN_LIT("false"));
}

void
emit_null(struct emit *w)
{
	emit_raw(w, SPAN_LIT("null"));
}

static const char *
short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	}
	return NULL;
}

static int
escape_control(struct buf *out, unsigned char c)
{
	const char *s = short_escape(c);

	return s != NULL ? buf_add_str(out, s) : buf_printf(out, "\\u%04x", c);
}

int
emit_escape(struct buf *out, struct span s)
{
	size_t from = 0, i = 0;
	int r = 0;

	while (i < s.len && r == 0) {
		unsigned char c = (unsigned char)s.p[i];
		uint32_t cp;
		size_t n = 1;
		bool is_broken = false;

		if (c >= 0x80) {
			n = str_utf8_decode(s.p + i, s.len - i, &cp);
			is_broken = n == 0;
		}
		if (!is_broken && c >= ' ' && c != '"' && c != '\\') {
			i += n;
			continue;
		}
		r = buf_add(out, s.p + from, i - from);
		if (r == 0)
			r = is_broken ? buf_add_str(out, "\xEF\xBF\xBD") : escape_control(out, c);
		from = ++i;
	}
	return r == 0 ? buf_add(out, s.p + from, i - from) : r;
}
