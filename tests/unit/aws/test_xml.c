#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"

static void
test_reads_answers_of_sns_and_sts(void **state)
{
	struct err e = { 0 };
	struct xml *x = xml_read(
		SPAN_LIT(
			"<?xml version=\"1.0\"?>\n<PublishBatchResponse xmlns=\"http://sns/\">\n <R><Failed>\n"
			"<member><Id>a</Id><Code>x &amp; y</Code></member><member><Id> b </Id><Code/></member>"
			"</Failed></R><n:RequestId xmlns:n=\"u\"><![CDATA[<r>]]></n:RequestId></PublishBatchResponse>"),
		&e);

	(void)state;
	assert_non_null(x);
	assert_string_equal(xml_text(x, "PublishBatchResponse/R/Failed/member/Id"), "a");
	assert_string_equal(xml_text(x, "*/R/Failed/member/Code"), "x & y");
	assert_string_equal(xml_text_at(x, "*/*/Failed/member/Id", 1), "b");
	assert_string_equal(xml_text_at(x, "*/*/Failed/member/Code", 1), "");
	assert_null(xml_text_at(x, "*/*/Failed/member/Id", 2));
	assert_string_equal(xml_text(x, "*/RequestId"), "<r>");
	assert_string_equal(xml_text(x, "*/R"), "");
	assert_null(xml_text(x, "PublishBatchResponse/R/Fail"));
	assert_null(xml_text(x, "*/R/Failed/member/Id/x"));
	assert_null(xml_text(x, ""));
	xml_free(x);
}

static void
test_refuses_what_is_no_such_answer(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} rows[] = {
		{ "", ERR_PARSE },
		{ "<a>", ERR_PARSE },
		{ "<a></b>", ERR_PARSE },
		{ "{\"json\":1}", ERR_PARSE },
		{ "<a>&undefined;</a>", ERR_PARSE },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", ERR_LIMIT },
		{ "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", ERR_LIMIT },
		{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>",
		  ERR_LIMIT },
	};
	struct buf b = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		err_clear(&e);
		assert_null(xml_read(span_of(rows[i].text), &e));
		assert_int_equal(e.kind, rows[i].kind);
		assert_true(strlen(e.text) > 10);
	}
	(void)buf_add_str(&b, "<a>");
	for (int i = 0; i < 1024; i++)
		(void)buf_add_str(&b, "<b/>");
	(void)buf_add_str(&b, "</a>");
	assert_null(xml_read((struct span){ b.data, b.len }, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_answers_of_sns_and_sts),
		cmocka_unit_test(test_refuses_what_is_no_such_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
