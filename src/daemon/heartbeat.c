/*
 * heartbeat: a URL that is asked for while all is well. See heartbeat.h.
 */
#include "config.h"

#include "daemon/heartbeat.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http.h"

struct heartbeat {
	struct xfer *xfer;
	struct http *http; /* under way, or NULL */
	int64_t asked_mono_ms, last_ms;
	bool has_asked, is_failing;
};

static void heartbeat_on_answer(void *arg, struct http_answer *a);

struct heartbeat *
heartbeat_new(struct xfer *xfer)
{
	struct heartbeat *h = mem_zalloc(sizeof(*h));

	h->xfer = xfer;
	return h;
}

void
heartbeat_free(struct heartbeat *h)
{
	if (!h)
		return;
	http_cancel(h->http);
	mem_free(h);
}

int64_t
heartbeat_last_ms(const struct heartbeat *h)
{
	return h->last_ms;
}

/* The URL holds a key as often as not: it is never named. */
static void
note_result(struct heartbeat *h, const char *failed)
{
	if (failed && !h->is_failing)
		log_warn("heartbeat.failed error=\"%s\"", failed);
	if (!failed && h->is_failing)
		log_info("heartbeat.recovered");
	h->is_failing = failed;
	if (!failed)
		h->last_ms = clock_now_ms();
}

void
heartbeat_tick(struct heartbeat *h, const char *url, int64_t interval_ms, bool is_well)
{
	struct http_request req = { .url = url, .timeout_ms = 10000, .max_answer_bytes = 65536 };
	int64_t now = clock_mono_ms();
	struct err e = { 0 };

	if (!*url || !is_well || h->http || (h->has_asked && now - h->asked_mono_ms < interval_ms))
		return;
	h->has_asked = true;
	h->asked_mono_ms = now;
	h->http = http_start(h->xfer, &req, heartbeat_on_answer, h, &e);
	if (!h->http)
		note_result(h, e.text);
}

static void
heartbeat_on_answer(void *arg, struct http_answer *a)
{
	struct heartbeat *h = arg;
	char text[32];

	h->http = NULL;
	(void)snprintf(text, sizeof(text), "HTTP status %d", a->status);
	if (a->err.kind != ERR_NONE)
		note_result(h, a->err.text);
	else
		note_result(h, a->status / 100 == 2 ? NULL : text);
}
