"""A steady stream of findings, and receivers that count: what the runs that kill and cut power stand on.

    with Stream(tmp, rate=500, seconds=600) as stream:
        daemon = stream.daemon(tmp / "d")           # webhook and SNS get every finding, mail each tenth
        ... kill it, start it ...
        stream.freeze()
        daemon.start(); stream.await_all(daemon, 60)
        stream.row()                                # lost, repeated, twice
"""
import collections
import json
import os
import time
import urllib.request

from bed import program
from lib.daemon import Daemon, mailbox, rule, source, topic, webhook
from lib.process import Child
from lib.smtpd import Mailbox

TOPIC = "arn:aws:sns:us-east-1:111122223333:stream"
SNS = 8
IN_FLIGHT = 3 * 8       # max_in_flight of three sinks


class LeanMailbox(Mailbox):
    """Keeps no mails, only how often each key came for each finding."""

    def __init__(self, **how):
        super().__init__(**how)
        self.keys = collections.defaultdict(collections.Counter)
        self.came = 0

    def keep(self, item):
        message = item.message
        with self.changed:
            self.came += 1
            self.keys[message["X-Findingsd-Finding"]][item.key] += 1

    @property
    def repeated(self):
        with self.changed:
            return self.came - len(self.keys)

    @property
    def twice(self):
        with self.changed:
            return sum(len(keys) > 1 for keys in self.keys.values())


class Stream:
    def __init__(self, tmp, rate, seconds):
        self.tmp, self.rate = str(tmp), rate
        self.findings = rate * seconds
        port_file = os.path.join(self.tmp, "stream.port")
        clocks = (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)
        self.child = Child([program("daypeer"), port_file, str(self.findings), "1", "0", "1", "-1"],
                           env={**os.environ, "DAYPEER_RATE": str(rate), "FASTCLOCK": " ".join(["1", *(str(time.clock_gettime_ns(c)) for c in clocks)])})
        self.url = "http://127.0.0.1:%d" % int(self.child.await_file(port_file))
        self.mail = LeanMailbox().start()
        self.total = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()
        self.mail.stop()

    def daemon(self, directory, **top):
        return Daemon(
            directory, env={"AWS_ACCESS_KEY_ID": "AKIDTESTTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "test/secret+key/of/the/simulator/only000"},
            aws={"endpoint_url": self.url}, sources=[source("securityhub", start="-1h", rate="1000/s")],
            sinks=[webhook("hook", self.url + "/hook/0"), topic("topic", TOPIC),
                   mailbox("mail", self.mail.url.replace("localhost", "127.0.0.1"), tls="none", flood="off", backlog="each")],
            rules=[rule("all", {"source": ["aws.securityhub"]}, "hook", "topic"),
                   rule("high", {"findingsd": {"severity": ["HIGH", "CRITICAL"]}}, "mail")], **top)

    def stats(self):
        """seen, calls, repeated (of all sinks), and the receivers' counts."""
        with urllib.request.urlopen(self.url + "/stats", timeout=120) as answer:
            got = json.loads(answer.read())
        hook, sns = got["sinks"][0], got["sinks"][SNS]
        got.update(hook=hook, sns=sns, repeated=hook["repeated"] + sns["repeated"] + self.mail.repeated,
                   twice=hook["twice"] + sns["twice"] + self.mail.twice)
        return got

    def settled(self):
        """The counts when all that a dead daemon had sent is read: its connections are gone."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            got = self.stats()
            if got["connections"] <= 1 and not self.mail.transports:
                return got
            time.sleep(0.005)
        raise AssertionError("connections of a dead daemon stay open: %s" % got)

    def caught_up(self, seconds=10.0):
        """Wait until less than half a second's findings are on their way."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            got = self.stats()
            if got["seen"] - min(got["hook"]["came"], got["sns"]["came"]) <= self.rate // 2 + 1:
                return
            time.sleep(0.02)

    def freeze(self):
        """No more findings from now on."""
        urllib.request.urlopen(urllib.request.Request(self.url + "/freeze", method="PUT"), timeout=60).close()
        self.total = self.stats()["seen"]

    def lost(self, got):
        mailed = (self.total + 9) // 10
        return max(0, self.total - got["hook"]["came"]) + max(0, self.total - got["sns"]["came"]) + max(0, mailed - len(self.mail.keys))

    def await_all(self, daemon, seconds):
        """Until all that is there has come, as long as it goes forward within so many seconds."""
        left, until = None, time.monotonic() + seconds
        while time.monotonic() < until and daemon.process.poll() is None:
            now = self.lost(self.stats())
            if now == 0:
                return True
            if left is None or now < left:
                left, until = now, time.monotonic() + seconds
            time.sleep(0.2)
        return False
