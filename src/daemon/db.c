/*
 * db: the routes that check the store and copy it while it is in use. See commands.h.
 *
 * A backup can take longer than a client waits: a request is answered when it is done or, with how far it is, after WAIT_MS; the
 * client then asks again.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/server.h"
#include "daemon/commands.h"
#include "daemon/inside.h"
#include "net/loop.h"
#include "store/check.h"
#include "store/store.h"
#include "json/emit.h"

enum { WAIT_MS = 20000 };

struct db_backup {
	struct daemon *daemon;
	char *path;
	int64_t started_ms; /* monotonic */
	bool is_over;
	char error[ERR_TEXT_BYTES];
	int64_t bytes;
	struct server_request *request; /* waits; or NULL */
	struct timer *timer;
};

static void
db_reply(struct db_backup *b, struct server_request *r)
{
	int64_t done = 0, all = 0;
	struct emit w;

	store_backup_progress(b->daemon->store, &done, &all);
	emit_init(&w, server_body(r));
	emit_object_begin(&w);
	emit_key(&w, "kind");
	emit_str(&w, "backup");
	emit_key(&w, "state");
	emit_str(&w, !b->is_over ? "running" : b->error[0] ? "failed" : "done");
	emit_key(&w, "path");
	emit_str(&w, b->path);
	emit_key(&w, "bytes_done");
	emit_i64(&w, b->is_over ? b->bytes : done);
	emit_key(&w, "bytes");
	emit_i64(&w, b->is_over ? b->bytes : all);
	emit_key(&w, "seconds");
	emit_double(&w, (double)(clock_mono_ms() - b->started_ms) / 1000);
	emit_key(&w, "error");
	emit_str(&w, b->error);
	emit_object_end(&w);
	(void)buf_add_char(server_body(r), '\n');
	server_reply(r, 200, NULL);
}

static void
db_on_wait_over(void *arg)
{
	struct db_backup *b = arg;
	struct server_request *r = b->request;

	b->request = NULL;
	if (r != NULL)
		db_reply(b, r);
}

static void
db_wait(struct db_backup *b, struct server_request *r)
{
	if (b->is_over || b->request != NULL) {
		db_reply(b, r);
		return;
	}
	b->request = r;
	timer_set(b->timer, WAIT_MS);
}

static void
db_on_backup(void *job, const struct err *failed)
{
	struct db_backup *b = job;
	struct store_stats s;

	b->is_over = true;
	store_get_stats(b->daemon->store, &s);
	b->bytes = s.file_bytes;
	if (failed != NULL) {
		memcpy(b->error, failed->text, sizeof(b->error));
		log_warn("store.backup_failed path=\"%s\" error=\"%s\"", b->path, failed->text);
	} else {
		log_info("store.backup_done path=\"%s\" took_ms=%" PRId64, b->path,
		         clock_mono_ms() - b->started_ms);
	}
	db_on_wait_over(b);
}

void
db_free(struct daemon *d)
{
	if (d->backup == NULL)
		return;
	timer_free(d->backup->timer);
	mem_free(d->backup->path);
	mem_free(d->backup);
	d->backup = NULL;
}

void
db_backup_start(void *arg, struct server_request *r)
{
	struct daemon *d = arg;
	const char *path = server_param(r, "path");
	struct db_backup *b;
	struct err e = { 0 };

	if (path == NULL || path[0] != '/') {
		server_fail(r, 400, "where to? give an absolute path");
		return;
	}
	if (d->backup != NULL && !d->backup->is_over) {
		server_fail(r, 409, "a backup to %s is under way", d->backup->path);
		return;
	}
	db_free(d);
	d->backup = b = mem_zalloc(sizeof(*b));
	b->daemon = d;
	b->path = mem_strdup(path);
	b->started_ms = clock_mono_ms();
	b->timer = timer_new(d->loop, db_on_wait_over, b);
	log_info("store.backup_asked path=\"%s\"", path);
	if (store_backup(d->store, path, db_on_backup, b, &e) < 0) {
		server_fail(r, 409, "%s", e.text);
		db_free(d);
		return;
	}
	db_wait(b, r);
}

void
db_backup_show(void *arg, struct server_request *r)
{
	struct daemon *d = arg;

	if (d->backup == NULL)
		server_fail(r, 404, "no backup was asked for since the start");
	else
		db_wait(d->backup, r);
}

struct db_check {
	struct daemon *daemon;
	struct server_request *request;
	struct check check;
};

static int
db_check_run(struct store_tx *tx, void *job, struct err *e)
{
	struct db_check *j = job;

	return check_run(tx, &j->check, e);
}

static void
db_check_done(void *job, const struct err *failed)
{
	struct db_check *j = job;
	struct daemon *d = j->daemon;
	bool is_more = false;

	if (failed != NULL && failed->kind != ERR_CORRUPT)
		server_fail(j->request, 503, "%s", failed->text);
	else
		is_more = failed ? check_skip(&j->check, failed) : check_next(&j->check);
	if (is_more && d->state != DAEMON_STOPPING) {
		store_run(d->store, db_check_run, db_check_done, j);
		return;
	}
	if (is_more) {
		server_fail(j->request, 503, "findingsd is stopping");
	} else if (failed == NULL || failed->kind == ERR_CORRUPT) {
		check_print(&j->check, server_body(j->request));
		server_reply(j->request, 200, NULL);
	}
	mem_free(j);
}

void
db_check(void *arg, struct server_request *r)
{
	struct db_check *j = mem_zalloc(sizeof(*j));

	j->daemon = arg;
	j->request = r;
	j->check.now_ms = clock_now_ms();
	store_run(j->daemon->store, db_check_run, db_check_done, j);
}
