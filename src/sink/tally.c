/*
 * tally: what a digest says of the notices in it. See tally.h. Reading it back is in tally_read.c.
 */
#include "config.h"

#include "sink/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/timefmt.h"
#include "sink/plain.h"
#include "store/folding.h"
#include "store/outbox.h"
#include "json/emit.h"
#include "json/scan.h"

enum { NAME_MAX_POINTS = 64, TITLE_MAX = 160, FINDING_MAX = 300, SUBJECT_PARTS = 5 };

void
tally_init(struct tally *t, unsigned reason)
{
	memset(t, 0, sizeof *t);
	t->reason = reason;
}

static void
top_done(struct tally_top *top)
{
	char **texts[] = { &top->title,   &top->product,    &top->account,    &top->region,
		           &top->finding, &top->thread_key, &top->message_key };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		mem_free(*texts[i]);
	memset(top, 0, sizeof *top);
}

static void
names_done(struct tally_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		mem_free(n->items[i].name);
	n->count = 0;
}

void
tally_done(struct tally *t)
{
	names_done(&t->rules);
	names_done(&t->accounts);
	names_done(&t->regions);
	for (size_t i = 0; i < t->top_count; i++)
		top_done(&t->top[i]);
	t->top_count = 0;
}

static void
names_add(struct tally_names *n, struct span name, uint64_t count)
{
	if (!name.len || !count)
		return;
	for (size_t i = 0; i < n->count; i++) {
		if (span_eq_str(name, n->items[i].name)) {
			n->items[i].count += count;
			return;
		}
	}
	if (n->count == TALLY_NAMES) {
		n->others += count;
		return;
	}
	n->items[n->count].name = span_dup(name);
	n->items[n->count++].count = count;
}

static void
names_merge(struct tally_names *n, const struct tally_names *other)
{
	for (size_t i = 0; i < other->count; i++)
		names_add(n, span_of(other->items[i].name), other->items[i].count);
	n->others += other->others;
}

/* A part of a subject: JSON's escapes read, made fit for people, cut. */
static char *
clean(struct span escaped, size_t max)
{
	struct buf plain, out;
	size_t len;

	buf_init(&plain, 0);
	buf_init(&out, 0);
	if (escaped.len)
		(void)scan_unescape(escaped, &plain);
	if (plain.len)
		(void)plain_add(&out, (struct span){ plain.data, plain.len }, PLAIN_LINE, max);
	buf_done(&plain);
	if (!out.len)
		(void)buf_add_str(&out, "");
	return buf_take(&out, &len);
}

/* Where a notice of this severity stands: behind those that are as severe. TALLY_TOP: nowhere. */
static size_t
place_of(const struct tally *t, enum severity severity)
{
	size_t at = t->top_count;

	while (at > 0 && t->top[at - 1].severity < severity)
		at--;
	return at;
}

/* Make room for one; NULL: it is not among the first. */
static struct tally_top *
top_insert(struct tally *t, enum severity severity)
{
	size_t at = place_of(t, severity);

	if (at >= TALLY_TOP)
		return NULL;
	if (t->top_count == TALLY_TOP)
		top_done(&t->top[--t->top_count]);
	memmove(&t->top[at + 1], &t->top[at], (t->top_count - at) * sizeof t->top[0]);
	memset(&t->top[at], 0, sizeof t->top[at]);
	t->top[at].severity = severity;
	t->top_count++;
	return &t->top[at];
}

static void
add_span_of_time(struct tally *t, int64_t from_ms, int64_t to_ms)
{
	if (from_ms && (!t->from_ms || from_ms < t->from_ms))
		t->from_ms = from_ms;
	if (to_ms > t->to_ms)
		t->to_ms = to_ms;
}

static void
split_subject(struct span subject, struct span parts[SUBJECT_PARTS])
{
	for (size_t i = 0; i < SUBJECT_PARTS; i++) {
		const char *end = subject.len ? memchr(subject.p, '\n', subject.len) : NULL;
		size_t len = end ? (size_t)(end - subject.p) : subject.len;

		parts[i] = (struct span){ subject.p, len };
		if (!end) {
			subject.len = 0;
			continue;
		}
		subject = (struct span){ end + 1, subject.len - len - 1 };
	}
}

