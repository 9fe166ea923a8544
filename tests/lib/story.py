"""A finding's life as a story: one daemon, one webhook; each step changes the simulator and waits until the daemon has read it."""
import time

from lib import findings, ledger

HUB, OWN = "securityhub", "guardduty"
ALL = {"source": ["aws.guardduty", "aws.securityhub"]}


def asff(label="HIGH", workflow="NEW", id="records-scanner/life", updated=None, created=None, **how):  # noqa: A002
    now = time.time()
    return findings.custom(seed="life", id=id, label=label, workflow=workflow, updated=now if updated is None else updated,
                           created=now if created is None else created, **how)


class Story:
    """One daemon, one webhook; told() is the list of (identity's last word, change) so far, markers left out."""

    def __init__(self, sim, hook, daemon):
        self.sim, self.hook, self.daemon, self.marks = sim, hook, daemon, 0

    def marker(self, service=HUB):
        """Send a marker finding through and wait for it: all that was served before it has been decided by then."""
        self.marks += 1
        if service == HUB:
            self.sim.add(HUB, asff(id="marker/%d" % self.marks, updated=time.time(), created=time.time(), label="CRITICAL"))
        else:
            self.sim.add(OWN, findings.guardduty(seed="marker/%d" % self.marks, severity=9.5, updated=time.time(),
                                                 id="%032x" % self.marks))
        self.hook.wait(lambda got: sum("marker/" in a.identity or a.identity.split("/")[-1].startswith("0" * 20)
                                       for a in ledger.from_hook(got)) >= self.marks, timeout=30)
        # what was queued with the marker may come right behind it
        while any(row["queued"] or row["in_flight"] for row in self.daemon.ctl_json("queue")):
            time.sleep(0.02)

    def told(self):
        return [(a.identity.split("/")[-1], a.change) for a in ledger.from_hook(self.hook.received)
                if "marker/" not in a.identity and not a.identity.split("/")[-1].startswith("0" * 20)]

    def changes(self):
        return [change for _, change in self.told()]
