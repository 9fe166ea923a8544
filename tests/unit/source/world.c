/*
 * world: see world.h.
 */
#include "config.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "net/loop.h"
#include "world.h"
#include "json/scan.h"

struct world *world;

/* ---- net/loop: timers and "later" on the simulated clock ---- */

struct timer {
	struct timer *next;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	int64_t due_ms; /* -1: not set */
};

struct later {
	struct later *next;
	loop_fn *fn;
	void *arg;
};

struct api {
	struct api *next;
	api_done_fn *done;
	void *arg;
	char *body, *path;
	struct world_call call;
	size_t index;
	char token[64];
	int64_t started_ms;
};

struct loop {
	struct timer *timers;
	struct later *first, *last;
	struct api *calls;
};

struct timer *
timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct timer *t = mem_zalloc(sizeof(*t));

	*t = (struct timer){ .next = l->timers, .loop = l, .fn = fn, .arg = arg, .due_ms = -1 };
	l->timers = t;
	return t;
}

void
timer_set(struct timer *t, int64_t delay_ms)
{
	t->due_ms = world->mono_ms + (delay_ms > 0 ? delay_ms : 0);
}

void
timer_stop(struct timer *t)
{
	t->due_ms = -1;
}

bool
timer_is_set(const struct timer *t)
{
	return t->due_ms >= 0;
}

