"""R6: the disk is full: before the first start, at a start with a store, in commits, in write-backs, at a kill, and for minutes while findings
come in. The store lies on a small tmpfs of its own.

The daemon stays up, reads nothing more, sends nothing that it could not record, says so in its readiness, and goes on by itself within
seconds when there is room. Nothing is lost, and nothing repeated but what was in flight at a kill.

In long form 100 fillings and five minutes full; in short form 12, and some seconds.
"""
import os
import random
import signal
import subprocess
import time

import pytest
from lib import paths, verdict
from stream import IN_FLIGHT, Stream

TORTURE = "R6"
MIB = 1 << 20
# Room for what is remembered and recorded of all the findings of a run, several times over: it is filled by us, not by them.
SIZE = (768 if verdict.is_long() else 64) * MIB


class SmallDisk:
    """A tmpfs over a folder, in a mount namespace that a process of ours keeps."""

    def __init__(self, folder):
        self.folder = os.path.realpath(folder)
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=%d none "$0" && echo ready && exec cat' % SIZE,
                                        self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if self.holder.stdout.readline() != b"ready\n":
            self.close()
            pytest.skip("no mount namespace here: needs root")
        self.prefix = ("nsenter", "-t", str(self.holder.pid), "-m", "--")
        self.root = "/proc/%d/root%s" % (self.holder.pid, self.folder)

    def fill(self, leave=0):
        """Take all space but so many bytes."""
        with open(os.path.join(self.root, "fill"), "ab", buffering=0) as file:
            step = SIZE
            while step >= 4096:
                disk = os.statvfs(self.root)
                left = min(step, disk.f_bavail * disk.f_frsize - leave)
                if left <= 0:
                    return
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, left)
                except OSError:
                    step = left // 2

    def free(self):
        if os.path.exists(os.path.join(self.root, "fill")):
            os.unlink(os.path.join(self.root, "fill"))

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)
        self.holder.stdout.close()


def is_ready(daemon):
    return daemon.request("GET", "/readyz")[0] == 200


