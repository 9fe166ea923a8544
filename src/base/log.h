/*
 * log: the one logging form.
 *
 *	log_info("poll.done source=%s findings=%zu", name, n);
 *
 * First word room.what, then key=value, free text last and quoted. Loop's thread only. One line per event on standard
 * error, "<n>" level prefix for the journal when JOURNAL_STREAM is set; otherwise an
 * RFC 3339 instant and the level's name. Control bytes, quotes within a line's values and bytes that are not UTF-8
 * are escaped, so a finding's text can never forge a line. The same line within 10 s is counted, not repeated.
 * Secrets are never passed here.
 */
#ifndef FD_BASE_LOG_H
#define FD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

void log_set_level(enum log_level level);
bool log_level_parse(const char *word, enum log_level *ret); /* err, warn, info, debug */
bool log_is_on(enum log_level level);

/* Lines since start per level, for metrics. */
uint64_t log_count(enum log_level level);

/* For tests: called with each finished line (without newline) instead of writing it; NULL writes again. */
typedef void log_tap_fn(enum log_level level, const char *line, void *arg);
void log_tap(log_tap_fn *fn, void *arg);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)  log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_is_on(LOG_LEVEL_DEBUG))                 \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
