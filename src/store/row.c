/*
 * row: one row of the outbox, read. See row.h.
 */
#include "config.h"

#include "store/row.h"

#include <string.h>

#include "base/mem.h"

enum {
	C_ID,
	C_SINK,
	C_MEMORY,
	C_CHANGE,
	C_N,
	C_GENERATION,
	C_GROUP,
	C_URGENCY,
	C_FIRST,
	C_CREATED,
	C_THREAD,
	C_MESSAGE,
	C_RULES,
	C_SUM,
	C_EVENT,
	C_STATE,
	C_DUE,
	C_FINISHED,
	C_ATTEMPTS,
	C_ANSWER,
	C_CONTEXT,
	C_TOOK,
	C_SUBJECT,
	C_NOTE,
	C_DIGEST,
	C_ASKED,
};

static const char sql_event[] = "SELECT sum, body FROM event WHERE id = ?1";

int64_t
row_sum(int64_t sink, int64_t urgency, const struct outbox_new *n)
{
	const int64_t numbers[] = { sink,    n->memory_id,      (int64_t)n->change,
		                    n->n,    n->generation,     (int64_t)n->group,
		                    urgency, n->first_severity, n->created_ms };
	uint64_t sum = tx_sum(2, numbers, sizeof(numbers));

	sum = tx_sum(sum, n->thread_key, strlen(n->thread_key));
	sum = tx_sum(sum, n->message_key, strlen(n->message_key));
	sum = tx_sum(sum, n->rules.p ? n->rules.p : "", n->rules.len);
	/* Rows of schema 1 have none, and a sum without it. */
	sum = n->subject.len > 0 ? tx_sum(sum, n->subject.p, n->subject.len) : sum;
	return (int64_t)(n->note.len > 0 ? tx_sum(sum + 1, n->note.p, n->note.len) : sum);
}

static bool
is_sound(sqlite3_stmt *st, const struct outbox_item *item)
{
	struct outbox_new n = {
		.memory_id = item->memory_id,
		.change = item->change,
		.n = item->n,
		.generation = item->generation,
		.group = item->group,
		.first_severity = item->first_severity,
		.created_ms = item->created_ms,
		.thread_key = item->thread_key.p,
		.message_key = item->message_key.p,
		.rules = item->rules,
		.subject = item->subject,
		.note = item->note,
	};

	return (unsigned)item->change < CHANGE_COUNT && (unsigned)item->severity <= 4 &&
	       row_sum(sqlite3_column_int64(st, C_SINK), sqlite3_column_int64(st, C_URGENCY), &n) ==
	               sqlite3_column_int64(st, C_SUM);
}

static struct span
place(char **at, struct span text)
{
	struct span placed = { *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.p, text.len);
	(*at)[text.len] = '\0';
	*at += text.len + 1;
	return placed;
}

static struct outbox_item *
build(sqlite3_stmt *st, struct span sink, struct span event)
{
	struct span thread = tx_column(st, C_THREAD), message = tx_column(st, C_MESSAGE);
	struct span rules = tx_column(st, C_RULES), answer = tx_column(st, C_ANSWER);
	struct span context = tx_column(st, C_CONTEXT), subject = tx_column(st, C_SUBJECT);
	struct span note = tx_column(st, C_NOTE);
	struct outbox_item *item =
		mem_alloc(sizeof(*item) + sink.len + event.len + thread.len + message.len +
	                  rules.len + answer.len + context.len + subject.len + note.len + 9);
	char *at = item->text;

	memset(item, 0, sizeof(*item));
	item->id = sqlite3_column_int64(st, C_ID);
	item->memory_id = sqlite3_column_int64(st, C_MEMORY);
	item->event_id = sqlite3_column_int64(st, C_EVENT);
	item->state = (enum outbox_state)sqlite3_column_int(st, C_STATE);
	item->change = (enum change)sqlite3_column_int(st, C_CHANGE);
	item->n = (uint32_t)sqlite3_column_int64(st, C_N);
	item->generation = (uint32_t)sqlite3_column_int64(st, C_GENERATION);
	item->group = (uint64_t)sqlite3_column_int64(st, C_GROUP);
	item->severity = 4 - sqlite3_column_int(st, C_URGENCY);
	item->first_severity = sqlite3_column_int(st, C_FIRST);
	item->created_ms = sqlite3_column_int64(st, C_CREATED);
	item->due_ms = sqlite3_column_int64(st, C_DUE);
	item->finished_ms = sqlite3_column_int64(st, C_FINISHED);
	item->took_ms = sqlite3_column_int64(st, C_TOOK);
	item->digest_id = sqlite3_column_int64(st, C_DIGEST);
	item->asked_ms = sqlite3_column_int64(st, C_ASKED);
	item->attempts = (uint32_t)sqlite3_column_int64(st, C_ATTEMPTS);
	item->sink = place(&at, sink);
	item->thread_key = place(&at, thread);
	item->message_key = place(&at, message);
	item->rules = place(&at, rules);
	item->answer = place(&at, answer);
	item->context = place(&at, context);
	item->subject = place(&at, subject);
	item->note = place(&at, note);
	item->event = place(&at, event);
	return item;
}

