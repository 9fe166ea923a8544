"""Faults: what goes wrong, on which request, how often.

A fault is {"match": {...}, "fault": KIND, ...}. match: service, op, region, account, path (equal), contains (in the
body), and when: skip (let so many pass first), nth (only the nth that matches), count (how often; without it: for
ever). The first fault in the list that wants a request gets it. Kinds, by what they touch:

 instead of the operation  status (status, code, message, retry_after, x_amz_retry_after, headers), expired_token
                           (page token refused), expired_credentials, html, empty, garbage, ok_with_error, redirect
                           (status, location), oversize (bytes), endless, gzip_bomb (bytes)
 the page                  repeated_token, empty_page_with_token, token_on_last_page, duplicate_finding,
                           missing_finding
 the answer                slow (seconds), stall (head: after the head), trickle (interval, plain: so many bytes at
                           once first), reset (at: bytes of the answer), cut (at: bytes of the body), invalid_utf8,
                           wrong_content_length (by), http10, chunk_error, skew (seconds: only this Date)
 part of a batch           entry (id, code, message, status): one entry of PublishBatch fails

The answer's faults come after the operation has been done ("before": true: it is not done), so a reset Publish is one
whose message is there and whose answer is lost.
"""
import gzip
import itertools
import os

from .errors import AwsError
from .sigv4 import refuse

SETTINGS = {    # kind -> what can be set, beside "before" for those of the answer
    "status": ("status", "code", "message", "retry_after", "x_amz_retry_after", "headers"), "expired_token": (),
    "expired_credentials": (), "html": ("status",), "empty": ("status",), "garbage": ("status", "bytes"),
    "ok_with_error": (), "redirect": ("status", "location"), "oversize": ("bytes",), "endless": (),
    "gzip_bomb": ("bytes",), "repeated_token": (), "empty_page_with_token": (), "token_on_last_page": (),
    "duplicate_finding": ("index",), "missing_finding": ("index",), "slow": ("seconds",), "stall": ("head",),
    "trickle": ("interval", "plain"), "reset": ("at",), "cut": ("at",), "invalid_utf8": (),
    "wrong_content_length": ("by", "keep_open"), "http10": (), "chunk_error": (), "skew": ("seconds",),
    "entry": ("entry", "code", "message", "status"),
}
INSTEAD = ("status", "expired_token", "expired_credentials", "html", "empty", "garbage", "ok_with_error", "redirect",
           "oversize", "endless", "gzip_bomb")
PAGE = ("repeated_token", "empty_page_with_token", "token_on_last_page", "duplicate_finding", "missing_finding")
ANSWER = ("slow", "stall", "trickle", "reset", "cut", "invalid_utf8", "wrong_content_length", "http10", "chunk_error",
          "skew")
_MATCH = ("service", "op", "region", "account", "path", "contains", "skip", "nth", "count")
_CODES = {400: "BadRequestException", 401: "UnauthorizedException", 403: "AccessDeniedException",
          404: "ResourceNotFoundException", 413: "RequestEntityTooLarge", 429: "TooManyRequestsException",
          500: "InternalServerErrorException", 502: "BadGateway", 503: "ServiceUnavailableException",
          504: "GatewayTimeout"}


class Fault:
    _ids = itertools.count(1)

    def __init__(self, spec):
        self.kind = spec.get("fault")
        if self.kind not in SETTINGS:
            raise ValueError("fault %r: one of %s is wanted" % (self.kind, ", ".join(SETTINGS)))
        known = SETTINGS[self.kind] + ("match", "fault", "id") + (("before",) if self.kind in ANSWER else ())
        if set(spec) - set(known):
            raise ValueError("%s: %s cannot be set; known are %s" % (
                self.kind, ", ".join(sorted(set(spec) - set(known))), ", ".join(known)))
        self.match = spec.get("match") or {}
        unknown = set(self.match) - set(_MATCH)
        if unknown:
            raise ValueError("match: %s unknown; known are %s" % (", ".join(sorted(unknown)), ", ".join(_MATCH)))
        self.spec = spec
        self.id = spec.get("id") or "f%d" % next(self._ids)
        self.seen = 0
        self.fired = 0

    def get(self, name, default=None):
        return self.spec.get(name, default)

    def _fits(self, ctx):
        for name in ("service", "op", "region", "account"):
            if name in self.match and getattr(ctx, name) != self.match[name]:
                return False
        if "path" in self.match and ctx.req.path != self.match["path"]:
            return False
        return "contains" not in self.match or self.match["contains"].encode() in ctx.req.body

    def wants(self, ctx):
        """Whether this request gets the fault; counts what it has seen."""
        if not self._fits(ctx):
            return False
        self.seen += 1
        if "nth" in self.match:
            hit = self.seen == self.match["nth"]
        else:
            over = self.seen - self.match.get("skip", 0)
            hit = over > 0 and ("count" not in self.match or over <= self.match["count"])
        self.fired += hit
        return hit

    def report(self):
        return {**self.spec, "id": self.id, "seen": self.seen, "fired": self.fired}


