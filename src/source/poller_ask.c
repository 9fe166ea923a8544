/*
 * poller_ask: one page under way: room in the budget, the request, the answer, the page.
 *
 * GuardDuty needs two calls for a page: ids, then the findings. The ids are kept until their findings were taken, so that
 * trouble with the second call repeats only that one; they are handed over in parts when the findings of all are too much
 * for one answer. Ids that GuardDuty does not answer are asked for once more, then they are gone.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "source/poller_impl.h"

static void ask(struct poller *p);
static void send_call(void *arg);
static void on_answer(void *arg, struct api_answer *a);
static void on_refused(struct poller *p, struct api_answer *a);

struct slot *
unit_slot(struct poller *p, const struct unit *u)
{
	return u->phase >= UNIT_LIST && u->stream < SOURCE_CURSOR_COUNT ? p->slots[u->stream]
	                                                                : NULL;
}

bool
unit_is_under_way(const struct unit *u)
{
	return u->call || u->wait.is_waiting;
}

void
unit_start(struct poller *p, enum unit_phase phase, enum source_stream stream)
{
	struct unit *u = mem_zalloc(sizeof(*u));

	u->phase = phase;
	u->stream = stream;
	u->batch_max = p->kind->page_max;
	source_request_init(&u->request);
	p->unit = u;
	ask(p);
}

void
unit_resume(struct poller *p)
{
	ask(p);
}

void
unit_give_back(struct poller *p, struct unit *u)
{
	budget_cancel(p->budget, &u->wait);
	if (u->reserved > 0)
		budget_give(p->budget, u->reserved);
	u->reserved = 0;
}

void
unit_free(struct poller *p)
{
	struct unit *u = p->unit;

	if (!u)
		return;
	p->unit = NULL;
	api_cancel(u->call);
	unit_give_back(p, u);
	source_request_done(&u->request);
	source_page_done(&u->ids);
	buf_done(&u->ids_bytes);
	mem_free(u);
}

void
unit_reread_ids(const struct poller *p, struct span *ids)
{
	const char *s = p->reread;

	for (size_t i = 0; i < p->reread_count; i++) {
		ids[i] = span_of(s);
		s += ids[i].len + 1;
	}
}

/* Make the request of the unit's phase. False: there is nothing to ask any more. */
static bool
build(struct poller *p, struct unit *u)
{
	struct source_query q;
	struct span token, ids[SOURCE_REREAD_MAX];

	source_request_clear(&u->request);
	switch (u->phase) {
	case UNIT_PROBE:
		p->kind->build_probe(&u->request);
		return true;
	case UNIT_DETECTOR:
		p->kind->build_detectors(u->facts.token, &u->request);
		return true;
	case UNIT_LIST:
		if (!p->slots[u->stream] || !walk_query(&p->slots[u->stream]->walk, &q, &token))
			return false;
		q.detector = p->detector;
		p->kind->build_list(&q, token, &u->request);
		return true;
	case UNIT_GET:
		if (u->stream == STREAM_REREAD) {
			unit_reread_ids(p, ids);
			p->kind->build_reread(p->detector, ids, p->reread_count, &u->request);
			return true;
		}
		u->batch = u->ids.count - u->ids_taken;
		if (u->batch > u->batch_max)
			u->batch = u->batch_max;
		p->kind->build_get(p->detector, u->ids.items + u->ids_taken, u->batch, &u->request);
		return true;
	}
	return false;
}

/* Only answers with findings come out of the budget: the others are small, and their ceiling is. */
static bool
has_findings(const struct poller *p, const struct unit *u)
{
	return u->phase == UNIT_GET || (u->phase == UNIT_LIST && !p->kind->build_get);
}

