/*
 * Backups and repairs: a copy made while the store is written to is whole; of a damaged store everything that can be read and is as it was
 * written goes into the new one; nothing is deleted; an interrupted repair never looks like a first start. Built with the fault points.
 */
#include "config.h"

#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "old_store.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/cursor.h"
#include "store/meta.h"
#include "store/repair.h"

enum { FINDINGS = 900, WAITING = 300, SINCE = 5000, NOW = 90000 };

static void
identity_of(int64_t number, unsigned char ret[32])
{
	uint64_t mixed = (uint64_t)(number + 1) * 0x9E3779B97F4A7C15u;

	for (size_t i = 0; i < 4; i++, mixed *= 31)
		memcpy(ret + 8 * i, &mixed, 8);
}

struct batch {
	int from, to;
};

/* Of each finding a notice: the first WAITING wait (and a second one behind each), the next 100 are dead, the others told. */
static int
add_finding(struct store_tx *tx, int number, struct err *e)
{
	struct outbox_outcome o = { .now_ms = 2000, .is_attempt = true, .answer = SPAN_LIT("200") };
	static char body[2000];
	unsigned char identity[32];
	int64_t memory, id;

	memset(body, 'b', sizeof(body));
	identity_of(number, identity);
	if (memory_add(tx, identity, span_of("what is remembered of it"), true, 1000, &memory, e) <
	    0)
		return -1;
	for (uint32_t i = 1; i <= (number < WAITING ? 2 : 1); i++) {
		struct outbox_new n = scratch_notice("hook", memory,
		                                     i == 1 ? CHANGE_CREATED : CHANGE_RESOLVED, i);
		n.subject = SPAN_LIT("id\ntitle\nproduct\naccount\nregion");
		if (outbox_event_add(tx, (struct span){ body, sizeof(body) }, &n.event_id, e) < 0 ||
		    outbox_add(tx, &n, &id, e) < 0)
			return -1;
	}
	if (number < WAITING)
		return 0;
	return number < WAITING + 100 ? outbox_bury(tx, id, &o, NULL, e)
	                              : outbox_done(tx, id, &o, e);
}

static int
add_batch(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor c = {
		.source = "hub", .region = "us-east-1", .watermark_ms = 60000, .started_ms = 1000
	};
	struct batch *b = arg;

	for (int i = b->from; i < b->to; i++) {
		if (add_finding(tx, i, e) < 0)
			return -1;
	}
	if (meta_set(tx, "sink.paused.mail", span_of("1"), e) < 0)
		return -1;
	return cursor_set(tx, &c, e);
}

static void
fill_store(struct scratch *s)
{
	scratch_init(s);
	scratch_open(s);
	for (int i = 0; i < FINDINGS; i += 100) {
		struct batch b = { i, i + 100 };
		scratch_run(s, add_batch, &b);
	}
}

/* What a store holds, as far as its own look-ups find it. */
struct holding {
	int remembered, due, waiting, dead, done, dropped, paused;
	int64_t watermark_ms;
};

static int
count_all(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_query q = { .sink = "hook", .now_ms = NOW, .limit = OUTBOX_FETCH_MAX };
	struct cursor c = { .source = "hub", .region = "us-east-1" };
	struct holding *h = arg;
	struct outbox_count *counts;
	struct outbox_item **items;
	int64_t id, next, paused = 0;
	struct span state;
	size_t count;

	memset(h, 0, sizeof(*h));
	for (int i = 0; i < FINDINGS; i++) {
		unsigned char identity[32];
		identity_of(i, identity);
		int rc = memory_get(tx, identity, &id, &state, NULL, e);
		if (rc < 0)
			return -1;
		h->remembered += rc;
	}
	if (outbox_next(tx, &q, &items, &count, &next, e) < 0)
		return -1;
	h->due = (int)count;
	outbox_items_free(items, count);
	if (outbox_counts(tx, &counts, &count, e) < 0)
		return -1;
	if (count > 0) {
		h->waiting = (int)counts[0].queued;
		h->dead = (int)counts[0].dead;
		h->done = (int)counts[0].done;
		h->dropped = (int)counts[0].dropped;
	}
	mem_free(counts);
	if (cursor_get(tx, &c, &c, e) > 0)
		h->watermark_ms = c.watermark_ms;
	if (meta_get_i64(tx, "sink.paused.mail", &paused, e) < 0)
		return -1;
	h->paused = (int)paused;
	return 0;
}

