/*
 * A damaged file: cut, flipped, zeroed, swapped, emptied. Never a crash, never a silent start from nothing, never a queued notice that is
 * silently gone: it is refused at the open, or said by a job or the check, or every notice is still there.
 */
#include "config.h"

#include "scratch.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/cursor.h"
#include "store/quarantine.h"
#include "store/schema.h"

enum {
	REMEMBERED = 300,
	NOTICES = 60,
	BODY = 3000,
	FLIPS = 400,
	FLIPS_LONG = 10000, /* with FINDINGSD_LONG */
	HOT_LIMIT = 64      /* most are in the big index */
};

static void
identity_of(int64_t number, unsigned char ret[32])
{
	uint64_t mixed = (uint64_t)number * 0x9E3779B97F4A7C15u;

	for (size_t i = 0; i < 4; i++, mixed *= 31)
		memcpy(ret + 8 * i, &mixed, 8);
}

static int
fill(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor c = { .source = "hub", .region = "us-east-1", .watermark_ms = 12345 };
	static char body[BODY];
	unsigned char identity[32];
	int64_t id;

	(void)arg;
	memset(body, 'b', sizeof(body));
	for (int64_t i = 0; i < REMEMBERED; i++) {
		identity_of(i, identity);
		if (memory_add(tx, identity, span_of("a state of some length, as they are"),
		               i < NOTICES, 1000, &id, e) < 0)
			return -1;
		if (i >= NOTICES)
			continue;
		struct outbox_new n = scratch_notice("hook", id, CHANGE_CREATED, 1);
		if (outbox_event_add(tx, (struct span){ body, sizeof(body) }, &n.event_id, e) < 0 ||
		    outbox_add(tx, &n, NULL, e) < 0)
			return -1;
	}
	return cursor_set(tx, &c, e);
}

/* What a job can see of it all. */
struct look {
	unsigned remembered, due, good_bodies, listed;
	bool has_cursor;
};

static int
look_memory(struct store_tx *tx, void *arg, struct err *e)
{
	struct look *look = arg;
	unsigned char identity[32];
	struct span state;
	int64_t id;

	look->remembered = 0;
	for (int64_t i = 0; i < REMEMBERED; i++) {
		identity_of(i, identity);
		int rc = memory_get(tx, identity, &id, &state, NULL, e);
		if (rc < 0)
			return -1;
		look->remembered += (unsigned)rc;
	}
	return 0;
}

static int
look_outbox(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_query q = { .sink = "hook",
		                  .now_ms = INT64_MAX / 2,
		                  .limit = OUTBOX_FETCH_MAX };
	struct look *look = arg;
	struct outbox_item **items;
	size_t count;
	int64_t next;

	look->due = look->good_bodies = 0;
	if (outbox_next(tx, &q, &items, &count, &next, e) < 0)
		return -1;
	look->due = (unsigned)count;
	for (size_t i = 0; i < count; i++)
		look->good_bodies +=
			items[i]->event.len == BODY && items[i]->event.p[BODY / 2] == 'b';
	outbox_items_free(items, count);
	return 0;
}

static int
look_lists(struct store_tx *tx, void *arg, struct err *e)
{
	struct look *look = arg;
	struct quarantine_row *rows;
	struct outbox_item **items;
	struct outbox_count *counts;
	size_t count;

	for (unsigned state = 0; state < OUTBOX_STATE_COUNT; state++) {
		if (outbox_list(tx, NULL, (enum outbox_state)state, 0, 100, &items, &count, e) < 0)
			return -1;
		look->listed += (unsigned)count;
		outbox_items_free(items, count);
	}
	if (audit_recent(tx, 10, &items, &count, e) < 0)
		return -1;
	outbox_items_free(items, count);
	if (outbox_counts(tx, &counts, &count, e) < 0)
		return -1;
	mem_free(counts);
	if (quarantine_list(tx, 0, 10, &rows, &count, e) < 0)
		return -1;
	mem_free(rows);
	return 0;
}

