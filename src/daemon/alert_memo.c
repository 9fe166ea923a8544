/*
 * alert_memo: see alert_memo.h.
 */
#include "config.h"

#include "daemon/alert_memo.h"

#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"

const struct alert_row alert_rows[ALERT_TYPE_COUNT] = {
	[ALERT_SOURCE_FAILING] = { "Source Failing", "Source", SEVERITY_HIGH, true, false },
	[ALERT_SOURCE_RECOVERED] = { "Source Recovered", "Source", SEVERITY_INFORMATIONAL, false,
	                             true },
	[ALERT_SINK_FAILING] = { "Sink Failing", "Sink", SEVERITY_HIGH, true, false },
	[ALERT_SINK_RECOVERED] = { "Sink Recovered", "Sink", SEVERITY_INFORMATIONAL, false, true },
	[ALERT_STORE_FAILING] = { "Store Failing", "Store", SEVERITY_CRITICAL, true, false },
	[ALERT_STORE_RECOVERED] = { "Store Recovered", "Store", SEVERITY_INFORMATIONAL, false,
	                            true },
	[ALERT_QUEUE_BACKLOG] = { "Queue Backlog", "Queue", SEVERITY_HIGH, false, false },
	[ALERT_DEAD_LETTER] = { "Dead Letter", "Dead Letter", SEVERITY_HIGH, false, false },
	[ALERT_QUARANTINE] = { "Quarantine", "Quarantine", SEVERITY_MEDIUM, false, false },
	[ALERT_RELOAD_REFUSED] = { "Reload Refused", "Reload", SEVERITY_MEDIUM, false, false },
	[ALERT_COVERAGE_GAP] = { "Coverage Gap", "Coverage", SEVERITY_MEDIUM, false, false },
	[ALERT_CLOCK_WRONG] = { "Clock Wrong", "Clock", SEVERITY_MEDIUM, false, false },
};

/* A failing that was told and not yet its end. */
struct alert_open {
	UT_hash_handle hh;
	uint32_t generation;
	char key[]; /* family/subject */
};

struct alert_hour {
	bool is_told;
	int64_t told_mono_ms;
	struct alert_word *held;
	size_t count;
	unsigned more;
	size_t unheard; /* the first so many of held went out without a record, and nobody took them yet */
	unsigned unheard_more;
};

struct alert_memo {
	struct alert_open *open;
	struct alert_hour hours[ALERT_TYPE_COUNT];
};

struct alert_memo *
alert_memo_new(void)
{
	return mem_zalloc(sizeof(struct alert_memo));
}

void
alert_memo_free(struct alert_memo *m)
{
	struct alert_open *o, *next;

	if (!m)
		return;
	HASH_ITER(hh, m->open, o, next)
	{
		HASH_DEL(m->open, o);
		mem_free(o);
	}
	for (int i = 0; i < ALERT_TYPE_COUNT; i++)
		mem_free(m->hours[i].held);
	mem_free(m);
}

void
alert_say_done(struct alert_say *s)
{
	mem_free(s->words);
	*s = (struct alert_say){ .type = s->type };
}

void
alert_memo_key(enum alert_type type, const char *subject, char *out, size_t bytes)
{
	(void)snprintf(out, bytes, "%s/%s", alert_rows[type].family, subject);
}

static struct alert_open *
find_open(const struct alert_memo *m, enum alert_type type, const char *subject)
{
	char key[2 * ALERT_SUBJECT_BYTES];
	struct alert_open *o;

	alert_memo_key(type, subject, key, sizeof(key));
	HASH_FIND_STR(m->open, key, o);
	return o;
}

void
alert_memo_load_told(struct alert_memo *m, enum alert_type type, int64_t mono_ms,
                     int64_t told_ago_ms)
{
	m->hours[type].is_told = told_ago_ms < ALERT_HOUR_MS;
	m->hours[type].told_mono_ms = mono_ms - (told_ago_ms > 0 ? told_ago_ms : 0);
}

void
alert_memo_load_open(struct alert_memo *m, const char *key, uint32_t generation)
{
	size_t bytes = strlen(key) + 1;
	struct alert_open *o;

	HASH_FIND_STR(m->open, key, o);
	if (o || HASH_COUNT(m->open) >= ALERT_OPEN_MAX)
		return;
	o = mem_zalloc(sizeof(*o) + bytes);
	memcpy(o->key, key, bytes);
	o->generation = generation;
	HASH_ADD_KEYPTR(hh, m->open, o->key, bytes - 1, o);
}

bool
alert_memo_is_open(const struct alert_memo *m, enum alert_type recovered, const char *subject)
{
	return m->open && find_open(m, recovered, subject);
}

static bool
is_hour_over(const struct alert_hour *h, int64_t mono_ms)
{
	return !h->is_told || mono_ms - h->told_mono_ms >= ALERT_HOUR_MS;
}

static void
drop_held(struct alert_hour *h, size_t i)
{
	h->count--;
	if (i < h->unheard)
		h->unheard--;
	memmove(&h->held[i], &h->held[i + 1], (h->count - i) * sizeof(h->held[0]));
}

static size_t
find_held(const struct alert_hour *h, const char *subject)
{
	size_t i = 0;

	while (i < h->count && strcmp(h->held[i].subject, subject) != 0)
		i++;
	return i;
}

