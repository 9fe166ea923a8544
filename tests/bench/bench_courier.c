/*
 * bench_courier: the sink's half of the pipeline alone: items that wait in the outbox, rendered, posted, recorded.
 *
 *	bench_courier PORT ITEMS BYTES MAX_IN_FLIGHT raw|json|mail
 *
 * PORT is that of tests/bench/loadserver (POST /hook), or of tests/bench/mailsink. Prints items per second and CPU; synchronous=FULL as always.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "sink/courier.h"
#include "store/outbox.h"
#include "store/store.h"

struct fill {
	size_t from, to, bytes;
};

static char *padding;

static int
fill_run(struct store_tx *tx, void *arg, struct err *e)
{
	const struct fill *f = arg;

	for (size_t i = f->from; i < f->to; i++) {
		char *event = mem_printf(
			"{\"version\":\"0\",\"id\":\"x\",\"detail-type\":\"GuardDuty Finding\",\"source\":\"aws.guardduty\","
			"\"account\":\"111122223333\",\"time\":\"2026-08-22T11:40:03Z\",\"region\":\"us-east-1\",\"resources\":"
			"[],\"detail\":{\"accountId\":\"111122223333\",\"region\":\"us-east-1\",\"partition\":\"aws\",\"id\":\"%zu\","
			"\"arn\":\"arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/%zu\",\"type\":\"T:X/Y\","
			"\"severity\":8,\"createdAt\":\"2026-08-22T09:12:00.000Z\",\"updatedAt\":\"2026-08-22T11:40:03.120Z\","
			"\"title\":\"Credentials used from Tor exit node\",\"description\":\"%.200s\",\"resource\":"
			"{\"resourceType\":\"AccessKey\"},\"service\":{\"count\":1,\"pad\":\"%s\"}}}",
			i, i, padding, padding);
		struct outbox_new n = {
			.sink = "hook",
			.memory_id = (int64_t)i + 1,
			.n = 1,
			.generation = 1,
			.severity = 3,
			.first_severity = 3,
			.thread_key = "fd1-0123456789012345678901234567890123456789",
			.rules = SPAN_LIT("all"),
			.created_ms = clock_real_wall_ms(),
			.due_ms = clock_real_wall_ms(),
		};
		char key[80];

		(void)snprintf(key, sizeof key, "fd1-%040zu-00000000-1", i);
		n.message_key = key;
		if (outbox_event_add(tx, span_of(event), &n.event_id, e) ||
		    outbox_add(tx, &n, NULL, e)) {
			mem_free(event);
			return -1;
		}
		mem_free(event);
	}
	return 0;
}

static void
on_store(int fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	store_drain(arg);
}

static double
cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
make_conf(struct conf_sink *conf, char *url, char *none, char *name, int64_t in_flight, bool is_raw)
{
	*conf = (struct conf_sink){
		.name = name,
		.type = CONF_SINK_WEBHOOK,
		.is_enabled = true,
		.timeout_ms = 30000,
		.max_in_flight = in_flight,
		.max_age_ms = 3 * 86400000LL,
		.format = is_raw ? CONF_FORMAT_RAW : CONF_FORMAT_JSON,
		.ca_file = none,
		.proxy = none,
		.url = url,
		.username = { none, none },
		.password = { none, none },
		.secret = { none, none },
		.token = { none, none },
	};
}

static void
make_mail(struct conf_sink *conf, char *none, char *from, char **to)
{
	conf->type = CONF_SINK_EMAIL;
	conf->tls = CONF_TLS_NONE;
	conf->from = from;
	conf->to.items = to;
	conf->to.count = 1;
	conf->reply_to = conf->subject_prefix = none;
}

int
main(int argc, char **argv)
{
	char folder[] = "/tmp/fd-bench-XXXXXX", path[100], url[64], none[] = "", name[] = "hook";
	char from[] = "findingsd@example.com", *to[] = { (char[]){ "ops@example.com" }, NULL };
	size_t items = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000,
	       bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 5000;
	struct loop *loop = loop_new();
	struct xfer *xfer = xfer_new(loop);
	struct sink_env env = { .loop = loop, .xfer = xfer };
	struct courier_status status = { 0 };
	struct conf_sink conf;
	struct courier *c;
	struct store *s;
	struct watch *w;
	struct err e = { 0 };

	if (argc < 6 || !mkdtemp(folder))
		return 64;
	log_set_level(LOG_LEVEL_ERR);
	padding = mem_alloc(bytes);
	memset(padding, 'x', bytes);
	padding[bytes > 900 ? bytes - 900 : 1] = '\0';
	(void)snprintf(path, sizeof path, "%s/findingsd.db", folder);
	bool is_mail = strcmp(argv[5], "mail") == 0;
	(void)snprintf(url, sizeof url,
	               is_mail ? "smtp://127.0.0.1:%s" : "http://127.0.0.1:%s/hook", argv[1]);
	make_conf(&conf, url, none, name, strtol(argv[4], NULL, 10), strcmp(argv[5], "raw") == 0);
	if (is_mail)
		make_mail(&conf, none, from, to);
	if (store_open(&(struct store_options){ .path = path }, &s, &e))
		goto failed;
	for (size_t i = 0; i < items; i += 1000) {
		struct fill f = { i, i + 1000 < items ? i + 1000 : items, bytes };

		if (store_run_wait(s, fill_run, &f, &e))
			goto failed;
	}
	w = loop_watch_fd(loop, store_fd(s), WATCH_READ, on_store, s);
	int64_t start_us = clock_real_mono_us();
	double start_cpu = cpu_s();
	if (courier_new(&(struct courier_options){ .env = &env, .store = s, .conf = &conf }, &c,
	                &e))
		goto failed;
	while (status.delivered < items) {
		loop_turn(loop, 100);
		courier_get_status(c, &status);
	}
	double took = (double)(clock_real_mono_us() - start_us) / 1e6;
	(void)printf("courier, %s, %zu B, %s in flight: %.0f/s, CPU %.3f s per 1,000\n", argv[5],
	             bytes, argv[4], (double)items / took,
	             (cpu_s() - start_cpu) * 1000 / (double)items);
	courier_drain(c);
	while (!courier_is_quiet(c))
		loop_turn(loop, 10);
	courier_free(c);
	loop_turn(loop, 0);
	watch_free(w);
	store_close(s);
	xfer_free(xfer);
	loop_free(loop);
	mem_free(padding);
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
failed:
	(void)fprintf(stderr, "bench_courier: %s\n", e.text);
	return 1;
}
