/*
 * worker: the store's thread: it takes all that waits as one group, commits it, and tends the file in between.
 *
 *	begin -> job, job, ... (a savepoint each) -> commit -> completions
 *	   |            |                             |
 *	   +------------+-- the transaction is lost --+--> the same jobs again, each in a group of its own
 *
 * After an I/O error the connection is closed and opened again before anything else: what fsync failed to write may be
 * gone from the page cache, so going on with it would believe what is not on disk.
 */
#include "config.h"

#include "store/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "store/backup.h"
#include "store/wal.h"

enum {
	GROUP_MAX = 64,           /* jobs in one transaction */
	IDLE_MS = 20,             /* quiet for so long: write a larger log back */
	IDLE_WAL_BYTES = 1 << 20, /* what counts as larger */
	LONG_IDLE_MS = 1000,      /* quiet for so long: write back whatever there is */
};

static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	s->is_wal_stuck = false;
	return SQLITE_OK;
}

int
worker_open(struct store *s, struct err *e)
{
	int schema_from;

	if (engine_open(&s->options, &s->db, &schema_from, e) < 0)
		return -1;
	if (s->stats.schema_from == 0) /* before the thread starts */
		s->stats.schema_from = schema_from;
	tx_init(&s->tx, s->db, s->path, s->options.hot_limit);
	s->tx.is_read_only = s->options.is_read_only;
	s->tx.is_held = s->is_held_now;
	if (tx_load(&s->tx, e) < 0) {
		tx_done(&s->tx);
		engine_close(s->db, false);
		s->db = NULL;
		return -1;
	}
	(void)sqlite3_wal_hook(s->db, on_wal, s);
	s->wal_pages = 1; /* a crash may have left some */
	if (s->options.is_read_only)
		return 0;
	engine_reserve_log(s->path);
	s->reserved = 0;
	engine_reserve_file(s->db, s->path, &s->reserve_fd, &s->reserved);
	return 0;
}

/* It is over, however. */
static void
end_backup(struct store *s, const struct err *failed)
{
	uint64_t one = 1;

	backup_free(s->backup);
	s->backup = NULL;
	(void)pthread_mutex_lock(&s->lock);
	struct job *job = s->backup_job;
	job->is_failed = failed != NULL;
	if (failed != NULL)
		job->err = *failed;
	STAILQ_INSERT_TAIL(&s->finished, job, next);
	s->backup_job = NULL;
	mem_free(s->backup_dest);
	s->backup_dest = NULL;
	s->backup_done_bytes = s->backup_all_bytes = 0;
	s->waiting--;
	(void)pthread_cond_broadcast(&s->idle);
	(void)pthread_mutex_unlock(&s->lock);
	(void)!write(s->fd, &one, sizeof(one));
}

void
worker_close(struct store *s, bool is_clean)
{
	struct err e = { 0 };

	if (s->db == NULL)
		return;
	if (s->backup != NULL) {
		(void)err_temp(&e, ERR_STORE, "the store had to be opened again; try again");
		end_backup(s, &e);
	}
	if (s->options.is_read_only)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	else if (is_clean && !s->tx.is_io_broken)
		(void)tx_sweep(&s->tx, &e);
	/* No more in use: written back with the rest, or, where that fails, in the log that stays. */
	if (is_clean && s->tx.is_marked && !s->options.is_read_only)
		(void)sqlite3_exec(s->db, "DELETE FROM meta WHERE key = '" WAL_MARK_KEY "'", NULL,
		                   NULL, NULL);
	tx_done(&s->tx);
	engine_close(s->db, is_clean && !s->options.is_read_only);
	s->db = NULL;
	if (s->reserve_fd >= 0)
		(void)close(s->reserve_fd);
	s->reserve_fd = -1;
}

static int
ensure_open(struct store *s, struct err *e)
{
	if (s->db != NULL && !s->tx.is_io_broken)
		return 0;
	if (s->db != NULL) {
		uint64_t quarantined = s->tx.quarantined;
		worker_close(s, false);
		if (worker_open(s, e) < 0)
			return -1;
		s->tx.quarantined = quarantined;
		(void)pthread_mutex_lock(&s->lock);
		s->stats.reopened++;
		(void)pthread_mutex_unlock(&s->lock);
		return 0;
	}
	return worker_open(s, e);
}

/* 0: the job is decided (done or failed on its own). -1: the transaction is lost. */
static int
run_job(struct store *s, struct job *job, bool is_alone, struct err *e)
{
	if (tx_job_begin(&s->tx, is_alone, e) < 0)
		return -1;
	err_clear(&job->err);
	job->is_failed = job->fn(&s->tx, job->arg, &job->err) < 0;
	if (!job->is_failed && s->tx.rc != 0) {
		/* It overlooked an error: what it wrote may be half. */
		job->is_failed = true;
		(void)tx_fail_rc(s->tx.rc, "a step failed", s->path, &job->err);
	}
	(void)FAULT("store.job.after");
	return tx_job_end(&s->tx, is_alone, !job->is_failed, e);
}

