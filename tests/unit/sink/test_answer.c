/*
 * answer: the table of FORMATS, row by row.
 */
#include "config.h"

#include "unit.h"

#include "sink/answer.h"

static void
test_http_table(void **state)
{
	static const struct {
		int status;
		enum sink_outcome want;
		bool is_gone, is_too_big, keeps_retry_after;
	} rows[] = {
		{ 200, SINK_OK, 0, 0, 0 },       { 201, SINK_OK, 0, 0, 0 },
		{ 202, SINK_OK, 0, 0, 0 },       { 204, SINK_OK, 0, 0, 0 },
		{ 299, SINK_OK, 0, 0, 0 },       { 301, SINK_PERMFAIL, 0, 0, 0 },
		{ 302, SINK_PERMFAIL, 0, 0, 0 }, { 307, SINK_PERMFAIL, 0, 0, 0 },
		{ 308, SINK_PERMFAIL, 0, 0, 0 }, { 400, SINK_PERMFAIL, 0, 0, 0 },
		{ 401, SINK_HOLD, 0, 0, 0 },     { 403, SINK_HOLD, 0, 0, 0 },
		{ 404, SINK_PERMFAIL, 0, 0, 0 }, { 405, SINK_PERMFAIL, 0, 0, 0 },
		{ 407, SINK_HOLD, 0, 0, 0 },     { 408, SINK_TEMPFAIL, 0, 0, 1 },
		{ 409, SINK_PERMFAIL, 0, 0, 0 }, { 410, SINK_HOLD, 1, 0, 0 },
		{ 413, SINK_PERMFAIL, 0, 1, 0 }, { 415, SINK_PERMFAIL, 0, 0, 0 },
		{ 418, SINK_PERMFAIL, 0, 0, 0 }, { 422, SINK_PERMFAIL, 0, 0, 0 },
		{ 425, SINK_TEMPFAIL, 0, 0, 1 }, { 429, SINK_TEMPFAIL, 0, 0, 1 },
		{ 500, SINK_TEMPFAIL, 0, 0, 1 }, { 502, SINK_TEMPFAIL, 0, 0, 1 },
		{ 503, SINK_TEMPFAIL, 0, 0, 1 }, { 504, SINK_TEMPFAIL, 0, 0, 1 },
		{ 599, SINK_TEMPFAIL, 0, 0, 1 }, { 101, SINK_TEMPFAIL, 0, 0, 1 },
		{ 777, SINK_TEMPFAIL, 0, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_result r = { 0 };

		answer_from_http(&r, rows[i].status, 5000, SPAN_LIT("https://else.example/"),
		                 SPAN_LIT("body"));
		assert_int_equal(r.outcome, rows[i].want);
		assert_int_equal(r.is_gone, rows[i].is_gone);
		assert_int_equal(r.is_too_big, rows[i].is_too_big);
		assert_int_equal(r.retry_after_ms, rows[i].keeps_retry_after ? 5000 : 0);
		assert_int_equal(r.status, rows[i].status);
		if (rows[i].status / 100 == 3)
			assert_non_null(strstr(r.answer, "(Location: https://else.example/)"));
		else
			assert_non_null(strstr(r.answer, "body"));
	}
}

static void
test_hostile_answers_are_cleaned_and_cut(void **state)
{
	struct sink_result r = { 0 };
	char body[5000];

	(void)state;
	memset(body, 'x', sizeof body);
	memcpy(body, "a\r\nb\x1b[31m\xe2\x80\xae\xff\xf0\x9f\x98\x80", 18);
	answer_from_http(&r, 500, 0, SPAN_LIT(""), (struct span){ body, sizeof body });
	assert_null(strpbrk(r.answer, "\r\n\x1b"));
	assert_null(strstr(r.answer, "\xe2\x80\xae"));
	assert_non_null(strstr(r.answer, "a b[31m\xef\xbf\xbd\xf0\x9f\x98\x80xxx"));
	assert_true(strlen(r.answer) < SINK_ANSWER_BYTES);
	assert_int_equal(str_utf8_cut(r.answer, strlen(r.answer), SINK_ANSWER_BYTES),
	                 strlen(r.answer));
}

static void
test_sns_codes(void **state)
{
	static const struct {
		int status;
		const char *code, *message;
		enum sink_outcome want;
		bool is_too_big;
	} rows[] = {
		{ 400, "InvalidParameter", "Invalid parameter: Message too long", SINK_PERMFAIL,
		  true },
		{ 400, "InvalidParameter", "Invalid parameter: Subject", SINK_PERMFAIL, false },
		{ 400, "ParameterValueInvalid", "", SINK_PERMFAIL, false },
		{ 404, "NotFound", "Topic does not exist", SINK_HOLD, false },
		{ 403, "AuthorizationError", "User: x is not authorized", SINK_HOLD, false },
		{ 403, "InvalidClientTokenId", "", SINK_HOLD, false },
		{ 400, "KMSDisabled", "", SINK_HOLD, false },
		{ 400, "KMSThrottling", "", SINK_TEMPFAIL, false },
		{ 400, "KMSThrottlingException", "", SINK_TEMPFAIL, false },
		{ 429, "Throttled", "", SINK_TEMPFAIL, false },
		{ 400, "Throttling", "Rate exceeded", SINK_TEMPFAIL, false },
		{ 500, "InternalError", "", SINK_TEMPFAIL, false },
		{ 503, "503", "", SINK_TEMPFAIL, false },
		{ 0, "", "", SINK_TEMPFAIL, false },
		{ 403, "RequestExpired", "", SINK_TEMPFAIL, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_result r = { 0 };

		answer_from_sns(&r, rows[i].status, rows[i].code, rows[i].message, 0);
		assert_int_equal(r.outcome, rows[i].want);
		assert_int_equal(r.is_too_big, rows[i].is_too_big);
	}
}

static void
test_no_answer(void **state)
{
	static const struct {
		enum err_kind kind;
		enum sink_outcome want;
		bool is_unreached;
	} rows[] = {
		{ ERR_NET, SINK_TEMPFAIL, true },    { ERR_TIMEOUT, SINK_TEMPFAIL, false },
		{ ERR_LIMIT, SINK_TEMPFAIL, false }, { ERR_AUTH, SINK_HOLD, false },
		{ ERR_CONFIG, SINK_HOLD, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_result r = { 0 };
		struct err e = { 0 };

		(void)err_set(&e, rows[i].kind, "said so");
		answer_from_err(&r, &e);
		assert_int_equal(r.outcome, rows[i].want);
		assert_int_equal(r.is_unreached, rows[i].is_unreached);
		assert_string_equal(r.answer, "said so");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_table),
		cmocka_unit_test(test_hostile_answers_are_cleaned_and_cut),
		cmocka_unit_test(test_sns_codes),
		cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
