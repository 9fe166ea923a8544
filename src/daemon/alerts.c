/*
 * alerts: trouble of our own, told as an event like any other. See alerts.h.
 */
#include "config.h"

#include "daemon/alerts.h"

#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "control/metrics.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "event/envelope.h"
#include "route/lifecycle.h"
#include "route/rule.h"
#include "sink/courier.h"
#include "store/outbox.h"
#include "store/store.h"
#include "json/emit.h"

enum {
	HOUR_MS = 3600000,
	AGAIN_MS = 60000,
	TROUBLES_MAX = 10000,
	ALERT_SINKS_MAX = 256,
	TEXT_BYTES = 400
};

struct alert_row {
	const char *name;   /* detail-type */
	const char *family; /* Failing and Recovered of one family share a thread */
	enum severity severity;
	bool is_recovery;
};

static const struct alert_row alert_rows[ALERT_TYPE_COUNT] = {
	[ALERT_SOURCE_FAILING] = { "Source Failing", "Source", SEVERITY_HIGH, false },
	[ALERT_SOURCE_RECOVERED] = { "Source Recovered", "Source", SEVERITY_INFORMATIONAL, true },
	[ALERT_SINK_FAILING] = { "Sink Failing", "Sink", SEVERITY_HIGH, false },
	[ALERT_SINK_RECOVERED] = { "Sink Recovered", "Sink", SEVERITY_INFORMATIONAL, true },
	[ALERT_STORE_FAILING] = { "Store Failing", "Store", SEVERITY_CRITICAL, false },
	[ALERT_STORE_RECOVERED] = { "Store Recovered", "Store", SEVERITY_INFORMATIONAL, true },
	[ALERT_DEAD_LETTER] = { "Dead Letter", "Dead Letter", SEVERITY_HIGH, false },
	[ALERT_QUARANTINE] = { "Quarantine", "Quarantine", SEVERITY_MEDIUM, false },
	[ALERT_RELOAD_REFUSED] = { "Reload Refused", "Reload", SEVERITY_MEDIUM, false },
	[ALERT_CLOCK_WRONG] = { "Clock Wrong", "Clock", SEVERITY_MEDIUM, false },
	[ALERT_COVERAGE_GAP] = { "Coverage Gap", "Coverage", SEVERITY_MEDIUM, false },
};

/* A failing that was told and not yet its end. */
struct trouble {
	UT_hash_handle hh;
	uint32_t generation;
	char key[]; /* family/subject */
};

/* What one type last told. */
struct alert_memo {
	int64_t told_ms; /* 0 = not in the last hour */
	unsigned held;
	unsigned unheard; /* of held: sent without a record, and nobody took it yet */
	char subject[200], text[TEXT_BYTES];
};

struct alerts {
	struct daemon *daemon;
	bool is_silent, is_past_queue;
	uint32_t last_n;
	struct trouble *troubles;
	struct alert_memo types[ALERT_TYPE_COUNT];
};

/* One alert on its way into the outbox. */
struct alert_job {
	const struct alert_row *row;
	enum alert_type type;
	unsigned held;
	char subject[200], text[TEXT_BYTES];
	int64_t now_ms;
	uint32_t n, generation;
	char thread_key[LIFECYCLE_KEY_BYTES];
	struct buf event;
	char *sinks[ALERT_SINKS_MAX];
	size_t sink_count;
	bool is_past_queue;
	struct daemon *daemon;
};

static void tell(struct alerts *a, enum alert_type type, const char *subject, const char *text,
                 unsigned held);
static bool note_trouble(struct alerts *a, enum alert_type type, const char *subject,
                         uint32_t *ret_generation);
static void choose_sinks(struct alerts *a, struct alert_job *j, enum alert_type type,
                         const char *subject);
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
	return a;
}

void
alerts_free(struct alerts *a)
{
	struct trouble *t, *next;

	if (!a)
		return;
	HASH_ITER(hh, a->troubles, t, next)
	{
		HASH_DEL(a->troubles, t);
		mem_free(t);
	}
	mem_free(a);
}

void
alerts_raise(struct alerts *a, enum alert_type type, const char *subject, const char *text)
{
	int64_t now = clock_now_ms();

	if (a->is_silent || a->daemon->state == DAEMON_STOPPING)
		return;
	if (a->types[type].told_ms && now - a->types[type].told_ms < HOUR_MS) {
		a->types[type].held++;
		(void)snprintf(a->types[type].subject, sizeof(a->types[type].subject), "%s",
		               subject);
		(void)snprintf(a->types[type].text, sizeof(a->types[type].text), "%s",
		               text ? text : "");
		return;
	}
	tell(a, type, subject, text ? text : "", 0);
}

void
alerts_tick(struct alerts *a, int64_t now_ms)
{
	for (enum alert_type t = 0; t < ALERT_TYPE_COUNT; t++) {
		unsigned held = a->types[t].held;

		if (!held || now_ms - a->types[t].told_ms < HOUR_MS)
			continue;
		a->types[t].held = 0;
		tell(a, t, a->types[t].subject, a->types[t].text, held - 1);
	}
}

/* {"subject","message","held_back"}: what the texts are made of. */
static void
make_detail(struct buf *out, const char *subject, const char *text, unsigned held)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "subject");
	emit_str(&w, subject);
	emit_key(&w, "message");
	emit_str(&w, text);
	emit_key(&w, "held_back");
	emit_u64(&w, held);
	emit_object_end(&w);
}

