"""findingsctl replay: what was delivered goes again, under the same message keys, to whoever had it; nothing is asked of AWS; what is no longer
kept is refused and said."""
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}
HIGH = {"detail": {"findings": {"Severity": {"Label": ["HIGH"]}}}}


def test_what_was_delivered_is_sent_again_under_its_key(sim, hook, make_hook, make_daemon):
    now, other = time.time(), make_hook()
    docs = [findings.custom(seed="replay/%d" % n, updated=now - 60 - n, label="HIGH" if n < 4 else "LOW") for n in range(10)]
    sim.add("securityhub", docs)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", interval="1h", reconcile="0", sweep="0")],
                         sinks=[webhook("hook", hook.url), webhook("other", other.url)],
                         rules=[rule("all", ALL, "hook", "other"), rule("high", HIGH, "hook", merge=False)])
    daemon.start()
    hook.wait(lambda got: len(got) >= 14, timeout=60)
    other.wait(10)
    daemon.wait_log("poll.done", timeout=30)
    until = time.monotonic() + 30
    while any(q["queued"] for q in daemon.ctl_json("queue")) and time.monotonic() < until:
        time.sleep(0.05)  # delivered is not yet recorded
    asked = len(sim.requests())
    first = {d.key: d.body for d in hook.received}

    assert daemon.ctl("replay").returncode == 64
    dry = daemon.ctl_json("replay", "--since", "1h", "--rule", "high", "--dry-run")
    assert len(dry) == 4 and all(one["rules"] == ["high"] and one["sink"] == "hook" for one in dry)
    done = daemon.ctl("replay", "--since", "1h", "--rule", "high")
    assert done.returncode == 0 and "4 of 4 delivered notices are queued again" in done.stdout, done
    hook.wait(lambda got: len(got) >= 18, timeout=60)
    again = hook.received[14:]
    assert all(first[d.key] == d.body for d in again) and len({d.key for d in again}) == 4
    assert len(other.received) == 10

    done = daemon.ctl("replay", docs[7]["Id"], "--sink", "other")
    assert done.returncode == 0 and "1 of 1" in done.stdout, done
    other.wait(11)
    assert other.received[10].key in {d.key for d in other.received[:10]}
    assert daemon.ctl("replay", "--since", "1h", "--until", "30m").stdout.startswith("0 of 0")
    assert len(sim.requests()) == asked
    # On record: the first delivery, then this one.
    mine = [one for one in daemon.ctl_json("history", docs[7]["Id"]) if one["sink"] == "other"]
    assert [one["attempts"] for one in mine] == [2] and [t["number"] for t in mine[0]["tries"]] == [1, 2], mine
    assert daemon.stop() == 0


def test_what_is_gone_is_refused_and_said(sim, hook, make_daemon):
    """The events of some hundred deliveries that ended last are kept, over a restart too."""
    now = time.time()
    sim.add("securityhub", [findings.custom(seed="many/%d" % n, updated=now - 600 + n * 0.1) for n in range(900)])
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", interval="1h", rate="1000/s")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")])
    assert daemon.once().line["delivered"] == 900
    daemon.start()
    done = daemon.ctl("replay", "--since", "1h", timeout=120)
    queued = int(done.stdout.split()[0])
    assert done.returncode == 1 and 512 <= queued < 900 and "its event is no longer kept" in done.stderr, (done.stdout, done.stderr[:500])
    hook.wait(lambda got: len(got) >= 900 + queued, timeout=60)
    assert len({d.key for d in hook.received}) == 900
    assert daemon.stop() == 0
