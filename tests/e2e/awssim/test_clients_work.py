"""The simulator is good enough for AWS's own clients.

The daemon is tested against a simulator that the same people wrote, so both could share a misunderstanding. The aws
command and boto3 were written by others against the real services: what they sign is accepted, what they ask for is
found, what they get they can parse, page by page.
"""
import json
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import pytest

from lib import findings
from lib.sim import ACCESS_KEY, ACCOUNT, SECRET_KEY

TOPIC = "arn:aws:sns:us-east-1:%s:oncall" % ACCOUNT


def aws(sim, *arguments):
    """Run the aws command; its JSON answer."""
    done = subprocess.run(["/usr/bin/aws", "--endpoint-url", sim.url, "--output", "json", *arguments], env=sim.env(),
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def client(sim, service, region="us-east-1", **how):
    config = botocore.config.Config(retries={"max_attempts": 0, "mode": "standard"}, parameter_validation=False)
    return boto3.client(service, endpoint_url=sim.url, region_name=region, config=config, **{
        "aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, **how})


def refused(call, **arguments):
    """(status, code, message) of a refusal; fails when it is none."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_aws_command_reads_guardduty_in_pages(sim):
    sent = findings.many("guardduty", 120)
    sim.add("guardduty", sent)
    detector = aws(sim, "guardduty", "list-detectors")["DetectorIds"][0]
    ids = aws(sim, "guardduty", "list-findings", "--detector-id", detector, "--sort-criteria",
              '{"AttributeName":"updatedAt","OrderBy":"ASC"}')["FindingIds"]
    assert ids == [json.loads(f)["id"] for f in sent]
    got = aws(sim, "guardduty", "get-findings", "--detector-id", detector, "--finding-ids", *ids[:50])["Findings"]
    assert {f["Title"] for f in got} == {json.loads(f)["title"] for f in sent[:50]}
    assert len(sim.requests(op="ListFindings")) == 3
    assert all(r["signed"] and r["status"] == 200 for r in sim.requests())


def test_aws_command_reads_and_updates_the_hub(sim):
    sent = findings.many("securityhub", 230)
    sim.add("securityhub", sent)
    got = aws(sim, "securityhub", "get-findings", "--sort-criteria", '[{"Field":"UpdatedAt","SortOrder":"asc"}]')
    assert [f["Id"] for f in got["Findings"]] == [json.loads(f)["Id"] for f in sent]
    first = got["Findings"][0]
    done = aws(sim, "securityhub", "batch-update-findings", "--finding-identifiers",
               json.dumps([{"Id": first["Id"], "ProductArn": first["ProductArn"]}, {"Id": "no", "ProductArn": "no"}]),
               "--workflow", "Status=RESOLVED", "--note", "Text=done,UpdatedBy=me")
    assert len(done["ProcessedFindings"]) == 1
    assert done["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound"
    after = aws(sim, "securityhub", "get-findings", "--filters", json.dumps(
        {"WorkflowStatus": [{"Value": "RESOLVED", "Comparison": "EQUALS"}]}))["Findings"]
    assert [f["Id"] for f in after] == [first["Id"]]
    assert after[0]["UpdatedAt"] == first["UpdatedAt"], "an analyst's update does not move UpdatedAt"
    assert after[0]["Note"]["UpdatedAt"] > first["UpdatedAt"]


def test_aws_command_publishes(sim):
    sim.topic(TOPIC)
    done = aws(sim, "sns", "publish", "--topic-arn", TOPIC, "--subject", "Test: a b", "--message", "Grüße & <tags>",
               "--message-attributes", '{"severity":{"DataType":"String","StringValue":"HIGH"}}')
    kept = sim.published()[0]
    assert kept["message_id"] == done["MessageId"]
    assert (kept["subject"], kept["message"]) == ("Test: a b", "Grüße & <tags>")
    assert kept["attributes"] == {"severity": {"type": "String", "value": "HIGH"}}
    assert aws(sim, "sns", "list-topics")["Topics"] == [{"TopicArn": TOPIC}]


def test_assumed_role_reaches_the_other_account(sim):
    sim.add("guardduty", findings.text(findings.guardduty(account="444455556666")), account="444455556666")
    made = aws(sim, "sts", "assume-role", "--role-arn", "arn:aws:iam::444455556666:role/findingsd",
               "--role-session-name", "findingsd")["Credentials"]
    other = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"],
             "aws_session_token": made["SessionToken"]}
    assert client(sim, "sts", **other).get_caller_identity()["Account"] == "444455556666"
    guardduty = client(sim, "guardduty", **other)
    detector = guardduty.list_detectors()["DetectorIds"][0]
    assert len(guardduty.list_findings(DetectorId=detector)["FindingIds"]) == 1
    assert client(sim, "guardduty").list_detectors()["DetectorIds"] == []
    other["aws_session_token"] = "another"
    assert refused(client(sim, "guardduty", **other).list_detectors)[1] == "UnrecognizedClientException"


def test_external_id_and_trust_are_asked_for(sim):
    sim.state({"roles": [{"arn": "arn:aws:iam::444455556666:role/findingsd", "external_id": "e1",
                          "trusts": [ACCOUNT]}]})
    sts = client(sim, "sts")
    role = {"RoleArn": "arn:aws:iam::444455556666:role/findingsd", "RoleSessionName": "findingsd"}
    assert refused(sts.assume_role, **role)[:2] == (403, "AccessDenied")
    assert refused(sts.assume_role, **role, ExternalId="other")[:2] == (403, "AccessDenied")
    assert sts.assume_role(**role, ExternalId="e1")["Credentials"]["AccessKeyId"].startswith("ASIA")
    role["RoleArn"] = "arn:aws:iam::444455556666:role/another"
    assert refused(sts.assume_role, **role, ExternalId="e1")[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("service, code", [("guardduty", "ExpiredTokenException"), ("sns", "ExpiredToken")])
def test_expired_keys_are_refused_in_the_services_words(sim, service, code):
    made = client(sim, "sts").assume_role(RoleArn="arn:aws:iam::%s:role/r" % ACCOUNT, RoleSessionName="ab")["Credentials"]
    other = client(sim, service, aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"],
                   aws_session_token=made["SessionToken"])
    call = other.list_detectors if service == "guardduty" else other.list_topics
    call()
    sim.set(expire_keys=True)
    assert refused(call)[:2] == (403, code)


def test_services_that_are_off(sim):
    status, code, message = refused(client(sim, "securityhub").get_findings)
    assert (status, code) == (401, "InvalidAccessException")
    assert "not subscribed to AWS Security Hub" in message
    assert client(sim, "guardduty").list_detectors()["DetectorIds"] == []
    sim.service(guardduty=True, hub=True)
    assert len(client(sim, "guardduty").list_detectors()["DetectorIds"]) == 1
    assert client(sim, "securityhub").describe_hub()["HubArn"].endswith("hub/default")
    sim.service(region="ap-south-2", opted_in=False)
    assert refused(client(sim, "guardduty", "ap-south-2").list_detectors)[1] == "UnrecognizedClientException"
    assert refused(client(sim, "sns", "ap-south-2").list_topics)[1] == "InvalidClientTokenId"


def test_samples_archive_and_unarchive(sim):
    sim.service(guardduty=True)
    guardduty = client(sim, "guardduty")
    detector = guardduty.list_detectors()["DetectorIds"][0]
    guardduty.create_sample_findings(DetectorId=detector, FindingTypes=["Discovery:S3/TorIPCaller"])
    live = {"Criterion": {"service.archived": {"Eq": ["false"]}}}
    ids = guardduty.list_findings(DetectorId=detector, FindingCriteria=live)["FindingIds"]
    sample = guardduty.get_findings(DetectorId=detector, FindingIds=ids)["Findings"][0]
    assert sample["Title"].startswith("[SAMPLE] ")
    assert sample["Service"]["AdditionalInfo"]["Value"] == '{"sample":true}'
    guardduty.archive_findings(DetectorId=detector, FindingIds=ids)
    assert guardduty.list_findings(DetectorId=detector, FindingCriteria=live)["FindingIds"] == []
    assert guardduty.list_findings(DetectorId=detector)["FindingIds"] == ids
    after = guardduty.get_findings(DetectorId=detector, FindingIds=ids)["Findings"][0]
    assert after["UpdatedAt"] == sample["UpdatedAt"], "archiving does not move updatedAt"
    guardduty.unarchive_findings(DetectorId=detector, FindingIds=ids)
    assert guardduty.list_findings(DetectorId=detector, FindingCriteria=live)["FindingIds"] == ids


def test_import_takes_only_what_is_newer_and_keeps_the_analysts_work(sim):
    sim.service(hub=True)
    hub = client(sim, "securityhub")
    doc = findings.custom(seed=1, updated=findings.BASE)
    for name in ("Workflow", "WorkflowState", "RecordState", "Region"):
        doc.pop(name, None)
    assert hub.batch_import_findings(Findings=[doc])["SuccessCount"] == 1
    stored = hub.get_findings()["Findings"][0]
    assert (stored["Workflow"]["Status"], stored["RecordState"]) == ("NEW", "ACTIVE")
    assert hub.batch_import_findings(Findings=[doc])["FailedFindings"][0]["ErrorCode"] == "InvalidInput"
    hub.batch_update_findings(FindingIdentifiers=[{"Id": doc["Id"], "ProductArn": doc["ProductArn"]}],
                              Workflow={"Status": "NOTIFIED"}, Severity={"Label": "CRITICAL"})
    assert hub.get_findings()["Findings"][0]["Severity"]["Normalized"] == 90
    doc.update(UpdatedAt="2026-02-01T00:00:00Z", Title="changed")
    assert hub.batch_import_findings(Findings=[doc])["FailedCount"] == 0
    stored = hub.get_findings()["Findings"][0]
    assert (stored["Title"], stored["Workflow"]["Status"]) == ("changed", "NOTIFIED")
    assert refused(hub.batch_import_findings, Findings=[])[:2] == (400, "InvalidInputException")


def test_aggregator_brings_linked_regions_home(sim):
    sim.state({"aggregators": [{"account": ACCOUNT, "home": "us-east-1", "linked": ["eu-west-1"]}]})
    sim.add("securityhub", findings.text(findings.custom(region="eu-west-1")), region="eu-west-1")
    home = client(sim, "securityhub")
    assert home.list_finding_aggregators()["FindingAggregators"][0]["FindingAggregatorArn"].startswith(
        "arn:aws:securityhub:us-east-1:")
    stored = home.get_findings()["Findings"][0]
    assert stored["Region"] == "eu-west-1"
    away = client(sim, "securityhub", "eu-west-1")
    away.batch_update_findings(FindingIdentifiers=[{"Id": stored["Id"], "ProductArn": stored["ProductArn"]}],
                               Workflow={"Status": "SUPPRESSED"})
    assert home.get_findings()["Findings"][0]["Workflow"]["Status"] == "SUPPRESSED"


def test_seed_and_log(make_sim, tmp_path):
    """A seed fills accounts, regions, topics and findings at the start; the log has every request."""
    path = tmp_path / "hub.json"
    path.write_bytes(b"\n".join(findings.many("securityhub", 3)))
    log = tmp_path / "requests.jsonl"
    other = "444455556666"
    sim = make_sim(log=str(log), seed={
        "accounts": [{"account": other, "access_key": "AKIDOTHER", "secret_key": "s2"}], "topics": [TOPIC],
        "default_on": True, "regions": [
            {"account": ACCOUNT, "region": "us-east-1", "securityhub_findings": [str(path), findings.custom("inline")]},
            {"account": other, "region": "eu-west-1", "securityhub": False, "guardduty_findings": [
                {"generate": {"count": 7, "seed": "g"}}, {"raw": findings.text(findings.guardduty(1), True).decode()}]}]})
    assert len(client(sim, "securityhub").get_findings()["Findings"]) == 4
    theirs = {"aws_access_key_id": "AKIDOTHER", "aws_secret_access_key": "s2"}
    guardduty = client(sim, "guardduty", "eu-west-1", **theirs)
    detector = guardduty.list_detectors()["DetectorIds"][0]
    assert len(guardduty.list_findings(DetectorId=detector)["FindingIds"]) == 8
    assert refused(client(sim, "securityhub", "eu-west-1", **theirs).get_findings)[0] == 401
    assert client(sim, "securityhub", "ap-northeast-1", **theirs).get_findings()["Findings"] == []
    assert client(sim, "sns").list_topics()["Topics"] == [{"TopicArn": TOPIC}]
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    assert [(r["op"], r["account"], r["status"]) for r in lines[:2]] == [
        ("GetFindings", ACCOUNT, 200), ("ListDetectors", other, 200)]
    assert len(lines) == 6 and all(r["signed"] for r in lines)
    assert lines == sim.requests()
    status, answer = sim.control("POST", "state", {"region": []})
    assert status == 400 and "region" in answer["error"]
