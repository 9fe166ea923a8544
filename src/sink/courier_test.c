/*
 * courier_test: a marked notice through the same code as a real one, past the queue (`sink test NAME`).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "sink/courier_in.h"

struct courier_test {
	struct courier *c;
	struct courier_place *place;
	void *call;
	sink_step_fn *on_step;
	sink_done_fn *on_done;
	void *arg;
};

/* A finding of nobody: AWS's example account, severity low enough to alarm nobody who reads only that. */
static const char sample[] =
	"{\"version\":\"0\",\"id\":\"00000000-0000-5000-8000-000000000000\",\"detail-type\":\"GuardDuty Finding\","
	"\"source\":\"aws.guardduty\",\"account\":\"111122223333\",\"time\":\"%s\",\"region\":\"us-east-1\","
	"\"resources\":[],\"detail\":{\"schemaVersion\":\"2.0\",\"accountId\":\"111122223333\",\"region\":\"us-east-1\","
	"\"partition\":\"aws\",\"id\":\"00000000000000000000000000000000\",\"arn\":\"arn:aws:guardduty:us-east-1:"
	"111122223333:detector/00000000000000000000000000000000/finding/00000000000000000000000000000000\","
	"\"type\":\"Test:Findingsd/SinkTest\",\"resource\":{\"resourceType\":\"Instance\",\"instanceDetails\":"
	"{\"instanceId\":\"i-00000000000000000\"}},\"service\":{\"serviceName\":\"guardduty\",\"archived\":false,"
	"\"count\":1,\"eventFirstSeen\":\"%s\",\"eventLastSeen\":\"%s\"},\"severity\":2,\"createdAt\":\"%s\","
	"\"updatedAt\":\"%s\",\"title\":\"Test of a findingsd sink\",\"description\":\"Someone ran findingsctl sink test. "
	"Nothing happened; this sink works when you can read this.\"}}";

static void
test_free(struct courier_test *t)
{
	t->c->test = NULL;
	courier_place_unref(t->c, t->place);
	mem_free(t);
}

static void
on_done(struct sink_result *r, void *arg)
{
	struct courier_test *t = arg;
	struct courier *c = t->c;

	log_info("courier.test sink=%s ok=%s answer=\"%s\"", courier_name(c),
	         r->outcome == SINK_OK ? "yes" : "no", r->answer);
	t->on_done(r, t->arg);
	/* What works for a test works for the queue: do not wait for the rest to end. */
	if (r->outcome == SINK_OK)
		courier_retry_now(c);
	test_free(t);
	courier_kick(c);
}

/* Ids differ at each test, so that receivers that drop repeats show it. */
static void
make_keys(char *thread, char *message, size_t bytes)
{
	unsigned char random[20];
	char hex[2 * sizeof random + 1];

	digest_random(random, sizeof random);
	digest_hex(random, sizeof random, hex);
	(void)snprintf(thread, bytes, "fd1-%s", hex);
	(void)snprintf(message, bytes, "fd1-%s-test-1", hex);
}

static int
start(struct courier_test *t, struct err *e)
{
	char at[TIMEFMT_BYTES], thread[96], message[96];
	struct notice n = {
		.change = CHANGE_CREATED,
		.rules = SPAN_LIT("sink-test"),
		.message_key = message,
		.thread_key = thread,
		.severity = SEVERITY_LOW,
		.first_severity = SEVERITY_LOW,
		.account_name = t->c->o.hooks.account_name,
		.account_arg = t->c->o.hook_arg,
		.sink_name = t->place->conf->name,
		.queued_ms = clock_now_ms(),
		.is_test = true,
	};
	struct sink_message m = { .now_ms = clock_now_ms(),
		                  .on_step = t->on_step,
		                  .step_arg = t->arg };
	struct render_view v;
	struct buf event;
	int rc;

	make_keys(thread, message, sizeof thread);
	(void)timefmt_rfc3339_ms(clock_now_ms(), at);
	buf_init(&event, 0);
	(void)buf_printf(&event, sample, at, at, at, at, at);
	n.event = (struct span){ event.data, event.len };
	render_view_init(&v, &n, false);
	m.view = &v;
	rc = sink_send(t->place->sink, &m, on_done, t, &t->call, e);
	render_view_done(&v);
	buf_done(&event);
	return rc;
}

int
courier_test(struct courier *c, sink_step_fn *on_step, sink_done_fn *done, void *arg, struct err *e)
{
	struct courier_test *t;

	if (c->test)
		return err_temp(e, ERR_LIMIT, "sink %s: another test is under way",
		                courier_name(c));
	if (c->is_stopping)
		return err_temp(e, ERR_LIMIT, "sink %s: findingsd is stopping", courier_name(c));
	t = mem_zalloc(sizeof *t);
	t->c = c;
	t->place = courier_place_ref(c->place);
	t->on_step = on_step;
	t->on_done = done;
	t->arg = arg;
	c->test = t;
	if (start(t, e)) {
		test_free(t);
		return err_wrap(e, "sink %s", courier_name(c));
	}
	return 0;
}

void
courier_test_cancel(struct courier *c)
{
	struct sink_result r = { .outcome = SINK_TEMPFAIL };
	struct courier_test *t = c->test;

	if (!t)
		return;
	sink_cancel(t->place->sink, t->call);
	(void)snprintf(r.answer, sizeof r.answer, "broken off: findingsd closes this sink");
	t->on_done(&r, t->arg);
	test_free(t);
}
