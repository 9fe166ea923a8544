"""Whatever is sent to the control socket, the daemon answers it or closes, and goes on.

Requests made at random: every route with every parameter, of every odd value; bytes that are no HTTP; connections left in the
middle. A seed is in the test's name: the same requests come again. FINDINGSD_LONG makes thousands of them.
"""
TORTURE = "R19"

import json
import os
import random
import socket
import urllib.parse

import pytest

from lib import findings, verdict
from lib.daemon import rule, source, webhook

ROUTES = ["/healthz", "/metrics", "/readyz", "/v1/dead", "/v1/dead/drop", "/v1/dead/retry", "/v1/dead/show", "/v1/history", "/v1/poll",
          "/v1/queue", "/v1/recent", "/v1/sinks", "/v1/sinks/pause", "/v1/sinks/resume", "/v1/status", "/v1/nothing", "/", "//", "/v1/dead/"]
NAMES = ["all", "finding", "force", "limit", "name", "sink", "source", "tries", "id", "after", "since", "", "n", "\x00", "é"]
VALUES = ["", "0", "1", "-1", "true", "hook", "hub", "nothing", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
          "1e9", "0x10", " 1", "1 ", "%", "_", "'", "\"", "\\", "';drop table outbox;--", "a" * 5000, "\x00", "\x1b[31m", "\r\nX: y", "é",
          "\ud83d", "2026-01-01T00:00:00Z", "24h", "arn:aws:x", "f" * 64, "*", "../../etc/passwd", "{}", "[1]"]
WORDS = [b"GET ", b"POST ", b"HEAD ", b"DELETE ", b"BREW ", b"/v1/status", b"/v1/dead?id=1", b" HTTP/1.1\r\n", b" HTTP/9.9\r\n", b"\r\n", b"\r\n\r\n",
         b"Host: x\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n",
         b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"Expect: 100-continue\r\n", b"\x00", b"\xff" * 50,
         b"A: " + b"b" * 9000 + b"\r\n", b"Connection: close\r\n", b"%00%zz%", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00"]


def encoded(text):
    return urllib.parse.quote(text.encode("utf-8", "surrogatepass"))


def well_formed(rnd):
    """(method, path) of a request that HTTP allows."""
    pairs = ["%s=%s" % (encoded(rnd.choice(NAMES)), encoded(rnd.choice(VALUES))) for _ in range(rnd.randrange(4))]
    path = rnd.choice(ROUTES) + ("?" + "&".join(pairs) if pairs or rnd.random() < 0.1 else "")
    return rnd.choice(["GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE"]), path


def garbage(path, rnd):
    """Bytes that are hardly HTTP, and the end of the connection at any time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect(path)
        try:
            for _ in range(rnd.randrange(1, 8)):
                sock.sendall(rnd.choice(WORDS) if rnd.random() < 0.9 else rnd.randbytes(rnd.randrange(1, 3000)))
            if rnd.random() < 0.5:
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
        except (BrokenPipeError, ConnectionResetError):
            pass        # refused in the middle: that is an answer


@pytest.mark.parametrize("seed", [1, 2])
def test_control_socket_takes_anything(seed, make_sim, make_hook, make_daemon):
    sim, hook, rnd = make_sim(), make_hook(), random.Random(seed)
    hook.answer(400, count=2)
    sim.add("securityhub", findings.many("securityhub", 6))
    daemon = make_daemon(sim, sources=[source("securityhub", start="open")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", {"source": ["aws.securityhub"]}, "hook")])
    wanted, statuses = 3000 if verdict.is_long() else 150, {}
    with daemon.start():
        daemon.wait_log("courier.dead", count=2)
        for n in range(wanted):
            if rnd.random() < 0.3:
                garbage(daemon.socket, rnd)
                continue
            method, path = well_formed(rnd)
            status, headers, body = daemon.request(method, path)
            statuses[status] = statuses.get(status, 0) + 1
            assert status < 500 or path.startswith(("/readyz", "/v1/poll")) or status == 501, (n, method, path, status, body)
            if path.startswith("/v1/") and headers.get("Content-Type") == "application/x-ndjson" and method != "HEAD":
                for line in body.decode().splitlines():
                    json.loads(line)
        status, _, body = daemon.request("GET", "/v1/status")
        assert status == 200 and json.loads(body.decode().splitlines()[0])
        assert len(os.listdir("/proc/%d/fd" % daemon.process.pid)) < 100, "connections are left open"
    if seed == 2:
        verdict.tell("R19", wanted * 2, 0, 0, "answers: %s" % sorted(statuses), "every request answered, none a 5xx", statuses.get(200, 0) > 0)
