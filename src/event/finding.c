/*
 * finding: see finding.h. Here: identity, version, state; the two shapes are read by finding_guardduty.c and
 * finding_asff.c.
 */
#include "config.h"

#include "event/finding.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/timefmt.h"
#include "event/finding_read.h"
#include "json/pick.h"
#include "json/scan.h"

static int parse(enum finding_view view, struct span body, struct span account, struct span region,
                 struct finding *ret, struct err *e);

/* The object alone: what is put into it goes before its last byte. */
static struct span
without_blanks(struct span s)
{
	while (s.len > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = (struct span){ s.p + 1, s.len - 1 };
	while (s.len > 0 && memchr(" \t\r\n", s.p[s.len - 1], 4) != NULL)
		s.len--;
	return s;
}

int
finding_parse(enum finding_view view, struct span body, const struct finding_polled *polled,
              struct finding *ret, struct err *e)
{
	if (!(polled && polled->is_checked) && scan_check(body, true, e))
		return err_wrap(e, "not a finding of %s", finding_view_name(view));
	return parse(view, without_blanks(body), span_of(polled ? polled->account : NULL),
	             span_of(polled ? polled->region : NULL), ret, e);
}

int
finding_no_object(struct span body, struct err *e)
{
	return scan_check(body, true, e) ? -1 : err_set(e, ERR_PARSE, "not a JSON object");
}

int
finding_from_event(struct span event, struct finding *ret, struct err *e)
{
	enum { SOURCE, ACCOUNT, REGION, DETAIL, FIRST, FIELDS };
	static const struct pick_key first[] = { PICK(PICK_FIRST, FIRST) };
	static const struct pick_key detail[] = { PICK_BELOW("findings", first) };
	static const struct pick_key keys[] = {
		PICK("source", SOURCE),
		PICK("account", ACCOUNT),
		PICK("region", REGION),
		PICK_BOTH("detail", DETAIL, detail),
	};
	struct span fields[FIELDS], source, account, region;

	if (!pick(event, keys, PICK_COUNT(keys), fields, FIELDS))
		return finding_no_object(event, e);
	source = finding_text(fields[SOURCE]);
	account = finding_text(fields[ACCOUNT]);
	region = finding_text(fields[REGION]);
	if (scan_string_is(source, "aws.guardduty") && fields[DETAIL].len > 0)
		return parse(VIEW_GUARDDUTY, fields[DETAIL], account, region, ret, e);
	if (scan_string_is(source, "aws.securityhub") && fields[FIRST].len > 0)
		return parse(VIEW_SECURITYHUB, fields[FIRST], account, region, ret, e);
	return err_set(e, ERR_NOT_FOUND, "the event holds no finding");
}

struct span
finding_text(struct span raw)
{
	struct span s;

	return raw.p && scan_string_of(raw, &s) ? s : (struct span){ NULL, 0 };
}

bool
finding_number(struct span raw, double *ret)
{
	enum scan_token kind = scan_kind_of(raw);

	if (kind == SCAN_STRING)
		return str_to_double(finding_text(raw), ret);
	return kind == SCAN_NUMBER && str_to_double(raw, ret);
}

bool
finding_instant(struct span raw, int64_t *ret_ms, int32_t *ret_sub_ns)
{
	struct span s = finding_text(raw);
	char text[64];
	size_t len;

	if (s.len == 0 || s.len >= sizeof(text) - 1)
		return false;
	if (timefmt_parse(s, ret_ms, ret_sub_ns))
		return true;
	len = scan_unescape_to(s, text, false);
	if (timefmt_parse((struct span){ text, len }, ret_ms, ret_sub_ns))
		return true;
	text[len++] = 'Z';
	return timefmt_parse((struct span){ text, len }, ret_ms, ret_sub_ns);
}

bool
finding_is_true(struct span raw)
{
	return scan_kind_of(raw) == SCAN_TRUE ||
	       (scan_kind_of(raw) == SCAN_STRING && scan_string_is(finding_text(raw), "true"));
}

bool
finding_says_sample(struct span raw)
{
	static const char *const path[] = { "sample" };
	struct span s = finding_text(raw), value;
	struct buf text;
	bool is_sample = false;

	if (s.len == 0 || !memmem(s.p, s.len, "sample", 6))
		return false;
	buf_init(&text, s.len);
	if (scan_unescape(s, &text) == 0 &&
	    scan_check((struct span){ text.data, text.len }, true, NULL) == 0 &&
	    scan_get((struct span){ text.data, text.len }, path, 1, &value))
		is_sample = finding_is_true(value);
	buf_done(&text);
	return is_sample;
}

struct span
finding_arn_part(struct span arn, unsigned part)
{
	struct span rest = arn;

	if (!span_starts(arn, "arn:"))
		return (struct span){ NULL, 0 };
	for (;;) {
		const char *colon = memchr(rest.p, ':', rest.len);
		size_t len = colon ? (size_t)(colon - rest.p) : rest.len;

		if (part-- == 0)
			return (struct span){ rest.p, len };
		if (!colon)
			return (struct span){ NULL, 0 };
		rest = (struct span){ colon + 1, rest.len - len - 1 };
	}
}

void
finding_set_count(struct finding *f, struct span raw)
{
	double number;

	if (finding_number(raw, &number) && number >= 1 && number <= 1e15)
		f->count = (int64_t)number;
}

/* Over the decoded parts; without escapes nothing is copied. */
static void
identify(struct finding *f)
{
	const struct span newline = SPAN_LIT("\n");
	struct span parts[] = {
		f->product, newline, f->account, newline, f->region, newline, f->id
	};
	size_t n = sizeof(parts) / sizeof(parts[0]);
	bool has_escapes = false;
	struct buf text;

	for (size_t i = 0; i < n; i += 2)
		has_escapes |= parts[i].len > 0 && memchr(parts[i].p, '\\', parts[i].len) != NULL;
	if (!has_escapes) {
		digest_sha256_spans(parts, n, f->identity);
		return;
	}
	/* Decoded text is never longer than escaped text, so the ceiling is not reached. */
	buf_init(&text, 0);
	for (size_t i = 0; i < n; i++) {
		if (i % 2 == 1)
			(void)buf_add_char(&text, '\n');
		else
			(void)scan_unescape(parts[i], &text);
	}
	digest_sha256(text.data, text.len, f->identity);
	buf_done(&text);
}

/* What a silent change (BatchUpdateFindings, an archive) can change without moving the update instant. */
static void
digest_state(struct finding *f)
{
	unsigned char hash[DIGEST_BYTES];
	char text[96];
	double milli = f->severity_number * 1000;
	int64_t number = milli > 1e15    ? INT64_C(1000000000000000)
	                 : milli < -1e15 ? -1
	                                 : (int64_t)milli;
	int len = snprintf(text, sizeof(text), "%d %d %" PRId64, (int)f->severity, f->is_archived,
	                   number);
	const struct span bar = SPAN_LIT("|");
	const struct span parts[] = { { text, (size_t)len }, bar, f->workflow_text,  bar,
		                      f->record_text,        bar, f->compliance_text };

	digest_sha256_spans(parts, sizeof(parts) / sizeof(parts[0]), hash);
	memcpy(f->digest, hash, sizeof(f->digest));
}

static void
judge_state(struct finding *f)
{
	f->closed_by = "";
	if (f->is_archived)
		f->closed_by = "archived";
	else if (f->record == RECORD_ARCHIVED)
		f->closed_by = "ARCHIVED";
	else if (f->workflow == WORKFLOW_RESOLVED)
		f->closed_by = "RESOLVED";
	else if (f->workflow == WORKFLOW_SUPPRESSED)
		f->closed_by = "SUPPRESSED";
	else if (f->compliance == COMPLIANCE_PASSED)
		f->closed_by = "PASSED";

	if (f->closed_by[0] != '\0')
		f->state = FINDING_CLOSED;
	else if (f->compliance == COMPLIANCE_NOT_AVAILABLE || f->compliance == COMPLIANCE_WARNING)
		f->state = FINDING_NEUTRAL;
	else
		f->state = FINDING_OPEN;
}

static void
fill_gaps(struct finding *f, struct span account, struct span region)
{
	const struct span arn = f->product_arn.len > 0 ? f->product_arn : f->arn;

	if (f->region.len == 0)
		f->region = finding_arn_part(arn, 3);
	if (f->region.len == 0)
		f->region = region;
	if (f->account.len == 0)
		f->account = finding_arn_part(f->arn, 4);
	if (f->account.len == 0)
		f->account = account;
	if (f->partition.len == 0)
		f->partition = finding_arn_part(arn, 1);
	if (f->partition.len == 0)
		f->partition = SPAN_LIT("aws");
	if (f->is_undated)
		f->updated_ms = f->created_ms;
	f->is_sample |= span_starts(f->title, "[SAMPLE]");
}

static int
parse(enum finding_view view, struct span body, struct span account, struct span region,
      struct finding *ret, struct err *e)
{
	struct finding *f = ret;
	int rc;

	*f = (struct finding){
		.view = view, .body = body, .severity_number = -1, .is_undated = true
	};
	rc = view == VIEW_GUARDDUTY ? finding_read_guardduty(f, e) : finding_read_asff(f, e);
	if (rc)
		return err_wrap(e, "not a finding of %s", finding_view_name(view));
	fill_gaps(f, account, region);
	if (f->id.len == 0)
		return err_set(e, ERR_PARSE, "a finding of %s without an id",
		               finding_view_name(view));
	if (f->product.len == 0)
		return err_set(e, ERR_PARSE, "a finding of %s without a product",
		               finding_view_name(view));
	identify(f);
	digest_state(f);
	judge_state(f);
	return 0;
}
