/*
 * test_together: alerts that stand for several findings, flapping and aging out, through a real store: what is queued, under which
 * keys, and what the notices say beside their finding.
 *
 * The plan is a fake of this file's own: the rules, without a machine; every finding matches the rules that its step names.
 */
#include "config.h"

#include "daemon/take.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "daemon/plan.h"
#include "event/envelope.h"
#include "route/collapse.h"
#include "route/rule.h"
#include "store/audit.h"
#include "store/memory.h"
#include "store/outcome.h"
#include "store/store.h"
#include "unit.h"

#define START_MS INT64_C(1790000000000)
#define HOUR     INT64_C(3600000)
#define DAY      (24 * HOUR)

static const char *const hook[] = { "hook" };
static const char *const both[] = { "mail", "hook" };
static const char *const by_control[] = { "detail.findings.GeneratorId",
	                                  "detail.findings.Resources.Id" };
static const char *const by_title[] = { "detail.findings.Title" };

static const struct rule_policy control = { .name = "control",
	                                    .sinks = hook,
	                                    .sink_count = 1,
	                                    .on = CHANGE_DEFAULT,
	                                    .flap_count = 1,
	                                    .flap_ms = HOUR,
	                                    .collapse_by = by_control,
	                                    .collapse_count = 2 };

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
	struct take_item item;
	struct span raw;
	char text[4096];
	uint32_t matched[4];
	struct lifecycle_value values[4];
	struct buf event;
	int64_t asked[4];
	int64_t now_ms;
	char told[1024]; /* what the last step queued */
	int64_t last_id; /* of the last item that was looked at */
	char thread[OUTBOX_KEY_MAX + 1], note[OUTBOX_NOTE_MAX + 1], body[4096];
};

static void
use_rules(const struct rule_policy *policies, size_t count)
{
	struct err e = { 0 };

	rule_set_free(rules);
	if (rule_set_new(policies, count, &rules, &e) < 0)
		fail_msg("%s", e.text);
}

