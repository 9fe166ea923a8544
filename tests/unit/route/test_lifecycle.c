/*
 * The lifecycle, as stories: readings in order, the rules that match each, and what has to be told. Between any two readings the state
 * goes through its packed form, so every story tests that too.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "route/lifecycle.h"

/* Readings are short rows: what a story does not speak of stays zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { GD = LIFECYCLE_GUARDDUTY, HUB = LIFECYCLE_SECURITYHUB };
enum { INFO, LOW, MEDIUM, HIGH, CRITICAL };
enum { OPEN = LIFECYCLE_OPEN, CLOSED = LIFECYCLE_CLOSED, NEUTRAL = LIFECYCLE_NEUTRAL };
enum { SUPPRESSED = 100 };    /* closed by Workflow SUPPRESSED */
enum { A = 1, B = 2, C = 4 }; /* rules by index */

/* Instants are small numbers; created 50 and start 10 unless said otherwise. */
struct reading {
	int view;
	int64_t updated;
	int status, severity;
	unsigned matched; /* bits of rules */
	const char *told; /* "change@sink#n(rules) ..." */
	char digest;      /* 0: made of status and severity */
	int64_t request;  /* 0: 1000 + updated */
	uint64_t count;
	int64_t created; /* 0: 50 */
	int64_t start;   /* 0: 10 */
	int start_kind;
	int64_t now;
	const char *dead; /* this sink's notices of the generation died: "hook:2" */
	bool is_absent;   /* an answer without it; request is its time */
	int value;        /* what the collapse_by of all matching rules found, 0: nothing */
	int64_t remembered;
	unsigned as;
	uint32_t place;
};

struct story {
	const struct rule_policy *rules;
	size_t rule_count;
	const struct reading *readings;
	size_t reading_count;
};

static const char *const hook[] = { "hook" };
static const char *const mail[] = { "mail" };
static const char *const both[] = { "hook", "mail" };

#define RULE(n, s)                                                                   \
	{                                                                            \
		.name = n, .sinks = s, .sink_count = LENGTH(s), .on = CHANGE_DEFAULT \
	}

static const struct rule_policy one_rule[] = { RULE("a", hook) };

static void
make_reading(const struct reading *in, struct lifecycle_reading *r)
{
	memset(r, 0, sizeof(*r));
	memset(r->identity, 0x5A, sizeof(r->identity));
	r->view = (enum lifecycle_view)in->view;
	r->updated_ms = in->updated;
	r->digest[0] = (unsigned char)(in->digest ? in->digest : in->status * 8 + in->severity);
	r->request_started_ms = in->request ? in->request : 1000 + in->updated;
	r->created_ms = in->created ? in->created : 50;
	r->severity = in->severity;
	r->status = in->status == SUPPRESSED ? LIFECYCLE_CLOSED : (enum lifecycle_status)in->status;
	r->is_suppressed = in->status == SUPPRESSED;
	r->count = in->count;
	r->start = (enum lifecycle_start)in->start_kind;
	r->start_ms = in->start ? in->start : 10;
	r->remembered_ms = in->remembered;
	r->as = in->as;
	r->place = in->place;
}

static const char *const members[] = {
	[LIFECYCLE_ALONE] = "",       [LIFECYCLE_JOINS] = "joins:",   [LIFECYCLE_STAYS] = "stays:",
	[LIFECYCLE_LOOKS] = "looks:", [LIFECYCLE_LEAVES] = "leaves:",
};
static const char *const asides[] = {
	[LIFECYCLE_ASIDE_NONE] = "",
	[LIFECYCLE_ASIDE_FLAPPING] = "~flapping",
	[LIFECYCLE_ASIDE_CALM] = "~calm",
	[LIFECYCLE_ASIDE_AGED] = "~aged",
};

static void
describe(const struct lifecycle_result *ret, char *out, size_t bytes)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ret->action_count; i++) {
		const struct lifecycle_action *a = &ret->actions[i];
		at += (size_t)snprintf(out + at, bytes - at, "%s%s%s@%.*s#%u(", i ? " " : "",
		                       members[a->member], change_name(a->change),
		                       SPAN_FMT(a->sink), a->n);
		for (size_t k = 0; k < a->rule_count; k++)
			at += (size_t)snprintf(out + at, bytes - at, "%s%.*s", k ? "," : "",
			                       SPAN_FMT(a->rules[k]));
		at += (size_t)snprintf(out + at, bytes - at, ")%s", asides[a->aside]);
	}
}

/* What a story carries from one reading to the next. */
struct run {
	struct lifecycle_state state;
	struct lifecycle_result ret;
	struct buf packed;
	bool is_new;
};

static void
read_one(struct run *run, const struct rule_set *rules, const struct reading *in, size_t line)
{
	struct lifecycle_reading r;
	struct lifecycle_dead dead = { .generation = run->state.generation };
	uint32_t matched[8];
	struct lifecycle_value values[8] = { 0 };
	struct lifecycle_input input = {
		.reading = &r, .rules = rules, .matched = matched, .now_ms = in->now
	};
	struct err e = { 0 };
	char told[1024];

	make_reading(in, &r);
	for (uint32_t i = 0; i < 8; i++) {
		if ((in->matched & 1u << i) != 0)
			matched[input.matched_count++] = i;
	}
	if (run->is_new)
		lifecycle_init(&run->state);
	else
		assert_int_equal(
			lifecycle_unpack((struct span){ run->packed.data, run->packed.len },
		                         &run->state, &e),
			0);
	if (in->dead != NULL) {
		dead.sink = (struct span){ in->dead, strcspn(in->dead, ":") };
		dead.count = (uint32_t)(in->dead[dead.sink.len + 1] - '0');
		dead.generation = run->state.generation;
		input.dead = &dead;
		input.dead_count = 1;
	}
	for (size_t i = 0; in->value != 0 && i < LENGTH(values); i++) {
		values[i].is_set = true;
		memset(values[i].bytes, in->value, sizeof(values[i].bytes));
		input.values = values;
	}
	if (in->is_absent)
		lifecycle_absent(&run->state, &input, &run->ret);
	else
		lifecycle_decide(&run->state, run->is_new, &input, &run->ret);
	describe(&run->ret, told, sizeof(told));
	if (strcmp(told, in->told) != 0)
		fail_msg("reading %zu: told '%s', not '%s'", line, told, in->told);
	if (run->ret.is_state_changed) {
		struct buf next = { 0 };
		lifecycle_pack(&run->state, &next);
		buf_done(&run->packed);
		run->packed = next;
	}
	run->is_new = false;
}

static void
play_run(struct run *run, const struct story *s)
{
	struct rule_set *rules = NULL;
	struct err e = { 0 };

	assert_int_equal(rule_set_new(s->rules, s->rule_count, &rules, &e), 0);
	for (size_t i = 0; i < s->reading_count; i++)
		read_one(run, rules, &s->readings[i], i);
	rule_set_free(rules);
}

