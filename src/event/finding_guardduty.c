/*
 * finding_guardduty: reads a finding as GuardDuty's GetFindings gives it (camelCase).
 *
 * Source: botocore's model of guardduty (Finding); AWS-FACTS 1.1, 2.4; ASKS R24 for samples.
 */
#include "config.h"

#include "event/finding_read.h"
#include "json/pick.h"

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

static const struct pick_key info_keys[] = { PICK("sample", SAMPLE), PICK("value", SAMPLE_VALUE) };
static const struct pick_key service_keys[] = {
	PICK("archived", ARCHIVED),         PICK("count", COUNT),
	PICK("eventFirstSeen", FIRST_SEEN), PICK("eventLastSeen", LAST_SEEN),
	PICK("detectorId", DETECTOR),       PICK_BELOW("additionalInfo", info_keys),
};
static const struct pick_key instance_keys[] = { PICK("instanceId", INSTANCE) };
static const struct pick_key bucket_keys[] = { PICK("arn", BUCKET_ARN), PICK("name", BUCKET_NAME) };
static const struct pick_key first_bucket[] = { PICK_BELOW(PICK_FIRST, bucket_keys) };
static const struct pick_key eks_keys[] = { PICK("arn", EKS_ARN), PICK("name", EKS_NAME) };
static const struct pick_key ecs_keys[] = { PICK("arn", ECS_ARN) };
static const struct pick_key lambda_keys[] = { PICK("functionArn", LAMBDA_ARN) };
static const struct pick_key db_keys[] = { PICK("dbInstanceArn", DB_ARN),
	                                   PICK("dbInstanceIdentifier", DB_NAME) };
static const struct pick_key container_keys[] = { PICK("id", CONTAINER_ID) };
static const struct pick_key volume_keys[] = { PICK("volumeArn", VOLUME_ARN) };
static const struct pick_key first_volume[] = { PICK_BELOW(PICK_FIRST, volume_keys) };
static const struct pick_key ebs_keys[] = { PICK_BELOW("scannedVolumeDetails", first_volume) };
static const struct pick_key access_keys[] = { PICK("userName", USER_NAME),
	                                       PICK("accessKeyId", ACCESS_KEY) };
static const struct pick_key resource_keys[] = {
	PICK("resourceType", RESOURCE_TYPE),         PICK_BELOW("instanceDetails", instance_keys),
	PICK_BELOW("s3BucketDetails", first_bucket), PICK_BELOW("eksClusterDetails", eks_keys),
	PICK_BELOW("ecsClusterDetails", ecs_keys),   PICK_BELOW("lambdaDetails", lambda_keys),
	PICK_BELOW("rdsDbInstanceDetails", db_keys), PICK_BELOW("containerDetails", container_keys),
	PICK_BELOW("ebsVolumeDetails", ebs_keys),    PICK_BELOW("accessKeyDetails", access_keys),
};
static const struct pick_key keys[] = {
	PICK("id", ID),
	PICK("arn", ARN),
	PICK("accountId", ACCOUNT),
	PICK("region", REGION),
	PICK("partition", PARTITION),
	PICK("type", TYPE),
	PICK("title", TITLE),
	PICK("description", DESCRIPTION),
	PICK("severity", SEVERITY),
	PICK("createdAt", CREATED),
	PICK("updatedAt", UPDATED),
	PICK_BELOW("service", service_keys),
	PICK_BELOW("resource", resource_keys),
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
resource_id(const struct span *fields, struct span type)
{
	struct span s = { NULL, 0 };

	for (size_t i = 0; i < sizeof(resource_ids) / sizeof(resource_ids[0]); i++)
		if (span_eq_str(type, resource_ids[i].type))
			s = finding_text(fields[resource_ids[i].field]);
	for (int i = RESOURCE_FIRST; s.len == 0 && i < RESOURCE_END; i++)
		s = finding_text(fields[i]);
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
read_times(struct finding *f, const struct span *fields)
{
	f->is_undated = !finding_instant(fields[UPDATED], &f->updated_ms, &f->updated_sub_ns);
	(void)finding_instant(fields[CREATED], &f->created_ms, NULL);
	(void)finding_instant(fields[FIRST_SEEN], &f->first_seen_ms, NULL);
	(void)finding_instant(fields[LAST_SEEN], &f->last_seen_ms, NULL);
}

int
finding_read_guardduty(struct finding *f, struct err *e)
{
	struct span fields[FIELD_COUNT];

	if (!pick(f->body, keys, PICK_COUNT(keys), fields, FIELD_COUNT))
		return finding_no_object(f->body, e);

	f->arn = finding_text(fields[ARN]);
	f->id = f->arn.len > 0 ? f->arn : finding_text(fields[ID]);
	f->product = SPAN_LIT("aws/guardduty");
	f->product_name = SPAN_LIT("GuardDuty");
	f->company_name = SPAN_LIT("Amazon");
	f->account = finding_text(fields[ACCOUNT]);
	f->region = finding_text(fields[REGION]);
	f->partition = finding_text(fields[PARTITION]);
	f->type = finding_text(fields[TYPE]);
	f->title = finding_text(fields[TITLE]);
	f->description = finding_text(fields[DESCRIPTION]);
	f->detector_id = finding_text(fields[DETECTOR]);
	f->resource_type = finding_text(fields[RESOURCE_TYPE]);
	f->resource_id = resource_id(fields, f->resource_type);
	read_times(f, fields);
	read_severity(f, fields[SEVERITY]);
	finding_set_count(f, fields[COUNT]);
	f->is_archived = finding_is_true(fields[ARCHIVED]);
	f->is_sample = finding_is_true(fields[SAMPLE]) || finding_says_sample(fields[SAMPLE_VALUE]);
	return 0;
}
