"""Who was told what, when, through which sink, with which answer: each attempt is on record, found by whatever names the finding, with
the daemon and without it, after the event's bytes are gone."""
import json
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def start(sim, make_daemon, *sinks, **keys):
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=list(sinks),
                         rules=[rule("all", ALL, *[s["name"] for s in sinks])], **keys)
    daemon.start()
    daemon.wait_log("poll.done")
    return daemon


def add(sim, *seeds):
    made = [findings.custom(seed=s, updated=time.time(), created=time.time()) for s in seeds]
    sim.add("securityhub", made)
    return made


def wait_recorded(daemon, count):
    """Until so many deliveries are on record: one line can tell of several."""
    lines = 0
    while sum(int(e["count"]) for e in daemon.events("courier.delivered")) < count:
        lines += 1
        daemon.wait_log("courier.delivered", count=lines)


def test_each_attempt_and_its_answer_is_shown(sim, make_daemon, make_hook):
    good, bad = make_hook(), make_hook()
    bad.answer(503, count=2)
    daemon = start(sim, make_daemon, webhook("good", good.url), webhook("bad", bad.url))
    finding = add(sim, "one", "two")[0]
    bad.wait(lambda got: sum(200 <= d.status < 300 for d in got) == 2)
    good.wait(lambda got: len(got) == 2)
    wait_recorded(daemon, 4)
    lines = daemon.ctl_json("history", finding["Id"])
    by_sink = {n["sink"]: n for n in lines}
    assert set(by_sink) == {"good", "bad"}
    for notice in lines:
        assert notice["finding"] == finding["Id"] and notice["title"] == finding["Title"]
        assert notice["account"] == finding["AwsAccountId"] and notice["change"] == "created"
        assert notice["rules"] == ["all"] and notice["tries_left_out"] == 0
        assert [t["number"] for t in notice["tries"]] == list(range(1, notice["attempts"] + 1))
    assert by_sink["good"]["attempts"] == 1
    answers = [t["answer"] for n in daemon.ctl_json("history", "--all") if n["sink"] == "bad" for t in n["tries"]]
    assert sum("503" in a for a in answers) == 2 and sum(a.startswith("HTTP 2") for a in answers) == 2
    # by its identity, by the key that the notice carried, by a part
    key = next(d.key for d in good.received if finding["Id"] in d.body.decode())
    for name in (by_sink["good"]["identity"], key, by_sink["good"]["thread_key"], finding["Id"][-12:]):
        assert [n["id"] for n in daemon.ctl_json("history", name)] == [n["id"] for n in lines], name
    table = daemon.ctl("history", finding["Id"]).stdout
    assert finding["Title"] in table and by_sink["good"]["identity"] in table and "TRY" in table
    # without a daemon the same, and nothing is written
    assert daemon.stop() == 0
    done = daemon.ctl("--json", "history", finding["Id"])
    assert done.returncode == 0 and "no daemon answers" in done.stderr
    assert [json.loads(t) for t in done.stdout.splitlines()] == lines


def test_what_is_not_to_be_found_says_so(sim, make_daemon, make_hook):
    hook = make_hook()
    daemon = start(sim, make_daemon, webhook("hook", hook.url))
    add(sim, "one", "two")
    wait_recorded(daemon, 2)
    for arguments, code, says in ((("history", "no-such-thing"), 1, "no notice was made"),
                                  (("history", "records-scanner/"), 1, "give more of it"),
                                  (("history",), 64, "FINDING is"), (("history", "x", "--all"), 64, "FINDING is"),
                                  (("history", "--all", "--since", "yesterday"), 64, "TIME is")):
        done = daemon.ctl(*arguments)
        assert (done.returncode, says in done.stderr) == (code, True), (arguments, done)
    assert daemon.ctl_json("history", "--all", "--since", "2099-01-01T00:00:00Z") == []
    assert len(daemon.ctl_json("history", "--all", "--since", "1h")) == 2
    assert daemon.stop() == 0
