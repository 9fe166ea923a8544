/*
 * replay: the route that sends delivered notices again, some hundred a request. See commands.h.
 *
 * Which ones is findingsctl's to find out, from the history; here each is tried for itself, and why one cannot be sent is said per notice.
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
#include "store/outbox.h"
#include "store/store.h"
#include "json/emit.h"

enum { IDS_MAX = 200 };

struct replay_job {
	struct daemon *daemon;
	struct server_request *request;
	bool is_forced;
	int64_t now_ms;
	int64_t ids[IDS_MAX];
	size_t count;
	struct err why[IDS_MAX]; /* kind ERR_NONE: it is queued */
	size_t queued;
};

static int
replay_run(struct store_tx *tx, void *job, struct err *e)
{
	struct replay_job *j = job;

	j->queued = 0;
	for (size_t i = 0; i < j->count; i++) {
		err_clear(&j->why[i]);
		if (outbox_replay(tx, j->ids[i], j->is_forced, j->now_ms, e) == 0) {
			j->queued++;
			continue;
		}
		if (e->kind != ERR_CONFIG && e->kind != ERR_NOT_FOUND)
			return -1;
		j->why[i] = *e;
		err_clear(e);
	}
	return 0;
}

static void
print_one(int64_t id, const struct err *why, struct buf *out)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "kind");
	emit_str(&w, "notice");
	emit_key(&w, "id");
	emit_i64(&w, id);
	emit_key(&w, "ok");
	emit_bool(&w, why->kind == ERR_NONE);
	emit_key(&w, "text");
	emit_str(&w, why->kind == ERR_NONE ? "queued again, under the same key" : why->text);
	emit_object_end(&w);
	(void)buf_add_char(out, '\n');
}

static void
replay_done(void *job, const struct err *failed)
{
	struct replay_job *j = job;

	if (failed) {
		server_fail(j->request, 503, "%s", failed->text);
		mem_free(j);
		return;
	}
	log_info("replay.asked notices=%zu queued=%zu", j->count, j->queued);
	outlets_forget_fetched(j->daemon);
	for (size_t i = 0; i < j->count; i++)
		print_one(j->ids[i], &j->why[i], server_body(j->request));
	server_reply(j->request, 200, NULL);
	mem_free(j);
}

/* "1,2,3" */
static bool
read_ids(const char *text, struct replay_job *j)
{
	while (j->count < IDS_MAX) {
		size_t len = strcspn(text, ",");

		if (!str_to_i64((struct span){ text, len }, &j->ids[j->count]) ||
		    j->ids[j->count] <= 0)
			return false;
		j->count++;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
	return false;
}

void
replay_serve(void *arg, struct server_request *r)
{
	const char *ids = server_param(r, "ids");
	struct replay_job *j = mem_zalloc(sizeof(*j));

	j->daemon = arg;
	j->request = r;
	j->is_forced = server_param(r, "force") != NULL;
	j->now_ms = clock_now_ms();
	if (ids == NULL || !read_ids(ids, j)) {
		server_fail(r, 400, "ids are 1 to %d numbers with commas between them", IDS_MAX);
		mem_free(j);
		return;
	}
	store_run(j->daemon->store, replay_run, replay_done, j);
}
