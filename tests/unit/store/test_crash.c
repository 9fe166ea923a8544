/*
 * Killed at every named point, and at random: nothing is lost, and what repeats is only what was under way.
 *
 * A child process runs a small daemon over the store: it takes numbered findings page by page, "sends" each notice by appending its
 * message key to a file, then records it. The parent kills it (a fault point, or a signal at a random moment), starts it again until it
 * comes to the end, and judges by the file alone: every notice is there; a kill repeats at most what was sent and not recorded.
 * Built with the fault points, also where the daemon is not.
 */
#include "config.h"

#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"
#include "route/lifecycle.h"
#include "store/cursor.h"

enum { FINDINGS = 60, PAGE = 7, FETCH = 4, HOT_LIMIT = 16, NTH_MAX = 40 };

/* ---- the child ---- */

struct child {
	struct store *store;
	int sent; /* file */
	struct outbox_item **items;
	size_t count;
	int64_t watermark;
};

static int
read_cursor(struct store_tx *tx, void *arg, struct err *e)
{
	struct child *c = arg;
	struct cursor key = { .source = "hub" }, found;
	int rc = cursor_get(tx, &key, &found, e);

	c->watermark = rc > 0 ? found.watermark_ms : 0;
	return rc < 0 ? -1 : 0;
}

