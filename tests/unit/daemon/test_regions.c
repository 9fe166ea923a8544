/*
 * test_regions: which regions are enabled, out of EC2's answer and out of the store.
 */
#include "config.h"

#include "daemon/regions.h"

#include "unit.h"

#define HEAD                                                                    \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeRegionsResponse " \
	"xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><regionInfo>"
#define ITEM(name)                                             \
	"<item><optInStatus>opt-in-not-required</optInStatus>" \
	"<regionName>" name "</regionName><regionEndpoint>x</regionEndpoint></item>"
#define TAIL "</regionInfo></DescribeRegionsResponse>"

static void
test_names_are_read(void **state)
{
	char text[256];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(regions_read(SPAN_LIT(HEAD ITEM("us-east-1") ITEM("eu-west-1") TAIL), text,
	                              sizeof(text), &e),
	                 0);
	assert_string_equal(text, "us-east-1 eu-west-1");
}

static void
test_what_is_no_region_is_left_out(void **state)
{
	char text[256];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(regions_read(SPAN_LIT(HEAD ITEM("us-east-1") ITEM("../x y") TAIL), text,
	                              sizeof(text), &e),
	                 0);
	assert_string_equal(text, "us-east-1");
}

static void
test_an_answer_without_regions_is_an_error(void **state)
{
	static const char *const bad[] = { HEAD TAIL, "<a/>", "", "{}", HEAD ITEM("us-east-1") };
	char text[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct err e = { 0 };

		assert_int_equal(regions_read(span_of(bad[i]), text, sizeof(text), &e), -1);
		assert_true(e.kind != ERR_NONE);
	}
}

static void
test_more_names_than_room_are_cut_between_names(void **state)
{
	char text[16];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(regions_read(SPAN_LIT(HEAD ITEM("us-east-1") ITEM("eu-west-1") TAIL), text,
	                              sizeof(text), &e),
	                 0);
	assert_string_equal(text, "us-east-1");
}

static void
test_the_stored_list_is_known_at_once_in_order(void **state)
{
	struct regions *r = regions_new(NULL, NULL, "us-east-1 ap-northeast-1", NULL, NULL);
	const char *const *list;
	size_t count;

	(void)state;
	list = regions_list(r, &count);
	assert_int_equal(count, 2);
	assert_string_equal(list[0], "ap-northeast-1");
	assert_string_equal(list[1], "us-east-1");
	assert_null(list[2]);
	regions_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_read),
		cmocka_unit_test(test_what_is_no_region_is_left_out),
		cmocka_unit_test(test_an_answer_without_regions_is_an_error),
		cmocka_unit_test(test_more_names_than_room_are_cut_between_names),
		cmocka_unit_test(test_the_stored_list_is_known_at_once_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
