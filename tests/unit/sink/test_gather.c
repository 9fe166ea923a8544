/*
 * Digests, from a queue to a receiver on loopback: what is told one by one, what together, and that each alert is told once, in order, and
 * on record, whatever becomes of the digest.
 */
#include "config.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "store/store.h"
#include "store/tx.h"

enum { HOUR = 3600 * 1000, ITEMS_MAX = 1000 };

static struct rig rig;
static int64_t ids[ITEMS_MAX];

static int
setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static bool
has_no_job(struct rig *r, void *arg)
{
	(void)r;
	return courier_is_quiet(arg);
}

static void
stop(struct courier *c)
{
	courier_drain(c);
	assert_true(rig_until(&rig, has_no_job, c));
	courier_free(c);
	rig_turns(&rig, 2);
}

static void
queue_many(size_t from, size_t count, int64_t age_ms)
{
	for (size_t i = from; i < from + count; i++) {
		char key[24];

		(void)snprintf(key, sizeof key, "key-%zu", i);
		ids[i] = rig_queue(&rig, 0, key, clock_real_wall_ms() - age_ms);
	}
}

static size_t
count_states(size_t from, size_t count, enum outbox_state state)
{
	size_t n = 0;

	for (size_t i = from; i < from + count; i++)
		n += rig_state(&rig, ids[i], NULL) == state;
	return n;
}

static size_t
count_hits(const char *change)
{
	size_t n = 0;

	for (size_t i = 0; i < rig.hit_count; i++)
		n += strcmp(rig.hits[i].change, change) == 0;
	return n;
}

static const struct rig_hit *
the_digest(void)
{
	for (size_t i = 0; i < rig.hit_count; i++)
		if (strcmp(rig.hits[i].change, "digest") == 0)
			return &rig.hits[i];
	fail_msg("no digest came");
	return NULL;
}

struct quiet {
	struct courier *c;
	uint64_t gathered;
};

static bool
has_gathered(struct rig *r, void *arg)
{
	const struct quiet *q = arg;
	struct courier_status s;

	(void)r;
	courier_get_status(q->c, &s);
	return s.gathered == q->gathered && courier_is_quiet(q->c);
}

static void
until_gathered(struct courier *c, uint64_t count)
{
	struct quiet q = { c, count };

	assert_true(rig_until(&rig, has_gathered, &q));
}

static void
test_a_flood_is_told_as_one_and_each_is_on_record(void **state)
{
	struct courier *c;
	char answer[600];

	(void)state;
	rig.conf.flood = (struct conf_rate){ 3, 600000 };
	queue_many(0, 450, 0);
	c = rig_courier(&rig);
	until_gathered(c, 447);
	assert_int_equal(rig.hit_count, 3);
	assert_int_equal(count_states(0, 450, OUTBOX_FOLDED), 447);
	courier_flush(c);
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 4);
	assert_int_equal(count_states(0, 450, OUTBOX_DONE), 450);
	(void)rig_state(&rig, ids[449], answer);
	assert_non_null(strstr(answer, "in digest 451: HTTP 200"));
	assert_non_null(strstr(the_digest()->body, "\"type\":\"finding.digest\""));
	assert_non_null(strstr(the_digest()->body, "\"title\":\"447 findings: 447 HIGH\""));
	assert_non_null(strstr(the_digest()->body, "\"reason\":\"flood\""));
	assert_non_null(strstr(the_digest()->body, "{\"name\":\"rule-b\",\"alerts\":447}"));
	assert_non_null(strstr(the_digest()->body, "{\"name\":\"111122223333\",\"alerts\":447}"));
	assert_non_null(strstr(the_digest()->body, "Tor \\\"exit\\\" <b>node</b>"));
	assert_non_null(strstr(the_digest()->body, "\"not_listed\":427"));
	stop(c);
}

static void
test_after_an_outage_what_is_old_is_one_digest(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	queue_many(0, 250, HOUR);
	queue_many(250, 5, 0);
	c = rig_courier(&rig);
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 6);
	assert_int_equal(count_hits("digest"), 1);
	assert_non_null(strstr(the_digest()->body, "\"alerts\":250"));
	assert_non_null(strstr(the_digest()->body, "\"reason\":\"backlog\""));
	assert_int_equal(count_states(0, 255, OUTBOX_DONE), 255);
	stop(c);
}

