/*
 * rig: what the courier's tests stand on.
 */
#include "config.h"

#include "rig.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "store/store.h"

static void
copy_header(struct evhttp_request *req, const char *name, char *out, size_t bytes)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(req), name);

	(void)snprintf(out, bytes, "%s", value ? value : "");
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct rig *r = arg;
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct rig_hit *h = &r->hits[r->hit_count];
	int status = r->hit_count < r->status_count ? r->statuses[r->hit_count] : 200;

	loop_touch(r->loop);
	assert(r->hit_count < RIG_HITS_MAX);
	copy_header(req, "webhook-id", h->id, sizeof h->id);
	copy_header(req, "webhook-timestamp", h->at, sizeof h->at);
	copy_header(req, "webhook-signature", h->signature, sizeof h->signature);
	copy_header(req, "X-Findingsd-Change", h->change, sizeof h->change);
	copy_header(req, "X-Findingsd-Finding", h->finding, sizeof h->finding);
	copy_header(req, "X-Findingsd-Severity", h->severity, sizeof h->severity);
	copy_header(req, "X-Findingsd-Test", h->test, sizeof h->test);
	copy_header(req, "Authorization", h->auth, sizeof h->auth);
	h->body_len = evbuffer_get_length(body);
	h->body = mem_strndup((const char *)evbuffer_pullup(body, -1), h->body_len);
	h->status = status;
	r->hit_count++;
	if (status == 0) {
		r->held[r->held_count++] = req;
		if (r->held_count > r->held_max)
			r->held_max = r->held_count;
		return;
	}
	if (r->retry_after)
		(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After",
		                        r->retry_after);
	evhttp_send_reply(req, status, "told so", NULL);
}

void
rig_release(struct rig *r)
{
	for (size_t i = 0; i < r->held_count; i++)
		evhttp_send_reply(r->held[i], 200, "at last", NULL);
	r->held_count = 0;
}

static void
on_store(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	store_drain(((struct rig *)arg)->store);
}

static void
open_store(struct rig *r)
{
	char path[100];
	struct err e = { 0 };

	(void)snprintf(path, sizeof path, "%s/findingsd.db", r->folder);
	if (store_open(&(struct store_options){ .path = path, .reserve_bytes = -1 }, &r->store,
	               &e)) {
		(void)fprintf(stderr, "store: %s\n", e.text);
		abort();
	}
	r->watch = loop_watch_fd(r->loop, store_fd(r->store), WATCH_READ, on_store, r);
}

static void
close_store(struct rig *r)
{
	watch_free(r->watch);
	store_close(r->store);
}

void
rig_reopen_store(struct rig *r)
{
	close_store(r);
	open_store(r);
}

void
rig_conf(struct conf_sink *conf, enum conf_sink_type type)
{
	static char none[] = "";

	*conf = (struct conf_sink){
		.name = (char[]){ "x" },
		.type = type,
		.is_enabled = true,
		.timeout_ms = 10000,
		.max_in_flight = 8,
		.max_age_ms = 3 * 86400000LL,
		.format = type == CONF_SINK_WEBHOOK ? CONF_FORMAT_JSON : CONF_FORMAT_TEXT,
		.ca_file = none,
		.proxy = none,
		.url = none,
		.username = { none, none },
		.password = { none, none },
		.secret = { none, none },
		.token = { none, none },
		.from = none,
		.reply_to = none,
		.subject_prefix = none,
		.topic_arn = none,
		.region = none,
		.role_arn = none,
		.external_id = { none, none },
		.subject = none,
	};
	conf->name = mem_strdup("hook");
}

