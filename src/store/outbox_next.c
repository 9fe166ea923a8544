/*
 * outbox_next: what is due for a sink. See outbox.h.
 *
 * The index of what is queued is ordered by sink, urgency and due time, so each urgency is one short range: the most severe
 * first, without sorting a backlog. What cannot be right is buried on the way, after the reading: a row is not changed under a
 * statement that stands on it.
 */
#include "config.h"

#include <stdio.h>

#include "base/mem.h"
#include "store/folding.h"
#include "store/outcome.h"
#include "store/quarantine.h"
#include "store/row.h"

enum { URGENCIES = 5, BAD_MAX = 64 };

static const char sql_due[] =
	"SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1"
	" AND urgency = ?2 AND due_ms <= ?3 ORDER BY due_ms, id LIMIT ?4";
static const char sql_too_far[] =
	"SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1"
	" AND urgency = ?2 AND due_ms > ?3 ORDER BY due_ms, id LIMIT ?4";
static const char sql_next_due[] =
	"SELECT due_ms FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1 AND urgency = ?2"
	" AND due_ms > ?3 ORDER BY due_ms LIMIT 1";

/* What one fetch gathers. */
struct fetch {
	const struct outbox_query *q;
	struct outbox_item **items;
	size_t count, limit;
	struct {
		int64_t id;
		enum row_fault fault;
	} bad[BAD_MAX];
	size_t bad_count;
};

static bool
is_skipped(const struct outbox_query *q, int64_t id)
{
	for (size_t i = 0; i < q->skip_count; i++) {
		if (q->skip[i] == id)
			return true;
	}
	return false;
}

static int
fetch_row(struct store_tx *tx, sqlite3_stmt *st, struct fetch *f, struct err *e)
{
	int64_t id = sqlite3_column_int64(st, 0);
	enum row_fault fault = ROW_SOUND;

	if (is_skipped(f->q, id))
		return 0;
	err_clear(e);
	struct outbox_item *item = row_read(tx, st, true, &fault, e);
	if (item != NULL) {
		f->items[f->count++] = item;
		return 0;
	}
	if (fault == ROW_SOUND)
		return -1;
	if (f->bad_count < BAD_MAX) {
		f->bad[f->bad_count].id = id;
		f->bad[f->bad_count++].fault = fault;
	}
	return 0;
}

static int
fetch_urgency(struct store_tx *tx, const char *sql, int64_t sink, int64_t urgency, int64_t at_ms,
              struct fetch *f, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	int rc = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, sink);
	tx_bind_i64(st, 2, urgency);
	tx_bind_i64(st, 3, at_ms);
	tx_bind_i64(st, 4, (int64_t)(f->limit - f->count + f->q->skip_count + BAD_MAX));
	while (f->count < f->limit && (rc = tx_step(tx, st, e)) > 0) {
		if ((rc = fetch_row(tx, st, f, e)) < 0)
			break;
	}
	tx_reset(st);
	return rc < 0 ? -1 : 0;
}

/* The most severe first; then what no schedule of ours puts so far ahead: the clock was wrong when it was queued. */
static int
fetch_all(struct store_tx *tx, int64_t sink, struct fetch *f, struct err *e)
{
	int64_t now_ms = f->q->now_ms;

	for (int64_t urgency = 0; urgency < URGENCIES && f->count < f->limit; urgency++) {
		if (fetch_urgency(tx, sql_due, sink, urgency, now_ms, f, e) < 0 ||
		    fetch_urgency(tx, sql_too_far, sink, urgency, now_ms + OUTBOX_DUE_MAX_MS, f,
		                  e) < 0)
			return -1;
	}
	return 0;
}

/* A digest's members are whole: they are told themselves. */
static int
give_up(struct store_tx *tx, int64_t id, const struct outbox_outcome *o, struct err *e)
{
	struct outcome_row row;
	int rc = outcome_read(tx, id, &row, e);

	if (rc < 0)
		return -1;
	if (rc > 0 && row.change == CHANGE_DIGEST)
		return folding_undo(tx, id, o->now_ms, o->answer.p, e);
	return outbox_bury(tx, id, o, NULL, e);
}

/* As any dead letter: what waits behind it goes on. *ret_more: something came to be due by that. */
static int
bury_bad(struct store_tx *tx, const struct tx_sink *sink, const struct fetch *f, bool *ret_more,
         struct err *e)
{
	int64_t blocked = sink->job[OUTBOX_BLOCKED];

	for (size_t i = 0; i < f->bad_count; i++) {
		const char *why = f->bad[i].fault == ROW_DAMAGED
		                          ? "the stored notice is damaged: its checksum is wrong"
		                          : "the stored notice has lost its event";
		struct outbox_outcome o = { .now_ms = f->q->now_ms, .answer = span_of(why) };
		char place[64];

		(void)snprintf(place, sizeof(place), "outbox item %lld", (long long)f->bad[i].id);
		if (give_up(tx, f->bad[i].id, &o, e) < 0 ||
		    quarantine_add(tx, "store.outbox", why, span_of(place), f->q->now_ms, e) < 0)
			return -1;
		tx->quarantined++;
	}
	*ret_more = sink->job[OUTBOX_BLOCKED] != blocked;
	return 0;
}

static int
find_next_due(struct store_tx *tx, int64_t sink, int64_t now_ms, int64_t *ret, struct err *e)
{
	*ret = INT64_MAX;
	for (int64_t urgency = 0; urgency < URGENCIES; urgency++) {
		sqlite3_stmt *st = tx_stmt(tx, sql_next_due, e);
		if (st == NULL)
			return -1;
		tx_bind_i64(st, 1, sink);
		tx_bind_i64(st, 2, urgency);
		tx_bind_i64(st, 3, now_ms);
		int rc = tx_step(tx, st, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		if (sqlite3_column_int64(st, 0) < *ret)
			*ret = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return 0;
}

int
outbox_next(struct store_tx *tx, const struct outbox_query *q, struct outbox_item ***ret,
            size_t *ret_count, int64_t *ret_next_due_ms, struct err *e)
{
	struct tx_sink *sink = tx_sink_find(tx, q->sink);
	struct fetch f = { .q = q };
	int64_t next_due = INT64_MAX;
	bool has_more = false;

	*ret = NULL;
	*ret_count = 0;
	*ret_next_due_ms = INT64_MAX;
	if (sink == NULL || tx->is_held)
		return 0;
	f.limit = q->limit < OUTBOX_FETCH_MAX ? q->limit : OUTBOX_FETCH_MAX;
	f.items = mem_calloc(f.limit, sizeof(struct outbox_item *));
	if (fetch_all(tx, sink->id, &f, e) < 0 || bury_bad(tx, sink, &f, &has_more, e) < 0 ||
	    find_next_due(tx, sink->id, q->now_ms, &next_due, e) < 0)
		goto fail;
	if (f.count == 0) {
		mem_free(f.items);
		f.items = NULL;
	}
	*ret = f.items;
	*ret_count = f.count;
	*ret_next_due_ms = has_more ? 0 : next_due;
	return 0;
fail:
	outbox_items_free(f.items, f.count);
	return -1;
}