#define PLAY(rules, readings)                                                              \
	do {                                                                               \
		struct story story = { rules, LENGTH(rules), readings, LENGTH(readings) }; \
		struct run run = { .is_new = true };                                       \
		play_run(&run, &story);                                                    \
		buf_done(&run.packed);                                                     \
	} while (0)

static void
test_created_severity_raised_resolved_reopened(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, MEDIUM, A, "created@hook#1(a)" },
		{ GD, 100, OPEN, MEDIUM, A, "" },
		{ GD, 110, OPEN, MEDIUM, A, "" },
		{ GD, 120, OPEN, HIGH, A, "severity_raised@hook#2(a)" },
		{ GD, 130, CLOSED, HIGH, A, "resolved@hook#3(a)" },
		{ GD, 140, CLOSED, HIGH, A, "" },
		{ GD, 150, OPEN, LOW, A, "reopened@hook#4(a)" },
		{ GD, 160, OPEN, MEDIUM, A, "severity_raised@hook#5(a)" },
		{ GD, 170, CLOSED, MEDIUM, A, "resolved@hook#6(a)" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_a_rule_on_workflow_new_still_gets_its_resolved(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)", .digest = 'n' },
		{ HUB, 100, OPEN, HIGH, 0, "", .digest = 'o', .request = 2000 },      /* NOTIFIED */
		{ HUB, 100, CLOSED, HIGH, 0, "resolved@hook#2(a)", .request = 3000 }, /* RESOLVED */
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_high_raised_to_critical_reaches_a_rule_on_high_and_medium(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ HUB, 110, OPEN, CRITICAL, 0, "severity_raised@hook#2(a)" },
		{ HUB, 120, CLOSED, CRITICAL, 0, "resolved@hook#3(a)" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_rule_only_on_security_hub_guardduty_read_first(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, 0, "" },
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 110, OPEN, HIGH, 0, "" },
		{ HUB, 110, OPEN, HIGH, A, "" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_resolved_in_security_hub_while_open_in_guardduty_does_not_loop(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .count = 3 },
		{ HUB, 100, OPEN, HIGH, A, "" },
		{ HUB, 100, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 2000 },
		{ GD, 100, OPEN, HIGH, A, "", .count = 3, .request = 3000 },
		{ HUB, 100, CLOSED, HIGH, A, "", .request = 4000 },
		{ GD, 110, OPEN, HIGH, A, "", .count = 3 },
		{ HUB, 110, CLOSED, HIGH, A, "" },
		/* It goes on happening: reopened once, though Security Hub still says RESOLVED. */
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#3(a)", .count = 4 },
		{ HUB, 120, CLOSED, HIGH, A, "" },
		{ GD, 130, OPEN, HIGH, A, "", .count = 5 },
		{ HUB, 130, CLOSED, HIGH, A, "" },
		/* Set to NEW, and resolved again by a person. */
		{ HUB, 130, OPEN, HIGH, A, "", .request = 5000 },
		{ HUB, 130, CLOSED, HIGH, A, "resolved@hook#4(a)", .request = 6000 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_a_count_seen_late_is_no_rise_after_the_close(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .count = 3 },
		{ HUB, 120, CLOSED, HIGH, 0,
		  "resolved@hook#2(a)" }, /* copy of the version of 120 */
		{ GD, 120, OPEN, HIGH, A, "", .count = 4 },
		{ GD, 130, OPEN, HIGH, A, "reopened@hook#3(a)", .count = 5 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_suppressed_stays_quiet_when_the_count_rises(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .count = 3 },
		{ HUB, 100, SUPPRESSED, HIGH, 0, "resolved@hook#2(a)" },
		{ GD, 130, OPEN, HIGH, A, "", .count = 9 },
		{ HUB, 140, OPEN, HIGH, 0, "" }, /* reopened, but the rule wants GuardDuty's view */
		{ GD, 150, OPEN, HIGH, A, "reopened@hook#3(a)", .count = 9 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_archived_in_guardduty_stays_closed_when_the_count_rises(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .count = 1 },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)", .count = 2 },
		{ GD, 120, CLOSED, HIGH, A, "", .count = 3 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_closed_by_both_reopens_with_the_last(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)" },
		{ HUB, 110, CLOSED, HIGH, A, "" },
		{ GD, 120, OPEN, HIGH, A, "" },
		{ HUB, 120, OPEN, HIGH, A, "reopened@hook#3(a)" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_a_status_change_without_updated_at(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 1000 },
		/* Another digest from a request that was under way earlier: the older state, arriving late. */
		{ HUB, 100, CLOSED, HIGH, A, "", .request = 999 },
		{ HUB, 100, CLOSED, HIGH, A, "", .request = 1000 },
		{ HUB, 100, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 1001 },
		{ HUB, 100, OPEN, HIGH, A, "", .request = 1000 },
		{ HUB, 100, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 1002 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_an_old_finding_updated_after_start_now(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, MEDIUM, A, "", .created = 5 },
		{ GD, 110, OPEN, MEDIUM, A, "", .created = 5 },
		{ GD, 120, OPEN, HIGH, A, "severity_raised@hook#1(a)", .created = 5 },
		{ GD, 130, CLOSED, HIGH, A, "resolved@hook#2(a)", .created = 5 },
		{ GD, 140, OPEN, HIGH, A, "reopened@hook#3(a)", .created = 5 },
	};
	static const struct reading closed_first[] = {
		{ GD, 100, OPEN, MEDIUM, A, "", .created = 5 },
		{ GD, 110, CLOSED, MEDIUM, A, "", .created = 5 }, /* never told open: no resolved */
		{ GD, 120, OPEN, MEDIUM, A, "reopened@hook#1(a)", .created = 5 },
	};

	(void)state;
	PLAY(one_rule, readings);
	PLAY(one_rule, closed_first);
}

static void
test_start_since_goes_by_update_and_start_open_tells_all(void **state)
{
	static const struct reading since[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .created = 5,
		  .start_kind = LIFECYCLE_START_SINCE, .start = 100 },
	};
	static const struct reading before[] = {
		{ GD, 99, OPEN, HIGH, A, "", .created = 5, .start_kind = LIFECYCLE_START_SINCE,
		  .start = 100 },
	};
	static const struct reading open[] = {
		{ GD, 99, OPEN, HIGH, A, "created@hook#1(a)", .created = 5,
		  .start_kind = LIFECYCLE_START_OPEN, .start = 100 },
	};
	static const struct reading closed[] = {
		{ GD, 99, CLOSED, HIGH, A, "", .start_kind = LIFECYCLE_START_OPEN },
	};

	(void)state;
	PLAY(one_rule, since);
	PLAY(one_rule, before);
	PLAY(one_rule, open);
	PLAY(one_rule, closed);
}

static void
test_another_created_at_in_the_second_view(void **state)
{
	static const struct reading told_once[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .created = 50 },
		{ HUB, 100, OPEN, HIGH, A, "", .created = 90 },
	};
	static const struct reading still_old[] = {
		{ GD, 100, OPEN, HIGH, 0, "", .created = 5 },
		{ HUB, 100, OPEN, HIGH, A, "",
		  .created = 90 }, /* imported after the start, but old */
	};

	(void)state;
	PLAY(one_rule, told_once);
	PLAY(one_rule, still_old);
}

static void
test_an_older_version_arriving_late_is_dropped(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 99, CLOSED, HIGH, A, "", .request = 9000 },
		{ GD, 98, OPEN, CRITICAL, A, "", .request = 9000 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_nanoseconds_decide_versions(void **state)
{
	struct lifecycle_state *s = &(struct lifecycle_state){ 0 };
	struct lifecycle_reading r = { .updated_ms = 5, .updated_sub_ns = 7 };

	(void)state;
	lifecycle_init(s);
	s->views[0].is_known = true;
	s->views[0].updated_ms = 5;
	s->views[0].updated_sub_ns = 7;
	assert_int_equal(lifecycle_compare(s, &r), LIFECYCLE_SAME);
	r.updated_sub_ns = 8;
	assert_int_equal(lifecycle_compare(s, &r), LIFECYCLE_VERSION);
	r.updated_sub_ns = 6;
	assert_int_equal(lifecycle_compare(s, &r), LIFECYCLE_OLDER);
	r.view = LIFECYCLE_SECURITYHUB;
	assert_int_equal(lifecycle_compare(s, &r), LIFECYCLE_VERSION);
}

static void
test_each_reopening_is_a_generation_with_its_own_thread(void **state)
{
	static const struct reading first[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
	};
	static const struct reading second[] = {
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)" },
	};
	static const struct reading third[] = {
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#3(a)" },
	};
	struct run run = { .is_new = true };
	struct story story = { one_rule, 1, first, 1 };
	char thread[3][LIFECYCLE_KEY_BYTES], message[3][LIFECYCLE_KEY_BYTES];

	(void)state;
	for (int i = 0; i < 3; i++) {
		story.readings = i == 0 ? first : i == 1 ? second : third;
		play_run(&run, &story);
		memcpy(thread[i], run.ret.actions[0].thread_key, LIFECYCLE_KEY_BYTES);
		memcpy(message[i], run.ret.actions[0].message_key, LIFECYCLE_KEY_BYTES);
	}
	buf_done(&run.packed);
	assert_string_equal(thread[0], thread[1]);
	assert_string_not_equal(thread[0], thread[2]);
	assert_int_equal(strlen(thread[0]), 44);
	assert_memory_equal(message[0], thread[0], 44);
	assert_string_not_equal(message[0], message[1]);
	assert_string_equal(message[0] + 44, "-0648298b-1"); /* SHA-256 of "hook" begins so */
}

static void
test_two_views_dedupe_notices(void **state)
{
	static const struct rule_policy rules[] = { RULE("a", hook), RULE("b", both) };
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ HUB, 100, OPEN, HIGH, B, "created@mail#1(b)" }, /* hook knows already */
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a,b) resolved@mail#2(b)" },
		{ HUB, 110, CLOSED, HIGH, B, "" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_severity_lowered_then_raised_is_no_news(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 110, OPEN, LOW, A, "" },
		{ GD, 120, OPEN, HIGH, A, "" },
		{ GD, 130, OPEN, CRITICAL, A, "severity_raised@hook#2(a)" },
	};
	static const struct reading silent[] = {
		{ GD, 100, OPEN, HIGH, A, "", .created = 5 },
		{ GD, 110, OPEN, LOW, A, "", .created = 5 },
		{ GD, 120, OPEN, HIGH, A, "", .created = 5 },
		{ GD, 130, OPEN, CRITICAL, A, "severity_raised@hook#1(a)", .created = 5 },
	};

	(void)state;
	PLAY(one_rule, readings);
	PLAY(one_rule, silent);
}

static void
test_one_notice_names_all_rules_in_file_order(void **state)
{
	static const struct rule_policy rules[] = { RULE("z", hook), RULE("m", both),
		                                    RULE("b", hook) };
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, C | A, "created@hook#1(z,b)" },
		{ GD, 110, OPEN, CRITICAL, B, "severity_raised@hook#2(z,m,b) created@mail#1(m)" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_merge_false_stands_apart(void **state)
{
	static const struct rule_policy rules[] = {
		RULE("a", hook),
		{ .name = "b",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .is_apart = true },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A | B, "created@hook#1(a) created@hook#2(b)" },
		{ GD, 110, OPEN, CRITICAL, A,
		  "severity_raised@hook#3(a) severity_raised@hook#4(b)" },
		{ GD, 120, CLOSED, HIGH, A, "resolved@hook#5(a) resolved@hook#6(b)" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_on_decides_which_changes_are_told(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a", .sinks = hook, .sink_count = 1, .on = CHANGE_BIT(CHANGE_CREATED) },
		{ .name = "b",
		  .sinks = mail,
		  .sink_count = 1,
		  .on = CHANGE_BIT(CHANGE_SEVERITY_RAISED) | CHANGE_BIT(CHANGE_RESOLVED) },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, MEDIUM, A | B, "created@hook#1(a)" },
		{ GD, 110, OPEN, HIGH, A | B, "severity_raised@mail#1(b)" },
		{ GD, 120, CLOSED, HIGH, A | B, "resolved@mail#2(b)" },
		{ GD, 130, OPEN, HIGH, A | B, "" },
		{ GD, 140, OPEN, CRITICAL, A | B, "severity_raised@mail#3(b)" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_updated_where_it_is_asked_for(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT | CHANGE_BIT(CHANGE_UPDATED) },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 100, OPEN, HIGH, A, "" },
		{ HUB, 100, OPEN, HIGH, A, "" }, /* the other view's first sight is no update */
		{ GD, 110, OPEN, HIGH, A, "updated@hook#2(a)" },
		{ GD, 120, OPEN, CRITICAL, A, "severity_raised@hook#3(a)" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_repeats_fixed_and_longer(void **state)
{
	static const struct rule_policy fixed[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .repeat_interval_ms = 100,
		  .repeat_backoff = 1 },
	};
	static const struct rule_policy longer[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .repeat_interval_ms = 100,
		  .repeat_backoff = 2 },
	};
	static const struct reading fixed_readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .now = 1000 },
		{ GD, 100, OPEN, HIGH, A, "", .now = 1099 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#2(a)", .now = 1100 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#3(a)", .now = 1200 },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#4(a)", .now = 1300 },
		{ GD, 110, CLOSED, HIGH, A, "", .now = 1500 },
	};
	static const struct reading longer_readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .now = 1000 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#2(a)", .now = 1100 },
		{ GD, 100, OPEN, HIGH, A, "", .now = 1299 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#3(a)", .now = 1300 },
		{ GD, 100, OPEN, HIGH, A, "", .now = 1699 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#4(a)", .now = 1700 },
	};

	(void)state;
	PLAY(fixed, fixed_readings);
	PLAY(longer, longer_readings);
}

static void
test_min_count_waits(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .min_count = 3 },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "", .count = 1 },
		{ GD, 110, OPEN, HIGH, A, "", .count = 2 },
		{ GD, 120, OPEN, HIGH, A, "created@hook#1(a)", .count = 3 },
		{ GD, 130, OPEN, HIGH, A, "", .count = 4 },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_an_open_that_died_gets_no_resolved(void **state)
{
	static const struct reading never[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 110, CLOSED, HIGH, A, "", .dead = "hook:1" },
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#2(a)", .dead = "hook:1" },
	};
	static const struct reading partly[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 105, OPEN, CRITICAL, A, "severity_raised@hook#2(a)", .dead = "hook:1" },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#3(a)", .dead = "hook:1" },
	};
	static const struct reading other[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)", .dead = "mail:1" },
	};

	(void)state;
	PLAY(one_rule, never);
	PLAY(one_rule, partly);
	PLAY(one_rule, other);
}

