/*
 * The table: each row is sound, its default passes its own reader, its bounds hold, and what is printed reads the same.
 */
#include "config.h"

#include "conf_fixture.h"

#include <libconfig.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf_keys.h"
#include "conf/conf_value.h"

/* Big enough and aligned for any element. */
union any {
	struct conf conf;
	struct conf_account account;
	struct conf_source source;
	struct conf_sink sink;
	struct conf_rule rule;
};

static size_t
section_bytes(enum conf_section section)
{
	return conf_sections[section].is_list ? conf_sections[section].bytes : sizeof(struct conf);
}

static void
test_rows_are_sorted_and_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i], *before = k - 1;
		assert_true(k->offset < section_bytes(k->section));
		assert_true(k->help != NULL && strlen(k->help) > 5);
		assert_null(strpbrk(k->help, "\t\n"));
		assert_false(k->is_required && k->def != NULL);
		assert_int_equal(k->words != NULL, k->type == TYPE_WORD || k->type == TYPE_WORDS);
		if (k->type == TYPE_DURATION || k->type == TYPE_INTEGER || k->type == TYPE_NUMBER ||
		    k->type == TYPE_RATE || k->type == TYPE_LIST)
			assert_true(k->max > k->min);
		if (i == 0 || before->section != k->section)
			continue;
		int order = strcmp(before->name, k->name);
		assert_true(order < 0 || (order == 0 && (before->of & k->of) == 0));
	}
}

/* Read text (libconfig's, without name) into a fresh field; prints it back. NULL: refused, e says why. */
static char *
read_back(const struct conf_key *k, const char *text, struct err *e)
{
	union any *any = mem_zalloc(sizeof(*any));
	struct conf_value_env env = { .folder = "/etc/findingsd" };
	struct buf out = { 0 };
	char *whole = mem_printf("d = %s;\n", text), *printed = NULL;
	config_t c;

	config_init(&c);
	if (!config_read_string(&c, whole))
		fail_msg("libconfig refuses: %s", whole);
	if (conf_value_read(k, &env, config_lookup(&c, "d"), any, e) == 0) {
		conf_value_print(k, any, true, &out);
		printed = buf_take(&out, NULL);
	}
	conf_value_free(k, any);
	config_destroy(&c);
	mem_free(whole);
	mem_free(any);
	return printed;
}

static void
expect_fine(const struct conf_key *k, const char *text)
{
	struct err e = { 0 };
	char *once = read_back(k, text, &e);

	if (once == NULL)
		fail_msg("%s = %s: %s", k->name, text, e.text);
	char *twice = read_back(k, once, &e);
	if (twice == NULL)
		fail_msg("%s = %s: %s", k->name, once, e.text);
	assert_string_equal(once, twice);
	mem_free(once);
	mem_free(twice);
}

static void
expect_refused(const struct conf_key *k, const char *text)
{
	struct err e = { 0 };
	char *printed = read_back(k, text, &e);

	if (printed != NULL)
		fail_msg("%s = %s was taken", k->name, text);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_true(strlen(e.text) > 5);
}

static void
test_defaults_pass_their_own_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		union any *any = mem_zalloc(sizeof(*any));
		struct conf_value_env env = { .folder = "/etc/findingsd" };
		struct buf out = { 0 };
		struct err e = { 0 };
		conf_value_default(k, &env, any); /* asserts */
		conf_value_fill(k, any);
		conf_value_print(k, any, true, &out);
		if (k->def != NULL) {
			char *again = read_back(k, out.data, &e);
			assert_non_null(again);
			assert_string_equal(again, out.data);
			mem_free(again);
		}
		buf_done(&out);
		conf_value_free(k, any);
		conf_value_free(k, any); /* twice is harmless */
		mem_free(any);
	}
}

static void
expect_duration_bounds(const struct conf_key *k)
{
	char text[40];

	for (int i = 0; i < 4; i++) {
		int64_t ms = i == 0 ? k->min : i == 1 ? k->max : i == 2 ? k->min - 1 : k->max + 1;
		if (ms < 0)
			continue;
		(void)snprintf(text, sizeof(text), "\"%lldms\"", (long long)ms);
		if (i < 2)
			expect_fine(k, text);
		else
			expect_refused(k, text);
	}
}

static void
expect_number_bounds(const struct conf_key *k)
{
	char text[40];

	for (int i = 0; i < 4; i++) {
		int64_t v = i == 0 ? k->min : i == 1 ? k->max : i == 2 ? k->min - 1 : k->max + 1;
		(void)snprintf(text, sizeof(text), "%lldL", (long long)v);
		if (i < 2)
			expect_fine(k, text);
		else
			expect_refused(k, text);
	}
}

static void
expect_count_bounds(const struct conf_key *k)
{
	for (int64_t n = 0; n <= k->max + 1; n++) {
		struct buf text = { 0 };
		bool is_edge = n <= k->min || n >= k->max;
		(void)buf_add_str(&text, "[");
		for (int64_t i = 0; is_edge && i < n; i++)
			(void)buf_printf(&text, "%s\"us-east-%d\"", i > 0 ? "," : "", (int)i + 1);
		(void)buf_add_str(&text, "]");
		if (is_edge && n >= k->min && n <= k->max)
			expect_fine(k, text.data);
		else if (is_edge)
			expect_refused(k, text.data);
		buf_done(&text);
	}
}

static void
expect_words(const struct conf_key *k)
{
	char text[80];

	for (const struct conf_word *w = k->words; w->word != NULL; w++) {
		(void)snprintf(text, sizeof(text), k->type == TYPE_WORD ? "\"%s\"" : "[\"%s\"]",
		               w->word);
		expect_fine(k, text);
		(void)snprintf(text, sizeof(text), k->type == TYPE_WORD ? "\"%sx\"" : "[\"%sx\"]",
		               w->word);
		expect_refused(k, text);
	}
}

