/*
 * audit_read: the audit as JSON lines, in chunks. See audit_read.h.
 *
 * A search looks at what notices were about, newest first, to the end: there is no index of findings' ids, whose upkeep would cost each
 * notice a random write, and a part of an id would not find its way through one. A million records take about a second.
 */
#include "config.h"

#include "store/audit_read.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "store/audit_print.h"
#include "store/memory.h"
#include "store/row.h"
#include "json/scan.h"

enum {
	VISIT_MAX = 2000, /* rows a chunk looks at: some ms */
	KEPT_MAX = OUTBOX_FIRST_ATTEMPTS + OUTBOX_LAST_ATTEMPTS,
};

static const char sql_search[] =
	"SELECT id, memory, subject, thread, message FROM outbox WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
static const char sql_identity[] = "SELECT identity FROM memory WHERE id = ?1";
/* Findings that joined an alert for several in silence have no notice of their own: see member.h. */
static const char sql_has_own[] =
	"SELECT 1 FROM outbox INDEXED BY outbox_memory WHERE memory = ?1 LIMIT 1";
static const char sql_alert_of[] = "SELECT grp FROM member WHERE memory = ?1 LIMIT 1";
static const char sql_alert_named[] =
	"SELECT DISTINCT m.grp FROM member m JOIN watch w ON w.memory = m.memory"
	" WHERE instr(w.finding, ?1) > 0 LIMIT 2";
static const char sql_all[] =
	"SELECT " ROW_COLUMNS " FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char sql_one[] = "SELECT " ROW_COLUMNS " FROM outbox INDEXED BY outbox_memory"
			      " WHERE memory = ?3 AND id > ?1 ORDER BY id LIMIT ?2";

void
audit_read_start(struct audit_reader *r)
{
	buf_init(&r->out, 0);
	buf_init(&r->plain, 0);
	r->at.memory_id = r->memory_id;
	r->at.after_id = r->after_id;
	r->at.search_id = INT64_MAX;
	r->at.is_found = r->memory_id != 0 || r->finding == NULL;
	r->attempts = mem_calloc(KEPT_MAX, sizeof(r->attempts[0]));
}

void
audit_read_done(struct audit_reader *r)
{
	buf_done(&r->out);
	buf_done(&r->plain);
	mem_free(r->attempts);
	r->attempts = NULL;
}

bool
audit_read_next(struct audit_reader *r)
{
	r->at = r->next;
	return !r->at.is_over;
}

static int
not_found(const struct audit_reader *r, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
	               "no notice was made of a finding '%.100s' (or the record is older than "
	               "'retention'); findingsctl recent lists the last ones",
	               r->finding);
}

static int
ambiguous(const struct audit_reader *r, const struct audit_place *p, struct err *e)
{
	char list[ERR_TEXT_BYTES] = "";
	size_t at = 0;

	for (unsigned i = 0; i < p->candidates && i < AUDIT_CANDIDATES; i++) {
		int n = snprintf(list + at, sizeof(list) - at, "%s%.90s", i ? ", " : "",
		                 r->candidates[i]);
		if (n < 0 || (size_t)n >= sizeof(list) - at)
			break;
		at += (size_t)n;
	}
	return err_set(e, ERR_CONFIG, "'%.60s' fits %s%u findings; give more of it: %s%s",
	               r->finding, p->candidates > AUDIT_CANDIDATES ? "over " : "",
	               p->candidates > AUDIT_CANDIDATES ? AUDIT_CANDIDATES : p->candidates, list,
	               p->candidates > AUDIT_CANDIDATES ? ", ..." : "");
}

static void
add_candidate(struct audit_reader *r, struct audit_place *p, int64_t memory, struct span id)
{
	for (unsigned i = 0; i < p->candidates && i < AUDIT_CANDIDATES; i++) {
		if (p->candidate_ids[i] == memory)
			return;
	}
	if (p->candidates < AUDIT_CANDIDATES) {
		p->candidate_ids[p->candidates] = memory;
		(void)snprintf(r->candidates[p->candidates], AUDIT_CANDIDATE_BYTES, "%.*s",
		               SPAN_FMT(id));
	}
	if (p->candidates <= AUDIT_CANDIDATES)
		p->candidates++;
}

