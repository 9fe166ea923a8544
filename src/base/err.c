/*
 * err: why a call failed. See err.h. Allocates nothing, logs nothing.
 */
#include "config.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_PARSE] = "parse",
	[ERR_CONFIG] = "config",
	[ERR_LIMIT] = "limit",
	[ERR_IO] = "io",
	[ERR_NET] = "net",
	[ERR_TIMEOUT] = "timeout",
	[ERR_HTTP] = "http",
	[ERR_AUTH] = "auth",
	[ERR_THROTTLE] = "throttle",
	[ERR_DISABLED] = "disabled",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_STORE] = "store",
	[ERR_FULL] = "full",
	[ERR_LOCKED] = "locked",
	[ERR_CORRUPT] = "corrupt",
	[ERR_SCHEMA] = "schema",
	[ERR_CANCELLED] = "cancelled",
	[ERR_BUG] = "bug",
};

/* vsnprintf cuts bytes; take a code point that was cut in two away whole. */
static void
trim_utf8_tail(char *s, size_t len)
{
	size_t i = len;

	while (i > 0 && ((unsigned char)s[i - 1] & 0xC0) == 0x80)
		i--;
	if (i == 0)
		return;
	unsigned char lead = (unsigned char)s[i - 1];
	size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (len - (i - 1) < want)
		s[i - 1] = '\0';
}

static void
set(struct err *e, enum err_kind kind, bool is_temporary, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_BYTES]; /* the arguments may point into e->text */

	if (e == NULL)
		return;
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= (int)sizeof(text))
		trim_utf8_tail(text, sizeof(text) - 1);
	memcpy(e->text, text, sizeof(text));
	e->kind = kind;
	e->is_temporary = is_temporary;
}

int
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, kind, false, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_temp(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, kind, true, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char where[ERR_TEXT_BYTES];
	char text[2 * ERR_TEXT_BYTES + 2];
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	int n = snprintf(text, sizeof(text), "%s: %s", where, e->text);
	memcpy(e->text, text, sizeof(e->text) - 1);
	e->text[sizeof(e->text) - 1] = '\0';
	if (n >= (int)sizeof(e->text))
		trim_utf8_tail(e->text, sizeof(e->text) - 1);
	return -1;
}

void
err_clear(struct err *e)
{
	e->kind = ERR_NONE;
	e->is_temporary = false;
	e->text[0] = '\0';
}

const char *
err_kind_name(enum err_kind kind)
{
	if ((unsigned)kind >= sizeof(kind_names) / sizeof(kind_names[0]))
		return "unknown";
	return kind_names[kind];
}
