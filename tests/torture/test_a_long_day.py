"""R16 and R14: days that take minutes, by a clock that runs faster for the daemon and for the world around it.

R16: a day with a million findings in bursts, one in a hundred exchanges failing in some way, SIGHUP every ten minutes of it and the log
cut every hour: nothing is lost, nothing grows. R14: one of three targets dead for three days: the others do not notice, and the dead
one's queue ends as dead letters, by age.

In short: some hours, and some ten thousand findings.
"""
import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
import urllib.request

import pytest
from bed import preload, program
from lib import paths, sick, verdict
from lib.daemon import Daemon, mailbox, rule, source, topic, webhook
from lib.process import Child

TORTURE = "R14 R16"
TOPIC = "arn:aws:sns:us-east-1:111122223333:day"
MIB = 1 << 20
SNS = 8
LABEL = {"CRITICAL": 1000, "HIGH": 10}      # each so-many-th finding


def clocks(scale):
    """FASTCLOCK for everything that is to live in the same time, from now on."""
    ids = (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)
    return " ".join(map(str, [scale, *map(time.clock_gettime_ns, ids)]))


class Fast(Daemon):
    """A daemon in fast time. Of its log it keeps the number of lines per event, and the last lines; the rest is cut away."""

    def __init__(self, *args, clock, **top):
        super().__init__(*args, **top)
        self.env.update(LD_PRELOAD=preload("fastclock"), FASTCLOCK=clock, AWS_ACCESS_KEY_ID="AKIDTESTTESTTESTTEST",
                        AWS_SECRET_ACCESS_KEY="test/secret+key/of/the/simulator/only000")
        self.counts = collections.Counter()
        self.kept = {}      # the last line of each warning and error

    def _read_log(self, stream):
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            words = line.split(" ", 3)
            level, event = (words[1], words[2]) if len(words) > 2 else ("err", words[0])
            with self._changed:
                self.counts[event] += 1
                if level in ("err", "warn"):
                    self.kept[event] = line
                self.lines.append(line)
                del self.lines[:-500]
                self._changed.notify_all()


class World:
    """daypeer: findings and receivers in the same fast time."""

    def __init__(self, tmp, clock, findings, hours, permille, dead=-1, seed=16):
        port_file = os.path.join(str(tmp), "day.port")
        self.child = Child([program("daypeer"), port_file, str(findings), str(hours), str(permille), str(seed), str(dead)],
                           env={**os.environ, "FASTCLOCK": clock})
        self.port = int(self.child.await_file(port_file))
        self.url = "http://127.0.0.1:%d" % self.port

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats", timeout=60) as answer:
            return json.loads(answer.read())

    def revive(self):
        urllib.request.urlopen(urllib.request.Request(self.url + "/revive", method="PUT"), timeout=60).close()


@pytest.fixture
def make_world(tmp_path):
    made = []

    def make(*args, **how):
        made.append(World(tmp_path, *args, **how))
        return made[-1]
    yield make
    for world in made:
        world.child.stop()


