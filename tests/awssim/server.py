"""From a request to an answer: who asks whom for what, is it signed, is it over quota, what is to go wrong."""
import collections
import json
import sys
import uuid

from . import faults as faults_
from . import ec2, guardduty, query, securityhub, sigv4, sns, sts
from .control import Control
from .errors import AwsError, render, throttled
from .instants import Clock
from .quota import Quotas
from .reply import Paged
from .store import World
from .tokens import Tokens
from .wire import Answer

KEEP = 200_000          # requests kept in memory for tests to ask about
_JSON = {"guardduty": guardduty, "securityhub": securityhub}
_QUERY = {"ec2": (ec2, "2016-11-15"), "sns": (sns, "2010-03-31"), "sts": (sts, "2011-06-15")}


class Context:
    """One call. body: the JSON object or the form; params: the query string; labels: the path's members."""

    def __init__(self, app, req):
        self.app = app
        self.req = req
        self.request_id = str(uuid.uuid4())
        self.service = self.region = self.account = self.op = self.key = self.place = self.shelf = self.fault = None
        self.body = {}
        self.params = {}
        self.labels = []
        self.world, self.tokens, self.clock = app.world, app.tokens, app.clock

    def count(self, name):
        self.app.bump(name)

    def entry_fault(self, entry):
        """The AwsError that a fault wants one entry of a batch to fail with, or None."""
        fault = self.fault
        if fault is None or fault.kind != "entry" or fault.get("entry", entry) != entry:
            return None
        return AwsError(fault.get("status", 500), fault.get("code", "InternalError"),
                        fault.get("message", "fault of the simulator"))


