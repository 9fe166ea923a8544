/*
 * outbox: a new item and its place in line. See outbox.h. What becomes of it is in outcome.c, reading in outbox_next.c and
 * outbox_list.c.
 */
#include "config.h"

#include "store/outbox.h"

#include <string.h>

#include "store/folding.h"
#include "store/outcome.h"
#include "store/row.h"

static const char *const state_names[OUTBOX_STATE_COUNT] = {
	[OUTBOX_QUEUED] = "queued", [OUTBOX_BLOCKED] = "blocked",     [OUTBOX_DONE] = "done",
	[OUTBOX_DEAD] = "dead",     [OUTBOX_CANCELLED] = "cancelled", [OUTBOX_DROPPED] = "dropped",
	[OUTBOX_HELD] = "held",     [OUTBOX_FOLDED] = "in digest",
};

static const char sql_last[] =
	"SELECT id, state, digest FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 AND sink = ?2"
	" ORDER BY id DESC LIMIT 1";
static const char sql_is_held[] =
	"SELECT 1 FROM outbox WHERE id = ?1 AND state = 6 AND generation = ?2";
static const char sql_has_next[] = "UPDATE outbox SET has_next = 1 WHERE id = ?1";
static const char sql_add[] =
	"INSERT INTO outbox(sink, memory, change, n, generation, grp, urgency, first_severity, created_ms,"
	" thread, message, rules, sum, event, state, has_next, due_ms, finished_ms, attempts, took_ms,"
	" answer, context, subject, note) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0,"
	" ?16, 0, 0, 0, '', ?17, ?18, ?19)";

const char *
outbox_state_name(enum outbox_state state)
{
	return (unsigned)state < OUTBOX_STATE_COUNT ? state_names[state] : "unknown";
}

static int
check_new(const struct outbox_new *n, struct err *e)
{
	if (strlen(n->thread_key) > OUTBOX_KEY_MAX || strlen(n->message_key) > OUTBOX_KEY_MAX ||
	    n->rules.len > OUTBOX_RULES_MAX || n->context.len > OUTBOX_CONTEXT_MAX ||
	    n->subject.len > OUTBOX_SUBJECT_MAX || n->note.len > OUTBOX_NOTE_MAX)
		return err_set(
			e, ERR_LIMIT,
			"store: keys, rules, subject, note or context of a notice are too long");
	if ((unsigned)n->severity > 4 || (unsigned)n->first_severity > 4 ||
	    (unsigned)n->change >= CHANGE_COUNT || n->memory_id < 0 || n->event_id <= 0)
		return err_set(e, ERR_BUG, "store: a notice with numbers that cannot be");
	return 0;
}

/* Whether what follows has to wait: not behind a digest that takes all that comes, so this too. 1, 0, or -1 with e. */
static int
is_unfinished(struct store_tx *tx, enum outbox_state state, int64_t digest, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (state != OUTBOX_FOLDED)
		return state <= OUTBOX_BLOCKED;
	if ((st = tx_stmt(tx, sql_is_held, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, digest);
	tx_bind_i64(st, 2, FOLDING_FLOOD);
	rc = tx_step(tx, st, e);
	tx_reset(st);
	return rc < 0 ? -1 : rc == 0;
}

/* 1: an unfinished item is before it, and now knows that something follows. */
static int
queue_behind(struct store_tx *tx, int64_t memory, int64_t sink, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (memory == 0)
		return 0;
	if ((st = tx_stmt(tx, sql_last, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, memory);
	tx_bind_i64(st, 2, sink);
	if ((rc = tx_step(tx, st, e)) <= 0)
		return rc;
	int64_t id = sqlite3_column_int64(st, 0);
	enum outbox_state state = (enum outbox_state)sqlite3_column_int(st, 1);
	int64_t digest = sqlite3_column_int64(st, 2);
	tx_reset(st);
	if ((rc = is_unfinished(tx, state, digest, e)) <= 0)
		return rc;
	if ((st = tx_stmt(tx, sql_has_next, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e) < 0 ? -1 : 1;
}

int
outbox_add(struct store_tx *tx, const struct outbox_new *n, int64_t *ret_id, struct err *e)
{
	struct tx_sink *sink;

	if (check_new(n, e) < 0 || (sink = tx_sink(tx, n->sink, e)) == NULL)
		return -1;
	int is_blocked = queue_behind(tx, n->memory_id, sink->id, e);
	if (is_blocked < 0)
		return -1;
	return outcome_insert(tx, sink, n, is_blocked ? OUTBOX_BLOCKED : OUTBOX_QUEUED, ret_id, e);
}

int
outcome_insert(struct store_tx *tx, struct tx_sink *sink, const struct outbox_new *n,
               enum outbox_state state, int64_t *ret_id, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_add, e);
	int64_t urgency = 4 - n->severity;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, sink->id);
	tx_bind_i64(st, 2, n->memory_id);
	tx_bind_i64(st, 3, (int64_t)n->change);
	tx_bind_i64(st, 4, n->n);
	tx_bind_i64(st, 5, n->generation);
	tx_bind_i64(st, 6, (int64_t)n->group);
	tx_bind_i64(st, 7, urgency);
	tx_bind_i64(st, 8, n->first_severity);
	tx_bind_i64(st, 9, n->created_ms);
	tx_bind_text(st, 10, span_of(n->thread_key));
	tx_bind_text(st, 11, span_of(n->message_key));
	tx_bind_text(st, 12, n->rules);
	tx_bind_i64(st, 13, row_sum(sink->id, urgency, n));
	tx_bind_i64(st, 14, n->event_id);
	tx_bind_i64(st, 15, (int64_t)state);
	tx_bind_i64(st, 16, n->due_ms);
	tx_bind_text(st, 17, n->context);
	tx_bind_text(st, 18, n->subject);
	tx_bind_text(st, 19, n->note);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	sink->job[state]++;
	if (ret_id != NULL)
		*ret_id = sqlite3_last_insert_rowid(tx->db);
	return 0;
}
