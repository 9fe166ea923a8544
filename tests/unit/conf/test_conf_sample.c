/*
 * The sample that is installed: it passes as it is and with every key written out, what is printed of it loads again, and no
 * cut or flipped byte of it makes the reader crash.
 */
#include "config.h"

#include "conf_fixture.h"

#include "base/err.h"
#include "base/str.h"
#include "conf/conf_text.h"

static struct buf sample;

static int
enter(void **state)
{
	struct err e = { 0 };

	if (fixture_enter(state) != 0 ||
	    conf_text_read(TEST_SRCDIR "/etc/findingsd.conf", &sample, &e) < 0)
		return -1;
	return symlink(TEST_SRCDIR "/etc/patterns", "patterns");
}

static int
leave(void **state)
{
	buf_done(&sample);
	(void)unlink("patterns");
	return fixture_leave(state);
}

static void
test_the_sample_passes_as_installed(void **state)
{
	struct conf_problems p;
	struct conf *c;

	(void)state;
	assert_int_equal(conf_load(TEST_SRCDIR "/etc/findingsd.conf", &c, &p), 0);
	char *problems = fixture_problems(&p);
	assert_string_equal(problems, "");
	assert_int_equal(c->source_count, 2);
	assert_int_equal(c->rule_count, 3);
	mem_free(problems);
	conf_free(c);
}

/* Nothing is said but of the keys that this version does not act on. */
static void
expect_only_later(const char *problems)
{
	static const char end[] = ": is read, but this version does not act on it yet";

	for (const char *p = problems; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		if (n < sizeof(end) || memcmp(p + n - (sizeof(end) - 1), end, sizeof(end) - 1) != 0)
			fail_msg("%.*s", (int)n, p);
		p += n + 1;
	}
}

/* The sample with each "#key" made a key. */
static char *
uncomment(void)
{
	struct buf out = { 0 };
	const char *p = sample.data;
	bool is_line_start = true;

	for (; *p != '\0'; p++) {
		if (is_line_start && p[0] == '#' && p[1] != ' ' && p[1] != '\n')
			p++;
		is_line_start = *p == '\n' || (is_line_start && *p == '\t');
		(void)buf_add_char(&out, *p);
	}
	return buf_take(&out, NULL);
}

static void
test_every_key_of_the_sample_written_out_passes(void **state)
{
	char *text = uncomment(), *problems;
	struct conf *c;

	(void)state;
	problems = fixture_load(text, &c);
	expect_only_later(problems);
	assert_int_equal(c->sink_count, 3);
	assert_int_equal(c->aws.account_count, 1);
	assert_string_equal(c->aws.accounts[0].account_id, "111122223333");
	mem_free(problems);
	mem_free(text);
	conf_free(c);
}

static void
test_what_is_printed_loads_again_the_same(void **state)
{
	struct buf once = { 0 }, twice = { 0 };
	struct conf *c;

	(void)state;
	mem_free(fixture_load(sample.data, &c));
	conf_print(c, &once);
	conf_free(c);
	char *problems = fixture_load(once.data, &c);
	expect_only_later(problems);
	conf_print(c, &twice);
	conf_free(c);
	assert_string_equal(once.data, twice.data);
	mem_free(problems);
	buf_done(&once);
	buf_done(&twice);
}

/* Loaded or refused: never a crash, never a refusal without a word. */
static void
try_text(const char *text, size_t len)
{
	struct conf_problems p;
	struct conf *c = NULL;

	fixture_write("findingsd.conf", text, len);
	if (conf_load("findingsd.conf", &c, &p) < 0)
		assert_true(p.count > 0 && p.items[0].text[0] != '\0');
	conf_problems_done(&p);
	conf_free(c);
}

static void
test_no_cut_of_the_sample_crashes(void **state)
{
	char *whole = uncomment();
	size_t len = strlen(whole);

	(void)state;
	for (size_t n = 0; n < len; n += n < 400 ? 1 : 7)
		try_text(whole, n);
	mem_free(whole);
}

static void
test_no_flipped_byte_of_the_sample_crashes(void **state)
{
	static const char bytes[] = "\"\\{}()[];,=#/*@\n\t 9aL.-\x01\xff";
	char *whole = uncomment();
	size_t len = strlen(whole);
	uint32_t random = 2463534242u; /* xorshift: the same bytes in each run */

	(void)state;
	for (int i = 0; i < 1500; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		char *at = &whole[random % len], kept = *at;
		*at = bytes[(random >> 20) % (sizeof(bytes) - 1)];
		try_text(whole, len);
		*at = kept;
	}
	mem_free(whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_sample_passes_as_installed),
		cmocka_unit_test(test_every_key_of_the_sample_written_out_passes),
		cmocka_unit_test(test_what_is_printed_loads_again_the_same),
		cmocka_unit_test(test_no_cut_of_the_sample_crashes),
		cmocka_unit_test(test_no_flipped_byte_of_the_sample_crashes),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
