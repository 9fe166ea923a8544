/*
 * lifecycle: created, severity_raised, reopened, resolved, updated, repeat, or nothing.
 *
 * Pure: (what is remembered, this reading of the finding, the rules that match it, what died in the outbox, now) in; what to
 * remember and whom to tell out. No store, no clock, no allocation.
 *
 * One identity has up to two views, GuardDuty's own and Security Hub's copy; each is followed for itself:
 * - A reading older than what that view already showed is dropped. The same instant with another digest (Workflow, archive:
 *   they move no UpdatedAt) counts only when its request was started after the one that gave the stored state; and where
 *   another place gave it (the home region of an aggregation and the region itself), not when it is what was there before: a copy
 *   that lags behind would undo each change, again and again, until it follows.
 * - A view that goes from open to closed closes the identity. The identity is open again when no view that closed it is still
 *   closed, or when GuardDuty's count rises in a version newer than the one that closed it (unless SUPPRESSED closed it: that
 *   asks for silence; or GuardDuty itself archived it). A view that merely stays closed never closes twice, so
 *   resolved in one and open in the other does not loop.
 * - The generation rises when a closed finding reopens; thread keys are made of it.
 *
 * Per sink (and per rule with merge = false) there is one *notice group*: open from its first notice until resolved. It runs
 * for every rule that matches and for every rule already in it, so closed is resolved and more severe is severity_raised also
 * where the new version no longer matches. A group that is not open is opened by a matching rule: created, or reopened in a later
 * generation; silently remembered findings (baseline) open it only when they become more severe or reopen.
 * Severity is compared with the highest that was told in the group, so lowered and raised again is no news.
 *
 * Flapping: a finding that reopens more often than the rule's flap allows is told once as flapping; from then on its group is *held*:
 * it stays open in that thread, and neither its closes nor its reopenings are told, only what is worse. When it has stood still
 * for the flap's time, its true state is told: resolved, or a repeat that says that it is calm.
 *
 * Alerts that stand for several findings (collapse_by): a rule that gave this finding a value (lifecycle_value) opens no group of a
 * sink here, but a *membership*: a group without a sink, keyed by the value. What happens to it is an action for the alert's own
 * state, which is one of these too: its readings are of the view LIFECYCLE_TOGETHER, open while one member is. A rule that
 * is in an open group stays there until that is resolved, whatever a reload makes of its collapse_by.
 */
#ifndef FD_ROUTE_LIFECYCLE_H
#define FD_ROUTE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/change.h"
#include "base/err.h"
#include "base/str.h"
#include "route/rule.h"

enum {
	LIFECYCLE_VIEWS = 4,        /* views known: GuardDuty, Security Hub; room for two more */
	LIFECYCLE_GROUPS = 64,      /* notice groups of one identity */
	LIFECYCLE_GROUP_RULES = 16, /* rules named in a group */
	LIFECYCLE_ACTIONS = LIFECYCLE_GROUPS,
	LIFECYCLE_STATE_MAX = 15 * 1024, /* packed */
	LIFECYCLE_KEY_BYTES = 80,
	LIFECYCLE_VALUE_BYTES = 32,
	LIFECYCLE_TURNS = 16, /* reopenings whose instants are kept */
	LIFECYCLE_ABSENT_ANSWERS =
		3, /* answers without the finding, over LIFECYCLE_ABSENT_MS, until it may be aged out */
	LIFECYCLE_ABSENT_MS = 3600000,
	LIFECYCLE_BEFORE = 3,       /* digests of one instant that are remembered */
	LIFECYCLE_ALSO = 8,         /* members named in the next notice */
	LIFECYCLE_ALSO_BYTES = 200, /* of such a name */
};

/* Index of a view; the numbers are stored. */
enum lifecycle_view {
	LIFECYCLE_GUARDDUTY = 0,
	LIFECYCLE_SECURITYHUB = 1,
	LIFECYCLE_TOGETHER = 2, /* no finding: an alert that stands for several */
};
/* AWS keeps a finding for so long after its last update. */
#define LIFECYCLE_AGE_MS (90 * INT64_C(86400000))

enum lifecycle_status {
	LIFECYCLE_OPEN = 0,
	LIFECYCLE_CLOSED,
	LIFECYCLE_NEUTRAL, /* says neither (Compliance NOT_AVAILABLE, WARNING): the view stays as it was; at first sight open */
};

/* How the source that read it was started; decides what is silent at first sight. */
enum lifecycle_start {
	LIFECYCLE_START_NOW = 0, /* created before start_ms: silent */
	LIFECYCLE_START_SINCE,   /* ("-24h", an instant) updated before start_ms: silent */
	LIFECYCLE_START_OPEN,    /* nothing that is open is silent */
};