void
timer_free(struct timer *t)
{
	struct timer **at;

	if (!t)
		return;
	for (at = &t->loop->timers; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	mem_free(t);
}

void
loop_later(struct loop *l, loop_fn *fn, void *arg)
{
	struct later *x = mem_zalloc(sizeof(*x));

	*x = (struct later){ .fn = fn, .arg = arg };
	if (l->last)
		l->last->next = x;
	else
		l->first = x;
	l->last = x;
}

static bool
run_later(struct loop *l)
{
	struct later *x = l->first;

	if (!x)
		return false;
	l->first = x->next;
	if (!l->first)
		l->last = NULL;
	x->fn(x->arg);
	mem_free(x);
	return true;
}

static void
set_clock(struct world *w, int64_t mono_ms)
{
	w->mono_ms = mono_ms;
	clock_set_for_test(mono_ms + INT64_C(1000000000000), mono_ms);
	clock_refresh();
}

static bool
run_timer(struct world *w)
{
	struct timer *first = NULL;

	for (struct timer *t = w->loop->timers; t; t = t->next)
		if (t->due_ms >= 0 && (!first || t->due_ms < first->due_ms))
			first = t;
	if (!first)
		return false;
	if (first->due_ms > w->mono_ms)
		set_clock(w, first->due_ms);
	first->due_ms = -1;
	first->fn(first->arg);
	return true;
}

/* ---- aws/api: calls wait until the world answers ---- */

static int64_t
number_at(struct span body, const char *const *path, size_t n)
{
	struct span raw;
	int64_t v = 0;

	if (scan_get(body, path, n, &raw) && !str_to_i64(raw, &v)) {
		struct span s;

		assert_true(scan_string_of(raw, &s));
		assert_true(timefmt_parse(s, &v, NULL));
	}
	return v;
}

static uint64_t
hash_text(const char *s, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 1099511628211u;
	return h;
}

static void
read_query(struct api *a)
{
	static const char *const gd_from[] = { "findingCriteria", "criterion", "updatedAt",
		                               "greaterThanOrEqual" };
	static const char *const gd_to[] = { "findingCriteria", "criterion", "updatedAt",
		                             "lessThanOrEqual" };
	static const char *const sh_from[] = { "Filters", "UpdatedAt", SCAN_INDEX_0, "Start" };
	static const char *const sh_to[] = { "Filters", "UpdatedAt", SCAN_INDEX_0, "End" };
	static const char *const size[][1] = { { "maxResults" }, { "MaxResults" } };
	static const char *const token[][1] = { { "nextToken" }, { "NextToken" } };
	bool is_gd = world->kind == &source_guardduty;
	struct span body = span_of(a->body), raw;
	char *at;

	if (body.len == 0)
		return;
	a->call.start_ms = number_at(body, is_gd ? gd_from : sh_from, 4);
	a->call.end_ms = number_at(body, is_gd ? gd_to : sh_to, 4);
	a->call.page_size = (unsigned)number_at(body, size[!is_gd], 1);
	a->call.has_token = scan_get(body, token[!is_gd], 1, &raw) && raw.len > 2;
	if (a->call.has_token)
		(void)snprintf(a->token, sizeof(a->token), "%.*s", (int)raw.len - 2, raw.p + 1);
	at = strstr(a->body, is_gd ? ",\"nextToken\"" : ",\"NextToken\"");
	a->call.query_hash = hash_text(a->body, at ? (size_t)(at - a->body) : strlen(a->body) - 1);
}

struct api *
api_start(struct api_env *env, const struct api_call *call, api_done_fn *on_done, void *arg,
          struct err *e)
{
	struct api *a = mem_zalloc(sizeof(*a));

	(void)env;
	(void)e;
	assert_string_equal(call->service, world->kind->service);
	a->done = on_done;
	a->arg = arg;
	a->body = span_dup(call->body);
	a->path = mem_strdup(call->path);
	(void)snprintf(a->call.operation, sizeof(a->call.operation), "%s", call->operation);
	a->call.at_ms = world->mono_ms;
	a->call.ceiling = call->max_answer_bytes;
	a->started_ms = world->mono_ms;
	read_query(a);
	assert_true(world->call_count < WORLD_CALLS_MAX);
	a->index = world->call_count;
	world->calls[world->call_count++] = a->call;
	a->next = world->loop->calls;
	world->loop->calls = a;
	return a;
}

static void
free_call(struct api *a)
{
	struct api **at;

	for (at = &world->loop->calls; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	mem_free(a->body);
	mem_free(a->path);
	mem_free(a);
}

void
api_cancel(struct api *a)
{
	if (a)
		free_call(a);
}

bool
api_now_ms(struct api_env *env, const char *service, const char *region, int64_t *ret)
{
	(void)env;
	(void)service;
	(void)region;
	if (!world->has_clock)
		return false;
	*ret = world_aws_ms(world);
	return true;
}

void
api_encode(struct buf *b, struct span value)
{
	(void)buf_add(b, value.p, value.len);
}

static int
by_instant(const void *a, const void *b)
{
	const struct world_finding *x = &world->findings[*(const size_t *)a];
	const struct world_finding *y = &world->findings[*(const size_t *)b];

	if (x->updated_ms != y->updated_ms)
		return x->updated_ms < y->updated_ms ? -1 : 1;
	return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

static void
add_finding(struct buf *b, size_t i)
{
	char time[TIMEFMT_BYTES];
	bool is_gd = world->kind == &source_guardduty;

	(void)timefmt_rfc3339_ms(world->findings[i].updated_ms, time);
	(void)buf_printf(
		b,
		is_gd ? "{\"id\":\"%zu\",\"arn\":\"f/%zu\",\"updatedAt\":\"%s\",\"title\":\""
		      : "{\"Id\":\"%zu\",\"ProductArn\":\"x:product/p\",\"N\":%zu,\"UpdatedAt\":\"%s\","
			"\"Title\":\"",
		i, i, time);
	for (size_t n = 0; n < world->filler_bytes; n++)
		(void)buf_add_char(b, 'x');
	(void)buf_add_str(b, "\"}");
}

static void
list(struct api *a, enum world_fault fault, struct buf *b)
{
	static size_t found[WORLD_FINDINGS_MAX];
	bool is_gd = world->kind == &source_guardduty;
	size_t n = 0, from = 0, to;

	for (size_t i = 0; i < world->finding_count; i++)
		if (world->findings[i].updated_ms >= a->call.start_ms &&
		    world->findings[i].updated_ms <= a->call.end_ms &&
		    world->findings[i].visible_ms <= world_aws_ms(world))
			found[n++] = i;
	qsort(found, n, sizeof(found[0]), by_instant);
	if (a->call.has_token)
		from = strtoul(strchr(a->token, '-') + 1, NULL, 10);
	to = from + (fault == FAULT_EMPTY ? 0 : a->call.page_size);
	to = to < n ? to : n;
	(void)buf_add_str(b, is_gd ? "{\"findingIds\":[" : "{\"Findings\":[");
	for (size_t k = from; k < to; k++) {
		size_t i = found[fault == FAULT_UNSORTED ? from + to - 1 - k : k];

		if (k > from)
			(void)buf_add_char(b, ',');
		if (is_gd)
			(void)buf_printf(b, "\"%zu\"", i);
		else
			add_finding(b, i);
	}
	(void)buf_add_char(b, ']');
	if (fault == FAULT_SAME_TOKEN && a->call.has_token)
		(void)buf_printf(b, ",\"%s\":\"%s\"", is_gd ? "nextToken" : "NextToken", a->token);
	else if (to < n)
		(void)buf_printf(b, ",\"%s\":\"%016" PRIx64 "%s-%zu\"",
		                 is_gd ? "nextToken" : "NextToken", a->call.query_hash,
		                 fault == FAULT_EMPTY ? "e" : "", to);
	else if (is_gd)
		(void)buf_add_str(b, ",\"nextToken\":\"\"");
	(void)buf_add_char(b, '}');
}

static void
get(struct api *a, enum world_fault fault, struct buf *b)
{
	static const char *const path[] = { "findingIds" };
	struct scan_array it;
	struct span ids, id;
	size_t n = 0;

	assert_true(scan_get(span_of(a->body), path, 1, &ids));
	(void)buf_add_str(b, "{\"findings\":[");
	for (bool more = scan_array_first(&it, ids, &id); more; more = scan_array_next(&it, &id)) {
		if (fault == FAULT_MISSING && n == 0) {
			fault = FAULT_NONE;
			continue;
		}
		if (n++ > 0)
			(void)buf_add_char(b, ',');
		add_finding(b, strtoul(id.p + 1, NULL, 10));
	}
	(void)buf_add_str(b, "]}");
}

static void
refuse(struct api_answer *x, enum err_kind kind, bool is_temporary, int status, const char *text)
{
	if (is_temporary)
		(void)err_temp(&x->err, kind, "%s", text);
	else
		(void)err_set(&x->err, kind, "%s", text);
	x->status = status;
}

static void
fill_answer(struct api *a, enum world_fault fault, struct api_answer *x)
{
	bool is_stale = a->call.has_token && strtoull(a->token, NULL, 16) != a->call.query_hash;

	x->status = 200;
	if (!world->is_hub_on && world->kind == &source_securityhub)
		fault = FAULT_DISABLED;
	if (fault == FAULT_NET) {
		refuse(x, ERR_NET, true, 0, "connection reset");
	} else if (fault == FAULT_THROTTLE) {
		refuse(x, ERR_THROTTLE, true, 429, "slow down");
		x->retry_after_ms = 2000;
	} else if (fault == FAULT_AUTH) {
		refuse(x, ERR_AUTH, false, 403, "not authorized to perform: it");
		(void)snprintf(x->code, sizeof(x->code), "AccessDeniedException");
	} else if (fault == FAULT_REGION) {
		refuse(x, ERR_AUTH, false, 403, "the security token is invalid");
		(void)snprintf(x->code, sizeof(x->code), "UnrecognizedClientException");
	} else if (fault == FAULT_DISABLED) {
		refuse(x, ERR_DISABLED, false, 401, "not subscribed");
	} else if (fault == FAULT_BAD_REQUEST || is_stale ||
	           (fault == FAULT_TOKEN && a->call.has_token)) {
		refuse(x, ERR_HTTP, false, 400, "Invalid NextToken: Input Query has changed");
	} else if (fault == FAULT_TOO_BIG) {
		refuse(x, ERR_LIMIT, false, 200, "the answer is too big");
	} else if (fault == FAULT_GARBAGE) {
		(void)buf_add_str(&x->body, "<html>proxy</html>");
	} else if (fault == FAULT_ERROR_200) {
		(void)buf_add_str(&x->body,
		                  "{\"Code\":\"InternalException\",\"Message\":\"oops\"}");
	} else if (strcmp(a->call.operation, "ListDetectors") == 0 && world->empty_detector_pages) {
		world->empty_detector_pages--;
		(void)buf_add_str(&x->body, "{\"detectorIds\":[],\"nextToken\":\"more\"}");
	} else if (strcmp(a->call.operation, "ListDetectors") == 0) {
		(void)buf_add_str(&x->body, world->is_hub_on ? "{\"detectorIds\":[\"d1\"]}"
		                                             : "{\"detectorIds\":[]}");
	} else if (strstr(a->path, "/findings/get")) {
		get(a, fault, &x->body);
	} else {
		list(a, fault, &x->body);
	}
	if (fault == FAULT_CUT && x->body.len > 2)
		buf_truncate(&x->body, x->body.len / 2);
	if (x->body.len > a->call.ceiling) {
		buf_done(&x->body);
		refuse(x, ERR_LIMIT, false, 200, "the answer is too big");
	}
}

/* Answers the oldest call. */
static bool
run_call(struct world *w)
{
	struct api_answer x = { .aws_date_ms = -1, .retry_after_ms = -1, .attempts = 1 };
	enum world_fault fault;
	struct api *a = w->loop->calls;
	api_done_fn *done;
	void *arg;

	if (!a)
		return false;
	while (a->next)
		a = a->next;
	fault = w->fault ? w->fault(&a->call, a->index, w->fault_arg) : FAULT_NONE;
	fill_answer(a, fault, &x);
	x.request_started_mono_ms = a->started_ms;
	x.request_started_aws_ms = w->has_clock ? a->started_ms + w->aws_offset_ms : -1;
	if (fault != FAULT_NET)
		w->has_clock = true;
	set_clock(w, w->mono_ms + 20);
	done = a->done;
	arg = a->arg;
	free_call(a);
	done(arg, &x);
	buf_done(&x.body);
	return true;
}

/* ---- the store and the daemon ---- */

static void
commit_page(struct world *w, struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		static const char *const keys[][1] = { { "id" }, { "Id" } };
		struct span raw;
		size_t n;

		assert_true(
			scan_get(page->findings[i], keys[w->kind == &source_securityhub], 1, &raw));
		n = strtoul(raw.p + 1, NULL, 10);
		assert_true(n < w->finding_count);
		w->findings[n].committed++;
	}
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		if (page->has_cursor[i])
			w->cursors[i] = page->cursors[i];
	w->pages_committed++;
}

void
world_commit(struct world *w, bool is_ok)
{
	struct page *page = w->held;
	struct err e = { 0 };

	assert_non_null(page);
	w->held = NULL;
	if (is_ok)
		commit_page(w, page);
	else
		(void)err_temp(&e, ERR_STORE, "disk full");
	page_free(page);
	poller_page_done(w->poller, is_ok ? NULL : &e);
}

static void
on_commit_later(void *arg)
{
	struct world *w = arg;

	if (w->held)
		world_commit(w, !w->is_store_failing);
}

static void
on_page(void *arg, struct poller *p, struct page *page)
{
	struct world *w = arg;

	assert_ptr_equal(p, w->poller);
	assert_null(w->held);
	w->held = page;
	w->pages_handed++;
	if (w->on_page)
		w->on_page(w, page);
	if (w->hold_pages == 0)
		loop_later(w->loop, on_commit_later, w);
}

static void
on_failing(struct poller *p, const struct err *why, void *arg)
{
	struct world *w = arg;

	(void)p;
	w->failing++;
	(void)snprintf(w->last_error, sizeof(w->last_error), "%s", why->text);
}

static void
on_recovered(struct poller *p, int64_t down_ms, void *arg)
{
	(void)p;
	assert_true(down_ms >= 0);
	((struct world *)arg)->recovered++;
}

static void
on_off(struct poller *p, bool is_off, const char *why, void *arg)
{
	struct world *w = arg;

	(void)p;
	(void)why;
	if (is_off)
		w->off++;
	else
		w->on++;
}

static void
on_gap(struct poller *p, int64_t from_ms, int64_t to_ms, void *arg)
{
	(void)p;
	assert_true(from_ms < to_ms);
	((struct world *)arg)->gaps++;
}

static void
on_caught_up(struct poller *p, bool is_failed, void *arg)
{
	struct world *w = arg;

	(void)p;
	if (is_failed)
		w->caught_up_failed++;
	else
		w->caught_up++;
}

void
world_init(struct world *w, const struct source_kind *kind)
{
	memset(w, 0, sizeof(*w));
	world = w;
	w->kind = kind;
	w->is_hub_on = true;
	w->aws_offset_ms =
		INT64_C(1785582300000); /* 2026-08-01; the local wall clock is wrong on purpose */
	w->loop = mem_zalloc(sizeof(*w->loop));
	w->budget = budget_new(16 * 1024 * 1024);
	set_clock(w, 1000000);
}

void
world_kill(struct world *w)
{
	struct err e = { 0 };

	if (!w->poller)
		return;
	if (w->held) {
		/* The page was under way to the disk: lost. */
		(void)err_temp(&e, ERR_STORE, "killed");
		page_free(w->held);
		w->held = NULL;
		poller_page_done(w->poller, &e);
	}
	poller_free(w->poller);
	w->poller = NULL;
}

void
world_done(struct world *w)
{
	world_kill(w);
	while (run_later(w->loop))
		;
	assert_null(w->loop->timers);
	assert_null(w->loop->calls);
	assert_int_equal(budget_used(w->budget), 0);
	budget_free(w->budget);
	mem_free(w->loop);
	clock_set_for_test(-1, -1);
}

int64_t
world_aws_ms(const struct world *w)
{
	return w->mono_ms + w->aws_offset_ms;
}

size_t
world_add(struct world *w, int64_t updated_ms)
{
	assert_true(w->finding_count < WORLD_FINDINGS_MAX);
	w->findings[w->finding_count] = (struct world_finding){ .updated_ms = updated_ms };
	return w->finding_count++;
}

struct poller_options
world_options(struct world *w)
{
	struct poller_options o = {
		.loop = w->loop,
		.budget = w->budget,
		.kind = w->kind,
		.source = "src",
		.account = "111122223333",
		.account_name = "prod",
		.region = "eu-west-1",
		.interval_ms = 60 * 1000,
		.overlap_ms = 15 * 60 * 1000,
		.start = { SOURCE_START_NOW, 0 },
		.random_seed = 7,
		.on_page = on_page,
		.hooks = { .on_failing = on_failing,
		           .on_recovered = on_recovered,
		           .on_off = on_off,
		           .on_gap = on_gap,
		           .on_caught_up = on_caught_up },
		.arg = w,
	};

	memcpy(o.cursors, w->cursors, sizeof(o.cursors));
	return o;
}

struct poller *
world_poller(struct world *w, const struct poller_options *o)
{
	w->poller = poller_new(o);
	poller_start(w->poller, 0);
	return w->poller;
}

bool
world_step(struct world *w)
{
	return run_later(w->loop) || run_call(w) || run_timer(w);
}

bool
world_run_to(struct world *w, enum poller_state state, size_t steps)
{
	struct poller_status s;

	for (size_t i = 0; i < steps; i++) {
		if (!world_step(w))
			break;
		poller_get_status(w->poller, &s);
		if (s.state == state)
			return true;
	}
	return false;
}

void
world_run_for(struct world *w, int64_t ms)
{
	int64_t until_ms = w->mono_ms + ms;

	for (size_t i = 0; w->mono_ms < until_ms; i++) {
		assert_true(i < 2000000);
		if (!world_step(w))
			break;
	}
}
