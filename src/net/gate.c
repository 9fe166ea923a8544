/*
 * gate: who may resolve which name. See gate.h.
 *
 * A gate is open for open_ms after its name was resolved, a little less than curl caches it; before that its first pass
 * is the resolver, if there is a slot. A slot is given back when the resolver is done, or hold_ms after one that hung.
 */
#include "config.h"

#include "net/gate.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/xfer.h"

enum { GATES_MAX = 512 /* above this, gates at rest are dropped */ };

static const int64_t open_ms =
	50000; /* less than XFER_DNS_CACHE_S: never two resolvers of one name */
static const int64_t hold_ms = 5000;

TAILQ_HEAD(pass_list, gate_pass);

struct gate {
	UT_hash_handle hh;
	TAILQ_ENTRY(gate) wanted; /* in gates->wanted while somebody waits */
	struct pass_list waiting;
	size_t passes;              /* that point here */
	struct gate_pass *resolver; /* the one that resolves */
	int64_t open_until_ms;      /* monotonic */
	int64_t held_until_ms;      /* > 0: a resolver's thread may be alive until then */
	char name[];
};

struct gates {
	struct loop *loop;
	struct timer *holds; /* end of the next held slot */
	void (*on_change)(void *arg);
	void *arg;
	struct gate *by_name;
	TAILQ_HEAD(, gate) wanted; /* gates at which somebody waits, longest first */
	unsigned slots_taken;      /* gates with a resolver, or held */
	char *last_url,
		*last_name; /* the last URL's host, as name_of has it: most requests are like the one before */
};

static void
free_slot(struct gates *gs, struct gate *g)
{
	assert(gs->slots_taken > 0);
	gs->slots_taken--;
	g->resolver = NULL;
	g->held_until_ms = 0;
	gs->on_change(gs->arg);
}

static void
on_holds(void *arg)
{
	struct gates *gs = arg;
	struct gate *g, *tmp;
	int64_t now_ms = clock_mono_ms(), next_ms = INT64_MAX;

	HASH_ITER(hh, gs->by_name, g, tmp)
	{
		if (g->held_until_ms == 0)
			continue;
		if (g->held_until_ms <= now_ms)
			free_slot(gs, g);
		else if (g->held_until_ms < next_ms)
			next_ms = g->held_until_ms;
	}
	if (next_ms != INT64_MAX)
		timer_set(gs->holds, next_ms - now_ms);
}

struct gates *
gates_new(struct loop *l, void (*on_change)(void *arg), void *arg)
{
	struct gates *gs = mem_zalloc(sizeof(*gs));

	gs->loop = l;
	gs->on_change = on_change;
	gs->arg = arg;
	gs->holds = timer_new(l, on_holds, gs);
	TAILQ_INIT(&gs->wanted);
	return gs;
}

static void
gate_free(struct gates *gs, struct gate *g)
{
	assert(g->passes == 0);
	HASH_DEL(gs->by_name, g);
	mem_free(g);
}

void
gates_free(struct gates *gs)
{
	struct gate *g, *tmp;

	HASH_ITER(hh, gs->by_name, g, tmp)
	gate_free(gs, g);
	mem_free_secret(gs->last_url);
	curl_free(gs->last_name);
	timer_free(gs->holds);
	mem_free(gs);
}

