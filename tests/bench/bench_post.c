/*
 * bench_post: the limit that the machine sets: POSTs by the same HTTP client, with nothing behind or before them.
 *
 *	bench_post PORT REQUESTS BYTES IN_FLIGHT
 *
 * PORT is that of tests/bench/loadserver (POST /hook), which shares the machine's cores. Prints requests per second and CPU.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/xfer.h"

static struct {
	struct xfer *xfer;
	struct http_request request;
	size_t left, answered;
} bench;

static void on_answer(void *arg, struct http_answer *a);

static void
post(void)
{
	struct err e = { 0 };

	if (bench.left == 0)
		return;
	bench.left--;
	if (http_start(bench.xfer, &bench.request, on_answer, NULL, &e) == NULL) {
		(void)fprintf(stderr, "bench_post: %s\n", e.text);
		exit(1);
	}
}

static void
on_answer(void *arg, struct http_answer *a)
{
	(void)arg;
	if (a->status != 200) {
		(void)fprintf(stderr, "bench_post: status %d %s\n", a->status, a->err.text);
		exit(1);
	}
	bench.answered++;
	post();
}

static double
cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
	if (argc != 5)
		return 64;
	size_t count = strtoul(argv[2], NULL, 10), bytes = strtoul(argv[3], NULL, 10);
	struct loop *loop = loop_new();
	char url[64], *body = mem_alloc(bytes);

	memset(body, 'x', bytes);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%s/hook", argv[1]);
	bench.xfer = xfer_new(loop);
	bench.request =
		(struct http_request){ .method = "POST", .url = url, .body = { body, bytes } };
	bench.left = count;
	int64_t start_us = clock_real_mono_us();
	for (long i = strtol(argv[4], NULL, 10); i > 0; i--)
		post();
	while (bench.answered < count)
		loop_turn(loop, 1000);
	double took = (double)(clock_real_mono_us() - start_us) / 1e6;
	(void)printf("limit: POST alone, %zu B, %s in flight: %.0f/s, CPU %.3f s per 1,000\n",
	             bytes, argv[4], (double)count / took, cpu_s() * 1000 / (double)count);
	loop_turn(loop, 0);
	xfer_free(bench.xfer);
	loop_free(loop);
	mem_free(body);
	return 0;
}
