"""What the daemon's sources rely on: findings come out as the bytes that went in; a walk over pages neither loses nor
repeats; a token belongs to its query; filters, sorts and limits are those of AWS, and so are the refusals."""
import json

import pytest

from lib import findings
from lib.signed import call
from lib.sim import ACCOUNT

PRETTY = b"""{
  "SchemaVersion" : "2018-10-08", "Id":"odd",
  "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
\t"UpdatedAt":"2026-01-15T12:00:00.1Z", "Number": 1.50e+2, "Big": 12345678901234567890, "Twice": 1, "Twice": 2,
  "Text": "\\u00e9 \xc3\xa9 \\/ \\ud83d\\ude00 \xf0\x9f\x98\x80" , "Empty": { }, "List":[ ]
}"""


def between(low, high, **more):
    return {"Filters": {"UpdatedAt": [{"Start": findings.instant(low), "End": findings.instant(high)}], **more},
            "SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "asc"}], "MaxResults": 100}


def walk_hub(sim, body, **how):
    """All findings of a walk, and the number of pages."""
    found, pages, token = [], 0, None
    while True:
        answer = call(sim, "securityhub", body={**body, **({"NextToken": token} if token else {})}, **how)
        assert answer.status == 200, answer.body
        found += answer.json["Findings"]
        pages += 1
        token = answer.json.get("NextToken")
        if not token:
            return found, pages


def detector(sim):
    return call(sim, "guardduty", "GET").json["detectorIds"][0]


def list_findings(sim, body, id_=None):
    return call(sim, "guardduty", path="/detector/%s/findings" % (id_ or detector(sim)), body=body)


def test_findings_come_out_as_they_went_in(sim):
    sim.add("securityhub", PRETTY)
    indented = findings.text(findings.control(), pretty=True)
    sim.add("securityhub", indented)
    body = call(sim, "securityhub", body={"MaxResults": 100}).body
    assert body == b'{"Findings":[' + PRETTY + b"," + indented + b"]}"
    plain = findings.text(findings.guardduty())
    sim.add("guardduty", plain)
    answer = call(sim, "guardduty", path="/detector/%s/findings/get" % detector(sim),
                  body={"findingIds": [json.loads(plain)["id"], "gone"]})
    assert answer.body == b'{"findings":[' + plain + b"]}"


def test_files_of_findings_are_cut_apart_byte_for_byte(sim, tmp_path):
    first, second = findings.text(findings.custom(1), pretty=True), findings.text(findings.custom(2))
    for form in (b"[ " + first + b" ,\n" + second + b" ]\n", first + b"\n" + second + b"\n", b"\xef\xbb\xbf" + first + second):
        path = tmp_path / "findings.json"
        path.write_bytes(form)
        sim.reset()
        sim.state({"regions": [{"account": ACCOUNT, "region": "us-east-1", "securityhub_findings": [str(path)]}]})
        assert call(sim, "securityhub", body={}).body == b'{"Findings":[' + first + b"," + second + b"]}"


def test_bytes_that_are_no_finding_can_be_served_too(sim):
    sim.add("securityhub", b'{"broken', id="x", updated="2026-01-15T12:00:00Z")
    assert call(sim, "securityhub", body=between(findings.BASE, findings.BASE)).body == b'{"Findings":[{"broken]}'


def test_hub_walk_in_order_of_update(sim):
    sent = [json.loads(f) for f in findings.many("securityhub", 350, start=findings.BASE)]
    sim.add("securityhub", list(reversed(sent)))
    found, pages = walk_hub(sim, between(findings.BASE, findings.BASE + 349))
    assert ([f["Id"] for f in found], pages) == ([f["Id"] for f in sent], 4)
    body = between(findings.BASE, findings.BASE + 349)
    body["SortCriteria"][0]["SortOrder"] = "desc"
    assert [f["Id"] for f in walk_hub(sim, body)[0]] == [f["Id"] for f in reversed(sent)]
    found, _ = walk_hub(sim, between(findings.BASE + 10, findings.BASE + 20))
    assert [f["Id"] for f in found] == [f["Id"] for f in sent[10:21]], "Start and End are inclusive"


def test_equal_instants_over_several_pages(sim):
    sim.add("securityhub", [findings.custom(n) for n in range(500)])
    found, pages = walk_hub(sim, between(findings.BASE, findings.BASE))
    assert (len({f["Id"] for f in found}), len(found), pages) == (500, 500, 5)
    sim.add("guardduty", [findings.guardduty(n) for n in range(130)])
    seen, token = [], ""
    while True:
        answer = list_findings(sim, {"sortCriteria": {"attributeName": "updatedAt", "orderBy": "ASC"},
                                     "maxResults": 50, "nextToken": token}).json
        seen += answer["findingIds"]
        token = answer["nextToken"]
        if token == "":
            break
    assert (len(seen), len(set(seen))) == (130, 130)


def test_a_finding_updated_between_pages_moves_to_its_new_place(sim):
    sent = [json.loads(f) for f in findings.many("securityhub", 150, start=findings.BASE)]
    sim.add("securityhub", sent)
    body = between(findings.BASE, findings.BASE + 1000)
    first = call(sim, "securityhub", body=body).json
    moved = {**sent[0], "UpdatedAt": findings.instant(findings.BASE + 500)}
    sim.add("securityhub", moved)
    sim.add("securityhub", findings.custom("late", updated=findings.BASE + 1))
    second = call(sim, "securityhub", body={**body, "NextToken": first["NextToken"]}).json
    assert [f["Id"] for f in second["Findings"]] == [f["Id"] for f in sent[100:]] + [moved["Id"]]


@pytest.mark.parametrize("change", [
    {"MaxResults": 50}, {"Filters": {}}, {"SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "desc"}]}])
def test_hub_token_belongs_to_its_query(sim, change):
    sim.add("securityhub", findings.many("securityhub", 150, start=findings.BASE))
    body = between(findings.BASE, findings.BASE + 1000)
    token = call(sim, "securityhub", body=body).json["NextToken"]
    answer = call(sim, "securityhub", body={**body, "NextToken": token, **change})
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    assert answer.json["Message"] == "Invalid NextToken: Input Query has changed"
    assert call(sim, "securityhub", body={**body, "NextToken": token}).status == 200


def test_guardduty_token_belongs_to_its_query(sim):
    sim.add("guardduty", findings.many("guardduty", 80, start=findings.BASE))
    body = {"findingCriteria": {"criterion": {"updatedAt": {"greaterThanOrEqual": int(findings.BASE * 1000)}}},
            "maxResults": 50}
    token = list_findings(sim, body).json["nextToken"]
    answer = list_findings(sim, {**body, "maxResults": 49, "nextToken": token})
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.json["__type"] == "InvalidInputException"
    assert "Input Query has changed" in answer.json["message"]
    assert len(list_findings(sim, {**body, "nextToken": token}).json["findingIds"]) == 30


def test_tokens_expire_and_cannot_be_made_up(sim):
    sim.add("securityhub", findings.many("securityhub", 150, start=findings.BASE))
    body = between(findings.BASE, findings.BASE + 1000)
    token = call(sim, "securityhub", body=body).json["NextToken"]
    for bad in (token[:-8] + "AAAAAAAA", "made up", "AAAA"):
        answer = call(sim, "securityhub", body={**body, "NextToken": bad})
        assert (answer.status, answer.code) == (400, "InvalidInputException"), bad
    sim.set(expire_tokens=True)
    assert call(sim, "securityhub", body={**body, "NextToken": token}).code == "InvalidInputException"
    token = call(sim, "securityhub", body=body).json["NextToken"]
    sim.set(token_life=60, skew=61)
    assert call(sim, "securityhub", body={**body, "NextToken": token}, at=_now() + 61).code == "InvalidInputException"


def _now():
    import time
    return time.time()


GOOD = {"Value": "x", "Comparison": "EQUALS"}


@pytest.mark.parametrize("body", [
    {"Filters": {"UpdatedAt": [{"Start": "2026-01-15T12:00:00Z"}]}},
    {"Filters": {"UpdatedAt": [{"End": "2026-01-15T12:00:00Z"}]}},
    {"Filters": {"UpdatedAt": [{"Start": "yesterday", "End": "2026-01-15T12:00:00Z"}]}},
    {"Filters": {"UpdatedAt": [{"Start": "2026-01-16T12:00:00Z", "End": "2026-01-15T12:00:00Z"}]}},
    {"Filters": {"UpdatedAt": [{"DateRange": {"Value": 1, "Unit": "HOURS"}}]}},
    {"Filters": {"NoSuchThing": [GOOD]}},
    {"Filters": {"Id": []}},
    {"Filters": {"Id": [GOOD] * 21}},
    {"Filters": {"Id": [{"Value": "x", "Comparison": "LIKE"}]}},
    {"Filters": {"Id": [{"Value": "", "Comparison": "EQUALS"}]}},
    {"Filters": {"Id": [GOOD, {"Value": "y", "Comparison": "NOT_EQUALS"}]}},
    {"Filters": {n: [GOOD] for n in ("Id Type Title Region AwsAccountId RecordState ProductArn ProductName "
                                     "CompanyName SourceUrl GeneratorId").split()}},
    {"MaxResults": 0}, {"MaxResults": 101}, {"MaxResults": "100"},
    {"SortCriteria": [{"Field": "NoSuchThing", "SortOrder": "asc"}]},
    {"SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "up"}]},
    {"Filter": {}},
])
def test_hub_refuses(sim, body):
    sim.service(hub=True)
    answer = call(sim, "securityhub", body=body)
    assert (answer.status, answer.code) == (400, "InvalidInputException"), answer.body
    assert set(answer.json) == {"Code", "Message"}
    assert answer.json["Code"] == "InvalidInputException"


@pytest.mark.parametrize("body", [
    {"findingCriteria": {"criterion": {"createdAt": {"greaterThan": 1}}}},
    {"findingCriteria": {"criterion": {"updatedAt": {"greaterThan": "1"}}}},
    {"findingCriteria": {"criterion": {"updatedAt": {"gte": 1768478400000}}}},
    {"findingCriteria": {"criterion": {"updatedAt": {"equals": ["1"]}}}},
    {"findingCriteria": {"criterion": {"service.archived": {"equals": "false"}}}},
    {"findingCriteria": {"criterion": {"type": {"like": ["a"]}}}},
    {"findingCriteria": {"updatedAt": {}}},
    {"sortCriteria": {"attributeName": "updatedAt", "orderBy": "asc"}},
    {"sortCriteria": {"attributeName": "nothing"}},
    {"maxResults": 51}, {"maxResults": 0}, {"nextToken": "made up"}, {"MaxResults": 5},
])
def test_guardduty_refuses(sim, body):
    sim.service(guardduty=True)
    answer = list_findings(sim, body)
    assert (answer.status, answer.code) == (400, "BadRequestException"), answer.body
    assert answer.json["__type"] == "InvalidInputException"
    assert answer.json["message"]


def test_guardduty_refuses_another_detector(sim):
    sim.service(guardduty=True)
    answer = list_findings(sim, {}, "0" * 32)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "not owned by the current account" in answer.json["message"]


def hub_ids(sim, **filters):
    return {f["Id"] for f in walk_hub(sim, {"Filters": filters})[0]}


def one(value, how="EQUALS"):
    return [{"Value": value, "Comparison": how}]


def test_hub_filters_select(sim):
    high = findings.custom("a", label="HIGH", id="one")
    closed = findings.custom("b", label="HIGH", id="two", record="ARCHIVED", workflow="RESOLVED")
    low = findings.control("c", label="LOW", id="three", status="WARNING")
    twin = findings.twin(findings.guardduty("d", type="Discovery:S3/TorIPCaller", sample=True))
    sim.add("securityhub", [high, closed, low, twin])
    assert hub_ids(sim, SeverityLabel=one("HIGH")) == {"one", "two", twin["Id"]}
    assert hub_ids(sim, SeverityLabel=one("HIGH") + one("LOW")) == {"one", "two", "three", twin["Id"]}
    assert hub_ids(sim, SeverityLabel=one("HIGH"), RecordState=one("ACTIVE")) == {"one", twin["Id"]}
    assert hub_ids(sim, WorkflowStatus=one("RESOLVED", "NOT_EQUALS")) == {"one", "three", twin["Id"]}
    assert hub_ids(sim, Id=one("t", "PREFIX")) == {"two", "three"}
    assert hub_ids(sim, Id=one("t", "PREFIX") + one("three", "NOT_EQUALS")) == {"two"}
    assert hub_ids(sim, Id=one("arn:", "PREFIX_NOT_EQUALS")) == {"one", "two", "three"}
    assert hub_ids(sim, ComplianceStatus=one("WARNING")) == {"three"}
    assert hub_ids(sim, ComplianceStatus=one("PASSED", "NOT_EQUALS")) == {"one", "two", "three", twin["Id"]}
    assert hub_ids(sim, ProductArn=one("arn:aws:securityhub:us-east-1::product/aws/guardduty")) == {twin["Id"]}
    assert hub_ids(sim, ProductFields=[{"Key": "scanner/host", **one("scan-1")[0]}]) == {"one", "two"}
    assert hub_ids(sim, Confidence=[{"Gte": 42.0, "Lte": 42.0}]) == {"one", "two"}
    assert hub_ids(sim, Title=one("tor", "CONTAINS")) == set(), "values are case-sensitive"
    assert hub_ids(sim, Title=one("Tor", "CONTAINS")) == {twin["Id"]}
    assert hub_ids(sim, ResourceType=one("AwsS3Bucket")) >= {twin["Id"]}
    assert hub_ids(sim, UpdatedAt=[{"DateRange": {"Value": 1, "Unit": "DAYS"}}]) == set()
    sim.set(skew=findings.BASE + 3600 - _now())
    body = {"Filters": {"UpdatedAt": [{"DateRange": {"Value": 1, "Unit": "DAYS"}}]}}
    assert len(walk_hub(sim, body, at=findings.BASE + 3600)[0]) == 4


def guardduty_ids(sim, **criterion):
    return set(list_findings(sim, {"findingCriteria": {"criterion": {
        k.replace("__", "."): v for k, v in criterion.items()}}}).json["findingIds"])


def test_guardduty_criteria_select(sim):
    at = int(findings.BASE * 1000)
    sim.add("guardduty", [
        findings.guardduty("a", type="Recon:EC2/Portscan", id="a", severity=5.4, updated=findings.BASE),
        findings.guardduty("b", type="Discovery:S3/TorIPCaller", id="b", severity=8.7, updated=findings.BASE + 0.001),
        findings.guardduty("c", type="Recon:EC2/Portscan", id="c", severity=2, archived=True,
                           updated=findings.BASE + 0.002)])
    assert guardduty_ids(sim) == {"a", "b", "c"}
    assert guardduty_ids(sim, updatedAt={"greaterThanOrEqual": at + 1}) == {"b", "c"}
    assert guardduty_ids(sim, updatedAt={"greaterThan": at + 1}) == {"c"}
    assert guardduty_ids(sim, updatedAt={"greaterThanOrEqual": at, "lessThan": at + 2}) == {"a", "b"}
    assert guardduty_ids(sim, updatedAt={"lessThanOrEqual": at + 1}) == {"a", "b"}
    assert guardduty_ids(sim, service__archived={"equals": ["false"]}) == {"a", "b"}
    assert guardduty_ids(sim, service__archived={"eq": ["true"]}) == {"c"}
    assert guardduty_ids(sim, severity={"greaterThan": 5}) == {"a", "b"}
    assert guardduty_ids(sim, severity={"gte": 4, "lt": 8}) == {"a"}
    assert guardduty_ids(sim, type={"notEquals": ["Recon:EC2/Portscan"]}) == {"b"}
    assert guardduty_ids(sim, resource__resourceType={"equals": ["Instance"]}) == {"a", "c"}
    body = {"sortCriteria": {"attributeName": "severity", "orderBy": "DESC"}}
    assert list_findings(sim, body).json["findingIds"] == ["b", "a", "c"]


def test_late_findings_come_into_sight_by_call_or_by_release(sim):
    sim.add("securityhub", findings.custom("a", id="a"))
    sim.add("securityhub", findings.custom("b", id="b"), after_op="GetFindings", after=2)
    sim.add("securityhub", findings.custom("c", id="c"), tag="later")
    assert hub_ids(sim) == {"a"}
    assert hub_ids(sim) == {"a", "b"}
    assert sim.release("later") == 1
    assert hub_ids(sim) == {"a", "b", "c"}


def test_accounts_and_regions_are_apart(sim):
    sim.add("securityhub", findings.custom("a", id="a"))
    sim.add("securityhub", findings.custom("b", id="b", region="eu-west-1"), region="eu-west-1")
    assert [f["Id"] for f in walk_hub(sim, {}, region="eu-west-1")[0]] == ["b"]
    sim.add("securityhub", findings.many("securityhub", 120, region="eu-west-1"), region="eu-west-1")
    sim.add("securityhub", findings.many("securityhub", 120))
    token = call(sim, "securityhub", body={}).json["NextToken"]
    assert call(sim, "securityhub", body={"NextToken": token}, region="eu-west-1").code == "InvalidInputException"


def test_shared_samples_are_served_unaltered(sim):
    from lib import paths
    import os
    if paths.shared("samples", "securityhub") is None:
        pytest.skip("no shared samples here (FINDINGSD_SHARED names them)")
    for service, folder in (("securityhub", "securityhub"), ("guardduty", "guardduty"),
                            ("guardduty", "guardduty-synthetic")):
        root = paths.shared("samples", folder)
        names = [os.path.join(root, n) for n in sorted(os.listdir(root)) if n.endswith(".json")]
        assert len(names) > 50
        for name in names:
            with open(name, "rb") as file:
                sent = file.read().strip()
            sim.reset()
            assert sim.add(service, sent) == 1, name
            if service == "securityhub":
                assert call(sim, service, body={}).body == b'{"Findings":[' + sent + b"]}"
            else:
                got = call(sim, service, path="/detector/%s/findings/get" % findings.detector_id(),
                           body={"findingIds": [json.loads(sent)["id"]]})
                assert got.body == b'{"findings":[' + sent + b"]}"
