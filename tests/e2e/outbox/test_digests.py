"""Digests: more than people can read, or a queue after an outage, is told as one; each alert in it is on record, told once, in order.

DESIGN section 3, Flood: sinks that people read have flood = "30/10m" and backlog = "digest"; both can be set on any sink; nothing is dropped.
"""
import collections
import time

import pytest

from lib import findings
from lib.daemon import mailbox, rule, source, topic, webhook

ALL = {"source": ["aws.securityhub"]}
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"


def add(sim, count, seed="flood", label=None, **how):
    now = time.time()
    docs = [findings.custom(seed="%s/%d" % (seed, n), updated=now - 120 + n * 0.01, label=label or ("CRITICAL" if n % 50 == 0 else "HIGH"), **how)
            for n in range(count)]
    sim.add("securityhub", docs)
    return docs


def told(hook):
    """Alerts told one by one, and digests: {message key: content}. A repeat has to say the same."""
    ones, digests = {}, {}
    for got in hook.received:
        if not got.accepted:
            continue
        where = digests if got.json["data"]["change"] == "digest" else ones
        data = {k: v for k, v in got.json["data"].items()}
        assert where.setdefault(got.key, data) == data
    return ones, digests


def test_a_flood_of_mail_is_thirty_and_one_digest(sim, mail, make_daemon):
    add(sim, 100, title="<b>Tor & \"friends\"</b> @everyone")
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[mailbox("mail", mail.url, tls="none")],
                         rules=[rule("hub-all", ALL, "mail")])
    done = daemon.once()
    assert done.code == 0 and (done.line["queued"], done.line["delivered"], done.line["pending"]) == (100, 100, 0), done.stderr
    assert len(mail.received) == 31
    digest = [m for m in mail.received if "findings:" in m.message["Subject"]]
    assert len(digest) == 1
    # The most severe went one by one.
    assert digest[0].message["Subject"] == "[70 findings: 70 HIGH] hub-all"
    assert digest[0].message["X-Findingsd-Change"] == "digest" and digest[0].key
    text, html = digest[0].text(), digest[0].text("html")
    assert "Digest: 70 findings: 70 HIGH" in text and "hub-all 70" in text and "50 more are not listed here" in text
    assert text.count("- HIGH ") == 20 and "@everyone" not in text
    assert "<b>Tor" not in html and "&lt;b&gt;Tor &amp; &quot;friends&quot;" in html


def test_each_alert_of_a_digest_is_on_record_and_lives_on(sim, hook, make_daemon):
    docs = add(sim, 40)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", interval="1s")],
                         sinks=[webhook("hook", hook.url, flood="5/4s")], rules=[rule("all", ALL, "hook")])
    daemon.start()
    daemon.wait_log("courier.digest", reason="flood", timeout=60)
    hook.wait(lambda got: len(got) >= 6, timeout=60)
    ones, digests = told(hook)
    assert len(ones) == 5 and [d["digest"]["alerts"] for d in digests.values()] == [35]
    top = list(digests.values())[0]["digest"]["top"]
    assert len(top) == 20 and all(t["title"] and t["finding"] and t["thread"].startswith("fd1-") for t in top)
    last = next(d for d in docs if d["Id"] == top[0]["finding"])
    sim.add("securityhub", dict(last, UpdatedAt=findings.instant(time.time()), Workflow={"Status": "RESOLVED"}))
    hook.wait(lambda got: any(g.json["data"]["change"] == "resolved" or g.json["data"].get("digest", {}).get("changes", {}).get("resolved")
                              for g in got), timeout=60)
    after = [g for g in hook.received if g.json["data"]["change"] == "resolved"]
    if after:  # told by itself, when the flood was over by then
        assert after[0].json["data"]["thread"] == top[0]["thread"]
    history = daemon.ctl_json("history", last["Id"])
    number = daemon.events("courier.digest")[0]["item"]
    assert history[0]["state"] == "done" and ("in digest %s: HTTP 2" % number) in history[0]["answer"], history
    assert daemon.stop() == 0


def test_a_queue_after_an_outage_is_one_digest_where_people_read(sim, hook, make_hook, make_daemon, tmp_path):
    """The daemon was down for an hour with alerts in its queue (an old clock stands in for that)."""
    people, machine = hook, make_hook()
    for place in (people, machine):
        place.answer(503, count=100000)
    add(sim, 60)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("people", people.url, backlog="digest"), webhook("machine", machine.url)], rules=[rule("all", ALL, "people", "machine")])
    assert daemon.once().code == 75
    age(daemon, 3600)
    people.heal()
    machine.heal()
    done = daemon.once()
    assert done.code == 0 and done.line["delivered"] == 120, done.stderr
    ones, digests = told(people)
    assert len(ones) <= 1 and sum(d["digest"]["alerts"] for d in digests.values()) + len(ones) == 60 and len(digests) == 1
    assert list(digests.values())[0]["digest"]["reason"] == "backlog"
    ones, digests = told(machine)
    assert len(ones) == 60 and not digests


def age(daemon, seconds):
    """Make what is queued that much older. Of a row's parts that its checksum covers none may change: so move those that are not."""
    import sqlite3
    db = sqlite3.connect(daemon.database)
    db.execute("UPDATE outbox SET due_ms = due_ms - ?1 WHERE state = 0", (seconds * 1000,))
    db.execute("DELETE FROM meta WHERE key LIKE 'clock%'")
    db.commit()
    db.close()


@pytest.mark.parametrize("how", ["text", "json", "raw"])
def test_a_digest_on_a_topic(sim, make_daemon, how):
    sim.topic(TOPIC)
    add(sim, 30)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[topic("topic", TOPIC, format=how, flood="2/10m")],
                         rules=[rule("all", ALL, "topic")])
    assert daemon.once().code == 0
    sent = sim.published()
    digest = [one for one in sent if "28 findings: 28 HIGH" in str(one)]
    assert len(sent) == 3 and len(digest) == 1, sent


POINTS = ["store.digest.fold:kill@1", "store.digest.fold:kill@70", "courier.fold:kill@1", "store.digest.release:kill@1", "store.digest.settle:kill@1",
          "courier.sent:kill@2", "courier.sent:kill@5", "store.outbox.finish:kill@60"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_in_a_flood_each_is_told_once(sim, hook, make_daemon, point):
    docs = add(sim, 120)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url, flood="4/2s")],
                         rules=[rule("all", ALL, "hook")])
    daemon.start(wait=False, env={"FINDINGSD_FAULT": point})
    # What is last, the members' outcome, comes after the last delivery.
    until, after = time.monotonic() + 30, time.monotonic() + 30
    while daemon.process.poll() is None and time.monotonic() < min(until, after):
        if count(hook) >= len(docs):
            after = min(after, time.monotonic() + 3)
        time.sleep(0.05)
    died = daemon.process.poll() is not None
    if died:
        daemon.kill()
        daemon.start()
    hook.wait(lambda got: count(hook) >= len(docs), timeout=60)
    assert daemon.stop() == 0
    ones, digests = told(hook)
    # Also what was sent and not recorded when it was killed: it is told again by itself, under its key, and not in the digest.
    assert count(hook) == len(docs), (len(ones), [d["digest"]["alerts"] for d in digests.values()])
    keys = collections.Counter(g.key for g in hook.received)
    assert all(n <= 2 for n in keys.values())
    if not died:
        pytest.skip("a build without fault points")


def count(hook):
    ones, digests = told(hook)
    return len(ones) + sum(d["digest"]["alerts"] for d in digests.values())