static void
open_store(struct fixture *f)
{
	struct store_options o = { .path = f->path };
	struct err e = { 0 };

	if (store_open(&o, &f->store, &e) < 0)
		fail_msg("%s", e.text);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/fdtest.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/findingsd.db", f->dir);
	use_rules(&control, 1);
	open_store(f);
	f->take.page = &f->page;
	f->take.items = &f->item;
	f->take.matched = f->matched;
	f->take.scratch = take_scratch_new();
	f->take.origin = (struct take_origin){ "hub", "", "us-east-1" };
	f->page.view = VIEW_SECURITYHUB;
	f->page.source = "hub";
	f->page.account = "111122223333";
	f->page.region = "us-east-1";
	f->page.start.kind = SOURCE_START_OPEN;
	f->now_ms = START_MS;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char file[128];

	store_close(f->store);
	take_scratch_free(f->take.scratch);
	take_result_done(&f->take.result);
	rule_set_free(rules);
	rules = NULL;
	buf_done(&f->event);
	for (const char *const *s = (const char *const[]){ "", "-wal", "-journal", NULL }; *s;
	     s++) {
		snprintf(file, sizeof(file), "%s%s", f->path, *s);
		unlink(file);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

/* What was queued since the last look: "change(rules)note ..." */
static int
look_run(struct store_tx *tx, void *job, struct err *e)
{
	struct fixture *f = job;
	struct outbox_item **items;
	size_t n, at = 0;

	f->told[0] = '\0';
	if (audit_recent(tx, 50, &items, &n, e) < 0)
		return -1;
	for (size_t i = n; i-- > 0;) {
		struct outbox_item *it = items[i], *whole;

		if (it->id <= f->last_id)
			continue;
		f->last_id = it->id;
		at += (size_t)snprintf(f->told + at, sizeof(f->told) - at, "%s%s@%s(%s)",
		                       at ? " " : "", change_name(it->change), it->sink.p,
		                       it->rules.p);
		snprintf(f->thread, sizeof(f->thread), "%s", it->thread_key.p);
		snprintf(f->note, sizeof(f->note), "%s", it->note.p);
		if (outbox_get(tx, it->id, &whole, e) != 1)
			return -1;
		snprintf(f->body, sizeof(f->body), "%.*s", SPAN_FMT(whole->event));
		outbox_item_free(whole);
	}
	outbox_items_free(items, n);
	return 0;
}

static void
run(struct fixture *f)
{
	struct err e = { 0 };

	f->take.now_ms = f->page.request_started_ms = f->now_ms;
	f->take.remembered_ms = 30 * DAY;
	if (store_run_wait(f->store, take_run, &f->take, &e) < 0 ||
	    store_run_wait(f->store, look_run, f, &e) < 0)
		fail_msg("%s", e.text);
}

static void
find_value(struct fixture *f, size_t i)
{
	struct envelope_place place = { "111122223333", "us-east-1", NULL };

	buf_clear(&f->event);
	assert_int_equal(envelope_for_match(&f->item.finding, &place, &f->event), 0);
	collapse_value(rule_set_at(rules, f->matched[i]),
	               (struct span){ f->event.data, f->event.len }, &f->values[i]);
}

/* One finding of a check on a resource, in a region, read now; matched by all rules. */
static const char *
step(struct fixture *f, const char *id, const char *region, const char *severity,
     const char *workflow)
{
	char at[TIMEFMT_BYTES];
	struct err e = { 0 };

	f->now_ms += 1000;
	snprintf(
		f->text, sizeof(f->text),
		"{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"%s\",\"ProductArn\":\"arn:aws:"
		"securityhub:us-east-1::product/aws/config\",\"GeneratorId\":\"S3.1\",\"AwsAccountId\":"
		"\"111122223333\",\"CreatedAt\":\"2026-09-01T00:00:00Z\",\"UpdatedAt\":\"%s\","
		"\"Region\":\"%s\",\"Severity\":{\"Label\":\"%s\"},\"Title\":\"t %s\",\"Description\":"
		"\"d\",\"Resources\":[{\"Type\":\"Other\",\"Id\":\"%s\"}],\"RecordState\":\"ACTIVE\","
		"\"Workflow\":{\"Status\":\"%s\"}}",
		id, timefmt_rfc3339_ms(f->now_ms, at), region, severity, id,
		id[0] == 'x' ? "other" : "bucket", workflow);
	f->raw = f->item.raw = span_of(f->text);
	f->page.findings = &f->raw;
	f->page.count = f->take.count = 1;
	f->take.asked_count = 0;
	if (finding_parse(VIEW_SECURITYHUB, f->item.raw, NULL, &f->item.finding, &e) < 0)
		fail_msg("%s", e.text);
	f->take.values = rule_set_collapses(rules) ? f->values : NULL;
	f->take.matched_count = f->item.match_count = (uint32_t)rule_set_count(rules);
	for (uint32_t i = 0; i < f->item.match_count; i++) {
		f->matched[i] = i;
		find_value(f, i);
	}
	run(f);
	return f->told;
}

/* The same bytes again, a time later. */
static const char *
again(struct fixture *f, int64_t later_ms)
{
	f->now_ms += later_ms;
	run(f);
	return f->told;
}

/* An answer to a re-read of these that has none of them. */
static const char *
absent(struct fixture *f, int64_t id, int64_t later_ms)
{
	f->now_ms += later_ms;
	f->take.count = f->page.count = 0;
	f->take.asked = f->asked;
	f->take.asked_count = 1;
	f->asked[0] = id;
	run(f);
	return f->told;
}

static void
test_equal_findings_are_one_alert(void **state)
{
	struct fixture *f = *state;
	char thread[OUTBOX_KEY_MAX + 1];

	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NEW"), "created@hook(control)");
	assert_string_equal(f->note, "");
	snprintf(thread, sizeof(thread), "%s", f->thread);
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "NEW"), "");
	assert_string_equal(step(f, "c", "eu-west-1", "MEDIUM", "NEW"), "");
	assert_string_equal(step(f, "x", "eu-west-1", "MEDIUM", "NEW"), "created@hook(control)");
	assert_string_not_equal(f->thread, thread);
	assert_string_equal(step(f, "b", "us-west-2", "HIGH", "NEW"),
	                    "severity_raised@hook(control)");
	assert_string_equal(f->thread, thread);
	assert_string_equal(f->note,
	                    "{\"also\":{\"open\":3,\"open_is_more\":false,\"more\":2,\"in\":"
	                    "[\"us-west-2\",\"eu-west-1\"]}}");
	assert_non_null(strstr(f->body, "\"Id\":\"b\""));
	assert_string_equal(step(f, "b", "us-west-2", "HIGH", "RESOLVED"), "");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "c", "eu-west-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
	assert_string_equal(f->thread, thread);
	assert_string_equal(f->note, "");
	assert_string_equal(step(f, "d", "eu-west-1", "MEDIUM", "NEW"), "reopened@hook(control)");
	assert_string_not_equal(f->thread, thread);
}

