"""Fast time: a daemon and a world around it whose clocks run faster (fastclock.c), alike for both.

    clock = clocks(60)
    world = World(tmp, clock, rows=40_000, hours=1, permille=10)
    daemon = Fast(tmp / "d", clock=clock, sinks=[webhook("hook", world.url + "/hook/0")], ...)
"""
import collections
import json
import os
import sqlite3
import time
import urllib.request

from bed import preload, program
from lib import sick
from lib.daemon import Daemon
from lib.process import Child

MIB = 1 << 20
SNS = 8


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

    def __init__(self, tmp, clock, rows, hours, permille=0, seed=16):
        port_file = os.path.join(str(tmp), "day.port")
        self.child = Child([program("daypeer"), port_file, str(rows), str(hours), str(permille), str(seed), "0"],
                           env={**os.environ, "FASTCLOCK": clock})
        self.port = int(self.child.await_file(port_file))
        self.url = "http://127.0.0.1:%d" % self.port

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats", timeout=60) as answer:
            return json.loads(answer.read())

    def put(self, what):
        """sicken: receiver 6 never answers from now on, receiver 7 says 500. revive: they are well."""
        urllib.request.urlopen(urllib.request.Request(self.url + "/" + what, method="PUT"), timeout=60).close()


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


def poll_slowly(test, seconds, step):
    """Until test() is true, or the time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if test():
            return True
        time.sleep(step)
    return test()