/* One reading of a finding. */
struct lifecycle_reading {
	unsigned char identity[32];
	enum lifecycle_view view;
	int64_t updated_ms; /* the version's instant */
	int32_t updated_sub_ns;
	unsigned char digest[8];    /* of severity, workflow, record state, compliance, archived */
	int64_t request_started_ms; /* AWS's time when the request that read it was started */
	uint32_t place;             /* stands for the account and region that were asked */
	int64_t created_ms;         /* this view's CreatedAt */
	int severity;               /* 0 informational .. 4 critical */
	enum lifecycle_status status;
	bool is_suppressed; /* closed by Workflow SUPPRESSED */
	uint64_t count;     /* occurrences; 0 = the view does not say */
	unsigned as; /* LIFECYCLE_TOGETHER: CHANGE_BIT of what happened to the member that joins */
	/* Of the source, account and region that read it. */
	enum lifecycle_start start;
	int64_t start_ms;
	/*
	 * How long what was seen is remembered after its last sight; 0 = for ever. What is new so long after the start was perhaps known
	 * once and forgotten: it is not silent then, and its keys are not those of the time before.
	 */
	int64_t remembered_ms;
};

/* What a rule's collapse_by found in the event (collapse_value). */
struct lifecycle_value {
	bool is_set;
	unsigned char bytes[LIFECYCLE_VALUE_BYTES];
};

/* What one view last showed. */
struct lifecycle_view_state {
	bool is_known, is_closed;
	bool is_baseline; /* silent at its first sight */
	int64_t updated_ms;
	int32_t updated_sub_ns;
	unsigned char digest[8];
	int64_t request_started_ms;
	int severity_peak; /* highest that it showed in this generation */
	uint64_t count;
	/* What it showed before at the same instant, newest last; and the place that showed otherwise then. */
	unsigned char before[LIFECYCLE_BEFORE][8];
	size_t before_count;
	uint32_t place;
};

/* One sink's notices (or one sink's and one apart-standing rule's). Spans point into the packed bytes or the rule set. */
struct lifecycle_group {
	struct span sink; /* empty: a membership */
	uint64_t key;     /* 0 merged, else rule_key; of a membership the value's first 8 bytes */
	bool is_open;
	bool is_held;       /* it flaps: open in its thread, whatever the finding does */
	bool is_membership; /* of an alert that stands for several */
	bool is_watcher; /* that alert is held: this finding is asked about for it, open or not */
	unsigned on;     /* union of the wishes of the rules in it, for rules removed since */
	uint32_t n;      /* of its last notice, 0 = never one */
	uint32_t generation; /* in which it was last opened */
	uint32_t queued;     /* notices queued in that generation */
	int severity_told;   /* highest told in that generation */
	int severity_first;
	uint32_t repeats; /* sent in that generation */
	int64_t told_ms;  /* last notice, by our clock */
	struct span rules[LIFECYCLE_GROUP_RULES];
	size_t rule_count;
};

/* What is remembered of an identity. Big: make it once and use it again; only what the counts cover is ever read. */
struct lifecycle_state {
	uint32_t generation;       /* from generation_first */
	uint32_t generation_first; /* 1, higher when it was perhaps known and forgotten before */
	unsigned closers;          /* bit per view that closed it and has not reopened: 0 = open */
	bool is_suppressed;        /* a closer is SUPPRESSED */
	int64_t closed_version_ms; /* instant of the version that closed it */
	int64_t created_ms;        /* earliest of all views */
	int severity;              /* of the last reading that counted */
	uint32_t n_floor;          /* no notice gets a number up to this */
	int64_t flipped_ms;        /* AWS's time when it last closed or reopened */
	int64_t turns[LIFECYCLE_TURNS]; /* AWS's times of its last reopenings, newest last */
	size_t turn_count;
	uint32_t absent_count; /* answers in a row that should have had it */
	int64_t absent_since_ms;
	/* LIFECYCLE_TOGETHER: who joined since the last notice. */
	uint32_t also_count; /* all of them */
	struct span also[LIFECYCLE_ALSO];
	size_t also_named;
	struct span base
		[4]; /* account, region, source and resource of the one that was told: names say what differs */
	struct lifecycle_view_state views[LIFECYCLE_VIEWS];
	struct lifecycle_group groups[LIFECYCLE_GROUPS];
	size_t group_count;
};

/* What a notice says beside its change. */
enum lifecycle_aside {
	LIFECYCLE_ASIDE_NONE = 0,
	LIFECYCLE_ASIDE_FLAPPING, /* it flaps, and is held from now on */
	LIFECYCLE_ASIDE_CALM,     /* it no longer does: this is its state */
	LIFECYCLE_ASIDE_AGED,     /* resolved because AWS no longer has it */
};

/* Is the action a notice, or news of a member for the alert it is open in? */
enum lifecycle_member {
	LIFECYCLE_ALONE = 0, /* a notice: queue it */
	LIFECYCLE_JOINS,
	LIFECYCLE_STAYS,  /* severity_raised, updated, or a repeat is due */
	LIFECYCLE_LOOKS,  /* nothing happened: the alert may have something to say itself */
	LIFECYCLE_LEAVES, /* it is closed */
};

