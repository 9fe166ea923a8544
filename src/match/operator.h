/*
 * operator: the table of operators: how the operand of each is read.
 */
#ifndef FD_MATCH_OPERATOR_H
#define FD_MATCH_OPERATOR_H

#include "match/pattern_tree.h"
#include "json/scan.h"

/* One pattern being parsed. */
struct parse {
	struct scan scan;
	struct span text;
	struct pool *pool;
	struct span path; /* of the field being read, for messages */
	struct pattern_where *where;
	struct err *e;
};

/* Say what is wrong at an offset of the text. Returns -1. */
int parse_fail(struct parse *ps, size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Next token; a broken text is reported. SCAN_ERROR then. */
enum scan_token parse_next(struct parse *ps);

/* The string or key just read, decoded, in the pool. */
struct span parse_text(struct parse *ps);

/* Read {"operator": operand}; the opening brace is consumed. 0 or -1. */
int operator_parse(struct parse *ps, struct test *ret);

/* The operand of anything-but, of any form. */
int operator_anything_but(struct parse *ps, struct test *ret);

/* Split ret->text at its stars, undoing escapes; without a star it becomes a plain string. */
int operator_split_wildcard(struct parse *ps, struct test *ret);

/* A string in a value array: an address, or text. The token is just read. */
void operator_literal_string(struct parse *ps, struct test *ret);
void operator_literal_number(struct parse *ps, struct test *ret);

#endif
