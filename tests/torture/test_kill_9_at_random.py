"""R1: kill -9 at random moments while findings come in at a steady rate and go to a webhook, a topic and a mailbox at once.

Nothing is lost; what is repeated after a kill is what was in flight at it (max_in_flight of each sink), under the same message key. Also how
many repeats a kill has on average at 100 findings a second, not in the rush after a start, and how long a start takes to its first request.

In long form 1,000 kills at 500/s and 300 at 100/s.
"""
import random
import re
import time

import pytest
from lib import paths, verdict
from stream import IN_FLIGHT, Stream

TORTURE = "R1"
_FIRST = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d\d\d)Z debug poll\.state .*from=waiting to=(?:clock|listing)")


def first_request_ms(daemon, since, started):
    """From the start of the process to its first request, by its own log; None when it did not come so far."""
    for line in daemon.lines[since:]:
        found = _FIRST.search(line)
        if found:
            h, m, s, ms = map(int, found.groups())
            return ((h * 3600 + m * 60 + s) * 1000 + ms - int(started % 86400 * 1000)) % 86400000
    return None


def kill_often(stream, daemon, kills, life, rng, is_calm):
    """is_calm: the kill comes when what waited for the start has gone out. [repeats that were counted after each kill], [ms to the first request of each start]."""
    counts, firsts, before = [], [], stream.stats()["repeated"]
    for _ in range(kills):
        since, started = daemon.mark(), time.time()
        daemon.start(wait=False)
        if is_calm:
            stream.caught_up()
        time.sleep(rng.uniform(0.0, life))  # the moment of the kill is what is random here; nothing is waited for
        daemon.kill()
        after = stream.settled()["repeated"]
        counts.append(after - before)
        before = after
        took = first_request_ms(daemon, since, started)
        if took is not None:
            firsts.append(took)
        del daemon.lines[:]
    return counts, firsts


@pytest.mark.parametrize("rate,kills,life", ((500, 1000, 1.2), (100, 300, 1.2)), ids=("500", "100"))
def test_kill_9_at_random_loses_nothing(rate, kills, life, tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    if not verdict.is_long():
        kills = kills // 40
    rng = random.Random(rate)
    with Stream(tmp_path, rate, int(kills * (life + 1) * 3) + 60) as stream:
        daemon = stream.daemon(tmp_path / "daemon")
        counts, firsts = kill_often(stream, daemon, kills, life, rng, rate == 100)
        stream.freeze()
        daemon.start()
        whole = stream.await_all(daemon, 60)
        code = daemon.stop()
        got = stream.stats()
        counts[-1] += got["repeated"] - sum(counts)
        daemon.close()
        lost, mean = stream.lost(got), sum(counts) / kills
        firsts.sort()
        start = "first request %d ms in the middle, %d ms at worst" % (firsts[len(firsts) // 2], firsts[-1]) if firsts else "no start timed"
        verdict.tell("R1 %d/s" % rate, runs=kills, lost=lost, repeated=got["repeated"],
                     worst="%d findings; %d repeated after one kill, %.2f on average; twice %d; %s" % (
                         stream.total, max(counts), mean, got["twice"], start),
                     target="0 lost, <= %d repeated a kill%s" % (IN_FLIGHT, ", <= 1 on average" if rate == 100 else ""),
                     ok=whole and code == 0 and lost == 0 and got["twice"] == 0 and max(counts) <= IN_FLIGHT and (rate != 100 or mean <= 1))