static int
take_one(struct store_tx *tx, int64_t number, struct err *e)
{
	unsigned char identity[32] = { 0 };
	char message[64], body[3000];
	struct span state;
	int64_t id, event;

	memcpy(identity, &number, sizeof(number));
	int rc = memory_get(tx, identity, &id, &state, NULL, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0; /* told before */
	(void)snprintf(message, sizeof(message), "message-%d", (int)number);
	memset(body, 'b', sizeof(body));
	struct outbox_new n = scratch_notice("hook", 0, CHANGE_CREATED, 1);
	n.message_key = message;
	if (memory_add(tx, identity, span_of("told"), true, 1, &n.memory_id, e) < 0 ||
	    outbox_event_add(tx, (struct span){ body, sizeof(body) }, &event, e) < 0)
		return -1;
	n.event_id = event;
	return outbox_add(tx, &n, NULL, e);
}

/* The page begins before the watermark, as real ones do: an overlap is read again. */
static int
take_page(struct store_tx *tx, void *arg, struct err *e)
{
	struct child *c = arg;
	struct cursor key = { .source = "hub", .watermark_ms = c->watermark + PAGE };

	for (int64_t i = c->watermark > 2 ? c->watermark - 2 : 0; i < c->watermark + PAGE; i++) {
		if (take_one(tx, i, e) < 0)
			return -1;
	}
	return cursor_set(tx, &key, e);
}

static int
fetch(struct store_tx *tx, void *arg, struct err *e)
{
	struct child *c = arg;
	struct outbox_query q = { .sink = "hook", .now_ms = 5000, .limit = FETCH };
	int64_t next;

	return outbox_next(tx, &q, &c->items, &c->count, &next, e);
}

static int
record(struct store_tx *tx, void *arg, struct err *e)
{
	struct child *c = arg;
	struct outbox_outcome o = { .now_ms = 6000, .is_attempt = true, .answer = SPAN_LIT("200") };

	for (size_t i = 0; i < c->count; i++) {
		if (outbox_done(tx, c->items[i]->id, &o, e) < 0)
			return -1;
	}
	return 0;
}

/* Temporary trouble is tried again, as the daemon does; anything else ends the child with 1. */
static void
run(struct child *c, store_job_fn *fn)
{
	struct err e = { 0 };
	int tries = 0;

	while (store_run_wait(c->store, fn, c, &e) < 0) {
		if (!e.is_temporary || ++tries > 100) {
			(void)fprintf(stderr, "test_crash: %s\n", e.text);
			_exit(1);
		}
	}
}

static void
send_and_record(struct child *c)
{
	run(c, fetch);
	for (size_t i = 0; i < c->count; i++) {
		char line[80];
		int len = snprintf(line, sizeof(line), "%s\n", c->items[i]->message_key.p);
		if (write(c->sent, line, (size_t)len) != len)
			_exit(1);
	}
	if (c->count > 0)
		run(c, record);
	outbox_items_free(c->items, c->count);
	c->items = NULL;
}

static void
child_main(const struct scratch *s, const char *fault)
{
	struct child c = { 0 };
	struct store_options o = {
		.path = s->path, .reserve_bytes = -1, .hot_limit = HOT_LIMIT, .wal_bytes = 200000
	};
	struct err e = { 0 };
	char sent[128];

	if (fault != NULL)
		(void)setenv("FINDINGSD_FAULT", fault, 1);
	(void)snprintf(sent, sizeof(sent), "%s/sent", s->folder);
	c.sent = open(sent, O_CREAT | O_APPEND | O_WRONLY, 0600);
	if (store_open(&o, &c.store, &e) < 0) {
		(void)fprintf(stderr, "test_crash: %s\n", e.text);
		_exit(1);
	}
	for (run(&c, read_cursor); c.watermark < FINDINGS; run(&c, read_cursor)) {
		run(&c, take_page);
		send_and_record(&c);
	}
	do {
		send_and_record(&c);
	} while (c.count > 0);
	store_close(c.store);
	_exit(0);
}

/* ---- the parent ---- */

/* Run a child; true: it came to its end, false: it was killed. kill_us > 0: by us, after so long. */
static bool
run_child(const struct scratch *s, const char *fault, long kill_us)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		child_main(s, fault);
	if (kill_us > 0) {
		struct timespec wait = { .tv_nsec = kill_us * 1000 };
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return false;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

static void
count_sent(const struct scratch *s, unsigned times[FINDINGS + PAGE])
{
	char path[128], line[80];

	memset(times, 0, sizeof(unsigned) * (FINDINGS + PAGE));
	(void)snprintf(path, sizeof(path), "%s/sent", s->folder);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		int64_t number;
		struct span text = { line + strlen("message-"),
			             strlen(line) - strlen("message-") - 1 };
		assert_true(str_to_i64(text, &number));
		assert_true(number >= 0 && number < FINDINGS + PAGE);
		times[number]++;
	}
	(void)fclose(f);
}

static void
judge(const struct scratch *s, unsigned kills, const char *what)
{
	unsigned times[FINDINGS + PAGE], repeated = 0;

	count_sent(s, times);
	for (int i = 0; i < FINDINGS; i++) {
		if (times[i] == 0)
			fail_msg("%s: notice %d was lost", what, i);
		repeated += times[i] - 1;
	}
	if (repeated > kills * FETCH)
		fail_msg("%s: %u repeats after %u kills", what, repeated, kills);
}

static void
test_killed_at_every_point(void **state)
{
	static const char *const points[] = {
		"store.create.before",    "store.create.after", "store.job.after",
		"store.commit.before",    "store.commit.after", "store.checkpoint.before",
		"store.checkpoint.after", "store.cursor.set",   "store.outbox.finish",
		"store.merge.before",
	};
	char fault[64];

	(void)state;
	for (size_t i = 0; i < LENGTH(points); i++) {
		int hits = 0;
		for (int nth = 1; nth <= NTH_MAX; nth++) {
			struct scratch s;
			scratch_init(&s);
			(void)snprintf(fault, sizeof(fault), "%s:kill@%d", points[i], nth);
			bool is_killed = !run_child(&s, fault, 0);
			if (is_killed)
				assert_true(run_child(&s, NULL, 0));
			judge(&s, is_killed, fault);
			scratch_done(&s);
			hits += is_killed;
			if (!is_killed)
				break; /* the point is not passed so often */
		}
		if (hits == 0)
			fail_msg("%s: never passed", points[i]);
	}
}

static void
test_failing_once_at_every_point(void **state)
{
	static const char *const points[] = { "store.commit.fail", "store.commit.ioerr",
		                              "store.checkpoint.fail" };
	char fault[64];

	(void)state;
	for (size_t i = 0; i < LENGTH(points); i++) {
		for (int nth = 1; nth <= 12; nth++) {
			struct scratch s;
			scratch_init(&s);
			(void)snprintf(fault, sizeof(fault), "%s:fail@%d", points[i], nth);
			assert_true(run_child(&s, fault, 0));
			judge(&s, 0, fault);
			scratch_done(&s);
		}
	}
}

static void
test_killed_at_random(void **state)
{
	struct scratch s;
	unsigned kills = 0;

	(void)state;
	for (long round = 0; round < 40; round++) {
		scratch_init(&s);
		kills = 0;
		/* Later and later, so that every part of the run is hit, the first start too. */
		while (kills < 20 &&
		       !run_child(&s, NULL, 500 + (round * 977 + kills * 1733L) % 12000))
			kills++;
		while (!run_child(&s, NULL, 0))
			kills++;
		judge(&s, kills, "random");
		scratch_done(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_at_every_point),
		cmocka_unit_test(test_failing_once_at_every_point),
		cmocka_unit_test(test_killed_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
