"""A daemon beside sick peers: resumes what rests, so that a thousand faults take seconds, and reads from its log what it made of
each.

    with Nurse(daemon, ["hook"]) as nurse: ...       # every retry of these sinks is asked for at once
    attempts(daemon, "hook")                          # in order: Attempt(event, key, in_ms, answer, line number)
"""
import collections
import http.client
import threading
import time

Attempt = collections.namedtuple("Attempt", "event key in_ms answer at")
_WORDS = {"courier.retry": "retry", "courier.dead": "dead", "courier.delivered": "done"}


def attempts(daemon, sink):
    """What became of each attempt of a sink that sends one at a time. A refusal that pauses the sink is a hold."""
    found, is_held = [], False
    for at, line in enumerate(list(daemon.lines)):
        if "sink=%s " % sink not in line:
            continue
        one = _parse(line)
        if one["event"] == "courier.state":
            is_held = one["to"] in ("held", "disabled")
        elif one["event"] in _WORDS:
            word = _WORDS[one["event"]]
            found.append(Attempt("hold" if word == "retry" and is_held else word, one["key"], int(one.get("in_ms", 0)),
                                 one.get("answer", ""), at))
    return found


def _parse(line):
    from .daemon import parse_line
    return parse_line(line)


class Nurse:
    """Asks for what waits: POST /v1/sinks/resume after each retry that the log tells. slow: how long the control socket took at
    most, in seconds: what the loop does in between is that long at most."""

    def __init__(self, daemon, sinks, is_patient=lambda attempt: False):
        self.daemon, self.sinks, self.is_patient = daemon, set(sinks), is_patient
        self.slow = 0.0
        self.asked = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(10)

    def _run(self):
        at = self.daemon.mark()
        while not self._end.is_set():
            wanted = set()
            lines = self.daemon.lines
            while at < len(lines):
                line, at = lines[at], at + 1
                if "courier.retry" in line:
                    one = _parse(line)
                    if one["sink"] in self.sinks and not self.is_patient(one):
                        wanted.add(one["sink"])
            for sink in sorted(wanted):
                self.resume(sink)
            if not wanted:
                self._end.wait(0.005)

    def resume(self, sink):
        before = time.monotonic()
        try:
            self.daemon.request("POST", "/v1/sinks/resume?name=" + sink)
        except (OSError, http.client.HTTPException):
            return      # it is being stopped
        self.asked += 1
        self.slow = max(self.slow, time.monotonic() - before)


class Watch:
    """Asks /healthz over and over; slow: the longest answer in seconds."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.slow, self.asked = 0.0, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(10)

    def _run(self):
        while not self._end.wait(0.02):
            before = time.monotonic()
            try:
                self.daemon.request("GET", "/healthz")
            except (OSError, http.client.HTTPException):
                return
            self.slow = max(self.slow, time.monotonic() - before)
            self.asked += 1


def rss_kib(pid, what="VmHWM"):
    """The most memory that it had (VmHWM), or has now (VmRSS)."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what + ":"))
