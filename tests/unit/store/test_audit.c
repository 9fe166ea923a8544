/*
 * The audit: which attempts are kept, what outlives an event, and what a reader of the whole finds.
 */
#include "config.h"

#include "scratch.h"

#include "base/buf.h"
#include "store/audit.h"
#include "store/tx.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_and_the_last_attempts_are_kept),
		cmocka_unit_test(test_what_a_dead_letter_died_of_survives_its_retry),
		cmocka_unit_test(test_the_subject_outlives_the_event_and_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
