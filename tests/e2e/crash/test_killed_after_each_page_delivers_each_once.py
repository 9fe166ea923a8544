"""500 findings of one identical UpdatedAt over several pages, the daemon killed after each page in turn: 500 delivered, none twice.

A cursor that is "the time of the last item seen" loses siblings of that instant or reads them for ever; a token kept over a restart
is refused. Here the window is read again and what was seen is remembered.
"""
import time

import pytest

from lib import findings, ledger
from lib.daemon import rule, source, webhook

COUNT = 500


def identity(doc):
    return doc.get("arn") or doc["Id"]


@pytest.mark.parametrize("service,op", [("securityhub", "GetFindings"), ("guardduty", "GetFindings")])
def test_killed_after_each_page_delivers_each_once(service, op, sim, hook, make_daemon):
    same = time.time() - 900
    make = findings.custom if service == "securityhub" else findings.guardduty
    docs = [make(seed="same/%d" % i, updated=same) for i in range(COUNT)]
    sim.add(service, docs)
    daemon = make_daemon(sim, sources=[source(service, start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", {"source": ["aws." + service]}, "hook")])
    pages = COUNT // (100 if service == "securityhub" else 50)
    for page in range(1, pages + 1):
        since = sim.counters().get("requests." + op, 0)
        daemon.start()
        sim.wait("requests.%s>=%d" % (op, since + page))
        daemon.kill()
    daemon.start()
    expected = ledger.wanted(docs, lambda d: True, identity)
    hook.wait(lambda got: len({a.identity for a in ledger.from_hook(got)}) >= COUNT, timeout=60)
    daemon.wait_log("poll.done", since=daemon.mark())
    assert daemon.stop() == 0
    row = ledger.close(expected, ledger.from_hook(hook.received))
    assert ledger.is_clean(row), row
    assert row["repeated"] <= 8 * pages
