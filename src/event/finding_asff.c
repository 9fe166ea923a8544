/*
 * finding_asff: reads a finding as Security Hub's GetFindings gives it (ASFF, PascalCase).
 *
 * Source: botocore's model of securityhub (AwsSecurityFinding); AWS-FACTS 1.2, 3.1 for the old ProductFields.
 */
#include "config.h"

#include <string.h>

#include "event/finding_read.h"
#include "json/pick.h"
#include "json/scan.h"

enum field {
	ID,
	PRODUCT_ARN,
	ACCOUNT,
	ACCOUNT_NAME,
	REGION,
	TYPE,
	TITLE,
	DESCRIPTION,
	CREATED,
	UPDATED,
	FIRST_OBSERVED,
	LAST_OBSERVED,
	LABEL,
	NORMALIZED,
	WORKFLOW,
	WORKFLOW_STATE,
	RECORD,
	COMPLIANCE,
	CONTROL,
	PRODUCT_NAME,
	COMPANY_NAME,
	GENERATOR,
	REMEDIATION_URL,
	REMEDIATION_TEXT,
	SOURCE_URL,
	RESOURCE_TYPE,
	RESOURCE_ID,
	RESOURCE_PARTITION,
	SAMPLE,
	FIELDS,
	OLD_LABEL,
	OLD_PRODUCT,
	OLD_COMPANY,
	OLD_CONTROL,
	GD_COUNT,
	GD_SAMPLE,
	GD_SAMPLE_VALUE,
	FIELD_COUNT,
};

static const struct pick_key severity_keys[] = { PICK("Label", LABEL),
	                                         PICK("Normalized", NORMALIZED) };
static const struct pick_key workflow_keys[] = { PICK("Status", WORKFLOW) };
static const struct pick_key compliance_keys[] = { PICK("Status", COMPLIANCE),
	                                           PICK("SecurityControlId", CONTROL) };
static const struct pick_key first_type[] = { PICK(PICK_FIRST, TYPE) };
static const struct pick_key recommendation_keys[] = { PICK("Url", REMEDIATION_URL),
	                                               PICK("Text", REMEDIATION_TEXT) };
static const struct pick_key remediation_keys[] = { PICK_BELOW("Recommendation",
	                                                       recommendation_keys) };
static const struct pick_key resource_keys[] = { PICK("Type", RESOURCE_TYPE),
	                                         PICK("Id", RESOURCE_ID),
	                                         PICK("Partition", RESOURCE_PARTITION) };
static const struct pick_key first_resource[] = { PICK_BELOW(PICK_FIRST, resource_keys) };
static const struct pick_key product_keys[] = {
	PICK("aws/securityhub/SeverityLabel", OLD_LABEL),
	PICK("aws/securityhub/ProductName", OLD_PRODUCT),
	PICK("aws/securityhub/CompanyName", OLD_COMPANY),
	PICK("ControlId", OLD_CONTROL),
	PICK("aws/guardduty/service/count", GD_COUNT),
	PICK("aws/guardduty/service/additionalInfo/sample", GD_SAMPLE),
	PICK("aws/guardduty/service/additionalInfo/value", GD_SAMPLE_VALUE),
};
static const struct pick_key keys[] = {
	PICK("Id", ID),
	PICK("ProductArn", PRODUCT_ARN),
	PICK("AwsAccountId", ACCOUNT),
	PICK("AwsAccountName", ACCOUNT_NAME),
	PICK("Region", REGION),
	PICK_BELOW("Types", first_type),
	PICK("Title", TITLE),
	PICK("Description", DESCRIPTION),
	PICK("CreatedAt", CREATED),
	PICK("UpdatedAt", UPDATED),
	PICK("FirstObservedAt", FIRST_OBSERVED),
	PICK("LastObservedAt", LAST_OBSERVED),
	PICK_BELOW("Severity", severity_keys),
	PICK_BELOW("Workflow", workflow_keys),
	PICK("WorkflowState", WORKFLOW_STATE),
	PICK("RecordState", RECORD),
	PICK_BELOW("Compliance", compliance_keys),
	PICK("ProductName", PRODUCT_NAME),
	PICK("CompanyName", COMPANY_NAME),
	PICK("GeneratorId", GENERATOR),
	PICK_BELOW("Remediation", remediation_keys),
	PICK("SourceUrl", SOURCE_URL),
	PICK_BELOW("Resources", first_resource),
	PICK("Sample", SAMPLE),
	PICK_BOTH("ProductFields", FIELDS, product_keys),
};

