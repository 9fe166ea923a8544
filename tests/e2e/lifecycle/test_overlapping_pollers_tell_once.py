"""R22: pollers whose scopes overlap read the same finding and tell it once: the administrator's account and the member's, the home
region of an aggregation and the region itself, two sources of the same place."""
import threading
import time

from lib import findings, ledger
from lib.daemon import rule, source, webhook
from lib.story import ALL, HUB, OWN

HOME, WEST = "us-east-1", "us-west-2"
MEMBER = "444455556666"
ROLE = "arn:aws:iam::%s:role/findingsd" % MEMBER
COUNT = 60


def docs(service, now, **how):
    if service == OWN:
        return [findings.guardduty(seed="both/%d" % i, severity=8, region=WEST, updated=now, **how) for i in range(COUNT)]
    return [findings.custom(seed="both/%d" % i, label="HIGH", region=WEST, updated=now, created=now, **how) for i in range(COUNT)]


def identities(hook, change):
    return sorted(a.identity for a in ledger.from_hook(hook.received) if a.change == change)


def expect_each_once(hook, change):
    hook.wait(lambda got: len(identities(hook, change)) >= COUNT, timeout=60)
    told = identities(hook, change)
    assert len(told) == len(set(told)) == COUNT


def test_the_home_region_of_an_aggregation_and_the_region_itself(sim, hook, make_daemon):
    sim.service(hub=True)
    sim.service(hub=True, region=WEST)
    daemon = make_daemon(sim, aws={"regions": [HOME, WEST], "endpoint_url": sim.url},
                         sources=[source(HUB, start="-24h"), source(HUB, "again", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    created = docs(HUB, time.time())
    both = [threading.Thread(target=sim.add, args=(HUB, created), kwargs={"region": r}) for r in (HOME, WEST)]
    for t in both:
        t.start()
    for t in both:
        t.join()
    expect_each_once(hook, "created")
    done = [dict(d, UpdatedAt=findings.instant(time.time()), Workflow={"Status": "RESOLVED"}) for d in created]
    sim.add(HUB, done, region=WEST)
    expect_each_once(hook, "resolved")
    sim.add(HUB, done, region=HOME)  # the copy in the home region comes later, with what is known
    at = daemon.mark()
    for name in ("hub", "again"):
        daemon.wait_log("poll.done", source=name, region=HOME, since=at, count=2)
    assert len(hook.received) == 2 * COUNT


def test_a_home_region_that_lags_behind_reopens_nothing(sim, hook, make_daemon):
    """BatchUpdateFindings moves no UpdatedAt, and the copy in the home region follows only after a while: both are read again and again."""
    sim.service(hub=True)
    sim.service(hub=True, region=WEST)
    daemon = make_daemon(sim, aws={"regions": [HOME, WEST], "endpoint_url": sim.url},
                         sources=[source(HUB, start="-24h")], sinks=[webhook("hook", hook.url)], rules=[rule("all", ALL, "hook")])
    daemon.start()
    created = docs(HUB, time.time())
    sim.add(HUB, created, region=WEST)
    sim.add(HUB, created, region=HOME)
    expect_each_once(hook, "created")
    done = [dict(d, Workflow={"Status": "RESOLVED"}) for d in created]
    sim.add(HUB, done, region=WEST)
    expect_each_once(hook, "resolved")
    at = daemon.mark()
    for region in (HOME, WEST):
        daemon.wait_log("poll.done", source="hub", region=region, since=at, count=4)
    sim.add(HUB, done, region=HOME)
    at = daemon.mark()
    for region in (HOME, WEST):
        daemon.wait_log("poll.done", source="hub", region=region, since=at, count=2)
    assert len(hook.received) == 2 * COUNT


def test_the_administrators_account_and_the_members(make_sim, hook, make_daemon):
    sim = make_sim()
    sim.state({"roles": [{"arn": ROLE, "external_id": "ext-1"}]})
    accounts = [{"name": "member", "role_arn": ROLE, "external_id": "ext-1"}]
    daemon = make_daemon(sim, aws={"regions": [WEST], "endpoint_url": sim.url, "accounts": accounts},
                         sources=[source(HUB, start="-24h")], sinks=[webhook("hook", hook.url)], rules=[rule("all", ALL, "hook")])
    sim.service(hub=True, region=WEST)
    sim.service(hub=True, region=WEST, account=MEMBER)
    created = docs(HUB, time.time() - 60, account=MEMBER)
    sim.add(HUB, created, region=WEST, account=MEMBER)
    assert daemon.once().line["delivered"] == COUNT
    # the same through the administrator: no role, own account
    daemon.write(aws={"regions": [WEST], "endpoint_url": sim.url})
    sim.add(HUB, created, region=WEST)
    done = daemon.once()
    assert done.line["findings"] >= COUNT and done.line["new"] == 0 and done.line["delivered"] == 0, done.stderr
    told = identities(hook, "created")
    assert len(told) == len(set(told)) == COUNT


def test_guardduty_directly_and_through_security_hub_in_two_regions(sim, hook, make_daemon):
    sim.service(hub=True)
    sim.service(hub=True, guardduty=True, region=WEST)
    daemon = make_daemon(sim, aws={"regions": [HOME, WEST], "endpoint_url": sim.url},
                         sources=[source(HUB, start="-24h"), source(OWN, start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    own = docs(OWN, time.time())
    sim.add(OWN, own, region=WEST)
    twins = [findings.twin(d, updated=time.time()) for d in own]
    sim.add(HUB, twins, region=WEST)
    sim.add(HUB, twins, region=HOME)
    expect_each_once(hook, "created")
    at = daemon.mark()
    for name, region in (("hub", HOME), ("hub", WEST), ("guardduty", WEST)):
        daemon.wait_log("poll.done", source=name, region=region, since=at, count=2)
    assert len(hook.received) == COUNT