static void
ask(struct poller *p)
{
	static const enum poller_state states[] = {
		[UNIT_PROBE] = POLLER_CLOCK,
		[UNIT_DETECTOR] = POLLER_DETECTOR,
		[UNIT_LIST] = POLLER_LISTING,
		[UNIT_GET] = POLLER_GETTING,
	};
	struct unit *u = p->unit;

	if (!build(p, u)) {
		unit_free(p);
		return;
	}
	u->ceiling = POLLER_IDS_BYTES;
	if (has_findings(p, u)) {
		u->ceiling = p->reserve;
		if (!budget_take(p->budget, p->reserve, &u->wait, send_call, p)) {
			u->reserved = 0;
			poller_enter(p, POLLER_BUDGET);
			return;
		}
		u->reserved = p->reserve;
	}
	poller_enter(p, states[u->phase]);
	send_call(p);
}

/* Also called when the budget has room again: the bytes are taken then. */
static void
send_call(void *arg)
{
	struct poller *p = arg;
	struct unit *u = p->unit;
	struct api_call call = {
		.service = p->kind->service,
		.operation = u->request.operation,
		.region = p->region,
		.account = p->account_name,
		.cred = p->cred,
		.protocol = API_REST_JSON,
		.method = u->request.method,
		.path = u->request.path.data,
		.query = u->request.query.len > 0 ? u->request.query.data : NULL,
		.body = { u->request.body.data, u->request.body.len },
		.max_answer_bytes = u->ceiling,
		.timeout_ms = p->timeout_ms,
		.is_paced = true,
		.rate_per_s = p->rate_per_s,
	};
	struct err e = { 0 };

	if (has_findings(p, u) && u->reserved == 0) {
		u->reserved = u->ceiling;
		poller_enter(p, u->phase == UNIT_GET ? POLLER_GETTING : POLLER_LISTING);
	}
	u->call = api_start(p->api, &call, on_answer, p, &e);
	if (u->call)
		return;
	unit_give_back(p, u);
	poller_failed(p, NULL, u->request.operation, &e, -1);
}

static void
on_answer(void *arg, struct api_answer *a)
{
	struct poller *p = arg;
	struct unit *u = p->unit;

	u->call = NULL;
	if (a->err.kind != ERR_NONE) {
		on_refused(p, a);
	} else if (u->phase == UNIT_DETECTOR ||
	           (u->phase == UNIT_PROBE && p->kind->build_detectors)) {
		unit_on_detectors(p, a);
	} else if (u->phase == UNIT_PROBE) {
		unit_free(p);
	} else if (u->phase == UNIT_GET) {
		unit_on_findings(p, a);
	} else {
		unit_on_list(p, a);
	}
	if (p->unit && !unit_is_under_way(p->unit))
		unit_give_back(p, p->unit);
	poller_next(p);
}

/* Leave the page. When its ids were taken already, the window has to be walked again to have them. */
static void
give_up(struct poller *p)
{
	struct unit *u = p->unit;
	struct slot *s = unit_slot(p, u);

	if (u->phase == UNIT_GET && s)
		walk_restart(&s->walk);
	if (u->stream == STREAM_REREAD) {
		mem_free(p->reread);
		p->reread = NULL;
		p->reread_count = 0;
	}
	unit_free(p);
}

/* An answer that has come but is no use: the walk's trouble, not the service's. */
void
unit_page_failed(struct poller *p, const struct err *e)
{
	struct unit *u = p->unit;
	struct slot *s = unit_slot(p, u);
	const char *what = u->request.operation;

	give_up(p);
	poller_failed(p, s, what, e, -1);
}

/* The ceiling was the reserved part of the budget: first ask for a bigger part, then for a smaller page. */
static void
on_too_big(struct poller *p, const struct err *e)
{
	struct unit *u = p->unit;
	struct slot *s = unit_slot(p, u);

	unit_give_back(p, u);
	if (has_findings(p, u) && p->reserve < POLLER_RESERVE_MAX) {
		p->reserve = POLLER_RESERVE_MAX;
		if (u->phase == UNIT_LIST)
			unit_free(p);
		return;
	}
	if (u->phase == UNIT_GET && u->stream != STREAM_REREAD && u->batch > 1) {
		u->batch_max = (unsigned)(u->batch / 2);
		return;
	}
	if (u->phase == UNIT_LIST &&
	    walk_on_failure(&s->walk, WALK_FAILED_TOO_BIG) == WALK_RESTART) {
		log_warn(
			"poll.too_big source=%s region=%s account=%s stream=%s page_size=%u \"asks for "
			"smaller pages\"",
			p->source, p->region, p->account_name, source_stream_name(u->stream),
			s->walk.page_size);
		unit_free(p);
		return;
	}
	unit_page_failed(p, e);
}