static struct holding
look_at(const char *path)
{
	struct store_options o = { .path = path, .reserve_bytes = -1 };
	struct check c = { .is_full = true };
	struct store *store;
	struct holding h;
	struct err e = { 0 };

	if (store_open(&o, &store, &e) < 0)
		fail_msg("%s", e.text);
	do {
		if (store_run_wait(store, check_run, &c, &e) < 0)
			fail_msg("%s", e.text);
	} while (check_next(&c));
	for (int i = 0; i < CHECK_PARTS; i++) {
		if (c.found[i].bad > 0)
			fail_msg("%s: %s", check_part_name((enum check_part)i), c.found[i].trouble);
	}
	if (store_run_wait(store, count_all, &h, &e) < 0)
		fail_msg("%s", e.text);
	store_close(store);
	return h;
}

/* ---- backup ---- */

struct waiter {
	bool is_over;
	struct err err;
};

static void
on_backup(void *arg, const struct err *failed)
{
	struct waiter *w = arg;

	w->is_over = true;
	if (failed != NULL)
		w->err = *failed;
}

static void
wait_for(struct scratch *s, struct waiter *w)
{
	struct pollfd p = { .fd = store_fd(s->store), .events = POLLIN };

	while (!w->is_over) {
		assert_int_equal(poll(&p, 1, 30000), 1);
		store_drain(s->store);
	}
}

static int
fail_after_writing(struct store_tx *tx, void *arg, struct err *e)
{
	struct batch b = { FINDINGS + 1000, FINDINGS + 1040 };

	(void)arg;
	if (add_batch(tx, &b, e) < 0)
		return -1;
	return err_set(e, ERR_CONFIG, "taken back");
}

