"""collapse_by: findings that are equal where the rule says are one alert, whatever happens between them: kill, restart, reload."""
import time

from lib import findings, ledger
from lib.daemon import mailbox, rule, source, webhook
from lib.story import ALL, HUB

EAST, WEST, EU = "us-east-1", "us-west-2", "eu-west-1"
PATHS = ["detail.findings.Title", "detail.findings.AwsAccountId"]


def shared(region, label="MEDIUM", workflow="NEW", id=None):  # noqa: A002
    return findings.custom(seed="shared", id=id or "shared/" + region, region=region, label=label, workflow=workflow, title="The same key",
                           updated=time.time(), created=time.time())


class Several:
    """Three regions polled by one daemon; changes() is what was told of the alert, markers left out."""

    def __init__(self, sim, hook, make_daemon, **how):
        self.sim, self.hook, self.marks = sim, hook, 0
        for region in (EAST, WEST, EU):
            sim.service(hub=True, region=region)
        self.daemon = make_daemon(sim, aws={"regions": [EAST, WEST, EU], "endpoint_url": sim.url},
                                  sources=[source(HUB, start="now", reconcile="5m")], sinks=[webhook("hook", hook.url)],
                                  rules=self.rules(PATHS), **how)
        self.daemon.start()
        for region in (EAST, WEST, EU):
            self.daemon.wait_log("poll.done", source="hub", region=region)

    @staticmethod
    def rules(paths):
        mark = {"detail": {"findings": {"Title": ["marker"]}}}
        return [rule("together", {"detail": {"findings": {"Title": ["The same key"]}}}, "hook", collapse_by=paths),
                rule("markers", mark, "hook")]

    def add(self, region, *args, **how):
        """Add, and wait until all that the region served has been decided: a marker behind it has come through."""
        self.sim.add(HUB, shared(region, *args, **how), region=region)
        self.marks += 1
        self.sim.add(HUB, findings.custom(seed="m", id="marker/%d" % self.marks, region=region, title="marker", label="HIGH",
                                          updated=time.time(), created=time.time()), region=region)
        self.hook.wait(lambda got: any(a.identity.endswith("marker/%d" % self.marks) for a in ledger.from_hook(got)), timeout=40)
        while any(row["queued"] or row["in_flight"] for row in self.daemon.ctl_json("queue")):
            time.sleep(0.02)

    def alerts(self):
        return [d.json["data"] for d in self.hook.received if "together" in d.json["data"]["rules"]]

    def changes(self):
        return [d["change"] for d in self.alerts()]


def test_one_alert_for_three_regions_also_after_kill_9_and_a_changed_collapse_by(sim, hook, make_daemon):
    s = Several(sim, hook, make_daemon)
    s.add(EAST)
    s.add(WEST)
    assert s.changes() == ["created"] and s.alerts()[0]["also"] is None
    # the second has no notice of its own: what is on record is the alert that it is in
    record = s.daemon.ctl_json("history", "shared/" + WEST)
    assert [(r["finding"], r["change"], r["note"]) for r in record] == [("shared/" + EAST, "created", None)]
    s.daemon.kill()
    s.daemon.start()
    s.add(EU)
    assert s.changes() == ["created"]
    s.daemon.write(rules=s.rules(["detail.findings.Region"]))
    s.daemon.reload()
    s.daemon.wait_log("reload.done")
    s.add(EU, "HIGH")
    assert s.changes() == ["created", "severity_raised"]
    raised = s.alerts()[1]
    assert raised["also"] == {"open": 3, "open_is_more": False, "more": 2, "in": [WEST, EU]}
    assert s.daemon.ctl_json("history", "shared/" + EU)[-1]["note"]["also"]["open"] == 3
    s.add(EAST, workflow="RESOLVED")
    s.add(EU, workflow="RESOLVED")
    assert s.changes() == ["created", "severity_raised"]
    s.add(WEST, workflow="RESOLVED")
    assert s.changes() == ["created", "severity_raised", "resolved"]
    assert len({d["thread"] for d in s.alerts()}) == 1
    assert len({d["id"] for d in s.alerts()}) == 3
    # by the new paths each region is an alert of its own
    s.add(WEST, "HIGH")
    s.add(EU, "HIGH")
    assert s.changes() == ["created", "severity_raised", "resolved", "created", "created"]


def test_the_mail_says_where_else_and_stays_in_its_thread(sim, mail, hook, make_daemon):
    daemon = make_daemon(sim, aws={"regions": [EAST, WEST], "endpoint_url": sim.url}, sources=[source(HUB, start="-24h")],
                         sinks=[mailbox("mail", mail.url, tls="none")],
                         rules=[rule("together", ALL, "mail", collapse_by=PATHS)])
    sim.service(hub=True, region=WEST)
    sim.add(HUB, shared(EAST))
    assert daemon.once().line["delivered"] == 1
    sim.add(HUB, shared(WEST), region=WEST)
    assert daemon.once().line["delivered"] == 0
    sim.add(HUB, shared(EAST, "HIGH"))
    assert daemon.once().line["delivered"] == 1
    first, second = mail.received
    assert "Also in" not in first.text()
    assert "Also in:      us-west-2 (2 findings are open in this alert)" in second.text()
    assert first.message["References"] == second.message["References"]


def test_a_finding_without_the_paths_is_told_for_itself(sim, hook, make_daemon):
    daemon = make_daemon(sim, sources=[source(HUB, start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("controls", ALL, "hook", collapse_by=["detail.findings.Compliance.SecurityControlId"])])
    for i in range(3):
        sim.add(HUB, findings.custom(seed=i, updated=time.time() - 60))
    for i in range(3):
        sim.add(HUB, findings.control(seed="c", id="control/%d" % i, updated=time.time() - 60))
    done = daemon.once()
    assert done.line["delivered"] == 4, done.stderr
