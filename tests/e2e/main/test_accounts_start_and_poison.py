"""Several accounts by AssumeRole, `start` in all its forms, and a finding that cannot be identified."""
import json
import time

import pytest

from lib import findings, ledger
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.guardduty", "aws.securityhub"]}
OTHER = "444455556666"
ROLE = "arn:aws:iam::%s:role/findingsd" % OTHER


def told(hook):
    return {a.identity for a in ledger.from_hook(hook.received)}


def test_accounts_are_polled_by_their_roles_and_named(make_sim, hook, make_daemon):
    sim = make_sim()
    sim.state({"roles": [{"arn": ROLE, "external_id": "ext-1"}]})
    mine = findings.custom(seed="own", updated=time.time() - 60)
    theirs = findings.custom(seed="other", account=OTHER, updated=time.time() - 60)
    sim.add("securityhub", mine)
    sim.add("securityhub", theirs, account=OTHER)
    accounts = [{"name": "prod", "role_arn": ROLE, "external_id": "ext-1"}]
    daemon = make_daemon(sim, aws={"regions": ["us-east-1"], "endpoint_url": sim.url, "accounts": accounts},
                         sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("prod", {"findingsd": {"account_name": ["prod"]}}, "hook")])
    done = daemon.once()
    assert done.code == 0 and done.line["delivered"] == 1, done.stderr
    data = hook.received[0].json["data"]
    assert data["account"] == {"id": OTHER, "name": "prod"}
    assert any(r["op"] == "AssumeRole" for r in sim.requests())


def test_a_wrong_external_id_is_an_error_that_names_the_role(make_sim, hook, make_daemon):
    sim = make_sim()
    sim.state({"roles": [{"arn": ROLE, "external_id": "ext-1"}]})
    accounts = [{"name": "prod", "role_arn": ROLE, "external_id": "qx7-not-it"}]
    daemon = make_daemon(sim, aws={"regions": ["us-east-1"], "endpoint_url": sim.url, "accounts": accounts},
                         sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    done = daemon.once()
    assert done.code == 75 and done.line["errors"] >= 1
    assert ROLE in done.stderr and "qx7-not-it" not in done.stderr


def four(now):
    """An old one, one of yesterday, one of an hour ago that is archived, one of an hour ago."""
    day = 86400
    return {
        "old": findings.custom(seed="old", updated=now - 10 * day),
        "old-notified": findings.custom(seed="old-notified", updated=now - 9 * day, workflow="NOTIFIED"),
        "old-suppressed": findings.custom(seed="old-suppressed", updated=now - 9 * day, workflow="SUPPRESSED"),
        "archived": findings.custom(seed="archived", updated=now - 3600, record="ARCHIVED"),
        "recent": findings.custom(seed="recent", updated=now - 3600),
    }


@pytest.mark.parametrize("start,expected", [
    ("now", set()),
    ("-24h", {"recent"}),
    ("RFC", {"recent", "old-notified"}),
    ("open", {"recent", "old", "old-notified"}),
])
def test_start_decides_what_the_first_poll_tells(start, expected, sim, hook, make_daemon):
    now = time.time()
    docs = four(now)
    sim.add("securityhub", list(docs.values()))
    when = findings.instant(now - 9.5 * 86400) if start == "RFC" else start
    daemon = make_daemon(sim, sources=[source("securityhub", start=when)], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    daemon.wait_log("poll.done", source="hub", stream="live")
    if start != "now":
        daemon.wait_log("poll.done", source="hub", stream="backfill")
    hook.wait(lambda got: len(got) >= len(expected))
    marker = findings.custom(seed="marker", updated=time.time() + 0.5, created=time.time() + 0.5)
    sim.add("securityhub", marker)
    hook.wait(lambda got: marker["Id"] in {a.identity for a in ledger.from_hook(got)})
    assert told(hook) - {marker["Id"]} == {docs[name]["Id"] for name in expected}
    assert daemon.stop() == 0


def test_a_finding_that_cannot_be_identified_goes_to_quarantine_and_the_rest_goes_on(sim, hook, make_daemon):
    good = [findings.custom(seed="good/%d" % i, updated=time.time() - 500 + i) for i in range(3)]
    sim.add("securityhub", good)
    poison = json.dumps({"SchemaVersion": "2018-10-08", "Title": "no Id, no ProductArn"})
    sim.add("securityhub", poison.encode(), id="poison", updated=findings.instant(time.time() - 400), product_arn="arn:x")
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    done = daemon.once()
    assert done.line["delivered"] == 3 and done.line["findings"] == 4, done.stderr
    assert "finding.quarantined" in done.stderr
    assert daemon.once().line["queued"] == 0