static void
test_a_rule_added_by_a_reload(void **state)
{
	static const struct rule_policy now[] = {
		RULE("a", hook),
		{ .name = "b",
		  .sinks = mail,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .start_ms = 200 },
	};
	static const struct rule_policy open[] = {
		RULE("a", hook),
		{ .name = "b",
		  .sinks = mail,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .start_ms = 200,
		  .is_start_open = true },
	};
	static const struct reading before[] = {
		{ GD, 100, OPEN, MEDIUM, A, "created@hook#1(a)" },
	};
	static const struct reading silent[] = {
		{ GD, 100, OPEN, MEDIUM, A | B, "" },
		{ GD, 210, OPEN, MEDIUM, A | B, "" },
		{ GD, 220, OPEN, HIGH, A | B,
		  "severity_raised@hook#2(a) severity_raised@mail#1(b)" },
	};
	static const struct reading told[] = {
		{ GD, 100, OPEN, MEDIUM, A | B, "created@mail#1(b)" },
		{ GD, 100, OPEN, MEDIUM, A | B, "" },
	};
	struct story stories[] = { { one_rule, 1, before, 1 }, { now, 2, silent, LENGTH(silent) } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct run run = { .is_new = true };
		if (i == 1)
			stories[1] = (struct story){ open, 2, told, LENGTH(told) };
		play_run(&run, &stories[0]);
		play_run(&run, &stories[1]);
		buf_done(&run.packed);
	}
}

