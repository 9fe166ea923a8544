/*
 * store: the durable store: one SQLite database, one thread, a queue of jobs.
 *
 * Nothing is believed read, queued or sent until it is in here and on disk. A job is a function that runs on the store's
 * thread inside a transaction: it reads, decides, writes (cursor, memory, outbox, audit, quarantine, meta: their headers
 * take the struct store_tx that the job is given). Its completion is called on the loop's thread, by store_drain, after
 * the commit is on disk. Jobs that wait together share one transaction, a savepoint each, so an fsync is shared and never
 * stalls the loop; nobody waits to form a group.
 *
 * A job can run twice: when the whole transaction is lost (disk full, I/O error, COMMIT fails), its jobs run again one by
 * one. So a job starts by forgetting what an earlier run of itself left in its own structure. Job functions neither log
 * nor count and touch nothing but their job and the transaction; what they found out they leave in the job.
 *
 * This is the seam for a second engine: nobody outside this room sees SQL, a row or a file.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html, sqlite.org/lang_transaction.html
 */
#ifndef FD_STORE_STORE_H
#define FD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;
struct store_tx;

struct store_options {
	const char *path; /* the database file; its folder must exist and be writable */
	/*
	 * Nothing is written: jobs see their own changes and those of jobs before them, and all of it is forgotten at
	 * close (--dry-run). A file that does not exist is then an empty store. The file is still locked meanwhile.
	 */
	bool is_read_only;
	size_t cache_bytes; /* page cache; 0 = 8 MiB */
	int64_t reserve_bytes; /* free space kept on the disk: below it only what finishes is written; 0 = 16 MiB, -1 = none */
	int64_t max_page_count; /* for tests of a full disk; 0 = no limit */
	size_t hot_limit;  /* for tests: identities kept out of the big index at most; 0 = 32,768 */
	int64_t wal_bytes; /* write the log back past this; 0 = 8 MiB */
};

/*
 * Open, creating the file when there is none, bring the schema up to date, start the thread.
 *
 * Returns 0, or -1 with e, whose text says what to do:
 * ERR_LOCKED (another process has it; temporary), ERR_CORRUPT (not a database of ours, cut, damaged, empty),
 * ERR_SCHEMA (written by a newer version), ERR_IO (folder missing, permissions, disk full).
 * A damaged file is never replaced.
 */
int store_open(const struct store_options *o, struct store **ret, struct err *e);

/* Let all jobs finish, call their completions on this thread, write the log back into the file, close. NULL does nothing. */
void store_close(struct store *s);

/* Readable when completions wait: the loop watches it and calls store_drain. */
int store_fd(const struct store *s);
void store_drain(struct store *s);

/* Returns 0, or -1 with e: then nothing that it did is kept. May run twice. */
typedef int store_job_fn(struct store_tx *tx, void *job, struct err *e);
/* failed is NULL when the job is committed and on disk; else why it is not (ERR_STORE or ERR_FULL, temporary: try again later). */
typedef void store_done_fn(void *job, const struct err *failed);

/* Queue a job. done may be NULL; it is called exactly once, from store_drain or store_close, never from here. */
void store_run(struct store *s, store_job_fn *fn, store_done_fn *done, void *job);

/* Queue a job and wait for it on this thread; for boot and tools, not for the loop. 0, or -1 with e. */
int store_run_wait(struct store *s, store_job_fn *fn, void *job, struct err *e);

/* While held outbox_next gives nothing; at first it is not. */
void store_hold_sends(struct store *s, bool is_held);

/*
 * Copy the whole store into dest (an absolute path; never over a file) between the jobs, a step of some ms at a time. done is called
 * once, as a job's; it is of the moment in which it ends. One at a time: 0, or -1 with e (ERR_CONFIG: one is under way).
 */
int store_backup(struct store *s, const char *dest, store_done_fn *done, void *arg, struct err *e);
/* How far it is; 0 and 0 while none is under way. */
void store_backup_progress(struct store *s, int64_t *ret_done_bytes, int64_t *ret_all_bytes);

/* The same of a store that nobody holds, of whatever version, waiting for it. */
int store_backup_file(const char *path, const char *dest, struct err *e);

/* A snapshot for metrics, readiness and status. */
struct store_stats {
	size_t jobs_waiting;       /* queued or running */
	uint64_t jobs, groups;     /* jobs run, transactions committed */
	uint64_t commit_failures;  /* transactions lost and run again one by one */
	uint64_t jobs_failed;      /* jobs whose completion was told a failure */
	uint64_t rows_quarantined; /* rows whose checksum was wrong, since start */
	uint64_t reopened;         /* connections given up after an I/O error */
	uint64_t checkpoints;
	int64_t wal_bytes, file_bytes, free_bytes; /* free: inside the file */
	int64_t last_commit_us; /* how long the last COMMIT took, fsync included */
	bool is_corrupt;        /* SQLite found the file damaged: a restart would not help */
	bool is_io_failing;     /* and by the disk, not for want of space */
	bool is_failing;        /* the last group could not be committed */
	bool is_space_low; /* less than reserve_bytes are free on the disk: nothing new is taken */
	int schema_from, schema;      /* versions: of the file when it was opened, and now */
	char lost[ERR_TEXT_BYTES];    /* why the last of commit_failures was lost; "" = none was */
	char trouble[ERR_TEXT_BYTES]; /* why, while is_failing or is_space_low; else "" */
};
void store_get_stats(struct store *s, struct store_stats *ret);

/*
 * For a job: forget what is older than before_ms: audit rows finished, identities last seen, attempts, quarantine. One
 * chunk a call (some ms); *ret_more tells that another call would find more. Open notices, queued items and dead letters
 * younger than before_ms are kept. Also returns free pages to the disk, a bounded number a call.
 */
int store_prune(struct store_tx *tx, int64_t before_ms, bool *ret_more, struct err *e);

#endif
