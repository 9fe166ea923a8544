/*
 * A store that an earlier version made opens with all that is in it, whatever interrupts the upgrade; one of a newer version is refused;
 * one that may not be written is read as it would be after the upgrade. Built with the fault points, also where the daemon is not.
 */
#include "config.h"

#include "scratch.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "old_store.h"
#include "store/audit.h"
#include "store/cursor.h"
#include "store/meta.h"
#include "store/quarantine.h"
#include "store/schema.h"

enum { OLDEST = 1 };

/* One row of the outbox of schema-1.hex. */
static const struct {
	enum outbox_state state;
	const char *sink, *answer;
	uint32_t attempts, earlier; /* attempts that did not finish it */
} items[] = {
	{ OUTBOX_QUEUED, "hook", "", 0, 0 },      { OUTBOX_BLOCKED, "hook", "", 0, 0 },
	{ OUTBOX_DONE, "hook", "200 ok", 2, 1 },  { OUTBOX_QUEUED, "mail", "", 0, 0 },
	{ OUTBOX_DEAD, "mail", "400 bad", 2, 1 }, { OUTBOX_QUEUED, "mail", "", 0, 0 },
};

static int
expect_items(struct store_tx *tx, struct err *e)
{
	struct audit_attempt attempts[4];
	size_t count;

	for (size_t i = 0; i < LENGTH(items); i++) {
		struct outbox_item *item = NULL;
		if (outbox_get(tx, (int64_t)i + 1, &item, e) != 1)
			return -1;
		assert_int_equal(item->state, items[i].state);
		assert_true(span_eq_str(item->sink, items[i].sink));
		assert_true(span_eq_str(item->answer, items[i].answer));
		assert_int_equal(item->attempts, items[i].attempts);
		assert_int_equal(item->event.len > 0, items[i].state != OUTBOX_DONE);
		outbox_item_free(item);
		if (audit_attempts(tx, (int64_t)i + 1, attempts, LENGTH(attempts), &count, e) < 0)
			return -1;
		assert_int_equal(count, items[i].earlier);
	}
	return 0;
}

static int
expect_all(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor c = { .source = "hub", .account = "111122223333", .region = "us-east-1" };
	struct memory_origin origin = { "hub", "111122223333", "us-east-1" };
	struct quarantine_row *rows = NULL;
	unsigned char identity[32];
	struct span state;
	int64_t id, paused = 0, oldest;
	uint64_t watched = 0;
	size_t count = 0;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		memset(identity, 'a' + i, sizeof(identity));
		assert_int_equal(memory_get(tx, identity, &id, &state, NULL, e), 1);
		assert_true(span_eq_str(state, "state"));
	}
	assert_int_equal(memory_watch_count(tx, &origin, &watched, &oldest, e), 0);
	assert_int_equal(watched, 1);
	assert_int_equal(cursor_get(tx, &c, &c, e), 1);
	assert_int_equal(c.watermark_ms, 1700000000000);
	assert_int_equal(meta_get_i64(tx, "sink.paused.mail", &paused, e), 1);
	assert_int_equal(paused, 1);
	assert_int_equal(quarantine_list(tx, 0, 10, &rows, &count, e), 0);
	assert_int_equal(count, 1);
	mem_free(rows);
	return expect_items(tx, e);
}

static int
take_one(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_new n = scratch_notice("hook", 0, CHANGE_CREATED, 1);

	(void)arg;
	if (outbox_event_add(tx, span_of("{}"), &n.event_id, e) < 0)
		return -1;
	return outbox_add(tx, &n, NULL, e);
}