static void
test_a_removed_rule_and_a_removed_sink_still_get_their_resolved(void **state)
{
	static const struct rule_policy other[] = { RULE("new", mail) };
	static const struct reading before[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)" },
	};
	static const struct reading after[] = {
		{ GD, 110, OPEN, HIGH, A, "created@mail#1(new)" },
		{ GD, 120, CLOSED, HIGH, 0, "resolved@hook#2(a) resolved@mail#2(new)" },
	};
	struct story stories[] = { { one_rule, 1, before, 1 }, { other, 1, after, 2 } };
	struct run run = { .is_new = true };

	(void)state;
	play_run(&run, &stories[0]);
	play_run(&run, &stories[1]);
	assert_null(run.ret.actions[0].policy);
	assert_non_null(run.ret.actions[1].policy);
	buf_done(&run.packed);
}

static void
test_neutral_neither_closes_nor_reopens(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)" },
		{ HUB, 110, NEUTRAL, HIGH, A, "" },
		{ HUB, 120, CLOSED, HIGH, A, "resolved@hook#2(a)" },
		{ HUB, 130, NEUTRAL, HIGH, A, "" },
		{ HUB, 140, OPEN, HIGH, A, "reopened@hook#3(a)" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_closed_at_first_sight_is_silent(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, CLOSED, HIGH, A, "" },
		{ HUB, 110, CLOSED, CRITICAL, A, "" },
		{ HUB, 120, OPEN, HIGH, A, "reopened@hook#1(a)" },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_a_rule_that_matches_later_is_told_then(void **state)
{
	static const struct rule_policy rules[] = { RULE("high", hook) };
	static const struct reading readings[] = {
		{ GD, 100, OPEN, MEDIUM, 0, "" },
		{ GD, 110, OPEN, HIGH, A, "created@hook#1(high)" },
	};

	(void)state;
	PLAY(rules, readings);
}

/* Many sinks, long names: the packed state stays bounded, no number is used twice, what is open is not forgotten. */
static void
test_a_crowd_stays_bounded(void **state)
{
	enum { RULES = 40 };
	static char names[RULES][65], sinks[RULES * 2][65];
	static const char *lists[RULES][2];
	struct rule_policy policies[RULES];
	struct rule_set *rules = NULL;
	uint32_t matched[RULES];
	struct lifecycle_reading r;
	struct lifecycle_input in = { .reading = &r, .matched = matched, .matched_count = RULES };
	static struct lifecycle_state s;
	static struct lifecycle_result ret;
	struct buf packed = { 0 };
	struct err e = { 0 };

	(void)state;
	memset(policies, 0, sizeof(policies));
	for (int i = 0; i < RULES; i++) {
		(void)snprintf(names[i], 65, "%064d", i);
		for (int k = 0; k < 2; k++) {
			(void)snprintf(sinks[2 * i + k], 65, "%064d", 2 * i + k);
			lists[i][k] = sinks[2 * i + k];
		}
		policies[i] = (struct rule_policy){
			.name = names[i], .sinks = lists[i], .sink_count = 2, .on = CHANGE_DEFAULT
		};
		matched[i] = (uint32_t)i;
	}
	assert_int_equal(rule_set_new(policies, RULES, &rules, &e), 0);
	in.rules = rules;
	make_reading(&(struct reading){ GD, 100, OPEN, HIGH, 0, "" }, &r);
	lifecycle_init(&s);
	lifecycle_decide(&s, true, &in, &ret);
	assert_int_equal(ret.action_count, LIFECYCLE_ACTIONS);
	assert_int_equal(s.group_count, LIFECYCLE_GROUPS);
	lifecycle_pack(&s, &packed);
	assert_true(packed.len <= LIFECYCLE_STATE_MAX);
	assert_int_equal(lifecycle_unpack((struct span){ packed.data, packed.len }, &s, &e), 0);
	make_reading(&(struct reading){ GD, 110, CLOSED, HIGH, 0, "" }, &r);
	lifecycle_decide(&s, false, &in, &ret);
	assert_int_equal(ret.action_count, LIFECYCLE_GROUPS);
	for (size_t i = 0; i < ret.action_count; i++)
		assert_int_equal(ret.actions[i].n, 2);
	buf_done(&packed);
	rule_set_free(rules);
}

static void
test_a_finding_that_flaps_is_told_once_and_when_it_is_calm(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .flap_count = 2,
		  .flap_ms = 1000 },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 100 },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 110 },
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 120 },
		{ GD, 130, CLOSED, HIGH, A, "resolved@hook#4(a)", .request = 130 },
		{ GD, 140, OPEN, HIGH, A, "reopened@hook#5(a)", .request = 140 },
		{ GD, 150, CLOSED, HIGH, A, "resolved@hook#6(a)", .request = 150 },
		{ GD, 160, OPEN, HIGH, A, "reopened@hook#7(a)~flapping", .request = 160 },
		{ GD, 170, CLOSED, HIGH, A, "", .request = 170 },
		{ GD, 180, OPEN, HIGH, A, "", .request = 180 },
		/* worse is news all the same */
		{ GD, 185, OPEN, CRITICAL, A, "severity_raised@hook#8(a)", .request = 185 },
		{ GD, 190, CLOSED, CRITICAL, A, "", .request = 190 },
		{ GD, 190, CLOSED, CRITICAL, A, "", .request = 1189 },
		{ GD, 190, CLOSED, CRITICAL, A, "resolved@hook#9(a)~calm", .request = 1190 },
		{ GD, 190, CLOSED, CRITICAL, A, "", .request = 9999 },
		/* a time later it is an ordinary finding again */
		{ GD, 200, OPEN, HIGH, A, "reopened@hook#10(a)", .request = 20000 },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_a_flapping_finding_that_stays_open_is_told_so(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT | CHANGE_BIT(CHANGE_UPDATED),
		  .flap_count = 1,
		  .flap_ms = 1000 },
		{ .name = "b", .sinks = mail, .sink_count = 1, .on = CHANGE_DEFAULT },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A | B, "created@hook#1(a) created@mail#1(b)",
		  .request = 100 },
		{ GD, 110, CLOSED, HIGH, A | B, "resolved@hook#2(a) resolved@mail#2(b)",
		  .request = 110 },
		{ GD, 120, OPEN, HIGH, A | B, "reopened@hook#3(a) reopened@mail#3(b)",
		  .request = 120 },
		{ GD, 130, CLOSED, HIGH, A | B, "resolved@hook#4(a) resolved@mail#4(b)",
		  .request = 130 },
		/* b has flap = "off" */
		{ GD, 140, OPEN, HIGH, A | B, "reopened@hook#5(a)~flapping reopened@mail#5(b)",
		  .request = 140 },
		{ GD, 150, CLOSED, HIGH, A | B, "resolved@mail#6(b)", .request = 150 },
		{ GD, 160, OPEN, HIGH, A | B, "reopened@mail#7(b)", .request = 160 },
		{ GD, 170, OPEN, HIGH, A | B, "", .request = 170 }, /* not even `updated` */
		{ GD, 170, OPEN, HIGH, A | B, "repeat@hook#6(a)~calm", .request = 1160 },
		{ GD, 170, OPEN, HIGH, A | B, "", .request = 1170 },
		{ GD, 180, CLOSED, HIGH, A | B, "resolved@hook#7(a) resolved@mail#8(b)",
		  .request = 1180 },
	};

	(void)state;
	PLAY(rules, readings);
}

