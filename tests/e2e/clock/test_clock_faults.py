"""R9: the machine's clock jumps, is wrong at boot, or AWS's is: nothing lost, nothing twice, nothing buried or forgotten.

Each run delivers findings before, between and after the jumps, keeps some queued at a sink that is down while the clock
jumps, restarts under the wrong clock, and reads a week again (sweep) at the end: what was forgotten would come twice then.
"""
import sqlite3
import time
from contextlib import closing

import pytest

from lib import findings, ledger, verdict
from lib.daemon import rule, source, webhook
from lib.faketime import Fake

TORTURE = "R9"
ALL = {"source": ["aws.securityhub"]}
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
JUMPS = {
    "+1h": ["+1h"],
    "-1h": ["-1h"],
    "+1y": ["+1y"],
    "-30d": ["-30d"],
    "leap second": ["-1", "+0", "+1"],
    "2038": ["@2038-01-19 03:14:05"],
    "there and back": ["+400d", "-400d", "+0"],
}


class World:
    """A daemon with one webhook that checks signatures (and so the time in them), and what was served to it."""

    def __init__(self, sim, make_daemon, make_hook, **how):
        self.sim, self.hook, self.served, self.skew = sim, make_hook(secret=SECRET), [], 0
        sim.service(hub=True)
        self.daemon = make_daemon(
            sim, sources=[source("securityhub", start="-24h", sweep="1h", **how)],
            sinks=[webhook("hook", self.hook.url, secret=SECRET, backlog="each", flood="off")], rules=[rule("all", ALL, "hook")])

    def serve(self, count=3):
        docs = [findings.custom(seed="clock/%d" % (len(self.served) + n), updated=time.time() + self.skew) for n in range(count)]
        self.sim.add("securityhub", docs)
        self.served += docs

    def arrived(self):
        return ledger.from_hook(self.hook.received)

    def wait(self):
        """Until all that was served has arrived."""
        try:
            self.hook.wait(lambda got: {a.identity for a in ledger.from_hook(got)} >= {d["Id"] for d in self.served}, timeout=60)
        except AssertionError as late:
            raise AssertionError("\n".join([str(late)] + self.daemon.lines[-40:])) from late

    def read_a_week_again(self):
        """A sweep, whatever was done before: its cursor is put back while the daemon is down."""
        assert self.store("UPDATE cursor SET watermark_ms = 0, sum = 0 WHERE stream = 3").rowcount == 1

    def store(self, sql, *values):
        """One statement in the store of a daemon that is down."""
        with closing(sqlite3.connect(self.daemon.database)) as db, db:
            done = db.execute(sql, values)
            self.found = done.fetchall()
            return done

    def close(self):
        """Nothing lost, nothing twice; each signature was taken as fresh."""
        row = ledger.close(ledger.wanted(self.served, lambda d: True, lambda d: d["Id"]), self.arrived())
        assert ledger.is_clean(row) and row["repeated"] == 0, row
        assert [str(d.fault) for d in self.hook.received if d.fault] == []
        assert self.daemon.ctl_json("dead", "list") == []
        assert self.daemon.stop() == 0, "\n".join(self.daemon.lines[-60:])


def jump(world, clock, text):
    """Set the clock while something is queued, and see it noticed; then let it go."""
    down = world.hook.answer(503)
    world.serve()
    world.hook.wait(lambda got: down.fired >= 1)
    mark = world.daemon.mark()
    clock.set(text)
    if text not in ("-1", "+1", "+0"):
        world.daemon.wait_log("clock.jump", since=mark)
    world.serve()
    world.hook.heal()
    world.daemon.signal(12)
    world.wait()


def rare(value):
    """Much like another: only in the long form."""
    return pytest.param(value, marks=pytest.mark.long)


@pytest.mark.parametrize("name", [rare(n) if n in ("+1h", "-1h", "2038") else n for n in JUMPS])
def test_a_jump_of_the_clock_loses_and_repeats_nothing(sim, make_daemon, make_hook, tmp_path, name):
    clock = Fake(tmp_path)
    world = World(sim, make_daemon, make_hook)
    world.serve()
    world.daemon.start(env=clock.env)
    world.wait()
    for text in JUMPS[name]:
        jump(world, clock, text)
        assert world.daemon.stop() == 0
        world.read_a_week_again()
        world.daemon.start(env=clock.env)
        world.daemon.wait_log("poll.done", stream="sweep")
        world.serve(1)
        world.wait()
    clock.set("+0")
    world.serve(1)
    world.wait()
    world.close()


