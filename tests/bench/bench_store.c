/*
 * bench_store: how many findings a second the store takes in and finishes, synchronous=FULL.
 *
 *	bench_store [FINDINGS [REMEMBERED [BODY_BYTES [PAGE]]]]        default 50000 0 5000 100
 *
 * The work is the daemon's: a page of findings is one job (look up, decide, event, notice, memory, watch, cursor); a fetch of what is
 * due and the recording of outcomes are jobs of their own; completions start the next. Everything that was queued is finished in the
 * end. First REMEMBERED identities are put in, uncounted. Prints one line of figures.
 */
#include "config.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "route/lifecycle.h"
#include "store/cursor.h"
#include "store/memory.h"
#include "store/outbox.h"
#include "store/store.h"

enum { FETCH = 256, PAGES_AHEAD = 2, PAGE_MAX = 1000 };

struct bench {
	struct store *store;
	struct rule_set *rules;
	size_t findings, page, body_bytes;
	char *body;
	size_t taken, finished;
	size_t pages_waiting;
	bool is_fetching;
	struct lifecycle_state state;
	struct lifecycle_result result;
};

struct page_job {
	struct bench *b;
	uint64_t first;
	size_t count;
	bool is_quiet; /* only remembered: the filling */
};

static void
identity_of(uint64_t number, unsigned char ret[32])
{
	digest_sha256(&number, sizeof(number), ret);
}

static int
tell(struct store_tx *tx, struct bench *b, const struct lifecycle_action *a, int64_t memory,
     int64_t event, struct err *e)
{
	char sink[65];
	(void)snprintf(sink, sizeof(sink), "%.*s", SPAN_FMT(a->sink));
	struct outbox_new n = {
		.sink = sink,
		.memory_id = memory,
		.event_id = event,
		.change = a->change,
		.n = a->n,
		.generation = a->generation,
		.group = a->group,
		.severity = a->severity,
		.first_severity = a->first_severity,
		.thread_key = a->thread_key,
		.message_key = a->message_key,
		.rules = a->rules[0],
		.created_ms = 1000,
		.due_ms = 1000,
	};

	(void)b;
	return outbox_add(tx, &n, NULL, e);
}

static int
take_finding(struct store_tx *tx, const struct page_job *job, uint64_t number, struct buf *packed,
             struct err *e)
{
	struct bench *b = job->b;
	struct lifecycle_reading r = { .updated_ms = 100, .created_ms = 100, .severity = 3 };
	uint32_t matched = 0;
	struct lifecycle_input in = { .reading = &r,
		                      .rules = b->rules,
		                      .matched = &matched,
		                      .matched_count = job->is_quiet ? 0 : 1,
		                      .now_ms = 1000 };
	static const struct memory_origin origin = { "hub", "111122223333", "us-east-1" };
	struct span state;
	int64_t id, seen_ms, event;

	identity_of(number, r.identity);
	int rc = memory_get(tx, r.identity, &id, &state, &seen_ms, e);
	if (rc < 0)
		return -1;
	if (rc > 0 && lifecycle_unpack(state, &b->state, e) < 0)
		return -1;
	if (rc == 0)
		lifecycle_init(&b->state);
	lifecycle_decide(&b->state, rc == 0, &in, &b->result);
	buf_clear(packed);
	lifecycle_pack(&b->state, packed);
	state = (struct span){ packed->data, packed->len };
	if (rc == 0 && memory_add(tx, r.identity, state, b->result.is_open, 1000, &id, e) < 0)
		return -1;
	if (b->result.action_count == 0)
		return 0;
	memcpy(b->body, &number, sizeof(number));
	if (outbox_event_add(tx, (struct span){ b->body, b->body_bytes }, &event, e) < 0)
		return -1;
	for (size_t i = 0; i < b->result.action_count; i++) {
		if (tell(tx, b, &b->result.actions[i], id, event, e) < 0)
			return -1;
	}
	return memory_watch(tx, id, &origin,
	                    SPAN_LIT("arn:aws:guardduty:us-east-1:111122223333:detector/"
	                             "12abc34d567e8fa901bc2d34e56789f0/finding/"
	                             "a4bb5f6e7d8c9b0a1f2e3d4c5b6a7988"),
	                    3, 1000, e);
}

static int
take_page(struct store_tx *tx, void *arg, struct err *e)
{
	struct page_job *job = arg;
	struct cursor c = { .source = "hub", .account = "111122223333", .region = "us-east-1" };
	struct buf packed = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < job->count; i++)
		rc = take_finding(tx, job, job->first + i, &packed, e);
	buf_done(&packed);
	c.watermark_ms = (int64_t)(job->first + job->count);
	return rc < 0 ? -1 : cursor_set(tx, &c, e);
}

struct fetch_job {
	struct bench *b;
	struct outbox_item **items;
	size_t count, done;
};

static int
fetch(struct store_tx *tx, void *arg, struct err *e)
{
	struct fetch_job *job = arg;
	struct outbox_query q = { .sink = "hook", .now_ms = 5000, .limit = FETCH };
	int64_t next;

	return outbox_next(tx, &q, &job->items, &job->count, &next, e);
}