/* Nothing about the question was wrong. */
static bool
is_of_the_moment(const struct api_answer *a)
{
	return a->err.kind == ERR_NET || a->err.kind == ERR_TIMEOUT ||
	       a->err.kind == ERR_THROTTLE || (a->err.kind == ERR_HTTP && a->err.is_temporary);
}

/* Refused credentials, where they are good elsewhere. */
static bool
is_not_opted_in(struct poller *p, const struct api_answer *a)
{
	p->is_region_refused =
		a->err.kind == ERR_AUTH && (strcmp(a->code, "UnrecognizedClientException") == 0 ||
	                                    strcmp(a->code, "InvalidClientTokenId") == 0);
	return p->is_region_refused && p->hooks.is_account_working &&
	       p->hooks.is_account_working(p, p->arg);
}

/* The first page of a window: nothing in the question is anybody's but ours, and AWS takes it. */
static void
explain_refusal(const struct poller *p, const struct unit *u, struct api_answer *a)
{
	size_t len = strlen(a->err.text);
	bool is_question =
		u->phase == UNIT_LIST || (u->phase == UNIT_PROBE && !p->kind->build_detectors);

	if (is_question && a->status == 400 && a->err.kind == ERR_HTTP)
		(void)snprintf(
			a->err.text + len, sizeof(a->err.text) - len,
			"; AWS takes this question (a filter and an order by %s): if endpoint_url names "
			"something else, it lacks these",
			p->kind->updated_key);
}

static void
on_refused(struct poller *p, struct api_answer *a)
{
	struct unit *u = p->unit;
	struct slot *s = unit_slot(p, u);
	const char *operation = u->request.operation;

	if (a->err.kind == ERR_LIMIT) {
		on_too_big(p, &a->err);
		return;
	}
	if (u->phase == UNIT_LIST && s->walk.token && a->status == 400 && a->err.kind == ERR_HTTP) {
		unit_obey(p, walk_on_failure(&s->walk, WALK_FAILED_TOKEN), a->err.text);
		return;
	}
	if (a->err.kind == ERR_PARSE ||
	    (a->err.kind == ERR_HTTP && a->status >= 200 && a->status < 300)) {
		unit_page_failed(p, &a->err);
		return;
	}
	explain_refusal(p, u, a);
	unit_give_back(p, u);
	if (u->phase == UNIT_GET && is_of_the_moment(a)) {
		/* The ids are kept: the same call again, later. */
	} else {
		give_up(p);
		/* It may be that the detector is gone: ask again which there is. */
		if (!is_of_the_moment(a)) {
			mem_free(p->detector);
			p->detector = NULL;
		}
	}
	if (a->err.kind == ERR_DISABLED || is_not_opted_in(p, a))
		poller_went_off(p, &a->err);
	else
		poller_failed(p, NULL, operation, &a->err, a->retry_after_ms);
}

void
unit_obey(struct poller *p, enum walk_verdict verdict, const char *why)
{
	struct unit *u = p->unit;
	struct slot *s = unit_slot(p, u);
	struct err e = { 0 };
	char from[TIMEFMT_BYTES], to[TIMEFMT_BYTES];

	(void)timefmt_rfc3339_ms(s->walk.start_ms, from);
	(void)timefmt_rfc3339_ms(s->walk.end_ms, to);
	if (verdict == WALK_RESTART) {
		log_warn(
			"poll.restart source=%s region=%s account=%s stream=%s from=%s to=%s why=\"%s\"",
			p->source, p->region, p->account_name, source_stream_name(u->stream), from,
			to, why);
		unit_free(p);
		return;
	}
	(void)err_temp(&e, ERR_LIMIT, "what was updated from %s to %s cannot be paged through: %s",
	               from, to, why);
	unit_page_failed(p, &e);
}
