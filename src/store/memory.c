/*
 * memory: what is remembered of each finding. See memory.h.
 *
 * The hash is the first 8 bytes of the identity, which is a SHA-256 itself. Two identities may share it; the row's full
 * identity decides. An index entry whose row is gone (pruned) counts as nothing.
 */
#include "config.h"

#include "store/memory.h"

#include <string.h>

#include "store/member.h"
#include "store/quarantine.h"
#include "store/tx.h"

enum { TOUCH_MS = 6 * 3600 * 1000 };

static const char sql_ident[] = "SELECT id FROM ident WHERE h = ?1";
static const char sql_row[] = "SELECT identity, seen_ms, sum, state FROM memory WHERE id = ?1";
static const char sql_add[] =
	"INSERT INTO memory(id, identity, seen_ms, is_open, sum, state) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_ident_add[] = "INSERT OR IGNORE INTO ident(h, id) VALUES(?1, ?2)";
static const char sql_set[] =
	"UPDATE memory SET seen_ms = ?2, is_open = ?3, sum = ?4, state = ?5 WHERE id = ?1";
static const char sql_delete[] = "DELETE FROM memory WHERE id = ?1";
static const char sql_touch[] = "UPDATE memory SET seen_ms = ?2 WHERE id = ?1";
static const char sql_unwatch[] = "DELETE FROM watch WHERE memory = ?1";

/* The identity is not in it: where it was damaged, the row is found by nobody. */
static int64_t
row_sum(int64_t id, struct span state)
{
	return (int64_t)tx_sum((uint64_t)id, state.p, state.len);
}

static uint64_t
hash_of(const unsigned char identity[MEMORY_IDENTITY_BYTES])
{
	uint64_t hash;

	memcpy(&hash, identity, sizeof(hash));
	return hash;
}

/* A row that cannot be right: keep its bytes elsewhere, so that the finding is told again rather than never. */
static int
set_aside(struct store_tx *tx, int64_t id, struct span state, int64_t now_ms, struct err *e)
{
	sqlite3_stmt *st;
	struct buf copy = { 0 };

	(void)buf_add(&copy, state.p, state.len);
	int rc = quarantine_add(tx, "store.memory", "the checksum of a remembered finding is wrong",
	                        (struct span){ copy.data, copy.len }, now_ms, e);
	buf_done(&copy);
	if (rc < 0 || (st = tx_stmt(tx, sql_delete, e)) == NULL)
		return -1;
	tx->quarantined++;
	tx->memory_job--;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e) < 0 ? -1 : member_forget(tx, id, e);
}

/* 1: the row is this identity's (NULL: anyone's), its state is in tx->state, whose it is in tx->identity. 0: it is not, or is gone
 * or damaged. */
static int
read_row(struct store_tx *tx, int64_t id, const unsigned char *identity, int64_t *ret_seen_ms,
         struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_row, e);
	struct span own = { (const char *)identity, MEMORY_IDENTITY_BYTES };

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc <= 0)
		return rc;
	struct span stored = tx_column(st, 0), state = tx_column(st, 3);
	int64_t seen_ms = sqlite3_column_int64(st, 1), sum = sqlite3_column_int64(st, 2);
	bool is_ours = identity ? span_eq(stored, own) : stored.len == own.len,
	     is_sound = row_sum(id, state) == sum;
	if (is_ours)
		memcpy(tx->identity, stored.p, own.len);
	buf_clear(&tx->state);
	(void)buf_add(&tx->state, state.p, state.len);
	tx_reset(st);
	if (!is_sound)
		return set_aside(tx, id, (struct span){ tx->state.data, tx->state.len }, seen_ms,
		                 e) < 0
		               ? -1
		               : 0;
	if (ret_seen_ms != NULL)
		*ret_seen_ms = seen_ms;
	return is_ours;
}

/* The hash's ids in the big index; usually none or one, and never more than a few. */
static int
find_merged(struct store_tx *tx, uint64_t hash, int64_t ids[8], size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_ident, e);
	size_t count = 0;
	int rc = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, (int64_t)hash);
	while (count < 8 && (rc = tx_step(tx, st, e)) > 0)
		ids[count++] = sqlite3_column_int64(st, 0);
	tx_reset(st);
	*ret_count = count;
	return rc < 0 ? -1 : 0;
}

/* The first row of that hash that is the identity's (NULL: anyone's). As read_row. */
static int
find_row(struct store_tx *tx, uint64_t hash, const unsigned char *identity, int64_t *ret_id,
         int64_t *ret_seen_ms, struct err *e)
{
	int64_t ids[8], id = 0;
	size_t at = 0, count = 0;
	int rc = 0;

	while (rc == 0 && (id = hot_find(&tx->hot, hash, &at)) != 0)
		rc = read_row(tx, id, identity, ret_seen_ms, e);
	if (rc == 0 && find_merged(tx, hash, ids, &count, e) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		id = ids[i];
		rc = read_row(tx, id, identity, ret_seen_ms, e);
	}
	if (rc > 0)
		*ret_id = id;
	return rc;
}

