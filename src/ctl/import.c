/*
 * import: see import.h.
 */
#include "config.h"

#include "ctl/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/import_in.h"
#include "match/pattern.h"
#include "json/pretty.h"

enum { NAME_MAX_BYTES = 64, SINKS_MAX = 16, NOTE_MAX_BYTES = 16384 };

void
import_list_add(struct conf_list *l, const char *text)
{
	l->items = mem_reallocn(l->items, l->count + 2, sizeof(*l->items));
	l->items[l->count++] = mem_strdup(text);
	l->items[l->count] = NULL;
}

bool
import_list_has(const struct conf_list *l, const char *text)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i], text) == 0)
			return true;
	return false;
}

static void
list_done(struct conf_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		mem_free(l->items[i]);
	mem_free(l->items);
}

void
import_note(struct conf_list *l, const char *fmt, ...)
{
	char text[NOTE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		text[str_utf8_cut(text, sizeof(text) - 1, sizeof(text) - 4)] = '\0';
	if (!import_list_has(l, text))
		import_list_add(l, text);
}

char *
import_name(const char *text)
{
	struct buf name;

	buf_init(&name, NAME_MAX_BYTES);
	for (; *text != '\0' && !name.is_full; text++) {
		bool is_letter = (*text | 32) >= 'a' && (*text | 32) <= 'z';
		bool is_fit =
			is_letter || (*text >= '0' && *text <= '9') || strchr("-_.", *text) != NULL;
		/* a file that begins with a dot is hidden */
		(void)buf_add_char(&name, !is_fit                         ? '-'
		                          : *text == '.' && name.len == 0 ? '_'
		                                                          : *text);
	}
	if (name.len == 0)
		(void)buf_add_str(&name, "rule");
	return buf_take(&name, &(size_t){ 0 });
}

static void
on_warning(void *arg, const struct pattern_where *where, const char *text)
{
	struct import_rule *r = arg;

	(void)where;
	import_note(&r->notes, "warning: its pattern, %s", text);
}

static void
leave_out(struct import_rule *r, bool is_failed)
{
	r->is_left_out = true;
	r->is_failed = is_failed;
}

/* Lay the pattern out and see that it is one. */
static void
take_pattern(struct import_rule *r, const char *text)
{
	struct buf laid_out = { .len = 0 };
	struct pattern *p = NULL;
	struct err e;

	if (pretty_add(span_of(text), &laid_out, &e) == 0)
		p = pattern_parse((struct span){ laid_out.data, laid_out.len }, NULL, &e);
	if (p == NULL) {
		import_note(&r->notes, "its pattern is not valid: %s", e.text);
		leave_out(r, true);
	}
	mem_free(r->pattern);
	r->pattern = buf_take(&laid_out, &(size_t){ 0 });
	if (p != NULL && !import_is_served(r))
		leave_out(r, false);
	else if (p != NULL)
		pattern_lint(p, span_of(r->pattern), on_warning, r);
	pattern_free(p);
}

static void
take_rule(struct import_rule *r, const struct bridge_rule *from)
{
	const char *bus = strrchr(from->bus, '/');

	bus = bus == NULL ? from->bus : bus + 1;
	if (from->trouble[0] != '\0') {
		import_note(&r->notes, "%s", from->trouble);
		leave_out(r, true);
	} else if (from->pattern[0] == '\0') {
		import_note(
			&r->notes,
			"runs by a schedule (%s), not by events; findingsd has none: keep the rule "
			"in EventBridge",
			from->schedule);
		leave_out(r, false);
	} else {
		take_pattern(r, from->pattern);
		if (from->schedule[0] != '\0')
			import_note(&r->notes,
			            "runs by a schedule (%s) too, which findingsd does not have",
			            from->schedule);
	}
	if (r->is_left_out)
		return;
	if (bus[0] != '\0' && strcmp(bus, "default") != 0)
		import_note(
			&r->notes,
			"was on the event bus '%s'; findingsd knows no buses: name the accounts "
			"whose events go there in aws.accounts",
			bus);
	if (from->managed_by[0] != '\0')
		import_note(&r->notes, "was made by %s for its own use: is it needed here?",
		            from->managed_by);
}

/* An earlier rule of the same name that says the same: one per region in EventBridge is one here. */
static struct import_rule *
find_same(struct import *im, const struct import_rule *r)
{
	for (size_t i = 0; i + 1 < im->rule_count; i++) {
		struct import_rule *o = &im->rules[i];
		if (strcmp(o->bridge_name, r->bridge_name) == 0 &&
		    strcmp(o->pattern, r->pattern) == 0 && o->is_disabled == r->is_disabled &&
		    o->is_left_out == r->is_left_out)
			return o;
	}
	return NULL;
}

static bool
is_name_taken(const struct import *im, const char *name)
{
	for (size_t i = 0; i + 1 < im->rule_count; i++)
		if (strcmp(im->rules[i].name, name) == 0)
			return true;
	return false;
}

/* A name of its own among those that are imported. */
static void
take_name(struct import *im, struct import_rule *r)
{
	char *base = import_name(r->bridge_name);

	mem_free(r->name);
	r->name = mem_strdup(base);
	for (unsigned n = 2; is_name_taken(im, r->name); n++) {
		mem_free(r->name);
		r->name = mem_printf("%.56s-%u", base, n);
	}
	mem_free(base);
}

static void
rule_done(struct import_rule *r)
{
	mem_free(r->name);
	mem_free(r->bridge_name);
	mem_free(r->description);
	mem_free(r->pattern);
	list_done(&r->sinks);
	list_done(&r->notes);
	list_done(&r->comments);
}

/* The rule that one of EventBridge becomes: a new one, or one that is there already. */
static struct import_rule *
add_rule(struct import *im, const struct bridge_rule *from, const struct conf *conf)
{
	const struct conf_rule *known;
	struct import_rule *r, *same;

	im->rules = mem_reallocn(im->rules, im->rule_count + 1, sizeof(*im->rules));
	r = &im->rules[im->rule_count++];
	*r = (struct import_rule){ .name = mem_strdup(""),
		                   .bridge_name = mem_strdup(from->name),
		                   .description = mem_strdup(from->description),
		                   .pattern = mem_strdup(""),
		                   .is_disabled = from->is_disabled };
	take_rule(r, from);
	same = find_same(im, r);
	if (same != NULL) {
		if (!same->is_left_out)
			import_note(
				&same->notes,
				"stands there more than once, alike: it is one rule here, for every "
				"account and region that is polled");
		rule_done(r);
		im->rule_count--;
		return same;
	}
	take_name(im, r);
	known = conf == NULL ? NULL : conf_rule_find(conf, r->name);
	if (known != NULL && !r->is_left_out) {
		import_note(
			&r->notes,
			"%s:%u has a rule of this name: take that out, or rename it, to import this "
			"one",
			known->where.file, known->where.line);
		leave_out(r, true);
	}
	return r;
}

/* No target could be a sink. */
static void
take_all_sinks(struct import_rule *r, const struct conf *conf)
{
	for (size_t i = 0; conf != NULL && i < conf->sink_count && r->sinks.count < SINKS_MAX; i++)
		if (conf->sinks[i].is_enabled)
			import_list_add(&r->sinks, conf->sinks[i].name);
	if (r->sinks.count > 0)
		import_note(&r->notes,
		            "no target of it is known that can be a sink: all sinks of your "
		            "configuration are named; leave those that it has to tell");
	else
		import_note(
			&r->notes,
			"no target of it is known that can be a sink, nor any sink of a "
			"configuration (-c FILE): give --sinks NAME,... or put names in place of "
			"CHANGE-ME");
}

static void
take_sinks(struct import_rule *r, size_t index, const struct import_targets *x,
           const struct conf_list *sinks)
{
	if (sinks != NULL) {
		for (size_t i = 0; i < sinks->count; i++)
			if (!import_list_has(&r->sinks, sinks->items[i]))
				import_list_add(&r->sinks, sinks->items[i]);
		return;
	}
	for (size_t i = 0; i < x->b->target_count; i++) {
		if (x->b->targets[i].rule != index)
			continue;
		if (r->sinks.count < SINKS_MAX)
			import_target(x, r, &x->b->targets[i]);
		else
			import_note(
				&r->notes,
				"has more targets than the %d sinks of a rule: '%s' is left out",
				SINKS_MAX, x->b->targets[i].id);
	}
}

void
import_make(struct import *im, const struct bridge *b, const struct conf *conf,
            const struct conf_list *sinks)
{
	struct import_targets x = { im, b, conf };

	for (size_t i = 0; i < b->rule_count; i++) {
		struct import_rule *r = add_rule(im, &b->rules[i], conf);
		if (!r->is_left_out)
			take_sinks(r, i, &x, sinks);
	}
	for (size_t i = 0; i < im->rule_count; i++)
		if (!im->rules[i].is_left_out && im->rules[i].sinks.count == 0)
			take_all_sinks(&im->rules[i], conf);
	for (size_t i = 0; i < b->target_count; i++)
		if (b->targets[i].rule == BRIDGE_NO_RULE && b->targets[i].rule_label[0] == '\0' &&
		    b->targets[i].rule_name[0] == '\0')
			import_note(
				&im->notes,
				"target '%s': its rule is not known (an expression, or not before "
				"`terraform apply`): give what `terraform show -json` prints afterwards",
				b->targets[i].id);
		else if (b->targets[i].rule == BRIDGE_NO_RULE)
			import_note(
				&im->notes,
				"target '%s' belongs to a rule '%s' that is not in what was given",
				b->targets[i].id,
				b->targets[i].rule_label[0] != '\0' ? b->targets[i].rule_label
								    : b->targets[i].rule_name);
	if (b->is_cut)
		import_note(&im->notes,
		            "a list goes on (it has a NextToken): what follows is missing");
}

void
import_done(struct import *im)
{
	for (size_t i = 0; i < im->rule_count; i++)
		rule_done(&im->rules[i]);
	for (size_t i = 0; i < im->sink_count; i++) {
		struct import_sink *s = &im->sinks[i];
		mem_free(s->name);
		mem_free(s->address);
		mem_free(s->rate);
		mem_free(s->max_age);
		for (size_t k = 0; k < s->headers.count; k++) {
			mem_free(s->headers.items[k].name);
			mem_free(s->headers.items[k].value);
		}
		mem_free(s->headers.items);
	}
	mem_free(im->rules);
	mem_free(im->sinks);
	list_done(&im->notes);
	*im = (struct import){ .rule_count = 0 };
}
