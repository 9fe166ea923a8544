/*
 * The store's thread: groups, savepoints, completions, what survives a close, who may open it, and what a full disk does.
 */
#include "config.h"

#include "scratch.h"

#include <poll.h>

#include "store/cursor.h"
#include "store/meta.h"

struct write_job {
	char key[32];
	bool is_failing;
	int runs;
	struct err err;
	bool is_done;
	int *order, *order_count;
};

static int
write_key(struct store_tx *tx, void *arg, struct err *e)
{
	struct write_job *job = arg;

	job->runs++;
	if (meta_set(tx, job->key, span_of("x"), e) < 0)
		return -1;
	return job->is_failing ? err_set(e, ERR_PARSE, "on purpose") : 0;
}

static void
on_written(void *arg, const struct err *failed)
{
	struct write_job *job = arg;

	assert_false(job->is_done);
	job->is_done = true;
	if (failed != NULL)
		job->err = *failed;
	job->order[(*job->order_count)++] = atoi(job->key + 1);
}

static int count_keys(struct store_tx *tx, void *arg, struct err *e);

static int
count_key(void *arg, const char *key, struct span value, struct err *e)
{
	(void)key;
	(void)value;
	(void)e;
	++*(int *)arg;
	return 0;
}

static int
count_keys(struct store_tx *tx, void *arg, struct err *e)
{
	*(int *)arg = 0;
	return meta_each(tx, "k", count_key, arg, e);
}

/* Drain until n completions came; the eventfd must wake us for them. */
static void
drain_until(struct scratch *s, const int *count, int n)
{
	while (*count < n) {
		struct pollfd p = { .fd = store_fd(s->store), .events = POLLIN };
		assert_int_equal(poll(&p, 1, 30000), 1);
		store_drain(s->store);
	}
}

enum { JOBS = 10 };

static void
queue_jobs(struct scratch *s, struct write_job *jobs, int *order, int *count)
{
	for (int i = 0; i < JOBS; i++) {
		(void)snprintf(jobs[i].key, sizeof(jobs[i].key), "k%d", i);
		jobs[i].order = order;
		jobs[i].order_count = count;
		store_run(s->store, write_key, on_written, &jobs[i]);
	}
}

static void
test_jobs_that_wait_share_a_transaction(void **state)
{
	struct scratch s;
	struct scratch_gate g;
	struct write_job jobs[JOBS] = { 0 };
	int order[JOBS], count = 0, keys = 0;
	struct store_stats before, after;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_hold(&s, &g);
	store_get_stats(s.store, &before);
	queue_jobs(&s, jobs, order, &count);
	assert_int_equal(count, 0); /* completions only by store_drain */
	scratch_let_go(&g);
	drain_until(&s, &count, JOBS);
	store_get_stats(s.store, &after);
	assert_int_equal(after.groups - before.groups, 2); /* the gate's and one for all */
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(order[i], i);
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].err.kind, ERR_NONE);
	}
	scratch_reopen(&s);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, JOBS);
	scratch_done(&s);
}

static void
test_a_job_that_fails_leaves_the_others(void **state)
{
	struct scratch s;
	struct scratch_gate g;
	struct write_job jobs[JOBS] = { 0 };
	int order[JOBS], count = 0, keys = 0;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	jobs[3].is_failing = jobs[7].is_failing = true;
	scratch_hold(&s, &g);
	queue_jobs(&s, jobs, order, &count);
	scratch_let_go(&g);
	drain_until(&s, &count, JOBS);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].err.kind, i == 3 || i == 7 ? ERR_PARSE : ERR_NONE);
		assert_int_equal(jobs[i].runs, 1);
	}
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, JOBS - 2);
	scratch_done(&s);
}

static void
test_a_job_alone_that_fails_leaves_nothing(void **state)
{
	struct scratch s;
	struct write_job job = { .key = "k1", .is_failing = true };
	struct err e = { 0 };
	int keys = -1;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	assert_int_equal(store_run_wait(s.store, write_key, &job, &e), -1);
	assert_string_equal(e.text, "on purpose");
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, 0);
	scratch_done(&s);
}