/* Does the row fit? *ret_is_exact: by its whole id or key, not by a part. */
static bool
fits(struct audit_reader *r, sqlite3_stmt *st, struct span *ret_id, bool *ret_is_exact)
{
	struct span needle = span_of(r->finding), id = tx_column(st, 2);
	const char *end = id.len ? memchr(id.p, '\n', id.len) : NULL;

	id.len = end ? (size_t)(end - id.p) : id.len;
	if (id.len > 0 && memchr(id.p, '\\', id.len) != NULL) {
		buf_clear(&r->plain);
		(void)scan_unescape(id, &r->plain);
		id = (struct span){ r->plain.data, r->plain.len };
	}
	*ret_id = id;
	*ret_is_exact = span_eq(id, needle) || span_eq(tx_column(st, 3), needle) ||
	                span_eq(tx_column(st, 4), needle);
	return *ret_is_exact || (id.len > 0 && memmem(id.p, id.len, needle.p, needle.len) != NULL);
}

/* The alert that a finding, of which nothing was told itself, is open in: 1 found, 0 none (or it fits several), -1. */
static int
find_alert(struct store_tx *tx, const char *finding, int64_t *ret_memory, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_alert_named, e);
	int64_t alert = 0;
	int count = 0, rc;

	if (st == NULL)
		return -1;
	tx_bind_text(st, 1, span_of(finding));
	while ((rc = tx_step(tx, st, e)) > 0 && ++count < 2)
		alert = sqlite3_column_int64(st, 0);
	tx_reset(st);
	if (rc < 0)
		return -1;
	if (count == 1)
		*ret_memory = alert;
	return count == 1;
}

static int
first_number(struct store_tx *tx, const char *sql, int64_t id, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql, e);

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, id);
	int rc = tx_step(tx, st, e);
	if (rc > 0) {
		*ret = sqlite3_column_int64(st, 0);
		tx_reset(st);
	}
	return rc;
}

static int
search(struct store_tx *tx, struct audit_reader *r, struct audit_place *p, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, sql_search, e);
	int visited = 0, rc;
	struct span id;
	bool is_exact;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, p->search_id);
	tx_bind_i64(st, 2, VISIT_MAX);
	while ((rc = tx_step(tx, st, e)) > 0) {
		int64_t memory = sqlite3_column_int64(st, 1);
		visited++;
		p->search_id = sqlite3_column_int64(st, 0);
		if (memory == 0 || !fits(r, st, &id, &is_exact) || (p->is_exact && !is_exact))
			continue;
		if (is_exact && !p->is_exact)
			p->candidates = 0; /* what fits whole wins over what fits in part */
		p->is_exact |= is_exact;
		add_candidate(r, p, memory, id);
	}
	if (rc < 0 || visited == VISIT_MAX)
		return rc;
	if (p->candidates == 0 && (rc = find_alert(tx, r->finding, &p->memory_id, e)) != 0) {
		p->is_found = rc > 0;
		return rc < 0 ? -1 : 0;
	}
	if (p->candidates == 0)
		return not_found(r, e);
	if (p->candidates > 1)
		return ambiguous(r, p, e);
	p->memory_id = p->candidate_ids[0];
	p->is_found = true;
	return 0;
}

/* By identity there is an index. */
static int
look_up(struct store_tx *tx, struct audit_reader *r, struct audit_place *p,
        const unsigned char identity[MEMORY_IDENTITY_BYTES], struct err *e)
{
	struct span state;
	int64_t ignored;
	int rc = memory_get(tx, identity, &p->memory_id, &state, NULL, e);

	if (rc == 0)
		return not_found(r, e);
	p->is_found = true;
	if (rc > 0 && (rc = first_number(tx, sql_has_own, p->memory_id, &ignored, e)) == 0)
		rc = first_number(tx, sql_alert_of, p->memory_id, &p->memory_id, e);
	return rc < 0 ? -1 : 0;
}

