/*
 * lifecycle_pack: what is remembered of a finding, as bytes, and back. See lifecycle.h.
 *
 *	version
 *	generation closers suppressed closed_version created severity n_floor
 *	flipped generations_before turns absent(count, since)                     from version 2 on
 *	views:  a bit each; per view  flags peak updated sub_ns digest request count before(digests, place)
 *	groups: number; per group  sink key flags on n generation queued told first repeats told_ms rules
 *	of an alert that stands for several findings: also(count, names) base     from version 2 on
 *
 * Numbers are LEB128, signed ones zigzag; texts are a length and bytes. Reading checks every length, because the bytes come from a
 * disk; a newer version is refused, so that an older program does not write it back without what it does not know.
 */
#include "config.h"

#include "route/lifecycle.h"

#include <string.h>

enum { PACK_VERSION = 2, SHORT_RULES = 2, BASE_TEXTS = 4 };

/* What is counted one by one: beyond this it is damage, and counting on must not come round to 0. */
enum { COUNTER_MAX = INT32_MAX };
enum { GROUP_OPEN = 1, GROUP_HELD = 2, GROUP_MEMBERSHIP = 4, GROUP_WATCHER = 8 };

static void
put_u64(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		(void)buf_add_char(b, (char)(v | 0x80));
		v >>= 7;
	}
	(void)buf_add_char(b, (char)v);
}

static void
put_i64(struct buf *b, int64_t v)
{
	put_u64(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static void
put_text(struct buf *b, struct span s)
{
	put_u64(b, s.len);
	(void)buf_add(b, s.p, s.len);
}

static void
put_view(struct buf *b, const struct lifecycle_view_state *v)
{
	put_u64(b, (v->is_closed ? 1u : 0u) | (v->is_baseline ? 2u : 0u) |
	                   (unsigned)v->before_count << 2);
	put_u64(b, (uint64_t)v->severity_peak);
	put_i64(b, v->updated_ms);
	put_u64(b, (uint64_t)v->updated_sub_ns);
	(void)buf_add(b, v->digest, sizeof(v->digest));
	put_i64(b, v->request_started_ms);
	put_u64(b, v->count);
	for (size_t i = 0; i < v->before_count; i++)
		(void)buf_add(b, v->before[i], sizeof(v->before[i]));
	if (v->before_count > 0)
		put_u64(b, v->place);
}

static void
put_group(struct buf *b, const struct lifecycle_group *g, size_t rules_max)
{
	size_t rules = g->rule_count < rules_max ? g->rule_count : rules_max;

	put_text(b, g->sink);
	put_u64(b, g->key);
	put_u64(b, (g->is_open ? GROUP_OPEN : 0u) | (g->is_held ? GROUP_HELD : 0u) |
	                   (g->is_membership ? GROUP_MEMBERSHIP : 0u) |
	                   (g->is_watcher ? GROUP_WATCHER : 0u));
	put_u64(b, g->on);
	put_u64(b, g->n);
	put_u64(b, g->generation);
	put_u64(b, g->queued);
	put_u64(b, (uint64_t)g->severity_told);
	put_u64(b, (uint64_t)g->severity_first);
	put_u64(b, g->repeats);
	put_i64(b, g->told_ms);
	put_u64(b, rules);
	for (size_t i = 0; i < rules; i++)
		put_text(b, g->rules[i]);
}

static void
put_turns(struct buf *b, const struct lifecycle_state *s)
{
	put_i64(b, s->flipped_ms);
	put_u64(b, s->generation_first - 1);
	put_u64(b, s->turn_count);
	for (size_t i = 0; i < s->turn_count; i++)
		put_i64(b, s->turns[i]);
	put_u64(b, s->absent_count);
	if (s->absent_count > 0)
		put_i64(b, s->absent_since_ms);
}

static void
put_also(struct buf *b, const struct lifecycle_state *s)
{
	put_u64(b, s->also_count);
	put_u64(b, s->also_named);
	for (size_t i = 0; i < s->also_named; i++)
		put_text(b, s->also[i]);
	for (size_t i = 0; i < BASE_TEXTS; i++)
		put_text(b, s->base[i]);
}

static bool
is_kept(const struct lifecycle_group *g, bool is_with_closed)
{
	return is_with_closed || g->is_open || g->is_watcher;
}

static void
pack(const struct lifecycle_state *s, size_t rules_max, bool is_with_closed, struct buf *b)
{
	uint32_t n_floor = s->n_floor;
	unsigned views = 0;
	size_t groups = 0;

	for (size_t i = 0; i < s->group_count; i++) {
		if (is_kept(&s->groups[i], is_with_closed))
			groups++;
		else if (s->groups[i].n > n_floor)
			n_floor = s->groups[i].n;
	}
	for (unsigned i = 0; i < LIFECYCLE_VIEWS; i++)
		views |= s->views[i].is_known ? 1u << i : 0;
	put_u64(b, PACK_VERSION);
	put_u64(b, s->generation);
	put_u64(b, s->closers);
	put_u64(b, s->is_suppressed);
	put_i64(b, s->closed_version_ms);
	put_i64(b, s->created_ms);
	put_u64(b, (uint64_t)s->severity);
	put_u64(b, n_floor);
	put_turns(b, s);
	put_u64(b, views);
	for (unsigned i = 0; i < LIFECYCLE_VIEWS; i++) {
		if (s->views[i].is_known)
			put_view(b, &s->views[i]);
	}
	put_u64(b, groups);
	for (size_t i = 0; i < s->group_count; i++) {
		if (is_kept(&s->groups[i], is_with_closed))
			put_group(b, &s->groups[i], rules_max);
	}
	if (s->views[LIFECYCLE_TOGETHER].is_known)
		put_also(b, s);
}

void
lifecycle_pack(const struct lifecycle_state *state, struct buf *ret)
{
	size_t start = ret->len;

	pack(state, LIFECYCLE_GROUP_RULES, true, ret);
	if (ret->len - start > LIFECYCLE_STATE_MAX) {
		buf_truncate(ret, start);
		pack(state, SHORT_RULES, true, ret);
	}
	if (ret->len - start > LIFECYCLE_STATE_MAX) {
		buf_truncate(ret, start);
		pack(state, SHORT_RULES, false, ret);
	}
}

/* Reading: the first thing that cannot be right makes all that follows fail. */
struct in {
	const unsigned char *p, *end;
	bool is_bad;
};

static uint64_t
get_u64(struct in *in, uint64_t max)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && in->p < in->end; shift += 7) {
		unsigned char c = *in->p++;
		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7F) << shift;
		if (c < 0x80) {
			if (v > max)
				break;
			return v;
		}
	}
	in->is_bad = true;
	return 0;
}

