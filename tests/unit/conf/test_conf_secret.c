/*
 * Secrets: read from where they stand, told by key and place, shown nowhere.
 */
#include "config.h"

#include "conf_fixture.h"

#include "conf/conf_diff.h"

#define HOOK(value)                                                               \
	FIXTURE_SOURCES FIXTURE_RULES                                             \
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://x.example/\";" \
		"secret=" value ";});"

static void
expect_secret(const char *text, const char *value, const char *origin)
{
	struct conf *c;
	struct buf out = { 0 };
	char *problems = fixture_load(text, &c);

	assert_string_equal(problems, "");
	assert_string_equal(c->sinks[0].secret.value, value);
	assert_string_equal(c->sinks[0].secret.origin, origin);
	conf_print(c, &out);
	assert_non_null(strstr(out.data, "secret = \"***\";"));
	assert_null(strstr(out.data, value));
	buf_done(&out);
	mem_free(problems);
	conf_free(c);
}

static void
test_a_secret_comes_from_where_it_stands(void **state)
{
	(void)state;
	expect_secret(HOOK("\"pla1n-s3cret\""), "pla1n-s3cret", "the file");
	fixture_write("secret", "fr0m-file\n", 10);
	expect_secret(HOOK("\"file:secret\""), "fr0m-file", "file:secret");
	fixture_write("secret", "fr0m-file \r\n", 12);
	expect_secret(HOOK("\"file:secret\""), "fr0m-file ", "file:secret");
	assert_int_equal(setenv("FD_TEST_SECRET", "fr0m-env", 1), 0);
	expect_secret(HOOK("\"env:FD_TEST_SECRET\""), "fr0m-env", "env:FD_TEST_SECRET");
	assert_int_equal(unsetenv("FD_TEST_SECRET"), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fixture_folder, 1), 0);
	expect_secret(HOOK("\"cred:secret\""), "fr0m-file ", "cred:secret");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

#define SAYS(what) "findingsd.conf:1: sink 'h': secret: " what "\n"

static void
test_a_missing_secret_is_told_by_key_and_place(void **state)
{
	(void)state;
	(void)unlink("secret");
	fixture_expect(HOOK("\"file:secret\""),
	               SAYS("FOLDER/secret cannot be opened: No such file or directory"));
	fixture_expect(HOOK("\"file:/\""), SAYS("/ is a folder, not a file"));
	/* One error, and not that it is missing as well. */
	fixture_expect(
		FIXTURE_SOURCES FIXTURE_RULES
		"sinks=({name=\"h\";type=\"email\";url=\"smtp://x\";from=\"a@example.com\";to=[\"a@example.com\"];"
		"username=\"u\";password=\"file:/\";});",
		"findingsd.conf:1: sink 'h': password: / is a folder, not a file\n");
	fixture_expect(
		HOOK("\"env:FD_NOT_SET\""),
		SAYS("the environment has no variable FD_NOT_SET: set it, or use file:PATH or "
	             "cred:NAME"));
	fixture_expect(
		HOOK("\"cred:hook\""),
		SAYS("there are no credentials here ($CREDENTIALS_DIRECTORY is not set): add "
	             "LoadCredential=hook:PATH to the systemd unit, or use file:PATH"));
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fixture_folder, 1), 0);
	fixture_expect(
		HOOK("\"cred:hook\""),
		SAYS("add LoadCredential=hook:PATH to the systemd unit: FOLDER/hook cannot be opened: "
	             "No such file or directory"));
	fixture_expect(HOOK("\"cred:../hook\""), SAYS("'cred:../hook' is no name of a credential"));
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	fixture_write("secret", "\n", 1);
	fixture_expect(HOOK("\"file:secret\""), SAYS("FOLDER/secret is empty"));
	fixture_write("secret", "a\nb\n", 4);
	fixture_expect(HOOK("\"file:secret\""),
	               SAYS("file:secret has a line break or another control character within it"));
	fixture_write("secret", "a\0b", 3);
	fixture_expect(HOOK("\"file:secret\""),
	               SAYS("FOLDER/secret holds a NUL byte: a secret is one line of text"));
	fixture_expect(HOOK("\"file:/dev/zero\""),
	               SAYS("/dev/zero is over 64 KiB: that is no secret"));
}

static void
test_a_secret_of_the_wrong_type_is_not_shown(void **state)
{
	(void)state;
	fixture_expect(HOOK("12345678"), SAYS("wants a text in quotes; found an integer"));
	fixture_expect(HOOK("[ \"s3cret\" ]"),
	               SAYS("wants a text in quotes; found a list of texts"));
	fixture_expect(HOOK("\"s3cret\\nline\""),
	               SAYS("the text has a line break or another control character within it"));
}