static void
test_bounds_of_every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		if (k->type == TYPE_DURATION)
			expect_duration_bounds(k);
		else if (k->type == TYPE_INTEGER || k->type == TYPE_NUMBER)
			expect_number_bounds(k);
		else if ((k->type == TYPE_LIST || k->type == TYPE_REGIONS) && k->max <= 99)
			expect_count_bounds(k);
		else if (k->type == TYPE_WORD || k->type == TYPE_WORDS)
			expect_words(k);
	}
}

/* Per type: what every row of it takes, and what none does. */
static void
test_wrong_types_of_every_row(void **state)
{
	static const struct {
		enum conf_type type;
		const char *good[4], *bad[6];
	} cases[] = {
		{ TYPE_NAME,
		  { "\"a-B_c.9\"" },
		  { "1", "\"\"", "\"a b\"", "\"a/b\"", "[\"a\"]", "true" } },
		{ TYPE_TEXT,
		  { "\"a b\"", "\"\\\"\\\\\"" },
		  { "1", "\"a\\nb\"", "{ }", "( )", "1.5", "\"\\x01\"" } },
		{ TYPE_PATTERN, { "\"a\\nb\"" }, { "1", "true", "{ }" } },
		{ TYPE_PATH, { "\"/a b\"", "\"c/d\"" }, { "1", "\"a\\nb\"" } },
		{ TYPE_URL,
		  { "\"https://h\"", "\"http://[::1]:1/x?y=z\"" },
		  { "1", "\"h\"", "\"://h\"", "\"http://\"", "\"http:// h\"" } },
		{ TYPE_SECRET,
		  { "\"x y\"" },
		  { "1", "true", "\"a\\nb\"", "\"env:FD_NOT_SET\"", "\"file:nowhere\"",
		    "\"cred:x\"" } },
		{ TYPE_DURATION,
		  { NULL },
		  { "60", "\"60\"", "\"1 h\"", "\"h\"", "\"-1s\"", "true" } },
		{ TYPE_BOOL, { "true", "false", "TRUE" }, { "1", "\"true\"", "[true]" } },
		{ TYPE_WORD, { NULL }, { "1", "\"\"", "\"NONE OF THEM\"", "[ ]", "true" } },
		{ TYPE_INTEGER, { "1", "1L" }, { "\"1\"", "1.0", "true", "[1]" } },
		{ TYPE_NUMBER, { "1", "1.5", "2L" }, { "\"1\"", "true", "1e300", "-1" } },
		{ TYPE_LIST,
		  { "[\"us-east-1\"]", "(\"us-east-1\")" },
		  { "\"a\"", "[1]", "[\"\"]", "[\"a\",\"a\"]", "(\"a\",1)", "[\"a\\nb\"]" } },
		{ TYPE_REGIONS,
		  { "\"enabled\"", "[\"eu-west-1\"]" },
		  { "\"eu-west-1\"", "[\"x\"]", "[ ]", "true" } },
		{ TYPE_START,
		  { "\"now\"", "\"open\"", "\"-1d\"", "\"2026-01-31T00:00:00.5Z\"" },
		  { "1", "\"\"", "\"-\"", "\"-0\"", "\"yesterday\"" } },
		{ TYPE_RATE,
		  { "\"off\"", "\"5/s\"", "\"7/90s\"", "\"1/h\"" },
		  { "5", "\"5\"", "\"/s\"", "\"5/\"", "\"-1/s\"", "\"5/2d\"" } },
		{ TYPE_PAIRS,
		  { "{ }", "{ A = \"b\"; }" },
		  { "[\"a\"]", "\"a\"", "{ A = 1; }", "{ A = \"\\n\"; }" } },
	};

	(void)state;
	for (size_t i = 0; i < conf_key_count; i++)
		for (size_t j = 0; j < LENGTH(cases); j++) {
			if (conf_keys[i].type != cases[j].type)
				continue;
			for (size_t n = 0; n < LENGTH(cases[j].good) && cases[j].good[n] != NULL;
			     n++)
				expect_fine(&conf_keys[i], cases[j].good[n]);
			for (size_t n = 0; n < LENGTH(cases[j].bad) && cases[j].bad[n] != NULL; n++)
				expect_refused(&conf_keys[i], cases[j].bad[n]);
		}
}

static void
test_the_list_of_keys_has_a_line_per_row(void **state)
{
	struct buf out = { 0 };
	size_t lines = 0;

	(void)state;
	conf_print_keys(&out);
	for (const char *p = out.data; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, conf_key_count + 1);
	assert_non_null(
		strstr(out.data, "\nsink.flood\temail\trate\t30/10m\toff, COUNT/TIME\tlive\t"));
	assert_non_null(strstr(out.data, "\nstate_dir\t-\tpath\t/var/lib/findingsd\t-\trestart\t"));
	assert_non_null(strstr(out.data, "\nsink.topic_arn\tsns\ttext\t(required)\t-\tlive\t"));
	assert_non_null(strstr(out.data, "\naws.endpoints.sns\t-\turl\t\"\"\t-\trestart\t"));
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_sorted_and_complete),
		cmocka_unit_test(test_defaults_pass_their_own_reader),
		cmocka_unit_test(test_bounds_of_every_row),
		cmocka_unit_test(test_wrong_types_of_every_row),
		cmocka_unit_test(test_the_list_of_keys_has_a_line_per_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