/* The thread of a notice that says that it flaps is the one that its end is told in. */
static void
test_what_flaps_is_resolved_in_the_thread_that_said_so(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .flap_count = 1,
		  .flap_ms = 1000 },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 100 },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 110 },
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 120 },
		{ GD, 130, CLOSED, HIGH, A, "resolved@hook#4(a)", .request = 130 },
		{ GD, 140, OPEN, HIGH, A, "reopened@hook#5(a)~flapping", .request = 140 },
		{ GD, 150, CLOSED, HIGH, A, "", .request = 150 },
		{ GD, 160, OPEN, HIGH, A, "", .request = 160 },
		{ GD, 170, CLOSED, HIGH, A, "", .request = 170 },
		{ GD, 170, CLOSED, HIGH, A, "resolved@hook#6(a)~calm", .request = 2000 },
	};
	struct story first = { rules, 1, readings, 5 }, rest = { rules, 1, readings + 5, 4 };
	struct run run = { .is_new = true };
	char thread[LIFECYCLE_KEY_BYTES];

	(void)state;
	play_run(&run, &first);
	assert_int_equal(run.ret.actions[0].turns, 2);
	assert_int_equal(run.ret.actions[0].flap_ms, 1000);
	memcpy(thread, run.ret.actions[0].thread_key, sizeof(thread));
	play_run(&run, &rest);
	assert_string_equal(run.ret.actions[0].thread_key, thread);
	buf_done(&run.packed);
}

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void
test_aged_out_takes_three_answers_an_hour_and_ninety_days(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 1 * DAY, OPEN, HIGH, A, "created@hook#1(a)", .request = DAY },
		/* three answers over an hour, but young: unknown, silently */
		{ HUB, .is_absent = true, .told = "", .request = 90 * DAY },
		{ HUB, .is_absent = true, .told = "", .request = 90 * DAY + HOUR },
		{ HUB, .is_absent = true, .told = "", .request = 90 * DAY + 2 * HOUR },
		/* there it is again: the count starts anew */
		{ HUB, 1 * DAY, OPEN, HIGH, A, "", .request = 90 * DAY + 3 * HOUR },
		{ HUB, .is_absent = true, .told = "", .request = 91 * DAY },
		{ HUB, .is_absent = true, .told = "", .request = 91 * DAY + 1000 },
		{ HUB, .is_absent = true, .told = "", .request = 91 * DAY + 2000 },
		{ HUB, .is_absent = true, .told = "", .request = 91 * DAY + HOUR - 1 },
		{ HUB, .is_absent = true, .told = "resolved@hook#2(a)~aged",
		  .request = 91 * DAY + HOUR },
		{ HUB, .is_absent = true, .told = "", .request = 91 * DAY + 2 * HOUR },
		/* as it was last seen: it was there all the time */
		{ HUB, 1 * DAY, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 92 * DAY },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_aged_out_is_told_once_for_all_views_and_ends_with_a_newer_version(void **state)
{
	static const struct reading readings[] = {
		{ GD, 1 * DAY, OPEN, HIGH, A, "created@hook#1(a)", .request = DAY },
		{ HUB, 2 * DAY, OPEN, HIGH, A, "", .request = 2 * DAY },
		{ GD, .is_absent = true, .told = "", .request = 91 * DAY },
		{ GD, .is_absent = true, .told = "", .request = 91 * DAY + HOUR },
		{ GD, .is_absent = true, .told = "",
		  .request = 91 * DAY + 2 * HOUR }, /* the copy is 89 days old */
		{ GD, .is_absent = true, .told = "resolved@hook#2(a)~aged", .request = 92 * DAY },
		{ HUB, 93 * DAY, CLOSED, HIGH, A, "", .request = 93 * DAY },
		{ GD, 94 * DAY, OPEN, HIGH, A, "",
		  .request = 94 * DAY }, /* Security Hub says it is closed */
		{ HUB, 95 * DAY, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 95 * DAY },
	};

	(void)state;
	PLAY(one_rule, readings);
}

