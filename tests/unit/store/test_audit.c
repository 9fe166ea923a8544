/*
 * The audit: which attempts are kept, what outlives an event, and what a reader of the whole finds.
 */
#include "config.h"

#include "scratch.h"

#include "base/buf.h"
#include "event/finding.h"
#include "store/audit.h"
#include "store/audit_read.h"
#include "store/tx.h"
#include "json/scan.h"

#define SUBJECT "arn:aws:x/finding/0a1b\nA title\naws/guardduty\n111122223333\nus-east-1"

struct tries {
	int64_t item;
	int from, to; /* numbers of the attempts that fail */
	struct audit_attempt list[OUTBOX_FIRST_ATTEMPTS + OUTBOX_LAST_ATTEMPTS + 5];
	size_t count;
	struct outbox_item *read;
};

static int
add_item(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;
	struct outbox_new n = scratch_notice("hook", 7, CHANGE_CREATED, 1);

	n.subject = SPAN_LIT(SUBJECT);
	if (outbox_event_add(tx, SPAN_LIT("{\"detail\":{}}"), &n.event_id, e) < 0)
		return -1;
	return outbox_add(tx, &n, &t->item, e);
}

static int
fail_attempts(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;
	char answer[32];

	for (int i = t->from; i <= t->to; i++) {
		struct outbox_outcome o = { .now_ms = i * 1000, .is_attempt = true, .took_ms = i };
		(void)snprintf(answer, sizeof(answer), "503 number %d", i);
		o.answer = span_of(answer);
		if (outbox_retry(tx, t->item, &o, 0, (struct span){ 0 }, e) < 0)
			return -1;
	}
	return 0;
}

static int
read_back(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;

	outbox_item_free(t->read);
	if (audit_attempts(tx, t->item, t->list, LENGTH(t->list), &t->count, e) < 0)
		return -1;
	return outbox_get(tx, t->item, &t->read, e) == 1 ? 0 : -1;
}

static int
bury(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;
	struct outbox_outcome o = {
		.now_ms = 90000, .is_attempt = true, .took_ms = 9, .answer = SPAN_LIT("400 never")
	};

	return outbox_bury(tx, t->item, &o, NULL, e);
}

/* Too old: an end without an attempt. */
static int
expire(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;
	struct outbox_outcome o = { .now_ms = 90000, .answer = SPAN_LIT("over max_age") };

	return outbox_bury(tx, t->item, &o, NULL, e);
}

static int
retry_dead(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;

	return dead_retry(tx, t->item, true, 95000, e);
}

static int
deliver(struct store_tx *tx, void *arg, struct err *e)
{
	struct tries *t = arg;
	struct outbox_outcome o = {
		.now_ms = 99000, .is_attempt = true, .took_ms = 3, .answer = SPAN_LIT("200 ok")
	};

	return outbox_done(tx, t->item, &o, e);
}

static void
test_the_first_and_the_last_attempts_are_kept(void **state)
{
	enum { ALL = 200 };
	struct tries *t = mem_zalloc(sizeof(*t));
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_item, t);
	/* In several jobs, as they come; the gap moves with them. */
	for (t->from = 1; t->from <= ALL; t->from += 7) {
		t->to = t->from + 6 < ALL ? t->from + 6 : ALL;
		scratch_run(&s, fail_attempts, t);
	}
	scratch_run(&s, read_back, t);
	assert_int_equal(t->count, OUTBOX_FIRST_ATTEMPTS + OUTBOX_LAST_ATTEMPTS);
	assert_int_equal(t->read->attempts, ALL);
	for (size_t i = 0; i < t->count; i++) {
		int number = (int)i + 1;
		if (i >= OUTBOX_FIRST_ATTEMPTS)
			number = ALL - OUTBOX_LAST_ATTEMPTS + (int)i + 1 - OUTBOX_FIRST_ATTEMPTS;
		assert_int_equal(t->list[i].number, number);
		assert_int_equal(t->list[i].at_ms, number * 1000);
		assert_int_equal(t->list[i].took_ms, number);
	}
	assert_string_equal(t->list[t->count - 1].answer, "503 number 200");
	outbox_item_free(t->read);
	mem_free(t);
	scratch_done(&s);
}