/* 0: every job is decided and what succeeded is on disk. -1 with e: all is undone. */
static int
run_group(struct store *s, struct job **jobs, size_t count, struct err *e)
{
	bool is_alone = count == 1;

	if (ensure_open(s, e) < 0)
		return -1;
	/* What only reads goes well on a disk that cannot be written: while it fails each commit writes something. */
	s->tx.is_probing = s->stats.is_failing; /* this thread alone writes it */
	if (tx_group_begin(&s->tx, e) < 0)
		goto lost;
	for (size_t i = 0; i < count; i++) {
		if (run_job(s, jobs[i], is_alone, e) < 0)
			goto lost;
	}
	if (is_alone && jobs[0]->is_failed && !s->options.is_read_only) {
		*e = jobs[0]->err;
		tx_group_abort(&s->tx);
		return 0;
	}
	int64_t start_us = clock_real_mono_us();
	if (tx_group_commit(&s->tx, e) < 0)
		goto lost;
	s->commit_us = clock_real_mono_us() - start_us;
	s->has_committed = true;
	return 0;
lost:
	tx_group_abort(&s->tx);
	return -1;
}

static void
run_one_by_one(struct store *s, struct job **jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err e = { 0 };
		if (run_group(s, &jobs[i], 1, &e) < 0) {
			jobs[i]->is_failed = true;
			jobs[i]->err = e;
		}
	}
}

static void
finish(struct store *s, struct job **jobs, size_t count, bool is_lost, const struct err *why)
{
	bool is_failing = false;
	uint64_t one = 1;

	(void)pthread_mutex_lock(&s->lock);
	s->stats.groups++;
	s->stats.commit_failures += is_lost;
	if (is_lost)
		memcpy(s->stats.lost, why->text, sizeof(s->stats.lost));
	s->stats.last_commit_us = s->commit_us;
	s->stats.rows_quarantined = s->db ? s->tx.quarantined : s->stats.rows_quarantined;
	for (size_t i = 0; i < count; i++) {
		struct job *job = jobs[i];
		s->stats.jobs++;
		s->stats.jobs_failed += job->is_failed;
		if (job->is_failed &&
		    (job->err.kind == ERR_STORE || job->err.kind == ERR_FULL ||
		     job->err.kind == ERR_CORRUPT || job->err.kind == ERR_LOCKED)) {
			is_failing = true;
			why = &job->err;
			/* Could not be opened again. */
			s->stats.is_corrupt |= s->db == NULL && why->kind == ERR_CORRUPT;
		}
		job->is_finished = true;
		if (!job->is_waited)
			STAILQ_INSERT_TAIL(&s->finished, job, next);
	}
	s->waiting -= count;
	/* A job that failed for a reason of its own says nothing of the disk. */
	is_failing |= s->stats.is_failing && !s->has_committed;
	s->has_committed = false;
	s->stats.is_failing = is_failing;
	/* A full disk is waited out, however long: it is not one that fails. */
	s->stats.is_io_failing =
		is_failing && why->kind != ERR_FULL && (s->db == NULL || s->tx.is_io_broken);
	s->stats.is_corrupt |= s->db != NULL && s->tx.is_corrupt;
	if (is_failing && why->kind != ERR_NONE)
		memcpy(s->stats.trouble, why->text, sizeof(s->stats.trouble));
	else if (!s->stats.is_space_low)
		s->stats.trouble[0] = '\0';
	(void)pthread_cond_broadcast(&s->idle);
	(void)pthread_mutex_unlock(&s->lock);
	(void)!write(s->fd, &one, sizeof(one));
}

static void
look_at_space(struct store *s)
{
	int64_t room = s->options.reserve_bytes > 0 ? engine_free_space(s->path) : -1;
	bool is_low = room >= 0 && room < s->options.reserve_bytes;

	s->tx.is_space_low = is_low;
	if (is_low == s->stats.is_space_low)
		return; /* only this thread writes it */
	s->is_room_wanted = is_low;
	(void)pthread_mutex_lock(&s->lock);
	s->stats.is_space_low = is_low;
	if (is_low)
		(void)snprintf(
			s->stats.trouble, sizeof(s->stats.trouble),
			"%s: the disk is almost full; nothing new is taken until there is room: free "
			"some space",
			s->path);
	else
		s->stats.trouble[0] = '\0';
	(void)pthread_mutex_unlock(&s->lock);
}

static void
checkpoint(struct store *s)
{
	int rc = engine_checkpoint(s->db);

	(void)pthread_mutex_lock(&s->lock);
	s->stats.checkpoints++;
	s->stats.free_bytes = engine_free_inside(s->db);
	(void)pthread_mutex_unlock(&s->lock);
	s->is_wal_stuck = rc != SQLITE_OK;
	s->is_room_wanted = false;
	if (rc == SQLITE_OK)
		s->wal_pages = 0;
	if (tx_is_io_error(rc))
		s->tx.is_io_broken = true; /* ensure_open takes the connection down */
}

