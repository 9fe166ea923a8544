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

enum { SPECS_MAX = 8 };

/* What FINDINGSD_FAULT asks for: POINT:(kill|fail|fail+)@N, and more of them. */
struct fault_spec {
	struct span point;
	bool is_kill, is_sticky, is_over;
	uint64_t left;
};

static struct fault_spec specs[SPECS_MAX];
static size_t spec_count;
static bool is_read;
static const char hit_line[] = "fault.hit\n"; /* tests look for it */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
read_spec(struct span text)
{
	struct fault_spec *s = &specs[spec_count];
	const char *colon = memchr(text.p, ':', text.len);

	if (colon == NULL || spec_count == SPECS_MAX)
		return;
	s->point = (struct span){ text.p, (size_t)(colon - text.p) };
	struct span how = { colon + 1, text.len - s->point.len - 1 };
	const char *at = memchr(how.p, '@', how.len);
	struct span number = { at ? at + 1 : "1", at ? (size_t)(how.p + how.len - at - 1) : 1 };
	how.len = at ? (size_t)(at - how.p) : how.len;
	s->is_kill = span_eq_str(how, "kill");
	s->is_sticky = span_eq_str(how, "fail+");
	if (!str_to_u64(number, &s->left))
		s->left = 1;
	spec_count++;
}

static void
read_specs(void)
{
	const char *text = getenv("FINDINGSD_FAULT");

	is_read = true;
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, " ");
		read_spec((struct span){ text, len });
		text += len + strspn(text + len, " ");
	}
}

static bool
is_struck(struct fault_spec *s, const char *point)
{
	if (s->is_over || !span_eq_str(s->point, point))
		return false;
	if (s->left > 0)
		s->left--;
	if (s->left > 0)
		return false;
	s->is_over = !s->is_sticky;
	return true;
}

bool
fault_hit(const char *point)
{
	bool is_hit = false, is_kill = false;

	(void)pthread_mutex_lock(&lock);
	if (!is_read)
		read_specs();
	for (size_t i = 0; i < spec_count; i++) {
		if (is_struck(&specs[i], point)) {
			is_hit = true;
			is_kill |= specs[i].is_kill;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	if (is_hit)
		(void)!write(STDERR_FILENO, hit_line, sizeof(hit_line) - 1);
	if (is_kill)
		(void)kill(getpid(), SIGKILL);
	return is_hit;
}
