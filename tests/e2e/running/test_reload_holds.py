"""A reload under way: what is in flight is not sent by two at once, and what a removed sink was to be told is not forgotten."""
import contextlib
import sqlite3
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def test_a_sink_removed_and_returned_while_sending_sends_once(sim, make_daemon, make_hook):
    slow, other = make_hook(), make_hook()
    sim.service(hub=True)
    sim.add("securityhub", findings.custom(seed="flying", updated=time.time() - 60))
    plan = slow.answer(fault="slow", seconds=6, count=1)
    sinks = [webhook("hook", slow.url), webhook("other", other.url)]
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=sinks,
                         rules=[rule("all", ALL, "hook", "other")])
    daemon.start()
    slow.wait(lambda got: len(got) == 1)
    for kept in (sinks[1:], sinks):
        daemon.write(sinks=kept, rules=[rule("all", ALL, *[s["name"] for s in kept])])
        assert daemon.ctl("reload").returncode == 0
    assert plan.fired == 1
    sim.add("securityhub", findings.custom(seed="after", updated=time.time(), created=time.time()))
    slow.wait(lambda got: len({d.key for d in got}) == 2)
    daemon.wait_log("courier.delivered", sink="hook", count=2)
    assert len(slow.received) == 2, "what was in flight at the reload was sent again: %s" % [d.key for d in slow.received]
    assert daemon.stop() == 0


def test_what_a_removed_sink_was_to_be_told_dies_aloud(sim, make_daemon, make_hook):
    """A sink renamed with a backlog: kept for its return, dead after 3 days, and somebody is told."""
    gone, ops = make_hook(), make_hook()
    sim.service(hub=True)
    gone.answer(status=503)
    sim.add("securityhub", [findings.custom(seed="orphan/%d" % i, updated=time.time() - 60) for i in range(3)])
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("gone", gone.url)],
                         rules=[rule("all", ALL, "gone")])
    daemon.start()
    gone.wait(lambda got: len(got) >= 3)
    daemon.wait_log("courier.retry", count=3)
    assert daemon.stop() == 0
    daemon.write(sinks=[webhook("ops", ops.url, format="raw")], rules=[rule("all", ALL, "ops")], self_alerts={"sinks": ["ops"]})
    daemon.start()
    daemon.wait_log("poll.done")
    assert [row["dead"] for row in daemon.ctl_json("queue") if row["sink"] == "gone"] == [0], "it may return"
    assert daemon.stop() == 0
    with contextlib.closing(sqlite3.connect(daemon.database)) as base, base:
        base.execute("UPDATE outbox SET created_ms = created_ms - 3 * 86400000 - 1 WHERE state = 0")
    daemon.start()
    ops.wait(lambda got: any(d.json["detail-type"] == "Dead Letter" for d in got))
    assert [row["dead"] for row in daemon.ctl_json("queue") if row["sink"] == "gone"] == [3]
    assert daemon.stop() == 0
