"""R18: a million findings wait at the first start, and a configuration of ten thousand keys is read in the middle of it.

Memory stays what it is, however much waits; the rate at the end is the rate at the beginning. The rate is counted per second of the
daemon's own CPU time too, because the machine is shared with the load server and with whatever else runs.
"""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import pytest

from lib import paths, verdict
from lib.daemon import Daemon, rule, source, webhook

TORTURE = "R18"
ALL = {"source": ["aws.securityhub"]}
RSS_MAX_MIB = 64
RATIO_MIN = 0.8
KEYS = 10000


class Load:
    """tests/bench/loadserver: answers fast, counts what came back."""

    def __init__(self, directory, findings, size):
        top = pathlib.Path(os.environ.get("FINDINGSD_BUILDDIR", "."))
        subprocess.run(["make", "-s", "tests/bench/loadserver"], cwd=top, check=True, capture_output=True)
        port_file = directory / "load.port"
        self.process = subprocess.Popen([top / "tests/bench/loadserver", port_file, str(findings), str(size), "100", "0"])
        while not (port_file.exists() and port_file.read_text().strip()):
            time.sleep(0.01)
        self.url = "http://127.0.0.1:%s" % port_file.read_text().strip()

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats", timeout=30) as answer:
            return json.loads(answer.read())

    def close(self):
        self.process.kill()
        self.process.wait()


def cpu_s(pid):
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def many_rules(count):
    """Four keys each; none matches what is served, so that the work per finding stays the same."""
    return [rule("r%d" % n, {"source": ["aws.securityhub"], "detail": {"findings": {"Id": ["none/%d" % n]}}}, "hook", min_count=1) for n in range(count)]


def test_a_million_findings_wait_at_the_first_start(tmp_path):
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    total = 1000000 if verdict.is_long() else 40000
    load = Load(tmp_path, total, 5000 if verdict.is_long() else 3000)
    daemon = Daemon(tmp_path / "daemon", aws={"endpoint_url": load.url}, log_level="warn",
                    sources=[source("securityhub", start="-24h", rate="10000/s", sweep="0", reconcile="0")],
                    sinks=[webhook("hook", load.url + "/hook", format="raw", max_in_flight=32, flood="off", backlog="each")],
                    rules=[rule("all", ALL, "hook")],
                    env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "load", "AWS_EC2_METADATA_DISABLED": "true"})
    try:
        daemon.start()
        rates, last, is_reloaded, until = [], None, False, time.monotonic() + 3600
        while time.monotonic() < until:
            assert daemon.process.poll() is None, "\n".join(daemon.lines[-40:])
            got, cpu, now = load.stats()["received"], cpu_s(daemon.process.pid), time.monotonic()
            if last is None or got - last[0] >= total / 20 or got >= total:
                if last is not None and got > last[0]:
                    rates.append(((got - last[0]) / (now - last[2]), (got - last[0]) / max(cpu - last[1], 0.01)))
                last = (got, cpu, now)
            if not is_reloaded and got >= total / 2:
                daemon.write(rules=[rule("all", ALL, "hook")] + many_rules(KEYS // 4))
                daemon.signal(signal.SIGHUP)
                is_reloaded = True
            if got >= total:
                break
            time.sleep(0.1)
        stats, rss = load.stats(), peak_mib(daemon.process.pid)
        assert not daemon.events("reload.refused"), daemon.events("reload.refused")
        metrics = daemon.metrics()
        assert metrics["findingsd_config_last_reload_successful"] == 1
        assert metrics["findingsd_config_last_reload_success_timestamp_seconds"] > metrics["findingsd_process_start_time_seconds"] + 1
        code = daemon.stop()
    finally:
        daemon.close()
        load.close()
    third = max(len(rates) // 3, 1)
    fresh, steady = ([sum(r[i] for r in part) / len(part) for i in (0, 1)] for part in (rates[:third], rates[-third:]))
    ratio = steady[1] / fresh[1]
    verdict.tell(
        "R18", runs=total, lost=total - stats["received"], repeated=stats["repeated"],
        worst="peak RSS %.0f MiB; %.0f/s at first, %.0f/s at last; per CPU second %.0f and %.0f (%.2f)" % (
            rss, fresh[0], steady[0], fresh[1], steady[1], ratio),
        target="RSS <= %d MiB, rate >= %d %% of the fresh one, 0 lost, 0 repeated" % (RSS_MAX_MIB, RATIO_MIN * 100),
        ok=code == 0 and stats["received"] >= total and stats["repeated"] == 0 and rss <= RSS_MAX_MIB and ratio >= RATIO_MIN)
