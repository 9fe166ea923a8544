"""Each answer of the simulator is one that botocore's models allow, and the judge of requests sees what is wrong.

The daemon's tests hold every request that it makes against the same models (lib/models.py); so that judge has to be
known to find a wrong member, type, path or form field, and to pass what AWS's own client sends.
"""
import json

import boto3
import botocore.config
import pytest

from lib import findings, models
from lib.signed import call, send, sign
from lib.sim import ACCESS_KEY, ACCOUNT, SECRET_KEY

TOPIC = "arn:aws:sns:us-east-1:%s:oncall" % ACCOUNT
FIFO = TOPIC + ".fifo"


@pytest.fixture
def full(sim):
    """A simulator with a bit of everything."""
    sim.add("guardduty", findings.many("guardduty", 60))
    sim.add("securityhub", findings.many("securityhub", 120))
    sim.topic(TOPIC)
    sim.topic(FIFO)
    sim.state({"aggregators": [{"account": ACCOUNT, "home": "us-east-1", "linked": "ALL_REGIONS"}]})
    return sim


DETECTOR = findings.detector_id()
ROLE = {"Action": "AssumeRole", "RoleArn": "arn:aws:iam::444455556666:role/r", "RoleSessionName": "ab"}
CALLS = [
    ("guardduty", "ListDetectors", "GET", "/detector?maxResults=50", None, 200),
    ("guardduty", "GetDetector", "GET", "/detector/" + DETECTOR, None, 200),
    ("guardduty", "GetDetector", "GET", "/detector/none", None, 400),
    ("guardduty", "ListFindings", "POST", "/detector/%s/findings" % DETECTOR, {"maxResults": 50}, 200),
    ("guardduty", "ListFindings", "POST", "/detector/%s/findings" % DETECTOR, {"maxResults": 500}, 400),
    ("guardduty", "GetFindings", "POST", "/detector/%s/findings/get" % DETECTOR, {"findingIds": ["gone"]}, 200),
    ("guardduty", "CreateSampleFindings", "POST", "/detector/%s/findings/create" % DETECTOR, {}, 200),
    ("guardduty", "ArchiveFindings", "POST", "/detector/%s/findings/archive" % DETECTOR, {"findingIds": ["x"]}, 200),
    ("guardduty", "UnarchiveFindings", "POST", "/detector/%s/findings/unarchive" % DETECTOR, {"findingIds": ["x"]}, 200),
    ("securityhub", "DescribeHub", "GET", "/accounts", None, 200),
    ("securityhub", "GetFindings", "POST", "/findings", {"MaxResults": 100}, 200),
    ("securityhub", "GetFindings", "POST", "/findings", {"MaxResults": 1000}, 400),
    ("securityhub", "BatchUpdateFindings", "PATCH", "/findings/batchupdate",
     {"FindingIdentifiers": [{"Id": "a", "ProductArn": "b"}], "Workflow": {"Status": "NEW"}}, 200),
    ("securityhub", "BatchImportFindings", "POST", "/findings/import", {"Findings": [{"Id": "x"}]}, 200),
    ("securityhub", "ListFindingAggregators", "GET", "/findingAggregator/list?MaxResults=5", None, 200),
    ("sns", "Publish", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC, "Message": "<&>"}, 200),
    ("sns", "Publish", "POST", "/", {"Action": "Publish", "TopicArn": FIFO, "Message": "m", "MessageGroupId": "g",
                                     "MessageDeduplicationId": "d"}, 200),
    ("sns", "Publish", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC + "x", "Message": "m"}, 404),
    ("sns", "PublishBatch", "POST", "/", {
        "Action": "PublishBatch", "TopicArn": TOPIC, "PublishBatchRequestEntries.member.1.Id": "1",
        "PublishBatchRequestEntries.member.1.Message": "m", "PublishBatchRequestEntries.member.2.Id": "2",
        "PublishBatchRequestEntries.member.2.Message": ""}, 200),
    ("sns", "CreateTopic", "POST", "/", {"Action": "CreateTopic", "Name": "new"}, 200),
    ("sns", "ListTopics", "POST", "/", {"Action": "ListTopics"}, 200),
    ("sts", "AssumeRole", "POST", "/", ROLE, 200),
    ("sts", "AssumeRole", "POST", "/", {**ROLE, "RoleSessionName": "a"}, 400),
    ("sts", "GetCallerIdentity", "POST", "/", {"Action": "GetCallerIdentity"}, 200),
]


