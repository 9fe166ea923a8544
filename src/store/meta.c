/*
 * meta: small facts by name. See meta.h.
 */
#include "config.h"

#include "store/meta.h"

#include <string.h>

#include "store/tx.h"

static const char sql_get[] = "SELECT value FROM meta WHERE key = ?1";
static const char sql_set[] = "INSERT INTO meta(key, value) VALUES(?1, ?2)"
			      " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
static const char sql_delete[] = "DELETE FROM meta WHERE key = ?1";
static const char sql_next[] = "SELECT key, value FROM meta WHERE key > ?1 ORDER BY key LIMIT 1";

static sqlite3_stmt *
bind_key(struct store_tx *tx, const char *sql, const char *key, struct err *e)
{
	size_t len = strlen(key);

	if (len == 0 || len > META_KEY_MAX) {
		(void)err_set(e, ERR_LIMIT, "store: key '%.40s' must have 1 to %d bytes", key,
		              (int)META_KEY_MAX);
		return NULL;
	}
	sqlite3_stmt *st = tx_stmt(tx, sql, e);
	if (st != NULL)
		tx_bind_text(st, 1, span_of(key));
	return st;
}

int
meta_get(struct store_tx *tx, const char *key, struct buf *ret, struct err *e)
{
	sqlite3_stmt *st = bind_key(tx, sql_get, key, e);
	int rc = st ? tx_step(tx, st, e) : -1;

	if (rc <= 0)
		return rc;
	struct span value = tx_column(st, 0);
	if (buf_add(ret, value.p, value.len) < 0)
		rc = err_set(e, ERR_LIMIT, "store: the value of '%s' is too long for its reader",
		             key);
	tx_reset(st);
	return rc;
}

int
meta_get_i64(struct store_tx *tx, const char *key, int64_t *ret, struct err *e)
{
	struct buf value = { .max_bytes = META_VALUE_MAX };
	int rc = meta_get(tx, key, &value, e);

	if (rc > 0)
		rc = str_to_i64((struct span){ value.data, value.len }, ret) ? 1 : 0;
	buf_done(&value);
	return rc;
}

int
meta_set(struct store_tx *tx, const char *key, struct span value, struct err *e)
{
	if (value.len > META_VALUE_MAX)
		return err_set(e, ERR_LIMIT, "store: the value of '%.40s' is over %d bytes", key,
		               (int)META_VALUE_MAX);
	sqlite3_stmt *st = bind_key(tx, sql_set, key, e);
	if (st == NULL)
		return -1;
	tx_bind_text(st, 2, value);
	return tx_exec(tx, st, e);
}

int
meta_set_i64(struct store_tx *tx, const char *key, int64_t value, struct err *e)
{
	struct buf text = { 0 };

	(void)buf_add_i64(&text, value);
	int rc = meta_set(tx, key, (struct span){ text.data, text.len }, e);
	buf_done(&text);
	return rc;
}

int
meta_delete(struct store_tx *tx, const char *key, struct err *e)
{
	sqlite3_stmt *st = bind_key(tx, sql_delete, key, e);

	return st ? tx_exec(tx, st, e) : -1;
}

/* One key at a time, so that fn may call anything, also meta_set. */
int
meta_each(struct store_tx *tx, const char *prefix, meta_each_fn *fn, void *arg, struct err *e)
{
	struct buf key = { .max_bytes = META_KEY_MAX }, value = { .max_bytes = META_VALUE_MAX };
	int rc = 0;
	bool is_first = meta_get(tx, prefix, &value, e) > 0; /* the prefix itself may be a key */

	(void)buf_add_str(&key, prefix);
	for (;;) {
		if (is_first) {
			is_first = false;
		} else {
			sqlite3_stmt *st = bind_key(tx, sql_next, key.data, e);
			if ((rc = st ? tx_step(tx, st, e) : -1) <= 0)
				break;
			struct span name = tx_column(st, 0), text = tx_column(st, 1);
			buf_clear(&key);
			buf_clear(&value);
			(void)buf_add(&key, name.p, name.len);
			(void)buf_add(&value, text.p, text.len);
			tx_reset(st);
			if (key.is_full || !str_starts(key.data, prefix))
				break;
		}
		if ((rc = fn(arg, key.data, (struct span){ value.data, value.len }, e)) < 0)
			break;
	}
	buf_done(&key);
	buf_done(&value);
	return rc < 0 ? -1 : 0;
}
