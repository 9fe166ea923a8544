/*
 * fuzz_state: what is remembered of a finding, from a damaged store: read or refused; what was read packs to what reads the
 * same; and whatever a state says, a decision made on it keeps its own bounds.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "fuzz.h"
#include "route/lifecycle.h"
#include "route/rule.h"

static struct lifecycle_state state, again; /* too large for a stack with a sanitizer's red zones */
static struct lifecycle_result result;

static void
same_group(const struct lifecycle_group *a, const struct lifecycle_group *b)
{
	assert(span_eq(a->sink, b->sink) && a->key == b->key && a->is_open == b->is_open);
	assert(a->n == b->n && a->generation == b->generation && a->queued == b->queued);
	assert(a->severity_told == b->severity_told && a->rule_count == b->rule_count);
}

static void
check_pack(const struct lifecycle_state *s)
{
	struct buf packed = { .len = 0 };
	struct err e;

	lifecycle_pack(s, &packed);
	assert(packed.len <= LIFECYCLE_STATE_MAX);
	assert(lifecycle_unpack((struct span){ packed.data, packed.len }, &again, &e) == 0);
	assert(again.generation == s->generation && again.closers == s->closers);
	assert(again.severity == s->severity && again.group_count <= s->group_count);
	if (again.group_count == s->group_count)
		for (size_t i = 0; i < s->group_count; i++)
			same_group(&again.groups[i], &s->groups[i]);
	buf_done(&packed);
}

static const struct rule_set *
rules(void)
{
	static const char *const sinks[] = { "hook", "mail" };
	static const struct rule_policy policies[] = {
		{ .name = "r", .sinks = sinks, .sink_count = 2, .on = 0x1f },
		{ .name = "apart", .sinks = sinks, .sink_count = 1, .on = 0x1f, .is_apart = true },
	};
	static struct rule_set *set;

	if (set == NULL)
		assert(rule_set_new(policies, 2, &set, NULL) == 0);
	return set;
}

static void
decide(struct lifecycle_state *s, int64_t updated_ms, enum lifecycle_status status)
{
	struct lifecycle_reading reading = { .view = LIFECYCLE_GUARDDUTY,
		                             .updated_ms = updated_ms,
		                             .request_started_ms = updated_ms,
		                             .severity = 4,
		                             .status = status,
		                             .count = 3 };
	struct lifecycle_input in = { .reading = &reading,
		                      .rules = rules(),
		                      .matched = (const uint32_t[]){ 0, 1 },
		                      .matched_count = 2,
		                      .now_ms = updated_ms };

	lifecycle_decide(s, false, &in, &result);
	assert(result.action_count <= LIFECYCLE_ACTIONS && s->group_count <= LIFECYCLE_GROUPS);
	for (size_t i = 0; i < result.action_count; i++) {
		const struct lifecycle_action *a = &result.actions[i];
		assert((a->n > 0 || a->member != LIFECYCLE_ALONE) &&
		       a->rule_count <= LIFECYCLE_GROUP_RULES);
		assert(strlen(a->message_key) < LIFECYCLE_KEY_BYTES);
	}
	check_pack(s);
}

/* Two thousand million notices of one finding: nothing that counts on is held against it. */
static bool
is_countable(const struct lifecycle_state *s)
{
	uint32_t most = s->generation > s->n_floor ? s->generation : s->n_floor;

	for (size_t i = 0; i < s->group_count; i++) {
		const struct lifecycle_group *g = &s->groups[i];
		most = g->n > most ? g->n : most;
		most = g->generation > most ? g->generation : most;
		most = g->queued > most ? g->queued : most;
		most = g->repeats > most ? g->repeats : most;
	}
	return most < INT32_MAX - 16;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { .kind = ERR_NONE };
	struct span packed = { (const char *)data, size };

	if (lifecycle_unpack(packed, &state, &e) != 0) {
		assert(e.kind == ERR_CORRUPT || e.kind == ERR_SCHEMA);
		return 0;
	}
	assert(state.group_count <= LIFECYCLE_GROUPS && state.generation > 0);
	check_pack(&state);
	if (!is_countable(&state))
		return 0;
	decide(&state, INT64_C(1700000000000), LIFECYCLE_OPEN);
	decide(&state, INT64_C(1700000000001), LIFECYCLE_CLOSED);
	decide(&state, INT64_C(1700000000002), LIFECYCLE_OPEN);
	return 0;
}
