#include "config.h"

#include "unit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "json/pick.h"
#include "json/scan.h"

enum { A, B, LIST, DEEP, WHOLE, LABEL, FIELDS };

static const struct pick_key deep_keys[] = { PICK("x", DEEP) };
static const struct pick_key list_keys[] = { PICK_BOTH(PICK_FIRST, LIST, deep_keys) };
static const struct pick_key whole_keys[] = { PICK("Label", LABEL) };
static const struct pick_key keys[] = {
	PICK("a", A),
	PICK("b", B),
	PICK_BELOW("list", list_keys),
	PICK_BOTH("whole", WHOLE, whole_keys),
};
static const char *const paths[FIELDS] = {
	[A] = "a",           [B] = "b",
	[LIST] = "list.[0]", [DEEP] = "list.[0].x",
	[WHOLE] = "whole",   [LABEL] = "whole.Label",
};
static const char *const sets[] = { "portable", "sse2", "avx2", "avx512", "neon" };

static bool
has_set(const char *set)
{
	struct span fields[FIELDS];

	return pick_by(set, SPAN_LIT("{}"), keys, PICK_COUNT(keys), fields, FIELDS);
}

/* Each instruction set picks what scan_fields, which reads every byte, picks. */
static void
same_as_scan(struct span text)
{
	struct scan_field want[FIELDS];
	struct span got[FIELDS];
	struct err e;

	for (int i = 0; i < FIELDS; i++)
		want[i] = (struct scan_field){ .path = paths[i] };
	assert_int_equal(scan_fields(text, want, FIELDS, &e), 0);
	for (size_t k = 0; k < LENGTH(sets); k++) {
		if (!has_set(sets[k]))
			continue;
		assert_true(pick_by(sets[k], text, keys, PICK_COUNT(keys), got, FIELDS));
		for (int i = 0; i < FIELDS; i++)
			if (got[i].p != want[i].raw.p ||
			    (got[i].p != NULL && got[i].len != want[i].raw.len))
				fail_msg("%s, %s: [%.*s] for [%.*s] in %.*s", sets[k], paths[i],
				         SPAN_FMT(got[i]), SPAN_FMT(want[i].raw), SPAN_FMT(text));
	}
}