/* Housekeeping between groups: what would stall a commit if it were left to grow. */
static void
tend(struct store *s, int quiet_ms)
{
	int64_t wal_bytes = (int64_t)s->wal_pages * ENGINE_PAGE_BYTES;
	struct err e = { 0 };

	if (s->db == NULL || s->options.is_read_only)
		return;
	if ((s->tx.hot.count >= s->tx.hot.limit || FAULT("store.merge.now")) && !s->tx.is_io_broken)
		(void)tx_merge_hot(
			&s->tx,
			&e); /* a failure shows in the next group; the index holds twice the limit */
	if (quiet_ms >= LONG_IDLE_MS && !s->tx.is_io_broken)
		(void)tx_sweep(&s->tx, &e); /* the list stands where it stood if it fails */
	engine_reserve_file(s->db, s->path, &s->reserve_fd, &s->reserved);
	if (s->is_wal_stuck || s->wal_pages == 0)
		return;
	if (s->is_room_wanted || wal_bytes > s->options.wal_bytes ||
	    (quiet_ms >= IDLE_MS && wal_bytes > IDLE_WAL_BYTES) || quiet_ms >= LONG_IDLE_MS)
		checkpoint(s);
}

/* One step of the backup that is wanted or under way. False: there is none. */
static bool
backup_turn(struct store *s)
{
	struct err e = { 0 };
	int rc = 1;

	(void)pthread_mutex_lock(&s->lock);
	const char *dest = s->backup_job != NULL ? s->backup_dest : NULL; /* ours until its end */
	bool is_cancelled = s->is_backup_cancelled;
	(void)pthread_mutex_unlock(&s->lock);
	if (dest == NULL)
		return false;
	if (is_cancelled)
		rc = err_temp(&e, ERR_CANCELLED, "findingsd is stopping");
	else if (s->backup != NULL)
		rc = backup_step(s->backup, &e);
	else if (ensure_open(s, &e) < 0 ||
	         backup_start(s->db, s->path, dest, s->options.reserve_bytes, &s->backup, &e) < 0)
		rc = -1;
	if (rc <= 0) {
		end_backup(s, rc < 0 ? &e : NULL);
		return false;
	}
	(void)pthread_mutex_lock(&s->lock);
	backup_get_progress(s->backup, &s->backup_done_bytes, &s->backup_all_bytes);
	(void)pthread_mutex_unlock(&s->lock);
	return true;
}

/* Wait for work, tending the file when it is quiet. Under the lock. */
static void
wait_for_work(struct store *s)
{
	int quiet_ms = 0;

	while (STAILQ_EMPTY(&s->queue) && !s->is_stopping) {
		int wait_ms = quiet_ms == 0 ? IDLE_MS : LONG_IDLE_MS;
		struct timespec until;
		if (s->backup_job != NULL) {
			(void)pthread_mutex_unlock(&s->lock);
			(void)backup_turn(s);
			tend(s, 0);
			(void)pthread_mutex_lock(&s->lock);
			continue;
		}
		if (quiet_ms >= LONG_IDLE_MS) {
			(void)pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)wait_ms % 1000 * 1000000;
		until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&s->work, &s->lock, &until) != ETIMEDOUT)
			continue;
		quiet_ms = quiet_ms == 0 ? IDLE_MS : LONG_IDLE_MS;
		(void)pthread_mutex_unlock(&s->lock);
		tend(s, quiet_ms);
		(void)pthread_mutex_lock(&s->lock);
	}
}

static size_t
take_group(struct store *s, struct job *jobs[GROUP_MAX])
{
	size_t count = 0;

	(void)pthread_mutex_lock(&s->lock);
	wait_for_work(s);
	while (count < GROUP_MAX && !STAILQ_EMPTY(&s->queue)) {
		jobs[count++] = STAILQ_FIRST(&s->queue);
		STAILQ_REMOVE_HEAD(&s->queue, next);
	}
	s->is_held_now = s->is_held;
	(void)pthread_mutex_unlock(&s->lock);
	s->tx.is_held = s->is_held_now;
	return count;
}

void *
worker_main(void *arg)
{
	struct store *s = arg;
	struct job *jobs[GROUP_MAX];
	size_t count;

	while ((count = take_group(s, jobs)) > 0) {
		struct err e = { 0 };
		look_at_space(s);
		bool is_lost = run_group(s, jobs, count, &e) < 0;
		if (is_lost) {
			/* On a full disk the log, once written back, can be written over. */
			s->is_room_wanted = true;
			tend(s, 0);
			run_one_by_one(s, jobs, count);
		}
		finish(s, jobs, count, is_lost, &e);
		tend(s, 0);
		(void)backup_turn(s);
	}
	return NULL;
}
