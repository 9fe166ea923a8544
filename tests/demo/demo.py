#!/usr/bin/env python3
"""The main job, shown: findings of two regions arrive at a topic, a mailbox and a webhook, over a kill -9, each once.

Run by tools/demo. Starts the bundled AWS simulator, a mail server with STARTTLS and AUTH, a webhook receiver and the daemon with
tests/demo/findingsd.conf; prints each alert as it arrives; kills the daemon in the middle and starts it again; raises, resolves and
reopens some findings; ends with the ledger. Exit 0 only if nothing was lost, nothing came twice, and what repeated is no more than
what was in flight at the kill.
"""
import base64
import collections
import logging
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from lib import findings, ledger  # noqa: E402
from lib.certs import Certs  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.hook import Hook  # noqa: E402
from lib.sim import ACCOUNT, Sim  # noqa: E402
from lib.smtpd import Mailbox  # noqa: E402

REGIONS = ("us-east-1", "eu-west-1")
TOPIC = "arn:aws:sns:us-east-1:%s:oncall" % ACCOUNT
IN_FLIGHT = 8 * 3  # max_in_flight of the three sinks: all that one kill can make repeat
PATIENCE = 120.0
SHOWN = 4  # lines printed of what arrives in one burst at one place
STARTED = time.monotonic()


def say(words, *args):
    """A line of the story, with its time."""
    print(("  %6.2f s  " + words) % (time.monotonic() - STARTED, *args), flush=True)


def label(doc):
    """One severity label for both products."""
    return doc["Severity"]["Label"] if "Severity" in doc else findings.label_of(doc["severity"])


def is_guardduty(doc):
    return "severity" in doc or doc["ProductName"] == "GuardDuty"


def identity(doc):
    return doc["arn"] if "arn" in doc else doc["Id"]


# What tests/demo/findingsd.conf asks for, said again in Python: (rule, sinks, predicate).
RULES = (
    ("hub-high-medium", ("oncall-topic", "oncall-mail"), lambda d: "Severity" in d and label(d) in ("HIGH", "MEDIUM")),
    ("hub-guardduty", ("hook",), lambda d: "Severity" in d and is_guardduty(d)),
    ("guardduty-7up", ("hook",), lambda d: "severity" in d and d["severity"] >= 7),
    ("critical", ("oncall-mail", "hook"), lambda d: label(d) == "CRITICAL"),
)
SINKS = ("oncall-topic", "oncall-mail", "hook")


def sinks_of(doc):
    return {sink for _, sinks, wants in RULES if wants(doc) for sink in sinks}


class World:
    """The servers, what they were given, and what ought to arrive."""

    def __init__(self, work):
        self.certs = Certs(work)
        shutil.copy(self.certs.ca[0] if isinstance(self.certs.ca, tuple) else self.certs.ca, os.path.join(work, "ca.pem"))
        secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        self.sim = Sim(work).start()
        self.sim.topic(TOPIC)
        self.mail = Mailbox(starttls=Certs.context(self.certs.good), users={"findingsd": "correct horse"}).start()
        self.hook = Hook(secret=secret).start()
        self.expected = {sink: collections.Counter() for sink in SINKS}
        self.served = set()
        self.matched = set()
        self.shown = collections.Counter()
        self.daemon = Daemon(work, self.sim)
        self.daemon.file("smtp.secret", "correct horse\n")
        self.daemon.file("hook.secret", secret + "\n")
        for name in ("securityhub-high-medium.json", "securityhub-guardduty.json"):
            with open(os.path.join(HERE, "..", "..", "etc", "patterns", name), "rb") as file:
                self.daemon.file("patterns/" + name, file.read())
        with open(os.path.join(HERE, "findingsd.conf"), encoding="utf-8") as file:
            text = file.read()
        for name, value in (("DIR", work), ("SOCKET", self.daemon.socket), ("AWS", self.sim.url), ("SMTP", self.mail.url),
                            ("HOOK", self.hook.url)):
            text = text.replace("@%s@" % name, value)
        self.daemon.write_raw(text)

    def add(self, service, docs, region, change="created"):
        """Put findings into the simulator, and note who should hear of which change."""
        self.sim.add(service, docs, region=region)
        for doc in docs:
            self.served.add(identity(doc))
            for sink in sinks_of(doc):
                self.matched.add(identity(doc))
                self.expected[sink][(identity(doc), change)] = 1

    def arrivals(self):
        return {"oncall-topic": ledger.from_sns(self.sim.published()), "oncall-mail": ledger.from_mail(self.mail.received),
                "hook": ledger.from_hook(self.hook.received)}

    def show(self):
        """Print what arrived since the last time, of a burst the first few; returns how much has arrived in all."""
        rows = [(m["attributes"]["change"]["value"], m.get("subject") or "") for m in self.sim.published()]
        mails = [(m.message["X-Findingsd-Change"], m.text().strip().split("\n")[0]) for m in list(self.mail.received)]
        hooks = [(d.json["data"]["change"], "[%s] %s" % (d.json["data"]["severity"], d.json["data"]["title"]))
                 for d in list(self.hook.received)]
        for kind, all_of in (("topic", rows), ("mail", mails), ("hook", hooks)):
            fresh = all_of[self.shown[kind]:]
            for change, words in fresh[:SHOWN]:
                say("%-6s %-16s %s", kind, change, words[:100])
            if len(fresh) > SHOWN:
                say("%-6s ... and %d more", kind, len(fresh) - SHOWN)
            self.shown[kind] = len(all_of)
        return sum(self.shown.values())

    def missing(self):
        """How many expected (identity, change) have not arrived yet."""
        return sum(len(set(self.expected[s]) - {(a.identity, a.change) for a in got}) for s, got in self.arrivals().items())

    def until(self, done, what):
        """Show alerts until done(); the demo's only patience."""
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                print("gave up waiting: %s; the daemon's last words:\n%s" % (what, "\n".join(self.daemon.lines[-15:])))
                return False
            self.show()
            time.sleep(0.05)
        self.show()
        return True

    def close(self):
        self.daemon.close()
        for server in (self.hook, self.mail, self.sim):
            server.stop()