static void
test_what_a_dead_letter_died_of_survives_its_retry(void **state)
{
	static const struct {
		store_job_fn *end;
		size_t kept;
		const char *last;
	} cases[] = {
		{ bury, 3, "400 never" },
		{ expire, 2, "503 number 2" }, /* an end without an attempt adds none */
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tries *t = mem_zalloc(sizeof(*t));
		struct scratch s;
		t->from = 1;
		t->to = 2;
		scratch_init(&s);
		scratch_open(&s);
		scratch_run(&s, add_item, t);
		scratch_run(&s, fail_attempts, t);
		scratch_run(&s, cases[i].end, t);
		scratch_run(&s, retry_dead, t);
		scratch_run(&s, deliver, t);
		scratch_run(&s, read_back, t);
		assert_int_equal(t->count, cases[i].kept);
		assert_string_equal(t->list[t->count - 1].answer, cases[i].last);
		assert_int_equal(t->list[t->count - 1].number, cases[i].kept);
		assert_int_equal(t->read->attempts, cases[i].kept + 1);
		assert_string_equal(t->read->answer.p, "200 ok");
		assert_int_equal(t->read->took_ms, 3);
		outbox_item_free(t->read);
		mem_free(t);
		scratch_done(&s);
	}
}

static int
spoil_subject(struct store_tx *tx, void *arg, struct err *e)
{
	(void)arg;
	return tx_sql(tx, "UPDATE outbox SET subject = replace(subject, '0a1b', '0a1c')", e);
}

static void
test_the_subject_outlives_the_event_and_is_checked(void **state)
{
	struct tries *t = mem_zalloc(sizeof(*t));
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_item, t);
	scratch_run(&s, deliver, t);
	scratch_reopen(&s);
	scratch_run(&s, read_back, t);
	assert_int_equal(t->read->event.len, 0);
	assert_string_equal(t->read->subject.p, SUBJECT);
	outbox_item_free(t->read);
	t->read = NULL;
	scratch_run(&s, spoil_subject, NULL);
	scratch_run(&s, read_back, t);
	assert_true(t->read->is_damaged); /* shown, marked, and never sent */
	outbox_item_free(t->read);
	mem_free(t);
	scratch_done(&s);
}

/* ---- the reader ---- */

enum {
	FINDINGS = 1200,
	PER_FINDING = 4,
	RECORDS = FINDINGS * PER_FINDING
}; /* several chunks and pages */

struct filling {
	int from, to;
	int64_t first_item;
};

static void
identity_of(int number, unsigned char ret[32])
{
	memset(ret, 0, 32);
	for (int i = 0; i < 32; i++)
		ret[i] = (unsigned char)((unsigned)number * 2654435761u >> (i % 4 * 8));
}

static int
add_finding(struct store_tx *tx, int number, struct err *e)
{
	struct outbox_outcome failed = { .now_ms = 2000 + number,
		                         .is_attempt = true,
		                         .took_ms = 11,
		                         .answer = SPAN_LIT("503") };
	struct outbox_outcome good = {
		.now_ms = 3000 + number, .is_attempt = true, .took_ms = 7, .answer = SPAN_LIT("200")
	};
	unsigned char identity[32];
	char subject[128], thread[64], message[64];
	int64_t memory, id;

	identity_of(number, identity);
	(void)snprintf(subject, sizeof(subject),
	               "arn:aws:x/finding/%04d-\\u00e9\n<b>\\\"%d\\\"</b>\nx\n1\nr", number,
	               number);
	if (memory_add(tx, identity, span_of("s"), true, 1, &memory, e) < 0)
		return -1;
	for (int i = 0; i < PER_FINDING; i++) {
		struct outbox_new n = scratch_notice(i % 2 ? "mail" : "hook", memory,
		                                     CHANGE_CREATED, (uint32_t)i);
		(void)snprintf(thread, sizeof(thread), "fd1-thread-%d", number);
		(void)snprintf(message, sizeof(message), "fd1-thread-%d-%d", number, i);
		n.thread_key = thread;
		n.message_key = message;
		n.subject = span_of(subject);
		n.created_ms = 1000 + number;
		if (outbox_event_add(tx, SPAN_LIT("{}"), &n.event_id, e) < 0 ||
		    outbox_add(tx, &n, &id, e) < 0)
			return -1;
		if (i < 2 && (outbox_retry(tx, id, &failed, 0, (struct span){ 0 }, e) < 0 ||
		              outbox_done(tx, id, &good, e) < 0))
			return -1;
	}
	return 0;
}

static int
fill(struct store_tx *tx, void *arg, struct err *e)
{
	struct filling *f = arg;

	for (int i = f->from; i < f->to; i++) {
		if (add_finding(tx, i, e) < 0)
			return -1;
	}
	return 0;
}