static void
test_files_that_everyone_can_read_are_told(void **state)
{
	char *problems;

	(void)state;
	fixture_write("secret", "x", 1);
	assert_int_equal(chmod("secret", 0644), 0);
	fixture_expect(
		HOOK("\"file:secret\""),
		"findingsd.conf:1: warning: sink 'h': secret: everyone can read the file of this secret: "
		"chmod o-r it\n");
	fixture_write("findingsd.conf", HOOK("\"plain\""), sizeof(HOOK("\"plain\"")) - 1);
	assert_int_equal(chmod("findingsd.conf", 0644), 0);
	problems = fixture_load_file(NULL);
	assert_string_equal(
		problems, "findingsd.conf: warning: holds secrets and everyone can read it: chmod "
			  "o-r it, or use file:, env: or cred: for them\n");
	mem_free(problems);
	fixture_write("findingsd.conf", FIXTURE_BASE, sizeof(FIXTURE_BASE) - 1);
	assert_int_equal(chmod("findingsd.conf", 0644), 0);
	problems = fixture_load_file(NULL);
	assert_string_equal(problems, "");
	mem_free(problems);
}

/* `findingsd --check` in a shell is no service: that its credentials are not there is no fault of the configuration. */
static void
test_who_only_looks_needs_no_credentials(void **state)
{
	static const char good[] = FIXTURE_SOURCES FIXTURE_RULES
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://e.example/\";secret=\"cred:hook\";});";
	static const char bad[] = FIXTURE_SOURCES FIXTURE_RULES
		"sinks=({name=\"h\";type=\"webhook\";url=\"https://e.example/\";secret=\"cred:../x\";});";
	struct conf_problems p;
	struct conf *c = NULL;
	char *found;

	(void)state;
	found = fixture_load(good, NULL);
	assert_non_null(strstr(found, "there are no credentials here"));
	mem_free(found);
	assert_int_equal(conf_look("findingsd.conf", &c, &p), 0);
	conf_free(c);
	found = fixture_problems(&p);
	assert_string_equal(
		found, "findingsd.conf:1: warning: sink 'h': secret: cannot be seen from here: "
		       "systemd gives credentials to the service alone (LoadCredential= in its "
		       "unit)\n");
	mem_free(found);
	fixture_write("findingsd.conf", bad, strlen(bad));
	assert_int_equal(conf_look("findingsd.conf", &c, &p), -1);
	conf_problems_done(&p);
	/* In the service all must be there. */
	fixture_write("findingsd.conf", good, strlen(good));
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fixture_folder, 1), 0);
	assert_int_equal(conf_look("findingsd.conf", &c, &p), -1);
	conf_problems_done(&p);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void
test_a_url_may_be_a_secret_and_is_printed_without_its_key(void **state)
{
	struct conf *c;
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(setenv("FD_TEST_URL", "https://u.example/k3y?t=t0ken", 1), 0);
	char *problems = fixture_load(FIXTURE_SOURCES FIXTURE_RULES
	                              "sinks=({name=\"h\";type=\"webhook\";url=\"env:FD_TEST_URL\";"
	                              "proxy=\"http://joe:pw0rd@p.example:3128\";});",
	                              &c);
	assert_string_equal(problems, "");
	assert_string_equal(c->sinks[0].url, "https://u.example/k3y?t=t0ken");
	conf_print(c, &out);
	assert_non_null(strstr(out.data, "url = \"https://u.example/...\";"));
	assert_non_null(strstr(out.data, "proxy = \"http://p.example:3128\";"));
	assert_null(strstr(out.data, "k3y"));
	assert_null(strstr(out.data, "pw0rd"));
	buf_done(&out);
	mem_free(problems);
	conf_free(c);
	assert_int_equal(setenv("FD_TEST_URL", "s3cret", 1), 0);
	fixture_expect(
		FIXTURE_SOURCES FIXTURE_RULES
		"sinks=({name=\"h\";type=\"webhook\";url=\"env:FD_TEST_URL\";});",
		"findingsd.conf:1: sink 'h': url: what stands in env:FD_TEST_URL is no URL: wants "
		"SCHEME://HOST...\n");
	assert_int_equal(unsetenv("FD_TEST_URL"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_secret_comes_from_where_it_stands),
		cmocka_unit_test(test_a_missing_secret_is_told_by_key_and_place),
		cmocka_unit_test(test_a_secret_of_the_wrong_type_is_not_shown),
		cmocka_unit_test(test_files_that_everyone_can_read_are_told),
		cmocka_unit_test(test_who_only_looks_needs_no_credentials),
		cmocka_unit_test(test_a_url_may_be_a_secret_and_is_printed_without_its_key),
	};

	return cmocka_run_group_tests(tests, fixture_enter, fixture_leave);
}
