/*
 * alert_memo: what of our own trouble was told, and what waits to be: at most one alert per type in an hour.
 *
 * Within the hour the rest is held by subject (the last word of each counts), and told as one at its end; a failing that
 * ended before it was told is not told. What failed and was told is open until its recovery; both the hours and what is
 * open survive a restart (alerts.c keeps them in the store), so that a daemon in a crash loop does not page at each
 * start, and that the end of a trouble is told whoever saw its beginning.
 *
 * Pure: no clock, no I/O, no log. mono_ms: monotonic.
 */
#ifndef FD_DAEMON_ALERT_MEMO_H
#define FD_DAEMON_ALERT_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/alerts.h"
#include "event/finding.h"

enum {
	ALERT_SUBJECT_BYTES = 200,
	ALERT_TEXT_BYTES = 400,
	ALERT_HELD_MAX = 64, /* subjects kept of a type; more are counted */
	ALERT_OPEN_MAX = 10000,
	ALERT_HOUR_MS = 3600000,
	ALERT_AGAIN_MS = 60000, /* nobody took it: again after */
};

struct alert_row {
	const char *name;   /* detail-type */
	const char *family; /* Failing and Recovered of one family share a thread */
	enum severity severity;
	bool has_end; /* there is a Recovered for it: the next type */
	bool is_recovery;
};
extern const struct alert_row alert_rows[ALERT_TYPE_COUNT];

/* One subject. */
struct alert_word {
	char subject[ALERT_SUBJECT_BYTES], text[ALERT_TEXT_BYTES];
	uint32_t generation;
};

/* What is to be told now, as one. */
struct alert_say {
	enum alert_type type;
	struct alert_word *words; /* at least one; the first names the thread */
	size_t count;
	unsigned more; /* held back beyond these */
};
void alert_say_done(struct alert_say *s);

struct alert_memo;
struct alert_memo *alert_memo_new(void);
void alert_memo_free(struct alert_memo *m);

/* As the last run left it. told_ago_ms: since this type was told last. */
void alert_memo_load_told(struct alert_memo *m, enum alert_type type, int64_t mono_ms,
                          int64_t told_ago_ms);
void alert_memo_load_open(struct alert_memo *m, const char *key, uint32_t generation);

/* Something happened. true: tell *ret now (alert_say_done). generation: of a trouble that begins now. */
bool alert_memo_raise(struct alert_memo *m, enum alert_type type, const char *subject,
                      const char *text, uint32_t generation, int64_t mono_ms,
                      struct alert_say *ret);
/* The hour of this type is over and something was held: true, tell it now. */
bool alert_memo_due(struct alert_memo *m, enum alert_type type, int64_t mono_ms,
                    struct alert_say *ret);

/* It went out unrecorded and may not be heard: hold it again, for a minute, unless alert_memo_heard comes. */
void alert_memo_again(struct alert_memo *m, const struct alert_say *s, int64_t mono_ms);
void alert_memo_heard(struct alert_memo *m, enum alert_type type, int64_t mono_ms);

/* A Failing of this Recovered's subject was told and is not over. */
bool alert_memo_is_open(const struct alert_memo *m, enum alert_type recovered, const char *subject);
/* "Source/hub/us-east-1" */
void alert_memo_key(enum alert_type type, const char *subject, char *out, size_t bytes);

#endif