static void
fill_store(struct scratch *s)
{
	scratch_init(s);
	scratch_open(s);
	for (int i = 0; i < FINDINGS; i += 100) {
		struct filling f = { .from = i, .to = i + 100 };
		scratch_run(s, fill, &f);
	}
}

static int
read_page(struct scratch *s, struct audit_reader *r, struct err *e)
{
	int rc;

	audit_read_start(r);
	do {
		rc = store_run_wait(s->store, audit_read_run, r, e);
	} while (rc == 0 && audit_read_next(r));
	return rc;
}

static unsigned
count_lines(const struct buf *b)
{
	struct err e = { 0 };
	unsigned lines = 0;

	for (const char *p = b->data, *end; b->len > 0 && p < b->data + b->len; p = end + 1) {
		end = strchr(p, '\n');
		struct span line = { p, (size_t)(end - p) };
		if (scan_check(line, true, &e) < 0)
			fail_msg("%s: %.200s", e.text, p);
		lines++;
	}
	return lines;
}

static void
test_a_finding_is_found_by_whatever_names_it(void **state)
{
	unsigned char identity[32];
	char hex[65];
	const struct {
		const char *finding;
		enum err_kind refused;
		const char *says; /* in the lines, or in the error */
	} cases[] = {
		{ hex, ERR_NONE, "finding/0042-" },
		{ "arn:aws:x/finding/0042-\xc3\xa9", ERR_NONE,
		  "finding/0042-" }, /* escaped there */
		{ "finding/0042", ERR_NONE, "finding/0042-" },
		{ "0042-", ERR_NONE, "finding/0042-" },
		{ "fd1-thread-42", ERR_NONE, "finding/0042-" }, /* not 420 */
		{ "fd1-thread-42-3", ERR_NONE, "finding/0042-" },
		{ "finding/00", ERR_CONFIG, "fits over 5 findings" },
		{ "finding/119", ERR_CONFIG, "1199" },
		{ "nothing like that", ERR_NOT_FOUND, "no notice was made" },
		{ "1000000000000000000000000000000000000000000000000000000000000000", ERR_NOT_FOUND,
		  "no notice" },
	};
	struct scratch s;

	(void)state;
	identity_of(42, identity);
	for (int i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", identity[i]);
	fill_store(&s);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct audit_reader r = { .finding = cases[i].finding };
		struct err e = { 0 };
		int rc = read_page(&s, &r, &e);
		assert_int_equal(e.kind, cases[i].refused);
		if (strstr(rc < 0 ? e.text : r.out.data, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].finding, rc < 0 ? e.text : r.out.data);
		if (rc == 0) {
			assert_int_equal(count_lines(&r.out), PER_FINDING);
			assert_true(r.at.is_last);
			assert_non_null(strstr(r.out.data, hex));
		}
		audit_read_done(&r);
	}
	scratch_done(&s);
}

/* Everything, over many pages, each record once and in order. */
static unsigned
read_all(struct scratch *s, int64_t since_ms, unsigned *ret_pages)
{
	int64_t after = 0;
	unsigned lines = 0;
	bool is_last = false;

	for (*ret_pages = 0; !is_last; ++*ret_pages) {
		struct audit_reader r = { .after_id = after, .since_ms = since_ms };
		struct err e = { 0 };
		assert_int_equal(read_page(s, &r, &e), 0);
		assert_true(r.out.len < 2 * AUDIT_PAGE_BYTES);
		assert_true(r.at.after_id > after || r.at.is_last);
		lines += count_lines(&r.out);
		after = r.at.after_id;
		is_last = r.at.is_last;
		audit_read_done(&r);
	}
	return lines;
}

static void
test_the_whole_is_read_in_bounded_pages(void **state)
{
	struct scratch s;
	unsigned pages;

	(void)state;
	fill_store(&s);
	assert_int_equal(read_all(&s, 0, &pages), RECORDS);
	assert_true(pages > RECORDS / AUDIT_PAGE_MAX);
	/* Finished records since 3000 + 1000; the unfinished half whenever they were made. */
	assert_int_equal(read_all(&s, 4000, &pages), RECORDS / 2 + 200 * 2);
	assert_int_equal(read_all(&s, INT64_MAX, &pages), RECORDS / 2);
	scratch_done(&s);
}