def until(test, seconds):
    """Whether test() became true in that time; and when, in seconds."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if test():
            return time.monotonic() - begun
        time.sleep(0.05)
    return None


@pytest.fixture
def disk_stream(tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    os.makedirs(tmp_path / "daemon" / "state")
    disk = SmallDisk(tmp_path / "daemon" / "state")
    with Stream(tmp_path, 300, 1500 if verdict.is_long() else 240) as stream:
        daemon = stream.daemon(tmp_path / "daemon")
        yield disk, stream, daemon
        daemon.close()
    disk.close()


def start_full(disk, daemon, bad):
    """Before there is a store, and with one: a status that it documents and why, or it waits for room; then it starts."""
    for what in ("no store yet", "a store"):
        disk.fill()
        since = daemon.mark()
        daemon.start(wait=False, prefix=disk.prefix)
        until(lambda: daemon.process.poll() is not None or "READY=1" in daemon.states, 5)
        code = daemon.process.poll()
        said = "\n".join(daemon.lines[since:])
        if code is not None and (code != 75 or "disk is full" not in said):
            bad.append("start on a full disk, %s: left with %s: %s" % (what, code, said[-300:]))
        print("full before the start, %s: %s" % (what, "left with %s" % code if code is not None else "is up"))
        disk.free()
        if code is not None:
            daemon.start(prefix=disk.prefix)
        if until(lambda: is_ready(daemon), 20) is None:
            bad.append("not ready after there was room again, %s" % what)
        if daemon.stop() != 0:
            bad.append("stop")
        daemon._join()


def fill_often(disk, stream, daemon, times, rng, bad):
    """Fill to within some distance of the end, wait a little, kill it now and then, make room. Returns how often it was killed."""
    kills = 0
    daemon.start(prefix=disk.prefix)
    if until(lambda: is_ready(daemon), 30) is None:
        bad.append("not ready before the first filling")
    for n in range(times):
        disk.fill(rng.choice((0, 0, 4096, 65536, MIB, 4 * MIB, 15 * MIB, 17 * MIB)))
        time.sleep(rng.uniform(0.05, 0.6))  # the moment is what is random here; nothing is waited for
        if daemon.process.poll() is not None:
            bad.append("filling %d: left with %s: %s" % (n, daemon.process.returncode, daemon.lines[-1:]))
            break
        if rng.random() < 0.2:
            daemon.kill()
            kills += 1
            if rng.random() < 0.5:
                disk.free()
            daemon.start(wait=False, prefix=disk.prefix)
            if until(lambda: daemon.process.poll() is not None or "READY=1" in daemon.states, 10) is None:
                bad.append("filling %d: no start in 10 s" % n)
            if daemon.process.poll() is not None:
                disk.free()
                daemon.start(prefix=disk.prefix)
        disk.free()
        time.sleep(rng.uniform(0.05, 0.3))
        del daemon.lines[:]
    return kills


def stay_full(disk, stream, daemon, seconds, bad):
    """Full for long under load. Returns how long it took to go on."""
    if until(lambda: is_ready(daemon), 30) is None:
        bad.append("not ready before the long filling")
    disk.fill()
    if until(lambda: not is_ready(daemon), 20) is None:
        bad.append("its readiness does not say that the disk is full")
    time.sleep(1.0)
    before = stream.stats()
    cpu = cpu_seconds(daemon.process.pid)
    begun = time.monotonic()
    while time.monotonic() - begun < seconds and daemon.process.poll() is None:
        time.sleep(0.5)
    if daemon.process.poll() is not None:
        bad.append("left with %s while the disk was full" % daemon.process.returncode)
        return None
    after = stream.stats()
    spent = (cpu_seconds(daemon.process.pid) - cpu) / seconds
    print("full for %d s: %d findings came, %d were sent, %.0f ms of CPU a second" % (
        seconds, after["seen"] - before["seen"], after["hook"]["came"] - before["hook"]["came"], spent * 1000))
    # What can be recorded may go out: what was not recorded would come again.
    if after["repeated"] != before["repeated"]:
        bad.append("repeated %d while the disk was full" % (after["repeated"] - before["repeated"]))
    if spent > 0.2:
        bad.append("%.0f ms of CPU a second while the disk was full" % (spent * 1000))
    disk.free()
    return until(lambda: stream.stats()["hook"]["came"] > after["hook"]["came"] + IN_FLIGHT, 60)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_full_disk_loses_nothing(disk_stream):
    disk, stream, daemon = disk_stream
    bad, rng = [], random.Random(6)
    times, seconds = (100, 300) if verdict.is_long() else (12, 8)
    start_full(disk, daemon, bad)
    kills = fill_often(disk, stream, daemon, times, rng, bad)
    before = stream.settled()["repeated"] if daemon.process.poll() is not None else stream.stats()["repeated"]
    resumed = stay_full(disk, stream, daemon, seconds, bad)
    if resumed is None:
        bad.append("does not go on when there is room")
    stream.freeze()
    if daemon.process.poll() is not None:
        daemon.start(prefix=disk.prefix)
    whole = stream.await_all(daemon, 60)
    daemon.signal(signal.SIGTERM)
    code = daemon.stop()
    got = stream.stats()
    lost = stream.lost(got)
    for text in bad:
        print(text)
    verdict.tell("R6", runs=times + 3, lost=lost, repeated=got["repeated"],
                 worst="%d findings, %d kills while full; %d repeated by %d s full; went on within %s s; twice %d; bad: %s" % (
                     stream.total, kills, got["repeated"] - before, seconds, "%.1f" % resumed if resumed else "-", got["twice"],
                     "; ".join(bad[:3]) or "none"),
                 target="0 lost, 0 repeated but at kills, stays up, goes on within 20 s",
                 ok=whole and code == 0 and lost == 0 and got["twice"] == 0 and got["repeated"] <= kills * IN_FLIGHT and not bad and resumed <= 20)
