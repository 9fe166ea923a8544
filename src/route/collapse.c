/*
 * collapse: what a rule's collapse_by finds in an event. See collapse.h.
 */
#include "config.h"

#include "route/collapse.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "json/scan.h"

/* The values of one path, as digests: short, and sorted in no time. */
struct found {
	unsigned char sums[COLLAPSE_VALUES_MAX][DIGEST_BYTES];
	size_t count;
	struct buf decoded;
};

static void look(struct span raw, struct span path, unsigned nested, struct found *f);

static void
add_value(struct span raw, struct found *f)
{
	struct span parts[] = { { "v", 1 }, raw };
	struct span escaped;

	if (f->count == COLLAPSE_VALUES_MAX || scan_kind_of(raw) == SCAN_NULL)
		return;
	if (scan_string_of(raw, &escaped)) {
		buf_clear(&f->decoded);
		(void)scan_unescape(escaped, &f->decoded);
		parts[0].p = "s";
		parts[1] = (struct span){ f->decoded.data ? f->decoded.data : "", f->decoded.len };
	}
	digest_sha256_spans(parts, 2, f->sums[f->count++]);
}

/* The member that the path names next; of duplicate keys the last one counts. */
static void
look_into(struct span object, struct span path, struct found *f)
{
	const char *dot = memchr(path.p, '.', path.len);
	struct span name = { path.p, dot ? (size_t)(dot - path.p) : path.len };
	struct span rest = { path.p + name.len + (dot != NULL),
		             path.len - name.len - (dot != NULL) };
	struct span raw, wanted = { NULL, 0 };
	struct scan s;

	scan_init(&s, object, 0);
	if (scan_next(&s) != SCAN_OBJECT_BEGIN)
		return;
	while (scan_next(&s) == SCAN_KEY) {
		bool is_it = scan_string_eq(s.token, name);
		if (scan_value(&s, &raw) == SCAN_ERROR)
			return;
		if (is_it)
			wanted = raw;
	}
	if (wanted.p != NULL)
		look(wanted, rest, 0, f);
}

static void
look(struct span raw, struct span path, unsigned nested, struct found *f)
{
	enum scan_token kind = scan_kind_of(raw);
	struct scan_array array;
	struct span element;

	if (kind == SCAN_ARRAY_BEGIN && nested < COLLAPSE_NESTED_MAX) {
		for (bool more = scan_array_first(&array, raw, &element);
		     more && f->count < COLLAPSE_VALUES_MAX;
		     more = scan_array_next(&array, &element))
			look(element, path, nested + 1, f);
		return;
	}
	if (path.len == 0)
		add_value(raw, f);
	else if (kind == SCAN_OBJECT_BEGIN)
		look_into(raw, path, f);
}

static int
compare_sum(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

/* The set of them: neither order nor repeats count. */
static void
add_set(struct found *f, struct buf *out)
{
	qsort(f->sums, f->count, sizeof(f->sums[0]), compare_sum);
	for (size_t i = 0; i < f->count; i++) {
		if (i == 0 || memcmp(f->sums[i], f->sums[i - 1], DIGEST_BYTES) != 0)
			(void)buf_add(out, f->sums[i], DIGEST_BYTES);
	}
}

static int
compare_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who is told: each name ends with a byte that no name holds. */
static void
add_listeners(const struct rule_policy *rule, struct buf *out)
{
	const char *names[RULE_SINKS_MAX];
	size_t count = rule->sink_count < RULE_SINKS_MAX ? rule->sink_count : RULE_SINKS_MAX;

	memcpy(names, rule->sinks, count * sizeof(names[0]));
	qsort(names, count, sizeof(names[0]), compare_name);
	for (size_t i = 0; i < count; i++)
		(void)buf_add(out, names[i], strlen(names[i]) + 1);
	if (rule->is_apart)
		(void)buf_printf(out, "apart %s", rule->name);
}

static bool
is_sample(struct span event)
{
	static const char *const path[] = { "findingsd", "sample" };
	struct span raw;

	return scan_get(event, path, 2, &raw) && scan_kind_of(raw) == SCAN_TRUE;
}

void
collapse_value(const struct rule_policy *rule, struct span event, struct lifecycle_value *ret)
{
	struct found *f;
	struct buf text = { 0 };

	ret->is_set = rule->collapse_count > 0;
	if (!ret->is_set)
		return;
	f = mem_zalloc(sizeof(*f));
	(void)buf_add_str(&text, "findingsd collapse 1\n");
	for (size_t i = 0; i < rule->collapse_count && ret->is_set; i++) {
		f->count = 0;
		look(event, span_of(rule->collapse_by[i]), 0, f);
		ret->is_set = f->count > 0;
		(void)buf_add(&text, rule->collapse_by[i], strlen(rule->collapse_by[i]) + 1);
		add_set(f, &text);
		(void)buf_add_char(&text, '\n');
	}
	add_listeners(rule, &text);
	if (ret->is_set && is_sample(event))
		(void)buf_add_str(&text, "\nsample");
	digest_sha256(text.data, text.len, ret->bytes);
	buf_done(&text);
	buf_done(&f->decoded);
	mem_free(f);
}