static void
test_twenty_old_ones_are_told_one_by_one(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	queue_many(0, 20, HOUR);
	queue_many(20, 100, 0);
	c = rig_courier(&rig);
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 120);
	assert_int_equal(count_hits("digest"), 0);
	stop(c);
}

/* What was tried and failed is part of the outage, though its retry is due much later than it was made. */
static void
test_what_was_tried_in_vain_joins_the_backlog(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	rig.conf.max_in_flight = 1;
	queue_many(0, 15, HOUR);
	for (int i = 0; i < 3; i++)
		rig.statuses[i] = 500;
	rig.status_count = 3;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 3));
	queue_many(15, 10, HOUR);
	courier_retry_now(c);
	assert_true(rig_until_hits(&rig, 5));
	until_gathered(c, 0);
	assert_int_equal(count_states(0, 25, OUTBOX_DONE), 25);
	assert_int_equal(count_hits("digest"), 1);
	/* One went ahead to see whether the sink works again. */
	assert_int_equal(rig.hit_count, 5);
	assert_non_null(strstr(the_digest()->body, "\"alerts\":24"));
	stop(c);
}

/* The receiver may have it: told again by itself, under its key, and in no digest beside. */
static void
test_what_may_have_been_told_joins_no_backlog(void **state)
{
	struct courier *c;
	size_t times = 0;
	char digest[32], lost[sizeof rig.hits[0].id];

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	rig.conf.max_in_flight = 1;
	rig.conf.timeout_ms = 200;
	queue_many(0, 15, HOUR);
	rig.statuses[0] = 0; /* read, and never answered */
	rig.statuses[1] = rig.statuses[2] = 500;
	rig.status_count = 3;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 3));
	(void)snprintf(lost, sizeof lost, "%s", rig.hits[0].id);
	queue_many(15, 10, HOUR);
	courier_retry_now(c);
	assert_true(rig_until_hits(&rig, 5));
	until_gathered(c, 0);
	assert_int_equal(count_states(0, 25, OUTBOX_DONE), 25);
	for (size_t i = 0; i < rig.hit_count; i++)
		times += strcmp(rig.hits[i].id, lost) == 0;
	assert_int_equal(times, 2);
	/* All but it, and but the one that went ahead unless that was it. */
	(void)snprintf(digest, sizeof digest, "\"alerts\":%zu", (size_t)(29 - rig.hit_count));
	assert_non_null(strstr(the_digest()->body, digest));
	stop(c);
}

static void
test_what_follows_a_member_never_overtakes_the_digest(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	queue_many(0, 29, HOUR);
	ids[29] = rig_queue(&rig, 77, "before", clock_real_wall_ms() - HOUR);
	ids[30] = rig_queue(&rig, 77, "after", clock_real_wall_ms());
	rig.statuses[0] = 500; /* the digest itself, once */
	rig.status_count = 1;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 1));
	assert_string_equal(rig.hits[0].change, "digest");
	assert_true(rig_until_hits(&rig, 3));
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 3);
	/* Again, under the same key and with the same words. */
	assert_string_equal(rig.hits[1].id, rig.hits[0].id);
	assert_int_equal(rig.hits[1].body_len, rig.hits[0].body_len);
	assert_memory_equal(rig.hits[1].body, rig.hits[0].body, rig.hits[0].body_len);
	assert_string_equal(rig.hits[2].id, "after");
	assert_int_equal(count_states(0, 31, OUTBOX_DONE), 31);
	stop(c);
}

static void
test_a_restart_while_it_collects_loses_and_repeats_nothing(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.flood = (struct conf_rate){ 2, 600000 };
	queue_many(0, 40, 0);
	c = rig_courier(&rig);
	until_gathered(c, 38);
	stop(c);
	rig_reopen_store(&rig);
	queue_many(40, 10, 0);
	c = rig_courier(&rig);
	/* Two were told in this window, and it knows: all the others join the digest that there is. */
	until_gathered(c, 48);
	assert_int_equal(rig.hit_count, 2);
	courier_flush(c);
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 3);
	assert_non_null(strstr(the_digest()->body, "\"alerts\":48"));
	assert_int_equal(count_states(0, 50, OUTBOX_DONE), 50);
	stop(c);
}

