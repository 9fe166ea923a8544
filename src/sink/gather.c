/*
 * gather: what a courier does with its queue before it takes items from it. See gather.h.
 */
#include "config.h"

#include "sink/gather.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/mem.h"
#include "event/envelope.h"
#include "sink/tally.h"
#include "store/folding.h"
#include "json/scan.h"

/* A digest in the making, in memory for the length of one call. */
struct pot {
	int64_t id; /* 0 = there is none yet */
	int64_t first_ms;
	struct tally tally;
	bool is_dirty;
};

static int
pot_open(struct store_tx *tx, const char *sink, bool is_catch_up, struct pot *pot, struct err *e)
{
	struct outbox_item *item;
	int rc = folding_held(tx, sink, is_catch_up, &item, e);

	memset(pot, 0, sizeof *pot);
	tally_init(&pot->tally, is_catch_up ? FOLDING_MAX_AGE : FOLDING_FLOOD);
	if (rc <= 0)
		return rc;
	pot->id = item->id;
	pot->first_ms = item->created_ms;
	(void)tally_read(&pot->tally, item->context);
	pot->tally.reason = item->generation;
	outbox_item_free(item);
	return 0;
}

/* "fd1-" and 40 hex digits that no other notice has; the message key as every notice's: with the sink and a number. */
static void
make_keys(const char *sink, char *thread, char *message, size_t bytes)
{
	unsigned char random[20], hash[DIGEST_BYTES];
	char hex[2 * sizeof random + 1], sink_hex[9];

	digest_random(random, sizeof random);
	digest_hex(random, sizeof random, hex);
	digest_sha256(sink, strlen(sink), hash);
	digest_hex(hash, 4, sink_hex);
	(void)snprintf(thread, bytes, "fd1-%s", hex);
	(void)snprintf(message, bytes, "fd1-%s-%s-1", hex, sink_hex);
}

/* The row of it, so that items can name it. */
static int
pot_make(struct store_tx *tx, const struct gather_plan *p, unsigned reason, struct pot *pot,
         struct err *e)
{
	char thread[OUTBOX_KEY_MAX], message[OUTBOX_KEY_MAX];
	struct outbox_new n = {
		.sink = p->sink,
		.n = 1,
		.thread_key = thread,
		.message_key = message,
		.created_ms = p->now_ms,
		.due_ms = p->now_ms,
	};

	if (pot->id)
		return 0;
	make_keys(p->sink, thread, message, sizeof thread);
	pot->tally.reason = reason;
	pot->first_ms = p->now_ms;
	return folding_new(tx, &n, (enum folding_reason)reason, &pot->id, e);
}

/* What it holds, within max bytes: the last of those that it shows go first. */
static void
pot_write(struct pot *pot, const char *sink, size_t max, struct buf *out)
{
	struct tally shown = pot->tally;

	tally_write(&shown, sink, out);
	while (out->len > max && shown.top_count > 0) {
		shown.top_count--;
		buf_clear(out);
		tally_write(&shown, sink, out);
	}
}

static int
pot_save(struct store_tx *tx, const struct gather_plan *p, struct pot *pot, struct err *e)
{
	struct buf json;
	int rc;

	if (!pot->is_dirty)
		return 0;
	buf_init(&json, 0);
	pot_write(pot, p->sink, OUTBOX_CONTEXT_MAX, &json);
	rc = folding_note(tx, pot->id, (struct span){ json.data, json.len }, e);
	buf_done(&json);
	return rc;
}

/* Its event, and off it goes. */
static int
pot_release(struct store_tx *tx, const struct gather_plan *p, struct pot *pot,
            struct gather_released *ret, struct err *e)
{
	struct envelope_place place = { "", "", NULL };
	struct buf detail, event, rules;
	struct outbox_new n = { .severity = (int)tally_severity(&pot->tally), .due_ms = p->now_ms };
	int rc = -1;