static bool
parse_identity(const char *text, unsigned char ret[MEMORY_IDENTITY_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != (size_t)2 * MEMORY_IDENTITY_BYTES)
		return false;
	for (size_t i = 0; text[i] != '\0'; i++) {
		const char *digit = strchr(digits, text[i]);
		if (digit == NULL)
			return false;
		unsigned value = (unsigned)(digit - digits);
		ret[i / 2] = (unsigned char)(i % 2 ? ret[i / 2] | value : value << 4);
	}
	return true;
}

static int
print_record(struct store_tx *tx, struct audit_reader *r, const struct outbox_item *item,
             struct err *e)
{
	struct audit_record record = { .item = item, .attempts = r->attempts };
	sqlite3_stmt *st = tx_stmt(tx, sql_identity, e);

	if (st == NULL)
		return -1;
	/* The usual record, one attempt that went well, has no rows beside it. */
	if ((item->attempts > 1 || (item->attempts == 1 && item->finished_ms == 0)) &&
	    audit_attempts(tx, item->id, r->attempts, KEPT_MAX, &record.attempt_count, e) < 0)
		return -1;
	tx_bind_i64(st, 1, item->memory_id);
	int rc = item->memory_id ? tx_step(tx, st, e) : 0;
	if (rc < 0)
		return -1;
	if (rc > 0)
		record.identity = tx_column(st, 0);
	(r->is_per_try ? audit_print_tries : audit_print)(&record, &r->out);
	tx_reset(st);
	return 0;
}

static bool
is_wanted(const struct audit_reader *r, const struct outbox_item *item)
{
	return item->finished_ms == 0 || item->created_ms >= r->since_ms ||
	       item->finished_ms >= r->since_ms;
}

/* 0 on; 1 the page is full; -1 with e. */
static int
take_row(struct store_tx *tx, struct audit_reader *r, struct audit_place *p, sqlite3_stmt *st,
         struct err *e)
{
	enum row_fault fault = ROW_SOUND;
	struct outbox_item *item = row_read(tx, st, false, &fault, e);
	int rc = 0;

	p->after_id = sqlite3_column_int64(st, 0);
	if (item == NULL && fault == ROW_SOUND)
		return -1;
	if (item == NULL) {
		p->damaged++;
		return 0;
	}
	if (is_wanted(r, item)) {
		rc = print_record(tx, r, item, e);
		p->records++;
	}
	outbox_item_free(item);
	return rc < 0 ? -1 : p->records >= AUDIT_PAGE_MAX || r->out.len >= AUDIT_PAGE_BYTES;
}

static int
list(struct store_tx *tx, struct audit_reader *r, struct audit_place *p, struct err *e)
{
	sqlite3_stmt *st = tx_stmt(tx, p->memory_id ? sql_one : sql_all, e);
	int visited = 0, rc, taken = 0;

	if (st == NULL)
		return -1;
	tx_bind_i64(st, 1, p->after_id);
	tx_bind_i64(st, 2, VISIT_MAX);
	if (p->memory_id)
		tx_bind_i64(st, 3, p->memory_id);
	while (taken == 0 && (rc = tx_step(tx, st, e)) > 0) {
		visited++;
		taken = take_row(tx, r, p, st, e);
	}
	tx_reset(st);
	if (taken < 0 || (taken == 0 && rc < 0))
		return -1;
	p->is_last = taken == 0 && visited < VISIT_MAX;
	p->is_over = taken > 0 || p->is_last;
	p->out_bytes = r->out.len;
	return r->out.is_full ? err_set(e, ERR_LIMIT, "a page of the audit is too long") : 0;
}

int
audit_read_run(struct store_tx *tx, void *reader, struct err *e)
{
	struct audit_reader *r = reader;
	unsigned char identity[MEMORY_IDENTITY_BYTES];

	r->next = r->at;
	buf_truncate(&r->out, r->at.out_bytes);
	if (r->next.is_found)
		return list(tx, r, &r->next, e);
	if (parse_identity(r->finding, identity))
		return look_up(tx, r, &r->next, identity, e);
	return search(tx, r, &r->next, e);
}
