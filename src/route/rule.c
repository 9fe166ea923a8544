/*
 * rule: policies of rules, compiled for deciding. See rule.h.
 */
#include "config.h"

#include "route/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

struct by_key {
	uint64_t key;
	size_t index;
};

struct rule_set {
	struct rule_policy *policies; /* strings are ours */
	struct by_key *order;         /* sorted by key */
	size_t count;
	bool is_collapsing;
};

uint64_t
rule_key(struct span name)
{
	unsigned char sum[DIGEST_BYTES];
	uint64_t key;

	digest_sha256(name.p ? name.p : "", name.len, sum);
	memcpy(&key, sum, sizeof(key));
	return key ? key : 1;
}

static int
compare_key(const void *a, const void *b)
{
	uint64_t x = ((const struct by_key *)a)->key, y = ((const struct by_key *)b)->key;

	return x < y ? -1 : x > y;
}

static const char *const *
copy_texts(const char *const *texts, size_t count)
{
	char **copy = mem_calloc(count, sizeof(char *));

	for (size_t i = 0; i < count; i++)
		copy[i] = mem_strdup(texts[i]);
	return (const char *const *)copy;
}

static void
free_texts(const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free((void *)(uintptr_t)texts[i]);
	mem_free((void *)(uintptr_t)texts);
}

static void
copy_policy(struct rule_policy *to, const struct rule_policy *from)
{
	*to = *from;
	to->name = mem_strdup(from->name);
	to->key = rule_key(span_of(from->name));
	to->sinks = copy_texts(from->sinks, from->sink_count);
	to->collapse_by = copy_texts(from->collapse_by, from->collapse_count);
}

static int
check_policy(const struct rule_policy *p, struct err *e)
{
	size_t len = strlen(p->name);

	if (len == 0 || len > RULE_NAME_MAX)
		return err_set(e, ERR_CONFIG, "rule '%.80s': a name has 1 to %d bytes", p->name,
		               (int)RULE_NAME_MAX);
	if (p->sink_count > RULE_SINKS_MAX)
		return err_set(e, ERR_CONFIG, "rule '%s': %zu sinks, at most %d; split it in two",
		               p->name, p->sink_count, (int)RULE_SINKS_MAX);
	if (p->collapse_count > RULE_PATHS_MAX)
		return err_set(e, ERR_CONFIG, "rule '%s': collapse_by: %zu paths, at most %d",
		               p->name, p->collapse_count, (int)RULE_PATHS_MAX);
	for (size_t i = 0; i < p->sink_count; i++) {
		len = strlen(p->sinks[i]);
		if (len == 0 || len > RULE_NAME_MAX)
			return err_set(e, ERR_CONFIG,
			               "rule '%s': sink '%.80s': a name has 1 to %d bytes", p->name,
			               p->sinks[i], (int)RULE_NAME_MAX);
	}
	return 0;
}

int
rule_set_new(const struct rule_policy *policies, size_t count, struct rule_set **ret, struct err *e)
{
	struct rule_set *set = mem_zalloc(sizeof(*set));

	set->policies = mem_calloc(count, sizeof(*set->policies));
	set->order = mem_calloc(count, sizeof(*set->order));
	for (; set->count < count; set->count++) {
		size_t i = set->count;
		if (check_policy(&policies[i], e) < 0)
			goto fail;
		copy_policy(&set->policies[i], &policies[i]);
		set->is_collapsing |= policies[i].collapse_count > 0;
		set->order[i] = (struct by_key){ .key = set->policies[i].key, .index = i };
	}
	qsort(set->order, count, sizeof(*set->order), compare_key);
	for (size_t i = 1; i < count; i++) {
		if (set->order[i].key != set->order[i - 1].key)
			continue;
		(void)err_set(e, ERR_CONFIG, "rules '%s' and '%s' cannot be told apart; rename one",
		              set->policies[set->order[i - 1].index].name,
		              set->policies[set->order[i].index].name);
		goto fail;
	}
	*ret = set;
	return 0;
fail:
	rule_set_free(set);
	return -1;
}

void
rule_set_free(struct rule_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++) {
		struct rule_policy *p = &set->policies[i];
		free_texts(p->sinks, p->sink_count);
		free_texts(p->collapse_by, p->collapse_count);
		mem_free((void *)(uintptr_t)p->name);
	}
	mem_free(set->policies);
	mem_free(set->order);
	mem_free(set);
}

bool
rule_set_collapses(const struct rule_set *set)
{
	return set->is_collapsing;
}

size_t
rule_set_count(const struct rule_set *set)
{
	return set->count;
}

const struct rule_policy *
rule_set_at(const struct rule_set *set, size_t index)
{
	return index < set->count ? &set->policies[index] : NULL;
}

const struct rule_policy *
rule_set_find(const struct rule_set *set, struct span name, size_t *ret_index)
{
	struct by_key wanted = { .key = rule_key(name) };
	const struct by_key *found =
		set->count ? bsearch(&wanted, set->order, set->count, sizeof(wanted), compare_key)
			   : NULL;

	if (found == NULL || !span_eq_str(name, set->policies[found->index].name))
		return NULL;
	if (ret_index != NULL)
		*ret_index = found->index;
	return &set->policies[found->index];
}
