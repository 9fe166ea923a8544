/*
 * bench_fill: make a store as a daemon of long service has it: findings remembered, notices waiting.
 *
 *	bench_fill PATH REMEMBERED QUEUED BYTES
 *
 * QUEUED notices for the sink "hook" tell of findings QUEUED .. 2 * QUEUED - 1 of tests/bench/loadserver's numbering, BYTES each:
 * those before them are the server's to give.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "route/lifecycle.h"
#include "store/memory.h"
#include "store/outbox.h"
#include "store/store.h"

enum { PER_JOB = 1000 };

struct fill {
	uint64_t from, to, queued; /* numbers below `queued` are told, too */
	const char *padding;
	struct rule_set *rules;
	struct lifecycle_state state;
	struct lifecycle_result decided;
	struct buf packed;
};

static int
queue(struct store_tx *tx, const struct fill *f, uint64_t number, int64_t memory, struct err *e)
{
	int64_t now_ms = clock_real_wall_ms();
	unsigned long long told = f->queued + number;
	char *event = mem_printf(
		"{\"version\":\"0\",\"id\":\"00000000-0000-5000-8000-%012llu\",\"detail-type\":\"Security Hub Findings - "
		"Imported\",\"source\":\"aws.securityhub\",\"account\":\"111122223333\",\"time\":\"2026-08-22T11:40:03Z\","
		"\"region\":\"us-east-1\",\"resources\":[],\"detail\":{\"findings\":[{\"Id\":\"arn:aws:guardduty:us-east-1:"
		"111122223333:detector/bench/finding/%012llu\",\"ProductArn\":\"arn:aws:securityhub:us-east-1::product/aws/"
		"guardduty\",\"AwsAccountId\":\"111122223333\",\"Region\":\"us-east-1\",\"Severity\":{\"Label\":\"HIGH\"},"
		"\"Description\":\"%s\"}]}}",
		told, told, f->padding);
	char key[80];
	struct outbox_new n = { .sink = "hook",
		                .memory_id = memory,
		                .n = 1,
		                .generation = 1,
		                .severity = 3,
		                .first_severity = 3,
		                .thread_key = "fd1-0123456789012345678901234567890123456789",
		                .message_key = key,
		                .rules = SPAN_LIT("all"),
		                .created_ms = now_ms,
		                .due_ms = now_ms };

	(void)snprintf(key, sizeof(key), "fd1-%040llu-00000000-1", told);
	int rc = outbox_event_add(tx, span_of(event), &n.event_id, e);
	mem_free(event);
	return rc < 0 ? -1 : outbox_add(tx, &n, NULL, e);
}

static int
run(struct store_tx *tx, void *arg, struct err *e)
{
	struct fill *f = arg;

	for (uint64_t i = f->from; i < f->to; i++) {
		struct lifecycle_reading r = { .updated_ms = 100,
			                       .created_ms = 100,
			                       .severity = 3 };
		uint32_t matched = 0;
		struct lifecycle_input in = { .reading = &r,
			                      .rules = f->rules,
			                      .matched = &matched,
			                      .matched_count = i < f->queued,
			                      .now_ms = 1000 };
		int64_t id;

		digest_sha256(&i, sizeof(i), r.identity);
		lifecycle_init(&f->state);
		lifecycle_decide(&f->state, true, &in, &f->decided);
		buf_clear(&f->packed);
		lifecycle_pack(&f->state, &f->packed);
		if (memory_add(tx, r.identity, (struct span){ f->packed.data, f->packed.len },
		               f->decided.is_open, clock_real_wall_ms(), &id, e) < 0 ||
		    (i < f->queued && queue(tx, f, i, id, e) < 0))
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct fill f;
	static const char *const sinks[] = { "hook" };
	struct rule_policy policy = {
		.name = "all", .sinks = sinks, .sink_count = 1, .on = CHANGE_DEFAULT
	};
	struct store *s;
	struct err e = { 0 };

	if (argc != 5)
		return 64;
	uint64_t remembered = strtoull(argv[2], NULL, 10), bytes = strtoull(argv[4], NULL, 10);
	f.queued = strtoull(argv[3], NULL, 10);
	if (remembered < f.queued)
		remembered = f.queued;
	char *padding = mem_zalloc(bytes + 1);
	memset(padding, 'x', bytes > 600 ? bytes - 600 : 0);
	f.padding = padding;
	if (rule_set_new(&policy, 1, &f.rules, &e) < 0 ||
	    store_open(&(struct store_options){ .path = argv[1] }, &s, &e) < 0)
		goto failed;
	for (f.from = 0; f.from < remembered; f.from = f.to) {
		f.to = f.from + PER_JOB < remembered ? f.from + PER_JOB : remembered;
		if (store_run_wait(s, run, &f, &e) < 0)
			goto failed;
	}
	store_close(s);
	rule_set_free(f.rules);
	buf_done(&f.packed);
	mem_free(padding);
	return 0;
failed:
	(void)fprintf(stderr, "bench_fill: %s\n", e.text);
	return 1;
}
