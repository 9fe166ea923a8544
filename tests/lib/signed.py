"""Signed requests made by hand, for what no client would send: raw answers, tampered requests, any body.

botocore signs (an outside judge of the simulator's check); http.client sends.
"""
import http.client
import json
import socket
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from .sim import ACCESS_KEY, REGION, SECRET_KEY

PATHS = {"guardduty": "/detector", "securityhub": "/findings", "sns": "/", "sts": "/"}


class Answered:
    """status, headers (lower-case names), body (bytes)."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error's name, of whichever protocol."""
        named = self.headers.get("x-amzn-errortype")
        if named:
            return named
        text = self.body.decode()
        return text.partition("<Code>")[2].partition("</Code>")[0]


def sign(sim, service, method, path, body=b"", headers=None, region=REGION, key=ACCESS_KEY, secret=SECRET_KEY,
         token=None, at=None):
    """(path, headers) of a signed request; at: seconds since 1970 instead of now."""
    request = botocore.awsrequest.AWSRequest(method, sim.url + path, dict(headers or {}), body)
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, region)
    if at is None:
        auth.add_auth(request)
    else:
        _sign_at(auth, request, at)
    made = dict(request.headers.items())
    made["Host"] = urllib.parse.urlsplit(sim.url).netloc
    return path, made


def _sign_at(auth, request, at):
    """add_auth with another clock than the machine's."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = stamp
    if auth.credentials.token:
        request.headers["X-Amz-Security-Token"] = auth.credentials.token
    text = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(text, request))


def send(sim, method, path, headers, body=b"", timeout=30.0):
    """Send as it is; the Answered."""
    conn = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=timeout)
    try:
        conn.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            conn.putheader(name, value)
        if body or method in ("POST", "PATCH"):
            conn.putheader("Content-Length", str(len(body)))
        conn.endheaders(body)
        answer = conn.getresponse()
        return Answered(answer.status, answer.getheaders(), answer.read())
    finally:
        conn.close()


def call(sim, service, method="POST", path=None, body=None, **how):
    """Sign and send; body: bytes, or an object to become JSON, or (for sns, sts) a dict to become a form."""
    path, headers, data = PATHS[service] if path is None else path, {}, body or b""
    if service in ("sns", "sts") and isinstance(body, dict):
        version = "2010-03-31" if service == "sns" else "2011-06-15"
        data = urllib.parse.urlencode({"Version": version, **body}).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    elif body is not None and not isinstance(body, bytes):
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    timeout = how.pop("timeout", 30.0)
    path, made = sign(sim, service, method, path, data, headers, **how)
    return send(sim, method, path, made, data, timeout)


def raw(sim, service, method="POST", path=None, body=None, timeout=30.0, **how):
    """Sign, send, and read all bytes until the peer closes or the time is up: (bytes, how it ended: "closed", "reset"
    or "timeout")."""
    data = json.dumps(body).encode() if body is not None else b""
    path = PATHS[service] if path is None else path
    path, headers = sign(sim, service, method, path, data, {"Content-Type": "application/json"} if data else None, **how)
    lines = "".join("%s: %s\r\n" % pair for pair in headers.items())
    head = "%s %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (method, path, lines, len(data))
    got, until = b"", time.monotonic() + timeout
    with socket.create_connection(("127.0.0.1", sim.port), timeout) as conn:
        conn.sendall(head.encode() + data)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return got, "timeout"
            conn.settimeout(left)
            try:
                piece = conn.recv(65536)
            except ConnectionResetError:
                return got, "reset"
            except TimeoutError:
                return got, "timeout"
            if not piece:
                return got, "closed"
            got += piece