/* A word of AWS's and what it is to us; ends with a NULL word. */
struct word {
	const char *word;
	int value;
};

static const struct word workflow_words[] = {
	{ "NEW", WORKFLOW_NEW },
	{ "NOTIFIED", WORKFLOW_NOTIFIED },
	{ "SUPPRESSED", WORKFLOW_SUPPRESSED },
	{ "RESOLVED", WORKFLOW_RESOLVED },
	{ NULL, WORKFLOW_NONE },
};
/* The deprecated WorkflowState: it only counts where Workflow is missing. */
static const struct word workflow_state_words[] = {
	{ "NEW", WORKFLOW_NEW },
	{ "ASSIGNED", WORKFLOW_NOTIFIED },
	{ "IN_PROGRESS", WORKFLOW_NOTIFIED },
	{ "DEFERRED", WORKFLOW_NOTIFIED },
	{ "RESOLVED", WORKFLOW_RESOLVED },
	{ NULL, WORKFLOW_NONE },
};
static const struct word record_words[] = {
	{ "ACTIVE", RECORD_ACTIVE },
	{ "ARCHIVED", RECORD_ARCHIVED },
	{ NULL, RECORD_NONE },
};
static const struct word compliance_words[] = {
	{ "PASSED", COMPLIANCE_PASSED }, { "WARNING", COMPLIANCE_WARNING },
	{ "FAILED", COMPLIANCE_FAILED }, { "NOT_AVAILABLE", COMPLIANCE_NOT_AVAILABLE },
	{ NULL, COMPLIANCE_NONE },
};

static int
look_up(const struct word *words, struct span s)
{
	while (words->word && !scan_string_is(s, words->word))
		words++;
	return words->value;
}

/* "arn:aws:securityhub:us-east-1::product/aws/guardduty" -> "aws/guardduty"; the slash may be escaped. */
static struct span
product_of(struct span arn)
{
	static const char mark[] = ":product";
	const char *at = arn.len > 0 ? memmem(arn.p, arn.len, mark, sizeof(mark) - 1) : NULL;
	struct span s;

	if (!at)
		return arn;
	s.p = at + sizeof(mark) - 1;
	s.len = (size_t)(arn.p + arn.len - s.p);
	if (s.len > 0 && s.p[0] == '\\')
		s = (struct span){ s.p + 1, s.len - 1 };
	if (s.len > 1 && s.p[0] == '/')
		return (struct span){ s.p + 1, s.len - 1 };
	return arn;
}

static void
read_severity(struct finding *f, const struct span *fields)
{
	struct span label = finding_text(fields[LABEL]);
	bool has_number = finding_number(fields[NORMALIZED], &f->severity_number);

	if (label.len == 0 && !has_number)
		label = f->legacy_severity;
	if (label.len > 0) {
		f->severity_label = label;
		if (severity_parse(label, &f->severity))
			return;
	}
	if (has_number) {
		f->severity = severity_of_normalized(f->severity_number);
		if (label.len == 0)
			f->severity_label = span_of(severity_name(f->severity));
	}
	/* A label of the future, or none at all: a known number may raise it, nothing lowers it below HIGH. */
	if (label.len > 0 && f->severity < SEVERITY_HIGH)
		f->severity = SEVERITY_HIGH;
	f->is_severity_unknown = label.len > 0 || !has_number;
}