/* One notice to queue. Texts are borrowed from state, rule set and this struct. */
struct lifecycle_action {
	enum change change;
	enum lifecycle_aside aside;
	uint32_t turns;  /* FLAPPING: so many reopenings... */
	int64_t flap_ms; /* ...within this; CALM: it stood still for this */
	enum lifecycle_member member;
	const struct lifecycle_value *value; /* JOINS: by which it joins */
	struct span sink;
	uint64_t group; /* the group's key */
	uint32_t n, generation;
	int severity, first_severity;
	struct span rules[LIFECYCLE_GROUP_RULES]; /* in file order, removed ones last */
	size_t rule_count;
	const struct rule_policy
		*policy; /* of the first of them that still exists; NULL = none does */
	char thread_key[LIFECYCLE_KEY_BYTES];
	char message_key[LIFECYCLE_KEY_BYTES];
};

enum lifecycle_verdict {
	LIFECYCLE_NEW = 0, /* identity never seen */
	LIFECYCLE_VERSION, /* seen, and this reading is news of its view */
	LIFECYCLE_SAME,    /* this very version again */
	LIFECYCLE_OLDER,   /* dropped: count it */
};

struct lifecycle_result {
	enum lifecycle_verdict verdict;
	bool is_state_changed;  /* store it; else memory_touch will do */
	bool is_open;           /* at least one group is open, or watches for its alert: watch it */
	bool is_silent;         /* baseline kept at least one rule silent */
	unsigned pairs_dropped; /* resolved not told, because the open never was delivered */
	struct lifecycle_action actions[LIFECYCLE_ACTIONS];
	size_t action_count;
};

/* A notice group that died (outbox_dead_of): so many of its notices in that generation were never delivered. */
struct lifecycle_dead {
	struct span sink;
	uint64_t group;
	uint32_t generation;
	uint32_t count;
};

struct lifecycle_input {
	const struct lifecycle_reading *reading;
	const struct rule_set *rules;
	const uint32_t *
		matched; /* indices of the rules whose patterns match the event of this view, any order, no twice */
	size_t matched_count;
	const struct lifecycle_value
		*values; /* of each matched rule; NULL: no rule has collapse_by */
	const struct lifecycle_dead *dead;
	size_t dead_count;
	int64_t now_ms; /* our clock: for repeats only */
};

/*
 * Decide. state is what was remembered (lifecycle_init for a new identity, is_new true) and becomes what to remember; it may
 * then point into in->rules, so pack it before the rule set goes.
 */
void lifecycle_decide(struct lifecycle_state *state, bool is_new, const struct lifecycle_input *in,
                      struct lifecycle_result *ret);

/*
 * An answer that should have had the finding had it not. r: identity and request_started_ms count; nothing of its
 * versions. Resolves it as aged out after LIFECYCLE_ABSENT_ANSWERS of them over LIFECYCLE_ABSENT_MS, LIFECYCLE_AGE_MS after its last
 * update; until then it is unknown, silently. Tells what flapped and has stood still. in->matched is not looked at.
 */
void lifecycle_absent(struct lifecycle_state *state, const struct lifecycle_input *in,
                      struct lifecycle_result *ret);

/* The membership of that key, or NULL. */
struct lifecycle_group *lifecycle_membership(struct lifecycle_state *state, uint64_t key);

/* The key by which a state knows a value. */
uint64_t lifecycle_value_key(const struct lifecycle_value *value);

/* Would this reading be news? Cheaper than deciding; SAME and OLDER need no outbox_dead_of. */
enum lifecycle_verdict lifecycle_compare(const struct lifecycle_state *state,
                                         const struct lifecycle_reading *r);

/* True when the state has an open group: only then dead letters matter. */
bool lifecycle_has_open(const struct lifecycle_state *state);

void lifecycle_init(struct lifecycle_state *state);

/* To bytes (at most LIFECYCLE_STATE_MAX: the oldest closed groups are left out before that) and back. ret may
 * not be the buffer that the state was unpacked from: the state borrows from it. */
void lifecycle_pack(const struct lifecycle_state *state, struct buf *ret);
/* state borrows from packed. -1 with e (ERR_CORRUPT, ERR_SCHEMA): bytes that cannot be right; treat the identity as new. */
int lifecycle_unpack(struct span packed, struct lifecycle_state *ret, struct err *e);

/* "fd1-" + 40 hex digits of SHA-256(identity, generation). */
void lifecycle_thread_key(const unsigned char identity[32], uint32_t generation,
                          char ret[LIFECYCLE_KEY_BYTES]);
/* T-<8 hex digits of SHA-256(sink)>-<n>. */
void lifecycle_message_key(const char *thread_key, struct span sink, uint32_t n,
                           char ret[LIFECYCLE_KEY_BYTES]);

#endif
