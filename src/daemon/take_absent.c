/*
 * take_absent: what was asked about, and was not in the answer: gone, or aged out. See take_in.h and route/lifecycle.h.
 *
 * AWS deletes a finding 90 days after its last update, without a word. What is told then is made of what the record of its
 * last notice says: a finding in ASFF, whatever product it is of, with the identity that it had.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/timefmt.h"
#include "daemon/take_in.h"
#include "store/audit.h"
#include "store/member.h"
#include "json/emit.h"

enum { SUBJECT_PARTS = 5 };

/* id, title, product, account, region: as they stand in JSON. */
static void
split(struct span subject, struct span ret[SUBJECT_PARTS])
{
	for (size_t i = 0; i < SUBJECT_PARTS; i++) {
		const char *end = subject.len ? memchr(subject.p, '\n', subject.len) : NULL;
		size_t len = end ? (size_t)(end - subject.p) : subject.len;

		ret[i] = (struct span){ subject.p ? subject.p : "", len };
		subject.p += end ? len + 1 : len;
		subject.len -= end ? len + 1 : len;
	}
}

static void
add(struct emit *w, const char *name, struct span escaped)
{
	emit_key(w, name);
	emit_string_escaped(w, escaped);
}

static void
make_finding(const struct take_mind *m, const struct span part[SUBJECT_PARTS], struct buf *out)
{
	char arn[512], at[TIMEFMT_BYTES];
	int64_t updated_ms = 0;
	struct emit w;

	for (size_t i = 0; i < LIFECYCLE_VIEWS; i++) {
		if (m->state.views[i].is_known && m->state.views[i].updated_ms > updated_ms)
			updated_ms = m->state.views[i].updated_ms;
	}
	(void)snprintf(arn, sizeof(arn), "arn:aws:securityhub:%.*s::product/%.*s",
	               SPAN_FMT(part[4]), SPAN_FMT(part[2]));
	buf_clear(out);
	emit_init(&w, out);
	emit_object_begin(&w);
	add(&w, "SchemaVersion", SPAN_LIT("2018-10-08"));
	add(&w, "Id", part[0]);
	add(&w, "ProductArn", span_of(arn));
	add(&w, "GeneratorId", SPAN_LIT("findingsd/aged-out"));
	add(&w, "AwsAccountId", part[3]);
	add(&w, "Region", part[4]);
	add(&w, "UpdatedAt", span_of(timefmt_rfc3339_ms(updated_ms, at)));
	emit_key(&w, "Severity");
	emit_object_begin(&w);
	add(&w, "Label", span_of(severity_name((enum severity)m->state.severity)));
	emit_object_end(&w);
	add(&w, "Title", part[1].len ? part[1] : SPAN_LIT("A finding that AWS no longer keeps"));
	add(&w, "Description",
	    SPAN_LIT(
		    "AWS no longer has this finding: it was not updated for 90 days, which is how long "
		    "it is kept. What is known of it is what was told before."));
	add(&w, "RecordState", SPAN_LIT("ARCHIVED"));
	emit_object_end(&w);
}

/* The finding as it is told: -1 with e, 0 it could not be made. */
static int
describe(struct store_tx *tx, struct take *t, int64_t told_of, struct take_item *item,
         struct err *e)
{
	struct take_scratch *s = t->scratch;
	struct span part[SUBJECT_PARTS];
	struct finding_polled polled = { .account = t->page->account, .region = t->page->region };
	char hex[2 * FINDING_IDENTITY_BYTES + 1];
	struct err why = { 0 };

	if (audit_subject(tx, told_of, &s->parts, e) < 0)
		return -1;
	split((struct span){ s->parts.data, s->parts.len }, part);
	/* Told before such records were kept. */
	digest_hex(s->own.identity, sizeof(s->own.identity), hex);
	if (part[0].len == 0)
		part[0] = span_of(hex);
	if (part[2].len == 0)
		part[2] = SPAN_LIT("unknown/unknown");
	make_finding(&s->own, part, &s->made);
	memset(item, 0, sizeof(*item));
	item->raw = (struct span){ s->made.data, s->made.len };
	return finding_parse(VIEW_SECURITYHUB, item->raw, &polled, &item->finding, &why) == 0;
}

/* Whose record says what it was: its own, or that of the alert that it is open in. */
static int
teller_of(struct store_tx *tx, const struct take_mind *m, int64_t *ret, struct err *e)
{
	*ret = m->id;
	for (size_t i = 0; i < m->decided.action_count; i++) {
		const struct lifecycle_action *a = &m->decided.actions[i];
		if (a->member == LIFECYCLE_ALONE)
			return 0;
		if (member_find(tx, m->id, a->group, ret, e) < 0)
			return -1;
	}
	return 0;
}

static int
miss(struct store_tx *tx, struct take *t, int64_t id, struct err *e)
{
	struct take_mind *m = &t->scratch->own;
	struct lifecycle_reading reading = { .request_started_ms = t->page->request_started_ms,
		                             .remembered_ms = t->remembered_ms };
	struct lifecycle_input in = { .reading = &reading };
	struct take_item item;
	int64_t teller;
	int found = take_recall_id(tx, m, id, e);

	if (found <= 0 || m->is_new)
		return found < 0 ? -1 : 0;
	memcpy(reading.identity, m->identity, sizeof(reading.identity));
	if (take_decide(tx, m, t, &in, true, e) < 0)
		return -1;
	if (m->decided.action_count > 0) {
		if (teller_of(tx, m, &teller, e) < 0 ||
		    (found = describe(tx, t, teller, &item, e)) < 0)
			return -1;
		if (found == 0 || take_build_event(t, &item) < 0)
			return 0; /* asked again later: it is not forgotten */
	}
	if (m->decided.is_state_changed && take_remember(tx, m, t->now_ms, e) < 0)
		return -1;
	if (m->decided.action_count == 0)
		return 0;
	return take_queue(tx, t, &item, m, NULL, e) < 0 ? -1 : take_together(tx, t, &item, e);
}

int
take_absent(struct store_tx *tx, struct take *t, struct err *e)
{
	const struct take_scratch *s = t->scratch;

	/* What could not be read may be what was asked about; a page that goes on may have it on the next. */
	if (t->result.poisoned > 0 || t->page->is_partial)
		return 0;
	for (size_t i = 0; i < t->asked_count; i++) {
		bool is_seen = false;

		for (size_t k = 0; k < s->seen_count && !is_seen; k++)
			is_seen = s->seen[k] == t->asked[i];
		if (!is_seen && miss(tx, t, t->asked[i], e) < 0)
			return -1;
	}
	return 0;
}
