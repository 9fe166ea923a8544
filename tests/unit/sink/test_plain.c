/*
 * plain: what strangers' text may not do, and the escapes.
 */
#include "config.h"

#include "unit.h"

#include "sink/plain.h"

static void
test_cleaning(void **state)
{
	static const struct {
		const char *in;
		int flags;
		size_t max;
		const char *want;
		bool is_cut;
	} rows[] = {
		{ "plain text", 0, 0, "plain text", false },
		{ "  both  ends \n", 0, 0, "both  ends", false },
		{ "a\r\nBcc: x@y\tz", 0, 0, "a Bcc: x@y z", false },
		{ "a\r\nb\rc\n\n\n\nd\n", PLAIN_KEEP_LINES, 0, "a\nb\nc\n\nd", false },
		{ "\x1b[31mred\x07\x7f", 0, 0, "[31mred", false },
		/* bidirectional override and isolates, zero width, BOM, tags, line separator */
		{ "a\xe2\x80\xae"
		  "b\xe2\x81\xa6"
		  "c\xe2\x80\x8b"
		  "d\xef\xbb\xbf"
		  "e\xf3\xa0\x81\x81"
		  "f\xe2\x80\xa8g",
		  0, 0, "abcdef g", false },
		{ "a\xe2\x80\xa8g", PLAIN_KEEP_LINES, 0, "a\ng", false },
		{ "\xc3\xa9\xf0\x9f\x98\x80", 0, 0, "\xc3\xa9\xf0\x9f\x98\x80", false },
		{ "bad\xff\xc3(\xed\xa0\x80", 0, 0,
		  "bad\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", false },
		{ "abcdef", 0, 6, "abcdef", false },
		{ "abcdefg", 0, 6, "abcde\xe2\x80\xa6", true },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9", 0, 2, "\xc3\xa9\xe2\x80\xa6", true },
		{ "abc   ", 0, 3, "abc", false },
		{ "a                                      b", 0, 0, "a        b", false },
		{ "@everyone @Here <!channel> a@example.com", PLAIN_NO_MENTIONS, 0,
		  "@\xe2\x81\xa0"
		  "everyone @\xe2\x81\xa0Here <\xe2\x81\xa0!channel> a@example.com",
		  false },
		{ "", 0, 0, "", false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf out;

		buf_init(&out, 0);
		(void)buf_add_str(&out, ">");
		assert_int_equal(plain_add(&out, span_of(rows[i].in),
		                           (enum plain_flags)rows[i].flags, rows[i].max),
		                 rows[i].is_cut);
		assert_string_equal(out.data + 1, rows[i].want);
		buf_done(&out);
	}
}

static void
test_escapes(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	plain_html(&out, "<a href=\"x\">'&'\n", true);
	assert_string_equal(out.data, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;<br>\n");
	buf_clear(&out);
	plain_ascii(&out, "caf\xc3\xa9 \xe2\x80\x93 \xe6\x97\xa5\xe2\x80\xa6\n\xff");
	assert_string_equal(out.data, "cafe - ?... ?");
	buf_clear(&out);
	plain_percent(&out, "a b\"%\xc3\xa9/:");
	assert_string_equal(out.data, "a%20b%22%25%C3%A9/:");
	buf_clear(&out);
	plain_url(&out, "arn:aws/x y~");
	assert_string_equal(out.data, "arn%3Aaws%2Fx%20y~");
	buf_done(&out);
}

/* Random bytes: always valid UTF-8, never a control character, never longer than asked. */
static void
test_any_bytes_come_out_clean(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char in[64], answer[40];
		size_t len = (size_t)(round % (int)sizeof in);
		struct buf out;

		for (size_t i = 0; i < len; i++) {
			x = x * 1664525u + 1013904223u;
			in[i] = (char)(x >> (round % 2 ? 24 : 20));
		}
		buf_init(&out, 0);
		(void)plain_add(&out, (struct span){ in, len }, PLAIN_LINE, 20);
		for (size_t at = 0; at < out.len;) {
			uint32_t cp;
			size_t n = str_utf8_decode(out.data + at, out.len - at, &cp);

			assert_true(n > 0 && cp >= 0x20 && cp != 0x7f &&
			            !(cp >= 0x80 && cp < 0xa0));
			at += n;
		}
		assert_true(str_utf8_count(out.data ? out.data : "", out.len) <= 20);
		buf_done(&out);
		plain_answer(in, len, answer, sizeof answer);
		assert_true(strlen(answer) < sizeof answer);
		assert_int_equal(str_utf8_cut(answer, strlen(answer), sizeof answer),
		                 strlen(answer));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cleaning),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_any_bytes_come_out_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
