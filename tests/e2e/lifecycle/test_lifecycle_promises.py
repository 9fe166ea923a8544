"""The lifecycle of a notice, promise by promise, through the real daemon: what is told, to whom, and what is not.

Each step changes the finding in the simulator and waits until the daemon has read it; what must not be told is checked after a later
alert (a marker finding) has come through the same sink, so that silence is never mistaken for slowness.
"""
import time

from lib import findings, ledger
from lib.daemon import rule, source, webhook
from lib.story import ALL, HUB, OWN, asff


def test_created_raised_resolved_reopened_share_their_thread(story):
    s = story()
    s.sim.add(HUB, asff("MEDIUM"))
    s.marker()
    s.sim.add(HUB, asff("HIGH"))
    s.marker()
    s.sim.add(HUB, asff("HIGH", workflow="RESOLVED"))
    s.marker()
    s.sim.add(HUB, asff("HIGH", workflow="NEW"))
    s.marker()
    assert s.changes() == ["created", "severity_raised", "resolved", "reopened"]
    life = [d for d in s.hook.received if "records-scanner/life" in d.headers["x-findingsd-finding"]]
    threads = [d.json["data"]["thread"] for d in life]
    assert len(set(threads[:3])) == 1 and threads[3] != threads[0]
    assert len({d.key for d in life}) == 4


def test_an_update_of_a_known_finding_is_silent(story):
    s = story()
    s.sim.add(HUB, asff("HIGH"))
    s.marker()
    for n in range(3):
        s.sim.add(HUB, asff("HIGH", title="Open share found, seen again (%d)" % n))
        s.marker()
    assert s.changes() == ["created"]


def test_a_rule_on_workflow_new_still_gets_its_resolved(story):
    s = story({"detail": {"findings": {"Workflow": {"Status": ["NEW"]}}}})
    s.sim.add(HUB, asff())
    s.marker()
    s.sim.add(HUB, asff(workflow="RESOLVED"))
    s.marker()
    assert s.changes() == ["created", "resolved"]


def test_high_raised_to_critical_reaches_a_rule_on_high_and_medium(story):
    s = story({"detail": {"findings": {"Severity": {"Label": ["HIGH", "MEDIUM"]}}, }}, on=["created", "severity_raised"])
    s.sim.add(HUB, asff("HIGH"))
    s.marker()
    s.sim.add(HUB, asff("CRITICAL"))
    s.hook.wait(lambda got: any(a.change == "severity_raised" for a in ledger.from_hook(got)))
    raised = [d for d in s.hook.received if d.headers["x-findingsd-change"] == "severity_raised"]
    assert "asked" in raised[0].json["data"]["rules"]


def test_rule_only_on_security_hub_while_guardduty_is_read_first(story):
    s = story({"source": ["aws.securityhub"]}, sources=(OWN, HUB))
    finding = findings.guardduty(seed="first", severity=8, updated=time.time())
    s.sim.add(OWN, finding)
    s.marker(OWN)
    assert s.changes() == []
    s.sim.add(HUB, findings.twin(finding, updated=time.time()))
    s.marker()
    assert s.changes() == ["created"]


def test_guardduty_and_its_copy_are_told_once(story):
    s = story(sources=(OWN, HUB))
    finding = findings.guardduty(seed="both", severity=8, updated=time.time())
    s.sim.add(OWN, finding)
    s.marker(OWN)
    s.sim.add(HUB, findings.twin(finding, updated=time.time()))
    s.marker()
    assert s.changes() == ["created"]


def test_another_created_at_in_the_second_view_is_no_second_finding(story):
    s = story(sources=(OWN, HUB))
    finding = findings.guardduty(seed="twice", severity=8, updated=time.time())
    s.sim.add(HUB, findings.twin(finding, updated=time.time(), created=time.time()))
    s.marker()
    s.sim.add(OWN, finding)
    s.marker(OWN)
    assert s.changes() == ["created"]


