"""Trouble of our own is told like any other event: to whom, once, and with its end; and the heartbeat while all is well."""
import json
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def own(hook, type_=None):
    """Events of our own that a raw webhook received."""
    events = [d.json for d in hook.received if 200 <= d.status < 300]
    return [e for e in events if e["source"] == "findingsd" and type_ in (None, e["detail-type"])]


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
