"""--once, --dry-run, --check, reload, stop: what the operator sees, and that nothing leaks."""
import json
import re
import os
import shutil
import time

import pytest

from lib import findings
from lib.daemon import is_sanitized, rule, source, webhook

ALL = {"source": ["aws.securityhub"]}
LINE = {"findings", "new", "matched", "queued", "delivered", "pending", "dead", "errors", "seconds"}


def ready(make_daemon, sim, hook, count=5, **how):
    sim.add("securityhub", [findings.custom(seed="once/%d" % i, updated=time.time() - 600 + i) for i in range(count)])
    return make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                       rules=[rule("all", ALL, "hook")], **how)


def test_once_prints_one_line_and_exits_0(sim, hook, make_daemon):
    done = ready(make_daemon, sim, hook).once()
    assert done.code == 0 and len(done.lines) == 1
    assert set(done.line) == LINE
    assert [done.line[k] for k in ("findings", "new", "matched", "queued", "delivered", "pending", "dead", "errors")] == [5, 5, 5, 5, 5, 0, 0, 0]


def test_once_exits_75_when_a_sink_is_down_and_delivers_next_time(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    hook.answer(status=503)
    done = daemon.once()
    assert done.code == 75 and done.line["pending"] == 5 and done.line["delivered"] == 0
    hook.heal()
    daemon.start()
    daemon.signal(12)
    hook.wait(lambda got: sum(d.status < 300 for d in got) >= 5, timeout=60)
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_once_exits_75_when_a_source_fails(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    sim.fault("status", op="GetFindings", status=403, code="AccessDeniedException")
    done = daemon.once()
    assert done.code == 75 and done.line["errors"] >= 1


def test_a_region_where_the_service_is_off_is_a_state_not_an_error(sim, hook, make_daemon):
    sim.service(region="eu-west-1", hub=False, guardduty=False)
    sim.add("securityhub", [findings.custom(seed="off", updated=time.time() - 60)])
    daemon = make_daemon(sim, aws={"regions": ["us-east-1", "eu-west-1"]}, sources=[source("guardduty", start="-24h"), source("securityhub", start="-24h")],
                         sinks=[webhook("hook", hook.url)], rules=[rule("all", ALL, "hook")])
    done = daemon.once()
    assert done.code == 0 and done.line["errors"] == 0 and done.line["delivered"] == 1, done.stderr


def test_dry_run_sends_and_writes_nothing(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    done = daemon.run("--dry-run")
    lines = [json.loads(text) for text in done.stdout.splitlines()]
    notices = [one for one in lines if "sink" in one]
    assert done.returncode == 0 and len(notices) == 5, done.stderr
    assert all(set(one) == {"sink", "rules", "change", "identity", "body"} or set(one) == {"sink", "rule", "change", "identity", "body"} for one in notices)
    assert hook.received == []
    assert daemon.once().line["delivered"] == 5


def test_check_opens_each_sink_as_far_as_it_can_without_the_network(make_daemon, tmp_path):
    """A secret that signs nothing and certificates that are none show at --check, at a reload and at the start alike."""
    (tmp_path / "none.pem").write_text("nothing\n")
    cases = [({"secret": "whsec_%%%"}, "secret"), ({"ca_file": str(tmp_path / "none.pem")}, "holds no certificate"),
             ({"ca_file": str(tmp_path / "missing.pem")}, "cannot read")]
    for keys, said in cases:
        daemon = make_daemon(sinks=[webhook("hook", "http://127.0.0.1:9/", **keys)], rules=[rule("r", ALL, "hook")])
        done = daemon.check()
        assert done.returncode == 78 and said in done.stderr and "sink 'hook': " in done.stderr, done.stderr
        assert re.search(r"findingsd\.conf:[1-9][0-9]*: ", done.stderr), done.stderr
        assert daemon.run("--once").returncode == 78


def test_check_names_file_line_and_what_to_do(make_daemon):
    daemon = make_daemon(sinks=[webhook("hook", "http://127.0.0.1:9/")], rules=[rule("r", ALL, "hok")])
    done = daemon.check()
    said = done.stdout + done.stderr
    assert done.returncode == 78
    assert "findingsd.conf:" in said and "hok" in said and "hook" in said


def test_a_second_daemon_on_one_state_directory_is_refused(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    daemon.start()
    done = daemon.run("--once")
    assert done.returncode == 75 and "lock" in done.stderr.lower()
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_a_bad_reload_keeps_the_old_plan_and_a_good_one_takes_over(sim, hook, make_hook, make_daemon):
    daemon = ready(make_daemon, sim, hook, count=1)
    daemon.start()
    hook.wait(lambda got: len(got) >= 1)
    good = daemon.config["rules"]
    daemon.write(rules=[rule("all", {"source": [{"prefx": "aws"}]}, "hook")])
    daemon.reload()
    line = daemon.wait_log("reload.refused")
    assert "prefx" in line["line"] and "prefix" in line["line"]
    sim.add("securityhub", findings.custom(seed="after-bad", updated=time.time(), created=time.time()))
    hook.wait(lambda got: len(got) >= 2)
    second = make_hook()
    daemon.write(rules=good, sinks=[webhook("hook", second.url)])
    daemon.reload()
    daemon.wait_log("reload.done")
    sim.add("securityhub", findings.custom(seed="after-good", updated=time.time(), created=time.time()))
    second.wait(lambda got: len(got) >= 1)
    assert len(hook.received) == 2
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_readiness_metrics_and_status_over_the_socket(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    daemon.start()
    hook.wait(lambda got: len(got) >= 5)
    daemon.wait_log("poll.done", source="hub")
    assert daemon.request("GET", "/healthz")[0] == 200
    assert daemon.request("GET", "/readyz")[0] == 200
    metrics = daemon.metrics()
    for name in ("findingsd_source_lag_seconds", "findingsd_queue_items", "findingsd_queue_oldest_seconds", "findingsd_api_calls_total",
                 "findingsd_throttled_total", "findingsd_reconcile_age_seconds"):
        assert any(key.split("{")[0] == name for key in metrics), name
    assert any(key.startswith("findingsd_delivery_seconds_bucket") for key in metrics)
    assert daemon.ctl("status").returncode == 0
    assert daemon.ctl_json("status")
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])
    assert daemon.ctl("status").returncode == 69


def test_sink_test_goes_the_way_of_a_real_alert_and_explains_trouble(sim, hook, make_daemon):
    daemon = make_daemon(sim, sources=[source("securityhub")], sinks=[webhook("hook", hook.url), webhook("nowhere", "http://no-such-host.invalid/x")],
                         rules=[rule("all", ALL, "hook", "nowhere")])
    daemon.start()
    done = daemon.ctl("sink", "test", "hook")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(hook.received) == 1 and hook.received[0].json["data"]["test"] is True
    bad = daemon.ctl("sink", "test", "nowhere")
    assert bad.returncode == 1 and "no-such-host.invalid" in bad.stdout + bad.stderr
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_dead_letters_are_listed_shown_retried_and_dropped(sim, hook, make_daemon):
    hook.answer(status=400, body="no such template")
    daemon = ready(make_daemon, sim, hook, count=2)
    daemon.start()
    daemon.wait_log("courier.dead", count=2)
    dead = daemon.ctl_json("dead", "list")
    assert len(dead) == 2 and "400" in json.dumps(dead[0])
    assert "no such template" in daemon.ctl("dead", "show", str(dead[0]["id"])).stdout
    keys = {d.key for d in hook.received}
    hook.heal()
    assert daemon.ctl("dead", "retry", str(dead[0]["id"])).returncode == 0
    hook.wait(lambda got: any(d.status < 300 for d in got))
    assert {d.key for d in hook.received} == keys, "a replay keeps its message key"
    assert daemon.ctl("dead", "drop", str(dead[1]["id"])).returncode == 0
    assert daemon.ctl_json("dead", "list") == []
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])


def test_secrets_reach_no_log(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook)
    daemon.config["sinks"][0].update(secret="whsec_c2VjcmV0LXdvcmQtdGhhdC1uby1sb2ctbWF5LXNob3c=", headers=["X-Key: header-word"])
    daemon.write()
    hook.answer(status=401, body="who are you")
    done = daemon.once()
    for word in ("c2VjcmV0LXdvcmQ", "header-word", sim.accounts[0][2]):
        assert word not in done.stderr + done.stdout


def test_valgrind_finds_no_leak_and_no_invalid_access(sim, hook, make_daemon):
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    if is_sanitized():
        pytest.skip("valgrind does not run a sanitized program")
    daemon = ready(make_daemon, sim, hook, count=20)
    os.environ["FINDINGSD_WRAP"] = "valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect"
    try:
        done = daemon.once(timeout=300)
    finally:
        del os.environ["FINDINGSD_WRAP"]
    assert done.code == 0 and done.line["delivered"] == 20, done.stderr[-4000:]
    assert "==" not in done.stderr, done.stderr[-4000:]


def test_sigterm_drains_in_order(sim, hook, make_daemon):
    daemon = ready(make_daemon, sim, hook, count=50)
    daemon.start()
    hook.wait(lambda got: len(got) >= 1)
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])
    assert "STOPPING=1" in daemon.states
    daemon.start()
    hook.wait(lambda got: len(got) >= 50)
    assert daemon.stop() == 0, "\n".join(daemon.lines[-60:])
    assert len({d.key for d in hook.received}) == len(hook.received) == 50, "a clean stop repeats nothing"


