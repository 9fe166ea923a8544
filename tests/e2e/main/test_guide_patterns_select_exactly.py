"""The two patterns of the guides, to the letter and from files, select exactly what their words say.

AWS stopped sending aws/securityhub/SeverityLabel in 2020, so on EventBridge today the first of them matches nothing; here it
works. Used in place on the public samples; the last test needs none of them.
"""
import glob
import json
import os

import pytest

from lib import findings, paths
from lib.daemon import rule, source, webhook

TOP = paths.SOURCE
OLD = "2015-01-01T00:00:00Z"


def severity(doc):
    """HIGH, MEDIUM, ... as a person reads the finding; None when it says nothing."""
    label = (doc.get("ProductFields") or {}).get("aws/securityhub/SeverityLabel") or (doc.get("Severity") or {}).get("Label")
    if label:
        return label
    number = (doc.get("Severity") or {}).get("Normalized")
    if number is None:
        return None
    return next(name for name, least in (("CRITICAL", 90), ("HIGH", 70), ("MEDIUM", 40), ("LOW", 1), ("INFORMATIONAL", 0))
                if number >= least)


def is_guardduty(doc):
    return ((doc.get("ProductFields") or {}).get("aws/securityhub/ProductName") or doc.get("ProductName")) == "GuardDuty"


def identity(doc):
    return (doc["ProductArn"], doc["AwsAccountId"], doc["Id"])


def arrived(hook):
    return {identity(d.json["detail"]["findings"][0]) for d in hook.received}


def is_open(doc):
    return (doc.get("RecordState") != "ARCHIVED" and (doc.get("Workflow") or {}).get("Status") not in ("RESOLVED", "SUPPRESSED")
            and (doc.get("Compliance") or {}).get("Status") != "PASSED")


def run_both(docs, make_sim, make_hook, make_daemon):
    sim, high, guardduty = make_sim(), make_hook(), make_hook()
    sim.add("securityhub", docs)
    daemon = make_daemon(
        sim, sources=[source("securityhub", start=OLD)],
        sinks=[webhook("high", high.url, format="raw"), webhook("guardduty", guardduty.url, format="raw")],
        rules=[rule("high-medium", "patterns/securityhub-high-medium.json", "high"),
               rule("guardduty", "patterns/securityhub-guardduty.json", "guardduty")])
    for name in ("securityhub-high-medium.json", "securityhub-guardduty.json"):
        with open(os.path.join(TOP, "etc", "patterns", name), "rb") as file:
            daemon.file("patterns/" + name, file.read())
    done = daemon.once()
    assert done.code == 0 and done.line["findings"] == len(docs), done.stderr
    return arrived(high), arrived(guardduty)


def by_round(docs):
    """Files that are versions of one finding go into rounds of their own."""
    rounds = []
    for doc in docs:
        for one in rounds:
            if identity(doc) not in one:
                one[identity(doc)] = doc
                break
        else:
            rounds.append({identity(doc): doc})
    return [list(one.values()) for one in rounds]


def test_on_the_public_samples(make_sim, make_hook, make_daemon):
    folder = paths.shared("samples", "securityhub")
    if folder is None:
        pytest.skip("the sample findings of Security Hub are not beside the project")
    docs = []
    for name in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(name, encoding="utf-8") as file:
            docs.append(json.load(file))
    for docs in by_round(docs):
        high, guardduty = run_both(docs, make_sim, make_hook, make_daemon)
        assert high == {identity(d) for d in docs if is_open(d) and severity(d) in ("HIGH", "MEDIUM")}
        assert guardduty == {identity(d) for d in docs if is_open(d) and is_guardduty(d)}


def test_on_our_own_findings(make_sim, make_hook, make_daemon):
    docs = [json.loads(raw) for raw in findings.many("securityhub", 120, seed="guide")]
    assert {severity(d) for d in docs} >= {"HIGH", "MEDIUM", "LOW", "CRITICAL"}, "the generator makes all kinds"
    high, guardduty = run_both(docs, make_sim, make_hook, make_daemon)
    assert high == {identity(d) for d in docs if is_open(d) and severity(d) in ("HIGH", "MEDIUM")}
    assert guardduty == {identity(d) for d in docs if is_open(d) and is_guardduty(d)}


def test_the_installed_patterns_are_the_guides_to_the_letter():
    with open(os.path.join(TOP, "etc", "patterns", "securityhub-high-medium.json"), encoding="utf-8") as file:
        assert json.load(file) == {
            "source": ["aws.securityhub"], "detail-type": ["Security Hub Findings - Imported"],
            "detail": {"findings": {"ProductFields": {"aws/securityhub/SeverityLabel": ["HIGH", "MEDIUM"]}}}}
    with open(os.path.join(TOP, "etc", "patterns", "securityhub-guardduty.json"), encoding="utf-8") as file:
        assert json.load(file) == {
            "source": ["aws.securityhub"], "detail-type": ["Security Hub Findings - Imported"],
            "detail": {"findings": {"ProductFields": {"aws/securityhub/ProductName": ["GuardDuty"]}}}}
