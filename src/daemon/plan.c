/*
 * plan: what to do with findings, made of one configuration. See plan.h.
 */
#include "config.h"

#include "daemon/plan.h"

#include <assert.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "match/machine.h"
#include "route/rule.h"

struct plan {
	unsigned refs;
	struct conf *conf;
	struct machine *machine;
	struct machine_scratch *scratch;
	struct rule_set *rules;
};

static int compile(struct plan *p, const int64_t *starts, struct err *e);

int
plan_new(struct conf *conf, const int64_t *starts, struct plan **ret, struct err *e)
{
	struct plan *p = mem_zalloc(sizeof(*p));

	p->refs = 1;
	p->conf = conf;
	if (compile(p, starts, e) < 0) {
		p->conf = NULL; /* stays the caller's */
		plan_unref(p);
		return -1;
	}
	*ret = p;
	return 0;
}

struct plan *
plan_ref(struct plan *p)
{
	assert(p->refs > 0);
	p->refs++;
	return p;
}

void
plan_unref(struct plan *p)
{
	if (!p || --p->refs > 0)
		return;
	machine_scratch_free(p->scratch);
	machine_free(p->machine);
	rule_set_free(p->rules);
	conf_free(p->conf);
	mem_free(p);
}

static void
fill_policy(const struct conf_rule *r, int64_t start_ms, struct rule_policy *ret)
{
	*ret = (struct rule_policy){
		.name = r->name,
		.sinks = (const char *const *)r->sinks.items,
		.sink_count = r->sinks.count,
		.on = r->on,
		.is_apart = !r->is_merge,
		.is_start_open = r->start == CONF_RULE_START_OPEN,
		.start_ms = start_ms,
		.repeat_interval_ms = r->repeat_interval_ms,
		.repeat_backoff = r->repeat_backoff,
		.min_count = (uint64_t)r->min_count,
		.flap_count = (uint32_t)r->flap.count,
		.flap_ms = r->flap.per_ms,
		.collapse_by = (const char *const *)r->collapse_by.items,
		.collapse_count = r->collapse_by.count,
	};
}

static int
compile(struct plan *p, const int64_t *starts, struct err *e)
{
	size_t max = p->conf->rule_count, n = 0;
	const struct pattern **patterns = mem_calloc(max + 1, sizeof(patterns[0]));
	struct rule_policy *policies = mem_calloc(max + 1, sizeof(policies[0]));
	int r = -1;

	for (size_t i = 0; i < max; i++) {
		const struct conf_rule *rule = &p->conf->rules[i];

		if (!rule->is_enabled)
			continue;
		patterns[n] = rule->pattern;
		fill_policy(rule, starts ? starts[i] : 0, &policies[n]);
		n++;
	}
	if (rule_set_new(policies, n, &p->rules, e) < 0)
		goto out;
	p->machine = machine_build(patterns, n, e);
	if (!p->machine)
		goto out;
	p->scratch = machine_scratch_new(p->machine);
	r = 0;
out:
	mem_free(patterns);
	mem_free(policies);
	return r;
}

const struct conf *
plan_conf(const struct plan *p)
{
	return p->conf;
}

bool
plan_has_sink(const struct plan *p, const struct conf_sink *sink)
{
	return sink >= p->conf->sinks && sink < p->conf->sinks + p->conf->sink_count;
}

const struct rule_set *
plan_rules(const struct plan *p)
{
	return p->rules;
}

size_t
plan_rule_count(const struct plan *p)
{
	return rule_set_count(p->rules);
}

const char *
plan_rule_name(const struct plan *p, size_t index)
{
	return rule_set_at(p->rules, index)->name;
}

int
plan_match(struct plan *p, struct span event, const uint32_t **ret_rules, size_t *ret_count,
           struct err *e)
{
	return machine_match(p->machine, p->scratch, event, ret_rules, ret_count, e);
}

const char *
plan_account_name(const struct plan *p, struct span account_id)
{
	for (size_t i = 0; i < p->conf->aws.account_count; i++) {
		const struct conf_account *a = &p->conf->aws.accounts[i];

		if (span_eq_str(account_id, a->account_id))
			return a->name;
	}
	return NULL;
}
