/*
 * health: whether we are ready, and if not, why. See health.h.
 */
#include "config.h"

#include "control/health.h"

#include <stdarg.h>
#include <stdio.h>

void
health_init(struct health *h)
{
	h->reason_count = 0;
	buf_init(&h->reasons, 0);
}

void
health_done(struct health *h)
{
	buf_done(&h->reasons);
}

void
health_add(struct health *h, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	h->reason_count++;
	if (h->reason_count > HEALTH_MAX_REASONS)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	}
	(void)buf_printf(&h->reasons, "%s\n", line);
}

bool
health_is_ready(const struct health *h)
{
	return h->reason_count == 0;
}

void
health_print(const struct health *h, struct buf *out)
{
	if (health_is_ready(h)) {
		(void)buf_add_str(out, "ready\n");
		return;
	}
	(void)buf_add_str(out, "not ready\n");
	if (h->reasons.len)
		(void)buf_add(out, h->reasons.data, h->reasons.len);
	if (h->reason_count > HEALTH_MAX_REASONS)
		(void)buf_printf(out, "and %zu more\n", h->reason_count - HEALTH_MAX_REASONS);
}