class Faults:
    def __init__(self):
        self.list = []

    def add(self, specs):
        made = [Fault(s) for s in specs]
        self.list.extend(made)
        return [f.id for f in made]

    def clear(self):
        self.list = []

    def select(self, ctx):
        for fault in self.list:
            if fault.wants(ctx):
                return fault
        return None


def instead(ctx, fault):
    """The answer in place of the operation: (status, headers, parts), or an AwsError is raised."""
    kind, status = fault.kind, fault.get("status")
    if kind == "status":
        raise _status_error(ctx, fault, status or 500)
    if kind == "expired_token":
        code = "BadRequestException" if ctx.service == "guardduty" else "InvalidInputException"
        raise AwsError(400, code, "The token is invalid or has expired.", type_="InvalidInputException")
    if kind == "expired_credentials":
        raise refuse(ctx.service, "expired", "The security token included in the request is expired")
    if kind == "html":
        page = b"<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>\n"
        return status or 200, [(b"Content-Type", b"text/html")], [page]
    if kind == "empty":
        return status or 200, [(b"Content-Type", b"application/json")], [b""]
    if kind == "garbage":
        return status or 200, [(b"Content-Type", b"application/json")], [os.urandom(fault.get("bytes", 2000))]
    if kind == "ok_with_error":
        text = b'{"Code":"InternalException","Message":"error inside a 200","__type":"InternalException"}'
        return 200, [(b"Content-Type", b"application/json")], [text]
    if kind == "redirect":
        return status or 302, [(b"Location", fault.get("location", "http://127.0.0.1:1/").encode())], [b""]
    if kind == "gzip_bomb":
        bomb = gzip.compress(b" " * fault.get("bytes", 200_000_000), 9)
        return 200, [(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")], [bomb]
    return 200, [(b"Content-Type", b"application/json")], [b""]  # oversize and endless: wire.py sends the body


def _status_error(ctx, fault, status):
    headers = [(n.encode(), str(v).encode()) for n, v in (fault.get("headers") or {}).items()]
    if fault.get("retry_after") is not None:
        headers.append((b"Retry-After", str(fault.get("retry_after")).encode()))
    if fault.get("x_amz_retry_after") is not None:
        headers.append((b"x-amz-retry-after", str(fault.get("x_amz_retry_after")).encode()))
    code = fault.get("code") or _CODES.get(status, "InternalFailure")
    return AwsError(status, code, fault.get("message") or "fault %s of the simulator" % fault.id, headers=headers)


def on_page(page, fault):
    """Change a page of rows as the fault says."""
    kind = fault.kind
    if kind == "repeated_token" and page.restart is not None:
        page.token = page.asked or page.token or page.restart()
    elif kind == "empty_page_with_token" and page.restart is not None:
        page.rows, page.token = [], page.restart()
    elif kind == "token_on_last_page" and page.token is None and page.end is not None:
        page.token = page.end()
    elif kind == "duplicate_finding" and page.rows:
        page.rows = page.rows + [page.rows[fault.get("index", 0)]]
    elif kind == "missing_finding" and page.rows:
        at = fault.get("index", -1) % len(page.rows)
        page.rows = page.rows[:at] + page.rows[at + 1:]


def on_body(body, fault):
    """Change the whole body."""
    if fault.kind == "invalid_utf8":
        at = body.find(b'":"', len(body) // 2) + 3      # within a string, so that nothing else is wrong
        return body[:at] + b"\xff\xfe" + body[at:]
    return body