static void
test_a_limit_that_was_taken_away_holds_nothing_back(void **state)
{
	struct conf_sink other;
	struct courier *c;
	struct err e = { 0 };

	(void)state;
	rig.conf.flood = (struct conf_rate){ 1, 600000 };
	queue_many(0, 10, 0);
	c = rig_courier(&rig);
	until_gathered(c, 9);
	other = rig.conf;
	other.flood = (struct conf_rate){ 0, 0 };
	assert_int_equal(courier_reconfigure(c, &other, &e), 0);
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 2);
	assert_int_equal(count_states(0, 10, OUTBOX_DONE), 10);
	stop(c);
}

static void
test_with_a_refused_digest_its_alerts_die_and_live_again(void **state)
{
	struct courier *c;
	char answer[600];

	(void)state;
	rig.conf.backlog = CONF_BACKLOG_DIGEST;
	queue_many(0, 30, HOUR);
	rig.statuses[0] = 400;
	rig.status_count = 1;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 1));
	until_gathered(c, 0);
	assert_int_equal(count_states(0, 30, OUTBOX_DEAD), 30);
	(void)rig_state(&rig, ids[0], answer);
	assert_non_null(strstr(answer, "died with digest 31: HTTP 400"));
	/* One of them alone, then the digest: each is told. */
	rig_retry_dead(&rig, ids[7]);
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 2));
	assert_string_equal(rig.hits[1].id, "key-7");
	rig_retry_dead(&rig, 31);
	courier_wake(c);
	assert_true(rig_until_hits(&rig, 3));
	until_gathered(c, 0);
	assert_string_equal(rig.hits[2].id, rig.hits[0].id);
	assert_int_equal(count_states(0, 30, OUTBOX_DONE), 30);
	stop(c);
}

static int
spoil(struct store_tx *tx, void *arg, struct err *e)
{
	return tx_sql(tx, arg, e);
}

static void
test_a_damaged_digest_gives_its_alerts_back(void **state)
{
	static char held[] = "UPDATE outbox SET thread = 'x' || thread WHERE state = 6";
	struct courier *c;
	struct err e = { 0 };

	(void)state;
	rig.conf.flood = (struct conf_rate){ 1, 600000 };
	queue_many(0, 10, 0);
	c = rig_courier(&rig);
	until_gathered(c, 9);
	assert_int_equal(store_run_wait(rig.store, spoil, held, &e), 0);
	courier_wake(c);
	assert_true(rig_until_quiet(&rig, c));
	courier_flush(c);
	assert_true(rig_until_hits(&rig, 2));
	until_gathered(c, 0);
	assert_int_equal(count_states(0, 10, OUTBOX_DONE), 10);
	assert_non_null(strstr(the_digest()->body, "\"alerts\":9"));
	stop(c);
}

static void
test_over_max_age_all_die_and_one_digest_says_so(void **state)
{
	struct courier *c;
	char answer[600];

	(void)state;
	queue_many(0, 450, 4 * 24 * (int64_t)HOUR);
	queue_many(450, 2, 0);
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 3));
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 3);
	assert_int_equal(count_hits("digest"), 1);
	assert_non_null(strstr(the_digest()->body,
	                       "\"title\":\"450 findings not delivered in time: 450 HIGH\""));
	assert_int_equal(count_states(0, 450, OUTBOX_DEAD), 450);
	assert_int_equal(count_states(450, 2, OUTBOX_DONE), 2);
	(void)rig_state(&rig, ids[9], answer);
	assert_non_null(
		strstr(answer, "older than max_age (3d): not sent, but counted in digest "));
	stop(c);
}

/* While the sink is down it is found out with what there is; the digest waits for the sink, and grows. */
static void
test_the_catch_up_digest_waits_until_the_sink_works(void **state)
{
	struct courier *c;

	(void)state;
	rig.conf.max_in_flight = 1;
	queue_many(0, 5, 0);
	for (int i = 0; i < 3; i++)
		rig.statuses[i] = 500;
	rig.status_count = 3;
	c = rig_courier(&rig);
	assert_true(rig_until_hits(&rig, 3));
	queue_many(5, 30, 4 * 24 * (int64_t)HOUR);
	courier_retry_now(c);
	assert_true(rig_until_hits(&rig, 9));
	until_gathered(c, 0);
	assert_int_equal(rig.hit_count, 9);
	assert_string_not_equal(rig.hits[3].change, "digest");
	assert_int_equal(count_hits("digest"), 1);
	assert_int_equal(count_states(5, 30, OUTBOX_DEAD), 30);
	assert_int_equal(count_states(0, 5, OUTBOX_DONE), 5);
	stop(c);
}