void
tally_add(struct tally *t, const struct outbox_item *item)
{
	enum { FINDING, TITLE, PRODUCT, ACCOUNT, REGION };
	struct span parts[SUBJECT_PARTS], rules = item->rules;
	enum severity severity = (enum severity)item->severity;
	char *account, *region;
	struct tally_top *top;

	split_subject(item->subject, parts);
	account = clean(parts[ACCOUNT], NAME_MAX_POINTS);
	region = clean(parts[REGION], NAME_MAX_POINTS);
	t->count++;
	t->severities[severity]++;
	t->changes[item->change]++;
	add_span_of_time(t, item->created_ms, item->created_ms);
	names_add(&t->accounts, span_of(account), 1);
	names_add(&t->regions, span_of(region), 1);
	while (rules.len) {
		const char *end = memchr(rules.p, '\n', rules.len);
		size_t len = end ? (size_t)(end - rules.p) : rules.len;

		names_add(&t->rules, (struct span){ rules.p, len }, 1);
		rules.p += len + (end != NULL);
		rules.len -= len + (end != NULL);
	}
	if ((top = top_insert(t, severity))) {
		top->change = item->change;
		top->at_ms = item->created_ms;
		top->title = clean(parts[TITLE], TITLE_MAX);
		top->product = clean(parts[PRODUCT], NAME_MAX_POINTS);
		top->finding = clean(parts[FINDING], FINDING_MAX);
		top->account = mem_strdup(account);
		top->region = mem_strdup(region);
		top->thread_key = mem_strdup(item->thread_key.p);
		top->message_key = mem_strdup(item->message_key.p);
	}
	mem_free(account);
	mem_free(region);
}

void
tally_merge(struct tally *t, const struct tally *other)
{
	t->count += other->count;
	for (size_t i = 0; i < TALLY_SEVERITIES; i++)
		t->severities[i] += other->severities[i];
	for (size_t i = 0; i < CHANGE_COUNT; i++)
		t->changes[i] += other->changes[i];
	add_span_of_time(t, other->from_ms, other->to_ms);
	names_merge(&t->rules, &other->rules);
	names_merge(&t->accounts, &other->accounts);
	names_merge(&t->regions, &other->regions);
	for (size_t i = 0; i < other->top_count; i++) {
		const struct tally_top *from = &other->top[i];
		struct tally_top *top = top_insert(t, from->severity);

		if (!top)
			break;
		top->change = from->change;
		top->at_ms = from->at_ms;
		top->title = mem_strdup(from->title);
		top->product = mem_strdup(from->product);
		top->finding = mem_strdup(from->finding);
		top->account = mem_strdup(from->account);
		top->region = mem_strdup(from->region);
		top->thread_key = mem_strdup(from->thread_key);
		top->message_key = mem_strdup(from->message_key);
	}
}

enum severity
tally_severity(const struct tally *t)
{
	for (int s = SEVERITY_CRITICAL; s > SEVERITY_INFORMATIONAL; s--)
		if (t->severities[s])
			return (enum severity)s;
	return SEVERITY_INFORMATIONAL;
}

const char *
tally_reason_name(unsigned reason)
{
	switch (reason) {
	case FOLDING_BACKLOG:
		return "backlog";
	case FOLDING_MAX_AGE:
		return "max_age";
	default:
		return "flood";
	}
}

void
tally_severities(const struct tally *t, struct buf *out)
{
	const char *between = "";

	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_INFORMATIONAL; s--) {
		if (!t->severities[s])
			continue;
		(void)buf_printf(out, "%s%llu %s", between, (unsigned long long)t->severities[s],
		                 severity_name((enum severity)s));
		between = ", ";
	}
}

void
tally_title(const struct tally *t, struct buf *out)
{
	(void)buf_printf(out, "%llu finding%s", (unsigned long long)t->count,
	                 t->count == 1 ? "" : "s");
	if (t->reason == FOLDING_MAX_AGE)
		(void)buf_add_str(out, " not delivered in time");
	if (t->count)
		(void)buf_add_str(out, ": ");
	tally_severities(t, out);
}

