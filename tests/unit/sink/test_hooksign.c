/*
 * hooksign: the vector of the specification's own libraries, rotation, and secrets that cannot work.
 */
#include "config.h"

#include "unit.h"

#include "sink/hooksign.h"

static void
test_vector(void **state)
{
	struct hooksign h;
	struct err e = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(hooksign_init(&h, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &e), 0);
	hooksign_add(&h, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
	             SPAN_LIT("{\"test\": 2432232314}"), &out);
	assert_string_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	hooksign_done(&h);
	buf_done(&out);
}

static void
test_rotation_gives_a_signature_for_each_secret(void **state)
{
	struct hooksign h;
	struct err e = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(
		hooksign_init(&h, " 0123456789abcdef\twhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
	                      &e),
		0);
	assert_int_equal(h.count, 2);
	hooksign_add(&h, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
	             SPAN_LIT("{\"test\": 2432232314}"), &out);
	assert_int_equal(out.len, 2 * 47 + 1);
	assert_string_equal(out.data + 48, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	assert_memory_not_equal(out.data, out.data + 48, 47);
	hooksign_done(&h);
	buf_done(&out);
}

static void
test_bad_secrets_are_refused_and_never_shown(void **state)
{
	static const struct {
		const char *secret, *want;
	} rows[] = {
		{ "", "is empty" },
		{ "  ", "is empty" },
		{ "short-secret", "too few" },
		{ "whsec_!!!!", "not base64" },
		{ "whsec_c2hvcnQ=", "24 to 64" },
		{ "0123456789abcdef0 0123456789abcdef1 0123456789abcdef2 0123456789abcdef3 0123456789abcdef4",
		  "more than 4" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct hooksign h;
		struct err e = { 0 };

		assert_int_equal(hooksign_init(&h, rows[i].secret, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.text, rows[i].want));
		assert_null(strstr(e.text, "short-secret"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_rotation_gives_a_signature_for_each_secret),
		cmocka_unit_test(test_bad_secrets_are_refused_and_never_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
