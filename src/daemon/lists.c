/*
 * lists: the routes that read and change the outbox: queue, recent, dead letters. See commands.h.
 *
 * Each is one store job; the answer is written on the loop when it is done. Lists are bounded: `limit` (100, at most 1000)
 * and `after` page through them.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "control/server.h"
#include "daemon/commands.h"
#include "daemon/inside.h"
#include "daemon/plan.h"
#include "event/finding.h"
#include "sink/courier.h"
#include "store/audit.h"
#include "store/outbox.h"
#include "store/store.h"
#include "json/emit.h"
#include "json/scan.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, ATTEMPTS_MAX = 50, RETRY_ALL_MAX = 1000 };

/* What is asked for, and what the job found. */
struct list_job {
	struct daemon *daemon;
	struct server_request *request;
	char *sink; /* NULL: all */
	int64_t id, after_id, now_ms;
	size_t limit;
	bool is_forced, is_all;
	struct outbox_item **items;
	size_t count;
	struct outbox_count *counts;
	size_t counts_count;
	struct audit_attempt attempts[ATTEMPTS_MAX];
	size_t attempt_count;
	unsigned changed;
};

static void list_job_free(struct list_job *j);

/* The parameters sink, id, after, limit, force, all. NULL: malformed, and answered. */
static struct list_job *
list_job_new(struct daemon *d, struct server_request *r)
{
	struct list_job *j = mem_zalloc(sizeof(*j));
	const struct {
		const char *name;
		int64_t *ret;
	} numbers[] = { { "id", &j->id }, { "after", &j->after_id } };
	const char *limit = server_param(r, "limit");
	int64_t n = LIMIT_DEFAULT;

	j->daemon = d;
	j->request = r;
	j->now_ms = clock_now_ms();
	j->sink = mem_strdup(server_param(r, "sink"));
	j->is_forced = server_param(r, "force");
	j->is_all = server_param(r, "all");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *value = server_param(r, numbers[i].name);

		if (value && (!str_to_i64(span_of(value), numbers[i].ret) || *numbers[i].ret < 0)) {
			server_fail(r, 400, "%s is a number", numbers[i].name);
			list_job_free(j);
			return NULL;
		}
	}
	if (limit && (!str_to_i64(span_of(limit), &n) || n < 1 || n > LIMIT_MAX)) {
		server_fail(r, 400, "limit is a number from 1 to %d", LIMIT_MAX);
		list_job_free(j);
		return NULL;
	}
	j->limit = (size_t)n;
	return j;
}

/* A job may run twice: forget what an earlier run found. */
static void
list_job_forget(struct list_job *j)
{
	outbox_items_free(j->items, j->count);
	mem_free(j->counts);
	j->items = NULL;
	j->counts = NULL;
	j->count = j->counts_count = j->attempt_count = 0;
	j->changed = 0;
}

static void
list_job_free(struct list_job *j)
{
	list_job_forget(j);
	mem_free(j->sink);
	mem_free(j);
}

/* What the store said no to, with the status that fits. */
static bool
is_failed(struct list_job *j, const struct err *failed)
{
	if (!failed)
		return false;
	server_fail(j->request,
	            failed->kind == ERR_NOT_FOUND ? 404
	            : failed->kind == ERR_CONFIG  ? 409
	                                          : 503,
	            "%s", failed->text);
	list_job_free(j);
	return true;
}

static void
add_text(struct emit *w, const char *key, struct span value)
{
	emit_key(w, key);
	emit_string(w, value);
}

static void
add_time(struct emit *w, const char *key, int64_t ms)
{
	char text[TIMEFMT_BYTES];

	emit_key(w, key);
	if (ms > 0)
		emit_str(w, timefmt_rfc3339_ms(ms, text));
	else
		emit_null(w);
}

static void
add_rules(struct emit *w, struct span rules)
{
	const char *p = rules.p, *end = rules.p + rules.len;

	emit_key(w, "rules");
	emit_array_begin(w);
	while (p && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (!stop)
			stop = end;
		emit_string(w, (struct span){ p, (size_t)(stop - p) });
		p = stop + 1;
	}
	emit_array_end(w);
}

