/*
 * history: the route that reads the audit, a page a request. See commands.h.
 *
 * A page is made in chunks, each a job of the store, so that pages of findings and deliveries go between them.
 */
#include "config.h"

#include <inttypes.h>

#include "base/mem.h"
#include "control/server.h"
#include "daemon/commands.h"
#include "daemon/inside.h"
#include "store/audit_read.h"
#include "store/store.h"

struct history_job {
	struct daemon *daemon;
	struct server_request *request;
	char *finding;
	struct audit_reader reader;
};

static void
history_free(struct history_job *j)
{
	audit_read_done(&j->reader);
	mem_free(j->finding);
	mem_free(j);
}

static int
history_run(struct store_tx *tx, void *job, struct err *e)
{
	struct history_job *j = job;

	return audit_read_run(tx, &j->reader, e);
}

static void
history_reply(struct history_job *j)
{
	const struct audit_place *p = &j->reader.at;
	struct buf *body = server_body(j->request);

	(void)buf_add(body, j->reader.out.data, j->reader.out.len);
	(void)buf_printf(body,
	                 "{\"kind\":\"page\",\"memory\":%" PRId64 ",\"after\":%" PRId64
	                 ",\"is_last\":%s,\"damaged\":%" PRIu64 "}\n",
	                 p->memory_id, p->after_id, p->is_last ? "true" : "false", p->damaged);
	server_reply(j->request, 200, NULL);
}

static void
history_done(void *job, const struct err *failed)
{
	struct history_job *j = job;

	if (failed)
		server_fail(j->request,
		            failed->kind == ERR_NOT_FOUND ? 404
		            : failed->kind == ERR_CONFIG  ? 409
		                                          : 503,
		            "%s", failed->text);
	else if (!audit_read_next(&j->reader))
		history_reply(j);
	else if (j->daemon->state == DAEMON_STOPPING)
		server_fail(j->request, 503, "findingsd is stopping");
	else {
		store_run(j->daemon->store, history_run, history_done, j);
		return;
	}
	history_free(j);
}

static bool
read_numbers(struct server_request *r, struct audit_reader *reader)
{
	const struct {
		const char *name;
		int64_t *ret;
	} numbers[] = { { "memory", &reader->memory_id },
		        { "after", &reader->after_id },
		        { "since", &reader->since_ms } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *value = server_param(r, numbers[i].name);
		if (value != NULL &&
		    (!str_to_i64(span_of(value), numbers[i].ret) || *numbers[i].ret < 0)) {
			server_fail(r, 400, "%s is a number", numbers[i].name);
			return false;
		}
	}
	return true;
}

void
history_serve(void *arg, struct server_request *r)
{
	struct daemon *d = arg;
	struct audit_reader wanted = { .is_per_try = server_param(r, "tries") != NULL };
	const char *finding = server_param(r, "finding");
	struct history_job *j;

	if (!read_numbers(r, &wanted))
		return;
	if (finding != NULL && *finding == '\0') {
		server_fail(r, 400, "which finding?");
		return;
	}
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	j->request = r;
	j->finding = mem_strdup(finding);
	j->reader = wanted;
	j->reader.finding = j->finding;
	audit_read_start(&j->reader);
	store_run(d->store, history_run, history_done, j);
}
