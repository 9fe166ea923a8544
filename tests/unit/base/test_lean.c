#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/lean.h"

/* Of this process: pages of files that are mapped and present, in kB. */
static long
file_pages_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "RssFile: %ld", &kb);
	(void)fclose(f);
	return kb;
}

/* What was forgotten comes back when it is used, and computes the same. */
static void
test_code_goes_and_comes_back(void **state)
{
	unsigned char before[DIGEST_BYTES], after[DIGEST_BYTES];
	char id[37];

	(void)state;
	digest_sha256("abc", 3, before);
	digest_uuid5(before, "abc", 3, id);
	long had_kb = file_pages_kb();
	if (had_kb < 0) {
		print_message("no RssFile in /proc/self/status: skipped\n");
		skip();
	}
	lean_after_start();
	assert_true(file_pages_kb() < had_kb);
	digest_sha256("abc", 3, after);
	assert_memory_equal(before, after, DIGEST_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_code_goes_and_comes_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