void
tally_message(const struct tally *t, struct buf *out)
{
	switch (t->reason) {
	case FOLDING_MAX_AGE:
		(void)buf_add_str(
			out,
			"These alerts could not be delivered within max_age and are dead letters now: "
			"'findingsctl dead list' shows each, 'findingsctl dead retry' sends it.");
		return;
	case FOLDING_BACKLOG:
		(void)buf_add_str(
			out,
			"These alerts waited while this place could not be reached; they are told "
			"together, and on record each: 'findingsctl history'.");
		return;
	default:
		(void)buf_add_str(
			out,
			"More alerts came than this place is told one by one; the rest is told "
			"together, and on record each: 'findingsctl history'.");
	}
}

void
tally_rules(const struct tally *t, size_t max, struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < t->rules.count; i++) {
		size_t need = strlen(t->rules.items[i].name) + 1;

		if (out->len - start + need > max)
			return;
		if (out->len > start)
			(void)buf_add_char(out, '\n');
		(void)buf_add_str(out, t->rules.items[i].name);
	}
}

/* ---- as JSON ---- */

static void
write_names(struct emit *w, const char *key, const char *others, const struct tally_names *n)
{
	emit_key(w, key);
	emit_array_begin(w);
	for (size_t i = 0; i < n->count; i++) {
		emit_object_begin(w);
		emit_key(w, "name");
		emit_str(w, n->items[i].name);
		emit_key(w, "alerts");
		emit_u64(w, n->items[i].count);
		emit_object_end(w);
	}
	emit_array_end(w);
	emit_key(w, others);
	emit_u64(w, n->others);
}

static void
write_time(struct emit *w, const char *key, int64_t ms)
{
	char text[TIMEFMT_BYTES];

	emit_key(w, key);
	emit_str(w, ms > 0 ? timefmt_rfc3339_ms(ms, text) : NULL);
}

static void
write_top(struct emit *w, const struct tally_top *top)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "title", top->title },
		{ "product", top->product },
		{ "account", top->account },
		{ "region", top->region },
		{ "finding", top->finding },
		{ "thread", top->thread_key },
		{ "message_key", top->message_key },
	};

	emit_object_begin(w);
	emit_key(w, "severity");
	emit_str(w, severity_name(top->severity));
	emit_key(w, "change");
	emit_str(w, change_name(top->change));
	write_time(w, "at", top->at_ms);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		emit_key(w, texts[i].key);
		emit_str(w, texts[i].value);
	}
	emit_object_end(w);
}

static void
write_counts(const struct tally *t, struct emit *w)
{
	emit_key(w, "severities");
	emit_object_begin(w);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_INFORMATIONAL; s--) {
		emit_key(w, severity_name((enum severity)s));
		emit_u64(w, t->severities[s]);
	}
	emit_object_end(w);
	emit_key(w, "changes");
	emit_object_begin(w);
	for (unsigned c = 0; c < CHANGE_COUNT; c++) {
		if (!t->changes[c])
			continue;
		emit_key(w, change_name((enum change)c));
		emit_u64(w, t->changes[c]);
	}
	emit_object_end(w);
	write_names(w, "rules", "other_rules", &t->rules);
	write_names(w, "accounts", "other_accounts", &t->accounts);
	write_names(w, "regions", "other_regions", &t->regions);
}

void
tally_write(const struct tally *t, const char *sink, struct buf *out)
{
	struct buf text;
	struct emit w;

	buf_init(&text, 0);
	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "subject");
	emit_str(&w, sink);
	tally_title(t, &text);
	emit_key(&w, "title");
	emit_str(&w, text.data);
	buf_clear(&text);
	tally_message(t, &text);
	emit_key(&w, "message");
	emit_str(&w, text.data);
	buf_done(&text);
	emit_key(&w, "reason");
	emit_str(&w, tally_reason_name(t->reason));
	emit_key(&w, "alerts");
	emit_u64(&w, t->count);
	write_time(&w, "from", t->from_ms);
	write_time(&w, "to", t->to_ms);
	write_counts(t, &w);
	emit_key(&w, "top");
	emit_array_begin(&w);
	for (size_t i = 0; i < t->top_count; i++)
		write_top(&w, &t->top[i]);
	emit_array_end(&w);
	emit_key(&w, "not_listed");
	emit_u64(&w, t->count > t->top_count ? t->count - t->top_count : 0);
	emit_object_end(&w);
}
