"""Findings of our own making, as GuardDuty and Security Hub send them. Written from AWS's models; nothing copied.

guardduty() and the asff makers give dicts, text() the bytes (compact or pretty, as the APIs give either), many() a
stream of mixed ones. The same seed gives the same finding. Instants are seconds since 1970 or RFC 3339 text.
"""
import hashlib
import json
import random
import time

ACCOUNT = "111122223333"
REGION = "us-east-1"
BASE = 1768478400.0     # 2026-01-15T12:00:00Z

GUARDDUTY_TYPES = {     # type -> (severity, resource, action)
    "Backdoor:EC2/C&CActivity.B!DNS": (8.0, "Instance", "dns"),
    "CryptoCurrency:EC2/BitcoinTool.B!DNS": (8.0, "Instance", "dns"),
    "Recon:EC2/Portscan": (5.0, "Instance", "network"),
    "Recon:EC2/PortProbeUnprotectedPort": (2.0, "Instance", "probe"),
    "UnauthorizedAccess:EC2/SSHBruteForce": (2.0, "Instance", "network"),
    "UnauthorizedAccess:EC2/TorClient": (8.0, "Instance", "network"),
    "Trojan:EC2/DNSDataExfiltration": (8.0, "Instance", "dns"),
    "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B": (5.0, "AccessKey", "api"),
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS": (8.0, "AccessKey", "api"),
    "CredentialAccess:IAMUser/AnomalousBehavior": (5.4, "AccessKey", "api"),
    "Policy:IAMUser/RootCredentialUsage": (2.0, "AccessKey", "api"),
    "Stealth:IAMUser/CloudTrailLoggingDisabled": (2.0, "AccessKey", "api"),
    "Discovery:S3/TorIPCaller": (8.7, "S3Bucket", "api"),
    "Exfiltration:S3/AnomalousBehavior": (8.0, "S3Bucket", "api"),
    "Policy:S3/BucketAnonymousAccessGranted": (8.0, "S3Bucket", "api"),
    "Execution:Kubernetes/ExecInKubeSystemPod": (5.0, "EKSCluster", "kubernetes"),
    "AttackSequence:IAM/CompromisedCredentials": (9.0, "AttackSequence", None),
    "AttackSequence:S3/CompromisedData": (9.3, "AttackSequence", None),
}
_CITIES = (("Reykjavik", "Iceland", 64.1355, -21.8954), ("Valletta", "Malta", 35.8997, 14.5146),
           ("Suva", "Fiji", -18.1416, 178.4419), ("Thimphu", "Bhutan", 27.4728, 89.639))
