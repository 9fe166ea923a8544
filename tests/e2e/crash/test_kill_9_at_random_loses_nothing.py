"""kill -9 at random moments during a run of 5,000 findings: every matching finding arrives, a repeat carries the same id, and
repeats are at most what was in flight at the kills.

200 kills when FINDINGSD_LONG or FINDINGSD_KILLS says so (the acceptance run), fewer in a plain `make check`.
"""
import os
import random
import time

from lib import findings, ledger, verdict
from lib.daemon import mailbox, rule, source, topic, webhook

TORTURE = "R1E"
COUNT = 5000
IN_FLIGHT = 8
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
KILLS = int(os.environ.get("FINDINGSD_KILLS") or (200 if os.environ.get("FINDINGSD_LONG") else 40))


def test_kill_9_at_random_loses_nothing(sim, mail, hook, make_daemon):
    rng = random.Random(os.environ.get("FINDINGSD_SEED", "kills"))
    sim.topic(TOPIC)
    now = time.time()
    docs = [findings.custom(seed="kill/%d" % i, updated=now - 3600 + i * 0.5, label=rng.choice(("HIGH", "MEDIUM", "LOW")))
            for i in range(COUNT)]
    first, rest = docs[:COUNT // 5], docs[COUNT // 5:]
    sim.add("securityhub", first)
    want = {"detail": {"findings": {"Severity": {"Label": ["HIGH", "MEDIUM"]}}}}
    daemon = make_daemon(
        sim, sources=[source("securityhub", start="-24h", rate="1000/s")], log_level="info",
        sinks=[webhook("hook", hook.url), topic("topic", TOPIC), mailbox("mail", mail.url, tls="none", flood="off", backlog="each")],
        rules=[rule("hub", want, "hook", "topic"), rule("mail", {"detail": {"findings": {"Severity": {"Label": ["HIGH"]}}}}, "mail")])
    step = len(rest) // KILLS
    for kill in range(KILLS):
        part = rest[kill * step:(kill + 1) * step if kill < KILLS - 1 else len(rest)]
        # New findings carry the present time, as AWS's do: one that is older than the overlap would be for the sweep.
        stamped = [dict(doc, UpdatedAt=findings.instant(time.time() - 0.001 * n)) for n, doc in enumerate(part)]
        sim.add("securityhub", stamped)
        daemon.start()
        time.sleep(rng.uniform(0.0, 0.25))  # the moment of the kill is what is random here, nothing is waited for
        daemon.kill()
    daemon.start()

    def identity(doc):
        return doc["Id"]
    expected = {
        "hook": ledger.wanted(docs, lambda d: d["Severity"]["Label"] in ("HIGH", "MEDIUM"), identity),
        "mail": ledger.wanted(docs, lambda d: d["Severity"]["Label"] == "HIGH", identity)}
    expected["topic"] = expected["hook"]

    def arrivals():
        return {"hook": ledger.from_hook(hook.received), "mail": ledger.from_mail(mail.received), "topic": ledger.from_sns(sim.published())}
    until = time.monotonic() + 180
    while any(set(expected[s]) - {(a.identity, a.change) for a in got} for s, got in arrivals().items()):
        if time.monotonic() > until:
            break
        daemon.wait_log("poll.done", since=daemon.mark(), timeout=60)
    assert daemon.stop() == 0
    rows = {name: ledger.close(expected[name], got) for name, got in arrivals().items()}
    print(ledger.table(rows), "kills", KILLS)
    for name, row in rows.items():
        assert ledger.is_clean(row), (name, row)
        assert row["repeated"] <= IN_FLIGHT * KILLS
    verdict.tell("R1e", runs=KILLS, lost=0, repeated=sum(row["repeated"] for row in rows.values()),
                 worst="%.2f repeats a kill" % (sum(row["repeated"] for row in rows.values()) / KILLS),
                 target="0 lost; at most %d repeated a kill and sink" % IN_FLIGHT, ok=True)
