/*
 * A disk that somebody else fills to the last byte: what is taken in fails as temporary, what was in flight is still recorded, and with room
 * again everything goes on. On a tmpfs of its own, in a mount namespace of its own; skipped, saying so, where that is not allowed.
 */
#include "config.h"

#include "scratch.h"

#include "base/exits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

typedef void child_fn(const struct scratch *s, bool is_reserving);

enum { ITEMS = 20, PAGES = 15, ALL = ITEMS * PAGES, SKIP = 77 };

#define EXPECT(what)                                                                     \
	do {                                                                             \
		if (!(what)) {                                                           \
			(void)fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what); \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

static int
take_page(struct store_tx *tx, void *arg, struct err *e)
{
	static char body[5000];

	(void)arg;
	memset(body, 'b', sizeof(body));
	for (int i = 0; i < ITEMS; i++) {
		struct outbox_new n = scratch_notice("hook", 0, CHANGE_CREATED, 1);
		if (outbox_event_add(tx, (struct span){ body, sizeof(body) }, &n.event_id, e) < 0 ||
		    outbox_add(tx, &n, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int
record(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_outcome o = { .now_ms = 1, .is_attempt = true, .answer = SPAN_LIT("200") };

	return outbox_done(tx, *(int64_t *)arg, &o, e);
}

static int
fetch(struct store_tx *tx, void *arg, struct err *e)
{
	const struct outbox_query q = { .sink = "hook", .now_ms = INT64_MAX / 2, .limit = 1 };
	struct outbox_item **items = NULL;
	size_t *count = arg;
	int64_t next_ms;

	if (outbox_next(tx, &q, &items, count, &next_ms, e) < 0)
		return -1;
	for (size_t i = 0; i < *count; i++)
		mem_free(items[i]);
	mem_free(items);
	return 0;
}

static int
count_done(struct store_tx *tx, void *arg, struct err *e)
{
	struct outbox_count *list;
	size_t count;

	if (outbox_counts(tx, &list, &count, e) < 0)
		return -1;
	*(uint64_t *)arg = count == 1 ? list[0].done : 0;
	mem_free(list);
	return 0;
}

static bool
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool is_put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return is_put;
}

/* Without root: root of a user namespace of our own, or what is mounted would belong to nobody. */
static bool
become_root(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)uid);
	(void)snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)gid);
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/uid_map", uids) && put("/proc/self/gid_map", gids);
}

static void
enter_small_disk(const char *folder)
{
	if (unshare(CLONE_NEWNS) < 0 && !become_root())
		_exit(SKIP);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=40m") < 0)
		_exit(SKIP);
}

static void
fill_disk(const char *path)
{
	static char zeros[4096];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	(void)close(fd);
}

/* is_reserving: as by default, nothing new is taken with less than 16 MiB free. */
static void
child_main(const struct scratch *s, bool is_reserving)
{
	struct store_options o = { .path = s->path, .reserve_bytes = is_reserving ? 0 : -1 };
	struct store *store;
	struct err e = { 0 };
	char filler[128];
	uint64_t done = 0;

	enter_small_disk(s->folder);
	EXPECT(store_open(&o, &store, &e) == 0);
	for (int i = 0; i < PAGES; i++)
		EXPECT(store_run_wait(store, take_page, NULL, &e) == 0);
	(void)snprintf(filler, sizeof(filler), "%s/filler", s->folder);
	fill_disk(filler);
	if (is_reserving) {
		EXPECT(store_run_wait(store, take_page, NULL, &e) < 0);
		EXPECT(e.kind == ERR_FULL && e.is_temporary);
	}
	for (int64_t id = 1; id <= ALL; id++)
		EXPECT(store_run_wait(store, record, &id, &e) == 0);
	EXPECT(unlink(filler) == 0);
	EXPECT(store_run_wait(store, take_page, NULL, &e) == 0);
	store_close(store);
	EXPECT(store_open(&o, &store, &e) == 0);
	EXPECT(store_run_wait(store, count_done, &done, &e) == 0);
	EXPECT(done == ALL);
	store_close(store);
	_exit(0);
}