def seed(world, now):
    """Findings of the last day in both regions: GuardDuty's own, their copies in the hub, controls, a customer's product."""
    for n, region in enumerate(REGIONS):
        own = [findings.guardduty(seed="demo/%d/%d" % (n, i), region=region, updated=now - 7200 + 90 * i) for i in range(24)]
        copies = [findings.twin(doc) for doc in own[::2]]
        controls = [findings.control(seed="demo/c%d/%d" % (n, i), region=region, updated=now - 7000 + 60 * i) for i in range(40)]
        customs = [findings.custom(seed="demo/u%d/%d" % (n, i), region=region, updated=now - 6900 + 80 * i) for i in range(24)]
        world.add("guardduty", own, region)
        world.add("securityhub", copies + controls + customs, region)


def changes(world, now):
    """Then life goes on: two are resolved, one of them comes back, one gets worse, one is new."""
    make = lambda **how: findings.custom(seed="demo/life/%s" % how["id"], region="us-east-1", **how)  # noqa: E731
    one, two = "records-scanner/demo-one", "records-scanner/demo-two"
    first = now - 600
    steps = (
        ("created", (one, two), dict(label="MEDIUM", updated=now)),
        ("severity_raised", (one,), dict(label="HIGH", updated=now + 1)),
        ("resolved", (one, two), dict(label="HIGH", workflow="RESOLVED", updated=now + 2)),
        ("reopened", (two,), dict(label="HIGH", updated=now + 3)),
    )
    for change, ids, how in steps:
        how = dict(how, updated=min(how["updated"], time.time() - 0.001), created=first)
        if change == "resolved":  # each with the severity that it had
            docs = [make(id=one, **how), make(id=two, **dict(how, label="MEDIUM"))]
        else:
            docs = [make(id=id_, **how) for id_ in ids]
        world.add("securityhub", docs, "us-east-1", change)
        if not world.until(lambda: world.missing() == 0, "every %s to arrive" % change):
            return False
    return True


def finish(world):
    """The ledger. Returns whether the promise was kept."""
    rows = {}
    for sink, got in world.arrivals().items():
        rows[sink] = ledger.close(world.expected[sink], got)
    unsigned = [d for d in world.hook.received if not d.signed]
    repeated = sum(row["repeated"] for row in rows.values())
    good = all(ledger.is_clean(row) for row in rows.values()) and repeated <= IN_FLIGHT and not unsigned
    print("\nfindings served %d, matched %d, alerts delivered %d" % (
        len(world.served), len(world.matched), sum(row["delivered"] for row in rows.values())))
    print(ledger.table(rows))
    print("lost %d, twice %d, repeated under the same key %d (in flight at the kill: at most %d), bad signatures %d" % (
        sum(r["lost"] for r in rows.values()), sum(r["twice"] for r in rows.values()), repeated, IN_FLIGHT, len(unsigned)))
    for sink, row in rows.items():
        for word in ("lost_items", "twice_items", "unexpected_items"):
            for item in row[word][:5]:
                print("  %s: %s %s" % (sink, word[:-6], item))
    return good


def run(work):
    world = World(work)
    try:
        now = time.time()
        seed(world, now)
        wanted = sum(sum(c.values()) for c in world.expected.values())
        print("The AWS simulator holds %d findings of GuardDuty and Security Hub in %s." % (len(world.served), " and ".join(REGIONS)))
        print("By the rules of %s they make %d alerts: %s." % (
            os.path.relpath(os.path.join(HERE, "findingsd.conf")), wanted,
            ", ".join("%d to %s" % (sum(world.expected[sink].values()), sink) for sink in SINKS)))
        print("\n1. findingsd polls, matches and delivers")
        world.daemon.start()
        say("findingsd is ready, pid %d", world.daemon.process.pid)
        end = time.monotonic() + PATIENCE
        while len(world.mail.received) + len(world.hook.received) < wanted // 5 and time.monotonic() < end:
            time.sleep(0.001)
        world.daemon.kill()
        arrived = world.show()
        print("\n2. It is killed with SIGKILL after %d of %d alerts, and started again" % (arrived, wanted))
        world.daemon.start()
        say("findingsd is ready, pid %d", world.daemon.process.pid)
        if not world.until(lambda: world.missing() == 0, "the rest of the alerts"):
            finish(world)
            return False
        print("\n3. Findings change: two new ones, one gets worse, both are resolved, one comes back")
        if not changes(world, time.time()):
            finish(world)
            return False
        # A last poll of everything and an empty queue: what could still come twice would come now.
        print("\n4. Every source is read once more: nothing may come again")
        mark = world.daemon.mark()
        for name in ("guardduty", "hub"):
            world.daemon.wait_log("poll.done", count=4, since=mark, timeout=60, source=name)
        world.show()
        status = world.daemon.stop()
        if status != 0:
            print("findingsd ended with %s on SIGTERM; its last words:\n%s" % (status, "\n".join(world.daemon.lines[-15:])))
        return finish(world) and status == 0
    finally:
        world.close()


STARTED = time.monotonic()
logging.disable(logging.WARNING)  # the mail server's library warns of what the demo means to do


def main():
    work = tempfile.mkdtemp(prefix="findingsd-demo-")
    try:
        good = run(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("demo: %s" % ("nothing lost, nothing twice" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
