/*
 * courier_job: the courier's only way to the store: one job that records what is finished and fetches what is due.
 *
 * At most one job per courier is under way. The job's function runs on the store's thread: it reads the finished items,
 * which nobody changes while they are in the list "recording", and writes into the job alone. It may run twice.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "sink/courier_in.h"
#include "store/meta.h"

struct courier_job {
	struct courier *c;
	char *sink;
	int64_t now_ms;
	int64_t due_ms;                /* what is due then is fetched */
	struct courier_item **records; /* pointers into the list "recording" */
	size_t record_count;
	bool is_fetch, is_load, is_holds_written, is_pause_written, is_paused;
	size_t limit;
	int64_t *skip;
	size_t skip_count;
	struct buf holds, flood, hand; /* to be written, or as read */
	bool is_hand_tracked, is_hand_written;
	int64_t *spare;
	bool is_flood_written;
	struct gather_plan plan;
	struct gather_done gathered;
	/* found: */
	struct outbox_item **items;
	size_t item_count;
	int64_t next_due_ms;
	bool was_paused;
	unsigned cancelled;
};

static int
meta_key(char *out, size_t out_bytes, const char *what, const char *sink)
{
	return snprintf(out, out_bytes, "sink.%s.%s", what, sink);
}

static int
record(struct store_tx *tx, struct courier_job *job, const struct courier_item *it, struct err *e)
{
	struct outbox_outcome o = {
		.now_ms = it->finished_ms,
		.is_attempt = it->was_sent,
		.took_ms = it->took_ms,
		.answer = span_of(it->result.answer),
	};
	int64_t id = it->row->id;
	unsigned cancelled = 0;
	int rc = 0;

	switch (it->verdict) {
	case VERDICT_DONE:
		rc = outbox_done(tx, id, &o, e);
		break;
	case VERDICT_RETRY:
		rc = outbox_retry(tx, id, &o, it->due_ms, span_of(it->result.context), e);
		break;
	case VERDICT_BURY:
		rc = outbox_bury(tx, id, &o, &cancelled, e);
		break;
	case VERDICT_CANCEL:
		rc = outbox_cancel(tx, id, &o, e);
		break;
	case VERDICT_NONE:
		break;
	}
	job->cancelled += cancelled;
	/* A row that is gone (repaired, dropped) has nothing left to record. */
	if (rc && e->kind == ERR_NOT_FOUND) {
		err_clear(e);
		return 0;
	}
	return rc;
}

static int
write_meta(struct store_tx *tx, struct courier_job *job, struct err *e)
{
	char key[META_KEY_MAX];

	if (job->is_holds_written) {
		(void)meta_key(key, sizeof key, "holds", job->sink);
		if (meta_set(tx, key, (struct span){ job->holds.data, job->holds.len }, e))
			return -1;
	}
	if (job->is_flood_written) {
		(void)meta_key(key, sizeof key, "flood", job->sink);
		if (meta_set(tx, key, (struct span){ job->flood.data, job->flood.len }, e))
			return -1;
	}
	if (job->is_pause_written) {
		(void)meta_key(key, sizeof key, "paused", job->sink);
		if (job->is_paused ? meta_set_i64(tx, key, job->now_ms, e)
		                   : meta_delete(tx, key, e))
			return -1;
	}
	return 0;
}

static int
load_meta(struct store_tx *tx, struct courier_job *job, struct err *e)
{
	char key[META_KEY_MAX];
	int64_t since;
	int rc;

	(void)meta_key(key, sizeof key, "paused", job->sink);
	rc = meta_get_i64(tx, key, &since, e);
	if (rc < 0)
		return -1;
	job->was_paused = rc == 1;
	(void)meta_key(key, sizeof key, "holds", job->sink);
	buf_clear(&job->holds);
	if (meta_get(tx, key, &job->holds, e) < 0)
		return -1;
	(void)meta_key(key, sizeof key, "flood", job->sink);
	buf_clear(&job->flood);
	if (meta_get(tx, key, &job->flood, e) < 0)
		return -1;
	(void)meta_key(key, sizeof key, "hand", job->sink);
	buf_clear(&job->hand);
	return meta_get(tx, key, &job->hand, e) < 0 ? -1 : 0;
}