struct flood_job {
	int64_t first, count;
};

static int
queue_flood(struct store_tx *tx, void *arg, struct err *e)
{
	const struct flood_job *j = arg;
	char *event = rig_event("many", "Many", "of them");
	struct outbox_new n = { .sink = "hook",
		                .change = CHANGE_CREATED,
		                .n = 1,
		                .generation = 1,
		                .severity = SEVERITY_HIGH,
		                .thread_key = "fd1-0123456789012345678901234567890123456789",
		                .message_key = "key",
		                .rules = SPAN_LIT("rule-a"),
		                .subject = SPAN_LIT(
					"many\nMany\naws/guardduty\n111122223333\nus-east-1"),
		                .created_ms = clock_real_wall_ms(),
		                .due_ms = clock_real_wall_ms() };
	int rc = 0;

	for (int64_t i = 0; rc == 0 && i < j->count; i++) {
		n.memory_id = 1000000 + j->first + i;
		rc = outbox_event_add(tx, span_of(event), &n.event_id, e);
		if (rc == 0)
			rc = outbox_add(tx, &n, NULL, e);
	}
	mem_free(event);
	return rc;
}

static int64_t
resident_kb(void)
{
	int64_t pages[2] = { 0, 0 };
	char line[128] = "";
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	(void)fclose(f);
	assert_int_equal(sscanf(line, "%" SCNd64 " %" SCNd64, &pages[0], &pages[1]), 2);
	return pages[1] * 4;
}

/* Nothing in memory grows with what waits, or with what a digest gathers: 1,000,000 with FINDINGSD_LONG, else 20,000. */
static void
test_memory_does_not_grow_with_what_is_gathered(void **state)
{
	int64_t count = getenv("FINDINGSD_LONG") ? 1000000 : 20000, before_kb, after_kb;
	struct courier *c;
	struct err e = { 0 };
	char want[32];

	(void)state;
	rig.conf.flood = (struct conf_rate){ 3, 600000 };
	for (int64_t i = 0; i < count; i += 1000) {
		struct flood_job job = { i, 1000 };
		assert_int_equal(store_run_wait(rig.store, queue_flood, &job, &e), 0);
	}
	before_kb = resident_kb();
	c = rig_courier(&rig);
	/* As long as it takes: each call gives up after 20 s. */
	for (int i = 0; i < 100; i++) {
		struct quiet q = { c, (uint64_t)count - 3 };
		if (rig_until(&rig, has_gathered, &q))
			break;
	}
	after_kb = resident_kb();
	courier_flush(c);
	for (int i = 0; i < 100 && !rig_until_quiet(&rig, c); i++)
		;
	print_message("VERDICT {\"test\":\"digest-memory\",\"runs\":%" PRId64
	              ",\"lost\":0,\"repeated\":0,\"worst\":\"%" PRId64 " kB before, %" PRId64
	              " kB gathered, %" PRId64
	              " kB told\",\"target\":\"at most 8 MB more\",\"ok\":%s}\n",
	              count, before_kb, after_kb, resident_kb(),
	              resident_kb() - before_kb < 8192 ? "true" : "false");
	assert_int_equal(rig.hit_count, 4);
	(void)snprintf(want, sizeof want, "\"alerts\":%" PRId64 ",", count - 3);
	assert_non_null(strstr(the_digest()->body, want));
#ifndef __SANITIZE_ADDRESS__
	assert_true(resident_kb() - before_kb < 8192);
#endif
	stop(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_flood_is_told_as_one_and_each_is_on_record,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_an_outage_what_is_old_is_one_digest,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_twenty_old_ones_are_told_one_by_one, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_what_was_tried_in_vain_joins_the_backlog,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_may_have_been_told_joins_no_backlog,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_follows_a_member_never_overtakes_the_digest, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_restart_while_it_collects_loses_and_repeats_nothing, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_a_limit_that_was_taken_away_holds_nothing_back,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_with_a_refused_digest_its_alerts_die_and_live_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_damaged_digest_gives_its_alerts_back, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_over_max_age_all_die_and_one_digest_says_so,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_does_not_grow_with_what_is_gathered,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_catch_up_digest_waits_until_the_sink_works,
		                                setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
