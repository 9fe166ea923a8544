/*
 * render: one notice, made readable for people and machines.
 *
 * A notice is a stored event plus what the outbox knows about it (change, rules, keys). The view holds everything that
 * a text may want to say, as clean UTF-8: unescaped from JSON, control and bidirectional characters removed, never
 * NULL (a missing field is ""). Texts are made from the view alone, so that no format can forget an escape of another.
 *
 * Findings are attacker-controlled: nothing of a view is markup, a mention or a header until a format has escaped it.
 * Building a view cannot fail: an event that cannot be read as a finding gives a plain view that names it as such and
 * says so in view.trouble. It does not know the network, the store or the clock.
 */
#ifndef FD_SINK_RENDER_H
#define FD_SINK_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/change.h"
#include "base/str.h"
#include "event/finding.h"

struct tally;

/* What is told, as kept in the outbox. Everything borrowed; strings may be NULL (= empty). */
struct notice {
	struct span event; /* the bytes that EventBridge carries, as stored */
	enum change change;
	struct span rules; /* names joined by newlines, in file order (as the outbox keeps them) */
	struct span
		note; /* what is to be said beside the finding: JSON of route/note.h; may be empty */
	const char *message_key;      /* M: the same over retries, restarts and replays */
	const char *thread_key;       /* T: one per identity and generation */
	enum severity severity;       /* of the version that is told */
	enum severity first_severity; /* of the thread's first notice: stands in a mail's subject */
	/* The configuration's name of an account, or NULL; may be NULL. */
	const char *(*account_name)(struct span account, void *arg);
	void *account_arg;
	const char *sink_name;
	int64_t queued_ms; /* when it was put into the outbox */
	bool is_test;      /* made by `sink test`: marked everywhere */
};

/* One name and value of the view, for texts that list them. */
struct render_fact {
	const char *label;
	const char *value;
};

/* Everything that can be said. All strings live in the view's arena until render_view_done. */
struct render_view {
	const struct notice *notice;
	const char *change; /* "created", ... */
	const char *
		headline; /* what happened in a few words: "New finding", "Resolved (archived)", ... */
	const char *severity; /* "HIGH" */
	const char *title;    /* the finding's, never empty */
	const char *description;
	const char *product;    /* "GuardDuty", "Security Hub CSPM", ... for people */
	const char *product_id; /* "aws/guardduty" */
	const char *finding; /* the finding's id: the part of the identity that people search for */
	const char *identity; /* 64 hex digits; "" for events of our own */
	const char *account;  /* 12 digits */
	const char *account_name;
	const char *account_text; /* "prod (111122223333)" or the id alone */
	const char *region;
	const char *type;
	const char *resource_type, *resource_id, *resource_text;
	const char *control_id;
	const char *compliance, *workflow, *record_state;
	const char *state;     /* "open" or "closed" */
	const char *closed_by; /* "archived", "RESOLVED", ...; "" while open */
	const char *first_seen, *last_seen, *updated; /* RFC 3339, "" when unknown */
	const char *count;           /* decimal, "" when the product does not count */
	const char *console_url;     /* "" when there is none; always https and ASCII */
	const char *remediation_url; /* "" unless http(s) */
	const char *remediation_text;
	const char *rules; /* "a, b" */
	const char *also; /* "us-west-2; eu-west-1": where else, of an alert for several findings */
	const char *flapping;   /* "reopened 4 times ..." */
	const char *event_time; /* the event's own */
	const char *detail_type;
	const char *source;
	bool is_sample;
	bool is_truncated;    /* a text was cut when the view was built */
	struct tally *digest; /* what a digest tells of; NULL: this is no digest */
	const char *trouble;  /* why the event could not be read as a finding, or "" */
	struct buf arena;     /* private */
};

/* Lengths above which a field is cut (on a code point, with an ellipsis) when the view is built, in code points. */
enum {
	RENDER_TITLE_MAX = 512,
	RENDER_DESCRIPTION_MAX = 8192,
	RENDER_FIELD_MAX = 1024,
	RENDER_URL_MAX = 2048, /* longer ones are left out: half a link is a wrong link */
};

/* How hard a format has to save room. Each step leaves out more, in FORMATS' order. */
enum render_room {
	RENDER_ALL = 0,  /* everything the format has */
	RENDER_NO_EVENT, /* without the raw event */
	RENDER_SHORT,    /* description at most 1,000 code points, lists at most 5 */
	RENDER_SHORTEST, /* title at most 200, no description: fits every limit we know */
	RENDER_ROOM_COUNT,
};

/*
 * Build; the notice and what it borrows must outlive the view. Cannot fail.
 * is_brief: only what headers and attributes need (severity, finding, identity, product, account, region, times, type);
 * texts stay empty. For formats that send the event as it is.
 */
void render_view_init(struct render_view *v, const struct notice *n, bool is_brief);
void render_view_done(struct render_view *v);

/*
 * Plain text, UTF-8, LF line ends, lines not wrapped, ends with a newline. Names what happened, account (name and id),
 * region, resource, severity, first and last seen, count, rules, console link and remediation link.
 */
void render_text(const struct render_view *v, enum render_room room, struct buf *out);

/* The same as HTML: inline CSS only, no remote content, no script, every value escaped. A whole document. */
void render_html(const struct render_view *v, enum render_room room, struct buf *out);

/*
 * The generic webhook's body, the shape of Standard Webhooks:
 * {"type":"finding.created","timestamp":"...Z","data":{...}}; with_event adds data.event, the event's own bytes.
 * timestamp is the instant at which the notice was queued: the body is the same at each retry.
 */
void render_json(const struct render_view *v, enum render_room room, bool with_event,
                 struct buf *out);

/* One line for subjects and titles: "[HIGH] GuardDuty: TITLE - ACCOUNT REGION", of a digest
 * "[12 findings: 2 CRITICAL, 3 HIGH] rule-a, rule-b"; at most max code points. */
void render_subject(const struct render_view *v, enum severity severity, size_t max,
                    struct buf *out);

/* The label and value pairs that every text shows, in order; at most max. Returns how many. */
size_t render_facts(const struct render_view *v, struct render_fact *facts, size_t max);

#endif
