"""R4: every allocation of a start-poll-deliver-stop run fails once, in whoever asked for it: ours, libcurl, SQLite, jansson, libevent,
OpenSSL; then, from places all over the run, all of them for 50 ms.

The daemon goes on, or leaves with 71 and the line that says so; never by a signal, never with a status on which the service manager
would not start it again. What it left behind is whole: a clean daemon delivers all, and nothing under a second message key.

In long form all allocations of a run without TLS, and every 7th of one with it; in short form every 97th.
"""
import collections
import os
import re
import subprocess

import pytest

from bed import Bed, preload
from lib import paths, verdict

TORTURE = "R4"
GOOD = (0, 71)
IN_FLIGHT = 3 * 8


class Tally:
    def __init__(self):
        self.runs = self.lost = self.repeated = self.most = 0
        self.bad = []
        self.codes = collections.Counter()

    def add(self, name, code, row, report, said):
        self.runs += 1
        self.codes[code] += 1
        self.lost += row["lost"]
        self.repeated += row["repeated"]
        self.most = max(self.most, row["repeated"])
        wrong = [text for text, is_so in (
            ("left with %s" % code, code not in GOOD), ("lost %d" % row["lost"], row["lost"]), ("twice %d" % row["twice"], row["twice"]),
            ("unexpected %d" % row["unexpected"], row["unexpected"]), ("repeated %d" % row["repeated"], row["repeated"] > IN_FLIGHT),
            ("71 without its line", code == 71 and not any("leaving, nothing is lost" in text for text in said))) if is_so]
        if wrong:
            self.bad.append(name)
            print("%s: %s\n%s\n%s\n" % (name, ", ".join(wrong), symbols(report), "\n".join(said[-6:])), flush=True)


def symbols(report):
    """The frames of a report, ours by function and line."""
    found = []
    for text in report.splitlines():
        place = re.match(r"(\S+findingsd)\(\+(0x[0-9a-f]+)\)", text)
        if place:
            text = subprocess.run(["addr2line", "-fpe", place.group(1), place.group(2)], capture_output=True, text=True, check=False).stdout
        if "failmalloc" not in text:
            found.append(re.sub(r"\(discriminator.*", "", text.strip()).replace(os.path.dirname(paths.TESTS), ""))
    return "    " + "\n    ".join(found[:18])


def once(bed, library, at, window_ms, tally):
    one = bed.run("a%d-%d" % (at, window_ms))
    report = os.path.join(one.folder, "report")
    one.daemon.start(wait=False, env={"LD_PRELOAD": library, "FAILMALLOC_AT": str(at), "FAILMALLOC_MS": str(window_ms),
                                      "FAILMALLOC_REPORT": report})
    arrived = one.wait(4.0)
    code = one.stop()
    said = list(one.daemon.lines)
    if not arrived or code != 0 or at % 16 == 0:
        settled = one.settle()
        if settled != 0:
            said += one.daemon.lines[len(said):]
            code = "%s, then a clean one with %s" % (code, settled)
    with open(report, encoding="utf-8", errors="replace") as file:
        text = file.read()
    tally.add("allocation %d%s" % (at, " and 50 ms" if window_ms else ""), code, one.close(), text, said)
    one.end()
    return re.search(r"^seen (\d+)", text, re.M)


def count(bed, library):
    """How many allocations a run has in which none fails."""
    seen = once(bed, library, -1, 0, Tally())
    return int(seen.group(1))


@pytest.mark.parametrize("tls", (False, True), ids=("plain", "tls"))
def test_every_allocation_fails_once(tls, tmp_path, certs):
    library = preload("failmalloc")
    bed = Bed(tmp_path, certs if tls else None, own=1, hub=1)
    tally = Tally()
    try:
        total = count(bed, library)
        step = int(os.environ.get("FINDINGSD_TORTURE_STEP") or ((7 if tls else 1) if verdict.is_long() else (389 if tls else 97)))
        plan = [(at, 0) for at in range(1, total + 1, step)]
        plan += [(at, 50) for at in range(1, total + 1, step * 50 if verdict.is_long() else step * 5)]
        for at, window_ms in verdict.timeboxed(plan):
            once(bed, library, at, window_ms, tally)
    finally:
        bed.close()
    verdict.tell("R4 tls" if tls else "R4", runs=tally.runs, lost=tally.lost, repeated=tally.repeated,
                 worst="of %d allocations %s%s; left with %s; %d repeated in one run; bad: %s" % (
                     total, "each" if step == 1 else "every %dth" % step, "" if tally.runs == len(plan) else ", by chance, the time being up", dict(tally.codes), tally.most, ", ".join(tally.bad[:5]) or "none"),
                 target="0 lost, no signal, goes on or leaves with 71", ok=not tally.bad)
