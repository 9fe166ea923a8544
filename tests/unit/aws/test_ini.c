#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/ini.h"
#include "base/err.h"

static const char config[] = "\xEF\xBB\xBF# comment\n"
			     "; another\r\n"
			     "[default]\n"
			     "region = us-east-1\r\n"
			     "output=json   # tail\n"
			     "s3 =\n"
			     "  max_concurrent_requests = 20\n"
			     "\tregion = nested\n"
			     "[profile  prod ]   # tail\n"
			     "role_arn = arn:aws:iam::1:role/x;y\n"
			     "empty =\n"
			     "[profile \"two words\"]\n"
			     "region=a\n"
			     "region=b\n"
			     "[prod2]\n"
			     "region = not a profile here\n"
			     "[services my]\n"
			     "sns =\n"
			     "  endpoint_url = http://x\n"
			     "[profile prod]\n"
			     "more = yes";

static void
test_config_file(void **state)
{
	struct err e = { 0 };
	struct ini *i = ini_parse(span_of(config), true, &e);

	(void)state;
	assert_non_null(i);
	assert_string_equal(ini_get(i, "default", "region"), "us-east-1");
	assert_string_equal(ini_get(i, "default", "output"), "json");
	assert_null(ini_get(i, "default", "max_concurrent_requests"));
	assert_string_equal(ini_get(i, "default", "s3"), "");
	assert_string_equal(ini_get(i, "prod", "role_arn"), "arn:aws:iam::1:role/x;y");
	assert_string_equal(ini_get(i, "prod", "empty"), "");
	assert_string_equal(ini_get(i, "prod", "more"), "yes");
	assert_string_equal(ini_get(i, "two words", "region"), "b");
	assert_false(ini_has_profile(i, "prod2"));
	assert_false(ini_has_profile(i, "my"));
	assert_false(ini_has_profile(i, ""));
	assert_null(ini_get(i, "", "region"));
	assert_true(ini_has_profile(i, "prod"));
	ini_free(i);
}

static void
test_credentials_file(void **state)
{
	struct err e = { 0 };
	struct ini *i = ini_parse(
		SPAN_LIT("[prod2]\naws_secret_access_key = a/b+c=#d;e\n[profile x]\nk=v\n"), false,
		&e);

	(void)state;
	assert_non_null(i);
	assert_string_equal(ini_get(i, "prod2", "aws_secret_access_key"), "a/b+c=#d;e");
	assert_true(ini_has_profile(i, "profile x"));
	assert_false(ini_has_profile(i, "x"));
	ini_free(i);
}

static void
test_malformed_files_name_the_line(void **state)
{
	static const struct {
		struct span text;
		const char *says;
	} rows[] = {
		{ { "[default\n", 9 }, "line 1" }, { { "[a]\nk=v\nrubbish\n", 16 }, "line 3" },
		{ { "k = v\n", 6 }, "line 1" },    { { "[a]\n = v\n[b]\n=v\n", 16 }, "line 4" },
		{ { "[a]\n\0\n", 6 }, "NUL" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err e = { 0 };
		assert_null(ini_parse(rows[i].text, true, &e));
		assert_int_equal(e.kind, ERR_PARSE);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void
test_files(void **state)
{
	char path[] = "/tmp/findingsd-ini-XXXXXX";
	struct err e = { 0 };
	struct ini *i = ini_read("/nonexistent/credentials", false, &e);

	(void)state;
	assert_non_null(i); /* as if it were empty */
	assert_false(ini_has_profile(i, "default"));
	ini_free(i);
	assert_null(ini_read("/", false, &e));
	assert_int_equal(e.kind, ERR_IO);
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "secret", 6), 6);
	assert_null(ini_read(path, false, &e));
	assert_non_null(strstr(e.text, path));
	assert_null(strstr(e.text, "secret"));
	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
	assert_null(ini_read(path, false, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	close(fd);
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_file),
		cmocka_unit_test(test_credentials_file),
		cmocka_unit_test(test_malformed_files_name_the_line),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
