/*
 * doom: events to be deleted together. See doom.h.
 */
#include "config.h"

#include "store/doom.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/tx.h"

static const char sql_read[] = "SELECT value FROM meta WHERE key = 'store.event.doomed'";
static const char sql_write[] = "INSERT INTO meta(key, value) VALUES('store.event.doomed', ?1)"
				" ON CONFLICT(key) DO UPDATE SET value = excluded.value";
static const char sql_drop[] = "DELETE FROM event WHERE id = ?1";

int
doom_load(struct store_tx *tx, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_read, e);
	int rc = st ? tx_step(tx, st, e) : -1;

	tx->doom.count = 0;
	if (rc > 0) {
		struct span value = tx_column(st, 0);
		size_t count = value.len / sizeof(int64_t);
		tx->doom.count = count < DOOM_MAX ? count : DOOM_MAX;
		memcpy(tx->doom.ids, value.p ? value.p : "", tx->doom.count * sizeof(int64_t));
		tx_reset(st);
	}
	return rc < 0 ? -1 : 0;
}

static int
drop(struct store_tx *tx, int64_t event, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_drop, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, event);
	return tx_exec(tx, st, e);
}

int
doom_add(struct store_tx *tx, int64_t event, struct err *e)
{
	if (tx->doom.count == DOOM_MAX)
		return drop(tx, event, e);
	tx->doom.ids[tx->doom.count++] = event;
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The oldest so many. */
static int
sweep(struct store_tx *tx, size_t count, struct err *e)
{
	int64_t *sorted = mem_dup(tx->doom.ids, count * sizeof(*sorted));
	int rc = 0;

	(void)FAULT("store.sweep.before");
	qsort(sorted, count, sizeof(*sorted), by_value);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = drop(tx, sorted[i], e);
	mem_free(sorted);
	return rc;
}

int
doom_write(struct store_tx *tx, bool is_all, struct err *e)
{
	struct doom *d = &tx->doom;
	size_t keep = FAULT("store.sweep.now") ? 0 : DOOM_KEEP;
	size_t over = d->count > keep ? d->count - keep : 0;
	sqlite3_stmt *st;

	if (is_all ? over == 0 : d->count == d->mark_group)
		return 0;
	if (is_all || over >= DOOM_BATCH || (keep == 0 && over > 0)) {
		if (sweep(tx, over, e) < 0)
			return -1;
		d->swept = over;
	}
	if ((st = tx_stmt(tx, sql_write, e)) == NULL)
		return -1;
	tx_bind_blob(st, 1,
	             (struct span){ (const char *)(d->ids + d->swept),
	                            (d->count - d->swept) * sizeof(d->ids[0]) });
	return tx_exec(tx, st, e);
}

void
doom_group_begin(struct doom *d)
{
	d->mark_group = d->mark_job = d->count;
	d->swept = 0;
}

void
doom_job_begin(struct doom *d)
{
	d->mark_job = d->count;
}

void
doom_job_undo(struct doom *d)
{
	d->count = d->mark_job;
}

void
doom_group_undo(struct doom *d)
{
	d->count = d->mark_group;
	d->swept = 0;
}

void
doom_group_done(struct doom *d)
{
	d->count -= d->swept;
	memmove(d->ids, d->ids + d->swept, d->count * sizeof(d->ids[0]));
	d->mark_group = d->mark_job = d->count;
	d->swept = 0;
}
