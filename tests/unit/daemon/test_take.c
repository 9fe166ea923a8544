/*
 * test_take: a page of findings in a real store: what is remembered, queued, quarantined, and where the cursor stands, all
 * with one commit or not at all.
 *
 * The plan is a fake of this file's own (the rules, without a machine): which rules match is written into the items.
 */
#include "config.h"

#include "daemon/take.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/plan.h"
#include "route/rule.h"
#include "store/cursor.h"
#include "store/outbox.h"
#include "store/quarantine.h"
#include "store/store.h"
#include "unit.h"

static const char *const sinks[] = { "hook" };

static struct rule_set *rules;

const struct rule_set *
plan_rules(const struct plan *p)
{
	(void)p;
	return rules;
}

size_t
plan_rule_count(const struct plan *p)
{
	(void)p;
	return rule_set_count(rules);
}

struct fixture {
	char dir[64], path[96];
	struct store *store;
	struct take take;
	struct page page;
	char text[4][1024];
	struct span findings[4];
	struct take_item items[4];
	uint32_t matched[4];
};

static int
setup(void **state)
{
	static const struct rule_policy policy = { .name = "all",
		                                   .sinks = sinks,
		                                   .sink_count = 1,
		                                   .on = CHANGE_DEFAULT,
		                                   .repeat_backoff = 1 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_options o = { 0 };
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/fdtest.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/findingsd.db", f->dir);
	o.path = f->path;
	assert_int_equal(rule_set_new(&policy, 1, &rules, &e), 0);
	if (store_open(&o, &f->store, &e) < 0)
		fail_msg("%s", e.text);
	f->take.page = &f->page;
	f->take.items = f->items;
	f->take.matched = f->matched;
	f->take.scratch = take_scratch_new();
	f->take.origin = (struct take_origin){ "hub", "", "us-east-1" };
	f->take.now_ms = 1790000000000;
	f->page.view = VIEW_SECURITYHUB;
	f->page.source = "hub";
	f->page.account = "111122223333";
	f->page.region = "us-east-1";
	f->page.request_started_ms = 1790000000000;
	f->page.start.kind = SOURCE_START_OPEN;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->store);
	take_scratch_free(f->take.scratch);
	take_result_done(&f->take.result);
	rule_set_free(rules);
	for (size_t i = 0; i < LENGTH(f->items); i++)
		mem_free(f->items[i].poison);
	for (const char *const *s = (const char *const[]){ "", "-wal", "-journal", NULL }; *s;
	     s++) {
		snprintf(command, sizeof(command), "%s%s", f->path, *s);
		unlink(command);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

/* One ASFF finding, matched by the one rule. */
static void
add_finding(struct fixture *f, const char *id, const char *updated, const char *workflow)
{
	size_t i = f->take.count++;
	struct err e = { 0 };

	snprintf(
		f->text[i], sizeof(f->text[i]),
		"{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"%s\",\"ProductArn\":\"arn:aws:securityhub:"
		"us-east-1::product/aws/inspector\",\"GeneratorId\":\"g\",\"AwsAccountId\":"
		"\"111122223333\",\"CreatedAt\":\"2026-09-01T00:00:00Z\",\"UpdatedAt\":\"%s\","
		"\"Severity\":{\"Label\":\"HIGH\"},\"Title\":\"t\",\"Description\":\"d\","
		"\"Resources\":[{\"Type\":\"Other\",\"Id\":\"r\"}],\"RecordState\":\"ACTIVE\","
		"\"Workflow\":{\"Status\":\"%s\"}}",
		id, updated, workflow);
	f->findings[i] = span_of(f->text[i]);
	f->page.findings = f->findings;
	f->page.count = f->take.count;
	f->items[i].raw = f->findings[i];
	f->items[i].first_match = 0;
	f->items[i].match_count = 1;
	f->take.matched_count = 1;
	if (finding_parse(VIEW_SECURITYHUB, f->findings[i], NULL, &f->items[i].finding, &e) < 0)
		fail_msg("%s", e.text);
}

static void
run(struct fixture *f)
{
	struct err e = { 0 };

	if (store_run_wait(f->store, take_run, &f->take, &e) < 0)
		fail_msg("%s", e.text);
}

/* What is waiting for the sink, and the cursor, read back in a job. */
struct facts {
	uint64_t queued, quarantined;
	int has_cursor;
	struct cursor cursor;
};

static int
facts_run(struct store_tx *tx, void *job, struct err *e)
{
	struct facts *facts = job;
	struct outbox_count *counts;
	struct quarantine_row *rows;
	size_t n;

	memset(facts, 0, sizeof(*facts));
	if (outbox_counts(tx, &counts, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		facts->queued += counts[i].queued;
	mem_free(counts);
	if (quarantine_list(tx, 0, 100, &rows, &n, e) < 0)
		return -1;
	facts->quarantined = n;
	mem_free(rows);
	snprintf(facts->cursor.source, sizeof(facts->cursor.source), "hub");
	snprintf(facts->cursor.region, sizeof(facts->cursor.region), "us-east-1");
	facts->has_cursor = cursor_get(tx, &facts->cursor, &facts->cursor, e);
	return facts->has_cursor < 0 ? -1 : 0;
}

static struct facts
look(struct fixture *f)
{
	struct facts facts;
	struct err e = { 0 };

	if (store_run_wait(f->store, facts_run, &facts, &e) < 0)
		fail_msg("%s", e.text);
	return facts;
}

static void
test_new_findings_are_queued_once(void **state)
{
	struct fixture *f = *state;

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	add_finding(f, "b", "2026-09-20T00:00:00Z", "NEW");
	f->page.has_cursor[STREAM_LIVE] = true;
	f->page.cursors[STREAM_LIVE] = (struct source_cursor){ .watermark_ms = 42,
		                                               .started_ms = 7,
		                                               .start = { SOURCE_START_AGO, 5 } };
	run(f);
	assert_int_equal(f->take.result.fresh, 2);
	assert_int_equal(f->take.result.matched, 2);
	assert_int_equal(f->take.result.queued, 2);
	assert_int_equal(f->take.result.tally_count, 1);
	assert_string_equal(f->take.result.tallies[0].sink, "hook");
	assert_int_equal(f->take.result.tallies[0].queued[CHANGE_CREATED], 2);
	assert_int_equal(f->take.result.rule_hits[0], 2);
	assert_int_equal(look(f).queued, 2);
	assert_int_equal(look(f).cursor.watermark_ms, 42);
	assert_int_equal(look(f).cursor.started_ms, 7);
	assert_int_equal(look(f).cursor.start_kind, SOURCE_START_AGO);
	run(f);
	assert_int_equal(f->take.result.fresh, 0);
	assert_int_equal(f->take.result.stale, 2);
	assert_int_equal(f->take.result.queued, 0);
	assert_int_equal(look(f).queued, 2);
}

static void
test_poison_goes_to_quarantine_and_the_cursor_goes_on(void **state)
{
	struct fixture *f = *state;

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	f->items[1].raw = SPAN_LIT("{\"no\":\"id\"}");
	f->items[1].poison = mem_strdup("no Id");
	f->take.count = 2;
	f->page.has_cursor[STREAM_LIVE] = true;
	f->page.cursors[STREAM_LIVE].watermark_ms = 43;
	run(f);
	assert_int_equal(f->take.result.poisoned, 1);
	assert_int_equal(f->take.result.queued, 1);
	assert_int_equal(look(f).quarantined, 1);
	assert_int_equal(look(f).cursor.watermark_ms, 43);
}

/* Its id stands in the event twice: a page holds it, an event does not. */
static void
test_a_finding_whose_event_is_too_long_is_quarantined_and_holds_up_nothing(void **state)
{
	enum { ID_BYTES = 4900000 };
	struct fixture *f = *state;
	char *text = mem_alloc(ID_BYTES + 1024);
	struct err e = { 0 };
	size_t at;

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	add_finding(f, "b", "2026-09-20T00:00:00Z", "NEW");
	at = (size_t)(strstr(f->text[0], "\"Id\":\"a\"") - f->text[0]) + 6;
	memcpy(text, f->text[0], at);
	memset(text + at, 'i', ID_BYTES);
	memcpy(text + at + ID_BYTES, f->text[0] + at + 1, strlen(f->text[0] + at + 1) + 1);
	f->items[0].raw = span_of(text);
	if (finding_parse(VIEW_SECURITYHUB, f->items[0].raw, NULL, &f->items[0].finding, &e) < 0)
		fail_msg("%s", e.text);
	f->page.has_cursor[STREAM_LIVE] = true;
	f->page.cursors[STREAM_LIVE].watermark_ms = 43;
	run(f);
	assert_int_equal(f->take.result.poisoned, 1);
	assert_int_equal(f->take.result.fresh, 1);
	assert_int_equal(f->take.result.queued, 1);
	assert_int_equal(look(f).quarantined, 1);
	assert_int_equal(look(f).cursor.watermark_ms, 43);
	mem_free(text);
}

static int
fail_after(struct store_tx *tx, void *job, struct err *e)
{
	if (take_run(tx, job, e) < 0)
		return -1;
	return err_set(e, ERR_STORE, "as if the disk were full");
}

static void
test_a_page_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	f->page.has_cursor[STREAM_LIVE] = true;
	f->page.cursors[STREAM_LIVE].watermark_ms = 44;
	assert_int_equal(store_run_wait(f->store, fail_after, &f->take, &e), -1);
	assert_int_equal(look(f).queued, 0);
	assert_int_equal(look(f).has_cursor, 0);
	run(f);
	assert_int_equal(f->take.result.fresh, 1);
	assert_int_equal(look(f).queued, 1);
}

static void
test_a_closed_finding_is_resolved(void **state)
{
	struct fixture *f = *state;

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	run(f);
	f->take.count = 0;
	add_finding(f, "a", "2026-09-21T00:00:00Z", "RESOLVED");
	/* and its pattern no longer matches */
	f->items[0].match_count = 0;
	run(f);
	assert_int_equal(f->take.result.queued, 1);
	assert_int_equal(f->take.result.tallies[0].queued[CHANGE_RESOLVED], 1);
	assert_int_equal(f->take.result.matched, 0);
}

static void
test_a_dry_run_keeps_the_notices(void **state)
{
	struct fixture *f = *state;

	add_finding(f, "a", "2026-09-20T00:00:00Z", "NEW");
	f->take.is_kept = true;
	run(f);
	run(f);
	assert_int_equal(f->take.result.notice_count, 0);
	f->take.count = 0;
	add_finding(f, "b", "2026-09-20T00:00:00Z", "NEW");
	run(f);
	assert_int_equal(f->take.result.notice_count, 1);
	assert_string_equal(f->take.result.notices[0].sink, "hook");
	assert_string_equal(f->take.result.notices[0].rules, "all");
	assert_int_equal(f->take.result.notices[0].change, CHANGE_CREATED);
	assert_non_null(
		strstr(f->take.result.notices[0].event, "Security Hub Findings - Imported"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_findings_are_queued_once),
		TEST(test_poison_goes_to_quarantine_and_the_cursor_goes_on),
		TEST(test_a_finding_whose_event_is_too_long_is_quarantined_and_holds_up_nothing),
		TEST(test_a_page_that_fails_leaves_nothing),
		TEST(test_a_closed_finding_is_resolved),
		TEST(test_a_dry_run_keeps_the_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