static int
finish(struct store_tx *tx, void *arg, struct err *e)
{
	struct fetch_job *job = arg;
	struct outbox_outcome o = {
		.now_ms = 6000, .is_attempt = true, .took_ms = 1, .answer = SPAN_LIT("200")
	};

	for (size_t i = 0; i < job->count; i++) {
		if (outbox_done(tx, job->items[i]->id, &o, e) < 0)
			return -1;
	}
	return 0;
}

static void next_step(struct bench *b);

static void
check(const struct err *failed)
{
	if (failed == NULL)
		return;
	(void)fprintf(stderr, "bench_store: %s\n", failed->text);
	exit(1);
}

static void
on_taken(void *arg, const struct err *failed)
{
	struct page_job *job = arg;

	check(failed);
	job->b->taken += job->count;
	job->b->pages_waiting--;
	struct bench *b = job->b;
	mem_free(job);
	next_step(b);
}

static void
on_finished(void *arg, const struct err *failed)
{
	struct fetch_job *job = arg;
	struct bench *b = job->b;

	check(failed);
	b->finished += job->count;
	b->is_fetching = false;
	outbox_items_free(job->items, job->count);
	mem_free(job);
	next_step(b);
}

static void
on_fetched(void *arg, const struct err *failed)
{
	struct fetch_job *job = arg;

	check(failed);
	if (job->count > 0) {
		store_run(job->b->store, finish, on_finished, job);
		return;
	}
	job->b->is_fetching = false;
	mem_free(job);
}

static void
next_step(struct bench *b)
{
	while (b->pages_waiting < PAGES_AHEAD &&
	       b->taken + b->pages_waiting * b->page < b->findings) {
		struct page_job *job = mem_zalloc(sizeof(*job));
		job->b = b;
		job->first = b->taken + b->pages_waiting * b->page;
		job->count = b->page;
		b->pages_waiting++;
		store_run(b->store, take_page, on_taken, job);
	}
	if (!b->is_fetching && b->finished < b->taken) {
		struct fetch_job *job = mem_zalloc(sizeof(*job));
		job->b = b;
		b->is_fetching = true;
		store_run(b->store, fetch, on_fetched, job);
	}
}

static void
remember(struct bench *b, size_t count)
{
	struct page_job job = { .b = b, .is_quiet = true, .count = PAGE_MAX };
	struct err e = { 0 };

	for (size_t i = 0; i < count; i += PAGE_MAX) {
		job.first = UINT64_C(1) << 40 | i;
		if (store_run_wait(b->store, take_page, &job, &e) < 0)
			check(&e);
	}
}

static double
cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	static const char *const sinks[] = { "hook" };
	struct rule_policy policy = {
		.name = "rule", .sinks = sinks, .sink_count = 1, .on = CHANGE_DEFAULT
	};
	char folder[] = "/tmp/findingsd-bench-XXXXXX", path[64];
	struct store_options o = { .path = path };
	size_t remembered = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct err e = { 0 };
	struct rusage usage;

	b.findings = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000;
	b.body_bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 5000;
	b.page = argc > 4 ? strtoul(argv[4], NULL, 10) : 100;
	b.body = mem_alloc(b.body_bytes);
	memset(b.body, 'x', b.body_bytes);
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/bench.db", folder);
	if (rule_set_new(&policy, 1, &b.rules, &e) < 0 || store_open(&o, &b.store, &e) < 0)
		check(&e);
	int64_t start_us = clock_real_mono_us();
	remember(&b, remembered);
	double fill_s = (double)(clock_real_mono_us() - start_us) / 1e6;
	double cpu = cpu_seconds();
	start_us = clock_real_mono_us();
	next_step(&b);
	while (b.finished < b.findings) {
		struct pollfd p = { .fd = store_fd(b.store), .events = POLLIN };
		(void)poll(&p, 1, -1);
		store_drain(b.store);
	}
	double seconds = (double)(clock_real_mono_us() - start_us) / 1e6;
	cpu = cpu_seconds() - cpu;
	(void)getrusage(RUSAGE_SELF, &usage);
	struct store_stats stats;
	store_get_stats(b.store, &stats);
	(void)printf(
		"{\"findings\":%zu,\"remembered\":%zu,\"body\":%zu,\"page\":%zu,\"findings_per_second\":%.0f,"
		"\"cpu_seconds_per_1000\":%.4f,\"fill_per_second\":%.0f,\"groups\":%llu,\"checkpoints\":%llu,"
		"\"file_mib\":%.1f,\"wal_mib\":%.1f,\"rss_mib\":%.1f}\n",
		b.findings, remembered, b.body_bytes, b.page, (double)b.findings / seconds,
		cpu / (double)b.findings * 1000, fill_s > 0 ? (double)remembered / fill_s : 0,
		(unsigned long long)stats.groups, (unsigned long long)stats.checkpoints,
		(double)stats.file_bytes / 1048576, (double)stats.wal_bytes / 1048576,
		(double)usage.ru_maxrss / 1024);
	store_close(b.store);
	start_us = clock_real_mono_us();
	if (store_open(&o, &b.store, &e) < 0)
		check(&e);
	(void)printf("{\"open_ms\":%.1f}\n", (double)(clock_real_mono_us() - start_us) / 1e3);
	store_close(b.store);
	(void)unlink(path);
	(void)rmdir(folder);
	rule_set_free(b.rules);
	mem_free(b.body);
	return 0;
}