int
memory_get(struct store_tx *tx, const unsigned char identity[MEMORY_IDENTITY_BYTES],
           int64_t *ret_id, struct span *ret_state, int64_t *ret_seen_ms, struct err *e)
{
	int rc = find_row(tx, hash_of(identity), identity, ret_id, ret_seen_ms, e);

	if (rc > 0)
		*ret_state = (struct span){ tx->state.data, tx->state.len };
	return rc;
}

int
memory_get_key(struct store_tx *tx, uint64_t key, int64_t *ret_id,
               unsigned char ret_identity[MEMORY_IDENTITY_BYTES], struct span *ret_state,
               int64_t *ret_seen_ms, struct err *e)
{
	int rc = find_row(tx, key, NULL, ret_id, ret_seen_ms, e);

	if (rc > 0) {
		memcpy(ret_identity, tx->identity, MEMORY_IDENTITY_BYTES);
		*ret_state = (struct span){ tx->state.data, tx->state.len };
	}
	return rc;
}

int
memory_get_id(struct store_tx *tx, int64_t id, unsigned char ret_identity[MEMORY_IDENTITY_BYTES],
              struct span *ret_state, int64_t *ret_seen_ms, struct err *e)
{
	int rc = read_row(tx, id, NULL, ret_seen_ms, e);

	if (rc > 0) {
		memcpy(ret_identity, tx->identity, MEMORY_IDENTITY_BYTES);
		*ret_state = (struct span){ tx->state.data, tx->state.len };
	}
	return rc;
}

static int
check_state(struct span state, struct err *e)
{
	if (state.len > MEMORY_STATE_MAX)
		return err_set(e, ERR_LIMIT,
		               "store: the state of a finding takes %zu bytes, at most %d",
		               state.len, (int)MEMORY_STATE_MAX);
	return 0;
}

int
memory_add(struct store_tx *tx, const unsigned char identity[MEMORY_IDENTITY_BYTES],
           struct span state, bool is_open, int64_t now_ms, int64_t *ret_id, struct err *e)
{
	struct span own = { (const char *)identity, MEMORY_IDENTITY_BYTES };
	int64_t id = tx->next_memory_id;
	sqlite3_stmt *st;

	if (check_state(state, e) < 0 || tx_check_space(tx, e) < 0 ||
	    (st = tx_stmt(tx, sql_add, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_blob(st, 2, own);
	tx_bind_i64(st, 3, now_ms);
	tx_bind_i64(st, 4, is_open);
	tx_bind_i64(st, 5, row_sum(id, state));
	tx_bind_blob(st, 6, state);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	if (!hot_add(&tx->hot, hash_of(identity), id)) {
		if ((st = tx_stmt(tx, sql_ident_add, e)) == NULL)
			return -1;
		tx_bind_i64(st, 1, (int64_t)hash_of(identity));
		tx_bind_i64(st, 2, id);
		if (tx_exec(tx, st, e) < 0)
			return -1;
	}
	tx->next_memory_id++;
	tx->memory_job++;
	*ret_id = id;
	return 0;
}

int
memory_set(struct store_tx *tx, int64_t id, struct span state, bool is_open, int64_t now_ms,
           struct err *e)
{
	sqlite3_stmt *st;

	if (check_state(state, e) < 0)
		return -1;
	if ((st = tx_stmt(tx, sql_set, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, now_ms);
	tx_bind_i64(st, 3, is_open);
	tx_bind_i64(st, 4, row_sum(id, state));
	tx_bind_blob(st, 5, state);
	if (tx_exec(tx, st, e) < 0)
		return -1;
	if (sqlite3_changes(tx->db) == 0)
		return err_set(e, ERR_NOT_FOUND, "store: no memory of finding %lld", (long long)id);
	if (is_open)
		return 0;
	if ((st = tx_stmt(tx, sql_unwatch, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	return tx_exec(tx, st, e);
}

int
memory_touch(struct store_tx *tx, int64_t id, int64_t seen_ms, int64_t now_ms, struct err *e)
{
	sqlite3_stmt *st;

	if (now_ms - seen_ms < TOUCH_MS)
		return 0;
	if ((st = tx_stmt(tx, sql_touch, e)) == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	tx_bind_i64(st, 2, now_ms);
	return tx_exec(tx, st, e);
}

int
memory_count(struct store_tx *tx, uint64_t *ret, struct err *e)
{
	int64_t count = tx->memory_count + tx->memory_group + tx->memory_job;

	(void)e;
	*ret = count > 0 ? (uint64_t)count : 0;
	return 0;
}
