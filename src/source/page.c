/*
 * page: see page.h.
 */
#include "config.h"

#include "source/page.h"

#include <assert.h>

#include "base/mem.h"

struct budget {
	size_t max_bytes;
	size_t used;
	struct budget_wait *first, *last; /* in order of asking */
	bool is_granting;
};

int64_t
page_start_ms(const struct page *p)
{
	switch (p->start.kind) {
	case SOURCE_START_NOW:
		return p->started_ms;
	case SOURCE_START_AGO:
		return p->started_ms - p->start.ms;
	case SOURCE_START_AT:
		return p->start.ms;
	case SOURCE_START_OPEN:
		break;
	}
	return 0;
}

bool
page_is_baseline(const struct page *p, int64_t created_ms, int64_t updated_ms)
{
	switch (p->start.kind) {
	case SOURCE_START_NOW:
		return created_ms > 0 && created_ms < page_start_ms(p);
	case SOURCE_START_AGO:
	case SOURCE_START_AT:
		return updated_ms > 0 && updated_ms < page_start_ms(p);
	case SOURCE_START_OPEN:
		break;
	}
	return false;
}

void
page_free(struct page *p)
{
	if (!p)
		return;
	if (p->budget)
		budget_give(p->budget, p->reserved);
	mem_free(p->findings);
	mem_free(p->asked);
	mem_free(p->asked_bytes);
	mem_free(p->names);
	buf_done(&p->bytes);
	mem_free(p);
}

struct budget *
budget_new(size_t max_bytes)
{
	struct budget *b = mem_zalloc(sizeof(*b));

	b->max_bytes = max_bytes;
	return b;
}

void
budget_free(struct budget *b)
{
	if (!b)
		return;
	assert(b->used == 0 && !b->first);
	mem_free(b);
}

/* More than the whole budget is had by who is alone. */
static bool
has_room(const struct budget *b, size_t bytes)
{
	return b->used == 0 || (b->used <= b->max_bytes && bytes <= b->max_bytes - b->used);
}

bool
budget_take(struct budget *b, size_t bytes, struct budget_wait *w, budget_fn *fn, void *arg)
{
	assert(!w->is_waiting);
	if (!b->first && has_room(b, bytes)) {
		b->used += bytes;
		return true;
	}
	*w = (struct budget_wait){
		.prev = b->last, .is_waiting = true, .bytes = bytes, .fn = fn, .arg = arg
	};
	if (b->last)
		b->last->next = w;
	else
		b->first = w;
	b->last = w;
	return false;
}

static void
unlink_wait(struct budget *b, struct budget_wait *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		b->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		b->last = w->prev;
	w->is_waiting = false;
}

/* Whoever is called may give and take again: the outermost call grants for all. */
static void
grant(struct budget *b)
{
	if (b->is_granting)
		return;
	b->is_granting = true;
	while (b->first && has_room(b, b->first->bytes)) {
		struct budget_wait *w = b->first;

		unlink_wait(b, w);
		b->used += w->bytes;
		w->fn(w->arg);
	}
	b->is_granting = false;
}

void
budget_cancel(struct budget *b, struct budget_wait *w)
{
	if (!w->is_waiting)
		return;
	unlink_wait(b, w);
	grant(b);
}

void
budget_give(struct budget *b, size_t bytes)
{
	assert(bytes <= b->used);
	b->used -= bytes;
	grant(b);
}

size_t
budget_used(const struct budget *b)
{
	return b->used;
}