class App:
    """The simulator. handle() is called by wire.py for each request."""

    def __init__(self, log=None, quotas=False):
        self.clock = Clock()
        self.world = World(self.clock)
        self.tokens = Tokens(self.clock)
        self.quotas = Quotas(quotas)
        self.faults = faults_.Faults()
        self.log = log
        self.connections = set()
        self.requests = collections.deque(maxlen=KEEP)
        self.counters = collections.Counter()
        self.serial = 0
        self.waiters = []
        self.control = Control(self)

    def trouble(self, error):
        self.bump("trouble")
        sys.stderr.write("awssim: %s: %s\n" % (type(error).__name__, error))

    def bump(self, name, by=1):
        self.counters[name] += by
        for waiter in self.waiters:
            waiter.look(self.counters)

    def handle(self, req):
        if req.path.startswith("/_sim/"):
            return self.control.handle(req)
        ctx = Context(self, req)
        signed, answer = None, None
        try:
            auth = self._who(ctx)
            self._what(ctx)
            sigv4.verify(req, ctx.service, auth, ctx.key, self.clock)
            signed = True
            self._where(ctx)
            answer = self._run(ctx)
        except AwsError as error:
            signed = bool(signed)
            answer = self._error(ctx, error)
        except Exception as error:  # noqa: BLE001 (a bug of ours, or a body of a shape that no check foresaw)
            self.trouble(error)
            signed = bool(signed)
            answer = self._error(ctx, AwsError(500, "InternalFailure", "%s: %s" % (type(error).__name__, error)))
        if ctx.fault is not None and ctx.fault.kind in faults_.ANSWER + ("oversize", "endless"):
            answer.fault = ctx.fault
        shift = ctx.fault.get("seconds", 3600) if ctx.fault is not None and ctx.fault.kind == "skew" else 0.0
        answer.headers.append((b"x-amzn-RequestId", ctx.request_id.encode()))
        answer.headers.append((b"Date", self.clock.http_date(shift)))
        self._record(ctx, answer.status, signed)
        return answer

    def _who(self, ctx):
        """Service, region and account, from the credential scope and the key; the parsed Authorization."""
        headers = ctx.req.headers
        auth = sigv4.parse_authorization(headers.get("authorization", ""))
        if auth is None:
            form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
            ctx.service = "sts" if form else "guardduty" if ctx.req.path.startswith("/detector") else "securityhub"
            why = "incomplete" if "authorization" in headers else "missing"
            raise sigv4.refuse(ctx.service, why, "Missing Authentication Token" if why == "missing"
                               else "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'.")
        ctx.service, ctx.region = auth["service"], auth["region"]
        ctx.key = self.world.keys.get(auth["key"])
        ctx.account = ctx.key.account if ctx.key else None
        if ctx.service not in _JSON and ctx.service not in _QUERY:
            raise AwsError(403, "InvalidSignatureException", "Credential should be scoped to correct service.",
                           bare=True)
        return auth

    def _what(self, ctx):
        """The operation and its arguments."""
        req = ctx.req
        if ctx.service in _QUERY:
            module, version = _QUERY[ctx.service]
            form = query.read_form(req.body)
            ctx.op, ctx.body = form.pop("Action", None), form
            if req.method != "POST" or ctx.op not in module.OPS or form.pop("Version", None) != version:
                raise AwsError(400, "InvalidAction", "The action %s is not valid for this web service." % ctx.op)
            return
        found = _JSON[ctx.service].route(req.method, req.path)
        if found is None:
            raise AwsError(404, "UnknownOperationException", "No such operation: %s %s" % (req.method, req.path),
                           bare=True)
        ctx.op, ctx.labels = found
        for name, value in query.read_form(req.query.encode("latin-1")).items():
            ctx.params[name] = value
        if req.body:
            self._read_json(ctx)

    @staticmethod
    def _read_json(ctx):
        try:
            ctx.body = json.loads(ctx.req.body)
        except ValueError:
            ctx.body = None
        if not isinstance(ctx.body, dict):
            raise AwsError(400, "SerializationException", "The body is not a JSON object.", bare=True)

    def _where(self, ctx):
        """The account's part of the region; refuses where the region is not opted into."""
        ctx.place = self.world.region(ctx.account, ctx.region)
        if not ctx.place.opted_in:
            raise sigv4.refuse(ctx.service, "unknown", sigv4.INVALID)
        ctx.shelf = ctx.place.shelves.get(ctx.service)
        ctx.fault = self.faults.select(ctx)
        if not self.quotas.take(ctx.account, ctx.region, ctx.service, ctx.op):
            self.bump("throttled")
            raise throttled(ctx.service)

    def _run(self, ctx):
        fault = ctx.fault
        if fault is not None and (fault.kind in faults_.INSTEAD or fault.get("before")):
            if fault.kind not in faults_.INSTEAD:
                return Answer(200, [(b"Content-Type", b"application/json")], [b"{}"])
            return Answer(*faults_.instead(ctx, fault))
        self.world.count_gates(ctx.op)
        module = _JSON.get(ctx.service) or _QUERY[ctx.service][0]
        reply = module.call(ctx)
        if not isinstance(reply, Paged):
            return self._changed(fault, Answer(reply.status, [(b"Content-Type", reply.content_type)], reply.parts))
        if fault is not None and fault.kind in faults_.PAGE:
            faults_.on_page(reply.page, fault)
        if ctx.op == "GetFindings":
            self.counters["served." + ctx.service] += len(reply.page.rows)
        return self._changed(fault, Answer(200, [(b"Content-Type", b"application/json")], reply.encode(reply.page)))

    @staticmethod
    def _changed(fault, answer):
        if fault is not None and fault.kind == "invalid_utf8":
            answer.parts = [faults_.on_body(b"".join(answer.parts), fault)]
        return answer

    def _error(self, ctx, error):
        headers, body = render(ctx.service, error, ctx.request_id)
        return Answer(error.status, headers + error.headers, [body])

    def _record(self, ctx, status, signed):
        self.serial += 1
        self.requests.append((self.serial, self.clock.now(), ctx, status, signed))
        if self.log is not None:
            self.log.write(json.dumps(self.report(self.requests[-1])) + "\n")
            self.log.flush()
        self.bump("requests")
        if not signed:
            self.bump("unsigned")
        op = ctx.op or "?"
        for name in (op, "%s.%s" % (ctx.service, op), "%s.%s.%s" % (ctx.service, op, ctx.region),
                     "status.%d" % status):
            self.bump("requests." + name)
        if ctx.fault is not None:
            self.bump("faults")
            self.bump("faults." + ctx.fault.id)
        ctx.world = ctx.tokens = ctx.app = ctx.place = ctx.shelf = ctx.body = None    # what is kept stays small

    @staticmethod
    def report(entry):
        """A request as tests and the log see it."""
        serial, at, ctx, status, signed = entry
        req = ctx.req
        return {"n": serial, "at": at, "service": ctx.service, "op": ctx.op, "region": ctx.region,
                "account": ctx.account, "access_key": ctx.key.access_key if ctx.key else None, "method": req.method,
                "path": req.path, "query": req.query, "headers": dict(req.headers),
                "body": req.body.decode("utf-8", "backslashreplace"), "status": status, "signed": signed,
                "fault": ctx.fault.id if ctx.fault else None, "request_id": ctx.request_id}

