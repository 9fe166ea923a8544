/*
 * Memory: look-ups by identity through both indexes, what is watched, what is forgotten; meta and quarantine beside it.
 */
#include "config.h"

#include "scratch.h"

#include "base/buf.h"
#include "store/meta.h"
#include "store/quarantine.h"
#include "store/tx.h"

enum { LIMIT = 50 }; /* of the hot index in these tests */

static void
open_small(struct scratch *s)
{
	struct store_options o = { .path = s->path, .reserve_bytes = -1, .hot_limit = LIMIT };
	struct err e = { 0 };

	if (store_open(&o, &s->store, &e) < 0)
		fail_msg("%s", e.text);
}

/* The identity of a number; `twin` shares the first 8 bytes, so the hash. */
static void
identity_of(uint64_t number, bool is_twin, unsigned char ret[32])
{
	uint64_t mixed = number * 0x9E3779B97F4A7C15u;

	memset(ret, is_twin, 32);
	memcpy(ret, &mixed, sizeof(mixed));
}

struct memory_job {
	uint64_t first, count;
	bool is_twin, is_failing, is_open;
	int64_t now_ms;
	uint64_t found; /* of get: how many, with the right state */
	int64_t id;     /* the last one */
	uint64_t total;
};

static int
add_all(struct store_tx *tx, void *arg, struct err *e)
{
	struct memory_job *job = arg;
	unsigned char identity[32];
	char text[32];

	for (uint64_t i = 0; i < job->count; i++) {
		identity_of(job->first + i, job->is_twin, identity);
		(void)snprintf(text, sizeof(text), "state %llu %d",
		               (unsigned long long)(job->first + i), job->is_twin);
		if (memory_add(tx, identity, span_of(text), job->is_open, job->now_ms, &job->id,
		               e) < 0)
			return -1;
	}
	return job->is_failing ? err_set(e, ERR_PARSE, "on purpose") : 0;
}

static int
get_all(struct store_tx *tx, void *arg, struct err *e)
{
	struct memory_job *job = arg;
	unsigned char identity[32];
	struct span state;
	char text[32];

	job->found = 0;
	for (uint64_t i = 0; i < job->count; i++) {
		identity_of(job->first + i, job->is_twin, identity);
		(void)snprintf(text, sizeof(text), "state %llu %d",
		               (unsigned long long)(job->first + i), job->is_twin);
		int rc = memory_get(tx, identity, &job->id, &state, NULL, e);
		if (rc < 0)
			return -1;
		job->found += rc > 0 && span_eq_str(state, text);
	}
	return memory_count(tx, &job->total, e);
}

static void
expect_found(struct scratch *s, struct memory_job job, uint64_t found)
{
	scratch_run(s, get_all, &job);
	assert_int_equal(job.found, found);
}

static void
test_identities_are_found_through_both_indexes(void **state)
{
	struct scratch s;
	struct memory_job job = { .count = 1 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	for (job.first = 0; job.first < 4 * LIMIT + 7; job.first++)
		scratch_run(&s, add_all, &job);
	for (int round = 0; round < 2; round++) {
		expect_found(&s, (struct memory_job){ .count = 5 * LIMIT }, 4 * LIMIT + 7);
		store_close(s.store);
		open_small(&s); /* the hot index is read again from the rows */
	}
	job = (struct memory_job){ 0 };
	scratch_run(&s, get_all, &job);
	assert_int_equal(job.total, 4 * LIMIT + 7);
	scratch_done(&s);
}

static void
test_more_than_the_index_holds_in_one_job(void **state)
{
	struct scratch s;
	struct memory_job job = { .count = 5 * LIMIT };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, add_all, &job);
	expect_found(&s, job, 5 * LIMIT);
	store_close(s.store);
	open_small(&s);
	expect_found(&s, job, 5 * LIMIT);
	scratch_done(&s);
}

static void
test_more_rows_behind_the_last_move_than_the_index_holds(void **state)
{
	struct scratch s;
	struct memory_job job = { .count = 10 * LIMIT };

	(void)state;
	scratch_init(&s);
	scratch_open(&s); /* a large index: nothing is moved */
	scratch_run(&s, add_all, &job);
	store_close(s.store);
	open_small(&s);
	expect_found(&s, job, 10 * LIMIT);
	store_close(s.store);
	open_small(&s);
	expect_found(&s, job, 10 * LIMIT);
	scratch_done(&s);
}