void
alerts_last_word(struct alerts *a, enum alert_type type, const char *subject, const char *text)
{
	a->is_past_queue = true;
	if (!a->is_silent && a->daemon->state != DAEMON_STOPPING)
		tell(a, type, subject, text, 0);
}

static void
tell(struct alerts *a, enum alert_type type, const char *subject, const char *text, unsigned held)
{
	const struct alert_row *row = &alert_rows[type];
	struct envelope_place place = { "", "", NULL };
	unsigned char identity[FINDING_IDENTITY_BYTES];
	struct alert_job *j;
	struct buf detail = { 0 };
	uint32_t generation;

	if (!note_trouble(a, type, subject, &generation))
		return;
	a->types[type].told_ms = clock_now_ms();
	j = mem_zalloc(sizeof(*j));
	j->daemon = a->daemon;
	j->is_past_queue = a->is_past_queue;
	j->row = row;
	j->type = type;
	j->held = held;
	(void)snprintf(j->subject, sizeof(j->subject), "%s", subject);
	(void)snprintf(j->text, sizeof(j->text), "%s", text);
	j->now_ms = clock_now_ms();
	j->generation = generation;
	j->n = (uint32_t)(j->now_ms / 1000) > a->last_n ? (uint32_t)(j->now_ms / 1000)
	                                                : a->last_n + 1;
	a->last_n = j->n;
	make_detail(&detail, subject, text, held);
	envelope_own_identity(row->family, span_of(subject), identity);
	lifecycle_thread_key(identity, generation, j->thread_key);
	buf_init(&j->event, OUTBOX_EVENT_MAX);
	if (envelope_own(row->name, span_of(subject), j->now_ms, &place,
	                 (struct span){ detail.data, detail.len }, &j->event) == 0)
		choose_sinks(a, j, type, subject);
	buf_done(&detail);
	metric_count(METRIC_SELF_ALERTS_TOTAL, row->name, NULL, NULL);
	log_info("alert.raised type=\"%s\" subject=\"%s\" sinks=%zu held_back=%u text=\"%s\"",
	         row->name, subject, j->sink_count, held, text);
	store_run(a->daemon->store, alert_run, alert_on_queued, j);
}

/* Remember what fails. False: it recovered from what was never told. */
static bool
note_trouble(struct alerts *a, enum alert_type type, const char *subject, uint32_t *ret_generation)
{
	const struct alert_row *row = &alert_rows[type];
	size_t bytes = strlen(row->family) + strlen(subject) + 2;
	char key[512];
	struct trouble *t;

	(void)snprintf(key, sizeof(key), "%s/%s", row->family, subject);
	HASH_FIND_STR(a->troubles, key, t);
	*ret_generation = t ? t->generation : (uint32_t)(clock_now_ms() / 1000);
	if (row->is_recovery) {
		if (!t)
			return false;
		HASH_DEL(a->troubles, t);
		mem_free(t);
		return true;
	}
	if (t || bytes > sizeof(key) || HASH_COUNT(a->troubles) >= TROUBLES_MAX)
		return true;
	t = mem_zalloc(sizeof(*t) + bytes);
	memcpy(t->key, key, bytes);
	t->generation = *ret_generation;
	HASH_ADD_KEYPTR(hh, a->troubles, t->key, bytes - 1, t);
	return true;
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

/* Those of self_alerts, and those of the rules that match; never the one that is the trouble. */
static void
choose_sinks(struct alerts *a, struct alert_job *j, enum alert_type type, const char *subject)
{
	const char *except = type == ALERT_SINK_FAILING || type == ALERT_DEAD_LETTER ? subject : "";

	choose_but(a, j, except);
	/* A sink that refused one notice still takes others: better there than nowhere. */
	if (!j->sink_count && type == ALERT_DEAD_LETTER)
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
	(void)emit_escape(out, span_of(j->subject));
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
		.generation = j->generation,
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
	(void)FAULT("alert.queue");
	if (j->is_past_queue)
		return err_set(e, ERR_CORRUPT, "the store is not to be trusted");
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
	struct alert_memo *m = arg;

	if (!is_ok || !m->unheard)
		return;
	m->held -= m->unheard < m->held ? m->unheard : m->held;
	m->unheard = 0;
	m->told_ms = clock_now_ms();
}

/* The store does not take it: past the queue, then. Unless some sink takes it, it is told again in a minute. */
static void
tell_unrecorded(struct alert_job *j)
{
	struct alert_memo *m = &j->daemon->alerts->types[j->type];
	char key[LIFECYCLE_KEY_BYTES];
	struct courier_unrecorded u = {
		.event = { j->event.data, j->event.len },
		.change = j->row->is_recovery ? CHANGE_RESOLVED : CHANGE_CREATED,
		.severity = j->row->severity,
		.thread_key = j->thread_key,
		.message_key = key,
	};

	m->unheard = j->held + 1;
	m->held += m->unheard;
	m->told_ms = clock_now_ms() - HOUR_MS + AGAIN_MS;
	(void)snprintf(m->subject, sizeof(m->subject), "%s", j->subject);
	(void)snprintf(m->text, sizeof(m->text), "%s", j->text);
	for (size_t i = 0; i < j->sink_count; i++) {
		struct outlet *o = outlets_find(j->daemon, j->sinks[i]);
		struct err e = { 0 };

		lifecycle_message_key(j->thread_key, span_of(j->sinks[i]), j->n, key);
		if (o && courier_tell(o->courier, &u, alert_on_told, m, &e) < 0)
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
	buf_done(&j->event);
	mem_free(j);
}
