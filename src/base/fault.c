/*
 * fault: named points of failure for tests. See fault.h.
 */
#include "config.h"

#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* What FINDINGSD_FAULT asks for: POINT:(kill|fail|fail+)@N. */
static struct {
	const char *point;
	size_t point_len;
	bool is_kill, is_sticky, is_read;
	uint64_t left;
} spec;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
read_spec(void)
{
	const char *text = getenv("FINDINGSD_FAULT");
	const char *colon = text ? strchr(text, ':') : NULL;

	spec.is_read = true;
	if (colon == NULL)
		return;
	spec.point = text;
	spec.point_len = (size_t)(colon - text);
	spec.is_kill = str_starts(colon + 1, "kill");
	spec.is_sticky = strstr(colon, "fail+") != NULL;
	const char *at = strchr(colon, '@');
	if (at == NULL || !str_to_u64(span_of(at + 1), &spec.left))
		spec.left = 1;
}

bool
fault_hit(const char *point)
{
	bool is_hit = false;

	(void)pthread_mutex_lock(&lock);
	if (!spec.is_read)
		read_spec();
	if (spec.point != NULL && strlen(point) == spec.point_len &&
	    memcmp(point, spec.point, spec.point_len) == 0) {
		if (spec.left > 0)
			spec.left--;
		is_hit = spec.left == 0;
		if (is_hit && !spec.is_sticky)
			spec.point = NULL;
	}
	bool is_kill = is_hit && spec.is_kill;
	(void)pthread_mutex_unlock(&lock);
	if (is_kill)
		(void)kill(getpid(), SIGKILL);
	return is_hit;
}