static void
test_a_chunk_that_runs_twice_shows_nothing_twice(void **state)
{
	struct scratch s;
	struct audit_reader r = { .finding = "finding/0007" };
	struct err e = { 0 };

	(void)state;
	fill_store(&s);
	audit_read_start(&r);
	do { /* as when the transaction of the first run was lost */
		assert_int_equal(store_run_wait(s.store, audit_read_run, &r, &e), 0);
		assert_int_equal(store_run_wait(s.store, audit_read_run, &r, &e), 0);
	} while (audit_read_next(&r));
	assert_int_equal(count_lines(&r.out), PER_FINDING);
	audit_read_done(&r);
	scratch_done(&s);
}

static void
test_a_line_per_try_tells_each_answer(void **state)
{
	static const char *const expected[] = {
		"\"sink\":\"hook\",\"state\":\"failed\"",
		"\"number\":1,",
		"\"answer\":\"503\"",
		"\"state\":\"done\"",
		"\"number\":2,\"at\":\"1970-01-01T00:00:03.007Z\",\"took_ms\":7",
		"\"state\":\"queued\"",
		"\"title\":\"<b>\\\"7\\\"</b>\"",
	};
	struct scratch s;
	struct audit_reader r = { .finding = "finding/0007", .is_per_try = true };
	struct err e = { 0 };

	(void)state;
	fill_store(&s);
	assert_int_equal(read_page(&s, &r, &e), 0);
	for (size_t i = 0; i < LENGTH(expected); i++) {
		if (strstr(r.out.data, expected[i]) == NULL)
			fail_msg("%s is not in %s", expected[i], r.out.data);
	}
	/* hook and mail: failed, done; then each has one queued and one that waits behind nothing. */
	assert_int_equal(count_lines(&r.out), 6);
	audit_read_done(&r);
	scratch_done(&s);
}

static void
test_tries_that_are_not_kept_are_said(void **state)
{
	struct tries *t = mem_zalloc(sizeof(*t));
	struct audit_reader r = { .is_per_try = true }, whole = { 0 };
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	t->from = 1;
	t->to = 200;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_item, t);
	scratch_run(&s, fail_attempts, t);
	scratch_run(&s, deliver, t);
	assert_int_equal(read_page(&s, &r, &e), 0);
	assert_int_equal(count_lines(&r.out), OUTBOX_FIRST_ATTEMPTS + 1 + OUTBOX_LAST_ATTEMPTS + 1);
	assert_non_null(strstr(r.out.data, "\"answer\":\"150 attempts are counted, not kept\""));
	assert_int_equal(read_page(&s, &whole, &e), 0);
	assert_non_null(strstr(whole.out.data, "\"tries_left_out\":150"));
	assert_non_null(strstr(whole.out.data, "\"number\":201,"));
	audit_read_done(&r);
	audit_read_done(&whole);
	mem_free(t);
	scratch_done(&s);
}

static void
test_damaged_records_are_counted_not_shown(void **state)
{
	struct tries *t = mem_zalloc(sizeof(*t));
	struct audit_reader r = { 0 };
	struct scratch s;
	struct err e = { 0 };

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_item, t);
	scratch_run(&s, spoil_subject, NULL);
	assert_int_equal(read_page(&s, &r, &e), 0);
	assert_int_equal(count_lines(&r.out), 0);
	assert_int_equal(r.at.damaged, 1);
	assert_true(r.at.is_last);
	audit_read_done(&r);
	mem_free(t);
	scratch_done(&s);
}

static void
test_severities_are_called_as_elsewhere(void **state)
{
	struct tries *t = mem_zalloc(sizeof(*t));
	struct audit_reader r = { 0 };
	struct scratch s;
	struct err e = { 0 };
	char expected[64];

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_item, t);
	assert_int_equal(read_page(&s, &r, &e), 0);
	(void)snprintf(expected, sizeof(expected), "\"severity\":\"%s\"",
	               severity_name((enum severity)3));
	assert_non_null(strstr(r.out.data, expected));
	audit_read_done(&r);
	mem_free(t);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_and_the_last_attempts_are_kept),
		cmocka_unit_test(test_what_a_dead_letter_died_of_survives_its_retry),
		cmocka_unit_test(test_the_subject_outlives_the_event_and_is_checked),
		cmocka_unit_test(test_a_finding_is_found_by_whatever_names_it),
		cmocka_unit_test(test_the_whole_is_read_in_bounded_pages),
		cmocka_unit_test(test_a_chunk_that_runs_twice_shows_nothing_twice),
		cmocka_unit_test(test_a_line_per_try_tells_each_answer),
		cmocka_unit_test(test_tries_that_are_not_kept_are_said),
		cmocka_unit_test(test_damaged_records_are_counted_not_shown),
		cmocka_unit_test(test_severities_are_called_as_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
