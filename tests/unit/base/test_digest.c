#include "config.h"

#include "unit.h"

#include "base/digest.h"

static void
test_known_digests(void **state)
{
	unsigned char sum[DIGEST_BYTES];
	char hex[DIGEST_HEX_BYTES];

	(void)state;
	digest_sha256("abc", 3, sum);
	digest_hex(sum, sizeof(sum), hex);
	assert_string_equal(hex,
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct span parts[] = { SPAN_LIT("a"), { NULL, 0 }, SPAN_LIT("bc") };
	digest_sha256_spans(parts, 3, sum);
	digest_hex(sum, sizeof(sum), hex);
	assert_string_equal(hex,
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	/* RFC 4231, case 2 */
	digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, sum);
	digest_hex(sum, sizeof(sum), hex);
	assert_string_equal(hex,
	                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(digest_crc32(0, "123456789", 9), 0xCBF43926);
	assert_int_equal(digest_crc32(digest_crc32(0, "12345", 5), "6789", 4), 0xCBF43926);
}

static void
test_uuid5_of_the_rfc(void **state)
{
	/* RFC 9562, appendix A.4: DNS namespace, www.example.com */
	static const unsigned char dns[16] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
		                               0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	char uuid[37];

	(void)state;
	digest_uuid5(dns, "www.example.com", 15, uuid);
	assert_string_equal(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void
test_base64_round_trip(void **state)
{
	unsigned char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct buf text = { 0 }, back = { 0 };
		digest_base64(bytes, n, &text);
		assert_int_equal(digest_base64_decode((struct span){ text.data, text.len }, &back),
		                 0);
		assert_int_equal(back.len, n);
		if (n > 0)
			assert_memory_equal(back.data, bytes, n);
		buf_done(&text);
		buf_done(&back);
	}
}

static void
test_base64_refuses(void **state)
{
	static const char *const bad[] = { "A", "AAAAA", "A A=", "AB*=", "AB" /* loose bits */ };

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct buf out = { 0 };
		assert_int_equal(digest_base64_decode(span_of(bad[i]), &out), -1);
		buf_done(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests),
		cmocka_unit_test(test_uuid5_of_the_rfc),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_base64_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