def file_size(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


class Sample:
    """What the daemon holds at one moment. hour: of fast time."""

    def __init__(self, daemon, hour):
        self.hour = hour
        self.rss = sick.rss_kib(daemon.process.pid, "VmRSS")
        self.fds = len(os.listdir("/proc/%d/fd" % daemon.process.pid))
        self.wal = file_size(daemon.database + "-wal")
        self.file = file_size(daemon.database)


def slope(points):
    """Of the best line through (x, y)."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / max(1e-9, sum((x - mean_x) ** 2 for x, _ in points))


def live_bytes(daemon):
    db = sqlite3.connect("file:%s?mode=ro" % daemon.database, uri=True)
    try:
        pages, free, size = (db.execute("PRAGMA " + name).fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size, pages * size
    finally:
        db.close()


def every(n, findings):
    return (findings + n - 1) // n


class BadMail:
    """Faults of a mail server, one in so many commands."""

    def __init__(self, mail, one_in, seed=5):
        self.mail, self.random, self.one_in = mail, random.Random(seed), one_in
        self.lost_answers = 0
        self._find, mail.find = mail.find, self.find

    def find(self, stage, arg):
        from lib.looped import Turn
        from lib.smtpd import Fault
        if self.random.randrange(self.one_in) or not self.one_in:
            return None
        reply, drop, keep = self.random.choice((("451 4.3.0 later", False, False), ("421 4.3.2 closing", False, False), ("", True, False),
                                                ("", True, stage == "END")))
        self.lost_answers += keep
        return Fault(stage, reply, None, drop, keep, False, Turn())


def poll_slowly(test, seconds, step):
    """Until test() is true, or the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if test():
            return True
        time.sleep(step)
    return test()


def test_a_day_with_a_million_findings(make_world, make_mail, tmp_path):
    findings, hours = (1_000_000, 24) if verdict.is_long() else (40_000, 1)
    scale = int(os.environ.get("FINDINGSD_DAY_SCALE") or 60)
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    clock = clocks(scale)
    world, mail = make_world(clock, findings, hours, 10), make_mail()
    bad_mail = BadMail(mail, 100)
    daemon = Fast(
        tmp_path / "day", clock=clock, retention="6h", log_level="info", aws={"endpoint_url": world.url},
        sources=[source("securityhub", start="-1h", interval="60s", rate="5/s", timeout="120s", sweep="0")],
        sinks=[webhook("hook", world.url + "/hook/0", timeout="60s", max_in_flight=16), topic("topic", TOPIC, timeout="60s"),
               mailbox("mail", mail.url, tls="none", timeout="300s", flood="off", backlog="each")],
        rules=[rule("all", {"source": ["aws.securityhub"]}, "hook"),
               rule("high", {"findingsd": {"severity": ["HIGH", "CRITICAL"]}}, "topic"),
               rule("critical", {"findingsd": {"severity": ["CRITICAL"]}}, "mail")])
    samples, begun, reloads = [], time.monotonic(), 0
    # Half of the rows are findings that come up, the others the same ones resolved: two notices each.
    expected = {"hook": findings, "topic": 2 * every(10, findings // 2), "mail": 2 * every(1000, findings // 2)}

    def is_all_there():
        stats = world.stats()["sinks"]
        return (stats[0]["came"] >= expected["hook"] and stats[SNS]["came"] >= expected["topic"]
                and len({m.key for m in mail.received}) >= expected["mail"])

    def live():
        """Some seconds of it."""
        nonlocal reloads
        hour = (time.monotonic() - begun) * scale / 3600
        samples.append(Sample(daemon, hour))
        if hour * 6 >= reloads + 1:
            daemon.signal(signal.SIGHUP)
            reloads = int(hour * 6)
        assert daemon.process.poll() is None, "\n".join(daemon.lines[-40:])
        return hour >= hours + 0.8
    try:
        daemon.start()
        poll_slowly(live, hours * 3600 / scale * 2, 1.0)
        is_whole = poll_slowly(lambda: live() and is_all_there(), 300 + findings / 1000, 2.0)
        stats = world.stats()["sinks"]
        assert daemon.stop() == 0, "\n".join(daemon.lines[-40:])
        live_data, held = live_bytes(daemon)
    finally:
        daemon.close()
    judge_day(daemon, samples, stats, mail, bad_mail, expected, is_whole, findings, hours, live_data, held)


def judge_day(daemon, samples, stats, mail, bad_mail, expected, is_whole, findings, hours, live_data, held):
    mailed = collections.Counter(m.key for m in mail.received)
    came = {"hook": stats[0]["came"], "topic": stats[SNS]["came"], "mail": len(mailed)}
    lost = {name: expected[name] - came[name] for name in expected}
    repeated = {"hook": stats[0]["repeated"], "topic": stats[SNS]["repeated"], "mail": sum(mailed.values()) - len(mailed)}
    excused = {"hook": stats[0]["lost_answers"], "topic": stats[SNS]["lost_answers"], "mail": bad_mail.lost_answers}
    twice = sum(stats[k]["twice"] + stats[k]["early"] for k in (0, SNS))
    late = [s for s in samples if s.hour >= (1 if hours > 2 else hours / 3)]
    first, last = late[:max(1, len(late) // 10)], late[-max(1, len(late) // 10):]
    per_day = slope([(s.hour, s.rss / 1024) for s in late]) * 24
    worst = {"RSS MiB": max(s.rss for s in samples) // 1024, "RSS MiB/day": round(per_day, 2), "fds first": max(s.fds for s in first),
             "fds last": max(s.fds for s in last), "WAL MB": max(s.wal for s in samples) // 10**6, "file MB": held // 10**6,
             "live MB": live_data // 10**6, "twice or out of order": twice}
    print("sinks", json.dumps(stats), "\nlog", json.dumps(daemon.counts.most_common(40)))
    for line in daemon.kept.values():
        print(line[:300])
    # In an hour the heap is still finding its size; a day tells.
    growth = 1.0 if hours >= 24 else 48.0
    verdict.tell("R16", runs=findings, lost=sum(lost.values()), repeated=sum(repeated.values()), worst=json.dumps(worst),
                 target="%d h: 0 lost, repeats only of lost answers, RSS <= %d MiB/day after the first hour, fds constant, WAL <= 16 MB, "
                        "file <= 2 x live" % (hours, growth),
                 ok=is_whole and not any(lost.values()) and all(repeated[n] <= excused[n] for n in repeated) and twice == 0
                 and per_day <= growth and max(s.fds for s in last) <= max(s.fds for s in first) + 4 and max(s.wal for s in samples) <= 16 * MIB
                 and held <= 2 * live_data + 16 * MIB)