static int
version_of(const char *path)
{
	sqlite3 *db = NULL;
	struct err e = { 0 };
	int version = -1;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (schema_read_version(db, path, &version, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return version;
}

static void
test_every_version_opens_with_all_that_is_in_it(void **state)
{
	(void)state;
	for (int version = OLDEST; version < schema_version(); version++) {
		struct store_stats stats;
		struct scratch s;
		char name[512];
		(void)snprintf(name, sizeof(name), "%s/tests/unit/store/schema-%d.hex", TEST_SRCDIR,
		               version);
		if (version > OLDEST && access(name, R_OK) < 0)
			continue; /* steps of one release need no file each */
		scratch_init(&s);
		old_store_write(version, s.path);
		scratch_open(&s);
		scratch_run(&s, expect_all, NULL);
		scratch_run(&s, take_one, NULL);
		store_get_stats(s.store, &stats);
		assert_int_equal(stats.schema_from, version);
		assert_int_equal(stats.schema, schema_version());
		scratch_reopen(&s);
		scratch_run(&s, expect_all, NULL);
		store_get_stats(s.store, &stats);
		assert_int_equal(stats.schema_from, schema_version());
		scratch_done(&s);
	}
}

static void
test_a_read_only_open_leaves_the_old_version_in_place(void **state)
{
	struct store_options o = { .is_read_only = true };
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	old_store_write(OLDEST, s.path);
	o.path = s.path;
	if (store_open(&o, &s.store, &e) < 0)
		fail_msg("%s", e.text);
	scratch_run(&s, expect_all, NULL);
	scratch_run(&s, take_one, NULL);
	store_close(s.store);
	s.store = NULL;
	assert_int_equal(version_of(s.path), OLDEST);
	scratch_open(&s);
	scratch_run(&s, expect_all, NULL);
	scratch_done(&s);
}

/* A child, because the fault points read the environment once and for all. */
static int
open_in_child(const struct scratch *s, const char *fault)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store_options o = { .path = s->path, .reserve_bytes = -1 };
		struct store *store;
		struct err e = { 0 };
		(void)setenv("FINDINGSD_FAULT", fault, 1);
		if (store_open(&o, &store, &e) == 0)
			_exit(0);
		_exit(strstr(e.text, "bringing the store from schema") != NULL ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_an_upgrade_that_is_interrupted_goes_on(void **state)
{
	static const struct {
		const char *point, *what;
		int expected;
	} cases[] = {
		{ "store.schema.step", "kill", -SIGKILL },
		{ "store.schema.fail", "fail", 1 },
	};
	struct scratch all[64];
	size_t count = 0;
	char fault[64];

	(void)state;
	/* First all children, then the look at what they left: this process may not read the environment before they do. */
	for (int nth = 1; nth <= schema_version() - OLDEST; nth++) {
		for (size_t i = 0; i < LENGTH(cases) && count < LENGTH(all); i++) {
			struct scratch *s = &all[count++];
			scratch_init(s);
			old_store_write(OLDEST, s->path);
			(void)snprintf(fault, sizeof(fault), "%s:%s@%d", cases[i].point,
			               cases[i].what, nth);
			assert_int_equal(open_in_child(s, fault), cases[i].expected);
			assert_int_equal(version_of(s->path), OLDEST + nth - 1);
		}
	}
	for (size_t i = 0; i < count; i++) {
		scratch_open(&all[i]);
		scratch_run(&all[i], expect_all, NULL);
		scratch_done(&all[i]);
	}
}

static void
test_a_newer_version_is_refused_and_left_alone(void **state)
{
	struct scratch s;
	struct store_options o = { 0 };
	struct err e = { 0 };
	sqlite3 *db = NULL;
	char sql[64];

	(void)state;
	scratch_init(&s);
	old_store_write(OLDEST, s.path);
	assert_int_equal(sqlite3_open(s.path, &db), SQLITE_OK);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", schema_version() + 1);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	o.path = s.path;
	assert_int_equal(store_open(&o, &s.store, &e), -1);
	assert_int_equal(e.kind, ERR_SCHEMA);
	assert_false(e.is_temporary);
	assert_non_null(strstr(e.text, "restore the backup made before the upgrade"));
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_upgrade_that_is_interrupted_goes_on),
		cmocka_unit_test(test_every_version_opens_with_all_that_is_in_it),
		cmocka_unit_test(test_a_read_only_open_leaves_the_old_version_in_place),
		cmocka_unit_test(test_a_newer_version_is_refused_and_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
