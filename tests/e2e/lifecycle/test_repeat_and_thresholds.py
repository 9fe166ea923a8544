"""repeat_interval over restarts, each time longer, and min_count: through the real daemon."""
import time
from datetime import datetime, timezone

from lib import findings, ledger
from lib.daemon import rule, source, webhook
from lib.story import ALL, HUB, OWN, asff


def test_what_stays_open_is_told_again_each_time_later_also_after_kill_9(sim, hook, make_daemon):
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source(HUB, start="-24h", reconcile="1s")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("again", ALL, "hook", repeat_interval="2s", repeat_backoff=3)])
    sim.add(HUB, asff("LOW", updated=time.time() - 60))
    daemon.start()
    hook.wait(lambda got: len(got) >= 2, timeout=60)
    daemon.kill()
    daemon.start()
    hook.wait(lambda got: len({d.key for d in got}) >= 3, timeout=60)
    told = list({d.key: d for d in hook.received}.values())  # what was in flight at the kill may come twice, under one key
    assert [d.json["data"]["change"] for d in told] == ["created", "repeat", "repeat"]
    assert len({d.json["data"]["thread"] for d in told}) == 1
    at = [milliseconds(d.json["timestamp"]) for d in told]
    assert at[1] - at[0] >= 2000 and at[2] - at[1] >= 6000
    sim.add(HUB, asff("LOW", workflow="RESOLVED"))
    hook.wait(lambda got: got[-1].json["data"]["change"] == "resolved", timeout=30)
    assert daemon.stop() == 0


def milliseconds(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp() * 1000


def test_silent_until_seen_so_often(story):
    s = story({"source": ["aws.guardduty"]}, sources=(OWN,), min_count=3)
    finding = findings.guardduty(seed="often", severity=5, updated=time.time(), count=1)
    s.sim.add(OWN, finding)
    s.marker(OWN)
    assert s.changes() == []
    for count, changes in ((2, []), (3, ["created"]), (4, ["created"])):
        s.sim.add(OWN, dict(finding, updatedAt=findings.instant(time.time()), service=dict(finding["service"], count=count)))
        s.marker(OWN)
        assert s.changes() == changes
    # never told: its end is not told either
    other = findings.guardduty(seed="rare", severity=5, updated=time.time(), count=1)
    s.sim.add(OWN, other)
    s.sim.add(OWN, dict(other, updatedAt=findings.instant(time.time()), service=dict(other["service"], archived=True)))
    s.marker(OWN)
    assert s.changes() == ["created"]


def test_an_open_that_died_cancels_its_resolved(sim, hook, make_daemon):
    """The receiver refused the created for good: a resolved of what it never heard of would only puzzle it."""
    sim.service(hub=True)
    hook.answer(400, count=1)
    daemon = make_daemon(sim, sources=[source(HUB, start="-24h")], sinks=[webhook("hook", hook.url)], rules=[rule("all", ALL, "hook")])
    sim.add(HUB, asff("HIGH", updated=time.time() - 60))
    assert daemon.once().line["dead"] == 1
    taken = len(hook.received)
    sim.add(HUB, asff("HIGH", workflow="RESOLVED"))
    assert daemon.once().line["delivered"] == 0
    assert len(hook.received) == taken
    sim.add(HUB, asff("HIGH", updated=time.time()))
    assert daemon.once().line["delivered"] == 1
    assert [a.change for a in ledger.from_hook(hook.received)][-1] == "reopened"
