/*
 * alerts: trouble of our own, told as an event like any other. See alerts.h.
 */
#include "config.h"

#include "daemon/alerts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "daemon/alert_memo.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "event/envelope.h"
#include "route/lifecycle.h"
#include "route/rule.h"
#include "sink/courier.h"
#include "store/meta.h"
#include "store/outbox.h"
#include "store/store.h"
#include "json/emit.h"

enum {
	ALERT_SINKS_MAX = 256,
	MESSAGE_BYTES = 4000,
};

static const char told_prefix[] = "alert.told.", open_prefix[] = "alert.open.";

struct alerts {
	struct daemon *daemon;
	bool is_silent, is_past_queue;
	uint32_t last_n;
	struct alert_memo *memo;
	struct alert_ear {
		struct alerts *alerts;
		enum alert_type type;
	} ears[ALERT_TYPE_COUNT]; /* what courier_tell gives back */
};

/* One alert on its way into the outbox. */
struct alert_job {
	const struct alert_row *row;
	struct alert_say say;
	int64_t now_ms;
	uint32_t n;
	char thread_key[LIFECYCLE_KEY_BYTES];
	struct buf event;
	char *sinks[ALERT_SINKS_MAX];
	size_t sink_count;
	bool is_past_queue;
	struct daemon *daemon;
};

static void tell(struct alerts *a, struct alert_say *say);
static void choose_sinks(struct alerts *a, struct alert_job *j);
static void choose_but(struct alerts *a, struct alert_job *j, const char *except);
static int alert_run(struct store_tx *tx, void *job, struct err *e);
static void alert_on_queued(void *job, const struct err *failed);
static void tell_unrecorded(struct alert_job *j);
static void alert_on_told(bool is_ok, void *arg);

const char *
alert_type_name(enum alert_type type)
{
	return alert_rows[type].name;
}

struct alerts *
alerts_new(struct daemon *d, bool is_silent)
{
	struct alerts *a = mem_zalloc(sizeof(*a));

	a->daemon = d;
	a->is_silent = is_silent;
	a->memo = alert_memo_new();
	for (enum alert_type t = 0; t < ALERT_TYPE_COUNT; t++)
		a->ears[t] = (struct alert_ear){ a, t };
	return a;
}

void
alerts_free(struct alerts *a)
{
	if (!a)
		return;
	alert_memo_free(a->memo);
	mem_free(a);
}

/* ---- what the last run told ---- */

static int
on_told(void *arg, const char *key, struct span value, struct err *e)
{
	struct alerts *a = arg;
	int64_t told_ms;

	(void)e;
	for (enum alert_type t = 0; t < ALERT_TYPE_COUNT; t++) {
		if (strcmp(alert_rows[t].name, key + sizeof(told_prefix) - 1) == 0 &&
		    str_to_i64(value, &told_ms))
			alert_memo_load_told(a->memo, t, clock_mono_ms(), clock_now_ms() - told_ms);
	}
	return 0;
}

static int
on_open(void *arg, const char *key, struct span value, struct err *e)
{
	struct alerts *a = arg;
	int64_t generation;

	(void)e;
	if (str_to_i64(value, &generation))
		alert_memo_load_open(a->memo, key + sizeof(open_prefix) - 1, (uint32_t)generation);
	return 0;
}

static int
load_run(struct store_tx *tx, void *job, struct err *e)
{
	if (meta_each(tx, told_prefix, on_told, job, e) < 0)
		return -1;
	return meta_each(tx, open_prefix, on_open, job, e);
}

int
alerts_load(struct alerts *a, struct err *e)
{
	return store_run_wait(a->daemon->store, load_run, a, e);
}

/* With the alert's own notices: an hour that begins, a trouble that begins or ends. */
static int
remember(struct store_tx *tx, const struct alert_job *j, struct err *e)
{
	char key[sizeof(open_prefix) + 2 * ALERT_SUBJECT_BYTES];
	int r;

	(void)snprintf(key, sizeof(key), "%s%s", told_prefix, j->row->name);
	r = meta_set_i64(tx, key, j->now_ms, e);
	for (size_t i = 0; r >= 0 && i < j->say.count; i++) {
		(void)snprintf(key, sizeof(key), "%s%s/%s", open_prefix, j->row->family,
		               j->say.words[i].subject);
		if (strlen(key) > META_KEY_MAX)
			continue;
		if (j->row->has_end)
			r = meta_set_i64(tx, key, j->say.words[i].generation, e);
		else if (j->row->is_recovery)
			r = meta_delete(tx, key, e);
	}
	return r < 0 ? -1 : 0;
}

/* ---- telling ---- */

void
alerts_raise(struct alerts *a, enum alert_type type, const char *subject, const char *text)
{
	struct alert_say say;

	if (a->is_silent || a->daemon->state == DAEMON_STOPPING)
		return;
	if (alert_memo_raise(a->memo, type, subject, text, (uint32_t)(clock_now_ms() / 1000),
	                     clock_mono_ms(), &say))
		tell(a, &say);
}

