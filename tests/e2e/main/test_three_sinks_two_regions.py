"""The main job: findings of two regions reach a topic, a mailbox and a webhook, each once; a second run adds nothing.

Also that every request the daemon made is one that botocore's models allow.
"""
import json
import re
import time

from lib import findings, ledger, models
from lib.daemon import mailbox, rule, source, topic, webhook

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
HUB = {"source": ["aws.securityhub"]}
OWN = {"source": ["aws.guardduty"], "detail": {"severity": [{"numeric": [">=", 7]}]}}


def identity(doc):
    return doc.get("arn") or doc["Id"]


def fill(sim):
    """Returns the (guardduty, hub) documents."""
    own, hub = [], []
    for n, region in enumerate(("us-east-1", "eu-west-1")):
        mine = [findings.guardduty(seed="m/%d/%d" % (n, i), region=region, updated=time.time() - 4000 + i) for i in range(60)]
        theirs = [findings.custom(seed="m/%d/%d" % (n, i), region=region, updated=time.time() - 4000 + i) for i in range(130)]
        sim.add("guardduty", mine, region=region)
        sim.add("securityhub", theirs, region=region)
        own += mine
        hub += theirs
    return own, hub


def test_each_once_at_topic_mailbox_and_webhook(sim, mail, hook, make_daemon):
    sim.topic(TOPIC)
    own, hub = fill(sim)
    daemon = make_daemon(
        sim, aws={"regions": ["us-east-1", "eu-west-1"]}, sources=[source("guardduty", start="-24h"), source("securityhub", start="-24h")],
        sinks=[topic("topic", TOPIC), mailbox("mail", mail.url, tls="none", flood="off", backlog="each"),
               webhook("hook", hook.url, secret=SECRET)],
        rules=[rule("hub", HUB, "topic", "mail"), rule("own", OWN, "hook")])
    done = daemon.once()
    assert done.code == 0, done.stderr
    assert done.line["findings"] == len(own) + len(hub)
    assert done.line["new"] == len(own) + len(hub)
    expect_hub = ledger.wanted(hub, lambda d: True, identity)
    expect_own = ledger.wanted(own, lambda d: d["severity"] >= 7, identity)
    rows = {"topic": ledger.close(expect_hub, ledger.from_sns(sim.published())),
            "mail": ledger.close(expect_hub, ledger.from_mail(mail.received)),
            "hook": ledger.close(expect_own, ledger.from_hook(hook.received))}
    for name, row in rows.items():
        assert ledger.is_clean(row) and row["repeated"] == 0, (name, row)
    assert done.line["delivered"] == done.line["queued"] == 2 * len(hub) + sum(expect_own.values())
    assert all(d.signed for d in hook.received)
    before = len(sim.published()), len(mail.received), len(hook.received)
    again = daemon.once()
    assert again.code == 0 and again.line["new"] == 0 and again.line["queued"] == 0, again.line
    assert (len(sim.published()), len(mail.received), len(hook.received)) == before


def test_every_request_is_one_that_botocore_knows(sim, hook, make_daemon):
    fill(sim)
    sim.topic(TOPIC)
    daemon = make_daemon(sim, aws={"regions": ["us-east-1", "eu-west-1"]},
                         sources=[source("guardduty", start="-24h"), source("securityhub", start="open")],
                         sinks=[topic("topic", TOPIC)], rules=[rule("own", OWN, "topic")])
    assert daemon.once().code == 0
    asked = sim.requests()
    assert {r["op"] for r in asked} >= {"ListDetectors", "ListFindings", "GetFindings", "Publish"}
    assert all(r["status"] == 200 for r in asked), [r for r in asked if r["status"] != 200][:3]
    assert models.check_requests(asked) == []


def test_pages_of_one_walk_ask_the_same_question(sim, hook, make_daemon):
    """A moving bound makes AWS refuse the token ("Input Query has changed"): only the token may differ."""
    sim.add("securityhub", findings.many("securityhub", 350, seed="frozen"))
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("hub", HUB, "hook")])
    assert daemon.once().line["findings"] == 350
    bodies = [r["body"] if isinstance(r["body"], str) else json.dumps(r["body"]) for r in sim.requests(op="GetFindings")]
    first = {b.replace(" ", "") for b in bodies if "NextToken" not in b}
    rest = {re.sub(r',?"NextToken":\s*"[^"]*"', "", b).replace(" ", "") for b in bodies if "NextToken" in b}
    assert rest and rest <= first
