/*
 * finding_guardduty: reads a finding as GuardDuty's GetFindings gives it (camelCase).
 *
 * Source: botocore's model of guardduty (Finding); AWS-FACTS 1.1, 2.4; ASKS R24 for samples.
 */
#include "config.h"

#include "event/finding_read.h"
#include "json/scan.h"

enum field {
	ID,
	ARN,
	ACCOUNT,
	REGION,
	PARTITION,
	TYPE,
	TITLE,
	DESCRIPTION,
	SEVERITY,
	CREATED,
	UPDATED,
	ARCHIVED,
	COUNT,
	FIRST_SEEN,
	LAST_SEEN,
	DETECTOR,
	SAMPLE,
	SAMPLE_VALUE,
	RESOURCE_TYPE,
	RESOURCE_FIRST, /* from here on: ids of resources, in the order in which they are tried */
	INSTANCE = RESOURCE_FIRST,
	BUCKET_ARN,
	BUCKET_NAME,
	EKS_ARN,
	EKS_NAME,
	ECS_ARN,
	LAMBDA_ARN,
	DB_ARN,
	DB_NAME,
	CONTAINER_ID,
	VOLUME_ARN,
	USER_NAME,
	ACCESS_KEY,
	RESOURCE_END,
	FIELD_COUNT = RESOURCE_END,
};

static const char *const paths[FIELD_COUNT] = {
	[ID] = "id",
	[ARN] = "arn",
	[ACCOUNT] = "accountId",
	[REGION] = "region",
	[PARTITION] = "partition",
	[TYPE] = "type",
	[TITLE] = "title",
	[DESCRIPTION] = "description",
	[SEVERITY] = "severity",
	[CREATED] = "createdAt",
	[UPDATED] = "updatedAt",
	[ARCHIVED] = "service.archived",
	[COUNT] = "service.count",
	[FIRST_SEEN] = "service.eventFirstSeen",
	[LAST_SEEN] = "service.eventLastSeen",
	[DETECTOR] = "service.detectorId",
	[SAMPLE] = "service.additionalInfo.sample",
	[SAMPLE_VALUE] = "service.additionalInfo.value",
	[RESOURCE_TYPE] = "resource.resourceType",
	[INSTANCE] = "resource.instanceDetails.instanceId",
	[BUCKET_ARN] = "resource.s3BucketDetails.[0].arn",
	[BUCKET_NAME] = "resource.s3BucketDetails.[0].name",
	[EKS_ARN] = "resource.eksClusterDetails.arn",
	[EKS_NAME] = "resource.eksClusterDetails.name",
	[ECS_ARN] = "resource.ecsClusterDetails.arn",
	[LAMBDA_ARN] = "resource.lambdaDetails.functionArn",
	[DB_ARN] = "resource.rdsDbInstanceDetails.dbInstanceArn",
	[DB_NAME] = "resource.rdsDbInstanceDetails.dbInstanceIdentifier",
	[CONTAINER_ID] = "resource.containerDetails.id",
	[VOLUME_ARN] = "resource.ebsVolumeDetails.scannedVolumeDetails.[0].volumeArn",
	[USER_NAME] = "resource.accessKeyDetails.userName",
	[ACCESS_KEY] = "resource.accessKeyDetails.accessKeyId",
};

/* Which id names a resource of this type; a finding often carries details of several. */
static const struct {
	const char *type;
	enum field field;
} resource_ids[] = {
	{ "Instance", INSTANCE },   { "S3Bucket", BUCKET_ARN },  { "S3Object", BUCKET_ARN },
	{ "EKSCluster", EKS_ARN },  { "ECSCluster", ECS_ARN },   { "Container", CONTAINER_ID },
	{ "Lambda", LAMBDA_ARN },   { "RDSDBInstance", DB_ARN }, { "EBSVolume", VOLUME_ARN },
	{ "AccessKey", USER_NAME },
};

static struct span
resource_id(const struct scan_field *fields, struct span type)
{
	struct span s = { NULL, 0 };

	for (size_t i = 0; i < sizeof(resource_ids) / sizeof(resource_ids[0]); i++)
		if (span_eq_str(type, resource_ids[i].type))
			s = finding_text(fields[resource_ids[i].field].raw);
	for (int i = RESOURCE_FIRST; s.len == 0 && i < RESOURCE_END; i++)
		s = finding_text(fields[i].raw);
	return s;
}

static void
read_severity(struct finding *f, struct span raw)
{
	double number;

	if (finding_number(raw, &number)) {
		f->severity_number = number;
		f->severity = severity_of_guardduty(number);
		return;
	}
	/* None, or one that says nothing to us: never too low. */
	f->is_severity_unknown = true;
	f->severity = raw.p ? SEVERITY_HIGH : SEVERITY_INFORMATIONAL;
}

static void
read_times(struct finding *f, const struct scan_field *fields)
{
	f->is_undated = !finding_instant(fields[UPDATED].raw, &f->updated_ms, &f->updated_sub_ns);
	(void)finding_instant(fields[CREATED].raw, &f->created_ms, NULL);
	(void)finding_instant(fields[FIRST_SEEN].raw, &f->first_seen_ms, NULL);
	(void)finding_instant(fields[LAST_SEEN].raw, &f->last_seen_ms, NULL);
}

int
finding_read_guardduty(struct finding *f, struct err *e)
{
	struct scan_field fields[FIELD_COUNT];

	for (int i = 0; i < FIELD_COUNT; i++)
		fields[i] = (struct scan_field){ .path = paths[i] };
	if (scan_fields(f->body, fields, FIELD_COUNT, e))
		return -1;

	f->arn = finding_text(fields[ARN].raw);
	f->id = f->arn.len > 0 ? f->arn : finding_text(fields[ID].raw);
	f->product = SPAN_LIT("aws/guardduty");
	f->product_name = SPAN_LIT("GuardDuty");
	f->company_name = SPAN_LIT("Amazon");
	f->account = finding_text(fields[ACCOUNT].raw);
	f->region = finding_text(fields[REGION].raw);
	f->partition = finding_text(fields[PARTITION].raw);
	f->type = finding_text(fields[TYPE].raw);
	f->title = finding_text(fields[TITLE].raw);
	f->description = finding_text(fields[DESCRIPTION].raw);
	f->detector_id = finding_text(fields[DETECTOR].raw);
	f->resource_type = finding_text(fields[RESOURCE_TYPE].raw);
	f->resource_id = resource_id(fields, f->resource_type);
	read_times(f, fields);
	read_severity(f, fields[SEVERITY].raw);
	finding_set_count(f, fields[COUNT].raw);
	f->is_archived = finding_is_true(fields[ARCHIVED].raw);
	f->is_sample = finding_is_true(fields[SAMPLE].raw) ||
	               finding_says_sample(fields[SAMPLE_VALUE].raw);
	return 0;
}
