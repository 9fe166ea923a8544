/*
 * conf_fixture: a configuration written into a folder of its own, loaded, its problems as one text.
 *
 * Tests run inside that folder, so that files are called by their bare names in problems.
 */
#ifndef FD_TESTS_CONF_FIXTURE_H
#define FD_TESTS_CONF_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"

static char fixture_folder[64];

static inline void
fixture_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

/* cmocka's group set-up and tear-down. */
static inline int
fixture_enter(void **state)
{
	(void)state;
	(void)snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/fd-conf-XXXXXX");
	(void)unsetenv("AWS_REGION");
	(void)unsetenv("AWS_DEFAULT_REGION");
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	return mkdtemp(fixture_folder) == NULL || chdir(fixture_folder) != 0 ||
	       mkdir("conf.d", 0700) != 0;
}

static inline int
fixture_leave(void **state)
{
	static const char *const names[] = { "findingsd.conf", "conf.d/a.conf", "conf.d/b.conf",
		                             "p.json",         "secret",        "conf.d/README" };

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++)
		(void)unlink(names[i]);
	(void)rmdir("conf.d");
	return chdir("/") != 0 || rmdir(fixture_folder) != 0;
}

/* The folder's name differs in each run: FOLDER stands for it. */
static inline char *
fixture_shorten(char *text)
{
	struct buf out = { 0 };
	size_t n = strlen(fixture_folder);

	(void)buf_add(&out, "", 0);
	for (const char *p = text; *p != '\0';)
		if (n > 0 && strncmp(p, fixture_folder, n) == 0) {
			(void)buf_add_str(&out, "FOLDER");
			p += n;
		} else {
			(void)buf_add_char(&out, *p++);
		}
	mem_free(text);
	return buf_take(&out, NULL);
}

/* Problems, one per line. Caller frees with mem_free. */
static inline char *
fixture_problems(struct conf_problems *p)
{
	struct buf out = { 0 };

	(void)buf_add(&out, "", 0);
	for (size_t i = 0; i < p->count; i++) {
		conf_problem_print(&p->items[i], &out);
		(void)buf_add_char(&out, '\n');
	}
	conf_problems_done(p);
	return fixture_shorten(buf_take(&out, NULL));
}

/* Load what stands in findingsd.conf; *ret is NULL when refused. Caller frees both. */
static inline char *
fixture_load_file(struct conf **ret)
{
	struct conf_problems p;
	struct conf *c = NULL;
	int rc = conf_load("findingsd.conf", &c, &p);

	assert_int_equal(rc == 0, c != NULL);
	assert_int_equal(rc == 0, p.error_count == 0);
	if (ret != NULL)
		*ret = c;
	else
		conf_free(c);
	return fixture_problems(&p);
}

static inline char *
fixture_load(const char *text, struct conf **ret)
{
	fixture_write("findingsd.conf", text, strlen(text));
	return fixture_load_file(ret);
}

/* The problems of text are exactly these lines. */
static inline void
fixture_expect(const char *text, const char *problems)
{
	char *found = fixture_load(text, NULL);

	if (strcmp(found, problems) != 0)
		print_error("of: %s\n", text);
	assert_string_equal(found, problems);
	mem_free(found);
}

/* All that a configuration needs but rules; no line break, so that what follows is in line 1. */
#define FIXTURE_SOURCES "aws={regions=[\"us-east-1\"];};sources=({name=\"g\";type=\"guardduty\";});"
#define FIXTURE_SINKS   "sinks=({name=\"h\";type=\"webhook\";url=\"https://example.com/\";});"
#define FIXTURE_RULES \
	"rules=({name=\"r\";pattern=\"{\\\"source\\\":[\\\"aws.guardduty\\\"]}\";sinks=[\"h\"];});"
#define FIXTURE_BASE FIXTURE_SOURCES FIXTURE_SINKS FIXTURE_RULES

#endif
