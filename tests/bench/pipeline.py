#!/usr/bin/env python3
"""Findings per second from API page to acknowledged webhook, and where the time goes.

pipeline.py [--findings N] [--bytes B] [--rate R] [--only full|paced]

The daemon that was just built polls tests/bench/loadserver (which shares the machine's cores) with synchronous=FULL, lifecycle
and audit on, and posts each finding by itself to the same server as a `raw` webhook. Prints one line a run; nothing is asserted.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

TOP = pathlib.Path(os.environ.get("top_builddir", "."))
TICKS = os.sysconf("SC_CLK_TCK")

CONF = """
state_dir = "{dir}/state";
log_level = "warn";
control = {{ socket = "{dir}/control.sock"; listen = ""; }};
aws = {{ regions = [ "us-east-1" ]; endpoint_url = "http://127.0.0.1:{port}"; }};
sources = ( {{ name = "hub"; type = "securityhub"; interval = "{interval}"; start = "-24h"; rate = "10000/s"; }} );
sinks = ( {{ name = "hook"; type = "webhook"; url = "http://127.0.0.1:{port}/hook"; format = "raw"; max_in_flight = {in_flight}; }} );
rules = ( {{ name = "all"; pattern = "{{\\"source\\":[\\"aws.securityhub\\"]}}"; sinks = [ "hook" ]; }} );
"""


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read()


def usage(pid):
    """CPU seconds by thread name, and peak RSS in MiB."""
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (task / "stat").read_text()
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        threads[name] = threads.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICKS
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return threads, rss


def one_run(name, findings, size, page, rate, in_flight):
    work = pathlib.Path(tempfile.mkdtemp(prefix="findingsd-bench-"))
    port_file = work / "port"
    server = subprocess.Popen([TOP / "tests/bench/loadserver", port_file, str(findings), str(size), str(page), str(rate)])
    while not (port_file.exists() and port_file.read_text().strip()):
        time.sleep(0.01)
    port = int(port_file.read_text())
    (work / "state").mkdir()
    (work / "findingsd.conf").write_text(
        CONF.format(dir=work, port=port, interval="1s", in_flight=in_flight)
    )
    env = dict(os.environ, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="bench", AWS_EC2_METADATA_DISABLED="true")
    daemon = subprocess.Popen([TOP / "src/daemon/findingsd", "-c", work / "findingsd.conf"], env=env)
    deadline = time.monotonic() + 600
    try:
        while time.monotonic() < deadline and daemon.poll() is None:
            stats = json.loads(get(port, "/stats"))
            if stats["received"] >= findings:
                break
            time.sleep(0.2)
        threads, rss = usage(daemon.pid)
        stats = json.loads(get(port, "/stats"))
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        server.kill()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)
    cpu = sum(threads.values())
    seconds = max(stats["seconds"], 1e-9)
    print(
        f"{name}: {stats['received']} of {findings} findings of {size} B in {seconds:.2f} s = {stats['received'] / seconds:,.0f}/s, "
        f"repeated {stats['repeated']}, CPU {cpu * 1000 / max(stats['received'], 1):.3f} s per 1,000 "
        f"({', '.join(f'{k} {v:.2f} s' for k, v in sorted(threads.items()))}), peak RSS {rss:.1f} MiB, "
        f"page's last byte to receipt p50 {stats['p50_ms']:.2f} ms p99 {stats['p99_ms']:.2f} ms",
        flush=True,
    )


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--findings", type=int, default=50000)
    args.add_argument("--bytes", type=int, default=5000)
    args.add_argument("--rate", type=int, default=100)
    args.add_argument("--only", choices=["full", "paced"])
    args = args.parse_args()
    if args.only != "paced":
        one_run("full load", args.findings, args.bytes, 100, 0, 32)
    if args.only != "full":
        one_run(f"paced {args.rate}/s", args.rate * 20, args.bytes, 1, args.rate, 8)


if __name__ == "__main__":
    main()