static void
test_what_flapped_and_is_gone_is_resolved_when_calm(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .flap_count = 1,
		  .flap_ms = 1000 },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 100 },
		{ GD, 110, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 110 },
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 120 },
		{ GD, 130, CLOSED, HIGH, A, "resolved@hook#4(a)", .request = 130 },
		{ GD, 140, OPEN, HIGH, A, "reopened@hook#5(a)~flapping", .request = 140 },
		{ GD, 150, CLOSED, HIGH, A, "", .request = 150 },
		{ GD, .is_absent = true, .told = "", .request = 500 },
		{ GD, .is_absent = true, .told = "resolved@hook#6(a)~calm", .request = 1150 },
	};

	(void)state;
	PLAY(rules, readings);
}

/* What was silent at the start is forgotten like anything else; when it comes back, worse perhaps, it may not be silent again. */
static void
test_an_old_finding_that_may_have_been_forgotten_is_told(void **state)
{
	static const struct reading young[] = {
		{ GD, 130, OPEN, HIGH, A, "", .request = 1110, .created = 50, .start = 100,
		  .remembered = 1010 },
	};
	static const struct reading old[] = {
		{ GD, 1300, OPEN, HIGH, A, "created@hook#1(a)", .request = 1111, .created = 50,
		  .start = 100, .remembered = 1010 },
	};
	static const struct rule_policy reloaded[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .start_ms = 100 },
	};

	(void)state;
	PLAY(one_rule, young);
	PLAY(one_rule, old);
	PLAY(reloaded, young);
	PLAY(reloaded, old);
}

/* Forgotten and found again is another thread with other messages: a receiver may not take it for a repeat of the first. */
static void
test_keys_are_not_used_again_after_what_they_told_of_is_forgotten(void **state)
{
	static const struct reading first[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 500, .remembered = 1000 },
	};
	static const struct reading again[] = {
		{ GD, 900, OPEN, HIGH, A, "created@hook#1(a)", .request = 1600,
		  .remembered = 1000 },
	};
	static const struct reading repaired[] = {
		/* the store was lost, not the time */
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 900, .remembered = 1000 },
	};
	static const struct reading *const stories[] = { first, again, repaired };
	char keys[3][LIFECYCLE_KEY_BYTES];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct story story = { one_rule, 1, stories[i], 1 };
		struct run run = { .is_new = true };
		play_run(&run, &story);
		memcpy(keys[i], run.ret.actions[0].message_key, sizeof(keys[i]));
		buf_done(&run.packed);
	}
	assert_string_not_equal(keys[0], keys[1]);
	assert_string_equal(keys[0], keys[2]);
}

static void
test_a_rule_on_created_alone_hears_of_a_finding_that_reopened_before_it_matched(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a", .sinks = hook, .sink_count = 1, .on = CHANGE_BIT(CHANGE_CREATED) },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, LOW, 0, "" },
		{ GD, 110, CLOSED, LOW, 0, "" },
		{ GD, 120, OPEN, HIGH, A, "created@hook#1(a)" },
		{ GD, 130, CLOSED, HIGH, A, "" },
		{ GD, 140, OPEN, HIGH, A, "" }, /* told once: it did not ask for reopened */
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_repeats_go_on_after_the_clock_was_wrong(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .repeat_interval_ms = 100,
		  .repeat_backoff = 2 },
	};
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .now = 1000000 },
		{ GD, 100, OPEN, HIGH, A, "", .now = 5000 }, /* put back: waits anew from here */
		{ GD, 100, OPEN, HIGH, A, "", .now = 5099 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#2(a)", .now = 5100 },
		{ GD, 100, OPEN, HIGH, A, "", .now = 5299 },
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#3(a)", .now = 5300 }, /* twice as long */
		{ GD, 100, OPEN, HIGH, A, "repeat@hook#4(a)", .now = 5700 },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_a_finding_with_a_value_is_news_for_its_alert_and_no_notice(void **state)
{
	static const struct rule_policy rules[] = {
		{ .name = "a", .sinks = both, .sink_count = 2, .on = CHANGE_DEFAULT },
		{ .name = "b",
		  .sinks = mail,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT | CHANGE_BIT(CHANGE_UPDATED) },
	};
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, MEDIUM, A, "joins:created@#0(a)", .value = 1 },
		{ HUB, 100, OPEN, MEDIUM, A, "", .value = 1 },
		{ HUB, 110, OPEN, HIGH, A, "stays:severity_raised@#0(a)", .value = 1 },
		{ HUB, 120, OPEN, HIGH, A | B, "stays:updated@#0(b)", .value = 1 },
		/* while it is in that alert it stays there, whatever its value and collapse_by become */
		{ HUB, 130, OPEN, HIGH, A | B, "stays:updated@#0(b)", .value = 2 },
		{ HUB, 140, OPEN, HIGH, A | B, "stays:updated@#0(b)" },
		{ HUB, 150, CLOSED, HIGH, 0, "leaves:resolved@#0(a,b)" },
		{ HUB, 160, OPEN, HIGH, A, "joins:reopened@#0(a)", .value = 2 },
		{ HUB, 170, CLOSED, HIGH, 0, "leaves:resolved@#0(a)" },
		{ HUB, 180, OPEN, HIGH, A, "reopened@hook#1(a) reopened@mail#1(a)" },
		{ HUB, 190, OPEN, CRITICAL, A,
		  "severity_raised@hook#2(a) severity_raised@mail#2(a)", .value = 1 },
		{ HUB, 200, CLOSED, HIGH, 0, "resolved@hook#3(a) resolved@mail#3(a)" },
	};

	(void)state;
	PLAY(rules, readings);
}