static void
test_an_alert_survives_a_restart_and_the_removal_of_its_rule(void **state)
{
	static const struct rule_policy other = {
		.name = "other", .sinks = hook, .sink_count = 1, .on = CHANGE_BIT(CHANGE_REOPENED)
	};
	struct fixture *f = *state;

	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "NEW"), "");
	store_close(f->store);
	open_store(f);
	use_rules(&other, 1);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
}

/* While its alert is open a finding stays in it; the next one goes by the new paths. */
static void
test_a_changed_collapse_by_tells_nothing_twice(void **state)
{
	struct rule_policy changed = control, plain = control;
	struct fixture *f = *state;

	changed.collapse_by = by_title;
	changed.collapse_count = 1;
	plain.collapse_count = 0;
	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	(void)step(f, "b", "us-west-2", "MEDIUM", "NEW");
	use_rules(&changed, 1);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NOTIFIED"), "");
	assert_string_equal(step(f, "c", "us-east-1", "MEDIUM", "NEW"), "created@hook(control)");
	use_rules(&plain, 1);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NEW"), "");
	assert_string_equal(step(f, "c", "us-east-1", "MEDIUM", "NOTIFIED"), "");
	assert_string_equal(step(f, "d", "us-east-1", "MEDIUM", "NEW"), "created@hook(control)");
	use_rules(&control, 1);
	assert_string_equal(step(f, "d", "us-east-1", "MEDIUM", "NOTIFIED"), "");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
	assert_string_equal(step(f, "c", "us-east-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
	assert_string_equal(step(f, "d", "us-east-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
}

static void
test_other_rules_of_the_finding_tell_it_for_itself(void **state)
{
	static const struct rule_policy two[] = {
		{ .name = "control",
		  .sinks = both,
		  .sink_count = 2,
		  .on = CHANGE_DEFAULT,
		  .collapse_by = by_control,
		  .collapse_count = 2 },
		{ .name = "plain", .sinks = hook, .sink_count = 1, .on = CHANGE_DEFAULT },
	};
	struct fixture *f = *state;

	use_rules(two, 2);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NEW"),
	                    "created@hook(plain) created@mail(control) created@hook(control)");
	assert_string_equal(step(f, "b", "us-east-1", "MEDIUM", "NEW"), "created@hook(plain)");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(plain)");
	assert_string_equal(step(f, "b", "us-east-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(plain) resolved@mail(control) resolved@hook(control)");
}

/* Two rules of one alert, and the second matches later: it hears of the end, though the first does not want to. */
static void
test_a_rule_that_joins_an_open_alert_is_told_its_end(void **state)
{
	struct rule_policy two[] = { control, control };
	struct fixture *f = *state;

	two[0].on = CHANGE_BIT(CHANGE_CREATED);
	two[1].name = "late";
	use_rules(two, 1);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NEW"), "created@hook(control)");
	use_rules(two, 2);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NOTIFIED"), "");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "resolved@hook(late)");
}

static void
test_an_alert_that_flaps_is_held_and_told_when_calm(void **state)
{
	struct fixture *f = *state;
	char thread[OUTBOX_KEY_MAX + 1];

	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "NEW"), "reopened@hook(control)");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "NEW"), "reopened@hook(control)");
	assert_string_equal(f->note, "{\"flapping\":{\"reopened\":2,\"within_ms\":3600000}}");
	snprintf(thread, sizeof(thread), "%s", f->thread);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "NEW"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(again(f, HOUR - 1), "");
	assert_string_equal(again(f, 1), "resolved@hook(control)");
	assert_string_equal(f->note, "{\"calm\":{\"after_ms\":3600000}}");
	assert_string_equal(f->thread, thread);
	assert_string_equal(again(f, DAY), "");
}

