/*
 * check: is all of the store as it was written? See check.h; what each part looks at is in check_rows.c.
 */
#include "config.h"

#include "store/check.h"

#include <stdio.h>
#include <string.h>

#include "store/check_rows.h"
#include "json/emit.h"

/* CHUNK rows, or so many bytes of them: some ms. */
enum { CHUNK_ROWS = 2000, CHUNK_BYTES = 4 << 20 };

const char *
check_part_name(enum check_part part)
{
	return check_parts[part].name;
}

static int
damaged(const struct store_tx *tx, const char *what, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"%s: damaged (%s); stop the daemon, keep the file, run 'findingsctl db check', then "
		"'findingsctl db repair'",
		tx->path, what);
}

/* Rows in the order of their keys: one that goes back would be walked for ever. */
static int
check_order(const struct store_tx *tx, const struct check_place *p, int64_t key, int64_t key2,
            struct err *e)
{
	char what[96];

	if (key > p->key || (key == p->key && key2 > p->key2))
		return 0;
	(void)snprintf(what, sizeof(what), "%s %lld is out of order", check_parts[p->part].name,
	               (long long)key);
	return damaged(tx, what, e);
}

static int
check_chunk(struct store_tx *tx, struct check *c, const struct check_part_row *part, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, part->sql, e);
	struct check_place *p = &c->next;
	size_t bytes = 0;
	int rows = 0, rc = 0;

	if (st == NULL)
		return -1;
	if (part->is_keyed) {
		tx_bind_i64(st, 1, p->key);
		tx_bind_i64(st, 2, p->key2);
		tx_bind_i64(st, 3, CHUNK_ROWS);
	}
	while (bytes < CHUNK_BYTES && (rc = tx_step(tx, st, e)) > 0) {
		int64_t key = part->is_keyed ? sqlite3_column_int64(st, 0) : rows;
		int64_t key2 = part->is_keyed == CHECK_TWO_KEYS ? sqlite3_column_int64(st, 1) : 0;
		rows++;
		if (part->is_keyed && check_order(tx, p, key, key2, e) < 0)
			rc = -1;
		if (rc < 0 || part->look(tx, c, st, &bytes, e) < 0) {
			tx_reset(st);
			return -1;
		}
		p->key = key;
		p->key2 = key2;
		c->more.rows++;
	}
	tx_reset(st);
	p->is_over = !part->is_keyed || (rows < CHUNK_ROWS && bytes < CHUNK_BYTES);
	if (rc == 0 && p->is_over)
		check_rows_end(c);
	return rc < 0 ? -1 : 0;
}

int
check_run(struct store_tx *tx, void *check, struct err *e)
{
	struct check *c = check;
	const struct check_part_row *part = &check_parts[c->at.part];

	c->next = c->at;
	memset(&c->more, 0, sizeof(c->more));
	if (c->at.part == CHECK_IDENT && c->at.key == INT64_MIN)
		c->next.merged_id = tx->merged_id;
	if (part->sql != NULL)
		return check_chunk(tx, c, part, e);
	c->next.is_over = true;
	return part->whole(tx, c, e);
}

/* To the next part; false: that was the last. */
static bool
go_on(struct check *c)
{
	int next = (int)c->at.part + 1;

	if (next == CHECK_FILE && !c->is_full)
		next = CHECK_PARTS;
	c->at.part = (enum check_part)next;
	c->at.key = c->at.key2 = INT64_MIN;
	c->at.is_over = false;
	return next < CHECK_PARTS;
}

bool
check_next(struct check *c)
{
	struct check_found *f = &c->found[c->at.part];

	f->rows += c->more.rows;
	f->bad += c->more.bad;
	if (f->trouble[0] == '\0')
		memcpy(f->trouble, c->more.trouble, sizeof(f->trouble));
	c->at = c->next;
	return c->at.is_over ? go_on(c) : true;
}

bool
check_skip(struct check *c, const struct err *failed)
{
	struct check_found *f = &c->found[c->at.part];

	f->bad++;
	if (f->trouble[0] == '\0')
		memcpy(f->trouble, failed->text, sizeof(f->trouble));
	return go_on(c);
}

void
check_print(const struct check *c, struct buf *out)
{
	for (int i = 0; i < CHECK_PARTS; i++) {
		const struct check_found *f = &c->found[i];
		struct emit w;

		if (i == CHECK_FILE && !c->is_full)
			continue;
		emit_init(&w, out);
		emit_object_begin(&w);
		emit_key(&w, "part");
		emit_str(&w, check_part_name((enum check_part)i));
		emit_key(&w, "ok");
		emit_bool(&w, f->bad == 0);
		emit_key(&w, "rows");
		emit_u64(&w, f->rows);
		emit_key(&w, "bad");
		emit_u64(&w, f->bad);
		emit_key(&w, "text");
		emit_str(&w, f->trouble);
		emit_object_end(&w);
		(void)buf_add_char(out, '\n');
	}
}

bool
check_is_bad(const struct check *c)
{
	for (int i = 0; i < CHECK_PARTS; i++) {
		if (c->found[i].bad > 0)
			return true;
	}
	return false;
}
