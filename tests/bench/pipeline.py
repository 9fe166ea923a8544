#!/usr/bin/env python3
"""The daemon as a whole against its aims: findings per second from API page to acknowledged webhook, latency, memory, start.

pipeline.py [--findings N] [--bytes B] [--rate R] [--remembered M] [--only NAME ...]

The daemon that was just built polls tests/bench/loadserver (which shares the machine's cores) with synchronous=FULL, lifecycle
and audit on, and posts each finding by itself to the same server as a `raw` webhook. One line a run, each figure with its aim
in brackets; nothing is asserted. Runs: full, remembered, paced, restart, waiting, idle.
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
log_level = "{log_level}";
control = {{ socket = "{dir}/control.sock"; listen = ""; }};
aws = {{ regions = [ {regions} ]; endpoint_url = "http://127.0.0.1:{port}"; }};
sources = ( {sources} );
sinks = ( {{ name = "hook"; type = "webhook"; url = "http://127.0.0.1:{hook_port}/hook"; format = "raw"; max_in_flight = {in_flight}; }} );
rules = ( {{ name = "all"; pattern = "{{\\"source\\":[\\"aws.securityhub\\"]}}"; sinks = [ "hook" ]; }} );
"""
HUB = '{{ name = "hub"; type = "securityhub"; interval = "{interval}"; start = "-24h"; rate = "10000/s"; }}'
REGIONS = [f"{area}-{side}-{n}" for area in ("us", "eu", "ap", "sa", "ca", "af") for side in ("east", "west", "north")
           for n in (1, 2)][:34]


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