	buf_init(&detail, 0);
	buf_init(&event, 0);
	buf_init(&rules, 0);
	pot_write(pot, p->sink, OUTBOX_CONTEXT_MAX, &detail);
	tally_rules(&pot->tally, OUTBOX_RULES_MAX, &rules);
	n.rules = (struct span){ rules.data, rules.len };
	if (envelope_own("Alert Digest", span_of(p->sink), p->now_ms, &place,
	                 (struct span){ detail.data, detail.len }, &event) == 0)
		rc = outbox_event_add(tx, (struct span){ event.data, event.len }, &n.event_id, e);
	if (rc == 0)
		rc = folding_release(tx, pot->id, &n, e);
	if (rc == 0)
		*ret = (struct gather_released){ pot->id, pot->tally.count,
			                         (enum severity)n.severity, pot->tally.reason };
	buf_done(&detail);
	buf_done(&event);
	buf_done(&rules);
	pot->is_dirty = false;
	return rc;
}

/* ---- what is too old ---- */

/* One item, or a digest with all that it tells of, into the catch-up digest. */
static void
tally_expired(struct tally *t, const struct outbox_item *item)
{
	static const char *const path[] = { "detail" };
	struct tally inner;
	struct span detail;

	if (item->change != CHANGE_DIGEST) {
		tally_add(t, item);
		return;
	}
	if (scan_get(item->event, path, 1, &detail) && tally_read(&inner, detail)) {
		tally_merge(t, &inner);
		tally_done(&inner);
	}
}

static int
expire_one(struct store_tx *tx, const struct gather_plan *p, const struct outbox_item *item,
           int64_t catch_up, struct gather_done *ret, struct err *e)
{
	struct outbox_outcome o = { .now_ms = p->now_ms };
	char age[24];

	char digest[48] = "";

	if (catch_up)
		(void)snprintf(digest, sizeof digest, ", but counted in digest %lld",
		               (long long)catch_up);
	(void)snprintf(
		ret->dead_answer, sizeof ret->dead_answer,
		"older than max_age (%s): not sent%s; `findingsctl dead retry` sends it; last answer: "
		"%.100s",
		str_duration(p->max_age_ms, age, sizeof age), digest,
		item->answer.len ? item->answer.p : "none");
	ret->dead_answer[str_utf8_cut(ret->dead_answer, strlen(ret->dead_answer),
	                              sizeof ret->dead_answer - 1)] = '\0';
	o.answer = span_of(ret->dead_answer);
	/* A catch-up digest that grew too old itself: the next one says all that it said. */
	if (item->change == CHANGE_DIGEST && item->generation == FOLDING_MAX_AGE)
		return outbox_cancel(tx, item->id, &o, e);
	ret->expired++;
	return outbox_bury(tx, item->id, &o, NULL, e);
}

static int
expire(struct store_tx *tx, const struct gather_plan *p, struct gather_done *ret, struct err *e)
{
	struct folding_query q = { .sink = p->sink,
		                   .due_before_ms = p->expire_before_ms,
		                   .tried_before_ms = p->expire_before_ms,
		                   .is_all = true,
		                   .skip = p->skip,
		                   .skip_count = p->skip_count,
		                   .limit = GATHER_CHUNK };
	struct outbox_item **items;
	struct pot pot;
	size_t count;
	int rc;

	if (folding_list(tx, &q, &items, &count, e))
		return -1;
	if (pot_open(tx, p->sink, true, &pot, e)) {
		outbox_items_free(items, count);
		return -1;
	}
	rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		/* Trouble of our own is told of by its age alone. */
		bool is_told_of = items[i]->memory_id || items[i]->change == CHANGE_DIGEST;

		if (is_told_of && (rc = pot_make(tx, p, FOLDING_MAX_AGE, &pot, e)))
			break;
		if (is_told_of)
			tally_expired(&pot.tally, items[i]);
		pot.is_dirty |= is_told_of;
		rc = expire_one(tx, p, items[i], is_told_of ? pot.id : 0, ret, e);
	}
	outbox_items_free(items, count);
	ret->has_more |= count == GATHER_CHUNK;
	/* Told when the sink works, or when there is nothing else to find that out with. */
	q = (struct folding_query){
		.sink = p->sink, .due_before_ms = INT64_MAX, .is_all = true, .limit = 1
	};
	if (rc == 0 && pot.id && !ret->has_more && !p->is_ready)
		rc = folding_count(tx, &q, &count, e);
	if (rc == 0 && pot.id && !ret->has_more && (p->is_ready || count == 0))
		rc = pot_release(tx, p, &pot, &ret->released[0], e);
	if (rc == 0)
		rc = pot_save(tx, p, &pot, e);
	tally_done(&pot.tally);
	return rc;
}