/* What is in hand when this job is on disk: what was, and what it fetched. */
static int
write_hand(struct store_tx *tx, const struct courier_job *job, struct err *e)
{
	char key[META_KEY_MAX];
	struct buf text;
	int rc;

	if (!job->is_hand_tracked)
		return 0;
	buf_init(&text, 0);
	(void)buf_add(&text, job->hand.data, job->hand.len);
	for (size_t i = 0; i < job->item_count; i++)
		(void)buf_printf(&text, "%lld,", (long long)job->items[i]->id);
	(void)meta_key(key, sizeof key, "hand", job->sink);
	rc = meta_set(tx, key, (struct span){ text.data, text.len }, e);
	buf_done(&text);
	return rc;
}

/* On the store's thread. */
static int
run(struct store_tx *tx, void *arg, struct err *e)
{
	struct courier_job *job = arg;
	struct outbox_query q = {
		.sink = job->sink,
		.now_ms = job->due_ms,
		.limit = job->limit,
		.skip = job->skip,
		.skip_count = job->skip_count,
	};

	outbox_items_free(job->items, job->item_count);
	job->items = NULL;
	job->item_count = 0;
	job->cancelled = 0;
	job->next_due_ms = INT64_MAX;
	memset(&job->gathered, 0, sizeof job->gathered);
	if (job->is_load)
		return load_meta(tx, job, e);
	for (size_t i = 0; i < job->record_count; i++)
		if (record(tx, job, job->records[i], e))
			return -1;
	if (write_meta(tx, job, e))
		return -1;
	if (FAULT("courier.record"))
		return err_temp(e, ERR_STORE, "fault point");
	if (!job->is_fetch)
		return job->is_hand_written ? write_hand(tx, job, e) : 0;
	if (gather_run(tx, &job->plan, &job->gathered, e))
		return -1;
	/* First all that is to be gathered: what is left then is told one by one. */
	if (!job->gathered.has_more &&
	    outbox_next(tx, &q, &job->items, &job->item_count, &job->next_due_ms, e))
		return -1;
	return job->is_hand_written || job->item_count ? write_hand(tx, job, e) : 0;
}

static void
job_free(struct courier_job *job)
{
	outbox_items_free(job->items, job->item_count);
	mem_free(job->records);
	mem_free(job->skip);
	mem_free(job->sink);
	buf_done(&job->holds);
	buf_done(&job->flood);
	buf_done(&job->hand);
	mem_free(job->spare);
	mem_free(job);
}

/* Tell metrics about one recorded item. */
static void
note(struct courier *c, const struct courier_item *it)
{
	struct courier_note n = {
		.outcome = it->result.outcome,
		.is_dead = it->verdict == VERDICT_BURY,
		.is_own = it->row->memory_id == 0 && it->row->change != CHANGE_DIGEST,
		.is_digest = it->row->change == CHANGE_DIGEST,
		.change = it->row->change,
		.took_ms = it->took_ms,
		.delivery_ms = it->verdict == VERDICT_DONE && it->row->change != CHANGE_DIGEST
		                       ? it->finished_ms - it->row->created_ms
		                       : -1,
		.attempts = it->row->attempts + (it->was_sent ? 1 : 0),
		.message_key = it->row->message_key.p,
		.answer = it->result.answer,
	};

	if (it->verdict == VERDICT_CANCEL)
		return;
	if (it->verdict == VERDICT_DONE)
		courier_count_told(c, it->row);
	c->delivered += it->verdict == VERDICT_DONE;
	c->failed += it->was_sent && it->verdict != VERDICT_DONE;
	c->dead += it->verdict == VERDICT_BURY;
	if (it->verdict == VERDICT_BURY)
		log_warn("courier.dead sink=%s key=%s change=%s attempts=%u answer=\"%s\"",
		         courier_name(c), n.message_key, change_name(n.change), n.attempts,
		         n.answer);
	else if (it->verdict == VERDICT_RETRY)
		log_info("courier.retry sink=%s key=%s attempts=%u in_ms=%lld answer=\"%s\"",
		         courier_name(c), n.message_key, n.attempts,
		         (long long)(it->due_ms - it->finished_ms), n.answer);
	if (c->o.hooks.on_note)
		c->o.hooks.on_note(c, &n, c->o.hook_arg);
}

