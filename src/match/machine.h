/*
 * machine: all rules in one matcher.
 *
 * It runs straight over an event's bytes in one pass, skips what no rule asks about, builds no tree and allocates nothing
 * per event. A machine never changes: a reload builds a new one and swaps. It may be used by several threads at a time,
 * each with a scratch of its own.
 */
#ifndef FD_MATCH_MACHINE_H
#define FD_MATCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct machine;
struct machine_scratch;
struct pattern;

/* Rule i is patterns[i]. The patterns may be freed afterwards. NULL with e (ERR_LIMIT) when a ceiling is hit. */
struct machine *machine_build(const struct pattern *const *patterns, size_t count, struct err *e);

/* As above, with a rule number for each pattern; several patterns may carry the same one. rules NULL: 0, 1, 2 ... */
struct machine *machine_build2(const struct pattern *const *patterns, const uint32_t *rules,
                               size_t count, struct err *e);
void machine_free(struct machine *m);

/* The machine has to outlive it. */
struct machine_scratch *machine_scratch_new(const struct machine *m);
void machine_scratch_free(struct machine_scratch *s);

/*
 * The rules that an event matches: sorted numbers, each once, in *ret_rules, valid until the next call with this scratch.
 * Returns 0, or -1 with e (ERR_PARSE, "line L, column C: ...") when the event is no JSON object. The grammar is
 * checked only as far as the machine has to read: who needs all of it checked calls scan_check first.
 */
int machine_match(const struct machine *m, struct machine_scratch *s, struct span event,
                  const uint32_t **ret_rules, size_t *ret_count, struct err *e);

/* Bytes that machine and scratch hold, for status. */
size_t machine_bytes(const struct machine *m);

#endif
