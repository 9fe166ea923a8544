/*
 * test_metrics: what Prometheus reads is well-formed, and says what was counted.
 *
 * check_exposition() is a strict reader of the format, as promtool is: head lines once per family and before its
 * samples, families not interleaved, no sample twice, histograms cumulative with +Inf equal to their count.
 */
#include "config.h"

#include "control/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static char *
print_all(bool is_openmetrics)
{
	struct buf out = { 0 };

	metrics_print(&out, is_openmetrics);
	return buf_take(&out, NULL);
}

static void
assert_has(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
		fail_msg("no line '%s' in:\n%s", line, text);
}

/* The family that a sample belongs to, by the type that was declared last. */
static void
check_sample(const char *line, const char *family, const char *type)
{
	size_t n = strcspn(line, "{ ");
	char name[128];
	const char *value = strrchr(line, ' ');
	char *end;

	assert_true(n < sizeof(name));
	memcpy(name, line, n);
	name[n] = '\0';
	assert_true(strncmp(name, family, strlen(family)) == 0);
	if (strcmp(type, "histogram") == 0)
		assert_true(strcmp(name + strlen(family), "_bucket") == 0 ||
		            strcmp(name + strlen(family), "_sum") == 0 ||
		            strcmp(name + strlen(family), "_count") == 0);
	else if (strcmp(type, "counter") == 0)
		assert_true(strcmp(name + n - strlen("_total"), "_total") == 0);
	else
		assert_string_equal(name, family);
	if (line[n] == '{')
		assert_true(value[-1] == '}');
	assert_true(strtod(value + 1, &end) >= 0 || strcmp(value + 1, "NaN") == 0);
	assert_int_equal(*end, '\0');
}

static void
check_exposition(const char *text)
{
	char *copy = strdup(text), *save = NULL, seen[8192] = "|";
	char family[128] = "", type[32] = "";

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[128], marked[136];

		if (sscanf(line, "# HELP %127s", name) == 1) {
			snprintf(marked, sizeof(marked), "|%s|", name);
			assert_null(strstr(seen, marked));
			assert_true(strlen(seen) + strlen(name) + 2 < sizeof(seen));
			strcat(strcat(seen, name), "|");
			snprintf(family, sizeof(family), "%s", name);
			assert_true(line[strlen(line) - 1] == '.');
		} else if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			assert_string_equal(name, family);
		} else if (strcmp(line, "# EOF") != 0) {
			check_sample(line, family, type);
		}
	}
	free(copy);
}

static void
test_counters_add_up_by_label(void **state)
{
	struct metric_series *s =
		metric_series(METRIC_FINDINGS_TOTAL, "hub", "111122223333", "eu-west-1");
	char *text;

	(void)state;
	metric_add(s, 100);
	metric_add(s, 12);
	metric_count(METRIC_FINDINGS_TOTAL, "hub", "111122223333", "us-east-1");
	assert_ptr_equal(s,
	                 metric_series(METRIC_FINDINGS_TOTAL, "hub", "111122223333", "eu-west-1"));
	text = print_all(false);
	assert_has(text, "findingsd_findings_total{source=\"hub\",account=\"111122223333\","
	                 "region=\"eu-west-1\"} 112");
	assert_has(text, "findingsd_findings_total{source=\"hub\",account=\"111122223333\","
	                 "region=\"us-east-1\"} 1");
	assert_has(text, "# TYPE findingsd_findings_total counter");
	check_exposition(text);
	free(text);
	metrics_done();
}

static void
test_label_values_cannot_forge_a_line(void **state)
{
	char *text;

	(void)state;
	metric_count(METRIC_RULE_MATCHES_TOTAL, "a\"} 1\nforged \\\x01", NULL, NULL);
	text = print_all(false);
	assert_has(text, "findingsd_rule_matches_total{rule=\"a\\\"} 1\\nforged \\\\?\"} 1");
	free(text);
	metrics_done();
}

static void
test_two_label_values_do_not_run_together(void **state)
{
	(void)state;
	assert_ptr_not_equal(metric_series(METRIC_NOTICES_TOTAL, "ab", "c", NULL),
	                     metric_series(METRIC_NOTICES_TOTAL, "a", "bc", NULL));
	metrics_done();
}

static void
test_a_histogram_is_cumulative(void **state)
{
	struct metric_series *s = metric_series(METRIC_DELIVERY_SECONDS, "hook", NULL, NULL);
	char *text;

	(void)state;
	metric_observe(s, 0.001);
	metric_observe(s, 0.002);
	metric_observe(s, 3);
	metric_observe(s, 1e9);
	text = print_all(false);
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"0.001\"} 1");
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"0.0025\"} 2");
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"2.5\"} 2");
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"5\"} 3");
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"86400\"} 3");
	assert_has(text, "findingsd_delivery_seconds_bucket{sink=\"hook\",le=\"+Inf\"} 4");
	assert_has(text, "findingsd_delivery_seconds_count{sink=\"hook\"} 4");
	check_exposition(text);
	free(text);
	metrics_done();
}

static void
test_a_gauge_not_set_again_is_not_shown(void **state)
{
	char *text;

	(void)state;
	metrics_begin_scrape();
	metric_gauge(METRIC_QUEUE_ITEMS, "gone", NULL, NULL, 3);
	metrics_begin_scrape();
	metric_gauge(METRIC_QUEUE_ITEMS, "kept", NULL, NULL, 4);
	text = print_all(false);
	assert_null(strstr(text, "gone"));
	assert_has(text, "findingsd_queue_items{sink=\"kept\"} 4");
	free(text);
	metrics_done();
}

static void
test_openmetrics_names_families_without_suffix(void **state)
{
	char *text;

	(void)state;
	metric_count(METRIC_POLLS_TOTAL, "hub", "ok", NULL);
	text = print_all(true);
	assert_has(text, "# TYPE findingsd_polls counter");
	assert_has(text, "findingsd_polls_total{source=\"hub\",result=\"ok\"} 1");
	assert_string_equal(text + strlen(text) - strlen("# EOF\n"), "# EOF\n");
	check_exposition(text);
	free(text);
	metrics_done();
}

static void
test_every_row_prints(void **state)
{
	char *text;

	(void)state;
	for (enum metric m = 0; m < METRIC_COUNT; m++) {
		struct metric_series *s = metric_series(m, "x", "y", "z");

		if (m == METRIC_DELIVERY_SECONDS || m == METRIC_PAGE_SECONDS)
			metric_observe(s, 1);
		else
			metric_set(s, 1);
	}
	text = print_all(false);
	check_exposition(text);
	free(text);
	text = print_all(true);
	check_exposition(text);
	free(text);
	metrics_done();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_add_up_by_label),
		cmocka_unit_test(test_label_values_cannot_forge_a_line),
		cmocka_unit_test(test_two_label_values_do_not_run_together),
		cmocka_unit_test(test_a_histogram_is_cumulative),
		cmocka_unit_test(test_a_gauge_not_set_again_is_not_shown),
		cmocka_unit_test(test_openmetrics_names_families_without_suffix),
		cmocka_unit_test(test_every_row_prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