/* A finding whose rows were forgotten while its alert was open: the alert is over before another joins it. */
static int
forget_members(struct store_tx *tx, void *job, struct err *e)
{
	bool more;

	(void)job;
	return store_prune(tx, START_MS + 200 * DAY, &more, e);
}

static void
test_an_alert_is_told_again_after_its_findings_were_forgotten(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	char thread[OUTBOX_KEY_MAX + 1];

	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	snprintf(thread, sizeof(thread), "%s", f->thread);
	assert_int_equal(store_run_wait(f->store, forget_members, NULL, &e), 0);
	f->now_ms += 200 * DAY;
	assert_string_equal(step(f, "b", "us-east-1", "MEDIUM", "NEW"), "created@hook(control)");
	assert_string_not_equal(f->thread, thread);
}

/*
 * Random lives of eight findings under two alerts, with restarts and changed rules between them, against the plainest model: a finding is
 * told of by what the alert of its value is; the alert is open while one of its findings is. What must hold whatever happens:
 * a thread is opened by its first notice and has none after its resolved; nothing opens while all is closed, and when something is
 * open, its alert was told as open.
 */
enum { FINDINGS = 8, STEPS = 700, VALUES = 2 };

struct model {
	bool is_open[FINDINGS];
	int severity[FINDINGS];
	bool is_told_open[VALUES];
	int told[VALUES];
	char thread[VALUES][OUTBOX_KEY_MAX + 1];
	uint64_t random;
};