static void
test_the_same_hash_is_not_the_same_identity(void **state)
{
	struct scratch s;
	struct memory_job one = { .first = 1, .count = 3 };
	struct memory_job twin = { .first = 1, .count = 3, .is_twin = true };
	struct memory_job more = { .first = 1000, .count = LIMIT };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, add_all, &one);
	expect_found(&s, twin, 0);
	scratch_run(&s, add_all, &twin);
	for (int round = 0; round < 2; round++) {
		expect_found(&s, one, 3);
		expect_found(&s, twin, 3);
		if (round == 0)
			scratch_run(&s, add_all, &more); /* moves them into the big index */
	}
	scratch_done(&s);
}

static void
test_a_failed_job_leaves_no_index_entry(void **state)
{
	struct scratch s;
	struct memory_job job = { .count = LIMIT, .is_failing = true };
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	assert_int_equal(store_run_wait(s.store, add_all, &job, &e), -1);
	expect_found(&s, job, 0);
	job.is_failing = false;
	scratch_run(&s, add_all, &job);
	expect_found(&s, job, LIMIT);
	scratch_done(&s);
}

struct set_job {
	int64_t id, seen_ms, now_ms, read_seen_ms;
	bool is_touch;
	uint64_t number;
	int rc;
};

static int
set_one(struct store_tx *tx, void *arg, struct err *e)
{
	struct set_job *job = arg;
	unsigned char identity[32];
	struct span state;
	int64_t id;

	if (job->is_touch ? memory_touch(tx, job->id, job->seen_ms, job->now_ms, e) < 0
	                  : memory_set(tx, job->id, span_of("other"), false, job->now_ms, e) < 0)
		return -1;
	identity_of(job->number, false, identity);
	job->rc = memory_get(tx, identity, &id, &state, &job->read_seen_ms, e);
	return 0;
}

static void
test_set_and_touch(void **state)
{
	enum { HOURS = 3600 * 1000 };
	struct scratch s;
	struct memory_job add = { .first = 5, .count = 1, .now_ms = 1000 };
	struct set_job job = { .number = 5 };
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, add_all, &add);
	job = (struct set_job){ .id = add.id, .number = 5, .now_ms = 2000 };
	scratch_run(&s, set_one, &job);
	assert_int_equal(job.read_seen_ms, 2000);
	job.is_touch = true;
	job.seen_ms = 2000;
	job.now_ms = 5 * HOURS;
	scratch_run(&s, set_one, &job);
	assert_int_equal(job.read_seen_ms, 2000); /* coarse: not worth a write */
	job.now_ms = 7 * HOURS;
	scratch_run(&s, set_one, &job);
	assert_int_equal(job.read_seen_ms, 7 * HOURS);
	job.is_touch = false;
	job.id = 99;
	assert_int_equal(store_run_wait(s.store, set_one, &job, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	scratch_done(&s);
}

static int
run_sql(struct store_tx *tx, void *arg, struct err *e)
{
	return tx_sql(tx, arg, e);
}

struct quarantine_job {
	struct quarantine_row *rows;
	size_t count;
	struct buf body;
};

static int
list_quarantine(struct store_tx *tx, void *arg, struct err *e)
{
	struct quarantine_job *job = arg;

	if (quarantine_list(tx, 0, 10, &job->rows, &job->count, e) < 0)
		return -1;
	buf_clear(&job->body);
	return job->count ? quarantine_body(tx, job->rows[0].id, &job->body, e) : 0;
}

static void
test_a_damaged_row_is_set_aside_and_counts_as_new(void **state)
{
	static char harm[] = "UPDATE memory SET state = 'garbage' WHERE id = 2";
	struct scratch s;
	struct memory_job job = { .first = 1, .count = 3 };
	struct quarantine_job quarantine = { 0 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, add_all, &job);
	scratch_run(&s, run_sql, harm);
	expect_found(&s, job, 2);
	scratch_run(&s, list_quarantine, &quarantine);
	assert_int_equal(quarantine.count, 1);
	assert_string_equal(quarantine.rows[0].where, "store.memory");
	assert_string_equal(quarantine.body.data, "garbage");
	mem_free(quarantine.rows);
	buf_done(&quarantine.body);
	job.first = 2; /* read again: remembered again */
	job.count = 1;
	scratch_run(&s, add_all, &job);
	expect_found(&s, job, 1);
	scratch_done(&s);
}

static int
quarantine_many(struct store_tx *tx, void *arg, struct err *e)
{
	char body[32];

	for (int i = 0; i < *(int *)arg; i++) {
		(void)snprintf(body, sizeof(body), "body %d", i);
		if (quarantine_add(tx, "hub//us-east-1", "no id", span_of(body), i, e) < 0)
			return -1;
	}
	return 0;
}

static void
test_quarantine_keeps_each_once_and_is_bounded(void **state)
{
	struct scratch s;
	struct quarantine_job job = { 0 };
	int many = 3;

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, quarantine_many, &many);
	scratch_run(&s, quarantine_many, &many);
	scratch_run(&s, list_quarantine, &job);
	assert_int_equal(job.count, 3);
	mem_free(job.rows);
	many = QUARANTINE_MAX + 5;
	scratch_run(&s, quarantine_many, &many);
	scratch_run(&s, list_quarantine, &job);
	assert_string_equal(job.body.data, "body 5"); /* the oldest went */
	mem_free(job.rows);
	buf_done(&job.body);
	scratch_done(&s);
}