static void
print_item(const struct outbox_item *it, const struct list_job *j, bool is_full, struct buf *out)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "id");
	emit_i64(&w, it->id);
	add_text(&w, "sink", it->sink);
	emit_key(&w, "state");
	emit_str(&w, outbox_state_name(it->state));
	emit_key(&w, "change");
	emit_str(&w, change_name(it->change));
	emit_key(&w, "severity");
	emit_str(&w, severity_name((enum severity)it->severity));
	add_rules(&w, it->rules);
	add_time(&w, "created", it->created_ms);
	add_time(&w, "finished", it->finished_ms);
	if (it->asked_ms)
		add_time(&w, "asked", it->asked_ms);
	emit_key(&w, "attempts");
	emit_i64(&w, it->attempts);
	add_text(&w, "message_key", it->message_key);
	add_text(&w, "thread_key", it->thread_key);
	add_text(&w, "answer", it->answer);
	if (it->digest_id) {
		emit_key(&w, "digest");
		emit_i64(&w, it->digest_id);
	}
	if (it->is_damaged) {
		emit_key(&w, "damaged");
		emit_bool(&w, true);
	}
	if (is_full) {
		emit_key(&w, "tries");
		emit_array_begin(&w);
		for (size_t i = 0; i < j->attempt_count; i++) {
			emit_object_begin(&w);
			add_time(&w, "at", j->attempts[i].at_ms);
			emit_key(&w, "took_ms");
			emit_i64(&w, j->attempts[i].took_ms);
			add_text(&w, "answer", span_of(j->attempts[i].answer));
			emit_object_end(&w);
		}
		emit_array_end(&w);
		if (it->event.len) {
			emit_key(&w, "event");
			emit_raw(&w, it->event);
		}
	}
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
}

static void
items_done(void *job, const struct err *failed)
{
	struct list_job *j = job;

	if (is_failed(j, failed))
		return;
	for (size_t i = 0; i < j->count; i++)
		print_item(j->items[i], j, false, server_body(j->request));
	server_reply(j->request, 200, NULL);
	list_job_free(j);
}

static int
recent_run(struct store_tx *tx, void *job, struct err *e)
{
	struct list_job *j = job;

	list_job_forget(j);
	return audit_recent(tx, j->limit, &j->items, &j->count, e);
}

void
lists_recent(void *arg, struct server_request *r)
{
	struct list_job *j = list_job_new(arg, r);

	if (j)
		store_run(j->daemon->store, recent_run, items_done, j);
}

static int
dead_run(struct store_tx *tx, void *job, struct err *e)
{
	struct list_job *j = job;

	list_job_forget(j);
	return outbox_list(tx, j->sink, OUTBOX_DEAD, j->after_id, j->limit, &j->items, &j->count,
	                   e);
}

void
lists_dead(void *arg, struct server_request *r)
{
	struct list_job *j = list_job_new(arg, r);

	if (j)
		store_run(j->daemon->store, dead_run, items_done, j);
}

static int
show_run(struct store_tx *tx, void *job, struct err *e)
{
	struct list_job *j = job;
	int found;

	list_job_forget(j);
	j->items = mem_calloc(1, sizeof(j->items[0]));
	found = outbox_get(tx, j->id, &j->items[0], e);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "no item has the id %" PRId64, j->id);
	j->count = 1;
	return audit_attempts(tx, j->id, j->attempts, ATTEMPTS_MAX, &j->attempt_count, e);
}

static void
show_done(void *job, const struct err *failed)
{
	struct list_job *j = job;

	if (is_failed(j, failed))
		return;
	print_item(j->items[0], j, true, server_body(j->request));
	server_reply(j->request, 200, NULL);
	list_job_free(j);
}

void
lists_dead_show(void *arg, struct server_request *r)
{
	struct list_job *j = list_job_new(arg, r);

	if (j)
		store_run(j->daemon->store, show_run, show_done, j);
}

/* One by id; or all (of a sink), at most RETRY_ALL_MAX in one command. */
static int
change_dead(struct store_tx *tx, struct list_job *j,
            int (*change)(struct store_tx *, struct list_job *, int64_t, struct err *),
            struct err *e)
{
	list_job_forget(j);
	if (!j->is_all) {
		j->changed = 1;
		return change(tx, j, j->id, e);
	}
	if (outbox_list(tx, j->sink, OUTBOX_DEAD, 0, RETRY_ALL_MAX, &j->items, &j->count, e) < 0)
		return -1;
	for (size_t i = 0; i < j->count; i++) {
		if (change(tx, j, j->items[i]->id, e) == 0)
			j->changed++;
		else if (e->kind != ERR_CONFIG)
			return -1;
	}
	return 0;
}

