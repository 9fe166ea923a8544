/*
 * conf_problem: collects what is wrong with a configuration, so that one run tells all of it.
 *
 * Texts never hold a secret: those who add them see to it. Bounded: after CONF_PROBLEMS_MAX the rest is only counted.
 */
#ifndef FD_CONF_CONF_PROBLEM_H
#define FD_CONF_CONF_PROBLEM_H

#include "conf/conf.h"

enum { CONF_PROBLEMS_MAX = 500 };

/* Add an error or a warning. line and column may be 0. Control bytes in the text are shown as '?'. */
void conf_error_at(struct conf_problems *p, const char *file, unsigned line, unsigned column,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void conf_warn_at(struct conf_problems *p, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same at a place of the configuration. */
#define conf_error(p, at, ...) conf_error_at((p), (at)->file, (at)->line, 0, __VA_ARGS__)
#define conf_warn(p, at, ...)  conf_warn_at((p), (at)->file, (at)->line, __VA_ARGS__)

/* Bring into order: files as first named, then line and column; equal places keep their order. */
void conf_problems_sort(struct conf_problems *p);

#endif
