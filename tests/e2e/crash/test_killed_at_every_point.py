"""R2: kill -9 at every named point (FAULT() in src/): before and after a page is parsed and committed, between send and record, while the
log is written back, in the cursor's write, in the index's merge, in reload, prune, reconcile, sweep, burial, own alerts and in stopping.

Nothing is lost, each delivery that was in flight is repeated once at most, under the same message key. Every point is passed: one that no
run reaches is a failure. In short form the first time that a point is passed; in long form the first eight times.
"""
import os
import re
import signal
import sys
import time

import pytest

from lib import findings, ledger, paths, verdict
from lib.daemon import TimeUp, rule, source

sys.path.append(os.path.join(paths.TESTS, "torture"))
from bed import Bed  # noqa: E402

TORTURE = "R2"
TIMES = 8 if verdict.is_long() else 1
# Made to happen; a daemon would wait hours, or for a million findings.
ALSO = {"prune.before": "prune.now:fail", "prune.after": "prune.now:fail", "store.merge.before": "store.merge.now:fail", "store.sweep.before": "store.sweep.now:fail+",
        "reconcile.asked": "reconcile.now:fail+", "reconcile.taken": "reconcile.now:fail+"}
# Switches for tests: they change what is done.
SWITCHES = {"prune.now", "store.sweep.now", "guard.io_lasts", "store.merge.now", "reconcile.now", "courier.record", "courier.send", "store.schema.fail", "store.checkpoint.fail",
            "store.step.ioerr", "store.step.full", "store.commit.fail", "store.commit.ioerr", "store.backup.fail"}
# What another test kills at: it has to name the point.
ELSEWHERE = {"courier.fold": "e2e/outbox/test_digests.py", "store.digest.fold": "e2e/outbox/test_digests.py",
             "store.digest.release": "e2e/outbox/test_digests.py", "store.digest.settle": "e2e/outbox/test_digests.py",
             "store.repair.marked": "unit/store/test_repair.c", "store.repair.moved": "unit/store/test_repair.c",
             "store.repair.aside": "unit/store/test_repair.c", "store.repair.placed": "unit/store/test_repair.c"}
IN_FLIGHT = 3 * 8


def points():
    """All names in the source that a daemon passes in this test's story."""
    found = set()
    for folder, _, names in os.walk(os.path.join(paths.SOURCE, "src")):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    for inside in re.findall(r"\bFAULT\(([^;{]*?)\)", file.read()):
                        found.update(re.findall(r'"([a-z_.]+)"', inside))
    return sorted(found - SWITCHES - set(ELSEWHERE))


def not_killed_elsewhere():
    missing = []
    for point, path in ELSEWHERE.items():
        with open(os.path.join(paths.TESTS, path), encoding="utf-8") as file:
            if '"%s' % point not in file.read():
                missing.append(point)
    return missing


class Story:
    """What every run does: reads, delivers, is asked to reload, sees a finding resolved and another one refused, is backed up, sweeps, reconciles, stops.
    Each step waits for the daemon to have done it, or to be dead."""

    def __init__(self, bed, run):
        self.bed, self.run, self.daemon = bed, run, run.daemon
        self.fresh = []

    def is_dead(self):
        return self.daemon.process.poll() is not None

    def until(self, test, seconds=8.0):
        until = time.monotonic() + seconds
        while not self.is_dead() and not test() and time.monotonic() < until:
            time.sleep(0.004)

    def logged(self, event, since=0, **fields):
        return bool(self.daemon.events(event, since, **fields))

    def play(self, fault):
        self.daemon.start(wait=False, env={"FINDINGSD_FAULT": fault})
        self.until(lambda: self.run.missing() == 0)
        for step in (self.reload, self.more, self.resolve, self.backup, self.wait_walks, self.stop):
            if self.is_dead():
                break
            step()

    def reload(self):
        since = self.daemon.mark()
        self.daemon.reload()
        self.until(lambda: self.logged("reload.done", since))

    def more(self):
        """A new finding, and one that the webhook's second path refuses for ever: a dead letter, and an alert of ours about it."""
        self.fresh = [findings.custom(seed="%s/%d" % (self.run.name, n), updated=time.time(), label="CRITICAL") for n in range(2)]
        self.bed.sim.add("securityhub", self.fresh)
        self.run.expected.update(ledger.wanted(self.fresh, lambda d: True, lambda d: d["Id"]))
        self.until(lambda: self.run.missing() == 0 and self.logged("courier.dead"))

    def resolve(self):
        gone = dict(self.fresh[0], Workflow={"Status": "RESOLVED"}, UpdatedAt=findings.instant(time.time()))
        self.bed.sim.add("securityhub", gone)
        self.fresh[0] = gone
        self.run.expected[(gone["Id"], "resolved")] = 1
        self.until(lambda: self.run.missing() == 0)

    def backup(self):
        """Whether it was made is its own tests' to ask; here it may die with the daemon."""
        self.daemon.ctl("db", "backup", os.path.join(self.run.folder, "backup.db"))

    def wait_walks(self):
        """A sweep's end, a re-read, a checkpoint: some come by themselves within seconds."""
        self.until(lambda: self.logged("poll.done", stream="sweep") and self.logged("reconcile.asked"), 4.0)

    def stop(self):
        self.daemon.signal(signal.SIGTERM)
        self.until(lambda: False, 20.0)