/* ---- what is too much ---- */

static int
fold(struct store_tx *tx, const struct gather_plan *p, struct folding_query *q, unsigned reason,
     struct pot *pot, struct gather_done *ret, struct err *e)
{
	struct outbox_item **items;
	size_t count;
	int rc;

	if (folding_list(tx, q, &items, &count, e))
		return -1;
	rc = count ? pot_make(tx, p, reason, pot, e) : 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		tally_add(&pot->tally, items[i]);
		pot->is_dirty = true;
		rc = folding_add(tx, items[i]->id, pot->id,
		                 pot->tally.reason == FOLDING_FLOOD ? INT64_MAX : q->due_before_ms,
		                 e);
	}
	outbox_items_free(items, count);
	ret->folded += (unsigned)count;
	/* What waited behind them is due now: it joins them. */
	ret->has_more |= count > 0;
	return rc;
}

static int
fold_backlog(struct store_tx *tx, const struct gather_plan *p, struct pot *pot,
             struct gather_done *ret, struct err *e)
{
	struct folding_query q = { .sink = p->sink,
		                   .due_before_ms = p->now_ms - GATHER_BACKLOG_MS,
		                   .tried_before_ms = p->now_ms - GATHER_BACKLOG_MS,
		                   .skip = p->spare,
		                   .skip_count = p->spare_count,
		                   .limit = GATHER_BACKLOG_MIN + 1 };
	size_t count = 0;

	if (!p->wants_backlog)
		return 0;
	/* Begun is begun: also the last few, and after a restart. */
	if (!(pot->id && pot->tally.reason == FOLDING_BACKLOG)) {
		if (folding_count(tx, &q, &count, e))
			return -1;
		if (count <= GATHER_BACKLOG_MIN)
			return 0;
	}
	q.limit = GATHER_CHUNK;
	return fold(tx, p, &q, FOLDING_BACKLOG, pot, ret, e);
}

static int
fold_flood(struct store_tx *tx, const struct gather_plan *p, struct pot *pot,
           struct gather_done *ret, struct err *e)
{
	struct folding_query q = { .sink = p->sink,
		                   .due_before_ms = p->now_ms + 1,
		                   .skip = p->spare,
		                   .skip_count = p->spare_count,
		                   .limit = GATHER_CHUNK };

	/* As long as one collects, nothing goes past it. */
	if (!p->is_flood && !pot->id)
		return 0;
	return fold(tx, p, &q, FOLDING_FLOOD, pot, ret, e);
}

static int
fold_all(struct store_tx *tx, const struct gather_plan *p, struct gather_done *ret, struct err *e)
{
	struct pot pot;
	int rc;

	if (pot_open(tx, p->sink, false, &pot, e))
		return -1;
	rc = fold_backlog(tx, p, &pot, ret, e);
	if (rc == 0 && !ret->has_more && pot.tally.reason != FOLDING_BACKLOG)
		rc = fold_flood(tx, p, &pot, ret, e);
	if (FAULT("courier.fold"))
		rc = err_temp(e, ERR_STORE, "fault point");
	if (rc == 0 && pot.id && !ret->has_more &&
	    (p->is_release || pot.tally.reason == FOLDING_BACKLOG)) {
		rc = pot_release(tx, p, &pot, &ret->released[1], e);
	} else if (rc == 0 && pot.id) {
		rc = pot_save(tx, p, &pot, e);
		ret->held = (struct gather_held){ pot.id, pot.first_ms, pot.tally.count,
			                          tally_severity(&pot.tally) };
	}
	tally_done(&pot.tally);
	return rc;
}

int
gather_run(struct store_tx *tx, const struct gather_plan *p, struct gather_done *ret, struct err *e)
{
	struct folding_settled settled;

	memset(ret, 0, sizeof *ret);
	if (folding_settle(tx, p->sink, p->now_ms, GATHER_CHUNK, p->is_late_settling, &settled, e))
		return -1;
	ret->told = settled.told;
	ret->dead = settled.dead;
	ret->has_more = settled.has_more;
	if (ret->has_more)
		return 0;
	if (p->expire_before_ms && expire(tx, p, ret, e))
		return -1;
	return ret->has_more || !p->is_ready ? 0 : fold_all(tx, p, ret, e);
}