static void
test_close_runs_what_waits_and_calls_back(void **state)
{
	struct scratch s;
	struct write_job jobs[JOBS] = { 0 };
	int order[JOBS], count = 0, keys = 0;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	queue_jobs(&s, jobs, order, &count);
	scratch_reopen(&s);
	assert_int_equal(count, JOBS);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, JOBS);
	scratch_done(&s);
}

static void
test_a_second_opener_is_refused(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path };
	struct store *second = NULL;
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	assert_int_equal(store_open(&o, &second, &e), -1);
	assert_int_equal(e.kind, ERR_LOCKED);
	assert_true(e.is_temporary);
	o.is_read_only = true;
	assert_int_equal(store_open(&o, &second, &e), -1);
	assert_int_equal(e.kind, ERR_LOCKED);
	assert_null(second);
	store_close(s.store);
	s.store = NULL;
	o.is_read_only = false;
	assert_int_equal(store_open(&o, &s.store, &e), 0);
	scratch_done(&s);
}

static void
test_read_only_sees_its_own_writes_and_keeps_none(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path, .is_read_only = true };
	struct write_job job = { .key = "k2" }, first = { .key = "k1" };
	struct write_job failing = { .key = "k3", .is_failing = true };
	struct err e = { 0 };
	int keys = 0;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, write_key, &first);
	store_close(s.store);
	assert_int_equal(store_open(&o, &s.store, &e), 0);
	scratch_run(&s, write_key, &job);
	assert_int_equal(store_run_wait(s.store, write_key, &failing, &e), -1);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, 2);
	scratch_reopen(&s);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, 1);
	scratch_done(&s);
}

static void
test_read_only_without_a_file_is_empty_and_makes_none(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path, .is_read_only = true };
	struct err e = { 0 };
	int keys = -1;

	(void)state;
	scratch_init(&s);
	assert_int_equal(store_open(&o, &s.store, &e), 0);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, 0);
	store_close(s.store);
	s.store = NULL;
	assert_int_equal(access(s.path, F_OK), -1);
	scratch_done(&s);
}

static void
test_no_folder_says_so(void **state)
{
	struct store_options o = { .path = "/nonexistent/folder/findingsd.db" };
	struct store *store = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(store_open(&o, &store, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.text, "/nonexistent/folder"));
}

static int
set_cursor(struct store_tx *tx, void *arg, struct err *e)
{
	return cursor_set(tx, arg, e);
}

struct cursor_job {
	struct cursor key, found;
	struct cursor *list;
	size_t count;
	int rc;
};

static int
get_cursor(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor_job *job = arg;

	job->rc = cursor_get(tx, &job->key, &job->found, e);
	if (job->rc < 0)
		return -1;
	return cursor_list(tx, &job->list, &job->count, e);
}

