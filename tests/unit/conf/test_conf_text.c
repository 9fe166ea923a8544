/*
 * libconfig's traps: each has its own hint, with its line, and they all come in one run.
 */
#include "config.h"

#include "conf_fixture.h"

#include <libconfig.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf_problem.h"
#include "conf/conf_text.h"

static void
expect(const char *text, size_t len, const char *problems)
{
	struct conf_problems p = { 0 };

	(void)conf_text_check("f", (struct span){ text, len }, &p);
	char *found = fixture_problems(&p);
	if (strcmp(found, problems) != 0)
		print_error("of: %s\n", text);
	assert_string_equal(found, problems);
	mem_free(found);
}

static void
test_traps_have_their_own_hints(void **state)
{
	static const struct {
		const char *text, *problems;
	} cases[] = {
		{ "a = 111122223333;",
		  "f:1: 111122223333 is over 2147483647, and libconfig would read another number: put it in "
		  "quotes (account ids are text), or write 111122223333L\n" },
		{ "a = 0x80000000;",
		  "f:1: 0x80000000 is over 2147483647, and libconfig would read another number: put it in "
		  "quotes (account ids are text), or write 0x80000000L\n" },
		{ "a = -2147483649;",
		  "f:1: -2147483649 is over 2147483647, and libconfig would read another number: put it in "
		  "quotes (account ids are text), or write -2147483649L\n" },
		{ "a = 99999999999999999999L;",
		  "f:1: 99999999999999999999 does not fit 64 bits\n" },
		{ "a = [ 1,\n2, ];",
		  "f:2: a comma before ']': libconfig allows none behind the last element\n" },
		{ "a = ( { b = 1; },\n );",
		  "f:2: a comma before ')': libconfig allows none behind the last element\n" },
		{ "\xef\xbb\xbf"
		  "a = 1;",
		  "f:1: starts with a byte order mark (BOM), which libconfig refuses: save it as UTF-8 "
		  "without BOM\n" },
		{ "\xff\xfe"
		  "a",
		  "f:1: is UTF-16: save it as UTF-8 without BOM\n" },
		{ "a = [ 1, \"b\", 2 ];",
		  "f:1: an array [ ] holds values of one type only: put quotes around all or none of them\n" },
		{ "a = [ 1, 2L ];",
		  "f:1: an array [ ] holds values of one type only: put quotes around all or none of them\n" },
		{ "a = 1;\nb = { a = 1; };\na = 2;",
		  "f:3: a: is set twice in one group, first in line 1\n" },
		{ "g = { x = 1;\nx = 2; };",
		  "f:2: x: is set twice in one group, first in line 1\n" },
		{ "a = \"x\\dy\";",
		  "f:1: warning: \\d is no escape of libconfig: the backslash stays in the text; write \\\\ "
		  "for a backslash\n" },
		{ "@include \"x.conf\"",
		  "f:1: @include is not supported (libconfig looks it up in the working directory): put the "
		  "file into conf.d beside the main file\n" },
		{ "a = [ { b = 1; } ];",
		  "f:1: groups and lists cannot stand in [ ]: a list of groups is written ( { ... }, { ... } "
		  ")\n" },
		{ "a = ( { b = 1; }\n{ b = 2; } );",
		  "f:2: a comma is missing between two groups: }, {\n" },
		{ "a = [ \"x\"\n\"y\" ];",
		  "f:2: warning: two texts side by side are one text: is a comma missing between them?\n" },
		{ "a = [ 1 2 ];", "f:1: a comma is missing between two elements\n" },
		{ "a = 60s;", "f:1: 60s has to stand in quotes: \"60s\"\n" },
		{ "a = 2026-01-31T00:00:00Z;",
		  "f:1: 2026-01-31T00:00:00Z has to stand in quotes: \"2026-01-31T00:00:00Z\"\n" },
		{ "a = 127.0.0.1:80;",
		  "f:1: 127.0.0.1:80 has to stand in quotes: \"127.0.0.1:80\"\n" },
		{ "a = sns;", "f:1: sns has to stand in quotes: \"sns\"\n" },
		{ "a = [ sns, email ];", "f:1: sns has to stand in quotes: \"sns\"\n"
		                         "f:1: email has to stand in quotes: \"email\"\n" },
		{ "a = \"x;\nb = 1;\n", "f:1: string that never ends: a closing \" is missing\n" },
		{ "a = 1;\n/* x\nb = 1;",
		  "f:2: comment that never ends: everything behind it is lost; close it with */\n" },
		{ "a = {\nb = ( 1, 2;", "f:2: ';' does not belong here\n" },
		{ "a = {\nb = 1;", "f:1: '{' is never closed\n" },
		{ "a = {\nb = 1; )", "f:2: ')' does not close the '{' of line 1\n" },
		{ "a = 1; }", "f:1: '}' closes nothing\n" },
		{ "a = ;", "f:1: a value is missing before ';'\n" },
		{ "a = { b = };", "f:1: a value is missing before '}'\n" },
		{ "a \"x\";",
		  "f:1: a value without a name: is '=' or ';' missing here or in the line before?\n" },
		{ "a b = 1;", "f:1: '=' is missing before 'b'\n" },
		{ "a = 1;; b = 2;", "f:1: ';' does not belong here\n" },
		{ "a = \xe2\x80\x9cx\xe2\x80\x9d;",
		  "f:1: a character that belongs into a text: texts stand in straight double quotes "
		  "\"...\"\n" },
		{ "a = 'x';",
		  "f:1: a character that belongs into a text: texts stand in straight double quotes "
		  "\"...\"\n" },
		{ "a = 1;\nb = \"\xff\";", "f:2: has bytes that are not UTF-8\n" },
		{ "a = 1 % 2;", "f:1: unexpected '%'\n" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		expect(cases[i].text, strlen(cases[i].text), cases[i].problems);
	expect("a\0b", 3, "f:1: has a NUL byte: this is not text\n");
}

static void
test_what_is_fine_stays_untold(void **state)
{
	static const char *const cases[] = {
		"",
		"# only a comment",
		"// 99999999999\n/* @include 99999999999 */ a = 1;",
		"a = \"99999999999 @include , ] \\\" \\\\ \\x41\";",
		"a = 2147483647; b = -2147483648; c = 111122223333L; d = 0x7fffffff; e = 0xFFFFFFFFFL;",
		"a = 1.5e+3; b = -2.5E-1; c = +5; d = 1e3;",
		"a = TRUE; b = False;",
		"a : 1\nb = \"x\"\nc = { d = 1 e = 2 }\n",
		"a = \"x\"\n  \"y\";",
		"a = 1, b = 2",
		"a = ( ); b = [ ]; c = { };",
		"a = ( 1, \"x\", [ 1 ], { b = 1; }, ( ) );",
		"a = ( { n = 1; }, { n = 1; } ); n = 1;",
		"a-b_c = 1; x* = 2;",
		"a = [ true, FALSE ];",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		config_t c;
		char *text = mem_printf("%s\n", cases[i]);
		expect(cases[i], strlen(cases[i]), "");
		config_init(&c);
		if (!config_read_string(&c, text))
			fail_msg("libconfig refuses: %s", cases[i]);
		config_destroy(&c);
		mem_free(text);
	}
}

static void
test_all_traps_come_in_one_run(void **state)
{
	static const char text[] = "a = 99999999999;\nb = [ 1, ];\nb = 60s;\nc = \"\\q\";\n";

	(void)state;
	expect(text, sizeof(text) - 1,
	       "f:1: 99999999999 is over 2147483647, and libconfig would read another number: put it in "
	       "quotes (account ids are text), or write 99999999999L\n"
	       "f:2: a comma before ']': libconfig allows none behind the last element\n"
	       "f:3: b: is set twice in one group, first in line 2\n"
	       "f:3: 60s has to stand in quotes: \"60s\"\n"
	       "f:4: warning: \\q is no escape of libconfig: the backslash stays in the text; write \\\\ "
	       "for a backslash\n");
}

static void
test_nesting_is_bounded(void **state)
{
	static char text[4096];

	(void)state;
	memset(text, '(', sizeof(text));
	memcpy(text, "a =", 3);
	expect(text, sizeof(text), "f:1: brackets are nested over 31 deep\n");
}

static void
test_files_that_cannot_be_read(void **state)
{
	struct buf b = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(conf_text_read("nowhere", &b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.text, "cannot be opened: No such file or directory");
	assert_int_equal(conf_text_read("/", &b, &e), -1);
	assert_string_equal(e.text, "is a folder, not a file");
	(void)unlink("pipe.conf");
	assert_int_equal(mkfifo("pipe.conf", 0600), 0);
	assert_int_equal(conf_text_read("pipe.conf", &b, &e), -1);
	assert_string_equal(e.text, "is a pipe, not a file");
	(void)unlink("pipe.conf");
	assert_int_equal(conf_text_read("/dev/zero", &b, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_string_equal(e.text, "is over 8 MiB: split it");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traps_have_their_own_hints),
		cmocka_unit_test(test_what_is_fine_stays_untold),
		cmocka_unit_test(test_all_traps_come_in_one_run),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_files_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