static int
look_cursor(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor c = { .source = "hub", .region = "us-east-1" };
	struct look *look = arg;
	int rc = cursor_get(tx, &c, &c, e);

	look->has_cursor = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int
prune(struct store_tx *tx, void *arg, struct err *e)
{
	bool is_more;

	(void)arg;
	return store_prune(tx, 500, &is_more, e);
}

enum outcome { REFUSED, REPORTED, WHOLE, LESS };

/* Errors must be of the kinds that lead somewhere. */
static void
expect_honest(const struct err *e)
{
	if (e->kind != ERR_CORRUPT && e->kind != ERR_SCHEMA && e->kind != ERR_STORE &&
	    e->kind != ERR_IO && e->kind != ERR_NOT_FOUND)
		fail_msg("kind %s: %s", err_kind_name(e->kind), e->text);
	assert_true(strlen(e->text) > 20);
}

/* The check of each start, to its end. */
static bool
is_check_bad(struct store *store)
{
	struct check check = { .now_ms = 1000000 };
	struct err e = { 0 };
	bool is_more = true;

	while (is_more) {
		if (store_run_wait(store, check_run, &check, &e) == 0) {
			is_more = check_next(&check);
			continue;
		}
		expect_honest(&e);
		is_more = check_skip(&check, &e);
	}
	return check_is_bad(&check);
}

/* Open, look at everything, close. */
static enum outcome
examine(const char *path, struct look *look)
{
	static store_job_fn *const jobs[] = { look_cursor, look_memory, look_outbox, look_lists,
		                              prune };
	struct store_options o = { .path = path, .reserve_bytes = -1, .hot_limit = HOT_LIMIT };
	struct store_stats stats;
	struct store *store = NULL;
	struct err e = { 0 };
	bool is_reported = false;

	memset(look, 0, sizeof(*look));
	if (store_open(&o, &store, &e) < 0) {
		expect_honest(&e);
		return REFUSED;
	}
	for (size_t i = 0; i < LENGTH(jobs); i++) {
		if (store_run_wait(store, jobs[i], look, &e) < 0) {
			expect_honest(&e);
			is_reported = true;
		}
	}
	is_reported |= is_check_bad(store);
	store_get_stats(store, &stats);
	is_reported |= stats.rows_quarantined > 0;
	store_close(store);
	if (is_reported)
		return REPORTED;
	return look->remembered == REMEMBERED && look->due == NOTICES &&
	                       look->good_bodies == NOTICES && look->has_cursor
	               ? WHOLE
	               : LESS;
}

static void
read_file(const char *path, struct buf *ret)
{
	char chunk[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		(void)buf_add(ret, chunk, (size_t)n);
	(void)close(fd);
}

static void
write_file(const char *path, const void *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, len), len);
	(void)close(fd);
}

static void
remove_log(const struct scratch *s)
{
	char log[128];

	(void)snprintf(log, sizeof(log), "%s-wal", s->path);
	(void)unlink(log);
}

static void
make_sample(struct scratch *s, struct buf *ret)
{
	struct look look;

	struct store_options o = { .path = s->path, .reserve_bytes = -1, .hot_limit = HOT_LIMIT };
	struct err e = { 0 };

	scratch_init(s);
	assert_int_equal(store_open(&o, &s->store, &e), 0);
	scratch_run(s, fill, NULL);
	store_close(s->store);
	s->store = NULL;
	read_file(s->path, ret);
	assert_int_equal(examine(s->path, &look), WHOLE);
}

/* Judge one damaged image; LESS may only be what is told twice, never what is not told. */
static enum outcome
judge(struct scratch *s, const struct buf *image, const char *what, size_t at)
{
	struct look look;

	remove_log(s);
	write_file(s->path, image->data, image->len);
	enum outcome outcome = examine(s->path, &look);
	if (outcome == LESS && (look.due < NOTICES || look.good_bodies < NOTICES ||
	                        !look.has_cursor || look.remembered < REMEMBERED - 1))
		fail_msg("%s at %zu: silently %u of %d remembered, %u of %d due", what, at,
		         look.remembered, REMEMBERED, look.due, NOTICES);
	return outcome;
}

static bool
is_long(void)
{
	const char *value = getenv("FINDINGSD_LONG");

	return value != NULL && value[0] != '\0';
}

