"""findingsd as a test runs it: a configuration written, the built program started, its log read, its socket asked.

    daemon = Daemon(tmp, sim, sinks=[webhook("hook", hook.url)], rules=[rule("all", {"source": [...]}, "hook")])
    code, line, err = daemon.once()
    with daemon.start(): daemon.wait_log("poll.done", source="hub"); daemon.kill(); ...

Waits are for log lines and for the service manager's datagrams, never for time. FINDINGSD_BIN and FINDINGSCTL_BIN name
other programs; FINDINGSD_WRAP is put in front (valgrind).
"""
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import paths

_KEEP = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
         "FINDINGSD_FAIL", "LD_LIBRARY_PATH")
_LINE = re.compile(r"^(?:<\d>|\S+ (?:err|warn|info|debug) )(\S+)(.*)$")
_PAIR = re.compile(r'(\w[\w.-]*)=("(?:[^"\\]|\\.)*"|\S*)')


def is_sanitized():
    """A program built with sanitizers: terabytes of address space, a thread of its own at the end, no valgrind."""
    return "sanitized" in os.environ.get("FINDINGSD_BIN", "") or bool(os.environ.get("FINDINGSD_SANITIZED"))


class TimeUp(AssertionError):
    """A wait ran out of time; the last log lines are in the message."""


class Raw(str):
    """Text that goes into the configuration as it is."""


def render(value, indent=""):
    """A value in libconfig's syntax. Lists of groups become lists, others arrays; integers over 31 bits get an L."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%d%s" % (value, "" if -2**31 <= value < 2**31 else "L")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return "{\n%s%s}" % (settings(value, indent + "  "), indent)
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], dict):
            return "(\n%s  %s\n%s)" % (indent, (",\n%s  " % indent).join(render(v, indent + "  ") for v in value), indent)
        return "[ %s ]" % ", ".join(render(v) for v in value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"%s"' % text.replace("\r", "\\r")


def settings(group, indent=""):
    return "".join("%s%s = %s;\n" % (indent, k, render(v, indent)) for k, v in group.items() if v is not None)


def source(type_, name=None, **keys):
    """A source: guardduty or securityhub, polled every second unless it says otherwise."""
    return {"name": name or {"securityhub": "hub"}.get(type_, type_), "type": type_, "interval": "1s", **keys}


def webhook(name, url, **keys):
    return {"name": name, "type": "webhook", "url": url, "preset": "generic", **keys}


def topic(name, arn, **keys):
    return {"name": name, "type": "sns", "topic_arn": arn, **keys}


def mailbox(name, url, to=("oncall@example.com",), **keys):
    return {"name": name, "type": "email", "url": url, "from": "findingsd@example.com", "to": list(to), **keys}


def rule(name, pattern, *sinks, **keys):
    """A rule; the pattern is a dict, or the name of a file below the configuration's folder."""
    where = {"pattern_file": pattern} if isinstance(pattern, str) else {"pattern": json.dumps(pattern)}
    return {"name": name, **where, "sinks": list(sinks), **keys}


class Once:
    """The outcome of a --once run: code, line (the parsed line, or None), lines (all parsed lines), stderr."""

    def __init__(self, done):
        self.code = done.returncode
        self.stdout, self.stderr = done.stdout, done.stderr
        self.lines = []
        for text in done.stdout.splitlines():
            self.lines.append(json.loads(text))
        self.line = self.lines[-1] if self.lines else None

    def __iter__(self):
        return iter((self.code, self.line, self.stderr))