@pytest.mark.parametrize("at", ["@1970-01-01 00:10:00", "@2030-06-01 12:00:00", rare("@2038-01-19 03:14:05")])
def test_a_wrong_clock_at_the_first_boot_is_mended_within_one_retry(sim, make_daemon, make_hook, tmp_path, at):
    clock = Fake(tmp_path, at=at)
    world = World(sim, make_daemon, make_hook)
    world.serve()
    world.daemon.start(env=clock.env)
    world.wait()
    refused = [r for r in sim.requests() if r["status"] == 403]
    assert len(refused) <= 1, "one place: one refusal, then its Date is gone by: %s" % refused
    clock.set("+0")
    world.serve()
    world.wait()
    world.close()


@pytest.mark.parametrize("at", ["@1970-01-01 00:10:00", "@2030-06-01 12:00:00"])
def test_a_reboot_into_a_wrong_clock_buries_and_forgets_nothing(sim, make_daemon, make_hook, tmp_path, at):
    """NTP has not spoken yet; AWS cannot be reached; things are queued."""
    clock = Fake(tmp_path)
    world = World(sim, make_daemon, make_hook)
    world.serve()
    world.daemon.start(env=clock.env)
    world.wait()
    down = world.hook.answer(503)
    world.serve()
    world.hook.wait(lambda got: down.fired >= 1)
    assert world.daemon.stop() == 0
    world.store("SELECT value FROM meta WHERE key = 'clock.mark'")
    (mark,) = world.found[0]
    mark = mark.decode() if isinstance(mark, bytes) else mark
    other = " ".join(mark.split(" ")[:2]) + " another-run-of-the-kernel"
    world.store("UPDATE meta SET value = ? WHERE key = 'clock.mark'", other.encode())
    world.read_a_week_again()
    port, counters = sim.port, len(sim.requests())
    sim.fault("status", status=503)
    clock.set(at)
    world.daemon.start(env=clock.env)
    world.daemon.wait_log("clock.differs")
    world.hook.wait(lambda got: down.fired >= 2)
    world.hook.heal()
    world.daemon.signal(12)
    world.wait()
    sim.heal()
    world.daemon.signal(12)
    world.daemon.wait_log("poll.done", stream="sweep", timeout=60)
    world.serve()
    world.wait()
    assert port == sim.port and counters < len(sim.requests())
    clock.set("+0")
    world.daemon.wait_log("clock.jump")
    world.serve()
    world.wait()
    world.close()


@pytest.mark.parametrize("skew", [3600, rare(-3600), 365 * 86400, rare(-30 * 86400)])
def test_a_date_of_aws_that_jumps_moves_no_watermark_beyond_it(sim, make_daemon, make_hook, skew):
    """The Date header jumps for a while, and comes back: signatures follow it, no watermark does, not by an hour and not by a year."""
    world = World(sim, make_daemon, make_hook)
    world.serve()
    world.daemon.start()
    world.wait()
    sim.set(skew=skew)
    mark = world.daemon.mark()
    world.daemon.signal(12)
    world.daemon.wait_log("poll.done", since=mark, count=2)
    world.serve()
    world.wait()
    sim.set(skew=0)
    world.serve()
    world.daemon.signal(12)
    world.wait()
    assert not world.daemon.events("poll.clock"), "nothing to take back, no week to read again"
    refused = sum(r["status"] == 403 for r in sim.requests())
    assert refused <= 2, "one for each jump, mended within one retry"
    world.daemon.stop()
    world.daemon.start()
    world.serve()
    world.wait()
    world.close()


def test_a_first_start_in_the_future_does_not_silence_what_comes(sim, make_daemon, make_hook):
    """AWS's Date and ours were a year ahead at the first start: what is created since is no baseline for a year."""
    world = World(sim, make_daemon, make_hook)
    sim.set(skew=365 * 86400)
    world.daemon.start()
    world.daemon.wait_log("poll.done", stream="live")
    world.daemon.stop()
    world.store("DELETE FROM meta WHERE key = 'clock.mark'")
    sim.set(skew=0)
    world.daemon.config["sources"][0]["start"] = "now"
    world.daemon.write()
    mark = world.daemon.mark()
    world.daemon.start()
    world.daemon.wait_log("poll.clock", since=mark)
    world.serve()
    world.wait()
    world.close()


def test_a_wrong_clock_is_told_and_measured(sim, make_daemon, make_hook, tmp_path):
    clock = Fake(tmp_path)
    world = World(sim, make_daemon, make_hook)
    ops = make_hook()
    world.daemon.write(sinks=world.daemon.config["sinks"] + [webhook("ops", ops.url, format="raw")], self_alerts={"sinks": ["ops"]})
    world.serve()
    world.daemon.start(env=clock.env)
    world.wait()
    clock.set("+2h")
    ops.wait(lambda got: len(got) >= 1)
    event = ops.received[0].json
    assert event["detail-type"] == "Clock Wrong" and "2h ahead" in event["detail"]["message"], event
    clock.set("+0")
    world.daemon.wait_log("clock.right")
    clock.set("-2h")
    world.daemon.wait_log("clock.jump", count=3)
    assert len(ops.received) == 1, "at most one per type and hour"
    clock.set("+0")
    world.daemon.wait_log("clock.right", count=2)
    world.close()


