/*
 * tx: statements, errors, checksums. See tx.h.
 */
#include "config.h"

#include "store/tx.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"

int
tx_fail_rc(int rc, const char *detail, const char *path, struct err *e)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return err_temp(
			e, ERR_FULL,
			"%s: the disk is full; nothing is lost, but nothing is taken or sent "
			"until there is room: free some space",
			path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_temp(
			e, ERR_LOCKED,
			"%s: another process uses it (findingsd already running?); stop that one, "
			"or talk to it with findingsctl",
			path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(
			e, ERR_CORRUPT,
			"%s: damaged (%s); stop the daemon, keep the file, run 'findingsctl db "
			"check', then 'findingsctl db repair'",
			path, detail);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return err_temp(
			e, ERR_STORE,
			"%s: cannot be written (%s); check owner, permissions and that the file "
			"system is not mounted read-only",
			path, detail);
	case SQLITE_NOMEM:
		return err_temp(e, ERR_LIMIT, "%s: out of memory (%s)", path, detail);
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return err_temp(e, ERR_LIMIT, "%s: out of memory (%s)", path, detail);
		return err_temp(e, ERR_STORE,
		                "%s: reading or writing failed (%s, code %d); check the disk", path,
		                detail, rc);
	default:
		return err_temp(e, ERR_STORE, "%s: %s (SQLite code %d)", path, detail, rc);
	}
}

bool
tx_is_io_error(int rc)
{
	return (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_READONLY;
}

static int
fail_with(struct store_tx *tx, int rc, const char *detail, struct err *e)
{
	if (tx->rc == 0)
		tx->rc = rc;
	tx->is_io_broken |= tx_is_io_error(rc);
	tx->is_corrupt |= (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
	return tx_fail_rc(rc, detail, tx->path, e);
}

int
tx_fail(struct store_tx *tx, struct err *e)
{
	int rc = sqlite3_extended_errcode(tx->db);

	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = SQLITE_ERROR;
	return fail_with(tx, rc, sqlite3_errmsg(tx->db), e);
}

/* What a test wants a step to fail with; 0: let it run. */
static int
step_fault(void)
{
	if (FAULT("store.step.ioerr"))
		return SQLITE_IOERR_WRITE;
	return FAULT("store.step.full") ? SQLITE_FULL : 0;
}

sqlite3_stmt *
tx_stmt(struct store_tx *tx, const char *sql, struct err *e)
{
	size_t at = ((uintptr_t)sql >> 4) & (TX_STATEMENTS - 1);

	for (size_t i = 0; i < TX_STATEMENTS; i++, at = (at + 1) & (TX_STATEMENTS - 1)) {
		if (tx->stmts[at].sql == sql)
			return tx->stmts[at].stmt;
		if (tx->stmts[at].sql != NULL)
			continue;
		sqlite3_stmt *st = NULL;
		if (sqlite3_prepare_v3(tx->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) !=
		    SQLITE_OK) {
			(void)tx_fail(tx, e);
			return NULL;
		}
		tx->stmts[at].sql = sql;
		tx->stmts[at].stmt = st;
		return st;
	}
	(void)err_set(e, ERR_BUG, "the store has more statements than slots for them");
	return NULL;
}

int
tx_step(struct store_tx *tx, sqlite3_stmt *st, struct err *e)
{
	int rc = step_fault();

	if (rc != 0) {
		(void)sqlite3_reset(st);
		return fail_with(tx, rc, "fault point", e);
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE) {
		(void)sqlite3_reset(st);
		return 0;
	}
	(void)tx_fail(tx, e);
	(void)sqlite3_reset(st);
	return -1;
}

int
tx_exec(struct store_tx *tx, sqlite3_stmt *st, struct err *e)
{
	int rc;

	do {
		rc = tx_step(tx, st, e);
	} while (rc > 0);
	return rc;
}

int
tx_sql(struct store_tx *tx, const char *sql, struct err *e)
{
	int rc = step_fault();

	if (rc != 0)
		return fail_with(tx, rc, "fault point", e);
	return sqlite3_exec(tx->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : tx_fail(tx, e);
}

void
tx_reset(sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
}

void
tx_bind_i64(sqlite3_stmt *st, int i, int64_t v)
{
	(void)sqlite3_bind_int64(st, i, v);
}

void
tx_bind_text(sqlite3_stmt *st, int i, struct span v)
{
	(void)sqlite3_bind_text64(st, i, v.p ? v.p : "", v.len, SQLITE_STATIC, SQLITE_UTF8);
}

void
tx_bind_blob(sqlite3_stmt *st, int i, struct span v)
{
	(void)sqlite3_bind_blob64(st, i, v.p ? v.p : "", v.len, SQLITE_STATIC);
}

struct span
tx_column(sqlite3_stmt *st, int i)
{
	const char *p = sqlite3_column_blob(st, i);
	int len = sqlite3_column_bytes(st, i);

	return (struct span){ p, p == NULL ? 0 : (size_t)len };
}

uint64_t
tx_sum(uint64_t seed, const void *p, size_t len)
{
	static const uint64_t k = 0x9E3779B97F4A7C15u;
	const unsigned char *u = p;
	uint64_t a = seed ^ len * k, b = ~seed, w[2];

	/* Two lanes, so that the multiplications overlap: about 5 bytes a cycle. */
	for (; len >= 16; len -= 16, u += 16) {
		memcpy(w, u, 16);
		a = (a ^ w[0]) * k;
		b = (b ^ w[1]) * k;
		a ^= a >> 29;
		b ^= b >> 31;
	}
	w[0] = w[1] = 0;
	if (len > 0)
		memcpy(w, u, len);
	a = (a ^ w[0]) * k;
	b = (b ^ w[1]) * k;
	a ^= (b << 23 | b >> 41) * k;
	a ^= a >> 32;
	a *= k;
	return a ^ a >> 29;
}

int
tx_check_space(const struct store_tx *tx, struct err *e)
{
	if (!tx->is_space_low)
		return 0;
	return err_temp(
		e, ERR_FULL,
		"%s: the disk is almost full; nothing new is taken until there is room: free "
		"some space",
		tx->path);
}

void
tx_init(struct store_tx *tx, sqlite3 *db, const char *path, size_t hot_limit)
{
	memset(tx, 0, sizeof(*tx));
	tx->db = db;
	(void)snprintf(tx->path, sizeof(tx->path), "%s", path);
	hot_init(&tx->hot, hot_limit);
}

void
tx_done(struct store_tx *tx)
{
	for (size_t i = 0; i < TX_STATEMENTS; i++)
		(void)sqlite3_finalize(tx->stmts[i].stmt);
	mem_free(tx->sinks);
	hot_done(&tx->hot);
	buf_done(&tx->origin_key);
	buf_done(&tx->state);
	buf_done(&tx->scratch);
	memset(tx, 0, sizeof(*tx));
}
