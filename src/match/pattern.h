/*
 * pattern: one event pattern, parsed or refused.
 *
 * The language is EventBridge's (findingsd-patterns(7)); where AWS's documentation and its matcher differ, HACKING.md
 * has the decision. A pattern is parsed whole or not at all, and never changes afterwards.
 */
#ifndef FD_MATCH_PATTERN_H
#define FD_MATCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf;
struct err;
struct pattern;

enum { PATTERN_DEPTH_MAX = 512, PATTERN_COMBINATIONS_MAX = 10000 };

/* Where a pattern is wrong. Open value type. */
struct pattern_where {
	unsigned line, column; /* from 1; column in code points */
	char path[256];        /* "detail.severity"; "" at the top; cut when longer */
};

/*
 * text is borrowed for the call; ret_where may be NULL. Returns a pattern (pattern_free), or NULL with e (ERR_PARSE):
 * "LINE:COLUMN: detail.severity: unknown operator \"numerc\" (did you mean \"numeric\"?)". The caller adds the file.
 */
struct pattern *pattern_parse(struct span text, struct pattern_where *ret_where, struct err *e);
void pattern_free(struct pattern *p);

/*
 * Tell what is suspicious though valid, one call of on_warning per finding of fault; text is "LINE:COLUMN: path: ...".
 * The text given to pattern_parse has to be given again.
 */
typedef void pattern_warning_fn(void *arg, const struct pattern_where *where, const char *text);
void pattern_lint(const struct pattern *p, struct span text, pattern_warning_fn *on_warning,
                  void *arg);

/*
 * Why an event matches or not, in words, appended to out: for a mismatch the first field (in the pattern's order) that
 * failed, what was asked and what was there; with $or, for the alternative that came furthest.
 * Returns 1 when it matches, 0 when not, -1 with e when the event is no JSON object.
 */
int pattern_explain(const struct pattern *p, struct span event, struct buf *out, struct err *e);

/* Does it ask for a field whose path (names joined by dots) begins so? */
bool pattern_names(const struct pattern *p, const char *prefix);

/* The operators, for --list and the manual. */
struct operator_info {
	const char *name;
	const char *operand; /* "string", "true or false" ... */
	const char *help;
};
const struct operator_info *pattern_operators(size_t *ret_count);

#endif