void
alerts_last_word(struct alerts *a, enum alert_type type, const char *subject, const char *text)
{
	struct alert_say say = { .type = type,
		                 .words = mem_zalloc(sizeof(*say.words)),
		                 .count = 1 };

	a->is_past_queue = true;
	(void)snprintf(say.words->subject, sizeof(say.words->subject), "%s", subject);
	(void)snprintf(say.words->text, sizeof(say.words->text), "%s", text);
	say.words->generation = (uint32_t)(clock_now_ms() / 1000);
	if (!a->is_silent && a->daemon->state != DAEMON_STOPPING)
		tell(a, &say);
	else
		alert_say_done(&say);
}

void
alerts_well(struct alerts *a, enum alert_type recovered, const char *subject, const char *text)
{
	if (alert_memo_is_open(a->memo, recovered, subject))
		alerts_raise(a, recovered, subject, text);
}

void
alerts_tick(struct alerts *a)
{
	struct alert_say say;

	for (enum alert_type t = 0; t < ALERT_TYPE_COUNT; t++) {
		if (alert_memo_due(a->memo, t, clock_mono_ms(), &say))
			tell(a, &say);
	}
}

/* Each word's text, as long as there is room; who is left out is counted. */
static unsigned
make_message(const struct alert_say *say, struct buf *out)
{
	unsigned left = say->more;

	(void)buf_add_str(out, say->words[0].text);
	for (size_t i = 1; i < say->count; i++) {
		if (out->len + ALERT_SUBJECT_BYTES + ALERT_TEXT_BYTES > MESSAGE_BYTES) {
			left++;
			continue;
		}
		(void)buf_printf(out, "; also %s: %s", say->words[i].subject, say->words[i].text);
	}
	if (left)
		(void)buf_printf(out, "; and %u more", left);
	return left;
}

/* {"subject","message","held_back","also":[subject...]}: what the texts are made of. */
static void
make_detail(struct buf *out, const struct alert_say *say, const char *message)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "subject");
	emit_str(&w, say->words[0].subject);
	emit_key(&w, "message");
	emit_str(&w, message);
	emit_key(&w, "held_back");
	emit_u64(&w, say->more + say->count - 1);
	emit_key(&w, "also");
	emit_array_begin(&w);
	for (size_t i = 1; i < say->count; i++)
		emit_str(&w, say->words[i].subject);
	emit_array_end(&w);
	emit_object_end(&w);
}

/* Takes what is said over. */
static void
tell(struct alerts *a, struct alert_say *say)
{
	const struct alert_row *row = &alert_rows[say->type];
	struct envelope_place place = { "", "", NULL };
	unsigned char identity[FINDING_IDENTITY_BYTES];
	struct alert_job *j = mem_zalloc(sizeof(*j));
	struct buf detail = { 0 }, message = { 0 };
	const char *subject = say->words[0].subject;

	j->daemon = a->daemon;
	j->is_past_queue = a->is_past_queue;
	j->row = row;
	j->say = *say;
	j->now_ms = clock_now_ms();
	j->n = (uint32_t)(j->now_ms / 1000) > a->last_n ? (uint32_t)(j->now_ms / 1000)
	                                                : a->last_n + 1;
	a->last_n = j->n;
	(void)make_message(say, &message);
	make_detail(&detail, say, message.data);
	envelope_own_identity(row->family, span_of(subject), identity);
	lifecycle_thread_key(identity, say->words[0].generation, j->thread_key);
	buf_init(&j->event, OUTBOX_EVENT_MAX);
	if (envelope_own(row->name, span_of(subject), j->now_ms, &place,
	                 (struct span){ detail.data, detail.len }, &j->event) == 0)
		choose_sinks(a, j);
	metric_count(METRIC_SELF_ALERTS_TOTAL, row->name, NULL, NULL);
	log_info("alert.raised type=\"%s\" subject=\"%s\" sinks=%zu held_back=%zu text=\"%s\"",
	         row->name, subject, j->sink_count, say->more + say->count - 1, message.data);
	buf_done(&detail);
	buf_done(&message);
	store_run(a->daemon->store, alert_run, alert_on_queued, j);
}

static void
add_sink(struct alert_job *j, const struct conf *conf, const char *name)
{
	const struct conf_sink *s = conf_sink_find(conf, name);

	if (!s || !s->is_enabled || j->sink_count == ALERT_SINKS_MAX)
		return;
	for (size_t i = 0; i < j->sink_count; i++) {
		if (strcmp(j->sinks[i], name) == 0)
			return;
	}
	j->sinks[j->sink_count++] = mem_strdup(name);
}

/*
 * Those of self_alerts, and those of the rules that match. A sink is the last to be asked to carry news of its own trouble: others
 * hear of it, and only where there is no other does it wait in that sink's own queue.
 */
static void
choose_sinks(struct alerts *a, struct alert_job *j)
{
	enum alert_type type = j->say.type;
	bool is_of_sink = type == ALERT_SINK_FAILING || type == ALERT_DEAD_LETTER ||
	                  type == ALERT_QUEUE_BACKLOG;

	choose_but(a, j, is_of_sink && j->say.count == 1 ? j->say.words[0].subject : "");
	if (!j->sink_count && is_of_sink)
		choose_but(a, j, "");
}

