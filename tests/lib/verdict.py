"""The verdict of a torture run: one line that tests/torture/run gathers into its table.

    verdict.tell("R1", runs=1000, lost=0, repeated=12, worst="2 in one kill", target="0 lost", ok=True)

lost and repeated are counted at the receivers, never taken from the daemon's own figures.
"""
import json
import os
import random
import time


def is_long():
    """Whether the full count was asked for (FINDINGSD_LONG=1)."""
    return bool(os.environ.get("FINDINGSD_LONG"))


def timeboxed(plan):
    """The cases of a plan; with FINDINGSD_TORTURE_SECONDS in the environment in an order of chance, as many as fit the time."""
    seconds = float(os.environ.get("FINDINGSD_TORTURE_SECONDS") or 0)
    until = time.monotonic() + seconds
    if not seconds:
        yield from plan
        return
    for case in random.Random(1).sample(plan, len(plan)):
        if time.monotonic() > until:
            return
        yield case


def tell(test, runs, lost, repeated, worst, target, ok):
    """Print the line; fails the test when it is not ok."""
    print("\nVERDICT " + json.dumps({"test": test, "runs": runs, "lost": lost, "repeated": repeated, "worst": worst, "target": target,
                                     "ok": bool(ok)}), flush=True)
    assert ok, "%s: %s (wanted: %s)" % (test, worst, target)
