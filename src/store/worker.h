/*
 * worker: the store's thread and what it shares with the loop's side of the store. Private to this room.
 */
#ifndef FD_STORE_WORKER_H
#define FD_STORE_WORKER_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/engine.h"
#include "store/store.h"
#include "store/tx.h"

struct job {
	STAILQ_ENTRY(job) next;
	store_job_fn *fn;
	store_done_fn *done;
	void *arg;
	bool is_failed, is_waited, is_finished; /* waited: by store_run_wait, who owns it */
	struct err err;
};
STAILQ_HEAD(job_list, job);

struct store {
	struct store_options options; /* path is ours */
	char *path, *wal_path;
	int fd;
	pthread_t thread;

	pthread_mutex_t lock; /* guards the block below */
	pthread_cond_t work, idle;
	struct job_list queue, finished;
	size_t waiting; /* queued or running */
	bool is_stopping, is_held;
	struct store_stats stats;
	struct job *backup_job; /* NULL: none is wanted or under way */
	char *backup_dest;
	int64_t backup_done_bytes, backup_all_bytes;
	bool is_backup_cancelled;

	/* The thread's own. */
	sqlite3 *db; /* NULL: given up, to be opened again */
	struct store_tx tx;
	int wal_pages;
	int64_t commit_us;
	int reserve_fd; /* of the file; see engine_reserve_file */
	int64_t reserved;
	bool is_room_wanted; /* space ran low: what the log holds is to go into the file while that can grow */
	struct backup *backup;
	bool has_committed; /* in this round of jobs */
	bool is_held_now;   /* is_held, as of this group */
	bool is_wal_stuck;  /* the last checkpoint failed: try again only after another commit */
};

/* Open the database and read what is kept in memory. */
int worker_open(struct store *s, struct err *e);

/* is_clean: write the log back first. */
void worker_close(struct store *s, bool is_clean);

/* The thread: until is_stopping and the queue is empty. */
void *worker_main(void *store);

#endif