/* One line for all that were delivered together: the audit has each of them. */
static void
log_delivered(struct courier *c)
{
	const struct courier_item *it, *last = NULL;
	size_t n = 0;

	TAILQ_FOREACH(it, &c->recording, entry) {
		if (it->verdict == VERDICT_DONE) {
			last = it;
			n++;
		}
	}
	if (n)
		log_info(
			"courier.delivered sink=%s count=%zu key=%s change=%s took_ms=%lld answer=\"%s\"",
			courier_name(c), n, last->row->message_key.p,
			change_name(last->row->change), (long long)last->took_ms,
			last->result.answer);
}

static void
take_recorded(struct courier *c)
{
	struct courier_item *it;

	log_delivered(c);
	while ((it = TAILQ_FIRST(&c->recording))) {
		TAILQ_REMOVE(&c->recording, it, entry);
		if (it->was_sent)
			c->sent_count--;
		if (it->verdict != VERDICT_RETRY)
			courier_unspare(c, it->row->id);
		note(c, it);
		courier_item_free(it);
	}
}

static void
take_fetched(struct courier *c, struct courier_job *job)
{
	for (size_t i = 0; i < job->item_count; i++) {
		struct courier_item *it = mem_zalloc(sizeof *it);

		it->courier = c;
		it->row = job->items[i];
		TAILQ_INSERT_TAIL(&c->ready, it, entry);
		c->ready_count++;
	}
	/* A full fetch: there may be more. */
	if (job->item_count == job->limit)
		c->is_woken = true;
	else if (!job->gathered.has_more)
		c->is_retry_asked = false;
	mem_free(job->items);
	job->items = NULL;
	job->item_count = 0;
	c->next_due_ms = job->next_due_ms;
}

static void
take_loaded(struct courier *c, const struct courier_job *job)
{
	c->is_loaded = true;
	c->is_paused = job->was_paused;
	c->is_woken = true;
	c->is_late_settling = c->is_expiry_due = true;
	breaker_holds_read(&c->holds, (struct span){ job->holds.data, job->holds.len });
	flood_read(&c->flood, (struct span){ job->flood.data, job->flood.len });
	courier_read_spared(c, (struct span){ job->hand.data, job->hand.len });
	/* Held when it ended: the first item tells whether it still is. */
	c->hold_next_ms = clock_mono_ms();
}

static void
give_back(struct courier *c, const struct courier_job *job, const struct err *failed)
{
	struct courier_item *it;

	while ((it = TAILQ_LAST(&c->recording, courier_list))) {
		TAILQ_REMOVE(&c->recording, it, entry);
		TAILQ_INSERT_HEAD(&c->finished, it, entry);
	}
	c->is_holds_dirty |= job->is_holds_written;
	c->is_pause_dirty |= job->is_pause_written;
	c->is_flood_dirty |= job->is_flood_written;
	c->is_hand_dirty |= job->is_hand_written;
	if (job->is_fetch)
		c->is_woken = c->is_expiry_due = true;
	c->store_failures++;
	c->store_next_ms =
		clock_mono_ms() + breaker_delay_ms(c->store_failures, true, 0, courier_random(c));
	if (c->store_failures == 1)
		log_err("courier.blocked sink=%s \"%s: nothing is sent until outcomes can be recorded\"",
		        courier_name(c), failed->text);
}