_NAMES = ("payments-api", "ledger-batch", "web-front-7", "büro-gateway", "ops \"jump\" host", "事務所-01")
_CONTROLS = (
    ("S3.8", "S3 general purpose buckets should block public access", "HIGH", "AwsS3Bucket"),
    ("EC2.19", "Security groups should not allow unrestricted access to ports with high risk", "CRITICAL",
     "AwsEc2SecurityGroup"),
    ("IAM.6", "Hardware MFA should be enabled for the root user", "CRITICAL", "AwsAccount"),
    ("RDS.3", "RDS DB instances should have encryption at-rest enabled", "MEDIUM", "AwsRdsDbInstance"),
    ("CloudTrail.5", "CloudTrail trails should be integrated with Amazon CloudWatch Logs", "LOW", "AwsCloudTrailTrail"),
)
NORMALIZED = {"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}
_RESOURCE_ARNS = {
    "AwsS3Bucket": "arn:aws:s3:::example-records-%s", "AwsEc2SecurityGroup":
    "arn:aws:ec2:{r}:{a}:security-group/sg-0%s", "AwsAccount": "AWS::::Account:{a}",
    "AwsRdsDbInstance": "arn:aws:rds:{r}:{a}:db:records-%s", "AwsCloudTrailTrail":
    "arn:aws:cloudtrail:{r}:{a}:trail/trail-%s",
}


def digest(*parts):
    """64 hex of the parts."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def instant(value, digits=3):
    """RFC 3339 in UTC; text goes through as it is."""
    if isinstance(value, str):
        return value
    micros = int(round(value * 1_000_000))
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    return whole + (".%06d" % (micros % 1_000_000))[:digits + 1 if digits else 0] + "Z"


def detector_id(account=ACCOUNT, region=REGION):
    """The id of the detector that the simulator has there."""
    return hashlib.sha256(("%s/%s" % (account, region)).encode()).hexdigest()[:32]


def text(doc, pretty=False):
    """The bytes in which a finding is served."""
    if pretty:
        return json.dumps(doc, ensure_ascii=False, indent=4).encode()
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode()


def label_of(severity):
    """GuardDuty's number as Security Hub's label."""
    return "CRITICAL" if severity >= 9 else "HIGH" if severity >= 7 else "MEDIUM" if severity >= 4 else "LOW"


# GuardDuty

def _remote(rng):
    city, country, lat, lon = rng.choice(_CITIES)
    return {"city": {"cityName": city}, "country": {"countryName": country}, "geoLocation": {"lat": lat, "lon": lon},
            "ipAddressV4": "198.51.100.%d" % rng.randrange(1, 255),
            "organization": {"asn": str(64496 + rng.randrange(15)), "asnOrg": "Example Transit", "isp": "Example ISP",
                             "org": "Example Hosting"}}


def _action(kind, rng):
    if kind == "dns":
        return {"actionType": "DNS_REQUEST", "dnsRequestAction": {
            "domain": "c%d.malware.example.net" % rng.randrange(1000), "protocol": "UDP", "blocked": False}}
    if kind == "network":
        return {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {
            "blocked": False, "connectionDirection": rng.choice(("INBOUND", "OUTBOUND")),
            "localPortDetails": {"port": 22, "portName": "SSH"},
            "localIpDetails": {"ipAddressV4": "10.0.%d.%d" % (rng.randrange(256), rng.randrange(256))},
            "protocol": "TCP", "remoteIpDetails": _remote(rng),
            "remotePortDetails": {"port": 1024 + rng.randrange(60000), "portName": "Unknown"}}}
    if kind == "probe":
        return {"actionType": "PORT_PROBE", "portProbeAction": {"blocked": False, "portProbeDetails": [
            {"localPortDetails": {"port": port, "portName": "Unknown"},
             "localIpDetails": {"ipAddressV4": "10.0.0.23"}, "remoteIpDetails": _remote(rng)} for port in (80, 443)]}}
    if kind == "kubernetes":
        return {"actionType": "KUBERNETES_API_CALL", "kubernetesApiCallAction": {
            "requestUri": "/api/v1/namespaces/kube-system/pods/dns-0/exec", "verb": "create", "statusCode": 101,
            "sourceIps": ["198.51.100.9"], "userAgent": "kubectl/v1.29", "remoteIpDetails": _remote(rng)}}
    return {"actionType": "AWS_API_CALL", "awsApiCallAction": {
        "api": rng.choice(("ListBuckets", "GetObject", "StopLogging", "PutBucketPolicy", "CreateAccessKey")),
        "callerType": "Remote IP", "serviceName": "s3.amazonaws.com", "remoteIpDetails": _remote(rng),
        "affectedResources": {}}}


def _instance(rng):
    name = rng.choice(_NAMES)
    return {"instanceDetails": {
        "availabilityZone": "us-east-1a", "imageId": "ami-0%s" % digest("image", name)[:16],
        "imageDescription": "Example Linux 2023", "instanceId": "i-0%s" % digest("instance", name)[:16],
        "instanceState": "running", "instanceType": "m6i.large", "launchTime": "2025-11-03T07:10:44.000Z",
        "iamInstanceProfile": {"arn": "arn:aws:iam::111122223333:instance-profile/app", "id": "AIPAEXAMPLE"},
        "networkInterfaces": [{
            "ipv6Addresses": [], "networkInterfaceId": "eni-0%s" % digest("eni", name)[:16],
            "privateDnsName": "ip-10-0-0-23.ec2.internal", "privateIpAddress": "10.0.0.23",
            "privateIpAddresses": [{"privateDnsName": "ip-10-0-0-23.ec2.internal", "privateIpAddress": "10.0.0.23"}],
            "publicDnsName": "", "publicIp": "203.0.113.7",
            "securityGroups": [{"groupId": "sg-0123456789abcdef0", "groupName": "app"}],
            "subnetId": "subnet-0123456789abcdef0", "vpcId": "vpc-0123456789abcdef0"}],
        "tags": [{"key": "Name", "value": name}, {"key": "team", "value": "records"}]}}


def _access_key(rng):
    return {"accessKeyDetails": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "principalId": "AIDAEXAMPLE%03d"
                                 % rng.randrange(1000), "userName": rng.choice(("ci-deploy", "alice", "märta")),
                                 "userType": "IAMUser"}}


def _bucket(rng):
    name = "example-records-%d" % rng.randrange(100)
    return {"s3BucketDetails": [{
        "arn": "arn:aws:s3:::" + name, "name": name, "type": "Destination", "createdAt": 1700000000.0,
        "owner": {"id": "canonical-user-id-of-owner"}, "tags": [{"key": "data", "value": "records"}],
        "defaultServerSideEncryption": {"encryptionType": "SSEAlgorithm", "kmsMasterKeyArn": ""},
        "publicAccess": {"effectivePermission": "NOT_PUBLIC"}}], **_access_key(rng)}


def _cluster(_rng):
    return {"eksClusterDetails": {
        "name": "records", "arn": "arn:aws:eks:us-east-1:111122223333:cluster/records", "createdAt": 1700000000.0,
        "vpcId": "vpc-0123456789abcdef0", "status": "ACTIVE", "tags": []},
        "kubernetesDetails": {"kubernetesUserDetails": {"username": "kubernetes-admin", "uid": "admin",
                                                        "groups": ["system:masters"]}}}


_RESOURCES = {"Instance": _instance, "AccessKey": _access_key, "S3Bucket": _bucket, "EKSCluster": _cluster,
              "AttackSequence": lambda rng: {}}


def _sequence(seed, type_, account, region, updated):
    """detection of an attack sequence: newer than botocore 1.29's model."""
    return {"sequence": {
        "uid": digest(seed, "sequence")[:32], "description": "Signals that belong together, seen within a day.",
        "actors": [{"id": "alice", "user": {"name": "alice", "uid": "AIDAEXAMPLE", "type": "IAMUser"}}],
        "resources": [{"uid": "arn:aws:s3:::example-records-1", "name": "example-records-1", "resourceType":
                       "S3_BUCKET", "accountId": account, "region": region, "cloudPartition": "aws"}],
        "signals": [{"uid": digest(seed, n)[:32], "type": "CLOUD_TRAIL", "name": name, "createdAt": updated - 600,
                     "updatedAt": updated, "firstSeenAt": updated - 600, "lastSeenAt": updated, "count": n + 1}
                    for n, name in enumerate(("ListBuckets", "GetObject"))],
        "sequenceIndicators": [{"key": "HIGH_RISK_API", "values": ["s3:GetObject"]}]}}


def guardduty(seed=0, type=None, account=ACCOUNT, region=REGION, detector=None, id=None, updated=BASE, created=None,  # noqa: A002
              severity=None, count=1, archived=False, sample=False, title=None, description=None):
    """One GuardDuty finding."""
    rng = random.Random("guardduty/%s" % seed)
    type_ = type or rng.choice(list(GUARDDUTY_TYPES))
    usual, resource, action = GUARDDUTY_TYPES.get(type_, (5.0, "Instance", "network"))
    detector = detector or detector_id(account, region)
    id_ = id or digest("finding", seed, type_)[:32]
    first = created if created is not None else updated
    service = {
        "serviceName": "guardduty", "detectorId": detector, "resourceRole": "TARGET", "archived": archived,
        "count": count, "eventFirstSeen": instant(first), "eventLastSeen": instant(updated),
        "additionalInfo": {"value": "{\"sample\":true}" if sample else "{}", "type": "default"},
    }
    if action:
        service["action"] = _action(action, rng)
    else:
        at = updated if isinstance(updated, (int, float)) else BASE
        service.update(featureName="Correlation", detection=_sequence(seed, type_, account, region, at))
    words = title or "A %s shows %s." % (resource, type_.split("/")[-1])
    return {
        "schemaVersion": "2.0", "accountId": account, "region": region, "partition": "aws", "id": id_,
        "arn": "arn:aws:guardduty:%s:%s:detector/%s/finding/%s" % (region, account, detector, id_), "type": type_,
        "resource": {"resourceType": resource, **_RESOURCES[resource](rng)}, "service": service,
        "severity": usual if severity is None else severity, "createdAt": instant(first),
        "updatedAt": instant(updated), "title": ("[SAMPLE] " if sample else "") + words,
        "description": description or "What was seen of %s: unusual for this %s, with <angle> & \"quoted\" parts, "
                       "naïve übergänge and a tab\there." % (type_, resource),
    }


# Security Hub

def _asff(seed, product, id, account, region, updated, created, label, title, workflow, record, **more):  # noqa: A002
    arn = "arn:aws:securityhub:%s:%s:product/%s" % (region, account if product.count("/") == 1 and product.startswith(
        account) else "", product)
    doc = {
        "SchemaVersion": "2018-10-08", "Id": id, "ProductArn": arn, "ProductName": more.pop("product_name"),
        "CompanyName": more.pop("company"), "Region": region, "GeneratorId": more.pop("generator"),
        "AwsAccountId": account, "Types": more.pop("types"), "FirstObservedAt": instant(created),
        "LastObservedAt": instant(updated), "CreatedAt": instant(created), "UpdatedAt": instant(updated),
        "Severity": {"Label": label, "Normalized": NORMALIZED[label], "Original": label}, "Title": title,
        "Description": more.pop("description"), **more.pop("extra", {}),
        "ProductFields": {**more.pop("fields"), "aws/securityhub/FindingId": "%s/%s" % (arn, id),
                          "aws/securityhub/ProductName": None, "aws/securityhub/CompanyName": None},
        "Resources": more.pop("resources"), "WorkflowState": "NEW", "Workflow": {"Status": workflow},
        "RecordState": record, **more}
    doc["ProductFields"]["aws/securityhub/ProductName"] = doc["ProductName"]
    doc["ProductFields"]["aws/securityhub/CompanyName"] = doc["CompanyName"]
    doc["FindingProviderFields"] = {"Severity": {"Label": label, "Original": label}, "Types": doc["Types"]}
    return doc


def twin(finding, updated=None, workflow="NEW", record=None, created=None):
    """The copy of a GuardDuty finding that Security Hub holds: its Id is the GuardDuty ARN."""
    label = label_of(finding["severity"])
    service, account, region = finding["service"], finding["accountId"], finding["region"]
    fields = {"aws/guardduty/service/" + name: str(service[name]).lower() if isinstance(service[name], bool)
              else str(service[name]) for name in ("archived", "count", "detectorId", "resourceRole", "serviceName",
                                                   "eventFirstSeen", "eventLastSeen")}
    doc = _asff(
        finding["id"], "aws/guardduty", finding["arn"], account, region,
        finding["updatedAt"] if updated is None else updated, finding["createdAt"] if created is None else created,
        label, finding["title"], workflow, record or ("ARCHIVED" if service["archived"] else "ACTIVE"),
        product_name="GuardDuty", company="Amazon", generator="arn:aws:guardduty:%s:%s:detector/%s"
        % (region, account, service["detectorId"]), types=["TTPs/" + finding["type"].replace(":", "/", 1)
                                                           .replace("/", "/", 1)],
        description=finding["description"], fields=fields,
        resources=[{"Type": {"Instance": "AwsEc2Instance", "AccessKey": "AwsIamAccessKey", "S3Bucket": "AwsS3Bucket"}
                    .get(finding["resource"]["resourceType"], "Other"), "Id": _twin_resource(finding),
                    "Partition": "aws", "Region": region}],
        extra={"SourceUrl": "https://%s.console.aws.amazon.com/guardduty/home?region=%s#/findings?macros=current&fId=%s"
               % (region, region, finding["id"])})
    doc["Severity"] = {"Product": finding["severity"], "Label": label, "Normalized": int(finding["severity"] * 10)}
    return doc


def _twin_resource(finding):
    resource = finding["resource"]
    if "s3BucketDetails" in resource:
        return resource["s3BucketDetails"][0]["arn"]
    if "instanceDetails" in resource:
        return "arn:aws:ec2:%s:%s:instance/%s" % (finding["region"], finding["accountId"],
                                                  resource["instanceDetails"]["instanceId"])
    if "accessKeyDetails" in resource:
        return "AWS::IAM::AccessKey:" + resource["accessKeyDetails"]["accessKeyId"]
    return "AWS::::Account:" + finding["accountId"]


def control(seed=0, account=ACCOUNT, region=REGION, id=None, updated=BASE, created=None, label=None,  # noqa: A002
            status="FAILED", workflow="NEW", record="ACTIVE", title=None):
    """A finding of a security control, with Compliance."""
    rng = random.Random("control/%s" % seed)
    name, words, usual, kind = rng.choice(_CONTROLS)
    shape = _RESOURCE_ARNS[kind].replace("{r}", region).replace("{a}", account)
    resource = shape % digest("resource", seed)[:8] if "%s" in shape else shape
    return _asff(
        seed, "aws/securityhub", id or "arn:aws:securityhub:%s:%s:security-control/%s/finding/%s"
        % (region, account, name, _uuid("control", seed)), account, region, updated,
        updated if created is None else created, label or ("INFORMATIONAL" if status == "PASSED" else usual),
        title or words, workflow, record, product_name="Security Hub", company="AWS",
        generator="security-control/" + name,
        types=["Software and Configuration Checks/Industry and Regulatory Standards"],
        description="This control checks what its title says. It fails if that is not so.",
        fields={"RelatedAWSResources:0/name": "securityhub-%s" % name.lower().replace(".", "-"),
                "RelatedAWSResources:0/type": "AWS::Config::ConfigRule", "Resources:0/Id": resource},
        resources=[{"Type": kind, "Id": resource, "Partition": "aws", "Region": region}],
        extra={"Remediation": {"Recommendation": {
            "Text": "For information on how to correct this issue, consult the documentation of the control.",
            "Url": "https://docs.aws.amazon.com/console/securityhub/%s/remediation" % name}},
            "Compliance": {"Status": status, "SecurityControlId": name, "AssociatedStandards": [
                {"StandardsId": "standards/aws-foundational-security-best-practices/v/1.0.0"}]}})


def custom(seed=0, account=ACCOUNT, region=REGION, id=None, updated=BASE, created=None, label=None,  # noqa: A002
           workflow="NEW", record="ACTIVE", title=None):
    """A finding that a customer's own product sent in: no defaults but its own."""
    rng = random.Random("custom/%s" % seed)
    label = label or rng.choice(list(NORMALIZED))
    doc = _asff(
        seed, "%s/default" % account, id or "records-scanner/%s" % digest("custom", seed)[:20], account, region, updated,
        updated if created is None else created, label, title or "Open share found on %s" % rng.choice(_NAMES),
        workflow, record, product_name="Default", company="Personal", generator="records-scanner",
        types=["Sensitive Data Identifications/PII"],
        description="A share answers without a password. Path: C:\\shares\\{temp}\\%d; <script>alert(1)</script>"
                    % rng.randrange(99),
        fields={"scanner/version": "4.2", "scanner/host": "scan-1"},
        resources=[{"Type": "Other", "Id": "share-%s" % digest("share", seed)[:8], "Partition": "aws",
                    "Region": region, "Details": {"Other": {"Path": "/srv/share", "Owner": "records"}}}],
        extra={"UserDefinedFields": {"ticket": "none"}, "Confidence": 42})
    del doc["FindingProviderFields"]
    return doc


def _uuid(*parts):
    h = digest(*parts)
    return "%s-%s-4%s-8%s-%s" % (h[:8], h[8:12], h[13:16], h[17:20], h[20:32])


def hub(seed=0, **how):
    """A Security Hub finding of any of the kinds, chosen by the seed."""
    kind = random.Random("hub/%s" % seed).randrange(4)
    if kind == 0:
        place = {k: how[k] for k in ("account", "region", "updated", "created") if k in how}
        rest = {k: how[k] for k in ("workflow", "record") if k in how}
        return twin(guardduty(seed="twin/%s" % seed, **place), **rest)
    return custom(seed, **how) if kind == 1 else control(seed, **how)


def many(service, count, seed=0, account=ACCOUNT, region=REGION, start=None, step=1.0, pretty=False):
    """count findings as bytes, step seconds apart from start on (default: so that the last is a minute old)."""
    first = time.time() - 60.0 - (count - 1) * step if start is None else start
    make = guardduty if service == "guardduty" else hub
    return [text(make(seed="%s/%s/%d" % (seed, region, n), account=account, region=region,
                      updated=round(first + n * step, 3)), pretty) for n in range(count)]