static void
test_values_of_all_kinds(void **state)
{
	static const char *const texts[] = {
		"{}",
		" { } ",
		"{\"a\":1}",
		"{ \"a\" : \"x\" , \"b\" : [ 1 , { } ] }",
		"{\"a\":\"\",\"b\":\"\\\"\"}",
		"{\"a\":\"\\\\\",\"b\":true}",
		"{\"a\":{\"a\":2},\"b\":-1.5e3}",
		"{\"list\":[]}",
		"{\"list\":[ ] ,\"a\":null}",
		"{\"list\":[{\"x\":1},{\"x\":2}],\"a\":0}",
		"{\"list\":[7,{\"x\":2}],\"a\":0}",
		"{\"list\":{\"x\":2},\"a\":0}",
		"{\"list\":\"[0]\",\"a\":0}",
		"{\"list\":[[{\"x\":1}]],\"b\":0}",
		"{\"whole\":{\"Label\":\"HIGH\",\"other\":[\"}]\"]},\"a\":5}",
		"{\"whole\":[],\"a\":5}",
		"{\"whole\":\"{\\\"Label\\\":1}\"}",
		/* of duplicates the last one, wholly */
		"{\"whole\":{\"Label\":1},\"whole\":{},\"a\":1,\"a\":2}",
		"{\"whole\":{\"Label\":1},\"whole\":3}",
		"{\"list\":[{\"x\":1}],\"list\":[]}",
		/* keys with escapes */
		"{\"\\u0061\":1,\"wh\\u006fle\":{\"L\\u0061bel\":2}}",
		"{\"a\\\"\":1,\"b\":2}",
		/* brackets, quotes and backslashes in what is jumped over */
		"{\"z\":{\"k\":\"}\\\\\",\"l\":[\"]\\\"}\",{\"m\":{}}]},\"a\":9}",
		"{\"z\":[[[[[]]],{}]],\"a\":9}",
		"{\"z\":12,\"y\":false,\"a\":9 , \"x\":null}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++)
		same_as_scan(span_of(texts[i]));
}

/* A value of random shape, long enough to cross blocks; wanted keys come up at every depth. */
static void
add_random(struct buf *b, unsigned depth)
{
	static const char *const names[] = { "a", "b", "list", "whole", "Label", "x", "other" };
	static const char *const texts[] = { "\"\"",
		                             "\"}{][,:\"",
		                             "\"\\\\\"",
		                             "\"\\\"\\\\\\\"\"",
		                             "true",
		                             "-12.5e7",
		                             "\"plain text of some length\"",
		                             "\"\xC3\xA9\\u00e9\"" };
	unsigned kind = depth > 6 ? 7 : (unsigned)rand() % 8;

	if (kind < 4) {
		unsigned n = (unsigned)rand() % 6;
		(void)buf_add_char(b, kind < 3 ? '{' : '[');
		for (unsigned i = 0; i < n; i++) {
			if (i > 0)
				(void)buf_add_str(b, rand() % 3 ? "," : " , ");
			if (kind < 3)
				(void)buf_printf(b, "\"%s\"%s", names[rand() % 7],
				                 rand() % 4 ? ":" : " : ");
			add_random(b, depth + 1);
		}
		(void)buf_add_char(b, kind < 3 ? '}' : ']');
		return;
	}
	(void)buf_add_str(b, texts[rand() % 8]);
}

static void
test_random_documents(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 5000; round++) {
		struct buf b = { 0 };
		(void)buf_add_str(&b, "{\"a\":");
		add_random(&b, 0);
		(void)buf_add_str(&b, ",\"whole\":");
		add_random(&b, 0);
		(void)buf_add_str(&b, ",\"list\":[");
		add_random(&b, 0);
		(void)buf_add_str(&b, ",");
		add_random(&b, 0);
		(void)buf_add_str(&b, "],\"b\":");
		add_random(&b, 0);
		(void)buf_add_str(&b, "}");
		/* exactly as many bytes as there are: a sanitizer sees what reads beyond */
		char *exact = mem_dup(b.data, b.len);
		same_as_scan((struct span){ exact, b.len });
		mem_free(exact);
		buf_done(&b);
	}
}

/* Text that is no JSON: nothing is promised of the values, but they lie within it. */
static void
test_broken_text_is_safe(void **state)
{
	static const char whole[] =
		"{\"z\":{\"k\":\"}\\\\\",\"l\":[\"]\\\"}\"]},\"list\":[{\"x\":[1,{}]},2],\"whole\":{\"Label\":\"HI"
		"GH\",\"o\":{\"p\":[[]]}},\"a\":\"text\",\"b\":[true,null,{\"c\":\"\\u0041\"}],\"end\":\"...............\"}";
	size_t len = sizeof(whole) - 1;

	(void)state;
	for (size_t k = 0; k < LENGTH(sets); k++) {
		for (size_t cut = 0; cut < len && has_set(sets[k]); cut++) {
			for (int change = 0; change < 6; change++) {
				struct span fields[FIELDS];
				char *text = mem_dup(whole, cut);
				if (change > 0 && cut > 0)
					text[(size_t)rand() % cut] = "\"\\{}]["[change];
				(void)pick_by(sets[k], (struct span){ text, cut }, keys,
				              PICK_COUNT(keys), fields, FIELDS);
				for (int i = 0; i < FIELDS; i++)
					assert_true(fields[i].p == NULL ||
					            (fields[i].p >= text &&
					             fields[i].p + fields[i].len <= text + cut));
				mem_free(text);
			}
		}
	}
	struct span fields[FIELDS];
	assert_false(pick(SPAN_LIT("[1]"), keys, PICK_COUNT(keys), fields, FIELDS));
	assert_false(pick(SPAN_LIT("{\"a\":1"), keys, PICK_COUNT(keys), fields, FIELDS));
	assert_false(pick((struct span){ NULL, 0 }, keys, PICK_COUNT(keys), fields, FIELDS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_all_kinds),
		cmocka_unit_test(test_random_documents),
		cmocka_unit_test(test_broken_text_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
