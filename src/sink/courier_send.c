/*
 * courier_send: one item from ready to finished.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sink/courier_in.h"

void
courier_item_free(struct courier_item *it)
{
	outbox_item_free(it->row);
	mem_free(it->result.context);
	mem_free(it);
}

void
courier_list_free(struct courier_list *list)
{
	struct courier_item *it;

	while ((it = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, it, entry);
		courier_item_free(it);
	}
}

/* Finished: to be recorded by the next job. */
static void
finish(struct courier_item *it, enum courier_verdict verdict)
{
	struct courier *c = it->courier;

	it->verdict = verdict;
	/* Its retry, or the next of its identity, may be what is due next. */
	c->is_woken = true;
	it->finished_ms = clock_now_ms();
	if (it->was_sent)
		it->took_ms = clock_mono_ms() - it->started_mono_ms;
	TAILQ_INSERT_TAIL(&c->finished, it, entry);
}

static void on_sent(struct sink_result *r, void *arg);

/* Hand an item to its sink. It is in no list before and in flying after; or finished when it could not be started. */
static void
start(struct courier_item *it)
{
	struct courier *c = it->courier;
	const struct conf_sink *conf = c->place->conf;
	struct notice n = {
		.event = it->row->event,
		.change = it->row->change,
		.rules = it->row->rules,
		.note = it->row->note,
		.message_key = it->row->message_key.p,
		.thread_key = it->row->thread_key.p,
		.severity = (enum severity)it->row->severity,
		.first_severity = (enum severity)it->row->first_severity,
		.account_name = c->o.hooks.account_name,
		.account_arg = c->o.hook_arg,
		.sink_name = conf->name,
		.queued_ms = it->row->created_ms,
	};
	struct sink_message m = { .room = it->room, .now_ms = clock_now_ms() };
	struct render_view v;
	struct err e = { 0 };
	int rc;

	render_view_init(&v, &n,
	                 conf->format == CONF_FORMAT_RAW && conf->type == CONF_SINK_WEBHOOK);
	if (v.is_sample && conf->samples == CONF_SAMPLES_DROP) {
		render_view_done(&v);
		(void)snprintf(it->result.answer, sizeof it->result.answer,
		               "a sample finding, and samples = \"drop\": not sent");
		finish(it, VERDICT_CANCEL);
		return;
	}
	m.view = &v;
	m.context = it->row->context.len ? it->row->context.p : NULL;
	it->place = courier_place_ref(c->place);
	it->started_mono_ms = clock_mono_ms();
	it->was_sent = true;
	c->sent_count++;
	it->is_probe = c->breaker.is_open;
	c->probe_count += it->is_probe;
	TAILQ_INSERT_TAIL(&c->flying, it, entry);
	rc = FAULT("courier.send") ? err_temp(&e, ERR_NET, "fault point")
	                           : sink_send(it->place->sink, &m, on_sent, it, &it->call, &e);
	render_view_done(&v);
	(void)FAULT("courier.sending");
	if (rc) {
		struct sink_result r = { .outcome = e.is_temporary ? SINK_TEMPFAIL : SINK_HOLD };

		(void)snprintf(r.answer, sizeof r.answer, "%s", e.text);
		on_sent(&r, it);
	}
}

/* What becomes of an item after an attempt, and of the sink. */
static void
judge(struct courier_item *it, struct sink_result *r)
{
	struct courier *c = it->courier;
	int64_t now_ms = clock_now_ms();

	switch (r->outcome) {
	case SINK_OK:
		courier_works(c);
		finish(it, VERDICT_DONE);
		return;
	case SINK_PERMFAIL:
		/* One notice is refused: the sink itself works. */
		courier_works(c);
		finish(it, VERDICT_BURY);
		return;
	case SINK_TEMPFAIL:
		it->due_ms = now_ms + breaker_delay_ms(it->row->attempts + 1, r->is_unreached,
		                                       r->retry_after_ms, courier_random(c));
		if (r->is_partial)
			courier_works(c);
		else
			courier_fail(c, r);
		finish(it, VERDICT_RETRY);
		return;
	case SINK_HOLD:
		it->due_ms = now_ms;
		courier_fail(c, r);
		finish(it, VERDICT_RETRY);
		return;
	}
}

/*
 * The peer may have it: it goes again under its key, and in no digest. A context keeps it out of those (folding.c), as it does mails that
 * some recipients have; email reads this one as "nobody has it for certain".
 */
static void
keep_doubt(struct courier_item *it)
{
	if (it->result.is_lost && !it->result.context && !it->row->context.len)
		it->result.context = mem_strdup("{\"lost\":true}");
}

static void
on_sent(struct sink_result *r, void *arg)
{
	struct courier_item *it = arg;
	struct courier *c = it->courier;

	(void)FAULT("courier.answered");
	TAILQ_REMOVE(&c->flying, it, entry);
	c->probe_count -= it->is_probe;
	it->is_probe = false;
	courier_place_unref(c, it->place);
	it->place = NULL;
	it->call = NULL;
	if (r->is_too_big && it->room == RENDER_ALL && !c->is_stopping) {
		/* Once more with less: the same attempt, so nothing is recorded in between. */
		it->room = RENDER_SHORT;
		it->was_sent = false;
		c->sent_count--;
		start(it);
	} else {
		it->result = *r;
		r->context = NULL;
		keep_doubt(it);
		judge(it, r);
	}
	(void)FAULT("courier.sent");
	courier_kick(c);
}

/* By what the store goes, too: see folding_query. What a person asked for again is as young as that. */
static bool
is_too_old(const struct courier *c, const struct outbox_item *row)
{
	int64_t before_ms =
		breaker_cutoff_ms(&c->holds, c->place->conf->max_age_ms, clock_now_ms());

	return row->due_ms < before_ms ||
	       (row->attempts > 0 && row->created_ms < before_ms && row->asked_ms < before_ms);
}

void
courier_send_next(struct courier *c)
{
	struct courier_item *it = TAILQ_FIRST(&c->ready);

	if (is_too_old(c, it->row)) {
		/* It grew too old while it waited here: it goes the way of all such. */
		c->is_expiry_due = true;
		courier_drop_ready(c);
		return;
	}
	TAILQ_REMOVE(&c->ready, it, entry);
	c->ready_count--;
	start(it);
}