static const struct memory_origin hub = { "hub", "111122223333", "us-east-1" };
static const struct memory_origin guard = { "guardduty", "111122223333", "us-east-1" };

struct watch_job {
	int64_t id, checked_ms, before_ms;
	int severity, min_severity;
	const struct memory_origin *origin;
	struct memory_watched **list;
	size_t count;
	uint64_t total;
	int64_t oldest_ms;
};

static int
watch(struct store_tx *tx, void *arg, struct err *e)
{
	struct watch_job *job = arg;
	char finding[32];

	(void)snprintf(finding, sizeof(finding), "finding-%d", (int)job->id);
	return memory_watch(tx, job->id, job->origin, span_of(finding), job->severity,
	                    job->checked_ms, e);
}

static int
checked(struct store_tx *tx, void *arg, struct err *e)
{
	struct watch_job *job = arg;

	return memory_watch_checked(tx, job->id, job->origin, job->checked_ms, e);
}

static int
list_watched(struct store_tx *tx, void *arg, struct err *e)
{
	struct watch_job *job = arg;

	if (memory_watch_count(tx, job->origin, &job->total, &job->oldest_ms, e) < 0)
		return -1;
	return memory_watch_list(tx, job->origin, job->min_severity, job->before_ms, 10, &job->list,
	                         &job->count, e);
}

/* The ids that are watched, longest unchecked first. */
static const char *
watched(struct scratch *s, const struct memory_origin *origin, int min_severity, int64_t before_ms)
{
	static char text[128];
	struct watch_job job = { .origin = origin,
		                 .min_severity = min_severity,
		                 .before_ms = before_ms };
	size_t at = 0;

	scratch_run(s, list_watched, &job);
	text[0] = '\0';
	for (size_t i = 0; i < job.count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d", i ? " " : "",
		                       (int)job.list[i]->id);
	memory_watched_free(job.list, job.count);
	return text;
}

static void
test_watched_findings_are_asked_in_turn(void **state)
{
	struct scratch s;
	struct memory_job add = { .first = 1, .count = 3, .is_open = true };
	struct watch_job job = { .origin = &hub };
	struct set_job close = { .id = 1, .number = 1 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	assert_string_equal(watched(&s, &hub, 0, 1000), "");
	scratch_run(&s, add_all, &add);
	for (int64_t id = 1; id <= 3; id++) {
		job = (struct watch_job){
			.origin = &hub, .id = id, .checked_ms = 100 - id, .severity = (int)id
		};
		scratch_run(&s, watch, &job);
		scratch_run(&s, watch, &job); /* again: still one */
	}
	job.origin = &guard;
	scratch_run(&s, watch, &job);
	assert_string_equal(watched(&s, &hub, 0, 1000), "3 2 1");
	assert_string_equal(watched(&s, &hub, 2, 1000), "3 2");
	assert_string_equal(watched(&s, &hub, 0, 98), "3");
	assert_string_equal(watched(&s, &guard, 0, 1000), "3");
	job = (struct watch_job){ .origin = &hub, .id = 3, .checked_ms = 500 };
	scratch_run(&s, checked, &job);
	assert_string_equal(watched(&s, &hub, 0, 1000), "2 1 3");
	scratch_run(&s, set_one, &close); /* no open notice any more */
	assert_string_equal(watched(&s, &hub, 0, 1000), "2 3");
	job.before_ms = 1000;
	scratch_run(&s, list_watched, &job);
	assert_int_equal(job.total, 2);
	assert_int_equal(job.oldest_ms, 98);
	assert_string_equal(job.list[0]->finding.p, "finding-2");
	assert_int_equal(job.list[0]->severity, 2);
	memory_watched_free(job.list, job.count);
	scratch_done(&s);
}

struct prune_job {
	int64_t before_ms;
	bool is_more;
};

static int
prune(struct store_tx *tx, void *arg, struct err *e)
{
	struct prune_job *job = arg;

	return store_prune(tx, job->before_ms, &job->is_more, e);
}

static void
test_what_was_long_unseen_is_forgotten_in_chunks(void **state)
{
	const int64_t day = 86400000;
	struct scratch s;
	struct memory_job old = { .first = 1, .count = 1200, .now_ms = 1000 * day };
	struct memory_job young = { .first = 5000, .count = 10, .now_ms = 1040 * day };
	struct memory_job open = {
		.first = 9000, .count = 10, .now_ms = 1000 * day, .is_open = true
	};
	struct prune_job job = { .before_ms = 1010 * day, .is_more = true };
	int calls = 0;

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, add_all, &old);
	scratch_run(&s, add_all, &young);
	scratch_run(&s, add_all, &open);
	for (; job.is_more && calls < 100; calls++)
		scratch_run(&s, prune, &job);
	assert_true(calls >= 3 && calls < 100);
	expect_found(&s, old, 0);
	expect_found(&s, young, 10);
	expect_found(&s, open, 10);
	scratch_run(&s, get_all, &young);
	assert_int_equal(young.total, 20);
	scratch_run(&s, add_all, &old); /* and may come again */
	expect_found(&s, old, 1200);
	job = (struct prune_job){ .before_ms = 1110 * day, .is_more = true };
	while (job.is_more)
		scratch_run(&s, prune, &job);
	expect_found(&s, open, 0); /* 100 days more, then it is over for open ones too */
	scratch_done(&s);
}