static void
on_done(void *arg, const struct err *failed)
{
	struct courier_job *job = arg;
	struct courier *c = job->c;

	c->job = NULL;
	(void)FAULT("courier.recorded");
	if (failed) {
		give_back(c, job, failed);
	} else {
		if (c->store_failures)
			log_info("courier.unblocked sink=%s", courier_name(c));
		c->store_failures = 0;
		take_recorded(c);
		if (job->is_load)
			take_loaded(c, job);
		if (job->is_fetch) {
			take_fetched(c, job);
			courier_take_gathered(c, &job->plan, &job->gathered);
		}
		if (job->is_pause_written && !c->is_pause_dirty && c->pause_done) {
			courier_done_fn *fn = c->pause_done;

			c->pause_done = NULL;
			fn(c->pause_arg, NULL);
		}
	}
	job_free(job);
	courier_kick(c);
}

/* Everything that we hold is not to be fetched again; what this job records may be. */
static void
fill_skip(struct courier *c, struct courier_job *job)
{
	const struct courier_list *lists[] = { &c->ready, &c->flying, &c->finished };
	const struct courier_item *it;

	job->skip = mem_calloc(OUTBOX_FETCH_MAX, sizeof *job->skip);
	for (size_t i = 0; i < 3; i++)
		TAILQ_FOREACH(it, lists[i], entry)
			if (job->skip_count < OUTBOX_FETCH_MAX)
				job->skip[job->skip_count++] = it->row->id;
}

/* What is in hand, and what was when the last process died. */
static void
fill_spare(struct courier *c, struct courier_job *job)
{
	job->spare = mem_calloc(job->skip_count + c->spared_count + 1, sizeof *job->spare);
	memcpy(job->spare, job->skip, job->skip_count * sizeof *job->spare);
	if (c->spared_count)
		memcpy(job->spare + job->skip_count, c->spared,
		       c->spared_count * sizeof *job->spare);
	job->plan.spare = job->spare;
	job->plan.spare_count = job->skip_count + c->spared_count;
}

static void
fill_records(struct courier *c, struct courier_job *job)
{
	struct courier_item *it;

	TAILQ_FOREACH(it, &c->finished, entry)
		job->record_count++;
	job->records = mem_calloc(job->record_count + 1, sizeof *job->records);
	job->record_count = 0;
	while ((it = TAILQ_FIRST(&c->finished))) {
		TAILQ_REMOVE(&c->finished, it, entry);
		TAILQ_INSERT_TAIL(&c->recording, it, entry);
		job->records[job->record_count++] = it;
	}
}

void
courier_job_start(struct courier *c, bool is_fetch, size_t limit)
{
	struct courier_job *job = mem_zalloc(sizeof *job);

	job->c = c;
	job->sink = mem_strdup(courier_name(c));
	job->now_ms = clock_now_ms();
	job->due_ms = job->now_ms + (c->is_retry_asked ? BREAKER_ASKED_MAX_MS : 0);
	job->is_load = !c->is_loaded;
	job->is_fetch = is_fetch && c->is_loaded;
	job->limit = limit;
	buf_init(&job->holds, 0);
	buf_init(&job->flood, 0);
	buf_init(&job->hand, 0);
	if (c->is_loaded) {
		fill_records(c, job);
		job->is_holds_written = c->is_holds_dirty;
		job->is_pause_written = c->is_pause_dirty;
		job->is_paused = c->is_paused;
		if (c->is_holds_dirty) {
			breaker_hold_forget(&c->holds, job->now_ms - c->place->conf->max_age_ms);
			breaker_holds_write(&c->holds, &job->holds);
		}
		job->is_flood_written = c->is_flood_dirty;
		if (c->is_flood_dirty)
			flood_write(&c->flood, &job->flood);
		job->is_hand_written =
			c->is_hand_dirty || (c->is_stopping && job->record_count > 0);
		job->is_hand_tracked = courier_write_hand(c, &job->hand);
		c->is_holds_dirty = c->is_pause_dirty = c->is_flood_dirty = c->is_hand_dirty =
			false;
	}
	if (job->is_fetch) {
		fill_skip(c, job);
		courier_plan_gather(c, &job->plan);
		job->plan.sink = job->sink;
		job->plan.skip = job->skip;
		job->plan.skip_count = job->skip_count;
		fill_spare(c, job);
		c->is_woken = false;
	}
	c->job = job;
	store_run(c->o.store, run, on_done, job);
}
