/*
 * tx: what the tables of the store share: one connection, its prepared statements, its errors, and the numbers and
 * look-up structures that must go back when a job's changes do. Private to this room.
 *
 * Life of a group: tx_group_begin, then for each job tx_job_begin, the job, tx_job_end; then tx_group_commit or
 * tx_group_abort. What the tables keep in memory (sinks and their numbers, the hot index) follows the savepoints.
 */
#ifndef FD_STORE_TX_H
#define FD_STORE_TX_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/doom.h"
#include "store/hot.h"
#include "store/outbox.h"

enum {
	TX_STATEMENTS = 256,   /* slots for prepared statements, a power of two */
	TX_SINK_NAME_MAX = 64, /* bytes */
	TX_SINKS_MAX = 4096,   /* names ever used: configuration bounds them */
};

/* One sink's numbers. Changes are kept apart until they are on disk. */
struct tx_sink {
	int64_t id;
	char name[TX_SINK_NAME_MAX + 1];
	int64_t count[OUTBOX_STATE_COUNT]; /* committed */
	int64_t group[OUTBOX_STATE_COUNT]; /* change by finished jobs of this group */
	int64_t job[OUTBOX_STATE_COUNT];   /* change by the running job */
	bool is_new;                       /* its row was made in this group */
};

/* As the running job sees it. */
static inline int64_t
tx_sink_number(const struct tx_sink *sink, enum outbox_state state)
{
	return sink->count[state] + sink->group[state] + sink->job[state];
}

struct store_tx {
	sqlite3 *db;
	struct {
		const char *sql; /* the literal's address is the key */
		sqlite3_stmt *stmt;
	} stmts[TX_STATEMENTS];
	int rc;            /* the first error of SQLite in the running job, 0 = none */
	bool is_io_broken; /* the file system failed: nothing that this connection believes can be trusted */
	bool is_read_only; /* nothing is ever committed */
	bool is_space_low; /* refuse what grows */
	bool is_held;      /* nothing is to be sent */
	bool is_probing; /* the store is failing: only a commit that writes tells that it no longer is */
	bool is_marked;  /* the store says that it is in use (wal.h) */
	bool is_corrupt; /* SQLite found the file damaged */
	char path[512];  /* for messages */
	struct tx_sink *sinks;
	size_t sink_count, sink_cap;
	size_t sink_mark_job, sink_mark_group; /* counts to go back to */
	struct hot hot;
	size_t hot_mark_job, hot_mark_group;
	struct doom doom;
	int64_t next_memory_id, next_event_id; /* event: 0 = not read yet */
	int64_t merged_id; /* identities up to this memory id are in the big index */
	int64_t memory_count, memory_group, memory_job; /* rows: committed, changes */
	int64_t origin_id;                              /* of origin_key, 0 = none cached */
	struct buf origin_key;
	struct buf state;                         /* what memory_get lent */
	unsigned char identity[32];               /* whose it is */
	struct buf scratch;                       /* for the length of one call */
	uint64_t quarantined;                     /* rows with a wrong checksum, since start */
	int64_t prune_outbox_id, prune_memory_id; /* where pruning goes on */
};

/* A statement ready to bind, or NULL with e. sql must be a static array or literal: its address is the cache key. */
sqlite3_stmt *tx_stmt(struct store_tx *tx, const char *sql, struct err *e);

/* Step: 1 a row, 0 done (the statement is reset), -1 with e (reset too). */
int tx_step(struct store_tx *tx, sqlite3_stmt *st, struct err *e);
/* Step to the end, ignoring rows. 0, or -1 with e. */
int tx_exec(struct store_tx *tx, sqlite3_stmt *st, struct err *e);
/* Run plain SQL. */
int tx_sql(struct store_tx *tx, const char *sql, struct err *e);
/* After the rows that were wanted. */
void tx_reset(sqlite3_stmt *st);

void tx_bind_i64(sqlite3_stmt *st, int i, int64_t v);
/* Borrowed until the statement is reset. An empty span binds an empty text or blob, never NULL. */
void tx_bind_text(sqlite3_stmt *st, int i, struct span v);
void tx_bind_blob(sqlite3_stmt *st, int i, struct span v);
/* Borrowed until the next step. */
struct span tx_column(sqlite3_stmt *st, int i);

bool tx_is_io_error(int rc);

/* Fill e from the connection's last error and remember it. Returns -1. */
int tx_fail(struct store_tx *tx, struct err *e);
/* The same for a result code, when there is no connection or its message does not fit. */
int tx_fail_rc(int rc, const char *detail, const char *path, struct err *e);

/* -1 with e while the disk is almost full: asked before what grows. */
int tx_check_space(const struct store_tx *tx, struct err *e);

void tx_init(struct store_tx *tx, sqlite3 *db, const char *path, size_t hot_limit);
/* Read the sinks alone: for those who look at rows without writing. */
int tx_load_sinks(struct store_tx *tx, struct err *e);
/* Read what is kept in memory (sinks, hot index) from the database. */
int tx_load(struct store_tx *tx, struct err *e);
/* Finalize the statements, free; does not close db. */
void tx_done(struct store_tx *tx);

/* is_alone: the only job of its group, which needs no savepoint. */
int tx_group_begin(struct store_tx *tx, struct err *e);
int tx_job_begin(struct store_tx *tx, bool is_alone, struct err *e);
/* is_ok false: take back what the job did. -1: the savepoint itself failed, the group is lost. */
int tx_job_end(struct store_tx *tx, bool is_alone, bool is_ok, struct err *e);
int tx_group_commit(struct store_tx *tx, struct err *e);
void tx_group_abort(struct store_tx *tx);

/* The sink of that name, made when there is none. NULL with e. Pointers live until the next call. */
struct tx_sink *tx_sink(struct store_tx *tx, const char *name, struct err *e);
struct tx_sink *tx_sink_find(struct store_tx *tx, const char *name);
struct tx_sink *tx_sink_by_id(struct store_tx *tx, int64_t id);

/* Move identities from the hot index into the big one, in a transaction of its own. */
int tx_merge_hot(struct store_tx *tx, struct err *e);

/* Delete the doomed events, in a transaction of its own. */
int tx_sweep(struct store_tx *tx, struct err *e);

/* 64-bit checksum of stored bytes; seed chains several. Not cryptographic: it finds flipped bits. */
uint64_t tx_sum(uint64_t seed, const void *p, size_t len);

#endif