static void
choose_but(struct alerts *a, struct alert_job *j, const char *except)
{
	struct plan *plan = a->daemon->plan;
	const struct conf *conf = plan_conf(plan);
	const uint32_t *rules;
	size_t count;

	for (size_t i = 0; i < conf->sink_count && !conf->self_alerts.is_given; i++) {
		if (strcmp(conf->sinks[i].name, except) != 0)
			add_sink(j, conf, conf->sinks[i].name);
	}
	for (size_t i = 0; i < conf->self_alerts.sinks.count; i++) {
		if (strcmp(conf->self_alerts.sinks.items[i], except) != 0)
			add_sink(j, conf, conf->self_alerts.sinks.items[i]);
	}
	if (plan_match(plan, (struct span){ j->event.data, j->event.len }, &rules, &count, NULL) <
	    0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct rule_policy *p = rule_set_at(plan_rules(plan), rules[i]);

		for (size_t k = 0; k < p->sink_count; k++) {
			if (strcmp(p->sinks[k], except) != 0)
				add_sink(j, conf, p->sinks[k]);
		}
	}
}

/* For the record: the event's type and what it is about, where a finding has its id and title. */
static void
add_subject(const struct alert_job *j, struct buf *out)
{
	(void)emit_escape(out, span_of(j->row->name));
	(void)buf_add_char(out, '\n');
	(void)emit_escape(out, span_of(j->say.words[0].subject));
}

static int
alert_run(struct store_tx *tx, void *job, struct err *e)
{
	struct alert_job *j = job;
	char key[LIFECYCLE_KEY_BYTES];
	struct buf subject = { .max_bytes = OUTBOX_SUBJECT_MAX };
	int rc = 0;
	struct outbox_new n = {
		.change = j->row->is_recovery ? CHANGE_RESOLVED : CHANGE_CREATED,
		.n = j->n,
		.generation = j->say.words[0].generation,
		.severity = (int)j->row->severity,
		.first_severity = (int)j->row->severity,
		.thread_key = j->thread_key,
		.message_key = key,
		.rules = SPAN_LIT("findingsd"),
		.created_ms = j->now_ms,
		.due_ms = j->now_ms,
	};

	if (!j->sink_count)
		return 0;
	if (j->is_past_queue)
		return err_set(e, ERR_CORRUPT, "the store is not to be trusted");
	if (remember(tx, j, e) < 0)
		return -1;
	(void)FAULT("alert.queue");
	if (outbox_event_add(tx, (struct span){ j->event.data, j->event.len }, &n.event_id, e) < 0)
		return -1;
	add_subject(j, &subject);
	n.subject = (struct span){ subject.data, subject.len };
	for (size_t i = 0; rc == 0 && i < j->sink_count; i++) {
		n.sink = j->sinks[i];
		lifecycle_message_key(j->thread_key, span_of(n.sink), n.n, key);
		rc = outbox_add(tx, &n, NULL, e);
	}
	buf_done(&subject);
	return rc;
}

static void
alert_on_told(bool is_ok, void *arg)
{
	const struct alert_ear *ear = arg;

	if (is_ok)
		alert_memo_heard(ear->alerts->memo, ear->type, clock_mono_ms());
}

/* The store does not take it: past the queue, then. Unless some sink takes it, it is told again in a minute. */
static void
tell_unrecorded(struct alert_job *j)
{
	struct alerts *a = j->daemon->alerts;
	char key[LIFECYCLE_KEY_BYTES];
	struct courier_unrecorded u = {
		.event = { j->event.data, j->event.len },
		.change = j->row->is_recovery ? CHANGE_RESOLVED : CHANGE_CREATED,
		.severity = j->row->severity,
		.thread_key = j->thread_key,
		.message_key = key,
	};

	alert_memo_again(a->memo, &j->say, clock_mono_ms());
	for (size_t i = 0; i < j->sink_count; i++) {
		struct outlet *o = outlets_find(j->daemon, j->sinks[i]);
		struct err e = { 0 };

		lifecycle_message_key(j->thread_key, span_of(j->sinks[i]), j->n, key);
		if (o && courier_tell(o->courier, &u, alert_on_told, &a->ears[j->say.type], &e) < 0)
			log_warn("alert.unsent type=\"%s\" error=\"%s\"", j->row->name, e.text);
	}
}

static void
alert_on_queued(void *job, const struct err *failed)
{
	struct alert_job *j = job;

	if (failed)
		log_warn("alert.unrecorded type=\"%s\" error=\"%s\"", j->row->name, failed->text);
	if (failed && j->sink_count && j->daemon->state != DAEMON_STOPPING)
		tell_unrecorded(j);
	for (size_t i = 0; i < j->sink_count; i++) {
		if (!failed && j->daemon->state != DAEMON_STOPPING)
			outlets_wake(j->daemon, j->sinks[i]);
		mem_free(j->sinks[i]);
	}
	alert_say_done(&j->say);
	buf_done(&j->event);
	mem_free(j);
}