class Bench:
    """A load server and a daemon in a folder of their own."""

    def __init__(self, findings, size, page, rate, fill=None, **conf):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="findingsd-bench-"))
        (self.dir / "state").mkdir()
        if fill:
            fill_store(self.dir / "state/findingsd.db", *fill)
        port_file = self.dir / "port"
        self.server = subprocess.Popen(
            [TOP / "tests/bench/loadserver", port_file, str(findings), str(size), str(page), str(rate)])
        while not (port_file.exists() and port_file.read_text().strip()):
            time.sleep(0.01)
        self.port = int(port_file.read_text())
        values = dict(dir=self.dir, port=self.port, hook_port=self.port, log_level="warn", in_flight=64,
                      regions='"us-east-1"', sources=HUB.format(interval="1s"))
        values.update(conf)
        (self.dir / "findingsd.conf").write_text(CONF.format(**values))
        env = dict(os.environ, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="bench",
                   AWS_EC2_METADATA_DISABLED="true")
        self.started = time.time()
        self.daemon = subprocess.Popen([TOP / "src/daemon/findingsd", "-c", self.dir / "findingsd.conf"], env=env,
                                       stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.server.kill()
        self.server.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def stats(self):
        return json.loads(get(self.port, "/stats"))

    def wait(self, is_over, seconds=600):
        """The server's numbers when is_over(them), or when the daemon or the time has ended."""
        deadline = time.monotonic() + seconds
        stats = self.stats()
        while not is_over(stats) and time.monotonic() < deadline and self.daemon.poll() is None:
            time.sleep(0.2)
            stats = self.stats()
        return stats

    def usage(self):
        return usage(self.daemon.pid)


def fill_store(path, remembered, queued, size):
    subprocess.run([TOP / "tests/bench/bench_fill", path, str(remembered), str(queued), str(size)], check=True)


def rss_now(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def run_load(name, findings, size, page, rate, in_flight, aims, fill=None):
    with Bench(findings, size, page, rate, fill, in_flight=in_flight) as b:
        stats = b.wait(lambda s: s["received"] >= findings)
        threads, rss = b.usage()
    cpu, seconds = sum(threads.values()), max(stats["seconds"], 1e-9)
    print(
        f"{name}: {stats['received']} of {findings} findings of {size} B in {seconds:.2f} s = "
        f"{stats['received'] / seconds:,.0f}/s{aims[0]}, repeated {stats['repeated']}, "
        f"CPU {cpu * 1000 / max(stats['received'], 1):.3f} s per 1,000{aims[1]} "
        f"({', '.join(f'{k} {v:.2f} s' for k, v in sorted(threads.items()))}), peak RSS {rss:.1f} MiB{aims[2]}, "
        f"page's last byte to receipt p50 {stats['p50_ms']:.2f} ms p99 {stats['p99_ms']:.2f} ms{aims[3]}",
        flush=True,
    )


def full(args):
    run_load("full load", args.findings, args.bytes, 100, 0, 64, (" (aim 16,000)", " (aim 0.070)", " (aim 40)", ""))


def remembered(args):
    run_load(f"full load, {args.remembered:,} remembered", args.findings, args.bytes, 100, 0, 64,
             (" (aim 12,000)", "", "", ""), (args.remembered, 0, 0))


def paced(args):
    run_load(f"paced {args.rate}/s", args.rate * 20, args.bytes, 1, args.rate, 8, ("", "", "", " (aims 1 and 3)"))


def restart(args):
    """From exec to the first request, page cache warm; then how fast a queue drains."""
    queued = min(100000, args.remembered)
    with Bench(2 * queued, args.bytes, 100, 1, (args.remembered, queued, args.bytes)) as b:
        first = b.wait(lambda s: s["first_asked"] > 0)
        stats = b.wait(lambda s: s["received"] >= queued)
        took, (threads, rss) = time.time() - b.started, b.usage()
    print(
        f"restart with {args.remembered:,} remembered and {queued:,} queued: first request after "
        f"{(first['first_asked'] - b.started) * 1000:.0f} ms (aim 50); {stats['received']:,} drained in {took:.1f} s = "
        f"{stats['received'] / took:,.0f}/s, repeated {stats['repeated']}, "
        f"CPU {sum(threads.values()) * 1000 / max(stats['received'], 1):.3f} s per 1,000, peak RSS {rss:.1f} MiB",
        flush=True,
    )


def waiting(args):
    """A sink that refuses connections, and a long queue for it."""
    size = 700
    with Bench(1, size, 100, 1, (args.remembered, args.remembered, size), hook_port=1) as b:
        b.wait(lambda s: s["calls"] >= 3, 30)
        time.sleep(10)
        _, rss = b.usage()
    print(f"{args.remembered:,} findings of {size} B waiting for a dead sink: peak RSS {rss:.1f} MiB (aim 64)", flush=True)


def idle(args):
    """Nothing to tell: 68 pollers, one call a minute each."""
    sources = ", ".join('{ name = "%s"; type = "%s"; interval = "60s"; }' % pair
                        for pair in (("hub", "securityhub"), ("duty", "guardduty")))
    regions = ", ".join(f'"{r}"' for r in REGIONS)
    with Bench(1, args.bytes, 100, 1, None, regions=regions, sources=sources) as b:
        b.wait(lambda s: s["calls"] >= 68, 90)
        time.sleep(5)
        before, calls = sum(b.usage()[0].values()), b.stats()["calls"]
        time.sleep(60)
        after, more = sum(b.usage()[0].values()), b.stats()["calls"] - calls
        rss = rss_now(b.daemon.pid)
    print(f"idle, 68 pollers: RSS {rss:.1f} MiB (aim 12), CPU {(after - before) * 1000 / 60:.2f} ms a second (aim 1) "
          f"at {more} calls a minute", flush=True)


RUNS = {"full": full, "remembered": remembered, "paced": paced, "restart": restart, "waiting": waiting, "idle": idle}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--findings", type=int, default=50000)
    args.add_argument("--bytes", type=int, default=5000)
    args.add_argument("--rate", type=int, default=100)
    args.add_argument("--remembered", type=int, default=1000000)
    args.add_argument("--only", choices=RUNS, nargs="+", default=list(RUNS))
    args = args.parse_args()
    for name in args.only:
        RUNS[name](args)


if __name__ == "__main__":
    main()
