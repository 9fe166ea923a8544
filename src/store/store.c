/*
 * store: the loop's side: the queue and its completions. See store.h; the thread is in worker.c.
 *
 * The queue is the only thing shared: jobs go in under the lock, finished ones come out of a second list under the same lock,
 * and an eventfd wakes the loop.
 */
#include "config.h"

#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/backup.h"
#include "store/schema.h"
#include "store/worker.h"

enum {
	HOT_LIMIT = 32768, /* identities kept out of the big index */
	RESERVE_BYTES = 16 << 20,
};

static void
free_store(struct store *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	(void)pthread_cond_destroy(&s->work);
	(void)pthread_cond_destroy(&s->idle);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s->wal_path);
	mem_free(s->path);
	mem_free(s);
}

static struct store *
new_store(const struct store_options *o)
{
	struct store *s = mem_zalloc(sizeof(*s));
	pthread_condattr_t attr;

	s->options = *o;
	s->options.path = s->path = mem_strdup(o->path);
	s->wal_path = mem_printf("%s-wal", o->path);
	if (s->options.hot_limit == 0)
		s->options.hot_limit = HOT_LIMIT;
	if (s->options.wal_bytes == 0)
		s->options.wal_bytes = ENGINE_WAL_BYTES;
	if (s->options.reserve_bytes == 0)
		s->options.reserve_bytes = RESERVE_BYTES;
	STAILQ_INIT(&s->queue);
	STAILQ_INIT(&s->finished);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->work, &attr);
	(void)pthread_cond_init(&s->idle, &attr);
	(void)pthread_condattr_destroy(&attr);
	s->fd = s->reserve_fd = -1;
	return s;
}

int
store_open(const struct store_options *o, struct store **ret, struct err *e)
{
	struct store *s = new_store(o);

	/* Its statistics take a lock at every allocation. Refused when SQLite is already running: no matter. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd < 0) {
		(void)err_set(e, ERR_IO, "eventfd: %s", strerror(errno));
		goto fail;
	}
	if (worker_open(s, e) < 0)
		goto fail;
	if (pthread_create(&s->thread, NULL, worker_main, s) != 0) {
		(void)err_set(e, ERR_LIMIT,
		              "the store's thread cannot be started: out of threads or memory");
		worker_close(s, false);
		goto fail;
	}
	(void)pthread_setname_np(s->thread, "findingsd-store");
	*ret = s;
	return 0;
fail:
	free_store(s);
	return -1;
}

void
store_close(struct store *s)
{
	bool is_more = true;

	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->is_backup_cancelled = true;
	(void)pthread_cond_signal(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
	while (is_more) { /* completions may queue more */
		(void)pthread_mutex_lock(&s->lock);
		while (s->waiting > 0)
			(void)pthread_cond_wait(&s->idle, &s->lock);
		is_more = !STAILQ_EMPTY(&s->finished);
		(void)pthread_mutex_unlock(&s->lock);
		store_drain(s);
	}
	(void)pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	(void)pthread_cond_signal(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	(void)FAULT("store.close");
	worker_close(s, true);
	free_store(s);
}

int
store_fd(const struct store *s)
{
	return s->fd;
}

static void
push(struct store *s, struct job *job)
{
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->queue, job, next);
	s->waiting++;
	(void)pthread_cond_signal(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
}

void
store_run(struct store *s, store_job_fn *fn, store_done_fn *done, void *arg)
{
	struct job *job = mem_zalloc(sizeof(*job));

	job->fn = fn;
	job->done = done;
	job->arg = arg;
	push(s, job);
}

int
store_run_wait(struct store *s, store_job_fn *fn, void *arg, struct err *e)
{
	struct job job = { .fn = fn, .arg = arg, .is_waited = true };

	push(s, &job);
	(void)pthread_mutex_lock(&s->lock);
	while (!job.is_finished)
		(void)pthread_cond_wait(&s->idle, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	if (job.is_failed)
		*e = job.err;
	return job.is_failed ? -1 : 0;
}

void
store_drain(struct store *s)
{
	struct job_list list = STAILQ_HEAD_INITIALIZER(list);
	uint64_t count;

	(void)!read(s->fd, &count, sizeof(count));
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&list, &s->finished);
	(void)pthread_mutex_unlock(&s->lock);
	while (!STAILQ_EMPTY(&list)) {
		struct job *job = STAILQ_FIRST(&list);
		STAILQ_REMOVE_HEAD(&list, next);
		if (job->done != NULL)
			job->done(job->arg, job->is_failed ? &job->err : NULL);
		mem_free(job);
	}
}

static int64_t
file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (int64_t)st.st_size;
}

int
store_backup(struct store *s, const char *dest, store_done_fn *done, void *arg, struct err *e)
{
	struct job *job = mem_zalloc(sizeof(*job));

	job->done = done;
	job->arg = arg;
	(void)pthread_mutex_lock(&s->lock);
	bool is_busy = s->backup_job != NULL;
	if (!is_busy) {
		s->backup_job = job;
		s->backup_dest = mem_strdup(dest);
		s->waiting++;
		(void)pthread_cond_signal(&s->work);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (!is_busy)
		return 0;
	mem_free(job);
	return err_set(e, ERR_CONFIG, "a backup is under way; wait for its end");
}

void
store_backup_progress(struct store *s, int64_t *ret_done_bytes, int64_t *ret_all_bytes)
{
	(void)pthread_mutex_lock(&s->lock);
	*ret_done_bytes = s->backup_done_bytes;
	*ret_all_bytes = s->backup_all_bytes;
	(void)pthread_mutex_unlock(&s->lock);
}

int
store_backup_file(const char *path, const char *dest, struct err *e)
{
	struct backup *b = NULL;
	sqlite3 *db = NULL;
	int rc = engine_open_raw(path, &db, e);

	if (rc == 0)
		rc = backup_start(db, path, dest, 0, &b, e);
	while (rc >= 0 && b != NULL && (rc = backup_step(b, e)) > 0)
		;
	backup_free(b);
	engine_close(db, false);
	return rc;
}

void
store_hold_sends(struct store *s, bool is_held)
{
	(void)pthread_mutex_lock(&s->lock);
	s->is_held = is_held;
	(void)pthread_mutex_unlock(&s->lock);
}

void
store_get_stats(struct store *s, struct store_stats *ret)
{
	(void)pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	ret->schema = schema_version();
	ret->jobs_waiting = s->waiting;
	(void)pthread_mutex_unlock(&s->lock);
	ret->file_bytes = file_size(s->path);
	ret->wal_bytes = file_size(s->wal_path);
}