def test_resolved_in_security_hub_while_open_in_guardduty_does_not_loop(story):
    s = story(sources=(OWN, HUB))
    now = time.time()
    finding = findings.guardduty(seed="loop", severity=8, updated=now)
    s.sim.add(OWN, finding)
    s.marker(OWN)
    s.sim.add(HUB, findings.twin(finding, updated=time.time()))
    s.marker()
    s.sim.add(HUB, findings.twin(finding, updated=time.time(), workflow="RESOLVED"))
    s.marker()
    for _ in range(3):  # both views are read again by each overlap; neither may speak
        s.marker(OWN)
        s.marker()
    assert s.changes() == ["created", "resolved"]
    again = dict(finding, updatedAt=findings.instant(time.time()), service=dict(finding["service"], count=2))
    s.sim.add(OWN, again)
    s.marker(OWN)
    assert s.changes() == ["created", "resolved", "reopened"]


def test_a_status_change_without_updated_at_is_seen_by_the_overlap(story):
    """BatchUpdateFindings moves no UpdatedAt: equal instant, other content, read by a later request."""
    s = story()
    doc = asff()
    s.sim.add(HUB, doc)
    s.marker()
    s.sim.add(HUB, dict(doc, Workflow={"Status": "RESOLVED"}))  # UpdatedAt as it was
    s.hook.wait(lambda got: any(a.change == "resolved" for a in ledger.from_hook(got)))
    assert s.changes() == ["created", "resolved"]


def test_an_older_version_never_travels_back_in_time(story):
    s = story()
    now = time.time()
    s.sim.add(HUB, asff("HIGH", workflow="RESOLVED", updated=now - 20, created=now))
    s.sim.add(HUB, asff("HIGH", updated=now - 10, created=now))
    s.marker()
    assert s.changes() == ["created"]
    s.sim.add(HUB, asff("CRITICAL", updated=now - 30, created=now))
    s.marker()
    assert s.changes() == ["created"]


def test_an_old_finding_updated_after_start_now_is_remembered_silently(story):
    s = story(start="now")
    s.sim.add(HUB, asff("MEDIUM", created=time.time() - 86400 * 30))
    s.marker()
    assert s.changes() == []
    s.sim.add(HUB, asff("HIGH", created=time.time() - 86400 * 30))
    s.marker()
    assert s.changes() == ["severity_raised"]
    s.sim.add(HUB, asff("HIGH", workflow="RESOLVED", created=time.time() - 86400 * 30))
    s.marker()
    assert s.changes() == ["severity_raised", "resolved"]


def test_resolved_is_told_only_where_the_open_was(story):
    s = story({"detail": {"findings": {"Severity": {"Label": ["HIGH"]}}}})
    s.sim.add(HUB, asff("LOW"))
    s.marker()
    s.sim.add(HUB, asff("LOW", workflow="RESOLVED"))
    s.marker()
    assert s.changes() == []


def test_several_rules_make_one_notice_that_names_them_all(sim, hook, make_daemon):
    daemon = make_daemon(sim, sources=[source(HUB, start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("one", ALL, "hook"), rule("two", ALL, "hook"), rule("apart", ALL, "hook", merge=False)])
    sim.add(HUB, asff())
    done = daemon.once()
    assert done.line["queued"] == 2, done.stderr
    assert sorted(tuple(d.json["data"]["rules"]) for d in hook.received) == [("apart",), ("one", "two")]


def test_a_local_clock_one_hour_fast_at_first_start_loses_nothing(sim, hook, make_daemon):
    """Windows are cut by AWS's time: the simulator's clock stands one hour behind ours, so ours is fast by AWS's."""
    sim.set(skew=-3600)
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source(HUB, start="now")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    daemon.wait_log("poll.done", source="hub")
    aws_now = time.time() - 3600
    sim.add(HUB, asff(updated=aws_now + 0.2, created=aws_now + 0.2))
    hook.wait(lambda got: len(got) >= 1, timeout=40)
    assert [a.change for a in ledger.from_hook(hook.received)] == ["created"]