static void
test_an_alert_for_several_tells_what_its_members_do(void **state)
{
	enum { TOGETHER = LIFECYCLE_TOGETHER, OPEN_START = LIFECYCLE_START_OPEN };
	static const struct rule_policy rules[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_BIT(CHANGE_CREATED) | CHANGE_BIT(CHANGE_RESOLVED) },
		{ .name = "b", .sinks = hook, .sink_count = 1, .on = CHANGE_DEFAULT },
		{ .name = "c",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_BIT(CHANGE_SEVERITY_RAISED) },
	};
	static const struct reading a[] = {
		{ TOGETHER, 1, OPEN, HIGH, A, "created@hook#1(a)", .as = CHANGE_BIT(CHANGE_CREATED),
		  .start_kind = OPEN_START },
		{ TOGETHER, 2, OPEN, HIGH, A, "", .as = CHANGE_BIT(CHANGE_CREATED),
		  .start_kind = OPEN_START },
		{ TOGETHER, 3, CLOSED, HIGH, A, "resolved@hook#2(a)", .start_kind = OPEN_START },
		/* a new finding: a rule on created alone hears of it, though the alert is no new one */
		{ TOGETHER, 4, OPEN, HIGH, A, "created@hook#3(a)", .as = CHANGE_BIT(CHANGE_CREATED),
		  .start_kind = OPEN_START },
	};
	static const struct reading b[] = {
		{ TOGETHER, 1, OPEN, HIGH, B, "created@hook#1(b)", .as = CHANGE_BIT(CHANGE_CREATED),
		  .start_kind = OPEN_START },
		{ TOGETHER, 2, CLOSED, HIGH, B, "resolved@hook#2(b)", .start_kind = OPEN_START },
		{ TOGETHER, 3, OPEN, LOW, B, "reopened@hook#3(b)", .as = CHANGE_BIT(CHANGE_CREATED),
		  .start_kind = OPEN_START },
		{ TOGETHER, 4, OPEN, HIGH, B, "severity_raised@hook#4(b)",
		  .as = CHANGE_BIT(CHANGE_CREATED), .start_kind = OPEN_START },
	};
	/* what was silent and is worse: the rule wanted just that */
	static const struct reading c[] = {
		{ TOGETHER, 1, OPEN, HIGH, C, "severity_raised@hook#1(c)",
		  .as = CHANGE_BIT(CHANGE_SEVERITY_RAISED), .start_kind = OPEN_START },
	};

	(void)state;
	PLAY(rules, a);
	PLAY(rules, b);
	PLAY(rules, c);
}

/* The home region of an aggregation, place 2, follows the region itself, place 1, only after a while. */
static void
test_a_copy_that_lags_behind_undoes_nothing(void **state)
{
	static const struct reading readings[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)", .digest = 'n', .request = 1000,
		  .place = 1 },
		{ HUB, 100, OPEN, HIGH, A, "", .digest = 'n', .request = 1001, .place = 2 },
		{ HUB, 100, OPEN, HIGH, A, "", .digest = 'o', .request = 1002,
		  .place = 1 }, /* NOTIFIED */
		{ HUB, 100, OPEN, HIGH, A, "", .digest = 'n', .request = 1003, .place = 2 },
		{ HUB, 100, CLOSED, HIGH, A, "resolved@hook#2(a)", .digest = 'r', .request = 1004,
		  .place = 1 },
		{ HUB, 100, OPEN, HIGH, A, "", .digest = 'n', .request = 1005, .place = 2 },
		{ HUB, 100, CLOSED, HIGH, A, "", .digest = 'r', .request = 1006, .place = 1 },
		{ HUB, 100, OPEN, HIGH, A, "", .digest = 'o', .request = 1007, .place = 2 },
		{ HUB, 100, CLOSED, HIGH, A, "", .digest = 'r', .request = 1008, .place = 2 },
		/* who showed the change may take it back, and so may a newer version anywhere */
		{ HUB, 100, OPEN, HIGH, A, "reopened@hook#3(a)", .digest = 'n', .request = 1009,
		  .place = 1 },
		{ HUB, 100, CLOSED, HIGH, A, "", .digest = 'r', .request = 1010, .place = 2 },
		{ HUB, 101, CLOSED, HIGH, A, "resolved@hook#4(a)", .digest = 'r', .request = 1011,
		  .place = 2 },
	};

	(void)state;
	PLAY(one_rule, readings);
}

/* As version 1 wrote it: generation 3, one open group. */
static void
test_a_state_of_the_version_before_is_read(void **state)
{
	static const unsigned char
		packed
			[] = {
				1, 3, 0,   0,    0,    100,  3,   7, /* version generation closers suppressed closed_version created severity n_floor */
				1, 0, 3,   0xC8, 1,    0,    'n', 0, 0,   0,
				0, 0, 0,   0,    0x98, 0x11, 0, /* views: GuardDuty at 100, asked at 1100 */
				1, 4, 'h', 'o',  'o',  'k',  0,   1, 15,  7,
				3, 1, 3,   3,    0,    0,    1,   1, 'a',
			};
	static const struct reading readings[] = {
		{ GD, 110, CLOSED, HIGH, 0, "resolved@hook#8(a)" },
		{ GD, 120, OPEN, HIGH, A, "reopened@hook#9(a)" },
	};
	struct story story = { one_rule, 1, readings, LENGTH(readings) };
	struct run run = { .is_new = false };

	(void)state;
	(void)buf_add(&run.packed, packed, sizeof(packed));
	play_run(&run, &story);
	assert_int_equal(run.ret.actions[0].generation, 4);
	buf_done(&run.packed);
}

