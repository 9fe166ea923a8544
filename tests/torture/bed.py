"""The bed of the sweeps: one simulator, one webhook receiver and one mail server that outlive the runs; a daemon of its own for each.

    bed = Bed(tmp_path, certs)
    one = bed.run("r17")                    # its own state, webhook path, topic and recipient: nothing of another run counts
    one.daemon.start(env={...}); one.wait(3.0); one.daemon.stop()
    one.settle()                            # a clean daemon on what the first one left: all must arrive
    row = one.close()                       # lost, twice, repeated, unexpected, summed over the sinks
"""
import collections
import os
import shutil
import subprocess
import time

from lib import findings, ledger, paths
from lib.daemon import Daemon, TimeUp, mailbox, rule, source, topic, webhook
from lib.hook import Hook
from lib.sim import Sim
from lib.smtpd import Mailbox

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
HERE = os.path.dirname(os.path.abspath(__file__))


def _build(name, suffix, *flags):
    made = os.path.join(paths.build_dir(), "tests", "torture", name + suffix)
    written = os.path.join(HERE, name + ".c")
    if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(written):
        os.makedirs(os.path.dirname(made), exist_ok=True)
        subprocess.run([os.environ.get("CC", "cc"), "-g", "-Wall", "-Wextra", *flags, "-o", "%s.%d" % (made, os.getpid()), written,
                        "-ldl", "-lpthread"], check=True)
        os.rename("%s.%d" % (made, os.getpid()), made)
    return made


def preload(name):
    """Build NAME.c of this folder as a library to preload; its path."""
    return _build(name, ".so", "-O1", "-fPIC", "-shared")


def program(name):
    """Build NAME.c of this folder as a program; its path."""
    return _build(name, "", "-O2")


def identity(doc):
    return doc.get("arn") or doc["Id"]


class Bed:
    """own, hub: how many findings of each product every run is to tell, through each of three sinks."""

    def __init__(self, tmp, certs=None, own=2, hub=2):
        self.tmp, self.certs = str(tmp), certs
        folder = os.path.join(self.tmp, "sim")
        os.makedirs(folder)
        self.sim = Sim(folder).start()
        self.hook = Hook(secret=SECRET, context=certs.context(certs.good) if certs else None).start()
        self.mail = Mailbox().start()
        now = time.time()
        self.docs = [findings.guardduty(seed="bed/%d" % i, updated=now - 3600 + i) for i in range(own)]
        self.docs += [findings.custom(seed="bed/%d" % i, updated=now - 3600 + i) for i in range(hub)]
        if own:
            self.sim.add("guardduty", self.docs[:own])
        if hub:
            self.sim.add("securityhub", self.docs[own:])

    def run(self, name, **top):
        return Run(self, name, top)

    def refuse(self, prefix):
        """Webhooks to paths that begin so are refused for good (400)."""
        plan = self.hook.answer(400)
        plan.wants = lambda request: request.path.startswith(prefix)

    def close(self):
        for one in (self.sim, self.hook, self.mail):
            one.stop()


class Run:
    """daemon: not yet started. Everything is told to sinks that are this run's alone."""

    def __init__(self, bed, name, top):
        self.bed, self.name = bed, name
        self.path = "/hook/" + name
        self.arn = "arn:aws:sns:us-east-1:111122223333:" + name
        self.rcpt = name + "@example.com"
        self.folder = os.path.join(bed.tmp, name)
        bed.sim.topic(self.arn)
        url = bed.hook.url.rpartition("/")[0] + self.path
        trust = {"ca_file": bed.certs.ca} if bed.certs else {}
        self.daemon = Daemon(
            self.folder, bed.sim, sources=[source("guardduty", start="-24h"), source("securityhub", start="-24h")],
            sinks=[webhook("hook", url, secret=SECRET, **trust), topic("topic", self.arn),
                   mailbox("mail", bed.mail.url, to=[self.rcpt], tls="none", flood="off", backlog="each")],
            rules=[rule("all", {"source": [{"prefix": "aws."}]}, "hook", "topic", "mail")], **top)
        self.expected = ledger.wanted(bed.docs, lambda d: True, identity)

    def arrivals(self):
        """What came, by sink."""
        bed = self.bed
        with bed.hook.changed:
            hooked = [d for d in bed.hook.received if d.path == self.path]
        with bed.mail.changed:
            mailed = [m for m in bed.mail.received if self.rcpt in m.rcpt_tos]
        return {"hook": ledger.from_hook(hooked), "mail": ledger.from_mail(mailed),
                "topic": ledger.from_sns(bed.sim.published(topic=self.arn))}

    def missing(self):
        """How many notices have not arrived; the cheap ones are asked first."""
        wanted = set(self.expected)
        bed = self.bed
        with bed.hook.changed:
            hooked = {d.key for d in bed.hook.received if d.path == self.path and 200 <= d.status < 300}
        with bed.mail.changed:
            mailed = sum(self.rcpt in m.rcpt_tos for m in bed.mail.received)
        if len(hooked) < len(wanted) or mailed < len(wanted):
            return 1
        return sum(len(wanted - {(a.identity, a.change) for a in got}) for got in self.arrivals().values())

    def wait(self, seconds):
        """Until all has arrived or the daemon has ended; whether it has arrived."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.missing() == 0:
                return True
            if self.daemon.process.poll() is not None:
                return self.missing() == 0
            time.sleep(0.004)
        return False

    def stop(self):
        """Stop it, if it still runs; its exit status, negative for a signal."""
        try:
            return self.daemon.stop()
        except TimeUp:
            return None

    def settle(self, seconds=60.0):
        """A daemon without faults on what is there, until all has arrived and it has read once more; its exit status."""
        since = self.daemon.mark()
        self.daemon.start(wait=False)
        self.wait(seconds)
        try:
            self.daemon.wait_log("poll.done", since=since, timeout=30)
        except TimeUp:
            pass
        return self.stop()

    def times_told(self):
        """(sink, message key) -> how often it came."""
        return collections.Counter((name, a.key) for name, got in self.arrivals().items() for a in got)

    def close(self):
        """The sum of the sinks' rows."""
        rows = {name: ledger.close(self.expected, got) for name, got in self.arrivals().items()}
        total = {column: sum(row[column] for row in rows.values()) for column in ledger.SINK_COLUMNS}
        total["bad"] = {n: {k: v for k, v in r.items() if k.endswith("_items") and v} for n, r in rows.items() if not ledger.is_clean(r)}
        return total

    def end(self, keep=False):
        """Close what is open; forget what came; the state goes unless it is to be looked at."""
        bed = self.bed
        self.daemon.close()
        with bed.hook.changed:
            bed.hook.received[:] = [d for d in bed.hook.received if d.path != self.path]
        with bed.mail.changed:
            bed.mail.received[:] = [m for m in bed.mail.received if self.rcpt not in m.rcpt_tos]
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
