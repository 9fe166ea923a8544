"""Trouble of our own is told like any other event: to whom, once, and with its end; and the heartbeat while all is well."""
import calendar
import json
import re
import sqlite3
import time
from contextlib import closing

from lib import findings
from lib.daemon import rule, source, webhook
from lib.faketime import Fake

ALL = {"source": ["aws.securityhub"]}


def own(hook, type_=None):
    """Events of our own that a raw webhook received; one that was in flight at a kill counts once."""
    events = [d.json for d in hook.received if 200 <= d.status < 300]
    found = {e["id"]: e for e in events if e["source"] == "findingsd" and type_ in (None, e["detail-type"])}
    return list(found.values())


def begin(sim, make_daemon, make_hook, **how):
    ops, sink = make_hook(), make_hook()
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url, format="raw")],
                         rules=[rule("all", ALL, "hook")], self_alerts={"sinks": ["ops"]}, **how)
    return daemon, ops, sink


def test_a_failing_source_is_told_once_and_so_is_its_recovery(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sim.fault("status", op="GetFindings", status=403, code="AccessDeniedException")
    daemon.start()
    ops.wait(lambda got: own(ops, "Source Failing"))
    event = own(ops, "Source Failing")[0]
    assert "AccessDenied" in json.dumps(event["detail"]) and "hub" in event["detail"]["subject"]
    for _ in range(3):
        mark = daemon.mark()
        daemon.signal(12)
        daemon.wait_log("poll.failed", since=mark)
    sim.heal()
    daemon.signal(12)
    ops.wait(lambda got: own(ops, "Source Recovered"))
    assert [e["detail-type"] for e in own(ops)] == ["Source Failing", "Source Recovered"]
    assert own(sink) == [], "self_alerts names who is told"
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_dead_letters_and_a_failing_sink_are_told_elsewhere(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sink.answer(status=400, body="no")
    sim.add("securityhub", [findings.custom(seed="dead/%d" % i, updated=time.time() - 60) for i in range(5)])
    daemon.start()
    ops.wait(lambda got: own(ops, "Dead Letter"))
    daemon.wait_log("courier.dead", count=5)
    assert len(own(ops, "Dead Letter")) == 1, "at most one per type and hour"
    sink.heal()
    sink.answer(status=401, body="who are you")
    sim.add("securityhub", findings.custom(seed="held", updated=time.time(), created=time.time()))
    ops.wait(lambda got: own(ops, "Sink Failing"))
    assert own(ops, "Sink Failing")[0]["detail"]["subject"] == "hook"
    sink.heal()
    daemon.signal(12)
    ops.wait(lambda got: own(ops, "Sink Recovered"))
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_finding_that_cannot_be_read_is_quarantined_and_told(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sim.add("securityhub", b'{"Title":"no id, no product"}', id="poison", updated=findings.instant(time.time() - 60))
    sim.add("securityhub", findings.custom(seed="good", updated=time.time() - 30))
    daemon.start()
    ops.wait(lambda got: own(ops, "Quarantine"))
    sink.wait(lambda got: len(got) >= 1)
    daemon.wait_log("finding.quarantined")
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_refused_reload_and_a_service_that_is_off_are_told(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sim.service(hub=False)
    daemon.start()
    ops.wait(lambda got: own(ops, "Coverage Gap"))
    good = dict(daemon.config)
    daemon.write(rules=[rule("all", ALL, "nobody")])
    assert daemon.ctl("reload").returncode == 1
    ops.wait(lambda got: own(ops, "Reload Refused"))
    daemon.write(rules=good["rules"])
    assert daemon.ctl("reload").returncode == 0
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_rule_can_match_them_too(sim, make_daemon, make_hook):
    ops, sink = make_hook(), make_hook()
    sim.service(hub=False)
    daemon = make_daemon(sim, sources=[source("securityhub")], sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url, format="raw")],
                         rules=[rule("own", {"source": ["findingsd"], "detail-type": ["Coverage Gap"]}, "hook")])
    daemon.start()
    sink.wait(lambda got: own(sink, "Coverage Gap"))
    assert own(ops) == []
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_the_heartbeat_beats(sim, make_daemon, make_hook):
    beat = make_hook()
    daemon, ops, sink = begin(sim, make_daemon, make_hook, heartbeat={"url": beat.url, "interval": "1s"})
    daemon.start()
    beat.wait(lambda got: len(got) >= 2)
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_workflow_change_that_moves_no_instant_is_found_by_reading_again(sim, make_daemon, make_hook):
    """Reconcile: older than every overlap, so only a re-read by id can see it."""
    sink = make_hook()
    old = findings.custom(seed="old", updated=time.time() - 7200, created=time.time() - 7200, label="HIGH")
    sim.add("securityhub", old)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", reconcile="1s")], sinks=[webhook("hook", sink.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    sink.wait(lambda got: len(got) >= 1)
    sim.add("securityhub", dict(old, Workflow={"Status": "RESOLVED"}))
    sink.wait(lambda got: len(got) >= 2, timeout=60)
    assert [d.headers["x-findingsd-change"] for d in sink.received] == ["created", "resolved"]
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_the_service_manager_is_told(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    daemon.start(env={"WATCHDOG_USEC": "1500000"})
    daemon.wait_state("READY=1")
    daemon.wait_state("WATCHDOG=1")
    daemon.reload()
    daemon.wait_log("reload.done")
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])
    assert "STOPPING=1" in daemon.states
    assert any(s.startswith("RELOADING=1") for s in daemon.states)


def test_the_only_sink_is_told_of_its_own_dead_letter(sim, make_daemon, make_hook):
    """It refuses one notice and takes the next: a dead letter that nobody is told about is a lost alert."""
    sink = make_hook()
    sim.service(hub=True)
    sink.answer(status=400, body="no", count=1)
    sim.add("securityhub", findings.custom(seed="dead", updated=time.time() - 60))
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", sink.url, format="raw")],
                         rules=[rule("all", ALL, "hook")], self_alerts=None)
    daemon.start()
    sink.wait(lambda got: own(sink, "Dead Letter"))
    assert own(sink, "Dead Letter")[0]["detail"]["subject"] == "hook"
    assert daemon.stop() == 0


