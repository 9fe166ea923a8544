/*
 * take_queue: what was decided, as rows of the outbox: the event once, a row per notice. See take_in.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "daemon/take_in.h"
#include "event/envelope.h"
#include "route/note.h"

/* Named once, wherever it goes: the tally of a sink. NULL: there are too many. */
static struct take_tally *
tally_of(struct take_result *r, struct span sink)
{
	struct take_tally *t;

	for (size_t i = 0; i < r->tally_count; i++) {
		if (span_eq_str(sink, r->tallies[i].sink))
			return &r->tallies[i];
	}
	if (r->tally_count == TAKE_SINKS_MAX || sink.len >= TAKE_NAME_BYTES) {
		r->has_more_sinks = true;
		return NULL;
	}
	t = &r->tallies[r->tally_count++];
	memset(t, 0, sizeof(*t));
	memcpy(t->sink, sink.p, sink.len);
	return t;
}

static void
keep_notice(struct take *t, const struct take_item *item, const struct outbox_new *n)
{
	struct take_result *r = &t->result;
	struct take_scratch *s = t->scratch;
	struct take_notice *k;

	if (r->notice_count == r->notice_cap) {
		r->notice_cap = r->notice_cap ? 2 * r->notice_cap : 16;
		r->notices = mem_reallocn(r->notices, r->notice_cap, sizeof(r->notices[0]));
	}
	k = &r->notices[r->notice_count++];
	memset(k, 0, sizeof(*k));
	(void)snprintf(k->sink, sizeof(k->sink), "%s", n->sink);
	k->change = n->change;
	k->severity = n->severity;
	k->first_severity = n->first_severity;
	memcpy(k->identity, item->finding.identity, sizeof(k->identity));
	k->rules = mem_strndup(n->rules.p, n->rules.len);
	k->note = mem_strndup(n->note.p, n->note.len);
	k->event = mem_strndup(s->event.data, s->event.len);
	k->event_bytes = s->event.len;
	(void)snprintf(k->message_key, sizeof(k->message_key), "%s", n->message_key);
	(void)snprintf(k->thread_key, sizeof(k->thread_key), "%s", n->thread_key);
}

static int
queue_notice(struct store_tx *tx, struct take *t, const struct take_item *item,
             const struct lifecycle_action *a, struct outbox_new *n, struct err *e)
{
	struct take_tally *tally = tally_of(&t->result, a->sink);
	struct buf *rules = &t->scratch->rules;
	char sink[TAKE_NAME_BYTES];

	(void)snprintf(sink, sizeof(sink), "%.*s", SPAN_FMT(a->sink));
	buf_clear(rules);
	for (size_t i = 0; i < a->rule_count; i++) {
		if (i)
			(void)buf_add_char(rules, '\n');
		(void)buf_add(rules, a->rules[i].p, a->rules[i].len);
	}
	n->sink = sink;
	n->change = a->change;
	n->n = a->n;
	n->generation = a->generation;
	n->group = a->group;
	n->severity = a->severity;
	n->first_severity = a->first_severity;
	n->thread_key = a->thread_key;
	n->message_key = a->message_key;
	n->rules = (struct span){ rules->data, rules->len };
	t->result.queued++;
	if (tally)
		tally->queued[a->change]++;
	if (t->is_kept)
		keep_notice(t, item, n);
	return outbox_add(tx, n, NULL, e);
}

/* What the record of a notice says of the finding when its event is gone. What does not fit is left empty, never cut. */
static struct span
make_subject(struct buf *out, const struct finding *f)
{
	const struct span parts[] = { f->id, f->title, f->product, f->account, f->region };
	size_t left = OUTBOX_SUBJECT_MAX - sizeof(parts) / sizeof(parts[0]);

	buf_clear(out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (i)
			(void)buf_add_char(out, '\n');
		if (parts[i].len > left)
			continue;
		(void)buf_add(out, parts[i].p, parts[i].len);
		left -= parts[i].len;
	}
	return (struct span){ out->data, out->len };
}

int
take_build_event(struct take *t, const struct take_item *item)
{
	struct envelope_place place = { t->page->account, t->page->region, item->account_name };
	struct buf *event = &t->scratch->event;

	buf_clear(event);
	if (envelope_build(&item->finding, &place, event) < 0 || event->len > OUTBOX_EVENT_MAX)
		return -1;
	return 0;
}

/* The event goes in once, then a row per notice. */
int
take_queue(struct store_tx *tx, struct take *t, const struct take_item *item,
           const struct take_mind *m, const struct note_together *together, struct err *e)
{
	struct take_scratch *s = t->scratch;
	struct outbox_new n = { .memory_id = m->id, .created_ms = t->now_ms, .due_ms = t->now_ms };

	for (size_t i = 0; i < m->decided.action_count; i++) {
		const struct lifecycle_action *a = &m->decided.actions[i];

		if (a->member != LIFECYCLE_ALONE)
			continue;
		if (n.event_id == 0) {
			(void)FAULT("take.queue");
			n.subject = make_subject(&s->subject, &item->finding);
			if (outbox_event_add(tx, (struct span){ s->event.data, s->event.len },
			                     &n.event_id, e) < 0)
				return -1;
		}
		buf_clear(&s->note);
		note_write(a, together, &s->note);
		/* Its parts are bounded so that it fits; a notice without it would still be better than none. */
		if (s->note.len > OUTBOX_NOTE_MAX)
			buf_clear(&s->note);
		n.note = (struct span){ s->note.data ? s->note.data : "", s->note.len };
		if (queue_notice(tx, t, item, a, &n, e) < 0)
			return -1;
	}
	return 0;
}