void
rig_open(struct rig *r)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_storage ss;
	ev_socklen_t len = sizeof ss;

	memset(r, 0, sizeof *r);
	log_set_level(LOG_LEVEL_ERR);
	(void)snprintf(r->folder, sizeof r->folder, "/tmp/fd-sink-XXXXXX");
	assert(mkdtemp(r->folder));
	r->loop = loop_new();
	r->xfer = xfer_new(r->loop);
	open_store(r);
	r->http = evhttp_new(loop_base(r->loop));
	bound = evhttp_bind_socket_with_handle(r->http, "127.0.0.1", 0);
	assert(bound &&
	       getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&ss, &len) == 0);
	r->port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	evhttp_set_gencb(r->http, on_request, r);
	(void)snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d/hook", r->port);
	r->env = (struct sink_env){ .loop = r->loop,
		                    .xfer = r->xfer,
		                    .host_name = "mx.example.com" };
	rig_conf(&r->conf, CONF_SINK_WEBHOOK);
	r->conf.url = r->url;
	r->next_memory_id = 1000;
}

void
rig_close(struct rig *r)
{
	char command_free_path[100];

	rig_release(r);
	rig_turns(r, 5);
	close_store(r);
	xfer_free(r->xfer);
	evhttp_free(r->http);
	loop_free(r->loop);
	for (size_t i = 0; i < r->hit_count; i++)
		mem_free(r->hits[i].body);
	mem_free(r->conf.name);
	for (int i = 0; i < 3; i++) {
		static const char *const suffix[] = { "", "-wal", "-shm" };

		(void)snprintf(command_free_path, sizeof command_free_path, "%s/findingsd.db%s",
		               r->folder, suffix[i]);
		(void)unlink(command_free_path);
	}
	(void)rmdir(r->folder);
}

static void
on_failing(struct courier *c, const char *why, void *arg)
{
	struct rig *r = arg;

	(void)c;
	(void)snprintf(r->failing, sizeof r->failing, "%s", why);
	r->failings++;
}

static void
on_recovered(struct courier *c, int64_t down_ms, void *arg)
{
	(void)c;
	(void)down_ms;
	((struct rig *)arg)->recoveries++;
}

static void
on_note(struct courier *c, const struct courier_note *note, void *arg)
{
	struct rig *r = arg;

	(void)c;
	r->notes++;
	r->deads += note->is_dead;
}

struct courier *
rig_courier(struct rig *r)
{
	struct courier_options o = {
		.env = &r->env,
		.store = r->store,
		.conf = &r->conf,
		.hooks = { .on_failing = on_failing,
		           .on_recovered = on_recovered,
		           .on_note = on_note },
		.hook_arg = r,
		.random_seed = 1,
	};
	struct courier *c;
	struct err e = { 0 };

	if (courier_new(&o, &c, &e)) {
		(void)fprintf(stderr, "courier: %s\n", e.text);
		abort();
	}
	return c;
}

char *
rig_event(const char *id, const char *title, const char *description)
{
	return mem_printf(
		"{\"version\":\"0\",\"id\":\"0\",\"detail-type\":\"GuardDuty Finding\",\"source\":\"aws.guardduty\","
		"\"account\":\"111122223333\",\"time\":\"2026-08-22T11:40:03Z\",\"region\":\"us-east-1\",\"resources\":[],"
		"\"detail\":{\"accountId\":\"111122223333\",\"region\":\"us-east-1\",\"partition\":\"aws\",\"id\":\"%s\","
		"\"arn\":\"arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/%s\",\"type\":"
		"\"UnauthorizedAccess:IAMUser/TorIPCaller\",\"severity\":8,\"createdAt\":\"2026-08-22T09:12:00.000Z\","
		"\"updatedAt\":\"2026-08-22T11:40:03.120Z\",\"title\":\"%s\",\"description\":\"%s\",\"resource\":"
		"{\"resourceType\":\"AccessKey\"},\"service\":{\"archived\":false,\"count\":14,\"eventFirstSeen\":"
		"\"2026-08-22T09:12:00.000Z\",\"eventLastSeen\":\"2026-08-22T11:40:00.000Z\"}}}",
		id, id, title, description);
}

struct queue_job {
	struct outbox_new n;
	struct span event;
	int64_t id;
};

static int
queue_run(struct store_tx *tx, void *arg, struct err *e)
{
	struct queue_job *job = arg;

	if (outbox_event_add(tx, job->event, &job->n.event_id, e))
		return -1;
	return outbox_add(tx, &job->n, &job->id, e);
}