def finish(story):
    """What the kill kept from happening happens now, before a daemon without faults looks at it."""
    if not story.fresh:
        story.fresh = [findings.custom(seed="%s/late" % story.run.name, updated=time.time())]
        story.bed.sim.add("securityhub", story.fresh)
        story.run.expected.update(ledger.wanted(story.fresh, lambda d: True, lambda d: d["Id"]))
    return story.run.settle()


def one_kill(bed, point, nth):
    run = bed.run("p-%s-%d" % (point.replace(".", "-").replace("_", "-"), nth), self_alerts={"sinks": ["broken"]})
    broken = dict(run.daemon.config["sinks"][0], name="broken", url=run.daemon.config["sinks"][0]["url"].replace("/hook/", "/broken/"))
    run.daemon.write(
        sources=[source("guardduty", start="-24h", sweep="2s", reconcile="1s"), source("securityhub", start="-24h", sweep="2s", reconcile="1s")],
        sinks=[*run.daemon.config["sinks"], broken],
        rules=[*run.daemon.config["rules"], rule("broken", {"source": [{"prefix": "aws."}]}, "broken"),
               rule("together", {"source": [{"prefix": "aws."}]}, "broken", collapse_by=["source"], merge=False)])
    story = Story(bed, run)
    also = ALSO.get(point)
    try:
        story.play("%s:kill@%d%s" % (point, nth, " " + also if also else ""))
        was_killed = run.daemon.process.returncode == -signal.SIGKILL
        code = run.daemon.process.returncode
        run.daemon._join()
        settled = finish(story)
        row = run.close()
        per_key = max((count for count in run.times_told().values()), default=0)
        wrong = [text for text, is_so in (
            ("lost %s" % row["bad"], row["lost"]), ("twice %d" % row["twice"], row["twice"]), ("unexpected %d" % row["unexpected"], row["unexpected"]),
            ("repeated %d" % row["repeated"], row["repeated"] > IN_FLIGHT), ("one told %d times" % per_key, per_key > 2),
            ("left with %s" % code, not was_killed and code != 0), ("then left with %s" % settled, settled != 0)) if is_so]
        if wrong:
            print("%s@%d: %s\n    %s" % (point, nth, ", ".join(wrong), "\n    ".join(run.daemon.lines[-12:])), flush=True)
        return was_killed, row, wrong
    finally:
        bed.sim.remove("securityhub", [(doc["ProductArn"], doc["Id"]) for doc in story.fresh])
        run.end()


def test_killed_at_every_point_loses_nothing(tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    bed = Bed(tmp_path, None, own=1, hub=2)
    runs = lost = repeated = most = 0
    bad, never = [], not_killed_elsewhere()
    try:
        bed.refuse("/broken/")
        for point in (os.environ.get("FINDINGSD_TORTURE_POINTS") or "").split() or points():
            for nth in range(1, TIMES + 1):
                was_killed, row, wrong = one_kill(bed, point, nth)
                if not was_killed and nth == 1 and not wrong:
                    never.append(point)
                if wrong:
                    bad.append("%s@%d" % (point, nth))
                if not was_killed:
                    break
                runs += 1
                lost += row["lost"] + row["twice"]
                repeated += row["repeated"]
                most = max(most, row["repeated"])
    except TimeUp as late:
        bad.append(str(late)[:200])
    finally:
        bed.close()
    if runs == 0:
        pytest.skip("this build has no fault points (--enable-fault-points)")
    verdict.tell("R2", runs=runs, lost=lost, repeated=repeated,
                 worst="%d points; %d repeated in one kill; never passed: %s; bad: %s" % (
                     len(points()), most, ", ".join(never) or "none", ", ".join(bad[:8]) or "none"),
                 target="0 lost, each in flight repeated once at most", ok=not bad and not never)
