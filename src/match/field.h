/*
 * field: what one value of a path means to all rules.
 *
 * field_build makes the automata of a field from its atoms; field_string and field_token ask them and note, through
 * field_hit, which conditions are met and which exclusions of anything-but apply.
 */
#ifndef FD_MATCH_FIELD_H
#define FD_MATCH_FIELD_H

#include "match/machine_in.h"

/* One distinct test of a field, while building; number is that of its atom. */
struct atom_source {
	const struct test *test;
	uint32_t atom;
};

void field_build(struct machine *m, struct field *f, const struct atom_source *list, size_t n);
void field_done(struct field *f);

/* Append to key what makes tests of one field the same. */
void field_atom_key(const struct test *t, struct buf *key);

/* A string, still escaped if has_escapes. A token: number, true, false or null; false when it is none of them. */
void field_string(struct machine_scratch *s, uint32_t field, struct span raw, bool has_escapes);
bool field_token(struct machine_scratch *s, uint32_t field, struct span token);

void field_hit(struct machine_scratch *s, uint32_t atom);

/* Membership of what lies directly in the innermost container; 0 = in no array. */
uint32_t field_member(struct machine_scratch *s);

/* Room for len bytes in s->text. */
char *field_room(struct machine_scratch *s, size_t len);

#endif
