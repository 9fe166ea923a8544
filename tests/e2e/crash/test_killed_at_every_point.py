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
ALSO = {"prune.before": "prune.now:fail", "prune.after": "prune.now:fail", "store.merge.before": "store.merge.now:fail",
        "reconcile.asked": "reconcile.now:fail+", "reconcile.taken": "reconcile.now:fail+"}
# Switches for tests, and what only a store of an older schema passes (tests/unit/store).
NOT_PASSED = {"prune.now", "store.merge.now", "reconcile.now", "store.schema.fail", "store.checkpoint.fail", "store.step.ioerr", "store.step.full", "store.commit.fail", "store.commit.ioerr",
              "courier.record", "courier.send",
              # Of digests: tests/e2e/outbox/test_digests.py kills there.
              "courier.fold", "store.digest.fold", "store.digest.release", "store.digest.settle"}
NOT_PASSED = {"prune.now", "store.merge.now", "reconcile.now", "store.schema.fail", "store.checkpoint.fail", "store.commit.fail", "store.commit.ioerr",
              "courier.record", "courier.send",
              # Of digests: tests/e2e/outbox/test_digests.py kills there.
              "courier.fold", "store.digest.fold", "store.digest.release", "store.digest.settle"}
