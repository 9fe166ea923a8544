#include "config.h"

#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/endpoint.h"
#include "base/err.h"

static void
test_hosts_of_the_table(void **state)
{
	static const struct {
		const char *service, *region;
		bool is_fips, is_dualstack;
		const char *url, *signing_name, *signing_region; /* url NULL: refused */
	} rows[] = {
		{ "guardduty", "us-east-1", false, false,
		  "https://guardduty.us-east-1.amazonaws.com", "guardduty", "us-east-1" },
		{ "guardduty", "us-east-1", true, false,
		  "https://guardduty-fips.us-east-1.amazonaws.com", "guardduty", "us-east-1" },
		{ "guardduty", "us-east-1", false, true, "https://guardduty.us-east-1.api.aws",
		  "guardduty", "us-east-1" },
		{ "guardduty", "us-east-1", true, true, "https://guardduty-fips.us-east-1.api.aws",
		  "guardduty", "us-east-1" },
		{ "guardduty", "us-gov-west-1", true, false,
		  "https://guardduty.us-gov-west-1.amazonaws.com", "guardduty", "us-gov-west-1" },
		{ "securityhub", "us-gov-west-1", true, false,
		  "https://securityhub-fips.us-gov-west-1.amazonaws.com", "securityhub",
		  "us-gov-west-1" },
		{ "securityhub", "cn-north-1", false, false,
		  "https://securityhub.cn-north-1.amazonaws.com.cn", "securityhub", "cn-north-1" },
		{ "securityhub", "eusc-de-east-1", false, false,
		  "https://securityhub.eusc-de-east-1.amazonaws.eu", "securityhub",
		  "eusc-de-east-1" },
		{ "sns", "us-isob-east-1", false, false, "https://sns.us-isob-east-1.sc2s.sgov.gov",
		  "sns", "us-isob-east-1" },
		{ "sqs", "us-iso-east-1", true, false, "https://sqs.us-iso-east-1.c2s.ic.gov",
		  "sqs", "us-iso-east-1" },
		{ "config", "us-iso-east-1", true, false,
		  "https://config-fips.us-iso-east-1.c2s.ic.gov", "config", "us-iso-east-1" },
		{ "email", "eu-west-1", false, false, "https://email.eu-west-1.amazonaws.com",
		  "ses", "eu-west-1" },
		{ "organizations", "eu-west-1", false, false,
		  "https://organizations.us-east-1.amazonaws.com", "organizations", "us-east-1" },
		{ "account", "cn-north-1", false, false,
		  "https://account.cn-northwest-1.amazonaws.com.cn", "account", "cn-northwest-1" },
		{ "sts", "ap-southeast-9", false, false, "https://sts.ap-southeast-9.amazonaws.com",
		  "sts", "ap-southeast-9" }, /* not built yet */
		{ "guardduty", "eu-west-1", true, false, NULL, "no FIPS", "" },
		{ "guardduty", "eu-isoe-west-1", false, false, NULL, "does not exist", "" },
		{ "email", "cn-north-1", false, false, NULL, "does not exist", "" },
		{ "guardduty", "us-esat-1", false, false,
		  "https://guardduty.us-esat-1.amazonaws.com", "guardduty",
		  "us-esat-1" }, /* has the form */
		{ "guardduty", "useast1", false, false, NULL, "did you mean us-east-1", "" },
		{ "guardduty", "us-east-1/../x", false, false, NULL, "not the name", "" },
		{ "guardduty", "", false, false, NULL, "not the name", "" },
		{ "guardduty", "us-east-", false, false, NULL, "not the name", "" },
		{ "guardduty", "evil.example.com/us-east-1", false, false, NULL, "not the name",
		  "" },
		{ "guarduty", "us-east-1", false, false, NULL, "not known", "" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct endpoint_options o = { .is_fips = rows[i].is_fips,
			                      .is_dualstack = rows[i].is_dualstack };
		struct endpoint got = { 0 };
		struct err e = { 0 };
		int r = endpoint_find(&o, rows[i].service, rows[i].region, &got, &e);
		if (rows[i].url == NULL) {
			assert_int_equal(r, -1);
			assert_int_equal(e.kind, ERR_CONFIG);
			if (strstr(e.text, rows[i].signing_name) == NULL)
				fail_msg("row %zu: %s", i, e.text);
			continue;
		}
		assert_string_equal(e.text, "");
		assert_int_equal(r, 0);
		assert_string_equal(got.url, rows[i].url);
		assert_string_equal(got.host, rows[i].url + 8);
		assert_string_equal(got.signing_name, rows[i].signing_name);
		assert_string_equal(got.signing_region, rows[i].signing_region);
		assert_false(got.is_override);
	}
}

static void
test_overrides_win_in_their_order(void **state)
{
	struct endpoint_override per[] = { { "sns", "http://127.0.0.1:1111/" }, { "sts", "" } };
	struct endpoint_options o = { .overrides = per,
		                      .override_count = 2,
		                      .url = "https://all.example.com:443/base/",
		                      .is_env_used = true };
	struct endpoint got;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(setenv("AWS_ENDPOINT_URL", "http://env:1", 1), 0);
	assert_int_equal(setenv("AWS_ENDPOINT_URL_SECURITYHUB", "http://env-hub:80", 1), 0);
	assert_int_equal(endpoint_find(&o, "sns", "us-east-1", &got, &e), 0);
	assert_string_equal(got.url, "http://127.0.0.1:1111");
	assert_string_equal(got.host, "127.0.0.1:1111");
	assert_true(got.is_override);
	assert_int_equal(endpoint_find(&o, "sts", "eu-west-1", &got, &e), 0);
	assert_string_equal(got.url, "https://all.example.com:443/base");
	assert_string_equal(got.host, "all.example.com"); /* what curl sends */
	assert_string_equal(got.signing_region, "eu-west-1");
	o.url = "";
	assert_int_equal(endpoint_find(&o, "securityhub", "eu-west-1", &got, &e), 0);
	assert_string_equal(got.url, "http://env-hub:80");
	assert_string_equal(got.host, "env-hub");
	assert_int_equal(endpoint_find(&o, "guardduty", "eu-west-1", &got, &e), 0);
	assert_string_equal(got.url, "http://env:1");
	assert_int_equal(setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1), 0);
	endpoint_options_from_env(&o);
	assert_int_equal(endpoint_find(&o, "guardduty", "eu-west-1", &got, &e), 0);
	assert_string_equal(got.url, "https://guardduty.eu-west-1.amazonaws.com");
	assert_int_equal(unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), 0);
	static const char *const bad[] = { "ftp://x",    "x",           "http://",
		                           "http://u@h", "http://h/?q", "http://h h" };
	for (size_t i = 0; i < LENGTH(bad); i++) {
		o.url = bad[i];
		assert_int_equal(endpoint_find(&o, "guardduty", "eu-west-1", &got, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
	assert_int_equal(unsetenv("AWS_ENDPOINT_URL"), 0);
	assert_int_equal(unsetenv("AWS_ENDPOINT_URL_SECURITYHUB"), 0);
}

static void
test_partitions_and_consoles(void **state)
{
	char out[128];

	(void)state;
	assert_string_equal(endpoint_partition("us-gov-east-1"), "aws-us-gov");
	assert_string_equal(endpoint_partition("us-iso-east-1"), "aws-iso");
	assert_string_equal(endpoint_partition("ap-northeast-3"), "aws");
	assert_null(endpoint_partition("xx-north-1"));
	assert_null(endpoint_partition(NULL));
	assert_true(endpoint_region_is_known("mx-central-1"));
	assert_false(endpoint_region_is_known("mx-central-2"));
	assert_string_equal(endpoint_region_nearest("us-eats-1"), "us-east-1");
	assert_null(endpoint_region_nearest("moon"));
	assert_string_equal(endpoint_console("eu-west-1", out, sizeof(out)),
	                    "https://eu-west-1.console.aws.amazon.com");
	assert_string_equal(endpoint_console("cn-north-1", out, sizeof(out)),
	                    "https://cn-north-1.console.amazonaws.cn");
	assert_string_equal(endpoint_console("us-iso-east-1", out, sizeof(out)), "");
}

static void
compare(const char *service, const char *region, const json_t *facts, const char *suffix,
        bool is_fips)
{
	struct endpoint_options o = { .is_fips = is_fips };
	struct endpoint got;
	struct err e = { 0 };
	const char *fips =
		json_string_value(json_object_get(json_object_get(facts, "fips"), region));
	char want[256];
	int r = endpoint_find(&o, service, region, &got, &e);

	if (is_fips && fips == NULL) {
		if (r == 0)
			fail_msg("%s in %s has no FIPS host, but %s was found", service, region,
			         got.host);
		return;
	}
	(void)snprintf(want, sizeof(want), "%s.%s.%s", service, region, suffix);
	if (r != 0 || strcmp(got.host, is_fips ? fips : want) != 0)
		fail_msg("%s in %s: want %s, got %s", service, region, is_fips ? fips : want,
		         r == 0 ? got.host : e.text);
}

/* Every service, region and FIPS host of AWS's own rules, when they are there. */
static void
test_agrees_with_the_published_rules(void **state)
{
	const char *shared = getenv("FINDINGSD_SHARED"), *name, *service;
	char path[1024];
	json_t *partition, *facts, *region;
	size_t i, count = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/conformance/endpoints-compact.json",
	               shared ? shared : TEST_SRCDIR "/../shared");
	json_t *all = json_load_file(path, 0, NULL);
	if (all == NULL) {
		print_message("skipped: no rules at %s\n", path);
		skip();
	}
	json_object_foreach(all, name, partition) {
		const char *suffix = json_string_value(json_object_get(partition, "dnsSuffix"));
		json_object_foreach(json_object_get(partition, "services"), service, facts) {
			json_array_foreach(json_object_get(facts, "regions"), i, region) {
				compare(service, json_string_value(region), facts, suffix, false);
				compare(service, json_string_value(region), facts, suffix, true);
				assert_string_equal(endpoint_partition(json_string_value(region)),
				                    name);
				assert_true(endpoint_region_is_known(json_string_value(region)));
				count++;
			}
		}
	}
	json_decref(all);
	assert_true(count > 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_of_the_table),
		cmocka_unit_test(test_overrides_win_in_their_order),
		cmocka_unit_test(test_partitions_and_consoles),
		cmocka_unit_test(test_agrees_with_the_published_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
