"""Sample findings: labelled in every format, dropped where a sink asks for it, and a pattern can tell them."""
import json
import time

from lib import findings
from lib.daemon import mailbox, rule, source, topic, webhook
from lib.story import ALL, OWN

ARN = "arn:aws:sns:us-east-1:111122223333:oncall"


def test_labelled_in_every_format_and_dropped_where_asked(sim, hook, make_hook, mail, make_daemon):
    pager, raw = make_hook(), make_hook()
    sim.topic(ARN)
    sim.topic(ARN + "-json")
    sim.add(OWN, findings.guardduty(seed="s", severity=8, sample=True, updated=time.time() - 60))
    sim.add(OWN, findings.guardduty(seed="real", severity=8, updated=time.time() - 60))
    sinks = [webhook("hook", hook.url), webhook("pager", pager.url, samples="drop"), webhook("raw", raw.url, format="raw"),
             topic("sns", ARN), topic("sns-json", ARN + "-json", format="json"), mailbox("mail", mail.url, tls="none")]
    daemon = make_daemon(sim, sources=[source(OWN, start="-24h")], sinks=sinks,
                         rules=[rule("all", ALL, *[s["name"] for s in sinks])])
    done = daemon.once()
    assert done.code == 0 and done.line["delivered"] == 11 and done.line["dead"] == 0, done.stderr
    assert sorted(d.json["data"]["sample"] for d in hook.received) == [False, True]
    assert [d.json["data"]["sample"] for d in pager.received] == [False]
    # raw is the event as AWS has it: the flag stands where AWS puts it, and the title says so
    assert sum(json.loads(d.json["detail"]["service"]["additionalInfo"]["value"]).get("sample", False) for d in raw.received) == 1
    assert sum("[SAMPLE]" in m.message["Subject"] for m in mail.received) == 1
    assert sum("This is a sample finding: nothing happened." in m.text() for m in mail.received) == 1
    assert sum("This is a sample finding: nothing happened." in m.text("html") for m in mail.received) == 1
    texts = [m["message"] for m in sim.published(topic=ARN)]
    assert sum("This is a sample finding: nothing happened." in t for t in texts) == 1 and len(texts) == 2
    assert sum('"sample":true' in m["message"] for m in sim.published(topic=ARN + "-json")) == 1


def test_a_dropped_sample_says_so_and_its_close_is_dropped_too(sim, hook, make_daemon):
    sample = findings.guardduty(seed="s", severity=8, sample=True, updated=time.time() - 60)
    sim.add(OWN, sample)
    daemon = make_daemon(sim, sources=[source(OWN, start="-24h")], sinks=[webhook("pager", hook.url, samples="drop")],
                         rules=[rule("all", ALL, "pager"), rule("none", {"findingsd": {"sample": [True]}}, "pager", merge=False)])
    assert daemon.once().line["delivered"] == 0
    sim.add(OWN, dict(sample, updatedAt=findings.instant(time.time()), service=dict(sample["service"], archived=True)))
    done = daemon.once()
    assert done.code == 0 and done.line["pending"] == 0 and hook.received == [], done.stderr
