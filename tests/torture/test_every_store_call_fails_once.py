"""R5, the store's side: every step of every statement of a start-poll-deliver-stop run fails once, as on a disk that does not write, and as on
one that is full; then, from places all over the run, every step for good.

The daemon goes on and delivers all, or leaves with a status that it documents and says why; it does not turn in circles. A clean one
delivers the rest, and nothing under a second message key. (That the file's own calls fail is test_every_system_call_fails_once.py.)
"""
import collections
import os
import re
import time

import pytest
from bed import Bed
from lib import paths, verdict
from test_every_system_call_fails_once import CPU_SECONDS, DOCUMENTED, IN_FLIGHT, cpu_seconds

TORTURE = "R5 R7"
POINTS = ("store.step.ioerr", "store.step.full")
STRIDE = int(os.environ.get("FINDINGSD_TORTURE_STEP") or (1 if verdict.is_long() else 23))


class Tally:
    def __init__(self):
        self.runs = self.lost = self.repeated = self.most = self.alone = 0
        self.bad = []
        self.codes = collections.Counter()


def once(bed, fault, tally, seconds):
    """One run; False when the point was not passed so often. What a failing store takes back comes with the next try; seconds are for a
    machine that does much else."""
    one = bed.run("s%d" % tally.runs)
    one.daemon.start(wait=False, env={"FINDINGSD_FAULT": fault})
    begun = time.monotonic()
    arrived = one.wait(seconds)
    spent = time.monotonic() - begun
    cpu = cpu_seconds(one.daemon.process.pid) or 0.0
    code = one.stop()
    said = list(one.daemon.lines)
    was_hit = "fault.hit" in said
    later = one.settle() if not arrived or code != 0 else 0
    row = one.close()
    tally.runs += was_hit
    tally.codes[code] += was_hit
    tally.lost += row["lost"]
    tally.repeated += row["repeated"]
    tally.most = max(tally.most, row["repeated"])
    tally.alone += arrived and was_hit
    told = any(re.search(r" (err|warn) ", text) for text in said)
    wrong = [text for text, is_so in (
        ("left with %s" % code, code not in DOCUMENTED), ("a clean one left with %s" % later, later != 0),
        ("lost %d" % row["lost"], row["lost"]), ("twice %d" % row["twice"], row["twice"]),
        ("unexpected %d" % row["unexpected"], row["unexpected"]), ("repeated %d" % row["repeated"], row["repeated"] > IN_FLIGHT),
        ("%.2f s of CPU" % cpu, cpu > CPU_SECONDS + 0.2 * spent), ("silent", was_hit and (not arrived or code != 0) and not told)) if is_so]
    if wrong:
        tally.bad.append(fault)
        print("%s: %s\n    %s\n" % (fault, ", ".join(wrong), "\n    ".join(text for text in said[-14:] if " debug " not in text)), flush=True)
    one.end()
    return was_hit


def test_every_store_call_fails_once(tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    bed, tally = Bed(tmp_path, None, own=1, hub=1), Tally()
    highest = {}
    try:
        for point in POINTS:
            n = 1
            while once(bed, "%s:fail@%d" % (point, n), tally, 30.0):
                highest[point] = n
                n += STRIDE
            for at in range(1, highest.get(point, 0), 10 * STRIDE if verdict.is_long() else 4 * STRIDE):
                once(bed, "%s:fail+@%d" % (point, at), tally, 1.5)
    finally:
        bed.close()
    if not highest:
        pytest.skip("this build has no fault points (--enable-fault-points)")
    verdict.tell("R5 store", runs=tally.runs, lost=tally.lost, repeated=tally.repeated,
                 worst="of %d steps each %s; %d runs delivered all by themselves; left with %s; %d repeated in one run; bad: %s" % (
                     max(highest.values()), "one" if STRIDE == 1 else "%dth" % STRIDE, tally.alone, dict(tally.codes), tally.most,
                     ", ".join(tally.bad[:5]) or "none"),
                 target="0 lost, no crash, said why", ok=not tally.bad)
