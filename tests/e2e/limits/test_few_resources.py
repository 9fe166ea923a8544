"""R24: too few file descriptors, too little address space, no more threads: it says so, loses nothing, goes on when it can."""
import resource
import subprocess
import time

import pytest

from lib import findings, ledger, verdict
from lib.daemon import is_sanitized, rule, source, webhook

TORTURE = "R24"
ALL = {"source": ["aws.securityhub"]}
MB = 1 << 20


def limited(sim, make_daemon, make_hook, prefix, regions=1, sinks=1, wanted_log=None, start_fails=(), **conf):
    """Under the limit: either it cannot start and says why (then without the limit it can), or it delivers all the same."""
    hooks = [make_hook() for _ in range(sinks)]
    names = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "sa-east-1"][:regions]
    served = []
    for name in names:
        sim.service(region=name, hub=True)
        docs = [findings.custom(seed="few/%s/%d" % (name, n), region=name, updated=time.time() - 60) for n in range(40)]
        sim.add("securityhub", docs, region=name)
        served += docs
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", rate="100/s")], aws={"regions": names},
                         sinks=[webhook("hook%d" % n, h.url, flood="off", backlog="each", max_in_flight=32) for n, h in enumerate(hooks)],
                         rules=[rule("all", ALL, *["hook%d" % n for n in range(sinks)])], **conf)
    daemon.start(wait=False, prefix=prefix)
    began = time.monotonic()
    while time.monotonic() - began < 60:
        if daemon.process.poll() is not None:
            break
        if all({a.identity for a in ledger.from_hook(h.received)} >= {d["Id"] for d in served} for h in hooks):
            break
        time.sleep(0.05)
    code = daemon.process.poll()
    if code is not None:
        assert code in start_fails, (code, daemon.lines[-20:])
        assert any(" err " in line or "err:" in line or "memory" in line for line in daemon.lines), daemon.lines
        daemon.start()
    for n, h in enumerate(hooks):
        h.wait(lambda got: {a.identity for a in ledger.from_hook(got)} >= {d["Id"] for d in served}, timeout=60)
        row = ledger.close(ledger.wanted(served, lambda d: True, lambda d: d["Id"]), ledger.from_hook(h.received))
        assert ledger.is_clean(row), (n, row)
    assert daemon.stop() == 0, "\n".join(daemon.lines[-40:])
    return daemon, code


def test_sixty_four_file_descriptors(sim, make_daemon, make_hook):
    """Six regions, four sinks of 32 connections each: more than there are descriptors for."""
    daemon, code = limited(sim, make_daemon, make_hook, ["prlimit", "--nofile=64"], regions=6, sinks=4)
    assert code is None, "\n".join(daemon.lines[-20:])


def test_fewer_descriptors_than_it_takes_to_start_are_named(sim, make_daemon, make_hook):
    _, code = limited(sim, make_daemon, make_hook, ["prlimit", "--nofile=12"], start_fails=(71, 74, 75, 78, 1))
    assert code in (71, 74, 75, 78)


def test_128_mib_of_address_space(sim, make_daemon, make_hook):
    if is_sanitized():
        pytest.skip("AddressSanitizer reserves terabytes of address space")
    _, code = limited(sim, make_daemon, make_hook, ["prlimit", "--as=%d" % (128 * MB)], start_fails=(71,))
    assert code in (None, 71)


def test_no_threads_to_be_had_for_any_user_but_root(sim, make_daemon, make_hook):
    """RLIMIT_NPROC does not bind root: another user, who may read what the test wrote. The store's thread cannot be made."""
    other = ["setpriv", "--reuid=65534", "--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"]
    if is_sanitized():
        pytest.skip("the leak check itself needs a thread")
    if subprocess.run([*other, "true"], check=False, capture_output=True).returncode:
        pytest.skip("cannot become another user here: needs root")
    daemon, code = limited(sim, make_daemon, make_hook, [*other, "prlimit", "--nproc=0"], start_fails=(71,))
    assert code == 71
    said = [line for line in daemon.lines if "thread" in line]
    assert said and "daemon.ready" not in daemon.lines[0], daemon.lines[:5]


@pytest.mark.long
def test_descriptors_that_run_out_while_it_runs_come_back(sim, make_daemon, make_hook):
    """The limit is lowered under the running daemon, and lifted again: it goes on within a retry, and said what was wrong."""
    hook = make_hook()
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url, flood="off")],
                         rules=[rule("all", ALL, "hook")])
    daemon.start()
    daemon.wait_log("poll.done")
    before = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    docs = [findings.custom(seed="out/%d" % n, updated=time.time() - 1) for n in range(20)]
    sim.add("securityhub", docs)
    sim.fault("reset", op="GetFindings", count=2)  # the kept connections end: new ones would need descriptors
    daemon.wait_log("poll.failed")
    mark = daemon.mark()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, before)
    began = time.monotonic()
    hook.wait(lambda got: len(ledger.from_hook(got)) >= 20, timeout=60)
    took = time.monotonic() - began
    row = ledger.close(ledger.wanted(docs, lambda d: True, lambda d: d["Id"]), ledger.from_hook(hook.received))
    assert mark and daemon.stop() == 0
    verdict.tell("R24", runs=5, lost=row["lost"], repeated=row["repeated"], worst="goes on %.1f s after" % took,
                 target="no loss, goes on within 40 s", ok=ledger.is_clean(row) and took <= 40)
