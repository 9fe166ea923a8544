/*
 * Every public sample finding is read and wrapped: none refused, none altered. Skips when the samples are not there.
 */
#include "config.h"

#include "unit.h"

#include "base/buf.h"
#include "event/envelope.h"
#include "event/finding.h"
#include "samples.h"
#include "json/scan.h"

static const struct finding_polled polled = { "111122223333", "us-east-1", false };
static const struct envelope_place place = { "111122223333", "us-east-1", "prod" };

struct tally {
	enum finding_view view;
	size_t high_or_medium, guardduty;
};

/* The finding's own bytes, in the event where EventBridge has them. */
static struct span
detail_of(enum finding_view view, struct span event)
{
	static const char *const guardduty[] = { "detail" };
	static const char *const hub[] = { "detail", "findings", SCAN_INDEX_0 };
	struct span raw = { NULL, 0 };

	if (view == VIEW_GUARDDUTY)
		assert_true(scan_get(event, guardduty, 1, &raw));
	else
		assert_true(scan_get(event, hub, 3, &raw));
	return raw;
}

static struct span
product_field(struct span event, const char *name)
{
	const char *path[] = { "detail", "findings", SCAN_INDEX_0, "ProductFields", name };
	struct span raw = { NULL, 0 }, s = { NULL, 0 };

	if (scan_get(event, path, 5, &raw))
		(void)scan_string_of(raw, &s);
	return s;
}

static void
check_one(const char *path, struct span text, void *arg)
{
	struct tally *t = arg;
	struct buf event = { 0 };
	struct finding f, back;
	struct err e = { 0 };
	struct span label;

	if (finding_parse(t->view, text, &polled, &f, &e))
		fail_msg("%s: refused: %s", path, e.text);
	assert_int_equal(envelope_build(&f, &place, &event), 0);
	assert_int_equal(scan_check((struct span){ event.data, event.len }, true, &e), 0);
	if (!span_eq(detail_of(t->view, (struct span){ event.data, event.len }), text))
		fail_msg("%s: altered", path);
	if (finding_from_event((struct span){ event.data, event.len }, &back, &e))
		fail_msg("%s: not read back: %s", path, e.text);
	assert_memory_equal(back.identity, f.identity, sizeof(f.identity));
	assert_memory_equal(back.digest, f.digest, sizeof(f.digest));
	assert_true(back.updated_ms == f.updated_ms && back.severity == f.severity);

	buf_clear(&event);
	assert_int_equal(envelope_for_match(&f, &place, &event), 0);
	if (scan_check((struct span){ event.data, event.len }, true, &e))
		fail_msg("%s: the event for matching is no JSON: %s", path, e.text);
	if (t->view == VIEW_SECURITYHUB) {
		label = product_field((struct span){ event.data, event.len },
		                      "aws/securityhub/SeverityLabel");
		t->high_or_medium +=
			scan_string_is(label, "HIGH") || scan_string_is(label, "MEDIUM");
		t->guardduty += scan_string_is(product_field((struct span){ event.data, event.len },
		                                             "aws/securityhub/ProductName"),
		                               "GuardDuty");
	}
	buf_done(&event);
}

static void
check_folder(const char *folder, enum finding_view view, struct tally *ret)
{
	*ret = (struct tally){ .view = view };
	if (samples_each(folder, check_one, ret) == 0) {
		print_message("samples/%s is not there: skipped\n", folder);
		skip();
	}
}

static void
test_guardduty_samples_pass(void **state)
{
	struct tally t;

	(void)state;
	check_folder("guardduty", VIEW_GUARDDUTY, &t);
}

static void
test_synthetic_samples_pass(void **state)
{
	struct tally t;

	(void)state;
	check_folder("guardduty-synthetic", VIEW_GUARDDUTY, &t);
}

static void
test_securityhub_samples_pass_and_have_the_old_fields(void **state)
{
	struct tally t;

	(void)state;
	check_folder("securityhub", VIEW_SECURITYHUB, &t);
	/* Most samples carry no old SeverityLabel: it was filled in. */
	assert_true(t.high_or_medium > 20);
	assert_true(t.guardduty > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guardduty_samples_pass),
		cmocka_unit_test(test_synthetic_samples_pass),
		cmocka_unit_test(test_securityhub_samples_pass_and_have_the_old_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
