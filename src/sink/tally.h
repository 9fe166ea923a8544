/*
 * tally: what a digest says of the notices in it: how many, of which severity, change, rule, account and region, from when to when,
 * and the first of the most severe by title. Bounded, whatever goes in: beyond TALLY_NAMES names of a kind the rest is counted as others.
 *
 * It is kept as JSON: with the digest while it collects, then as the detail of its event. Texts in it are clean (see plain.h). Pure.
 */
#ifndef FD_SINK_TALLY_H
#define FD_SINK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/change.h"
#include "base/str.h"
#include "event/finding.h"

struct outbox_item;

enum { TALLY_NAMES = 32, TALLY_TOP = 20, TALLY_SEVERITIES = 5 };

/* The names of one kind, with how often each came. */
struct tally_names {
	struct tally_name {
		char *name;
		uint64_t count;
	} items[TALLY_NAMES];
	size_t count;
	uint64_t others; /* of names that found no room */
};

/* One notice that is shown. */
struct tally_top {
	enum severity severity;
	enum change change;
	int64_t at_ms;
	char *title, *product, *account, *region, *finding, *thread_key, *message_key;
};

struct tally {
	unsigned reason; /* enum folding_reason */
	uint64_t count;
	int64_t from_ms, to_ms; /* when the first and the last of them were made; 0 = none */
	uint64_t severities[TALLY_SEVERITIES];
	uint64_t changes[CHANGE_COUNT];
	struct tally_names rules, accounts, regions;
	struct tally_top top[TALLY_TOP];
	size_t top_count;
};

void tally_init(struct tally *t, unsigned reason);
void tally_done(struct tally *t);

void tally_add(struct tally *t, const struct outbox_item *item);
/* All that another one holds. */
void tally_merge(struct tally *t, const struct tally *other);

/* The most severe in it; informational when it is empty. */
enum severity tally_severity(const struct tally *t);
/* "flood", "backlog", "max_age". */
const char *tally_reason_name(unsigned reason);
/* "2 CRITICAL, 30 HIGH", the most severe first. */
void tally_severities(const struct tally *t, struct buf *out);
/* "470 findings: 2 CRITICAL, 30 HIGH": the title of a digest. */
void tally_title(const struct tally *t, struct buf *out);
/* Why this is no row of single alerts, in a sentence or two, and where to see them. */
void tally_message(const struct tally *t, struct buf *out);
/* The names of the rules, joined by '\n', as a notice has them; at most max bytes. */
void tally_rules(const struct tally *t, size_t max, struct buf *out);

/* Append one JSON object, and read it back. false: not one of ours; then t is empty. */
void tally_write(const struct tally *t, const char *sink, struct buf *out);
bool tally_read(struct tally *t, struct span json);

#endif