static void
test_a_backup_of_a_store_in_use_is_whole(void **state)
{
	struct waiter w = { 0 };
	struct scratch s;
	struct err e = { 0 };
	struct stat st;
	char dest[128];

	(void)state;
	fill_store(&s);
	(void)snprintf(dest, sizeof(dest), "%s/copy.db", s.folder);
	assert_int_equal(store_backup(s.store, dest, on_backup, &w, &e), 0);
	for (int i = FINDINGS; i < FINDINGS + 200; i += 20) { /* between its steps */
		struct batch b = { i, i + 20 };
		scratch_run(&s, add_batch, &b);
		assert_int_equal(store_run_wait(s.store, fail_after_writing, NULL, &e), -1);
	}
	wait_for(&s, &w);
	assert_string_equal(w.err.text, "");
	assert_int_equal(stat(dest, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct holding copy = look_at(dest);
	assert_int_equal(copy.remembered, FINDINGS);
	assert_int_equal(copy.waiting, 2 * WAITING);
	assert_int_equal(copy.dead, 100);
	assert_int_equal(copy.watermark_ms, 60000);
	assert_int_equal(copy.paused, 1);
	scratch_done(&s);
}

static void
test_a_backup_never_replaces_a_file(void **state)
{
	struct waiter w = { 0 };
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	fill_store(&s);
	assert_int_equal(store_backup(s.store, s.path, on_backup, &w, &e), 0);
	assert_int_equal(store_backup(s.store, s.path, on_backup, &w, &e), -1); /* one at a time */
	wait_for(&s, &w);
	assert_non_null(strstr(w.err.text, "never replaces"));
	w = (struct waiter){ 0 };
	assert_int_equal(store_backup(s.store, "/nowhere/at/all", on_backup, &w, &e), 0);
	wait_for(&s, &w);
	assert_non_null(strstr(w.err.text, "cannot be made"));
	store_close(s.store);
	s.store = NULL;
	assert_int_equal(look_at(s.path).remembered, FINDINGS);
	scratch_done(&s);
}

static int
count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = -2;

	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

static void
test_a_stop_ends_a_backup_and_leaves_nothing(void **state)
{
	struct waiter w = { 0 };
	struct scratch s;
	struct err e = { 0 };
	char dest[128];

	(void)state;
	fill_store(&s);
	(void)snprintf(dest, sizeof(dest), "%s/copy.db", s.folder);
	assert_int_equal(store_backup(s.store, dest, on_backup, &w, &e), 0);
	store_close(s.store);
	s.store = NULL;
	assert_true(w.is_over);
	if (w.err.kind != ERR_NONE) { /* else it was faster than the stop */
		assert_int_equal(w.err.kind, ERR_CANCELLED);
		assert_int_equal(count_files(s.folder), 1);
	}
	scratch_done(&s);
}

static void
test_a_store_of_an_earlier_version_is_copied_as_it_is(void **state)
{
	struct scratch s;
	struct err e = { 0 };
	struct stat from, to;
	char dest[128];

	(void)state;
	scratch_init(&s);
	old_store_write(1, s.path);
	(void)snprintf(dest, sizeof(dest), "%s/copy.db", s.folder);
	if (store_backup_file(s.path, dest, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(stat(s.path, &from), 0);
	assert_int_equal(stat(dest, &to), 0);
	assert_int_equal(from.st_size, to.st_size);
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open(dest, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 1);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	scratch_done(&s);
}

/* ---- repair ---- */

static struct repair
repair(const struct scratch *s)
{
	struct repair r = { .path = s->path, .since_ms = SINCE, .now_ms = NOW };
	struct err e = { 0 };

	if (repair_run(&r, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(access(r.aside, F_OK), 0);
	return r;
}

static const struct repair_table *
table_of(const struct repair *r, const char *name)
{
	for (size_t i = 0; i < r->table_count; i++) {
		if (strcmp(r->tables[i].name, name) == 0)
			return &r->tables[i];
	}
	fail_msg("no table %s", name);
	return NULL;
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	(void)sqlite3_close(db);
}

/* The nth page, in the order of the file, that is a leaf of a table (type 13) and holds the text. */
static void
zero_leaf(const char *path, const char *text, int nth)
{
	static char page[16384];
	int fd = open(path, O_RDWR);

	for (off_t at = 16384; pread(fd, page, sizeof(page), at) == (ssize_t)sizeof(page);
	     at += (off_t)sizeof(page)) {
		if (page[0] != 13 || memmem(page, sizeof(page), text, strlen(text)) == NULL ||
		    nth-- > 0)
			continue;
		memset(page, 0, sizeof(page));
		assert_int_equal(pwrite(fd, page, sizeof(page), at), sizeof(page));
		(void)close(fd);
		return;
	}
	fail_msg("no such page");
}

static void
test_all_of_a_sound_store_is_kept(void **state)
{
	struct scratch s;

	(void)state;
	fill_store(&s);
	store_close(s.store);
	s.store = NULL;
	struct holding before = look_at(s.path);
	struct repair r = repair(&s);
	struct holding after = look_at(s.path);
	assert_int_equal(before.watermark_ms, 60000);
	assert_int_equal(after.watermark_ms, SINCE); /* the one thing that is to change */
	after.watermark_ms = before.watermark_ms;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.due, WAITING);
	assert_int_equal(table_of(&r, "memory")->kept, FINDINGS);
	assert_int_equal(table_of(&r, "memory")->bad + table_of(&r, "memory")->holes, 0);
	scratch_done(&s);
}

static void
test_what_a_hole_leaves_is_kept(void **state)
{
	static const struct {
		const char *text; /* in the leaves that are made a hole */
		const char *table;
	} cases[] = {
		{ "what is remembered of it", "memory" },
		{ "bbbbbbbb", "event" },
		{ "title\nproduct", "outbox" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct scratch s;
		fill_store(&s);
		store_close(s.store);
		s.store = NULL;
		zero_leaf(s.path, cases[i].text, 0);
		zero_leaf(s.path, cases[i].text, 1); /* the next one: that is a page behind it */
		struct repair r = repair(&s);
		struct holding h = look_at(s.path);
		const struct repair_table *t = table_of(&r, cases[i].table);
		assert_true(t->holes > 0 && t->holes <= 2 && t->kept > 0);
		if (strcmp(cases[i].table, "memory") != 0)
			assert_int_equal(h.remembered, FINDINGS);
		else
			assert_int_equal(h.remembered, t->kept);
		print_message("%s: kept %d, holes %d; remembered %d, waiting %d, dropped %d\n",
		              cases[i].table, (int)t->kept, (int)t->holes, h.remembered, h.waiting,
		              h.dropped);
		assert_true(h.remembered > FINDINGS / 4);
		assert_int_equal(h.paused, 1);
		assert_true(h.waiting + h.dead + h.done + h.dropped > FINDINGS / 4);
		assert_int_equal(h.dropped, (int)r.without_event);
		assert_int_equal(h.due > 0, h.waiting > 0);
		scratch_done(&s);
	}
}

static void
test_rows_that_were_changed_are_left_out(void **state)
{
	struct scratch s;

	(void)state;
	fill_store(&s);
	store_close(s.store);
	s.store = NULL;
	run_sql(s.path, "UPDATE memory SET state = 'x' WHERE id <= 10;"
	                "UPDATE event SET body = 'y' WHERE id IN (1, 2);"
	                "UPDATE outbox SET message = 'z' WHERE id IN (3, 5);");
	struct repair r = repair(&s);
	struct holding h = look_at(s.path);
	assert_int_equal(h.remembered, FINDINGS - 10);
	assert_int_equal(table_of(&r, "memory")->bad, 10);
	assert_int_equal(table_of(&r, "outbox")->bad, 2);
	/* The first finding's two notices have no event; behind 3 and 5, which are gone, 4 and 6 go on. */
	assert_int_equal(r.without_event, 2);
	assert_int_equal(h.dropped, 2);
	assert_int_equal(h.waiting, 2 * WAITING - 4);
	assert_int_equal(h.due, WAITING - 1);
	scratch_done(&s);
}

static void
test_of_what_cannot_be_opened_a_new_one_is_made(void **state)
{
	static const char *const cases[] = { "", "short", "cut", "gone", "garbage" };

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct store_options o = { 0 };
		struct scratch s;
		struct err e = { 0 };
		char log[128], aside[600];
		fill_store(&s);
		store_close(s.store);
		s.store = NULL;
		o.path = s.path;
		(void)snprintf(log, sizeof(log), "%s-wal", s.path);
		int fd = open(s.path, O_WRONLY);
		if (strcmp(cases[i], "gone") == 0) {
			(void)close(open(log, O_CREAT | O_WRONLY, 0600));
			assert_int_equal(truncate(log, 100), 0);
			assert_int_equal(unlink(s.path), 0);
		} else if (strcmp(cases[i], "garbage") == 0) {
			assert_int_equal(pwrite(fd, "nothing that SQLite knows", 25, 0), 25);
		} else {
			assert_int_equal(
				ftruncate(fd, cases[i][0] ? (cases[i][0] == 's' ? 50 : 20000) : 0),
				0);
		}
		(void)close(fd);
		assert_int_equal(store_open(&o, &s.store, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		struct repair r = { .path = s.path, .since_ms = SINCE, .now_ms = NOW };
		if (repair_run(&r, &e) < 0)
			fail_msg("%s: %s", cases[i], e.text);
		(void)snprintf(aside, sizeof(aside), "%s%s", r.aside,
		               cases[i][0] == 'g' && cases[i][1] == 'o' ? "-wal" : "");
		assert_int_equal(access(aside, F_OK), 0);
		assert_int_equal(look_at(s.path).remembered, 0);
		scratch_done(&s);
	}
}

static void
test_a_store_in_use_or_of_a_newer_version_is_left_alone(void **state)
{
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	fill_store(&s);
	struct repair r = { .path = s.path, .since_ms = SINCE, .now_ms = NOW };
	pid_t pid = fork(); /* locks do not count within one process */
	if (pid == 0)
		_exit(repair_run(&r, &e) < 0 && e.kind == ERR_LOCKED ? 0 : 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_close(s.store);
	s.store = NULL;
	run_sql(s.path, "PRAGMA user_version = 999");
	assert_int_equal(repair_run(&r, &e), -1);
	assert_int_equal(e.kind, ERR_SCHEMA);
	assert_true(count_files(s.folder) <= 2); /* and perhaps an empty log */
	scratch_done(&s);
}

/* Killed at each point: a start is refused or finds the damaged store, never nothing; the next repair ends it. */
static void
test_an_interrupted_repair_is_never_a_first_start(void **state)
{
	static const char *const points[] = {
		"store.repair.marked:kill",
		"store.repair.moved:kill",
		"store.repair.aside:kill",
		"store.repair.placed:kill",
	};
	struct scratch all[LENGTH(points)];

	(void)state;
	for (size_t i = 0; i < LENGTH(points); i++) { /* children first: see test_schema */
		struct scratch s;
		int status;
		pid_t pid;
		scratch_init(&s);
		all[i] = s;
		pid = fork();
		if (pid == 0) {
			struct repair r = { .path = all[i].path, .since_ms = SINCE, .now_ms = NOW };
			struct err e = { 0 };
			(void)setenv("FINDINGSD_FAULT", points[i], 1);
			scratch_open(&all[i]);
			for (int k = 0; k < FINDINGS; k += 100) {
				struct batch b = { k, k + 100 };
				scratch_run(&all[i], add_batch, &b);
			}
			store_close(all[i].store);
			_exit(repair_run(&r, &e) < 0 ? 1 : 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	for (size_t i = 0; i < LENGTH(points); i++) {
		struct store_options o = { .path = all[i].path };
		struct repair r = { .path = all[i].path, .since_ms = SINCE, .now_ms = NOW + 1000 };
		struct err e = { 0 };
		assert_int_equal(store_open(&o, &all[i].store, &e), -1);
		assert_non_null(strstr(e.text, "interrupted"));
		if (repair_run(&r, &e) < 0)
			fail_msg("%s: %s", points[i], e.text);
		assert_int_equal(look_at(all[i].path).remembered, FINDINGS);
		scratch_done(&all[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_interrupted_repair_is_never_a_first_start),
		cmocka_unit_test(test_a_backup_of_a_store_in_use_is_whole),
		cmocka_unit_test(test_a_backup_never_replaces_a_file),
		cmocka_unit_test(test_a_stop_ends_a_backup_and_leaves_nothing),
		cmocka_unit_test(test_a_store_of_an_earlier_version_is_copied_as_it_is),
		cmocka_unit_test(test_all_of_a_sound_store_is_kept),
		cmocka_unit_test(test_what_a_hole_leaves_is_kept),
		cmocka_unit_test(test_rows_that_were_changed_are_left_out),
		cmocka_unit_test(test_of_what_cannot_be_opened_a_new_one_is_made),
		cmocka_unit_test(test_a_store_in_use_or_of_a_newer_version_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