/* 1 found (*ret lives until ev is reset), 0 not, -1 with e. */
static int
find_event(struct store_tx *tx, sqlite3_stmt *ev, int64_t id, struct span *ret, bool *ret_is_sound,
           struct err *e)
{
	tx_bind_i64(ev, 1, id);
	int rc = tx_step(tx, ev, e);
	if (rc > 0) {
		*ret = tx_column(ev, 1);
		*ret_is_sound = (int64_t)tx_sum((uint64_t)id, ret->p, ret->len) ==
		                sqlite3_column_int64(ev, 0);
	}
	return rc;
}

/* Whether the event holds the id that stands first in the subject, as both have it in JSON. */
static bool
is_about(struct span event, struct span subject)
{
	const char *end = subject.len ? memchr(subject.p, '\n', subject.len) : NULL;
	size_t len = end ? (size_t)(end - subject.p) : 0;

	return len > 0 && memmem(event.p, event.len, subject.p, len) != NULL;
}

struct outbox_item *
row_read(struct store_tx *tx, sqlite3_stmt *st, bool is_with_event, enum row_fault *ret_fault,
         struct err *e)
{
	const struct tx_sink *sink = tx_sink_by_id(tx, sqlite3_column_int64(st, C_SINK));
	int64_t event_id = sqlite3_column_int64(st, C_EVENT);
	struct span event = { NULL, 0 };
	sqlite3_stmt *ev = NULL;
	bool is_event_sound = true;

	*ret_fault = ROW_SOUND;
	if (is_with_event && event_id != 0) {
		if ((ev = tx_stmt(tx, sql_event, e)) == NULL)
			return NULL;
		int rc = find_event(tx, ev, event_id, &event, &is_event_sound, e);
		if (rc < 0)
			return NULL;
		if (rc == 0)
			*ret_fault = ROW_NO_EVENT;
	} else if (is_with_event &&
	           outbox_needs_event((enum outbox_state)sqlite3_column_int(st, C_STATE))) {
		*ret_fault = ROW_NO_EVENT;
	}
	/* What was delivered may name an event that is gone, and whose number another one has by now. */
	if (*ret_fault == ROW_SOUND && event.len > 0 &&
	    sqlite3_column_int(st, C_STATE) == OUTBOX_DONE &&
	    !is_about(event, tx_column(st, C_SUBJECT))) {
		event.len = 0;
		is_event_sound = true;
	}
	struct outbox_item *item = build(st, sink ? span_of(sink->name) : SPAN_LIT("?"), event);
	if (ev != NULL)
		tx_reset(ev);
	if (sink == NULL || !is_event_sound || !is_sound(st, item))
		*ret_fault = ROW_DAMAGED;
	if (*ret_fault != ROW_SOUND) {
		outbox_item_free(item);
		return NULL;
	}
	return item;
}

struct outbox_item *
row_read_damaged(struct store_tx *tx, sqlite3_stmt *st)
{
	const struct tx_sink *sink = tx_sink_by_id(tx, sqlite3_column_int64(st, C_SINK));
	struct span event = { NULL, 0 };
	struct outbox_item *item = build(st, sink ? span_of(sink->name) : SPAN_LIT("?"), event);
	struct span *texts[] = { &item->thread_key, &item->message_key, &item->rules,
		                 &item->context };

	item->is_damaged = true;
	if ((unsigned)item->severity > 4)
		item->severity = 0;
	/* Anything may stand there: only what people can read is shown. */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *p = item->text + (texts[i]->p - item->text);
		for (size_t k = 0; k < texts[i]->len; k++)
			p[k] = (p[k] >= ' ' && p[k] < 0x7f) || p[k] == '\n' ? p[k] : '?';
	}
	return item;
}

int
row_read_all(struct store_tx *tx, sqlite3_stmt *st, size_t max, struct outbox_item ***ret,
             size_t *ret_count, struct err *e)
{
	struct outbox_item **items = mem_calloc(max, sizeof(struct outbox_item *));
	enum row_fault fault = ROW_SOUND;
	size_t count = 0;
	int rc = 0;

	while (count < max && (rc = tx_step(tx, st, e)) > 0) {
		struct outbox_item *item = row_read(tx, st, false, &fault, e);
		if (item == NULL)
			item = row_read_damaged(tx, st);
		items[count++] = item;
	}
	tx_reset(st);
	if (rc < 0) {
		outbox_items_free(items, count);
		return -1;
	}
	*ret = items;
	*ret_count = count;
	return 0;
}

void
outbox_item_free(struct outbox_item *item)
{
	mem_free(item);
}

void
outbox_items_free(struct outbox_item **items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		outbox_item_free(items[i]);
	mem_free(items);
}
