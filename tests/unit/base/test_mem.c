/*
 * Out of memory leaves with 71 and its line, whoever asked for the memory. Each case runs in a child with no memory left.
 */
#include "config.h"

#include "unit.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exits.h"
#include "base/mem.h"

enum { ENOUGH = 8 << 20, EACH = 1 << 16, LIVED = 3 };

static void *volatile kept; /* so that no allocation is taken for useless */
static char *big;

static void
ask_mem(void)
{
	kept = mem_alloc(EACH);
}

static void
ask_malloc(void)
{
	kept = malloc(EACH);
}

static void
ask_calloc(void)
{
	kept = calloc(EACH / 16, 16);
}

static void
ask_realloc(void)
{
	kept = realloc(NULL, EACH);
}

static void
ask_aligned(void)
{
	void *p = NULL;

	(void)!posix_memalign(&p, 64, EACH);
	kept = p;
}

/* The C library's own. */
static void
ask_strdup(void)
{
	kept = strdup(big);
}

static void
hunger(void (*ask)(void))
{
	const struct rlimit limit = { .rlim_cur = ENOUGH, .rlim_max = ENOUGH };

	(void)setrlimit(RLIMIT_AS,
	                &limit); /* less than there is already: nothing more is to be had */
	for (int i = 0; i < 1000; i++)
		ask();
	_exit(LIVED);
}

static void
check_leaves(void (*ask)(void))
{
	static const char wanted[] = "<2>mem.exhausted ";
	char said[sizeof(wanted)] = "";
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(ends[1], STDERR_FILENO);
		hunger(ask);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], said, sizeof(wanted) - 1), sizeof(wanted) - 1);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(said, wanted);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_NO_RESOURCES);
}

static void
test_leaves_with_71_when_there_is_no_memory(void **state)
{
	(void)state;
	if (getenv("FINDINGSD_SANITIZED") == NULL) /* a sanitizer needs more than there is */
		check_leaves(ask_mem);
}

static void
test_leaves_also_where_a_library_asked(void **state)
{
	void (*const asks[])(void) = { ask_malloc, ask_calloc, ask_realloc, ask_aligned,
		                       ask_strdup };

	(void)state;
#ifdef OWN_MALLOC
	big = mem_zalloc(EACH);
	memset(big, 'a', EACH - 1);
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		check_leaves(asks[i]);
	mem_free(big);
#else
	(void)asks;
	skip();
#endif
}

static void
test_says_no_to_what_nobody_needs(void **state)
{
	volatile size_t huge = SIZE_MAX / 4;
	void *p = NULL;

	(void)state;
#ifdef OWN_MALLOC
	assert_null(malloc(huge));
	assert_null(calloc(huge, 16));
	assert_null(realloc(NULL, huge));
	assert_int_not_equal(posix_memalign(&p, 64, huge), 0);
	assert_int_not_equal(posix_memalign(&p, 3, 8), 0);
#else
	(void)huge;
	skip();
#endif
	assert_null(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_with_71_when_there_is_no_memory),
		cmocka_unit_test(test_leaves_also_where_a_library_asked),
		cmocka_unit_test(test_says_no_to_what_nobody_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