def test_a_queue_that_does_not_get_shorter_is_told_to_others(sim, make_daemon, make_hook, tmp_path):
    """A quarter of an hour passes (on every clock) while a sink refuses."""
    clock = Fake(tmp_path, all=True)
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sink.answer(503)
    sim.add("securityhub", [findings.custom(seed="wait/%d" % i, updated=time.time() - 60) for i in range(5)])
    daemon.start(env=clock.env)
    ops.wait(lambda got: own(ops, "Sink Failing"))
    while {row["sink"]: row["queued"] for row in daemon.ctl_json("queue") if row["queued"]} != {"hook": 5}:
        time.sleep(0.02)
    clock.set("+1200")
    ops.wait(lambda got: own(ops, "Queue Backlog"))
    event = own(ops, "Queue Backlog")[0]["detail"]
    assert event["subject"] == "hook" and event["message"].startswith("5 notices wait, the oldest for 20m"), event
    assert "last error: HTTP 503" in event["message"] or "no answer within" in event["message"]
    assert daemon.metrics()['findingsd_queue_oldest_seconds{sink="hook"}'] >= 1200
    sink.heal()
    daemon.signal(12)
    sink.wait(lambda got: sum(d.status < 300 for d in got) >= 5)
    while any(row["queued"] or row["in_flight"] for row in daemon.ctl_json("queue")):
        time.sleep(0.02)
    clock.set("+1300")
    daemon.wait_log("queue.caught_up", sink="hook")
    assert len(own(ops, "Queue Backlog")) == 1
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_recovery_is_told_though_another_run_told_of_the_failing(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sim.fault("status", op="GetFindings", status=403, code="AccessDeniedException")
    daemon.start()
    ops.wait(lambda got: own(ops, "Source Failing"))
    daemon.kill()
    sim.heal()
    daemon.start()
    ops.wait(lambda got: own(ops, "Source Recovered"))
    failing, recovered = own(ops, "Source Failing")[0], own(ops, "Source Recovered")[0]
    assert failing["detail"]["subject"] == recovered["detail"]["subject"]
    daemon.stop()
    daemon.start()
    daemon.wait_log("poll.done", since=daemon.mark())
    assert daemon.stop() == 0
    assert len(own(ops)) == 2, "told once"


def test_a_crash_loop_does_not_page_at_each_start(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    sim.fault("status", op="GetFindings", status=403, code="AccessDeniedException")
    daemon.start()
    ops.wait(lambda got: own(ops, "Source Failing"))
    for _ in range(3):
        daemon.kill()
        mark = daemon.mark()
        daemon.start()
        daemon.wait_log("poll.failed", since=mark)
        daemon.signal(12)
        daemon.wait_log("poll.failed", since=mark, count=2)
    ops.answer(503)
    assert daemon.stop() == 0
    assert len(own(ops, "Source Failing")) == 1, "at most one per type and hour, restarts included"


def test_down_for_half_an_hour_is_told_as_blind_from_to(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    daemon.start()
    daemon.wait_log("poll.done", stream="live")
    daemon.stop()
    with closing(sqlite3.connect(daemon.database)) as db, db:
        db.execute("UPDATE cursor SET watermark_ms = watermark_ms - 1800000, sum = 0")
    sim.add("securityhub", findings.custom(seed="meanwhile", updated=time.time() - 900))
    daemon.start()
    ops.wait(lambda got: own(ops, "Coverage Gap"))
    words = re.search(r"blind from (\S+)Z to (\S+)Z", own(ops, "Coverage Gap")[0]["detail"]["message"])
    began, ended = (calendar.timegm(time.strptime(w[:19], "%Y-%m-%dT%H:%M:%S")) for w in words.groups())
    assert 1790 <= ended - began <= 1900 and abs(ended - time.time()) < 60
    sink.wait(1)
    assert daemon.stop() == 0


def test_a_region_that_was_off_is_blind_from_to_when_it_is_on_again(sim, make_daemon, make_hook):
    daemon, ops, sink = begin(sim, make_daemon, make_hook)
    daemon.start()
    daemon.wait_log("poll.done", stream="live")
    daemon.stop()
    with closing(sqlite3.connect(daemon.database)) as db, db:
        db.execute("UPDATE cursor SET watermark_ms = watermark_ms - 1800000, sum = 0")
    sim.service(hub=False)
    daemon.start()
    ops.wait(lambda got: own(ops, "Coverage Gap"))
    assert "not" in own(ops, "Coverage Gap")[0]["detail"]["message"]
    sim.service(hub=True)
    sim.add("securityhub", findings.custom(seed="meanwhile", updated=time.time() - 900))
    daemon.signal(12)
    daemon.wait_log("poll.on")
    daemon.wait_log("poll.gap")
    sink.wait(1)
    assert daemon.stop() == 0


def test_the_only_sink_hears_of_its_own_failing_when_it_is_back(sim, make_daemon, make_hook):
    """Nobody else can be told: the words wait in its queue, and the log and readiness say so meanwhile."""
    sink = make_hook()
    sim.service(hub=True)
    sink.answer(status=401, body="who are you")
    sim.add("securityhub", findings.custom(seed="held", updated=time.time() - 60))
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", sink.url, format="raw")],
                         rules=[rule("all", ALL, "hook")], self_alerts=None)
    daemon.start()
    daemon.wait_log("courier.failing", sink="hook")
    sink.heal()
    daemon.signal(12)
    sink.wait(lambda got: own(sink, "Sink Failing") and own(sink, "Sink Recovered"))
    assert daemon.stop() == 0


def test_several_at_once_are_all_named(sim, make_daemon, make_hook, tmp_path):
    """Three regions fail: the first is told at once, the others by name at the end of its hour."""
    clock = Fake(tmp_path, all=True)
    ops = make_hook()
    regions = ["us-east-1", "us-west-2", "eu-west-1"]
    for region in regions:
        sim.service(region=region, hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub")], aws={"regions": regions}, self_alerts={"sinks": ["ops"]},
                         sinks=[webhook("ops", ops.url, format="raw")], rules=[rule("none", {"source": ["nobody"]}, "ops")])
    sim.fault("status", op="GetFindings", status=403, code="AccessDeniedException")
    daemon.start(env=clock.env)
    for region in regions:
        daemon.wait_log("poll.failed", region=region, attempt=2)
    ops.wait(lambda got: own(ops, "Source Failing"))
    clock.set("+3700")
    ops.wait(lambda got: len(own(ops, "Source Failing")) == 2)
    first, second = (e["detail"] for e in own(ops, "Source Failing"))
    assert {first["subject"], second["subject"], *second["also"]} == {"hub/" + r for r in regions}
    assert all("hub/" + r in json.dumps(second) for r in regions if "hub/" + r != first["subject"])
    assert daemon.stop() == 0
