/*
 * folding_settle: what became of a digest, for each that is in it. See folding.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "store/folding.h"
#include "store/outcome.h"

static const char sql_next_digest[] =
	"SELECT digest FROM outbox INDEXED BY outbox_folded WHERE state = 7 AND sink = ?1"
	" AND digest > ?2 ORDER BY digest LIMIT 1";
static const char sql_next_dead_digest[] =
	"SELECT digest FROM outbox INDEXED BY outbox_digest_dead WHERE state = 3 AND digest > 0 AND digest > ?2"
	" AND sink = ?1 ORDER BY digest LIMIT 1";
static const char sql_members[] =
	"SELECT id FROM outbox INDEXED BY outbox_folded WHERE state = 7 AND sink = ?1 AND digest = ?2"
	" ORDER BY id LIMIT ?3";
static const char sql_dead_members[] =
	"SELECT id FROM outbox INDEXED BY outbox_digest_dead WHERE state = 3 AND digest > 0 AND digest = ?2"
	" AND sink = ?1 ORDER BY id LIMIT ?3";
static const char sql_digest[] = "SELECT state, finished_ms, answer FROM outbox WHERE id = ?1";

/* A digest, as its members see it. */
struct fate {
	int64_t id;
	bool is_there;
	enum outbox_state state;
	struct outbox_outcome outcome; /* answer lies in text */
	char text[OUTBOX_ANSWER_MAX + 64];
};

static int
read_fate(struct store_tx *tx, int64_t id, int64_t now_ms, struct fate *f, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_digest, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc < 0)
		return -1;
	memset(f, 0, sizeof(*f));
	f->id = id;
	f->is_there = rc > 0;
	f->outcome.now_ms = now_ms;
	if (rc == 0)
		return 0;
	struct span answer = tx_column(st, 2);
	f->state = (enum outbox_state)sqlite3_column_int(st, 0);
	if (sqlite3_column_int64(st, 1) > 0)
		f->outcome.now_ms = sqlite3_column_int64(st, 1);
	(void)snprintf(f->text, sizeof(f->text), "%s digest %lld: %.*s",
	               f->state == OUTBOX_DONE ? "in" : "died with", (long long)id,
	               SPAN_FMT(answer));
	f->outcome.answer = span_of(f->text);
	tx_reset(st);
	return 0;
}

/* The next digest that members of this sink name, after one; 0 when there is none. */
static int
next_digest(struct store_tx *tx, const char *sql, int64_t sink, int64_t after, int64_t *ret,
            struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	*ret = 0;
	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, sink);
	tx_bind_i64(st, 2, after);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		*ret = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

static int
settle_one(struct store_tx *tx, int64_t id, const struct fate *f, struct folding_settled *ret,
           struct err *e)
{
	struct outcome_row row;
	int rc = outcome_read(tx, id, &row, e);

	if (rc <= 0)
		return rc;
	if (f->is_there && f->state == OUTBOX_DONE) {
		ret->told++;
		return outcome_finish(tx, &row, OUTBOX_DONE, &f->outcome, e);
	}
	if (f->is_there && (f->state == OUTBOX_DEAD || f->state == OUTBOX_DROPPED)) {
		ret->dead++;
		return outcome_bury(tx, &row, &f->outcome, NULL, e);
	}
	ret->back++;
	return outcome_requeue(tx, &row, row.created_ms, 0, e);
}

/* Those of one digest that are left, at most limit in all. */
static int
settle_members(struct store_tx *tx, const char *sql, int64_t sink, const struct fate *f,
               size_t limit, struct folding_settled *ret, struct err *e)
{
	int64_t ids[OUTBOX_FETCH_MAX];
	size_t count = 0, max = limit - ret->told - ret->dead - ret->back;
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	int rc = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, sink);
	tx_bind_i64(st, 2, f->id);
	tx_bind_i64(st, 3, (int64_t)max);
	while (count < max && (rc = tx_step(tx, st, e)) > 0)
		ids[count++] = sqlite3_column_int64(st, 0);
	tx_reset(st);
	(void)FAULT("store.digest.settle");
	for (size_t i = 0; rc >= 0 && i < count; i++)
		rc = settle_one(tx, ids[i], f, ret, e);
	ret->has_more |= count == max;
	return rc < 0 ? -1 : 0;
}

static bool
is_finished(const struct fate *f)
{
	return !f->is_there || (f->state != OUTBOX_HELD && !outbox_needs_event(f->state));
}

/* Of one kind of members: those whose digest fits. */
static int
settle_kind(struct store_tx *tx, int64_t sink, bool is_late, int64_t now_ms, size_t limit,
            struct folding_settled *ret, struct err *e)
{
	int64_t digest = 0;
	struct fate f;

	while (!ret->has_more) {
		if (next_digest(tx, is_late ? sql_next_dead_digest : sql_next_digest, sink, digest,
		                &digest, e) < 0)
			return -1;
		if (digest == 0)
			break;
		if (read_fate(tx, digest, now_ms, &f, e) < 0)
			return -1;
		if (is_late ? f.is_there && f.state == OUTBOX_DONE : is_finished(&f)) {
			if (settle_members(tx, is_late ? sql_dead_members : sql_members, sink, &f,
			                   limit, ret, e) < 0)
				return -1;
		}
	}
	return 0;
}

int
folding_settle(struct store_tx *tx, const char *sink_name, int64_t now_ms, size_t limit,
               bool is_late, struct folding_settled *ret, struct err *e)
{
	struct tx_sink *sink = tx_sink_find(tx, sink_name);

	memset(ret, 0, sizeof(*ret));
	if (sink == NULL)
		return 0;
	int64_t id = sink->id;
	if (tx_sink_number(sink, OUTBOX_FOLDED) > 0 &&
	    settle_kind(tx, id, false, now_ms, limit, ret, e) < 0)
		return -1;
	return is_late && !ret->has_more ? settle_kind(tx, id, true, now_ms, limit, ret, e) : 0;
}