static void
test_cut_short(void **state)
{
	struct scratch s;
	struct buf whole = { 0 };

	(void)state;
	make_sample(&s, &whole);
	/* At every 512 bytes, and at one byte more; without FINDINGSD_LONG at some of them. */
	for (size_t len = 1; len < whole.len; len += is_long() ? (len % 512 ? 511 : 1)
	                                             : len < 4096
	                                                     ? 511
	                                                     : 16384 - 512 * (len / 16384 % 3)) {
		struct buf image = whole;
		image.len = len;
		if (judge(&s, &image, "cut", len) == WHOLE)
			fail_msg("cut at %zu: nothing said", len);
	}
	buf_done(&whole);
	scratch_done(&s);
}

static void
test_flipped_bits(void **state)
{
	struct scratch s;
	struct buf image = { 0 };
	unsigned counts[4] = { 0 };
	uint64_t random = 88172645463325252u;

	(void)state;
	make_sample(&s, &image);
	for (int i = 0; i < (is_long() ? FLIPS_LONG : FLIPS); i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* Half of them in the first pages, where the schema and the small tables are. */
		size_t bit = (size_t)(random % (i % 2 ? image.len * 8 : image.len));
		image.data[bit / 8] ^= (char)(1 << bit % 8);
		counts[judge(&s, &image, "bit", bit)]++;
		image.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	print_message("refused %u, reported %u, whole %u, less %u\n", counts[0], counts[1],
	              counts[2], counts[3]);
	assert_true(counts[REFUSED] > 0 && counts[REPORTED] > 0);
	buf_done(&image);
	scratch_done(&s);
}

static void
test_zeroed_pages(void **state)
{
	struct scratch s;
	struct buf image = { 0 };
	char saved[16384];

	(void)state;
	make_sample(&s, &image);
	for (size_t at = 0; at + sizeof(saved) <= image.len; at += sizeof(saved)) {
		memcpy(saved, image.data + at, sizeof(saved));
		memset(image.data + at, 0, sizeof(saved));
		(void)judge(&s, &image, "zeroed page", at);
		memcpy(image.data + at, saved, sizeof(saved));
	}
	buf_done(&image);
	scratch_done(&s);
}

static void
test_what_is_no_store(void **state)
{
	static const struct {
		const char *bytes, *says;
	} cases[] = {
		{ "", "empty" },
		{ "SQLite format 3", "cut short" },
		{ "this is a text file of somebody else, long enough to be taken for a header of 100 bytes; "
		  "it says nothing of use, but says it at length",
		  "not a database" },
	};
	struct scratch s;
	struct store_options o = { .path = s.path };
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		write_file(s.path, cases[i].bytes, strlen(cases[i].bytes));
		assert_int_equal(store_open(&o, &s.store, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_non_null(strstr(e.text, cases[i].says));
		assert_non_null(strstr(e.text, "findingsctl db repair"));
		struct buf after = { 0 };
		read_file(s.path, &after); /* never replaced */
		assert_int_equal(after.len, strlen(cases[i].bytes));
		buf_done(&after);
	}
	scratch_done(&s);
}

static void
test_a_missing_file_with_its_log_is_damage(void **state)
{
	struct scratch s;
	struct store_options o = { .path = s.path };
	struct err e = { 0 };
	char log[128];

	(void)state;
	scratch_init(&s);
	(void)snprintf(log, sizeof(log), "%s-wal", s.path);
	write_file(log, "log", 3);
	assert_int_equal(store_open(&o, &s.store, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "-wal"));
	scratch_done(&s);
}

static int
add_one(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_new n = scratch_notice("hook", 0, CHANGE_CREATED, 1);

	(void)arg;
	if (outbox_event_add(tx, SPAN_LIT("{}"), &n.event_id, e) < 0)
		return -1;
	return outbox_add(tx, &n, NULL, e);
}

/* A store in use, written back at least once, and then its process is gone. */
static void
make_crashed(const struct scratch *s)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store_options o = { .path = s->path, .reserve_bytes = -1, .wal_bytes = 1 };
		struct store_stats stats = { 0 };
		struct store *store;
		struct err e = { 0 };
		if (store_open(&o, &store, &e) < 0 || store_run_wait(store, fill, NULL, &e) < 0)
			_exit(1);
		while (stats.checkpoints < 2) {
			if (store_run_wait(store, add_one, NULL, &e) < 0)
				_exit(1);
			store_get_stats(store, &stats);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What was committed last is in the log alone: a store without it must not look whole. */
static void
test_a_store_that_lost_its_log_is_refused(void **state)
{
	enum { AS_IT_IS = -3, DELETED, EMPTIED };
	struct scratch s;
	struct buf image = { 0 }, log = { 0 };
	struct err e = { 0 };
	char log_path[128];

	(void)state;
	scratch_init(&s);
	make_crashed(&s);
	(void)snprintf(log_path, sizeof(log_path), "%s-wal", s.path);
	read_file(s.path, &image);
	read_file(log_path, &log);
	for (int i = AS_IT_IS; i < 32; i++) { /* from 0: that byte of the log's header is another */
		struct store_options o = { .path = s.path, .reserve_bytes = -1 };
		write_file(s.path, image.data, image.len);
		if (i >= 0)
			log.data[i] ^= 0x10;
		write_file(log_path, log.data, i == EMPTIED ? 0 : log.len);
		if (i >= 0)
			log.data[i] ^= 0x10;
		if (i == DELETED)
			assert_int_equal(unlink(log_path), 0);
		int rc = store_open(&o, &s.store, &e);
		if (i == AS_IT_IS) {
			assert_int_equal(rc, 0);
			store_close(s.store);
		} else if (rc == 0 || e.kind != ERR_CORRUPT || strstr(e.text, "its log") == NULL) {
			fail_msg("case %d: %d %s", i, rc, e.text);
		}
		s.store = NULL;
	}
	buf_done(&image);
	buf_done(&log);
	scratch_done(&s);
}

/* After a clean end there is no log, and nothing is missed. */
static void
test_a_store_that_was_closed_needs_no_log(void **state)
{
	struct scratch s;
	struct buf image = { 0 };
	struct look look;

	(void)state;
	make_sample(&s, &image);
	remove_log(&s);
	assert_int_equal(examine(s.path, &look), WHOLE);
	remove_log(&s);
	assert_int_equal(examine(s.path, &look), WHOLE);
	buf_done(&image);
	scratch_done(&s);
}

static int
list_cursors(struct store_tx *tx, void *arg, struct err *e)
{
	struct cursor *list = NULL;
	size_t count = 0;
	int rc = cursor_list(tx, &list, &count, e);

	(void)arg;
	mem_free(list);
	return rc;
}

/* One bit makes a cursor another source's: its own would then begin anew, from `now`. */
static void
test_a_cursor_that_was_changed_is_refused(void **state)
{
	static const char *const changes[] = {
		"UPDATE cursor SET source = 'iub'",
		"UPDATE cursor SET watermark_ms = watermark_ms + 1024",
		"UPDATE cursor SET region = 'us-east-3'",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(changes); i++) {
		struct scratch s;
		struct buf image = { 0 };
		struct err e = { 0 };
		sqlite3 *db = NULL;
		make_sample(&s, &image);
		assert_int_equal(sqlite3_open(s.path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		scratch_open(&s);
		assert_int_equal(store_run_wait(s.store, list_cursors, NULL, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_non_null(strstr(e.text, "findingsctl db repair"));
		assert_true(is_check_bad(s.store));
		buf_done(&image);
		scratch_done(&s);
	}
}

static void
test_other_schemas(void **state)
{
	static const struct {
		const char *sql;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "PRAGMA user_version = 99", ERR_SCHEMA, "newer findingsd" },
		{ "PRAGMA user_version = 0", ERR_CORRUPT, "cannot be" },
		{ "PRAGMA application_id = 7", ERR_CORRUPT, "not a store of findingsd" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct scratch s;
		struct store_options o = { .path = s.path };
		struct err e = { 0 };
		struct buf image = { 0 };
		sqlite3 *db = NULL;
		make_sample(&s, &image);
		assert_int_equal(sqlite3_open(s.path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(store_open(&o, &s.store, &e), -1);
		assert_int_equal(e.kind, cases[i].kind);
		assert_non_null(strstr(e.text, cases[i].says));
		buf_done(&image);
		scratch_done(&s);
	}
	assert_true(schema_version() >= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_zeroed_pages),
		cmocka_unit_test(test_what_is_no_store),
		cmocka_unit_test(test_a_missing_file_with_its_log_is_damage),
		cmocka_unit_test(test_a_store_that_lost_its_log_is_refused),
		cmocka_unit_test(test_a_store_that_was_closed_needs_no_log),
		cmocka_unit_test(test_a_cursor_that_was_changed_is_refused),
		cmocka_unit_test(test_other_schemas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