static int64_t
get_i64(struct in *in)
{
	uint64_t v = get_u64(in, UINT64_MAX);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static struct span
get_text(struct in *in, size_t max)
{
	size_t len = (size_t)get_u64(in, max);

	if (in->is_bad || len > (size_t)(in->end - in->p)) {
		in->is_bad = true;
		return (struct span){ NULL, 0 };
	}
	struct span s = { (const char *)in->p, len };
	in->p += len;
	return s;
}

static void
get_bytes(struct in *in, void *ret, size_t len)
{
	if (in->is_bad || (size_t)(in->end - in->p) < len) {
		in->is_bad = true;
		return;
	}
	memcpy(ret, in->p, len);
	in->p += len;
}

static void
get_view(struct in *in, struct lifecycle_view_state *v)
{
	uint64_t flags = get_u64(in, 3 | LIFECYCLE_BEFORE << 2);

	v->is_known = true;
	v->is_closed = (flags & 1) != 0;
	v->is_baseline = (flags & 2) != 0;
	v->severity_peak = (int)get_u64(in, 4);
	v->updated_ms = get_i64(in);
	v->updated_sub_ns = (int32_t)get_u64(in, 999999);
	get_bytes(in, v->digest, sizeof(v->digest));
	v->request_started_ms = get_i64(in);
	v->count = get_u64(in, UINT64_MAX);
	v->before_count = (size_t)(flags >> 2);
	for (size_t i = 0; i < v->before_count; i++)
		get_bytes(in, v->before[i], sizeof(v->before[i]));
	if (v->before_count > 0)
		v->place = (uint32_t)get_u64(in, UINT32_MAX);
}

static void
get_group(struct in *in, struct lifecycle_group *g)
{
	g->sink = get_text(in, RULE_NAME_MAX);
	g->key = get_u64(in, UINT64_MAX);
	unsigned flags = (unsigned)get_u64(in, 15);
	g->is_open = (flags & GROUP_OPEN) != 0;
	g->is_held = (flags & GROUP_HELD) != 0;
	g->is_membership = (flags & GROUP_MEMBERSHIP) != 0;
	g->is_watcher = (flags & GROUP_WATCHER) != 0;
	g->on = (unsigned)get_u64(in, UINT32_MAX);
	g->n = (uint32_t)get_u64(in, COUNTER_MAX);
	g->generation = (uint32_t)get_u64(in, COUNTER_MAX);
	g->queued = (uint32_t)get_u64(in, COUNTER_MAX);
	g->severity_told = (int)get_u64(in, 4);
	g->severity_first = (int)get_u64(in, 4);
	g->repeats = (uint32_t)get_u64(in, COUNTER_MAX);
	g->told_ms = get_i64(in);
	g->rule_count = (size_t)get_u64(in, LIFECYCLE_GROUP_RULES);
	for (size_t i = 0; i < g->rule_count && !in->is_bad; i++)
		g->rules[i] = get_text(in, RULE_NAME_MAX);
}

static void
get_turns(struct in *in, struct lifecycle_state *s)
{
	s->flipped_ms = get_i64(in);
	s->generation_first = 1 + (uint32_t)get_u64(in, COUNTER_MAX - 1);
	s->turn_count = (size_t)get_u64(in, LIFECYCLE_TURNS);
	for (size_t i = 0; i < s->turn_count && !in->is_bad; i++)
		s->turns[i] = get_i64(in);
	s->absent_count = (uint32_t)get_u64(in, LIFECYCLE_ABSENT_ANSWERS);
	if (s->absent_count > 0)
		s->absent_since_ms = get_i64(in);
}

static void
get_also(struct in *in, struct lifecycle_state *s)
{
	s->also_count = (uint32_t)get_u64(in, UINT32_MAX);
	s->also_named = (size_t)get_u64(in, LIFECYCLE_ALSO);
	for (size_t i = 0; i < s->also_named && !in->is_bad; i++)
		s->also[i] = get_text(in, LIFECYCLE_ALSO_BYTES);
	for (size_t i = 0; i < BASE_TEXTS && !in->is_bad; i++)
		s->base[i] = get_text(in, LIFECYCLE_ALSO_BYTES);
}

int
lifecycle_unpack(struct span packed, struct lifecycle_state *ret, struct err *e)
{
	static const unsigned char none[1];
	struct in in = { .p = packed.p ? (const unsigned char *)packed.p : none };

	in.end = in.p + packed.len;
	lifecycle_init(ret);
	uint64_t version = get_u64(&in, UINT64_MAX);
	if (!in.is_bad && version > PACK_VERSION)
		return err_set(e, ERR_SCHEMA,
		               "a finding's state of version %llu; this program knows %d",
		               (unsigned long long)version, (int)PACK_VERSION);
	ret->generation = (uint32_t)get_u64(&in, COUNTER_MAX);
	ret->closers = (unsigned)get_u64(&in, (1u << LIFECYCLE_VIEWS) - 1);
	ret->is_suppressed = get_u64(&in, 1) != 0;
	ret->closed_version_ms = get_i64(&in);
	ret->created_ms = get_i64(&in);
	ret->severity = (int)get_u64(&in, 4);
	ret->n_floor = (uint32_t)get_u64(&in, COUNTER_MAX);
	if (version > 1)
		get_turns(&in, ret);
	uint64_t views = get_u64(&in, (1u << LIFECYCLE_VIEWS) - 1);
	for (unsigned i = 0; i < LIFECYCLE_VIEWS && !in.is_bad; i++) {
		if ((views & 1u << i) != 0)
			get_view(&in, &ret->views[i]);
	}
	size_t groups = (size_t)get_u64(&in, LIFECYCLE_GROUPS);
	for (size_t i = 0; i < groups && !in.is_bad; i++)
		get_group(&in, &ret->groups[ret->group_count++]);
	if (version > 1 && ret->views[LIFECYCLE_TOGETHER].is_known && !in.is_bad)
		get_also(&in, ret);
	if (in.is_bad || in.p != in.end || version == 0 || ret->generation == 0)
		return err_set(e, ERR_CORRUPT, "a finding's state of %zu bytes cannot be read",
		               packed.len);
	return 0;
}