/* The host of a URL, for the caller to curl_free; NULL: none, or an address that needs no resolving. */
static char *
name_of(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	unsigned char address[16];

	if (u != NULL && url != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		(void)curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_url_cleanup(u);
	if (host != NULL && (host[0] == '[' || inet_pton(AF_INET, host, address) == 1)) {
		curl_free(host);
		host = NULL;
	}
	return host;
}

static const char *
name_of_cached(struct gates *gs, const char *url)
{
	if (url == NULL)
		return NULL;
	if (gs->last_url == NULL || strcmp(gs->last_url, url) != 0) {
		mem_free_secret(gs->last_url);
		curl_free(gs->last_name);
		gs->last_name = name_of(url);
		gs->last_url = mem_strdup(url);
	}
	return gs->last_name;
}

static void
drop_those_at_rest(struct gates *gs)
{
	struct gate *g, *tmp;
	int64_t now_ms = clock_mono_ms();

	HASH_ITER(hh, gs->by_name, g, tmp)
	if (g->passes == 0 && g->held_until_ms == 0 && g->open_until_ms <= now_ms)
		gate_free(gs, g);
}

static struct gate *
gate_for(struct gates *gs, const char *url)
{
	struct gate *g = NULL;
	const char *name = name_of_cached(gs, url);

	if (name == NULL)
		return NULL;
	HASH_FIND_STR(gs->by_name, name, g);
	if (g == NULL) {
		if (HASH_COUNT(gs->by_name) >= GATES_MAX)
			drop_those_at_rest(gs);
		size_t len = strlen(name);
		g = mem_zalloc(sizeof(*g) + len + 1);
		memcpy(g->name, name, len + 1);
		TAILQ_INIT(&g->waiting);
		HASH_ADD_STR(gs->by_name, name, g);
	}
	return g;
}

/* Through an open gate, or as its resolver. */
static bool
may_go(struct gates *gs, struct gate *g, struct gate_pass *p)
{
	if (g->open_until_ms > clock_mono_ms())
		return true;
	if (g->resolver != NULL || g->held_until_ms != 0 || gs->slots_taken >= XFER_RESOLVING_MAX)
		return false;
	gs->slots_taken++;
	g->resolver = p;
	return true;
}

bool
gate_enter(struct gates *gs, struct gate_pass *p, const char *url)
{
	struct gate *g = p->gate = gate_for(gs, url);

	if (g == NULL)
		return true;
	g->passes++;
	if (TAILQ_EMPTY(&g->waiting) && may_go(gs, g, p))
		return true;
	if (TAILQ_EMPTY(&g->waiting))
		TAILQ_INSERT_TAIL(&gs->wanted, g, wanted);
	TAILQ_INSERT_TAIL(&g->waiting, p, link);
	p->is_waiting = true;
	return false;
}

static void
take_out(struct gates *gs, struct gate_pass *p)
{
	assert(p->is_waiting);
	p->is_waiting = false;
	TAILQ_REMOVE(&p->gate->waiting, p, link);
	if (TAILQ_EMPTY(&p->gate->waiting))
		TAILQ_REMOVE(&gs->wanted, p->gate, wanted);
}

struct gate_pass *
gates_next(struct gates *gs)
{
	struct gate *g;

	TAILQ_FOREACH(g, &gs->wanted, wanted) {
		struct gate_pass *p = TAILQ_FIRST(&g->waiting);
		if (!may_go(gs, g, p))
			continue;
		take_out(gs, p);
		return p;
	}
	return NULL;
}

void
gate_resolved(struct gates *gs, struct gate_pass *p)
{
	if (p->gate == NULL)
		return;
	p->gate->open_until_ms = clock_mono_ms() + open_ms;
	if (p->gate->resolver == p)
		free_slot(gs, p->gate);
}

void
gate_leave(struct gates *gs, struct gate_pass *p)
{
	take_out(gs, p);
	p->gate->passes--;
	p->gate = NULL;
}

bool
gate_over(struct gates *gs, struct gate_pass *p, bool is_hung)
{
	struct gate *g = p->gate;

	if (g == NULL)
		return false;
	p->gate = NULL;
	g->passes--;
	if (g->resolver != p)
		return false;
	if (!is_hung) {
		free_slot(gs, g);
		return true;
	}
	g->resolver = NULL;
	g->held_until_ms = clock_mono_ms() + hold_ms;
	if (!timer_is_set(gs->holds))
		timer_set(gs->holds, hold_ms);
	return true;
}

struct gate_pass *
gate_take_waiting(struct gates *gs, struct gate *g)
{
	struct gate_pass *p = TAILQ_FIRST(&g->waiting);

	if (p != NULL)
		gate_leave(gs, p);
	return p;
}
