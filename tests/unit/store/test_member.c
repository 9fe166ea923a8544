/*
 * Alerts that stand for several findings: who is open in them, by whom they are found, and what goes when either end is forgotten.
 * Beside it what such an alert leans on: the record of an open alert outlives the retention, and a notice keeps its note.
 */
#include "config.h"

#include "scratch.h"

#include "store/audit.h"
#include "store/member.h"

enum { ALERT = 100, OTHER = 200, DAY_MS = 86400000 };

static void
expect_count(struct store_tx *tx, int64_t grp, uint32_t limit, uint32_t wanted)
{
	struct err e = { 0 };
	uint32_t count = 77;

	assert_int_equal(member_count(tx, grp, limit, &count, &e), 0);
	assert_int_equal(count, wanted);
}

static void
expect_grp(struct store_tx *tx, int64_t memory, uint64_t key, int64_t wanted)
{
	struct err e = { 0 };
	int64_t grp = 0;

	assert_int_equal(member_find(tx, memory, key, &grp, &e), wanted != 0);
	assert_int_equal(grp, wanted);
}

static int
come_and_go(struct store_tx *tx, void *arg, struct err *e)
{
	(void)arg;
	for (int64_t memory = 1; memory <= 10; memory++)
		assert_int_equal(member_add(tx, memory, UINT64_MAX, ALERT, e), 0);
	assert_int_equal(member_add(tx, 1, UINT64_MAX, ALERT, e), 0); /* again */
	assert_int_equal(member_add(tx, 1, 7, OTHER, e), 0);
	expect_count(tx, ALERT, 1000, 10);
	expect_count(tx, ALERT, 4, 4);
	expect_count(tx, OTHER, 1000, 1);
	expect_grp(tx, 1, UINT64_MAX, ALERT);
	expect_grp(tx, 1, 7, OTHER);
	expect_grp(tx, 2, 7, 0);
	assert_int_equal(member_remove(tx, 1, UINT64_MAX, e), 0);
	assert_int_equal(member_remove(tx, 1, UINT64_MAX, e), 0); /* again */
	expect_count(tx, ALERT, 1000, 9);
	expect_grp(tx, 1, 7, OTHER);
	assert_int_equal(member_forget(tx, 2, e), 0);
	expect_count(tx, ALERT, 1000, 8);
	assert_int_equal(member_forget(tx, ALERT, e), 0);
	expect_count(tx, ALERT, 1000, 0);
	expect_grp(tx, 3, UINT64_MAX, 0);
	expect_count(tx, OTHER, 1000, 1);
	return 0;
}

static void
test_members_come_and_go(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, come_and_go, NULL);
	scratch_done(&s);
}

/* Two findings and the alert they are open in; the notice of each. */
struct rows {
	int64_t open, closed, alert; /* memory ids */
	int64_t open_item, closed_item;
	int64_t before_ms;
	bool is_more;
};

static int
add_notice(struct store_tx *tx, int64_t memory, int64_t *ret_id, struct err *e)
{
	struct outbox_new n = scratch_notice("hook", memory, CHANGE_CREATED, 1);
	struct outbox_outcome o = { .now_ms = 10 * (int64_t)DAY_MS, .is_attempt = true };

	n.note = SPAN_LIT("{\"also\":[\"eu-west-1\"]}");
	if (outbox_event_add(tx, SPAN_LIT("{}"), &n.event_id, e) < 0 ||
	    outbox_add(tx, &n, ret_id, e) < 0)
		return -1;
	return outbox_done(tx, *ret_id, &o, e);
}

static int
add_rows(struct store_tx *tx, void *arg, struct err *e)
{
	struct rows *r = arg;
	unsigned char identity[32] = { 1 };
	const int64_t now_ms = 10 * (int64_t)DAY_MS;

	if (memory_add(tx, identity, SPAN_LIT("open"), true, now_ms, &r->open, e) < 0)
		return -1;
	identity[0] = 2;
	if (memory_add(tx, identity, SPAN_LIT("closed"), false, now_ms, &r->closed, e) < 0)
		return -1;
	identity[0] = 3;
	if (memory_add(tx, identity, SPAN_LIT("alert"), true, now_ms, &r->alert, e) < 0 ||
	    member_add(tx, r->open, 5, r->alert, e) < 0 ||
	    member_add(tx, r->closed, 5, r->alert, e) < 0 ||
	    add_notice(tx, r->open, &r->open_item, e) < 0)
		return -1;
	return add_notice(tx, r->closed, &r->closed_item, e);
}

static int
prune(struct store_tx *tx, void *arg, struct err *e)
{
	struct rows *r = arg;

	return store_prune(tx, r->before_ms, &r->is_more, e);
}

static int
expect_rows(struct store_tx *tx, void *arg, struct err *e)
{
	struct rows *r = arg;
	struct outbox_item *item = NULL;
	unsigned char identity[32];
	struct span state;
	int64_t seen_ms = 0;

	expect_count(tx, r->alert, 10, 1);
	expect_grp(tx, r->open, 5, r->alert);
	assert_int_equal(outbox_get(tx, r->closed_item, &item, e), 0);
	assert_int_equal(outbox_get(tx, r->open_item, &item, e), 1);
	assert_true(span_eq_str(item->note, "{\"also\":[\"eu-west-1\"]}"));
	outbox_item_free(item);
	assert_int_equal(memory_get_id(tx, r->alert, identity, &state, &seen_ms, e), 1);
	assert_true(span_eq_str(state, "alert"));
	assert_int_equal(identity[0], 3);
	assert_int_equal(seen_ms, 10 * (int64_t)DAY_MS);
	assert_int_equal(memory_get_id(tx, r->closed, identity, &state, NULL, e), 0);
	return 0;
}

static int
expect_nothing(struct store_tx *tx, void *arg, struct err *e)
{
	struct rows *r = arg;
	struct outbox_item *item = NULL;

	expect_count(tx, r->alert, 10, 0);
	expect_grp(tx, r->open, 5, 0);
	assert_int_equal(outbox_get(tx, r->open_item, &item, e), 0);
	return 0;
}

static void
test_the_record_of_an_open_alert_stays_and_members_go_with_their_rows(void **state)
{
	struct rows r = { .before_ms = 50 * (int64_t)DAY_MS };
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_open(&s);
	scratch_run(&s, add_rows, &r);
	scratch_run(&s, prune, &r);
	scratch_run(&s, expect_rows, &r);
	scratch_reopen(&s);
	scratch_run(&s, expect_rows, &r);
	r.before_ms =
		150 *
		(int64_t)
			DAY_MS; /* open ones are over too, and what was told of them at the next round */
	scratch_run(&s, prune, &r);
	scratch_run(&s, prune, &r);
	scratch_run(&s, expect_nothing, &r);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_come_and_go),
		cmocka_unit_test(
			test_the_record_of_an_open_alert_stays_and_members_go_with_their_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
