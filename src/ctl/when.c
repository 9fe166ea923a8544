/*
 * when: instants as people give them to commands. See when.h.
 */
#include "config.h"

#include "ctl/when.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/timefmt.h"

bool
when_parse(const char *text, int64_t *ret_ms)
{
	int64_t ago_ms;

	if (timefmt_parse(span_of(text), ret_ms, NULL))
		return *ret_ms > 0;
	if (!str_to_duration_ms(span_of(text), &ago_ms))
		return false;
	clock_refresh();
	*ret_ms = clock_now_ms() > ago_ms ? clock_now_ms() - ago_ms : 1;
	return true;
}