static void
read_states(struct finding *f, const struct span *fields)
{
	f->workflow_text = finding_text(fields[WORKFLOW]);
	f->workflow = (enum finding_workflow)look_up(workflow_words, f->workflow_text);
	if (f->workflow_text.len == 0) {
		f->workflow_text = finding_text(fields[WORKFLOW_STATE]);
		f->workflow =
			(enum finding_workflow)look_up(workflow_state_words, f->workflow_text);
	}
	f->record_text = finding_text(fields[RECORD]);
	f->record = (enum finding_record)look_up(record_words, f->record_text);
	f->compliance_text = finding_text(fields[COMPLIANCE]);
	f->compliance = (enum finding_compliance)look_up(compliance_words, f->compliance_text);
	f->is_sample = finding_is_true(fields[SAMPLE]) || finding_is_true(fields[GD_SAMPLE]) ||
	               finding_says_sample(fields[GD_SAMPLE_VALUE]);
}

static void
read_times(struct finding *f, const struct span *fields)
{
	f->is_undated = !finding_instant(fields[UPDATED], &f->updated_ms, &f->updated_sub_ns);
	(void)finding_instant(fields[CREATED], &f->created_ms, NULL);
	(void)finding_instant(fields[FIRST_OBSERVED], &f->first_seen_ms, NULL);
	(void)finding_instant(fields[LAST_OBSERVED], &f->last_seen_ms, NULL);
}

static void
read_product_fields(struct finding *f, const struct span *fields)
{
	struct span raw = fields[FIELDS];

	f->legacy_severity = finding_text(fields[OLD_LABEL]);
	f->legacy_product = finding_text(fields[OLD_PRODUCT]);
	f->legacy_company = finding_text(fields[OLD_COMPANY]);
	if (!raw.p)
		return;
	f->is_fields_odd = scan_kind_of(raw) != SCAN_OBJECT_BEGIN;
	if (f->is_fields_odd)
		return;
	f->fields_end = (size_t)(raw.p - f->body.p) + raw.len - 1;
	f->is_fields_empty = true;
	for (size_t i = 1; f->is_fields_empty && i < raw.len - 1; i++)
		f->is_fields_empty = strchr(" \t\r\n", raw.p[i]) != NULL;
}

static void
read_texts(struct finding *f, const struct span *fields)
{
	f->account_name = finding_text(fields[ACCOUNT_NAME]);
	f->type = finding_text(fields[TYPE]);
	f->title = finding_text(fields[TITLE]);
	f->description = finding_text(fields[DESCRIPTION]);
	f->product_name = finding_text(fields[PRODUCT_NAME]);
	if (f->product_name.len == 0)
		f->product_name = f->legacy_product;
	f->company_name = finding_text(fields[COMPANY_NAME]);
	if (f->company_name.len == 0)
		f->company_name = f->legacy_company;
	f->resource_type = finding_text(fields[RESOURCE_TYPE]);
	f->resource_id = finding_text(fields[RESOURCE_ID]);
	f->generator_id = finding_text(fields[GENERATOR]);
	f->control_id = finding_text(fields[CONTROL]);
	if (f->control_id.len == 0)
		f->control_id = finding_text(fields[OLD_CONTROL]);
	f->remediation_url = finding_text(fields[REMEDIATION_URL]);
	f->remediation_text = finding_text(fields[REMEDIATION_TEXT]);
	f->source_url = finding_text(fields[SOURCE_URL]);
}

int
finding_read_asff(struct finding *f, struct err *e)
{
	struct span fields[FIELD_COUNT];

	if (!pick(f->body, keys, PICK_COUNT(keys), fields, FIELD_COUNT))
		return finding_no_object(f->body, e);

	f->id = finding_text(fields[ID]);
	f->arn = span_starts(f->id, "arn:") ? f->id : (struct span){ NULL, 0 };
	f->product_arn = finding_text(fields[PRODUCT_ARN]);
	f->product = product_of(f->product_arn);
	f->account = finding_text(fields[ACCOUNT]);
	f->region = finding_text(fields[REGION]);
	f->partition = finding_text(fields[RESOURCE_PARTITION]);
	read_product_fields(f, fields);
	read_texts(f, fields);
	read_times(f, fields);
	read_states(f, fields);
	read_severity(f, fields);
	finding_set_count(f, fields[GD_COUNT]);
	return 0;
}
