/*
 * scratch: a folder of its own for each test of the store, and short ways to write jobs.
 */
#ifndef FD_TESTS_SCRATCH_H
#define FD_TESTS_SCRATCH_H

#include "unit.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/memory.h"
#include "store/outbox.h"
#include "store/store.h"

struct scratch {
	char folder[64];
	char path[96];
	struct store *store;
};

static inline int
scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void
scratch_init(struct scratch *s)
{
	memset(s, 0, sizeof(*s));
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/findingsd-store-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/findingsd.db", s->folder);
}

static inline void
scratch_done(struct scratch *s)
{
	store_close(s->store);
	(void)nftw(s->folder, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void
scratch_open(struct scratch *s)
{
	struct store_options o = { .path = s->path, .reserve_bytes = -1 };
	struct err e = { 0 };

	if (store_open(&o, &s->store, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void
scratch_reopen(struct scratch *s)
{
	store_close(s->store);
	s->store = NULL;
	scratch_open(s);
}

/* Run a job that must succeed. */
static inline void
scratch_run(struct scratch *s, store_job_fn *fn, void *job)
{
	struct err e = { 0 };

	if (store_run_wait(s->store, fn, job, &e) < 0)
		fail_msg("%s", e.text);
}

/* Waits while others queue behind it, so that they form one group. */
struct scratch_gate {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_entered, is_open;
};

static inline int
scratch_wait_at_gate(struct store_tx *tx, void *arg, struct err *e)
{
	struct scratch_gate *g = arg;

	(void)tx;
	(void)e;
	pthread_mutex_lock(&g->lock);
	g->is_entered = true;
	pthread_cond_broadcast(&g->cond);
	while (!g->is_open)
		pthread_cond_wait(&g->cond, &g->lock);
	pthread_mutex_unlock(&g->lock);
	return 0;
}

static inline void
scratch_hold(struct scratch *s, struct scratch_gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->cond, NULL);
	g->is_entered = g->is_open = false;
	store_run(s->store, scratch_wait_at_gate, NULL, g);
	pthread_mutex_lock(&g->lock);
	while (!g->is_entered)
		pthread_cond_wait(&g->cond, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static inline void
scratch_let_go(struct scratch_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_open = true;
	pthread_cond_broadcast(&g->cond);
	pthread_mutex_unlock(&g->lock);
}

/* A notice of finding `memory` for `sink` with every other field filled; event_id has to be set. */
static inline struct outbox_new
scratch_notice(const char *sink, int64_t memory, enum change change, uint32_t n)
{
	return (struct outbox_new){
		.sink = sink,
		.memory_id = memory,
		.change = change,
		.n = n,
		.generation = 1,
		.severity = 3,
		.first_severity = 2,
		.thread_key = "fd1-0123456789012345678901234567890123456789",
		.message_key = "fd1-0123456789012345678901234567890123456789-01234567-1",
		.rules = SPAN_LIT("one\ntwo"),
		.created_ms = 1000,
		.due_ms = 1000,
	};
}

#endif