static void
test_cursors_come_back(void **state)
{
	struct scratch s;
	struct cursor c = { .source = "hub",
		            .account = "111122223333",
		            .region = "us-east-1",
		            .stream = CURSOR_LATE,
		            .watermark_ms = 1,
		            .target_ms = 2,
		            .started_ms = 3,
		            .start_kind = 4,
		            .start_ms = 5,
		            .last_success_ms = 6 };
	struct cursor_job job = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, set_cursor, &c);
	c.stream = CURSOR_LIVE;
	scratch_run(&s, set_cursor, &c);
	c.watermark_ms = 7;
	scratch_run(&s, set_cursor, &c);
	scratch_reopen(&s);
	job.key = c;
	job.key.watermark_ms = 0;
	scratch_run(&s, get_cursor, &job);
	assert_int_equal(job.rc, 1);
	assert_string_equal(job.found.source, "hub");
	assert_string_equal(job.found.account, "111122223333");
	assert_string_equal(job.found.region, "us-east-1");
	assert_int_equal(job.found.stream, CURSOR_LIVE);
	assert_int_equal(job.found.watermark_ms, 7);
	assert_int_equal(job.found.target_ms, 2);
	assert_int_equal(job.found.started_ms, 3);
	assert_int_equal(job.found.start_kind, 4);
	assert_int_equal(job.found.start_ms, 5);
	assert_int_equal(job.found.last_success_ms, 6);
	assert_int_equal(job.count, 2);
	assert_int_equal(job.list[1].watermark_ms, 1);
	mem_free(job.list);
	job.key.region[0] = 'x';
	scratch_run(&s, get_cursor, &job);
	assert_int_equal(job.rc, 0);
	mem_free(job.list);
	memset(c.region, 'r', sizeof(c.region)); /* not even terminated */
	struct err e = { 0 };
	assert_int_equal(store_run_wait(s.store, set_cursor, &c, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	scratch_done(&s);
}

static int
fill(struct store_tx *tx, void *arg, struct err *e)
{
	static char body[64 * 1024];
	int64_t id;

	(void)arg;
	memset(body, 'x', sizeof(body));
	return outbox_event_add(tx, (struct span){ body, sizeof(body) }, &id, e);
}

static char small[] = "y";

static int
small_write(struct store_tx *tx, void *arg, struct err *e)
{
	return meta_set(tx, "k.small", span_of(arg), e);
}

static void
test_a_full_disk_fails_what_grows_and_recovers(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path, .max_page_count = 100, .reserve_bytes = -1 };
	struct err e = { 0 };
	struct store_stats stats;
	int rc = 0, filled = 0, keys = 0;

	(void)state;
	scratch_init(&s);
	assert_int_equal(store_open(&o, &s.store, &e), 0);
	while (rc == 0 && filled < 100) {
		rc = store_run_wait(s.store, fill, NULL, &e);
		filled += rc == 0;
	}
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_FULL);
	assert_true(e.is_temporary);
	assert_non_null(strstr(e.text, "disk is full"));
	store_get_stats(s.store, &stats);
	assert_true(stats.is_failing);
	assert_non_null(strstr(stats.trouble, "disk is full"));
	scratch_run(&s, small_write, small); /* what fits still goes */
	store_get_stats(s.store, &stats);
	assert_false(stats.is_failing);
	scratch_reopen(&s); /* without the limit: the disk has room again */
	scratch_run(&s, fill, NULL);
	scratch_run(&s, count_keys, &keys);
	assert_int_equal(keys, 1);
	scratch_done(&s);
}

static void
test_low_space_refuses_what_grows_only(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path, .reserve_bytes = INT64_MAX };
	struct err e = { 0 };
	struct store_stats stats;

	(void)state;
	scratch_init(&s);
	assert_int_equal(store_open(&o, &s.store, &e), 0);
	assert_int_equal(store_run_wait(s.store, fill, NULL, &e), -1);
	assert_true(e.is_temporary);
	assert_non_null(strstr(e.text, "almost full"));
	scratch_run(&s, small_write, small);
	store_get_stats(s.store, &stats);
	assert_true(stats.is_space_low);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_that_wait_share_a_transaction),
		cmocka_unit_test(test_a_job_that_fails_leaves_the_others),
		cmocka_unit_test(test_a_job_alone_that_fails_leaves_nothing),
		cmocka_unit_test(test_close_runs_what_waits_and_calls_back),
		cmocka_unit_test(test_a_second_opener_is_refused),
		cmocka_unit_test(test_read_only_sees_its_own_writes_and_keeps_none),
		cmocka_unit_test(test_read_only_without_a_file_is_empty_and_makes_none),
		cmocka_unit_test(test_no_folder_says_so),
		cmocka_unit_test(test_cursors_come_back),
		cmocka_unit_test(test_a_full_disk_fails_what_grows_and_recovers),
		cmocka_unit_test(test_low_space_refuses_what_grows_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