static bool
is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		(void)closedir(dir);
	return count == 2; /* . and .. */
}

/* No room for a first store: temporary, said as what it is, and nothing is left behind that a later start could stumble over. */
static void
child_start(const struct scratch *s, bool is_reserving)
{
	struct store_options o = { .path = s->path };
	struct store *store;
	struct err e = { 0 };
	char filler[128];

	(void)is_reserving;
	enter_small_disk(s->folder);
	(void)snprintf(filler, sizeof(filler), "%s/filler", s->folder);
	fill_disk(filler);
	EXPECT(store_open(&o, &store, &e) < 0);
	EXPECT(exit_code_of(e.kind) == EXIT_TRY_AGAIN && e.is_temporary);
	EXPECT(strstr(e.text, "disk is full") != NULL && strstr(e.text, s->path) != NULL);
	EXPECT(access(s->path, F_OK) < 0);
	EXPECT(unlink(filler) == 0 && is_empty(s->folder));
	EXPECT(store_open(&o, &store, &e) == 0);
	EXPECT(store_run_wait(store, take_page, NULL, &e) == 0);
	store_close(store);
	_exit(0);
}

/*
 * A good store on a full disk that owns no space to record in: it opens, says that it takes nothing, hands out nothing to send, as
 * it could not be recorded, and goes on when there is room.
 */
static void
child_start_again(const struct scratch *s, bool is_reserving)
{
	struct store_options o = { .path = s->path };
	struct store_stats stats;
	struct store *store;
	struct err e = { 0 };
	char filler[128];
	uint64_t done = 1;
	int64_t id = 1;
	size_t count = 0;

	(void)is_reserving;
	enter_small_disk(s->folder);
	EXPECT(store_open(&o, &store, &e) == 0);
	EXPECT(store_run_wait(store, take_page, NULL, &e) == 0);
	store_close(store);
	(void)snprintf(filler, sizeof(filler), "%s/filler", s->folder);
	fill_disk(filler);
	EXPECT(store_open(&o, &store, &e) == 0);
	EXPECT(store_run_wait(store, take_page, NULL, &e) < 0);
	EXPECT(exit_code_of(e.kind) == EXIT_TRY_AGAIN && e.is_temporary);
	EXPECT(strstr(e.text, "full") != NULL);
	store_get_stats(store, &stats);
	EXPECT(stats.is_space_low || stats.is_failing);
	EXPECT(!stats.is_corrupt);
	EXPECT(store_run_wait(store, record, &id, &e) < 0);
	EXPECT(store_run_wait(store, fetch, &count, &e) < 0);
	EXPECT(e.kind == ERR_FULL);
	EXPECT(unlink(filler) == 0);
	EXPECT(store_run_wait(store, take_page, NULL, &e) == 0);
	EXPECT(store_run_wait(store, fetch, &count, &e) == 0);
	EXPECT(count == 1);
	EXPECT(store_run_wait(store, count_done, &done, &e) == 0);
	EXPECT(done == 0);
	store_close(store);
	_exit(0);
}

static void
run_child(child_fn *fn, bool is_reserving)
{
	struct scratch s;
	int status;

	scratch_init(&s);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		fn(&s, is_reserving);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	scratch_done(&s);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIP) {
		print_message("skipped: no tmpfs of our own may be mounted here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_outcomes_are_recorded_on_a_full_disk(void **state)
{
	(void)state;
	run_child(child_main, false);
}

static void
test_outcomes_are_recorded_below_the_reserve(void **state)
{
	(void)state;
	run_child(child_main, true);
}

static void
test_first_start_on_a_full_disk_is_to_be_tried_again(void **state)
{
	(void)state;
	run_child(child_start, true);
}

static void
test_good_store_opens_on_a_full_disk_and_hands_out_nothing(void **state)
{
	(void)state;
	run_child(child_start_again, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes_are_recorded_on_a_full_disk),
		cmocka_unit_test(test_outcomes_are_recorded_below_the_reserve),
		cmocka_unit_test(test_first_start_on_a_full_disk_is_to_be_tried_again),
		cmocka_unit_test(test_good_store_opens_on_a_full_disk_and_hands_out_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