@pytest.mark.parametrize("service, op, method, path, body, status", CALLS,
                         ids=["%s.%s.%d" % (c[0], c[1], c[5]) for c in CALLS])
def test_answers_fit_the_models(full, service, op, method, path, body, status):
    answer = call(full, service, method, path, body)
    assert answer.status == status, answer.body
    assert models.check_answer(service, op, status, answer.headers, answer.body) == []
    assert full.counters()["requests.%s.%s" % (service, op)] == 1


@pytest.mark.parametrize("code, status", [("throttle", 429), ("off", 401), ("unsigned", 403), ("fault", 500)])
def test_refusals_fit_the_models(full, code, status):
    if code == "throttle":
        full.set(quotas=True, rates={"securityhub.GetFindings": [0.001, 0]})
    elif code == "off":
        full.service(hub=False)
    elif code == "fault":
        full.fault("status", status=500, code="InternalException")
    answer = send(full, "POST", "/findings", {}) if code == "unsigned" else call(full, "securityhub", body={})
    assert answer.status == status
    assert models.check_answer("securityhub", "GetFindings", status, answer.headers, answer.body) == []
    parsed = models.parse_answer("securityhub", "GetFindings", status, answer.headers, answer.body)
    wanted = {"throttle": "TooManyRequestsException", "off": "InvalidAccessException",
              "unsigned": "MissingAuthenticationTokenException", "fault": "InternalException"}
    assert parsed["Error"]["Code"] == wanted[code]


def test_our_own_findings_fit_the_models():
    shape = models.model("guardduty").shape_for("Finding")
    for type_ in findings.GUARDDUTY_TYPES:
        doc = json.loads(findings.text(findings.guardduty(type_, type=type_)))
        assert models.check_json(doc, shape, type_) == []
    shape = models.model("securityhub").shape_for("AwsSecurityFinding")
    for n in range(60):
        doc = json.loads(findings.text(findings.hub(n)))
        assert models.check_json(doc, shape, "hub %d" % n) == []


def test_requests_of_awss_own_client_pass(full):
    config = botocore.config.Config(retries={"max_attempts": 0})

    def client(service):
        return boto3.client(service, endpoint_url=full.url, region_name="us-east-1", config=config,
                            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
    guardduty, hub, sns = client("guardduty"), client("securityhub"), client("sns")
    guardduty.list_detectors(MaxResults=5)
    ids = guardduty.list_findings(DetectorId=DETECTOR, MaxResults=50, SortCriteria={
        "AttributeName": "updatedAt", "OrderBy": "ASC"}, FindingCriteria={"Criterion": {"updatedAt": {
            "GreaterThanOrEqual": 1, "LessThan": 2**42}}})["FindingIds"]
    guardduty.get_findings(DetectorId=DETECTOR, FindingIds=ids)
    hub.get_findings(Filters={"UpdatedAt": [{"Start": "2020-01-01T00:00:00Z", "End": "2030-01-01T00:00:00Z"}]},
                     SortCriteria=[{"Field": "UpdatedAt", "SortOrder": "asc"}], MaxResults=100)
    sns.publish(TopicArn=FIFO, Message="m & ü", Subject="s", MessageGroupId="g", MessageDeduplicationId="d",
                MessageAttributes={n: {"DataType": "String", "StringValue": "v"} for n in "abc"})
    sns.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=[{"Id": "1", "Message": "x", "MessageAttributes": {
        "a": {"DataType": "Number", "StringValue": "1"}}}, {"Id": "2", "Message": "y"}])
    client("sts").assume_role(RoleArn=ROLE["RoleArn"], RoleSessionName="ab", DurationSeconds=900, ExternalId="e1")
    records = full.requests()
    assert len(records) == 7
    assert models.check_requests(records) == []


