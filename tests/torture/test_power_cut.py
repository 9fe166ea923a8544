"""R3: the power goes while findings come in and are delivered: what was synced is there, the rest is torn, reordered or gone (powercut.py).

Nothing is lost, what repeats is at most twice what was in flight, under the same message key; after each cut the database passes SQLite's
own check, and no row fails ours.

In long form 500 cuts.
"""
import os
import random
import shutil
import sqlite3
import time

import pytest
from lib import paths, verdict
from powercut import PowerCut
from stream import IN_FLIGHT, Stream

TORTURE = "R3"
LIFE = 1.0      # seconds that a daemon has at most


def check(state, copy):
    """SQLite's verdict on a copy, the log played back; "ok", or what is wrong. No database yet is fine."""
    if not os.path.exists(os.path.join(state, "findingsd.db")):
        return "ok"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(state, copy)
    db = sqlite3.connect(os.path.join(copy, "findingsd.db"))
    try:
        return db.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as bad:
        return str(bad)
    finally:
        db.close()


class Outcome:
    """What a series of cuts did."""

    def __init__(self):
        self.counts, self.bad = [], []
        self.torn = self.quarantined = 0
        self.is_whole, self.code, self.lost, self.got = False, None, 0, {}

    @property
    def is_good(self):
        return (self.is_whole and self.code == 0 and self.lost == 0 and self.got["twice"] == 0 and max(self.counts) <= 2 * IN_FLIGHT
                and not self.bad and not self.quarantined)


def cut_often(tmp, stream, cuts, rng, **env):
    """Start, cut, look, again; then a last run with nothing wrong."""
    out, before = Outcome(), 0
    daemon = stream.daemon(tmp / "daemon")
    state = os.path.realpath(daemon.state)
    daemon.write(state_dir=state)
    cut = PowerCut(state, str(tmp / "record"), rng)
    try:
        for n in range(cuts):
            del daemon.lines[:]
            daemon.start(wait=False, env={**cut.env(), **env})
            time.sleep(rng.uniform(0.0, LIFE))  # the moment of the cut is what is random here; nothing is waited for
            if daemon.process.poll() is not None:
                out.bad.append("cut %d: the start after it left with %s: %s" % (n - 1, daemon.process.returncode, daemon.lines[-1:]))
            daemon.kill()
            cut.happen()
            out.torn += cut.lost_bytes > 0
            said = check(state, str(tmp / "copy"))
            if said != "ok":
                out.bad.append("cut %d: %s" % (n, said))
            after = stream.settled()["repeated"]
            out.counts.append(after - before)
            before = after
            if len(out.bad) > 5:
                break
        stream.freeze()
        daemon.start(wait=False)
        out.is_whole = stream.await_all(daemon, 60)
        out.code = daemon.stop()
        out.got = stream.stats()
        out.counts[-1] += out.got["repeated"] - sum(out.counts)
        out.quarantined = quarantine_count(state) if out.code == 0 else 0
        out.lost = stream.lost(out.got)
    finally:
        daemon.close()
    return out


def test_power_cuts_lose_nothing(tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    cuts = int(os.environ.get("FINDINGSD_CUTS") or (500 if verdict.is_long() else 25))
    rng = random.Random(os.environ.get("FINDINGSD_SEED", "cuts"))
    with Stream(tmp_path, 200, int(cuts * (LIFE + 1) * 4) + 60) as stream:
        out = cut_often(tmp_path, stream, cuts, rng)
        for text in out.bad:
            print(text)
        verdict.tell("R3", runs=len(out.counts), lost=out.lost, repeated=out.got["repeated"],
                     worst="%d findings; %d of the cuts tore something; %d repeated after one cut; twice %d; quarantined %d; bad: %s" % (
                         stream.total, out.torn, max(out.counts), out.got["twice"], out.quarantined, "; ".join(out.bad[:3]) or "none"),
                     target="0 lost, <= %d repeated a cut, integrity and checksums ok each time" % (2 * IN_FLIGHT),
                     ok=out.is_good and out.torn > 0)


def test_a_disk_that_lies_is_noticed(tmp_path):
    """The test of the test: where syncs are not kept, the same cuts do harm that the judgement above sees."""
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    with Stream(tmp_path, 200, 400) as stream:
        out = cut_often(tmp_path, stream, 12, random.Random(3), POWERCUT_LIES="1")
        assert not out.is_good


def quarantine_count(state):
    db = sqlite3.connect(os.path.join(state, "findingsd.db"))
    try:
        return db.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    finally:
        db.close()
