"""R17: SIGTERM under load: out within two seconds, nothing lost, nothing twice; a second daemon on one store is refused."""
import os
import random
import subprocess
import time

import pytest

from lib import findings, ledger, verdict
from lib.daemon import mailbox, rule, source, topic, webhook

TORTURE = "R17"
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
ALL = {"source": ["aws.securityhub"]}
STOPS = 200 if verdict.is_long() else 12
EXIT_S = 2.0


def test_sigterm_under_load_repeats_nothing(sim, mail, hook, make_daemon):
    rng = random.Random("stops")
    sim.topic(TOPIC)
    sim.service(hub=True)
    hook.answer(fault="slow", seconds=0.02, status=204)
    daemon = make_daemon(
        sim, sources=[source("securityhub", start="-24h", rate="1000/s")], log_level="info",
        sinks=[webhook("hook", hook.url, flood="off", backlog="each"), topic("topic", TOPIC),
               mailbox("mail", mail.url, tls="none", flood="off", backlog="each")],
        rules=[rule("all", ALL, "hook", "topic", "mail")])
    served, slowest = [], 0.0
    for stop in range(STOPS):
        docs = [findings.custom(seed="stop/%d/%d" % (stop, n), updated=time.time() - 0.001 * n) for n in range(60)]
        sim.add("securityhub", docs)
        served += docs
        daemon.start()
        time.sleep(rng.uniform(0.0, 0.3))  # the moment of the stop is what is random here, nothing is waited for
        began = time.monotonic()
        assert daemon.stop() == 0, "\n".join(daemon.lines[-40:])
        slowest = max(slowest, time.monotonic() - began)
    daemon.start()
    wanted = {d["Id"] for d in served}
    hook.wait(lambda got: {a.identity for a in ledger.from_hook(got)} >= wanted, timeout=120)
    try:
        mail.wait(lambda got: {a.identity for a in ledger.from_mail(got)} >= wanted, timeout=120)
    except AssertionError as late:
        raise AssertionError("\n".join([str(late), str(daemon.ctl_json("queue")), str(daemon.ctl_json("dead", "list"))[:2000],
                                        *[line for line in daemon.lines if "mail" in line][-30:]])) from late
    sim.wait("published>=%d" % len(served), timeout=120)
    assert daemon.stop() == 0
    rows = {name: ledger.close(ledger.wanted(served, lambda d: True, lambda d: d["Id"]), got) for name, got in (
        ("hook", ledger.from_hook(hook.received)), ("mail", ledger.from_mail(mail.received)), ("topic", ledger.from_sns(sim.published())))}
    print(ledger.table(rows))
    lost, repeated = sum(r["lost"] for r in rows.values()), sum(r["repeated"] + r["twice"] for r in rows.values())
    assert not any("daemon.grace_over" in line for line in daemon.lines)
    verdict.tell("R17", runs=STOPS, lost=lost, repeated=repeated, worst="%.2f s to the exit" % slowest,
                 target="exit within 2 s, 0 lost, 0 repeated", ok=lost == repeated == 0 and slowest <= EXIT_S)


@pytest.mark.long
def test_a_sink_that_hangs_does_not_hold_up_the_stop_for_long(sim, make_hook, make_daemon):
    """Its answer may come yet: it is waited for, ten seconds at most, and what was sent is sent again under the same key."""
    hook = make_hook()
    sim.service(hub=True)
    hook.answer(fault="stall", count=1)
    sim.add("securityhub", findings.custom(seed="hang", updated=time.time() - 60))
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    hook.wait(1)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 15
    hook.heal()
    daemon.start()
    hook.wait(2)
    assert daemon.stop() == 0
    assert len({d.key for d in hook.received}) == 1


def test_a_second_daemon_on_one_store_is_refused_and_harms_nothing(sim, hook, make_daemon):
    sim.service(hub=True)
    how = {"sources": [source("securityhub", start="-24h")], "sinks": [webhook("hook", hook.url)], "rules": [rule("all", ALL, "hook")]}
    first, second = make_daemon(sim, **how), make_daemon(sim, **how)
    second.write(state_dir=first.state)
    first.start()
    docs = [findings.custom(seed="two/%d" % n, updated=time.time() - 60) for n in range(50)]
    for n, doc in enumerate(docs):
        sim.add("securityhub", doc)
        if n % 10 == 0:
            done = second.run()
            assert done.returncode == 75 and "another process uses it" in done.stderr, done.stderr
            assert second.run("--once").returncode == 75
    hook.wait(lambda got: len(ledger.from_hook(got)) >= 50)
    # also a start at the same moment: one of them wins, the other says so
    first.stop()
    both = [subprocess.Popen(d._argv(), env=d.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,  # noqa: SLF001
                             stderr=open(os.path.join(d.directory, "err"), "wb")) for d in (first, second)]
    loser = None
    until = time.monotonic() + 30
    while loser is None and time.monotonic() < until:
        loser = next((p for p in both if p.poll() is not None), None)
        time.sleep(0.02)
    assert loser is not None and loser.returncode == 75
    winner = next(p for p in both if p is not loser)
    winner.terminate()
    assert winner.wait(20) == 0
    first.start()
    first.wait_log("poll.done", since=first.mark())
    assert first.stop() == 0
    row = ledger.close(ledger.wanted(docs, lambda d: True, lambda d: d["Id"]), ledger.from_hook(hook.received))
    assert ledger.is_clean(row) and row["repeated"] == 0, row
