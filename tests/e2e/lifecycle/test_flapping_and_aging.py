"""A finding that opens and closes again and again does not page each time, and is not silent either; one that AWS no longer has
ends as aged out, and not before it is certain."""
import time

from lib import findings, ledger
from lib.daemon import rule, source, webhook
from lib.story import ALL, HUB, asff


def test_a_flapping_finding_is_told_once_then_held_until_it_is_calm(story):
    s = story(flap="1/15s", reconcile="1s")
    for status in ("NEW", "RESOLVED", "NEW", "RESOLVED", "NEW", "RESOLVED", "NEW", "RESOLVED"):
        s.sim.add(HUB, asff(workflow=status))
        s.marker()
    life = [d.json["data"] for d in s.hook.received if "records-scanner/life" in d.json["data"]["finding"]]
    assert [d["change"] for d in life] == ["created", "resolved", "reopened", "resolved", "reopened"]
    assert life[4]["flapping"]["reopened"] == 2 and life[4]["headline"] == "Flapping"
    # it stands still, closed: that is told, in the thread that said that it flaps
    s.hook.wait(lambda got: s.changes()[5:] == ["resolved"], timeout=60)
    calm = [d.json["data"] for d in s.hook.received if "records-scanner/life" in d.json["data"]["finding"]][5]
    assert calm["calm"] == {"after_ms": 15000} and calm["thread"] == life[4]["thread"]


def test_a_finding_that_aws_no_longer_has_is_resolved_as_aged_out(sim, hook, make_daemon):
    """90 days without update, and three answers over an hour without it: by AWS's clock, which stands an hour behind ours at
    first. (One that ran ahead of ours alone would not be believed.)"""
    day = 86400
    sim.set(skew=-3700)
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source(HUB, start="open", reconcile="1s")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    old = asff("HIGH", updated=time.time() - 90 * day - 60, title="A key that was never used")
    young = asff("HIGH", id="records-scanner/young", updated=time.time() - 80 * day)
    sim.add(HUB, old)
    sim.add(HUB, young)
    daemon.start()
    hook.wait(lambda got: len(got) >= 2)
    assert sim.remove(HUB, [[d["ProductArn"], d["Id"]] for d in (old, young)])["removed"] == 2
    daemon.wait_log("reconcile.asked", since=daemon.mark(), count=3, timeout=120)
    assert [a.change for a in ledger.from_hook(hook.received)] == ["created", "created"]
    sim.set(skew=0)
    hook.wait(lambda got: len(got) >= 3, timeout=90)
    told = hook.received[2].json["data"]
    assert told["change"] == "resolved" and told["aged_out"] and told["headline"] == "Resolved (aged out)"
    assert told["title"] == "A key that was never used" and told["finding"] == old["Id"]
    assert told["thread"] in [d.json["data"]["thread"] for d in hook.received[:2]]
    asked = daemon.mark()
    daemon.wait_log("reconcile.asked", since=asked, timeout=60)
    assert len(hook.received) == 3