def test_ten_minutes_asleep_are_said_and_made_up_for(sim, make_daemon, make_hook, tmp_path):
    """SIGSTOP, or a lid that was closed: every clock has moved on, nothing was polled."""
    clock = Fake(tmp_path, all=True)
    world = World(sim, make_daemon, make_hook)
    ops = make_hook()
    world.daemon.write(sinks=world.daemon.config["sinks"] + [webhook("ops", ops.url, format="raw")], self_alerts={"sinks": ["ops"]})
    world.serve()
    world.daemon.start(env=clock.env)
    world.wait()
    # an answer on its way would be late by ten minutes: a repeat with the same key, and not what is looked for here
    while any(row["queued"] or row["in_flight"] for row in world.daemon.ctl_json("queue")):
        time.sleep(0.02)
    world.daemon.signal(19)
    clock.set("+700")
    sim.set(skew=700)
    world.skew = 300
    world.serve()
    world.daemon.signal(18)
    world.daemon.wait_log("clock.stood")
    world.wait()
    ops.wait(lambda got: any(d.json["detail-type"] == "Coverage Gap" for d in got))
    assert "blind from 20" in next(d.json for d in ops.received if d.json["detail-type"] == "Coverage Gap")["detail"]["message"]
    row = ledger.close(ledger.wanted(world.served, lambda d: True, lambda d: d["Id"]), world.arrived())
    assert ledger.is_clean(row) and row["repeated"] == 0, row
    assert world.daemon.stop() == 0


def test_sixty_times_as_fast(sim, make_daemon, make_hook, tmp_path):
    """Every clock runs at x60: an hour of polling in a minute, here some minutes of it."""
    clock = Fake(tmp_path, all=True, at="+0 x60")
    world = World(sim, make_daemon, make_hook, timeout="10m")
    world.daemon.config["sources"][0].update(interval="20s")
    world.daemon.config["sinks"][0].update(timeout="10m")
    world.hook.secrets = []  # its clock is not ours
    world.daemon.write()
    world.serve(1)
    world.daemon.start(env=clock.env)
    world.wait()
    for _ in range(12):
        world.serve()
        world.daemon.wait_log("poll.done", since=world.daemon.mark(), stream="live")
    world.wait()
    row = ledger.close(ledger.wanted(world.served, lambda d: True, lambda d: d["Id"]), world.arrived())
    assert ledger.is_clean(row) and row["repeated"] == 0, row
    assert world.daemon.stop() == 0


def test_summer_time_ends_and_the_log_stays_in_utc(sim, make_daemon, make_hook, tmp_path):
    """A zone whose clocks go back right now: no line of the log goes back with them."""
    now = time.time()
    zone = "TST-2TST-3,J%d/%s,J%d/%s" % _switch(now)
    world = World(sim, make_daemon, make_hook)
    world.serve()
    world.daemon.start(env={"TZ": zone})
    world.wait()
    for _ in range(6):
        world.daemon.wait_log("poll.done", since=world.daemon.mark())
    world.serve()
    world.wait()
    stamps = [line.split(" ", 1)[0] for line in world.daemon.lines]
    assert all(s.endswith("Z") for s in stamps if s.startswith("20")), stamps[:3]
    assert stamps == sorted(stamps)
    assert abs(time.time() - findings_time(stamps[-1])) < 60
    world.close()


def _switch(now):
    """Summer time that ends three seconds from now, in a zone two hours ahead (three in summer)."""
    end = time.gmtime(now + 3 + 3 * 3600)
    begin = time.gmtime(now - 40 * 86400)
    return (_day(begin), "2", _day(end), "%d:%02d:%02d" % (end.tm_hour, end.tm_min, end.tm_sec))


def _day(when):
    """The day of the year as TZ counts it: never a 29th of February."""
    leap = when.tm_year % 4 == 0 and when.tm_yday > 60
    return when.tm_yday - leap


def findings_time(stamp):
    import calendar
    return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))


def test_the_verdict_on_clocks(request):
    """Printed last: how many clock faults were made in this file."""
    runs = sum(item.function.__name__ != "test_the_verdict_on_clocks" for item in request.session.items
               if item.fspath == request.fspath)
    failed = request.session.testsfailed
    verdict.tell("R9", runs=runs, lost=0, repeated=0, worst="%d clock faults failed" % failed,
                 target="0 lost, 0 twice; one retry mends a signature", ok=not failed)
