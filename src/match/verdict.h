/*
 * verdict: which clauses match, from what the walk noted; for the files of the machine only.
 */
#ifndef FD_MATCH_VERDICT_H
#define FD_MATCH_VERDICT_H

#include "match/machine_in.h"

enum met { MET_NOT = 0, MET_WITHIN, MET_FREELY };

/* The innermost element that a value lies in, of arrays with several elements of interest; 0 = none. */
uint32_t verdict_member(const struct machine_scratch *s, uint32_t member);

/* Is a condition met by a value that lies in no such element? */
bool verdict_is_free(struct machine_scratch *s, uint32_t cond);

/* All conditions are met, several within arrays: is there a choice that agrees? No absences; at most 64 within. */
bool verdict_arrays(struct machine_scratch *s, const struct clause_row *row);

/* The same with absences, by plain search with a ceiling on its steps. */
bool verdict_search(struct machine_scratch *s, const struct clause_row *row);

#endif
