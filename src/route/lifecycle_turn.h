/*
 * lifecycle_turn: one reading on its way through the lifecycle. Private to route/lifecycle*.c.
 */
#ifndef FD_ROUTE_LIFECYCLE_TURN_H
#define FD_ROUTE_LIFECYCLE_TURN_H

#include "route/lifecycle.h"

enum {
	TARGETS_MAX = 2 * LIFECYCLE_GROUPS,
	AGED_CLOSER = 1 << (LIFECYCLE_VIEWS - 1), /* among the closers: AWS no longer has it */
};

/* One reading under way. */
struct turn {
	struct lifecycle_state *state;
	const struct lifecycle_input *in;
	const struct lifecycle_reading *r;
	struct lifecycle_result *ret;
	bool is_closed;      /* the identity, after this reading */
	bool is_reopened;    /* by this reading */
	bool is_view_known;  /* the view was known before */
	bool is_baseline;    /* of the view */
	bool is_aged;        /* closed because AWS no longer has it */
	bool is_shared;      /* a rule has collapse_by, or had: who is where has to be looked at */
	int severity_before; /* the view's peak before */
	uint64_t count;      /* best known */
};

/* Who a change is told to: one notice at most. */
struct target {
	struct span sink; /* empty: the alert that several findings share */
	uint64_t key;
	const struct lifecycle_value *value; /* of a membership that is not open yet */
	struct lifecycle_group *group;       /* NULL: none yet */
};

/* Rules that a notice names, before they are put in order. */
struct names {
	struct {
		struct span name;
		const struct rule_policy *policy; /* NULL: removed */
		size_t index;
	} list[LIFECYCLE_GROUP_RULES];
	size_t count;
};

/* lifecycle_follow.c: move the identity by this reading: versions, views, open or closed, generation. */
void lifecycle_follow(struct turn *t, bool is_new);
/* It closed or reopened now. */
void lifecycle_flip(struct turn *t);
/* How often it reopened within the last ms before this reading. */
uint32_t lifecycle_turns_within(const struct turn *t, int64_t ms);

/* lifecycle_target.c */
/* Everybody who may have to be told: open groups first, then who the matching rules aim at. */
size_t lifecycle_targets(struct turn *t, struct target targets[TARGETS_MAX]);
/* The matching rule m, which is p, aims at it. */
bool lifecycle_is_aimed(const struct turn *t, size_t m, const struct rule_policy *p,
                        const struct target *target);
/* In file order, removed rules last; no name twice. false: it is there, or there is no room. */
bool names_add(struct names *n, struct span name, const struct rule_policy *policy, size_t index);
/* Rules already in the group; those of them that want one of the changes. */
void names_add_members(const struct turn *t, const struct lifecycle_group *g, unsigned wanted,
                       struct names *ret);
bool lifecycle_names(const struct lifecycle_group *g, struct span name);

/* lifecycle_tell.c */
/* A place for a new group; when all are taken, that of the one closed longest ago. NULL: all are open. */
struct lifecycle_group *lifecycle_make_group(struct lifecycle_state *s,
                                             const struct target *target);
/* Queue a notice. NULL: there is no room for more, which LIFECYCLE_ACTIONS does not let happen. */
struct lifecycle_action *lifecycle_tell(struct turn *t, const struct target *target,
                                        enum change change, const struct names *names);
/* After that: the group remembers it. */
void lifecycle_note_told(struct turn *t, struct lifecycle_group *g);
/* News for the alert that the finding is a member of, which decides for itself whether to say it. */
void lifecycle_report(struct turn *t, const struct target *target, enum lifecycle_member member,
                      enum change change, const struct names *names);

/* lifecycle.c: everybody whom it concerns. */
void lifecycle_tell_targets(struct turn *t);

#endif