GOOD = {"Filters": {"UpdatedAt": [{"Start": "2020-01-01T00:00:00Z", "End": "2030-01-01T00:00:00Z"}]},
        "SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "asc"}], "MaxResults": 100}
WRONG = [
    ("securityhub", "POST", "/findings", {**GOOD, "Extra": 1}, "Extra"),
    ("securityhub", "POST", "/findings", {**GOOD, "maxResults": 1}, "maxResults"),
    ("securityhub", "POST", "/findings", {**GOOD, "MaxResults": "100"}, "MaxResults"),
    ("securityhub", "POST", "/findings", {**GOOD, "MaxResults": 101}, None),
    ("securityhub", "POST", "/findings", {**GOOD, "SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "ASC"}]}, "ASC"),
    ("securityhub", "POST", "/findings", {**GOOD, "Filters": {"UpdatedAt": {"Start": "x"}}}, "UpdatedAt"),
    ("securityhub", "POST", "/findings", {**GOOD, "Filters": {"Nothing": []}}, "Nothing"),
    ("guardduty", "POST", "/detector/%s/findings" % DETECTOR, {"maxResults": 50, "MaxResults": 1}, "MaxResults"),
    ("guardduty", "POST", "/detector/%s/findings" % DETECTOR,
     {"findingCriteria": {"criterion": {"updatedAt": {"greaterThan": "1"}}}}, "greaterThan"),
    ("guardduty", "POST", "/detector/%s/findings/get" % DETECTOR, {}, "FindingIds"),
    ("guardduty", "GET", "/detector?limit=5", None, "limit"),
    ("guardduty", "GET", "/detector?maxResults=five", None, "maxResults"),
    ("sns", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC}, "Message"),
    ("sns", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC, "Message": "m", "Subjct": "s"}, "Subjct"),
    ("sns", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC, "Message": "m",
                          "MessageAttributes.entry.1.Name": "a",
                          "MessageAttributes.entry.1.Value.StringValue": "v"}, "DataType"),
    ("sns", "POST", "/", {"Action": "Publish", "TopicArn": TOPIC, "Message": "m",
                          "MessageAttributes.entry.2.Name": "a"}, "entry.2"),
    ("sts", "POST", "/", {"Action": "AssumeRole", "RoleArn": ROLE["RoleArn"]}, "RoleSessionName"),
    ("sts", "POST", "/", {**ROLE, "DurationSeconds": "60"}, None),
]


@pytest.mark.parametrize("service, method, path, body, word", WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_wrong_requests_are_seen(full, service, method, path, body, word):
    call(full, service, method, path, body)
    record = full.requests()[-1]
    faults = models.check_request(record["service"], record["op"], record)
    assert faults
    assert word is None or any(word in f for f in faults), faults


def test_a_right_request_has_no_faults_but_a_wrong_type_of_content(full):
    call(full, "securityhub", body=GOOD)
    data = json.dumps(GOOD).encode()
    path, headers = sign(full, "securityhub", "POST", "/findings", data)
    send(full, "POST", path, headers, data)
    right, untyped = full.requests()
    assert models.check_requests([right]) == []
    assert len(models.check_requests([untyped])) == 1
    assert "content-type" in models.check_requests([untyped])[0]
    full.set(expire_keys=[ACCESS_KEY])
    call(full, "securityhub", body=GOOD)
    assert "not signed right" in models.check_requests(full.requests()[-1:])[0]