static void
damage_state_of(const struct story *story)
{
	struct run run = { .is_new = true };
	static struct lifecycle_state s;
	struct err e = { 0 };
	unsigned refused = 0;

	play_run(&run, story);
	for (size_t cut = 0; cut < run.packed.len; cut++)
		assert_int_equal(lifecycle_unpack((struct span){ run.packed.data, cut }, &s, &e),
		                 -1);
	for (size_t bit = 0; bit < run.packed.len * 8; bit++) {
		run.packed.data[bit / 8] ^= (char)(1 << bit % 8);
		if (lifecycle_unpack((struct span){ run.packed.data, run.packed.len }, &s, &e) <
		    0) {
			refused++;
		} else {
			assert_true(s.group_count <= LIFECYCLE_GROUPS);
			assert_true(s.severity >= 0 && s.severity <= 4);
		}
		run.packed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(refused > 0);
	run.packed.data[0] = 3; /* a newer version */
	assert_int_equal(lifecycle_unpack((struct span){ run.packed.data, run.packed.len }, &s, &e),
	                 -1);
	assert_int_equal(e.kind, ERR_SCHEMA);
	buf_done(&run.packed);
}

/* Whatever the bytes: an error or a state within its bounds, never a crash. */
static void
test_damaged_state_is_refused_or_bounded(void **state)
{
	static const struct reading readings[] = {
		{ GD, 100, OPEN, HIGH, A, "created@hook#1(a)", .count = 300 },
		{ HUB, 100, OPEN, HIGH, A, "" },
	};
	static const struct rule_policy flapping[] = {
		{ .name = "a",
		  .sinks = hook,
		  .sink_count = 1,
		  .on = CHANGE_DEFAULT,
		  .flap_count = 1,
		  .flap_ms = 1000 },
		{ .name = "b", .sinks = mail, .sink_count = 1, .on = CHANGE_DEFAULT },
	};
	/* all that a state can hold: two views with what they showed before, turns, a held group, a membership, a missed answer */
	static const struct reading full[] = {
		{ HUB, 100, OPEN, HIGH, A, "created@hook#1(a)", .request = 100, .digest = 'n' },
		{ HUB, 100, CLOSED, HIGH, A, "resolved@hook#2(a)", .request = 110, .digest = 'r',
		  .place = 7 },
		{ HUB, 100, OPEN, HIGH, A, "reopened@hook#3(a)", .request = 120, .digest = 'o',
		  .place = 7 },
		{ HUB, 130, CLOSED, HIGH, A, "resolved@hook#4(a)", .request = 130 },
		{ HUB, 140, OPEN, HIGH, A, "reopened@hook#5(a)~flapping", .request = 140 },
		{ HUB, 140, OPEN, CRITICAL, A, "severity_raised@hook#6(a)", .request = 141,
		  .place = 9, .digest = 'c' },
		{ GD, 140, OPEN, HIGH, B, "joins:reopened@#0(b)", .request = 142, .value = 3,
		  .count = 5 },
		{ HUB, .is_absent = true, .told = "", .request = 150 },
	};
	const struct story stories[] = { { one_rule, 1, readings, 2 },
		                         { flapping, 2, full, LENGTH(full) } };

	(void)state;
	for (size_t i = 0; i < LENGTH(stories); i++)
		damage_state_of(&stories[i]);
}

/* An alert that stands for several has names of theirs in its state. */
static void
test_names_of_members_survive_packing_and_damage(void **state)
{
	static const char *const names[] = { "us-east-1", "111122223333 eu-west-1", "" };
	static struct lifecycle_state s, back;
	struct buf packed = { 0 };
	struct err e = { 0 };

	(void)state;
	lifecycle_init(&s);
	s.views[LIFECYCLE_TOGETHER].is_known = true;
	s.also_count = 70000;
	s.also_named = LENGTH(names);
	for (size_t i = 0; i < LENGTH(names); i++)
		s.also[i] = span_of(names[i]);
	s.base[1] = span_of("us-west-2");
	lifecycle_pack(&s, &packed);
	assert_int_equal(lifecycle_unpack((struct span){ packed.data, packed.len }, &back, &e), 0);
	assert_int_equal(back.also_count, 70000);
	assert_int_equal(back.also_named, LENGTH(names));
	for (size_t i = 0; i < LENGTH(names); i++)
		assert_true(span_eq_str(back.also[i], names[i]));
	assert_true(span_eq_str(back.base[1], "us-west-2") && back.base[0].len == 0);
	for (size_t cut = 0; cut < packed.len; cut++)
		assert_int_equal(lifecycle_unpack((struct span){ packed.data, cut }, &back, &e),
		                 -1);
	buf_done(&packed);
}

static void
test_rule_sets_refuse_what_cannot_be_told_apart(void **state)
{
	static const struct rule_policy twice[] = { RULE("a", hook), RULE("b", mail),
		                                    RULE("a", mail) };
	struct rule_set *set = NULL;
	struct err e = { 0 };
	size_t index = 9;

	(void)state;
	assert_int_equal(rule_set_new(twice, 3, &set, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_null(set);
	assert_int_equal(rule_set_new(twice, 2, &set, &e), 0);
	assert_string_equal(rule_set_find(set, span_of("b"), &index)->sinks[0], "mail");
	assert_int_equal(index, 1);
	assert_null(rule_set_find(set, span_of("c"), NULL));
	assert_null(rule_set_at(set, 2));
	rule_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_created_severity_raised_resolved_reopened),
		cmocka_unit_test(test_a_rule_on_workflow_new_still_gets_its_resolved),
		cmocka_unit_test(test_high_raised_to_critical_reaches_a_rule_on_high_and_medium),
		cmocka_unit_test(test_rule_only_on_security_hub_guardduty_read_first),
		cmocka_unit_test(
			test_resolved_in_security_hub_while_open_in_guardduty_does_not_loop),
		cmocka_unit_test(test_a_count_seen_late_is_no_rise_after_the_close),
		cmocka_unit_test(test_suppressed_stays_quiet_when_the_count_rises),
		cmocka_unit_test(test_archived_in_guardduty_stays_closed_when_the_count_rises),
		cmocka_unit_test(test_closed_by_both_reopens_with_the_last),
		cmocka_unit_test(test_a_status_change_without_updated_at),
		cmocka_unit_test(test_an_old_finding_updated_after_start_now),
		cmocka_unit_test(test_start_since_goes_by_update_and_start_open_tells_all),
		cmocka_unit_test(test_another_created_at_in_the_second_view),
		cmocka_unit_test(test_an_older_version_arriving_late_is_dropped),
		cmocka_unit_test(test_nanoseconds_decide_versions),
		cmocka_unit_test(test_each_reopening_is_a_generation_with_its_own_thread),
		cmocka_unit_test(test_two_views_dedupe_notices),
		cmocka_unit_test(test_severity_lowered_then_raised_is_no_news),
		cmocka_unit_test(test_one_notice_names_all_rules_in_file_order),
		cmocka_unit_test(test_merge_false_stands_apart),
		cmocka_unit_test(test_on_decides_which_changes_are_told),
		cmocka_unit_test(test_updated_where_it_is_asked_for),
		cmocka_unit_test(test_repeats_fixed_and_longer),
		cmocka_unit_test(test_min_count_waits),
		cmocka_unit_test(test_an_open_that_died_gets_no_resolved),
		cmocka_unit_test(test_a_rule_added_by_a_reload),
		cmocka_unit_test(test_a_removed_rule_and_a_removed_sink_still_get_their_resolved),
		cmocka_unit_test(test_neutral_neither_closes_nor_reopens),
		cmocka_unit_test(test_closed_at_first_sight_is_silent),
		cmocka_unit_test(test_a_rule_that_matches_later_is_told_then),
		cmocka_unit_test(test_a_crowd_stays_bounded),
		cmocka_unit_test(test_a_finding_that_flaps_is_told_once_and_when_it_is_calm),
		cmocka_unit_test(test_a_flapping_finding_that_stays_open_is_told_so),
		cmocka_unit_test(test_what_flaps_is_resolved_in_the_thread_that_said_so),
		cmocka_unit_test(test_aged_out_takes_three_answers_an_hour_and_ninety_days),
		cmocka_unit_test(
			test_aged_out_is_told_once_for_all_views_and_ends_with_a_newer_version),
		cmocka_unit_test(test_what_flapped_and_is_gone_is_resolved_when_calm),
		cmocka_unit_test(test_an_old_finding_that_may_have_been_forgotten_is_told),
		cmocka_unit_test(test_keys_are_not_used_again_after_what_they_told_of_is_forgotten),
		cmocka_unit_test(
			test_a_rule_on_created_alone_hears_of_a_finding_that_reopened_before_it_matched),
		cmocka_unit_test(test_repeats_go_on_after_the_clock_was_wrong),
		cmocka_unit_test(test_a_finding_with_a_value_is_news_for_its_alert_and_no_notice),
		cmocka_unit_test(test_an_alert_for_several_tells_what_its_members_do),
		cmocka_unit_test(test_a_state_of_the_version_before_is_read),
		cmocka_unit_test(test_a_copy_that_lags_behind_undoes_nothing),
		cmocka_unit_test(test_names_of_members_survive_packing_and_damage),
		cmocka_unit_test(test_damaged_state_is_refused_or_bounded),
		cmocka_unit_test(test_rule_sets_refuse_what_cannot_be_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