struct meta_job {
	struct buf text;
	int64_t number;
	int rc;
};

static int
meta_append(void *arg, const char *key, struct span value, struct err *e)
{
	struct buf *text = arg;

	(void)e;
	return buf_printf(text, "%s=%.*s;", key, SPAN_FMT(value));
}

static int
meta_job(struct store_tx *tx, void *arg, struct err *e)
{
	struct meta_job *job = arg;
	char long_key[META_KEY_MAX + 2];
	struct err ignored = { 0 };

	buf_clear(&job->text);
	memset(long_key, 'k', sizeof(long_key));
	long_key[sizeof(long_key) - 1] = '\0';
	assert_int_equal(meta_set(tx, long_key, span_of("x"), &ignored), -1);
	assert_int_equal(ignored.kind, ERR_LIMIT);
	if (meta_set(tx, "sink.b.paused", span_of("yes"), e) < 0 ||
	    meta_set(tx, "sink.a.paused", span_of("no"), e) < 0 ||
	    meta_set(tx, "sink.a.paused", span_of("maybe"), e) < 0 ||
	    meta_set_i64(tx, "rule.x.since", -12, e) < 0 ||
	    meta_set(tx, "sinl", span_of("z"), e) < 0)
		return -1;
	assert_int_equal(meta_get_i64(tx, "rule.x.since", &job->number, e), 1);
	assert_int_equal(meta_get_i64(tx, "sink.a.paused", &job->number, e), 0);
	assert_int_equal(meta_get_i64(tx, "absent", &job->number, e), 0);
	if (meta_delete(tx, "sink.b.paused", e) < 0)
		return -1;
	if (meta_set(tx, "sink.c", span_of(""), e) < 0)
		return -1;
	return meta_each(tx, "sink.", meta_append, &job->text, e);
}

static void
test_meta_by_name_and_prefix(void **state)
{
	struct scratch s;
	struct meta_job job = { 0 };

	(void)state;
	scratch_init(&s);
	open_small(&s);
	scratch_run(&s, meta_job, &job);
	assert_int_equal(job.number, -12);
	assert_string_equal(job.text.data, "sink.a.paused=maybe;sink.c=;");
	buf_done(&job.text);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identities_are_found_through_both_indexes),
		cmocka_unit_test(test_more_than_the_index_holds_in_one_job),
		cmocka_unit_test(test_more_rows_behind_the_last_move_than_the_index_holds),
		cmocka_unit_test(test_the_same_hash_is_not_the_same_identity),
		cmocka_unit_test(test_a_failed_job_leaves_no_index_entry),
		cmocka_unit_test(test_set_and_touch),
		cmocka_unit_test(test_a_damaged_row_is_set_aside_and_counts_as_new),
		cmocka_unit_test(test_quarantine_keeps_each_once_and_is_bounded),
		cmocka_unit_test(test_watched_findings_are_asked_in_turn),
		cmocka_unit_test(test_what_was_long_unseen_is_forgotten_in_chunks),
		cmocka_unit_test(test_meta_by_name_and_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
