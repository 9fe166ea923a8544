/*
 * explain: why a pattern matches an event, or the first thing that keeps it from matching. See pattern.h.
 *
 * Each clause is tried on the flattened event (reference.c). Of several clauses the one is told about whose first failure
 * comes last.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "match/pattern.h"
#include "match/reference.h"
#include "json/emit.h"

enum { SHOWN_VALUES_MAX = 5, SHOWN_BYTES_MAX = 200 };

static void
add_cut(struct buf *out, struct span s)
{
	size_t n = str_utf8_cut(s.p, s.len, SHOWN_BYTES_MAX);

	for (size_t i = 0; i < n; i++) /* patterns may be written over many lines */
		(void)buf_add_char(out, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
	if (n < s.len)
		(void)buf_add_str(out, "...");
}

static void
add_leaf(struct buf *out, const struct leaf *leaf)
{
	struct span text = leaf->text;

	if (!leaf->is_string) {
		add_cut(out, text);
		return;
	}
	text.len = str_utf8_cut(text.p, text.len, SHOWN_BYTES_MAX);
	(void)buf_add_char(out, '"');
	(void)emit_escape(out, text);
	(void)buf_add_str(out, text.len < leaf->text.len ? "...\"" : "\"");
}

static bool
wants_absence(const struct condition *c)
{
	for (size_t i = 0; i < c->test_count; i++)
		if (c->tests[i].kind == TEST_ABSENT)
			return true;
	return false;
}

/* Does a condition hold by itself, arrays aside? */
static bool
holds_alone(const struct condition *c, const struct reference_event *ev)
{
	size_t there = 0;

	for (size_t i = 0; i < ev->leaf_count; i++) {
		if (ev->leaves[i].path != c->path)
			continue;
		there++;
		if (reference_condition_holds(c, &ev->leaves[i].leaf))
			return true;
	}
	return there == 0 && wants_absence(c);
}

/* The failing condition that stands first in the pattern's text; *ret_held: how many hold before it. */
static const struct condition *
first_failure(const struct clause *c, const struct reference_event *ev, size_t *ret_held)
{
	const struct condition *failed = NULL;

	*ret_held = 0;
	for (size_t i = 0; i < c->path_count; i++) {
		const struct condition *x = c->by_path[i];
		if (x != NULL && (failed == NULL || x->offset < failed->offset) &&
		    !holds_alone(x, ev))
			failed = x;
	}
	for (size_t i = 0; i < c->path_count; i++) {
		const struct condition *x = c->by_path[i];
		*ret_held += x != NULL && (failed == NULL || x->offset < failed->offset);
	}
	return failed;
}

static void
tell_failure(const struct pattern *p, const struct reference_event *ev, const struct condition *c,
             struct buf *out)
{
	size_t there = 0;

	add_cut(out, p->paths[c->path]);
	(void)buf_add_str(out, ": asked for ");
	add_cut(out, c->raw);
	(void)buf_add_str(out, ", there is ");
	for (size_t i = 0; i < ev->leaf_count; i++) {
		if (ev->leaves[i].path != c->path || there++ >= SHOWN_VALUES_MAX)
			continue;
		if (there > 1)
			(void)buf_add_str(out, ", ");
		add_leaf(out, &ev->leaves[i].leaf);
	}
	if (there == 0)
		(void)buf_add_str(out, "no value");
	if (there > SHOWN_VALUES_MAX)
		(void)buf_printf(out, " and %zu more", there - SHOWN_VALUES_MAX);
}

static void
tell_arrays(struct buf *out)
{
	(void)buf_add_str(
		out,
		"each field has a value that was asked for, but not all within the same element "
		"of an array");
}

static void
tell_mismatch(const struct pattern *p, const struct reference_event *ev, struct buf *out)
{
	const struct condition *best = NULL;
	size_t best_held = 0;
	bool is_found = false;

	for (size_t i = 0; i < p->clause_count; i++) {
		size_t held;
		const struct condition *failed = first_failure(&p->clauses[i], ev, &held);
		if (is_found && held <= best_held)
			continue;
		is_found = true;
		best = failed;
		best_held = held;
	}
	if (p->clause_count > 1)
		(void)buf_printf(out, "none of the %zu alternatives of \"$or\"; the nearest: ",
		                 p->clause_count);
	if (best != NULL)
		tell_failure(p, ev, best, out);
	else
		tell_arrays(out);
}

int
pattern_explain(const struct pattern *p, struct span event, struct buf *out, struct err *e)
{
	struct reference_event ev;
	int result = reference_flatten(p, event, &ev, e);

	for (size_t i = 0; result == 0 && i < p->clause_count; i++)
		if (reference_clause_matches(p, &p->clauses[i], &ev))
			result = 1;
	if (result == 0)
		tell_mismatch(p, &ev, out);
	reference_done(&ev);
	return result;
}