/* The last word on a subject is the one that is told; that there were others is counted. */
static void
hold(struct alert_hour *h, const struct alert_word *w)
{
	size_t i = find_held(h, w->subject);

	if (i < h->count) {
		h->held[i] = *w;
		h->more++;
		return;
	}
	if (h->count == ALERT_HELD_MAX) {
		h->more++;
		return;
	}
	h->held = mem_reallocn(h->held, h->count + 1, sizeof(h->held[0]));
	h->held[h->count++] = *w;
}

/* It is told: a failing is open from now on, a recovery ends it. */
static void
note_told(struct alert_memo *m, const struct alert_say *s)
{
	char key[2 * ALERT_SUBJECT_BYTES];

	for (size_t i = 0; i < s->count && alert_rows[s->type].has_end; i++) {
		alert_memo_key(s->type, s->words[i].subject, key, sizeof(key));
		alert_memo_load_open(m, key, s->words[i].generation);
	}
}

static bool
say(struct alert_memo *m, enum alert_type type, struct alert_word *words, size_t count,
    unsigned more, int64_t mono_ms, struct alert_say *ret)
{
	*ret = (struct alert_say){ type, words, count, more };
	m->hours[type].is_told = true;
	m->hours[type].told_mono_ms = mono_ms;
	note_told(m, ret);
	return true;
}

/* false: nobody was told that it failed, and nobody will be. */
static bool
end_trouble(struct alert_memo *m, enum alert_type type, const char *subject, uint32_t *generation)
{
	enum alert_type failing = (enum alert_type)(type - 1);
	struct alert_hour *h = &m->hours[failing];
	struct alert_open *o = find_open(m, type, subject);
	size_t i = find_held(h, subject);

	if (i < h->count)
		drop_held(h, i);
	if (!o)
		return false;
	*generation = o->generation;
	HASH_DEL(m->open, o);
	mem_free(o);
	return true;
}

/* It failed, was to be told well again at the end of the hour, and fails anew: all that people know is still so. */
static bool
take_back_end(struct alert_memo *m, enum alert_type failing, const char *subject)
{
	struct alert_hour *h = &m->hours[failing + 1];
	size_t i = find_held(h, subject);
	char key[2 * ALERT_SUBJECT_BYTES];

	if (i == h->count || i < h->unheard)
		return false;
	alert_memo_key(failing, subject, key, sizeof(key));
	alert_memo_load_open(m, key, h->held[i].generation);
	drop_held(h, i);
	return true;
}

bool
alert_memo_raise(struct alert_memo *m, enum alert_type type, const char *subject, const char *text,
                 uint32_t generation, int64_t mono_ms, struct alert_say *ret)
{
	struct alert_hour *h = &m->hours[type];
	const struct alert_row *row = &alert_rows[type];
	struct alert_word w = { .generation = row->has_end ? generation : 1 };
	const struct alert_open *o;
	struct alert_word *words;

	(void)snprintf(w.subject, sizeof(w.subject), "%s", subject);
	(void)snprintf(w.text, sizeof(w.text), "%s", text ? text : "");
	if (row->is_recovery && !end_trouble(m, type, w.subject, &w.generation))
		return false;
	if (row->has_end && take_back_end(m, type, w.subject))
		return false;
	if (row->has_end && (o = find_open(m, type, w.subject)) != NULL)
		w.generation = o->generation;
	if (!is_hour_over(h, mono_ms) || h->count) {
		hold(h, &w);
		return false;
	}
	words = mem_alloc(sizeof(*words));
	*words = w;
	return say(m, type, words, 1, 0, mono_ms, ret);
}

bool
alert_memo_due(struct alert_memo *m, enum alert_type type, int64_t mono_ms, struct alert_say *ret)
{
	struct alert_hour *h = &m->hours[type];
	struct alert_word *words = h->held;
	size_t count = h->count;
	unsigned more = h->more;

	if (!count || !is_hour_over(h, mono_ms))
		return false;
	h->held = NULL;
	h->count = h->unheard = 0;
	h->more = h->unheard_more = 0;
	return say(m, type, words, count, more, mono_ms, ret);
}

void
alert_memo_again(struct alert_memo *m, const struct alert_say *s, int64_t mono_ms)
{
	struct alert_hour *h = &m->hours[s->type];
	struct alert_word *held = h->held;
	size_t count = h->count;

	h->held = mem_calloc(s->count + count, sizeof(h->held[0]));
	h->count = 0;
	for (size_t i = 0; i < s->count; i++)
		hold(h, &s->words[i]);
	h->unheard = h->count;
	h->unheard_more = s->more;
	h->more += s->more;
	for (size_t i = 0; i < count; i++)
		hold(h, &held[i]);
	mem_free(held);
	h->is_told = true;
	h->told_mono_ms = mono_ms - ALERT_HOUR_MS + ALERT_AGAIN_MS;
}

void
alert_memo_heard(struct alert_memo *m, enum alert_type type, int64_t mono_ms)
{
	struct alert_hour *h = &m->hours[type];

	if (!h->unheard)
		return;
	while (h->unheard)
		drop_held(h, 0);
	h->more -= h->unheard_more < h->more ? h->unheard_more : h->more;
	h->unheard_more = 0;
	h->told_mono_ms = mono_ms;
}