static int
retry_one(struct store_tx *tx, struct list_job *j, int64_t id, struct err *e)
{
	return dead_retry(tx, id, j->is_forced, j->now_ms, e);
}

static int
retry_run(struct store_tx *tx, void *job, struct err *e)
{
	return change_dead(tx, job, retry_one, e);
}

static int
drop_one(struct store_tx *tx, struct list_job *j, int64_t id, struct err *e)
{
	return dead_drop(tx, id, j->now_ms, e);
}

static int
drop_run(struct store_tx *tx, void *job, struct err *e)
{
	return change_dead(tx, job, drop_one, e);
}

static void
change_done(void *job, const struct err *failed)
{
	struct list_job *j = job;

	if (is_failed(j, failed))
		return;
	outlets_forget_fetched(j->daemon);
	(void)buf_printf(server_body(j->request), "{\"kind\":\"done\",\"ok\":true,\"items\":%u}\n",
	                 j->changed);
	server_reply(j->request, 200, NULL);
	list_job_free(j);
}

static void
start_change(void *arg, struct server_request *r, store_job_fn *run, const char *what)
{
	struct list_job *j = list_job_new(arg, r);

	if (!j)
		return;
	if (!j->is_all && !j->id) {
		server_fail(r, 400, "which dead letter? give an id, or all");
		list_job_free(j);
		return;
	}
	log_info("dead.change_asked what=%s id=%" PRId64 " all=%d", what, j->id, j->is_all);
	store_run(j->daemon->store, run, change_done, j);
}

void
lists_dead_retry(void *arg, struct server_request *r)
{
	start_change(arg, r, retry_run, "retry");
}

void
lists_dead_drop(void *arg, struct server_request *r)
{
	start_change(arg, r, drop_run, "drop");
}

static int
queue_run(struct store_tx *tx, void *job, struct err *e)
{
	struct list_job *j = job;

	list_job_forget(j);
	return outbox_counts(tx, &j->counts, &j->counts_count, e);
}

static void
print_queue(const struct list_job *j, const char *sink, const struct outbox_count *c,
            struct buf *out)
{
	const struct outlet *o = outlets_find(j->daemon, sink);
	static const struct outbox_count none;
	struct courier_status s;
	struct emit w;

	if (!c)
		c = &none;
	if (o)
		courier_get_status(o->courier, &s);
	emit_init(&w, out);
	emit_object_begin(&w);
	add_text(&w, "sink", span_of(sink));
	emit_key(&w, "state");
	emit_str(&w, o ? courier_state_name(s.state) : "orphan");
	emit_key(&w, "queued");
	emit_u64(&w, c->queued);
	emit_key(&w, "behind");
	emit_u64(&w, c->blocked);
	emit_key(&w, "in_flight");
	emit_u64(&w, o ? s.in_flight : 0);
	emit_key(&w, "in_digest");
	emit_u64(&w, c->folded);
	add_time(&w, "oldest", c->oldest_ms);
	emit_key(&w, "delivered");
	emit_u64(&w, c->done);
	emit_key(&w, "dead");
	emit_u64(&w, c->dead);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
}

static void
queue_done(void *job, const struct err *failed)
{
	struct list_job *j = job;
	struct buf *out = server_body(j->request);
	const struct outlet *o;

	if (is_failed(j, failed))
		return;
	for (size_t i = 0; i < j->counts_count; i++) {
		/* A sink that is gone and has nothing left is of no interest. */
		if (outlets_find(j->daemon, j->counts[i].sink) || j->counts[i].queued ||
		    j->counts[i].dead)
			print_queue(j, j->counts[i].sink, &j->counts[i], out);
	}
	TAILQ_FOREACH(o, &j->daemon->outlets, entry) {
		size_t i = 0;

		while (i < j->counts_count && strcmp(j->counts[i].sink, o->name) != 0)
			i++;
		if (i == j->counts_count && !o->is_removed)
			print_queue(j, o->name, NULL, out);
	}
	server_reply(j->request, 200, NULL);
	list_job_free(j);
}

void
lists_queue(void *arg, struct server_request *r)
{
	struct list_job *j = list_job_new(arg, r);

	if (j)
		store_run(j->daemon->store, queue_run, queue_done, j);
}