def test_once_calls_a_region_off_that_is_not_opted_in(sim, make_daemon, hook):
    """Another region takes the same credentials: whichever is asked first, it is no error, and is said."""
    sim.service(region="us-east-1", hub=True)
    sim.service(region="sa-east-1", opted_in=False)
    sim.add("securityhub", findings.custom(seed="here", updated=time.time() - 60))
    for regions in (["sa-east-1", "us-east-1"], ["us-east-1", "sa-east-1"]):
        daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], aws={"regions": regions},
                             sinks=[webhook("hook", hook.url)], rules=[rule("all", {"source": ["aws.securityhub"]}, "hook")])
        code, line, err = daemon.once()
        assert (code, line["errors"], line["delivered"]) == (0, 0, 1), (line, err)
        assert "poll.off source=hub region=sa-east-1" in err


def test_once_with_keys_that_no_region_takes_is_an_error(sim, make_daemon, hook):
    for region in ("us-east-1", "sa-east-1"):
        sim.service(region=region, opted_in=False)
    daemon = make_daemon(sim, sources=[source("securityhub")], aws={"regions": ["us-east-1", "sa-east-1"]},
                         sinks=[webhook("hook", hook.url)], rules=[rule("all", {"source": ["aws.securityhub"]}, "hook")])
    code, line, err = daemon.once()
    assert (code, line["errors"]) == (75, 2), (line, err)


def test_a_server_that_refuses_the_question_is_named_as_such(sim, make_daemon, hook):
    """An emulator without sorting: AWS takes the question, so the endpoint is what to look at."""
    sim.service(hub=True)
    sim.fault("status", op="GetFindings", contains="SortCriteria", status=400, code="InvalidInputException", message="unknown SortCriteria")
    daemon = make_daemon(sim, sources=[source("securityhub")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", {"source": ["aws.securityhub"]}, "hook")])
    code, line, err = daemon.once()
    assert code == 75 and all(word in err for word in ("unknown SortCriteria", "endpoint_url", "UpdatedAt")), err
