/*
 * mime: exact bytes, and that nobody's text breaks out of its line.
 */
#include "config.h"

#include "unit.h"

#include <stdlib.h>

#include "sink/mime.h"

static void
test_headers(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "short", "Subject: short\r\n" },
		{ "", "Subject:\r\n" },
		{ "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
		  "Subject: one two three four five six seven eight nine ten eleven twelve\r\n thirteen fourteen\r\n" },
		{ "caf\xc3\xa9", "Subject: =?UTF-8?B?Y2Fmw6k=?=\r\n" },
		{ "=?UTF-8?Q?fake?=", "Subject: =?UTF-8?B?PT9VVEYtOD9RP2Zha2U/PQ==?=\r\n" },
		{ "a\r\nBcc: evil@example.com",
		  "Subject: =?UTF-8?B?YSAgQmNjOiBldmlsQGV4YW1wbGUuY29t?=\r\n" },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		  "Subject: =?UTF-8?B?w6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6k=?=\r\n"
		  " =?UTF-8?B?w6nDqcOpw6k=?=\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf out;

		buf_init(&out, 0);
		mime_header(&out, "Subject", rows[i].value);
		assert_string_equal(out.data, rows[i].want);
		buf_done(&out);
	}
}

static void
test_raw_headers_drop_what_could_break_out(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mime_header_raw(&out, "Message-ID", "<a\r\nb\xc3\xa9@example.com>");
	assert_string_equal(out.data, "Message-ID: <a b@example.com>\r\n");
	buf_done(&out);
}

static void
test_addresses(void **state)
{
	const char *const list[] = { "a@example.com", "Team Sec <b@example.com>",
		                     "Sec, Ops <c@example.com>", "J\xc3\xbcrgen <d@example.com>" };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mime_header_addresses(&out, "To", list, LENGTH(list));
	assert_string_equal(
		out.data,
		"To: a@example.com, Team Sec <b@example.com>, \"Sec, Ops\" <c@example.com>,\r\n"
		" =?UTF-8?B?SsO8cmdlbg==?= <d@example.com>\r\n");
	assert_true(span_eq_str(mime_address("X <y@z> "), "y@z"));
	assert_true(span_eq_str(mime_address(" y@z "), "y@z"));
	buf_done(&out);
}

static void
test_quoted_printable(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "a=b", "a=3Db\r\n" },
		{ "line \nnext\t\n", "line=20\r\nnext=09\r\n" },
		{ "crlf\r\nend", "crlf\r\nend\r\n" },
		{ ".dot\n--x\nFrom me\n", "=2Edot\r\n=2D-x\r\n=46rom me\r\n" },
		{ "\xc3\xa9", "=C3=A9\r\n" },
		{ "bare\rcr", "bare=0Dcr\r\n" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5678\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf out;

		buf_init(&out, 0);
		mime_quoted_printable(&out, span_of(rows[i].in));
		assert_string_equal(out.data ? out.data : "", rows[i].want);
		buf_done(&out);
	}
}

/* Lines at most 76 bytes, ASCII only, every CR with its LF; and it decodes to what went in. */
static void
test_any_text_decodes_to_itself(void **state)
{
	uint32_t x = 99;

	(void)state;
	for (int round = 0; round < 500; round++) {
		char in[600];
		size_t len = (size_t)round, column = 0, got = 0;
		char back[600];
		struct buf out;

		for (size_t i = 0; i < len; i++) {
			x = x * 1664525u + 1013904223u;
			in[i] = "abc =.\n\xc3\xa9~F\t-"[(x >> 24) % 13];
		}
		buf_init(&out, 0);
		mime_quoted_printable(&out, (struct span){ in, len });
		for (size_t i = 0; i < out.len; i++) {
			unsigned char c = (unsigned char)out.data[i];

			assert_true(c < 0x7f && (c >= 0x20 || c == '\r' || c == '\n' || c == '\t'));
			column = c == '\n' ? 0 : column + (c != '\r');
			assert_true(column <= 76);
			if (c == '\r') {
				assert_int_equal(out.data[i + 1], '\n');
			} else if (c == '=' && out.data[i + 1] == '\r') {
				i += 2;
				column = 0;
			} else if (c == '=') {
				char hex[3] = { out.data[i + 1], out.data[i + 2], 0 };

				back[got++] = (char)strtol(hex, NULL, 16);
				i += 2;
				column += 2;
			} else {
				back[got++] = (char)c;
			}
		}
		if (got == len + 1 && back[got - 1] == '\n')
			got--;
		assert_int_equal(got, len);
		assert_memory_equal(back, in, len);
		buf_done(&out);
	}
}

static void
test_alternative(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mime_alternative(&out, "key", SPAN_LIT("text\n"), SPAN_LIT("<p>html</p>\n"));
	assert_string_equal(out.data,
	                    "MIME-Version: 1.0\r\n"
	                    "Content-Type: multipart/alternative;\r\n boundary=\"=_fd_key\"\r\n"
	                    "\r\n"
	                    "--=_fd_key\r\n"
	                    "Content-Type: text/plain; charset=utf-8\r\n"
	                    "Content-Transfer-Encoding: quoted-printable\r\n"
	                    "\r\n"
	                    "text\r\n"
	                    "--=_fd_key\r\n"
	                    "Content-Type: text/html; charset=utf-8\r\n"
	                    "Content-Transfer-Encoding: quoted-printable\r\n"
	                    "\r\n"
	                    "<p>html</p>\r\n"
	                    "--=_fd_key--\r\n");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_raw_headers_drop_what_could_break_out),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_any_text_decodes_to_itself),
		cmocka_unit_test(test_alternative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
