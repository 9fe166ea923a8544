"""A webhook receiver: keeps every request, checks Standard Webhooks signatures, answers as scripted.

    with Hook(secret="whsec_...") as hook:
        hook.answer(503, retry_after=1, count=2)        # the first two
        hook.answer(fault="reset", nth=4)               # the fourth: RST instead of an answer
        got = hook.wait(3)
        got[0].key, got[0].json, got[0].headers["webhook-id"], got[0].signed

What it can do wrong in answering is what awssim/wire.py can: slow, stall, trickle, reset, cut, wrong_content_length,
http10, chunk_error, oversize, endless. The request counts as received in all of these (accepted says whether the sender
was told so).
"""
import base64
import hashlib
import hmac
import json
import time

from awssim.faults import ANSWER, SETTINGS
from awssim.wire import Answer, Connection

from .looped import Looped, Turn

TOLERANCE = 300.0


def check_signature(secrets, headers, body, now=None):
    """None when one of the signatures is by one of the secrets and fresh, else what is wrong."""
    id_, stamp, given = (headers.get("webhook-" + n, "") for n in ("id", "timestamp", "signature"))
    if not id_ or not stamp or not given:
        return "webhook-id, webhook-timestamp or webhook-signature is missing"
    if "." in id_:
        return "webhook-id has a full stop in it"
    if not stamp.isdigit() or abs(int(stamp) - (time.time() if now is None else now)) > TOLERANCE:
        return "webhook-timestamp is over 5 minutes off: %s" % stamp
    content = id_.encode() + b"." + stamp.encode() + b"." + body
    for secret in secrets:
        key = base64.b64decode(secret[len("whsec_"):] if secret.startswith("whsec_") else secret)
        wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given.split()):
            return None
    return "no signature fits: %s" % given


class Delivery:
    """One request. signed: None without a secret to check by, else whether it was right (fault says why not)."""

    def __init__(self, n, request, secrets, status, plan):
        self.n = n
        self.method = request.method
        self.path = request.path + ("?" + request.query if request.query else "")
        self.headers = request.headers
        self.body = request.body
        self.received = time.time()
        self.status = status
        self.accepted = 200 <= status < 300 and plan is None
        self.fault = check_signature(secrets, request.headers, request.body) if secrets else None
        self.signed = (self.fault is None) if secrets else None

    @property
    def key(self):
        return self.headers.get("webhook-id", "")

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%s %s id=%s %d bytes -> %d" % (self.method, self.path, self.key, len(self.body), self.status)


class Plan:
    """A scripted answer."""

    def __init__(self, status, headers, body, fault, settings, path, contains, turn):
        self.status, self.headers, self.body = status, headers, body
        self.kind, self.settings = fault, settings
        self.path, self.contains, self.turn = path, contains, turn

    def get(self, name, default=None):
        return self.settings.get(name, default)

    @property
    def fired(self):
        return self.turn.fired

    def wants(self, request):
        if self.path is not None and request.path != self.path:
            return False
        if self.contains is not None and self.contains.encode() not in request.body:
            return False
        return self.turn.mine()


class _Tracked(Connection):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.app.transports.add(transport)

    def connection_lost(self, error):
        self.app.transports.discard(self.transport)
        super().connection_lost(error)


class Hook(Looped):
    """secret: one or a list (key rotation) to check signatures by. context: SSLContext for HTTPS."""

    def __init__(self, secret=None, context=None):
        super().__init__(context)
        self.secrets = [secret] if isinstance(secret, str) else list(secret or ())
        self.connections = set()
        self.plans = []
        self.troubles = []

    @property
    def url(self):
        return "%s://%s:%d/hook" % ("https" if self.context else "http", "localhost" if self.context else "127.0.0.1",
                                    self.port)

    def make_protocol(self):
        return _Tracked(self)

    def trouble(self, error):
        self.troubles.append(error)

    def answer(self, status=200, headers=None, body=b"", retry_after=None, location=None, fault=None, path=None,
               contains=None, nth=None, skip=0, count=None, **settings):
        """Script an answer; the first that wants a request gives it. Returns the Plan; .fired counts."""
        wire = ANSWER + ("oversize", "endless")
        if fault not in (None, *wire) or set(settings) - set(SETTINGS.get(fault, ())):
            raise ValueError("fault %r with %s: one of %s, as awssim/faults.py says" % (fault, settings, ", ".join(wire)))
        lines = [(n.encode(), str(v).encode()) for n, v in (headers or {}).items()]
        if retry_after is not None:
            lines.append((b"Retry-After", str(retry_after).encode()))
        if location is not None:
            lines.append((b"Location", location.encode()))
        plan = Plan(status, lines, body if isinstance(body, bytes) else body.encode(), fault, settings, path, contains,
                    Turn(nth, skip, count))
        with self.changed:
            self.plans.append(plan)
        return plan

    def heal(self):
        with self.changed:
            self.plans.clear()

    def handle(self, request):
        with self.changed:
            plan = next((p for p in self.plans if p.wants(request)), None)
            n = len(self.received) + 1
        bad = plan if plan is not None and plan.kind else None
        status = plan.status if plan is not None else 204
        self.keep(Delivery(n, request, self.secrets, status, bad))
        body = plan.body if plan is not None else b""
        headers = list(plan.headers) if plan is not None else []
        return Answer(status, headers, [body], bad)