class Daemon:
    """aws, sources, sinks, rules and further top-level keys make up the file; defaults: one region, both sources. env:
    variables on top of the simulator's keys."""

    def __init__(self, directory, sim=None, sources=None, sinks=(), rules=(), aws=None, env=None, account=0, **top):
        self.directory = str(directory)
        self.state = os.path.join(self.directory, "state")
        self.config_path = os.path.join(self.directory, "findingsd.conf")
        os.makedirs(self.state, exist_ok=True)
        # Paths of sockets have at most 107 bytes: pytest's folders are longer, and so may TMPDIR be.
        self._short = tempfile.mkdtemp(prefix="fd-", dir="/tmp" if len(tempfile.gettempdir()) > 60 else None)
        self.socket = os.path.join(self._short, "control.sock")
        self.sim = sim
        self.env = self._environment(sim, account, env or {})
        self.config = {
            "state_dir": self.state, "log_level": "debug", "control": {"socket": self.socket, "listen": ""},
            "aws": {"regions": ["us-east-1"], **({"endpoint_url": sim.url} if sim else {}), **(aws or {})},
            "sources": list(sources) if sources is not None else [source("guardduty"), source("securityhub")],
            "sinks": list(sinks), "rules": list(rules),
            # alerts of our own only where a test asks for them: they would be counted with the findings'
            "self_alerts": {"sinks": []}, **top}
        self.process = None
        self.lines = []
        self.states = []
        self._changed = threading.Condition()
        self._threads = []
        self._notify = None
        self.write()

    @staticmethod
    def _environment(sim, account, extra):
        env = {k: os.environ[k] for k in _KEEP if k in os.environ}
        if sim is not None:
            env.update(AWS_ACCESS_KEY_ID=sim.accounts[account][1], AWS_SECRET_ACCESS_KEY=sim.accounts[account][2])
        env.update(extra)
        return env

    # files
    def write(self, **changes):
        """Write the configuration, with top-level keys changed."""
        self.config.update(changes)
        self.write_raw(settings(self.config))

    def write_raw(self, text):
        """Put any text in the configuration's place, at once."""
        with open(self.config_path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.config_path + ".new", self.config_path)

    def file(self, name, content, mode=0o600):
        """A file below the configuration's folder (patterns/x.json, secrets); returns its path."""
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode() if isinstance(content, str)
                       else json.dumps(content).encode())
        os.chmod(path, mode)
        return path

    @property
    def database(self):
        return os.path.join(self.state, "findingsd.db")

    # runs to the end
    def _argv(self, *options):
        program = paths.program("findingsd")
        if program is None:
            raise FileNotFoundError("findingsd has not been built (FINDINGSD_BIN names it)")
        return [*shlex.split(os.environ.get("FINDINGSD_WRAP", "")), program, "-c", self.config_path, *options]

    def run(self, *options, timeout=120.0, env=None):
        """Run findingsd with these options to its end."""
        return subprocess.run(self._argv(*options), env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)

    def once(self, *options, timeout=120.0, env=None):
        return Once(self.run("--once", *options, timeout=timeout, env=env))

    def check(self):
        return self.run("--check")

    def ctl(self, *arguments, stdin=None, timeout=60.0):
        """Run findingsctl; returns the finished process."""
        program = paths.program("findingsctl")
        if program is None:
            raise FileNotFoundError("findingsctl has not been built (FINDINGSCTL_BIN names it)")
        return subprocess.run([program, "-c", self.config_path, *arguments], env=self.env, input=stdin,
                              capture_output=True, text=True, timeout=timeout, check=False)

    def ctl_json(self, *arguments, **how):
        """The lines of findingsctl --json, parsed; fails on another exit code than 0."""
        done = self.ctl("--json", *arguments, **how)
        if done.returncode != 0:
            raise AssertionError("findingsctl %s: exit %d: %s" % (" ".join(arguments), done.returncode, done.stderr))
        return [json.loads(text) for text in done.stdout.splitlines() if text.strip()]

    # as a daemon
    def start(self, wait=True, env=None, prefix=()):
        """Start it; wait: until it said READY=1. prefix goes in front of the command (faketime, strace)."""
        self._join()
        path = os.path.join(self._short, "notify.sock")
        if os.path.exists(path):
            os.unlink(path)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self.states = []
        self.process = subprocess.Popen(
            [*prefix, *self._argv()], env={**self.env, "NOTIFY_SOCKET": path, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._threads = [threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True),
                         threading.Thread(target=self._read_states, args=(self._notify,), daemon=True)]
        for thread in self._threads:
            thread.start()
        if wait:
            self.wait_state("READY=1")
        return self

    def _read_log(self, stream):
        for raw in stream:
            with self._changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _read_states(self, sock):
        while True:
            try:
                data = sock.recv(4096)
            except OSError:
                return
            if data == b"end of test":
                return
            with self._changed:
                self.states.extend(data.decode("utf-8", "replace").split("\n"))
                self._changed.notify_all()

    def _await(self, look, what, timeout):
        """Until look() gives something; fails when the process has ended or the time is up."""
        until = time.monotonic() + timeout
        with self._changed:
            while True:
                found = look()
                if found is not None:
                    return found
                gone = self.process is None or self.process.poll() is not None
                if gone and not any(t.is_alive() for t in self._threads[:1]):
                    raise TimeUp("findingsd ended (%s) without %s:\n%s" % (
                        self.process and self.process.returncode, what, "\n".join(self.lines[-30:])))
                if time.monotonic() > until:
                    raise TimeUp("waited %s s for %s:\n%s" % (timeout, what, "\n".join(self.lines[-30:])))
                self._changed.wait(0.2)

    def wait_state(self, state, timeout=30.0):
        """Until the service manager was told that (READY=1, STOPPING=1, ...)."""
        return self._await(lambda: state if state in self.states else None, state, timeout)

    def wait_log(self, event, count=1, since=0, timeout=30.0, **fields):
        """Until count lines of that event, with these fields, stand in the log from line `since` on; returns the last
        one's fields as a dict (with "line")."""
        def look():
            found = self.events(event, since, **fields)
            return found[count - 1] if len(found) >= count else None
        return self._await(look, "%d line(s) of %s %s" % (count, event, fields or ""), timeout)

    def events(self, event=None, since=0, **fields):
        """All log lines of an event as dicts of their fields, plus "event" and "line"."""
        found = []
        for text in self.lines[since:]:
            one = parse_line(text)
            if one and event in (None, one["event"]) and all(one.get(k) == str(v) for k, v in fields.items()):
                found.append(one)
        return found

    def mark(self):
        """The present end of the log, for `since`."""
        return len(self.lines)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        self._join()

    def stop(self, timeout=30.0):
        """SIGTERM; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeUp("findingsd did not stop in %s s:\n%s" % (timeout, "\n".join(self.lines[-30:]))) from None
        self._join()
        self._raise_sanitizer()
        return self.process.returncode

    def _raise_sanitizer(self):
        """What a sanitizer said is the failure, not the exit status that it left with."""
        for at, text in enumerate(self.lines):
            if "Sanitizer" in text or "runtime error:" in text:
                raise AssertionError("\n".join(self.lines[max(at - 1, 0):at + 60]))

    def _join(self):
        if self._notify is not None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"end of test", self._notify.getsockname())
        for thread in self._threads:
            thread.join(10)
        if self._notify is not None:
            self._notify.close()
        if self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()
        self._threads, self._notify = [], None

    def __enter__(self):
        return self if self.process is not None and self.process.poll() is None else self.start()

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Make sure that nothing is left of it."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self._join()
        shutil.rmtree(self._short, ignore_errors=True)

    def request(self, method, path, body=None, timeout=30.0):
        """One HTTP request over the control socket; returns (status, headers, body bytes)."""
        conn = http.client.HTTPConnection("localhost", timeout=timeout)
        conn.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.sock.settimeout(timeout)
        try:
            conn.sock.connect(self.socket)
            data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            conn.request(method, path, data)
            answer = conn.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            conn.close()

    def metrics(self):
        """{"name" or 'name{label="x"}': value} of /metrics."""
        status, _, body = self.request("GET", "/metrics")
        if status != 200:
            raise AssertionError("/metrics answers %d" % status)
        return parse_metrics(body.decode())


def parse_line(text):
    """A log line's fields, "event" and "line"; None for what is no line of ours (a sanitizer's, say)."""
    found = _LINE.match(text)
    if not found:
        return None
    fields = {"event": found.group(1), "line": text}
    for name, value in _PAIR.findall(found.group(2)):
        fields.setdefault(name, value[1:-1].replace('\\"', '"') if value.startswith('"') else value)
    return fields


def parse_metrics(text):
    values = {}
    for one in text.splitlines():
        if one and not one.startswith("#"):
            name, _, value = one.rpartition(" ")
            values[name] = float(value)
    return values
