/*
 * log: the one logging form. See log.h.
 */
#include "config.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/timefmt.h"

enum { LINE_MAX_BYTES = 4096, REPEAT_WINDOW_MS = 10000 };

static enum log_level max_level = LOG_LEVEL_INFO;
static uint64_t counts[8];
static log_tap_fn *tap_fn;
static void *tap_arg;
/* The last line written, to fold repeats. */
static char last_line[LINE_MAX_BYTES];
static int64_t last_mono_ms;
static uint64_t last_repeats;

static const struct {
	const char *word;
	enum log_level level;
} levels[] = {
	{ "err", LOG_LEVEL_ERR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

void
log_set_level(enum log_level level)
{
	max_level = level;
}

bool
log_level_parse(const char *word, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(word, levels[i].word) == 0) {
			*ret = levels[i].level;
			return true;
		}
	return false;
}

bool
log_is_on(enum log_level level)
{
	return level <= max_level;
}

uint64_t
log_count(enum log_level level)
{
	return counts[level & 7];
}

void
log_tap(log_tap_fn *fn, void *arg)
{
	tap_fn = fn;
	tap_arg = arg;
}

static const char *
level_word(enum log_level level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].level == level)
			return levels[i].word;
	return "info";
}

/* Copy text with everything that could forge or break a line escaped. */
static void
add_escaped(struct buf *b, const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (size_t i = 0; i < len; i += n) {
		n = str_utf8_decode(s + i, len - i, &cp);
		if (n == 0) {
			n = 1;
			(void)buf_printf(b, "\\x%02x", (unsigned char)s[i]);
		} else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
			(void)buf_printf(b, "\\x%02x", (unsigned)cp);
		} else if (cp == 0x2028 || cp == 0x2029 || (cp >= 0x202A && cp <= 0x202E) ||
		           (cp >= 0x2066 && cp <= 0x2069)) {
			(void)buf_printf(b, "\\u%04x",
			                 (unsigned)cp); /* line breaks and text direction */
		} else {
			(void)buf_add(b, s + i, n);
		}
	}
}

static void
write_line(enum log_level level, const char *line)
{
	char at[TIMEFMT_BYTES];
	struct buf out;

	counts[level & 7]++;
	if (tap_fn != NULL) {
		tap_fn(level, line, tap_arg);
		return;
	}
	buf_init(&out, LINE_MAX_BYTES + 128);
	if (getenv("JOURNAL_STREAM") != NULL)
		(void)buf_printf(&out, "<%d>", (int)level);
	else
		(void)buf_printf(&out, "%s %s ", timefmt_rfc3339_ms(clock_real_wall_ms(), at),
		                 level_word(level));
	(void)buf_add_str(&out, line);
	(void)buf_add_char(&out, '\n');
	(void)!write(STDERR_FILENO, out.data, out.len);
	buf_done(&out);
}

static void
flush_repeats(void)
{
	char line[64];

	if (last_repeats == 0)
		return;
	(void)snprintf(line, sizeof(line), "log.repeated times=%llu",
	               (unsigned long long)last_repeats);
	last_repeats = 0;
	write_line(LOG_LEVEL_INFO, line);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES / 2];
	struct buf line;
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(raw))
		raw[str_utf8_cut(raw, sizeof(raw) - 1, sizeof(raw) - 2)] = '\0';
	buf_init(&line, LINE_MAX_BYTES - 1);
	add_escaped(&line, raw);
	const char *text = line.data ? line.data : "";
	int64_t now = clock_real_mono_ms();
	if (strcmp(text, last_line) == 0 && now - last_mono_ms < REPEAT_WINDOW_MS) {
		last_repeats++;
	} else {
		flush_repeats();
		(void)snprintf(last_line, sizeof(last_line), "%s", text);
		last_mono_ms = now;
		write_line(level, text);
	}
	buf_done(&line);
}
