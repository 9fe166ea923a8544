"""The store fails: whoever is on call is told although nothing can be recorded, and nothing is lost or sent twice by it."""
import json
import os
import sqlite3
import subprocess
import time

import pytest

from lib import findings, paths
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def own(hook):
    return [d.json["detail-type"] for d in hook.received if 200 <= d.status < 300]


def test_a_full_disk_is_told_at_once_though_nothing_can_be_written(sim, make_daemon, make_hook):
    """The state directory is a small tmpfs in a mount namespace of the daemon's own; the test reaches it through /proc."""
    ops, sink = make_hook(), make_hook()
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url)],
                         rules=[rule("all", ALL, "hook")], self_alerts={"sinks": ["ops"]})
    small = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=48m none "$0" && exec "$@"', daemon.state]
    if subprocess.run([*small, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace here: needs root")
    daemon.start(prefix=small)
    daemon.wait_log("poll.done")
    sim.add("securityhub", [findings.custom(seed="before/%d" % i, updated=time.time(), created=time.time()) for i in range(20)])
    sink.wait(lambda got: len(got) == 20)
    fill = "/proc/%d/root%s/fill" % (daemon.process.pid, os.path.realpath(daemon.state))
    with pytest.raises(OSError, match="No space"), open(fill, "wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    sim.add("securityhub", [findings.custom(seed="while/%d" % i, updated=time.time(), created=time.time()) for i in range(20)])
    ops.wait(lambda got: "Store Failing" in own(ops))
    event = next(d.json for d in ops.received if d.json["detail-type"] == "Store Failing")
    assert "disk is almost full" in json.dumps(event["detail"])
    assert len(sink.received) == 20, "what cannot be recorded as sent is not sent"
    os.unlink(fill)
    ops.wait(lambda got: "Store Recovered" in own(ops))
    sink.wait(lambda got: len(got) == 40)
    assert own(ops).count("Store Failing") == own(ops).count("Store Recovered") == 1
    assert len({d.key for d in sink.received}) == len(sink.received) == 40
    assert daemon.stop() == 0


def test_a_store_moved_away_under_the_daemon_is_told(sim, make_daemon, make_hook):
    """It goes on in the open file; whoever is on call hears of it before a restart begins with nothing."""
    ops, sink = make_hook(), make_hook()
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url)],
                         rules=[rule("all", ALL, "hook")], self_alerts={"sinks": ["ops"]})
    daemon.start()
    daemon.wait_log("poll.done")
    sim.add("securityhub", findings.custom(seed="before", updated=time.time(), created=time.time()))
    sink.wait(lambda got: len(got) == 1)
    os.rename(daemon.state, daemon.state + ".moved")
    ops.wait(lambda got: "Store Failing" in own(ops))
    sim.add("securityhub", findings.custom(seed="while", updated=time.time(), created=time.time()))
    sink.wait(lambda got: len(got) == 2)
    os.rename(daemon.state + ".moved", daemon.state)
    ops.wait(lambda got: "Store Recovered" in own(ops))
    assert daemon.stop() == 0


def test_a_damaged_queue_is_told_and_nothing_is_sent_from_it(sim, make_daemon, make_hook):
    """The check of the start finds it before the first notice leaves; the daemon ends with 74, which no unit restarts."""
    ops, sink = make_hook(), make_hook()
    sink.answer(503)
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url)],
                         rules=[rule("all", ALL, "hook")], self_alerts={"sinks": ["ops"]})
    daemon.start()
    sim.add("securityhub", [findings.custom(seed=i, updated=time.time(), created=time.time()) for i in range(5)])
    daemon.wait_log("courier.retry")
    assert daemon.stop() == 0
    path = os.path.join(daemon.state, "findingsd.db")
    base = sqlite3.connect(path)
    root = base.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'").fetchone()[0]
    assert base.execute("SELECT count(*) FROM outbox WHERE state = 0").fetchone()[0] >= 5
    base.close()
    with open(path, "r+b") as file:
        file.seek((root - 1) * 16384)
        file.write(b"\xff" * 64)
    asked, told = len(sink.received), len(ops.received)
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 74
    daemon._join()
    assert "findingsctl db repair" in daemon.events("store.corrupt")[0]["error"]
    assert len(sink.received) == asked, "nothing is sent before the check is done"
    failing = [d.json for d in ops.received[told:]]
    assert [d["detail-type"] for d in failing] == ["Store Failing"] and "damaged" in json.dumps(failing)
    assert os.path.getsize(path) > 0 and daemon.run("--once").returncode == 74


def test_a_row_that_was_changed_is_said_and_the_rest_goes_on(sim, make_daemon, make_hook):
    """Its notice is not sent as something else: it goes to the dead letters."""
    hook = make_hook()
    hook.answer(503)
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    sim.add("securityhub", [findings.custom(seed=i, updated=time.time(), created=time.time()) for i in range(5)])
    daemon.wait_log("courier.retry")
    assert daemon.stop() == 0
    base = sqlite3.connect(os.path.join(daemon.state, "findingsd.db"))
    assert base.execute("UPDATE outbox SET message = 'fd1-' || substr(message, 5, 10) WHERE id = 3").rowcount == 1
    base.commit()
    base.close()
    hook.plans.clear()
    daemon.start()
    assert daemon.wait_log("store.rows_damaged", part="outbox")["bad"] == "1"
    daemon.ctl("poll")
    daemon.wait_log("courier.delivered")
    hook.wait(lambda got: sum(200 <= d.status < 300 for d in got) == 4)
    until = time.monotonic() + 30
    while len(daemon.ctl_json("dead", "list")) != 1 and time.monotonic() < until:
        time.sleep(0.05)  # its own retry may be due later than those of the others
    assert len(daemon.ctl_json("dead", "list")) == 1
    assert daemon.stop() == 0


def test_a_disk_that_fails_is_told_once_and_ends_the_daemon_when_it_lasts(sim, make_daemon, make_hook):
    """Every commit meets EIO: told past the queue, no coming and going of the alert while reads still work, then an end that says why."""
    with open(paths.program("findingsd"), "rb") as program:
        if b"store.commit.ioerr" not in program.read():
            pytest.skip("a build without fault points")
    ops, sink = make_hook(), make_hook()
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")],
                         sinks=[webhook("ops", ops.url, format="raw"), webhook("hook", sink.url)],
                         rules=[rule("all", ALL, "hook")], self_alerts={"sinks": ["ops"]})
    daemon.start()
    daemon.wait_log("poll.done")
    sim.add("securityhub", [findings.custom(seed=i, updated=time.time(), created=time.time()) for i in range(5)])
    sink.wait(lambda got: len(got) == 5)
    assert daemon.stop() == 0
    daemon.start(env={"FINDINGSD_FAULT": "store.commit.ioerr:fail+@20 guard.io_lasts:fail+@8"})
    sim.add("securityhub", [findings.custom(seed=9 + i, updated=time.time(), created=time.time()) for i in range(5)])
    assert daemon.process.wait(60) == 74
    daemon._join()
    assert "check the disk" in daemon.events("store.lost")[0]["error"]
    assert len(daemon.events("store.failing")) == 1 and not daemon.events("store.recovered")
    told = [name for name in own(ops) if name.startswith("Store")]
    assert told in (["Store Failing"], ["Store Failing"] * 2), "once when it began, once as the last word"
    sent = [d.key for d in sink.received]
    daemon.start()
    sink.wait(lambda got: len({d.key for d in got}) == 10)
    assert daemon.stop() == 0
    assert len(sink.received) - 10 <= 8 and set(sent) <= {d.key for d in sink.received}, "at most what was in flight repeats"
