"""A reload under way: what is in flight is not sent by two at once, and what a removed sink was to be told is not forgotten."""
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def test_a_sink_removed_and_returned_while_sending_sends_once(sim, make_daemon, make_hook):
    slow, other = make_hook(), make_hook()
    sim.service(hub=True)
    sim.add("securityhub", findings.custom(seed="flying", updated=time.time() - 60))
    plan = slow.answer(fault="slow", seconds=6, count=1)
    sinks = [webhook("hook", slow.url), webhook("other", other.url)]
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=sinks,
                         rules=[rule("all", ALL, "hook", "other")])
    daemon.start()
    slow.wait(lambda got: len(got) == 1)
    for kept in (sinks[1:], sinks):
        daemon.write(sinks=kept, rules=[rule("all", ALL, *[s["name"] for s in kept])])
        assert daemon.ctl("reload").returncode == 0
    assert plan.fired == 1
    sim.add("securityhub", findings.custom(seed="after", updated=time.time(), created=time.time()))
    slow.wait(lambda got: len({d.key for d in got}) == 2)
    daemon.wait_log("courier.delivered", sink="hook", count=2)
    assert len(slow.received) == 2, "what was in flight at the reload was sent again: %s" % [d.key for d in slow.received]
    assert daemon.stop() == 0