static uint64_t
roll(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

static void
expect_change(struct model *m, struct fixture *f, int value, bool is_first, int severity)
{
	bool is_any = false;

	for (int i = value; i < FINDINGS; i += VALUES)
		is_any |= m->is_open[i];
	if (is_any && !m->is_told_open[value]) {
		assert_true(str_starts(f->told, "created@") || str_starts(f->told, "reopened@"));
		assert_string_not_equal(f->thread, m->thread[value]);
		snprintf(m->thread[value], sizeof(m->thread[value]), "%s", f->thread);
		m->told[value] = severity;
	} else if (is_any && severity > m->told[value] && is_first) {
		assert_true(str_starts(f->told, "severity_raised@"));
		assert_string_equal(f->thread, m->thread[value]);
		m->told[value] = severity;
	} else if (!is_any && m->is_told_open[value]) {
		assert_true(str_starts(f->told, "resolved@"));
		assert_string_equal(f->thread, m->thread[value]);
	} else {
		assert_string_equal(f->told, "");
	}
	m->is_told_open[value] = is_any;
}

static void
test_random_lives_end_as_the_model_says(void **state)
{
	static const char *const labels[] = { "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	struct rule_policy steady = control, other = control;
	struct fixture *f = *state;
	struct model m = { .random = 88172645463325252u };

	steady.flap_count = 0;
	other.flap_count = 0;
	other.collapse_by = by_title; /* matters to what opens anew only: left again before that */
	other.collapse_count = 1;
	use_rules(&steady, 1);
	for (int n = 0; n < STEPS; n++) {
		int who = (int)roll(&m, FINDINGS), severity = (int)roll(&m, LENGTH(labels));
		bool is_open = roll(&m, 3) > 0, was_open = m.is_open[who];
		char id[8];

		if (roll(&m, 40) == 0) {
			store_close(f->store);
			open_store(f);
		}
		/* A finding that is in its alert stays there, whatever the rule says meanwhile. */
		bool is_changed = was_open && roll(&m, 4) == 0;
		use_rules(is_changed ? &other : &steady, 1);
		snprintf(id, sizeof(id), "%c%d", who % VALUES ? 'x' : 'a', who);
		(void)step(f, id, who % 3 ? "us-east-1" : "us-west-2", labels[severity],
		           is_open ? "NEW" : "RESOLVED");
		m.is_open[who] = is_open;
		m.severity[who] = severity;
		expect_change(&m, f, who % VALUES, is_open, severity);
	}
}

static int
bury_all(struct store_tx *tx, void *job, struct err *e)
{
	struct outbox_outcome o = { .now_ms = START_MS, .is_attempt = true };
	struct fixture *f = job;

	for (int64_t id = 1; id <= f->last_id; id++) {
		if (outbox_bury(tx, id, &o, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static void
test_an_alert_whose_open_was_never_delivered_is_not_resolved(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	(void)step(f, "b", "us-west-2", "MEDIUM", "NEW");
	assert_int_equal(store_run_wait(f->store, bury_all, f, &e), 0);
	assert_string_equal(step(f, "a", "us-east-1", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "RESOLVED"), "");
	assert_string_equal(step(f, "b", "us-west-2", "MEDIUM", "NEW"), "reopened@hook(control)");
}

static void
test_what_joins_an_alert_that_nobody_heard_of_is_told(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	char thread[OUTBOX_KEY_MAX + 1];

	(void)step(f, "a", "us-east-1", "MEDIUM", "NEW");
	snprintf(thread, sizeof(thread), "%s", f->thread);
	(void)step(f, "b", "us-west-2", "MEDIUM", "NEW");
	assert_int_equal(store_run_wait(f->store, bury_all, f, &e), 0);
	assert_string_equal(step(f, "c", "eu-west-1", "MEDIUM", "NEW"), "created@hook(control)");
	assert_string_equal(f->thread, thread);
	assert_string_equal(f->note,
	                    "{\"also\":{\"open\":3,\"open_is_more\":false,\"more\":1,\"in\":"
	                    "[\"us-west-2\"]}}");
	assert_string_equal(step(f, "d", "eu-west-2", "MEDIUM", "NEW"), "");
	for (const char *id = "abc"; *id; id++)
		assert_string_equal(step(f, (char[]){ *id, '\0' },
		                         *id == 'a'   ? "us-east-1"
		                         : *id == 'b' ? "us-west-2"
		                                      : "eu-west-1",
		                         "MEDIUM", "RESOLVED"),
		                    "");
	assert_string_equal(step(f, "d", "eu-west-2", "MEDIUM", "RESOLVED"),
	                    "resolved@hook(control)");
}

/* Names of members are text of whoever made the findings: escaped they are longest, and have to fit all the same. */
static void
test_names_that_need_escapes_hold_up_nothing(void **state)
{
	struct fixture *f = *state;
	char id[16], region[512];
	size_t at;

	(void)step(f, "m0", "us-east-1", "LOW", "NEW");
	for (int i = 1; i < 12; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		at = (size_t)snprintf(region, sizeof(region), "%02d", i);
		for (int k = 0; k < 40; k++)
			at += (size_t)snprintf(region + at, sizeof(region) - at, "\\u0001");
		(void)step(f, id, region, "LOW", "NEW");
	}
	assert_string_equal(step(f, "last", "eu-west-1", "HIGH", "NEW"),
	                    "severity_raised@hook(control)");
	assert_non_null(strstr(f->note, "\"more\":11"));
	assert_true(strlen(f->note) > 1500);
}

static int
id_run(struct store_tx *tx, void *job, struct err *e)
{
	struct fixture *f = job;
	struct span state;

	return memory_get(tx, f->item.finding.identity, &f->asked[1], &state, NULL, e) == 1 ? 0
	                                                                                    : -1;
}

static int64_t
id_of(struct fixture *f)
{
	struct err e = { 0 };

	assert_int_equal(store_run_wait(f->store, id_run, f, &e), 0);
	return f->asked[1];
}

static void
test_what_aws_no_longer_has_is_resolved_as_aged_out(void **state)
{
	static const struct rule_policy plain = {
		.name = "plain", .sinks = hook, .sink_count = 1, .on = CHANGE_DEFAULT
	};
	struct fixture *f = *state;
	char thread[OUTBOX_KEY_MAX + 1];

	use_rules(&plain, 1);
	(void)step(f, "a", "eu-west-1", "HIGH", "NEW");
	int64_t id = id_of(f);
	snprintf(thread, sizeof(thread), "%s", f->thread);
	assert_string_equal(absent(f, id, DAY), "");
	assert_string_equal(absent(f, id, HOUR), "");
	assert_string_equal(absent(f, id, HOUR), "");
	f->page.is_partial = true; /* says nothing of what is missing */
	assert_string_equal(absent(f, id, 90 * DAY), "");
	f->page.is_partial = false;
	assert_string_equal(absent(f, id, 1), "resolved@hook(plain)");
	assert_string_equal(f->note, "{\"aged_out\":true}");
	assert_string_equal(f->thread, thread);
	assert_non_null(strstr(f->body, "\"Id\":\"a\""));
	assert_non_null(strstr(f->body, "\"Title\":\"t a\""));
	assert_non_null(strstr(f->body, "\"Region\":\"eu-west-1\""));
	assert_non_null(strstr(f->body, "product/aws/config"));
	assert_string_equal(absent(f, id, DAY), "");
}

static void
test_the_last_member_that_ages_out_resolves_the_alert(void **state)
{
	struct fixture *f = *state;

	(void)step(f, "a", "us-east-1", "HIGH", "NEW");
	int64_t a = id_of(f);
	(void)step(f, "b", "us-west-2", "HIGH", "NEW");
	int64_t b = id_of(f);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(absent(f, a, HOUR), "");
		assert_string_equal(absent(f, b, 1), "");
	}
	assert_string_equal(absent(f, a, 90 * DAY), "");
	assert_string_equal(absent(f, b, 1), "resolved@hook(control)");
	assert_string_equal(
		f->note,
		"{\"aged_out\":true,\"also\":{\"open\":0,\"open_is_more\":false,\"more\":1,"
		"\"in\":[\"us-west-2\"]}}");
}

static void
test_many_members_are_bounded_in_what_is_kept_and_said(void **state)
{
	struct fixture *f = *state;
	char id[32], region[32];

	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		snprintf(region, sizeof(region), "region-%d", i);
		assert_string_equal(step(f, id, region, "LOW", "NEW"),
		                    i ? "" : "created@hook(control)");
	}
	assert_string_equal(step(f, "last", "region-0", "CRITICAL", "NEW"),
	                    "severity_raised@hook(control)");
	assert_string_equal(
		f->note,
		"{\"also\":{\"open\":301,\"open_is_more\":false,\"more\":299,\"in\":[\"region-1\","
		"\"region-2\",\"region-3\",\"region-4\",\"region-5\",\"region-6\",\"region-7\",\"region-8\"]}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_findings_are_one_alert),
		TEST(test_an_alert_survives_a_restart_and_the_removal_of_its_rule),
		TEST(test_a_changed_collapse_by_tells_nothing_twice),
		TEST(test_other_rules_of_the_finding_tell_it_for_itself),
		TEST(test_a_rule_that_joins_an_open_alert_is_told_its_end),
		TEST(test_an_alert_that_flaps_is_held_and_told_when_calm),
		TEST(test_an_alert_is_told_again_after_its_findings_were_forgotten),
		TEST(test_what_aws_no_longer_has_is_resolved_as_aged_out),
		TEST(test_the_last_member_that_ages_out_resolves_the_alert),
		TEST(test_random_lives_end_as_the_model_says),
		TEST(test_an_alert_whose_open_was_never_delivered_is_not_resolved),
		TEST(test_what_joins_an_alert_that_nobody_heard_of_is_told),
		TEST(test_names_that_need_escapes_hold_up_nothing),
		TEST(test_many_members_are_bounded_in_what_is_kept_and_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
