/*
 * outbox_list: the queue and the dead letters as people see them. See outbox.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/row.h"

static const char sql_dead_of[] =
	"SELECT sink, grp, generation, count(*) FROM outbox INDEXED BY outbox_dead"
	" WHERE memory = ?1 AND state IN (3, 5) GROUP BY sink, grp, generation";
static const char sql_oldest[] =
	"SELECT created_ms FROM outbox INDEXED BY outbox_due WHERE state = 0 AND sink = ?1"
	" AND urgency = ?2 ORDER BY due_ms LIMIT 1";
static const char sql_get[] = "SELECT " ROW_COLUMNS " FROM outbox WHERE id = ?1";

/* Each state is read by the index that holds few rows of it; finished ones are read in order of their numbers. */
#define LIST(from)                                 \
	"SELECT " ROW_COLUMNS " FROM outbox " from \
	" AND id > ?1 AND (?2 = 0 OR sink = ?2) ORDER BY id LIMIT ?3"
static const char *const sql_list[OUTBOX_STATE_COUNT] = {
	[OUTBOX_QUEUED] = LIST("INDEXED BY outbox_due WHERE state = 0"),
	[OUTBOX_BLOCKED] = LIST("INDEXED BY outbox_blocked WHERE state = 1"),
	[OUTBOX_DONE] = LIST("NOT INDEXED WHERE state = 2"),
	[OUTBOX_DEAD] = LIST("INDEXED BY outbox_dead WHERE state IN (3, 5) AND state = 3"),
	[OUTBOX_CANCELLED] = LIST("NOT INDEXED WHERE state = 4"),
	[OUTBOX_DROPPED] = LIST("INDEXED BY outbox_dead WHERE state IN (3, 5) AND state = 5"),
	[OUTBOX_HELD] = LIST("INDEXED BY outbox_held WHERE state = 6"),
	[OUTBOX_FOLDED] = LIST("INDEXED BY outbox_folded WHERE state = 7"),
};

int
outbox_dead_of(struct store_tx *tx, int64_t memory_id, struct outbox_dead_count *ret, size_t max,
               size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_dead_of, e);
	size_t count = 0;
	int rc = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, memory_id);
	while (count < max && (rc = tx_step(tx, st, e)) > 0) {
		const struct tx_sink *sink = tx_sink_by_id(tx, sqlite3_column_int64(st, 0));
		if (sink == NULL)
			continue;
		memcpy(ret[count].sink, sink->name, sizeof(ret[count].sink));
		ret[count].group = (uint64_t)sqlite3_column_int64(st, 1);
		ret[count].generation = (uint32_t)sqlite3_column_int64(st, 2);
		ret[count++].count = (uint32_t)sqlite3_column_int64(st, 3);
	}
	tx_reset(st);
	*ret_count = count;
	return rc < 0 ? -1 : 0;
}

static int
find_oldest(struct store_tx *tx, int64_t sink, int64_t *ret, struct err *e)
{
	*ret = 0;
	for (int64_t urgency = 0; urgency <= 4; urgency++) {
		sqlite3_stmt *st = tx_stmt(tx, sql_oldest, e);
		if (st == NULL)
			return -1;
		tx_bind_i64(st, 1, sink);
		tx_bind_i64(st, 2, urgency);
		int rc = tx_step(tx, st, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		int64_t created_ms = sqlite3_column_int64(st, 0);
		if (*ret == 0 || created_ms < *ret)
			*ret = created_ms;
		tx_reset(st);
	}
	return 0;
}

static uint64_t
number(const struct tx_sink *sink, enum outbox_state state)
{
	int64_t sum = tx_sink_number(sink, state);

	return sum > 0 ? (uint64_t)sum : 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct outbox_count *)a)->sink,
	              ((const struct outbox_count *)b)->sink);
}

int
outbox_counts(struct store_tx *tx, struct outbox_count **ret, size_t *ret_count, struct err *e)
{
	struct outbox_count *list =
		tx->sink_count ? mem_calloc(tx->sink_count, sizeof(*list)) : NULL;

	for (size_t i = 0; i < tx->sink_count; i++) {
		const struct tx_sink *sink = &tx->sinks[i];
		struct outbox_count *c = &list[i];
		memcpy(c->sink, sink->name, sizeof(c->sink));
		c->blocked = number(sink, OUTBOX_BLOCKED);
		c->folded = number(sink, OUTBOX_FOLDED);
		/* A digest tells of others: it is none of what there is to tell, unless it is on its way. */
		c->queued = number(sink, OUTBOX_QUEUED) + c->blocked + c->folded;
		c->done = number(sink, OUTBOX_DONE);
		c->dead = number(sink, OUTBOX_DEAD);
		c->cancelled = number(sink, OUTBOX_CANCELLED);
		c->dropped = number(sink, OUTBOX_DROPPED);
		if (c->queued > 0 && find_oldest(tx, sink->id, &c->oldest_ms, e) < 0) {
			mem_free(list);
			return -1;
		}
	}
	if (list != NULL)
		qsort(list, tx->sink_count, sizeof(*list), by_name);
	*ret = list;
	*ret_count = tx->sink_count;
	return 0;
}

int
outbox_list(struct store_tx *tx, const char *sink_name, enum outbox_state state, int64_t after_id,
            size_t limit, struct outbox_item ***ret, size_t *ret_count, struct err *e)
{
	size_t max = limit < OUTBOX_FETCH_MAX ? limit : OUTBOX_FETCH_MAX;
	struct tx_sink *sink = sink_name ? tx_sink_find(tx, sink_name) : NULL;
	sqlite3_stmt *st;

	*ret = NULL;
	*ret_count = 0;
	if (sink_name != NULL && sink == NULL)
		return 0;
	if ((unsigned)state >= OUTBOX_STATE_COUNT)
		return err_set(e, ERR_BUG, "the outbox has no state %u", (unsigned)state);
	if ((st = tx_stmt(tx, sql_list[state], e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, after_id);
	tx_bind_i64(st, 2, sink ? sink->id : 0);
	tx_bind_i64(st, 3, (int64_t)max);
	return row_read_all(tx, st, max, ret, ret_count, e);
}

int
outbox_get(struct store_tx *tx, int64_t id, struct outbox_item **ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_get, e);
	enum row_fault fault = ROW_SOUND;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc;
	*ret = row_read(tx, st, true, &fault, e);
	if (*ret == NULL && fault == ROW_NO_EVENT)
		*ret = row_read(tx, st, false, &fault, e);
	if (*ret == NULL && fault != ROW_SOUND)
		*ret = row_read_damaged(tx, st);
	tx_reset(st);
	return *ret != NULL ? 1 : -1;
}