static int64_t
queue(struct rig *r, int64_t memory_id, const char *key, int64_t created_ms, struct span event)
{
	struct queue_job job = {
		.n = { .sink = "hook",
		       .memory_id = memory_id ? memory_id : r->next_memory_id++,
		       .change = CHANGE_CREATED,
		       .n = 1,
		       .generation = 1,
		       .severity = SEVERITY_HIGH,
		       .first_severity = SEVERITY_HIGH,
		       .thread_key = "fd1-0123456789012345678901234567890123456789",
		       .message_key = key,
		       .rules = SPAN_LIT("rule-a\nrule-b"),
		       .subject =
		               SPAN_LIT("arn:aws:guardduty:finding\nTor \\\"exit\\\" <b>node</b>\n"
		                        "aws/guardduty\n111122223333\nus-east-1"),
		       .created_ms = created_ms,
		       .due_ms = created_ms },
		.event = event,
	};
	struct err e = { 0 };

	if (store_run_wait(r->store, queue_run, &job, &e)) {
		(void)fprintf(stderr, "queue: %s\n", e.text);
		abort();
	}
	return job.id;
}

int64_t
rig_queue(struct rig *r, int64_t memory_id, const char *key, int64_t created_ms)
{
	char *event =
		rig_event(key, "Credentials used from Tor exit node", "API GetObject was invoked");
	int64_t id = queue(r, memory_id, key, created_ms, span_of(event));

	mem_free(event);
	return id;
}

void
rig_queue_event(struct rig *r, const char *key, struct span event)
{
	(void)queue(r, 0, key, clock_real_wall_ms(), event);
}

static int
retry_run(struct store_tx *tx, void *arg, struct err *e)
{
	return dead_retry(tx, *(int64_t *)arg, true, clock_real_wall_ms(), e);
}

void
rig_retry_dead(struct rig *r, int64_t id)
{
	struct err e = { 0 };

	if (store_run_wait(r->store, retry_run, &id, &e)) {
		(void)fprintf(stderr, "dead_retry: %s\n", e.text);
		abort();
	}
}

struct state_job {
	int64_t id;
	enum outbox_state state;
	char *answer;
};

static int
state_run(struct store_tx *tx, void *arg, struct err *e)
{
	struct state_job *job = arg;
	struct outbox_item *item;

	if (outbox_get(tx, job->id, &item, e) != 1)
		return -1;
	job->state = item->state;
	if (job->answer)
		(void)snprintf(job->answer, 600, "%.*s", SPAN_FMT(item->answer));
	outbox_item_free(item);
	return 0;
}

enum outbox_state
rig_state(struct rig *r, int64_t id, char *answer)
{
	struct state_job job = { .id = id, .answer = answer };
	struct err e = { 0 };

	if (store_run_wait(r->store, state_run, &job, &e)) {
		(void)fprintf(stderr, "state: %s\n", e.text);
		abort();
	}
	return job.state;
}

void
rig_turns(struct rig *r, int count)
{
	for (int i = 0; i < count; i++)
		loop_turn(r->loop, 1);
}

bool
rig_until(struct rig *r, bool (*is_so)(struct rig *r, void *arg), void *arg)
{
	int64_t until = clock_real_mono_ms() + 20000;

	while (!is_so(r, arg)) {
		if (clock_real_mono_ms() > until)
			return false;
		loop_turn(r->loop, 50);
	}
	return true;
}

static bool
has_hits(struct rig *r, void *arg)
{
	return r->hit_count >= *(size_t *)arg;
}

bool
rig_until_hits(struct rig *r, size_t count)
{
	return rig_until(r, has_hits, &count);
}

static bool
is_quiet(struct rig *r, void *arg)
{
	(void)r;
	return courier_is_quiet(arg);
}

bool
rig_until_quiet(struct rig *r, struct courier *c)
{
	return rig_until(r, is_quiet, c);
}
