/*
 * bridge_in: what the readers of bridge share.
 */
#ifndef FD_CTL_BRIDGE_IN_H
#define FD_CTL_BRIDGE_IN_H

#include "ctl/bridge.h"

#include "json/scan.h"

/* Where one member of a JSON object goes: a string field of a struct. Later rows win over earlier ones that are there. */
struct bridge_text {
	const char *path; /* scan_fields' paths */
	size_t offset;    /* of a char * */
};

struct bridge_map {
	const char *path;
	size_t offset; /* of a struct bridge_pairs */
};

/* The members of a raw object, one by one; name is still escaped. */
struct bridge_members {
	struct scan scan;
};
bool bridge_members_first(struct bridge_members *m, struct span object, struct span *ret_name,
                          struct span *ret_raw);
bool bridge_members_next(struct bridge_members *m, struct span *ret_name, struct span *ret_raw);

/* The raw member at one name; false: object is none, or lacks it. */
bool bridge_member(struct span object, const char *name, struct span *ret_raw);
/* The text of a raw value: a string decoded, null "", anything else as it stands. Caller frees. */
char *bridge_text_of(struct span raw);
/* The text of a member; "" when it is missing. */
char *bridge_member_text(struct span object, const char *name);

/* Fill strings and maps of base from an object; every string becomes set. */
void bridge_fill(struct span object, const struct bridge_text *texts, const struct bridge_map *maps,
                 void *base);

/* Read what a tool of AWS wrote; false: it is none of theirs. */
bool bridge_read_aws(struct bridge *b, struct span object, struct err *e, int *ret);
/* The same of Terraform. */
bool bridge_read_terraform(struct bridge *b, struct span object, struct err *e, int *ret);

/* A zeroed one at the end of the list. */
struct bridge_rule *bridge_add_rule(struct bridge *b);
struct bridge_target *bridge_add_target(struct bridge *b);
struct bridge_destination *bridge_add_destination(struct bridge *b);

void bridge_set(char **field, const char *text); /* free and replace */

#endif
