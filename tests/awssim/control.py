"""The control path: how a test fills the simulator, breaks it, waits for it and looks at what came.

 POST /_sim/findings?account=&region=&service=[&tag=][&after_op=&after=][&id=&updated=]   body: finding(s), raw
 POST /_sim/release?tag=                 findings that were added with that tag come into sight
 POST /_sim/remove                       {"account", "region", "service", "ids": [..]}  (id, or [ProductArn, Id])
 POST /_sim/state                        a seed (see seed.py) on top of what is there
 POST /_sim/set                          {"skew": s, "token_life": s, "expire_tokens": true, "expire_keys": [..] or
                                         true, "quotas": bool, "rates": {...}, "region": {"account", "region",
                                         "guardduty", "hub", "opted_in"}}
 POST /_sim/faults    [..]               add faults (faults.py); GET: all with how often they fired; DELETE: none
 GET  /_sim/requests?op=&service=&region=&since=&limit=    what was asked
 GET  /_sim/published?topic=&since=&limit=                 what SNS took
 GET  /_sim/counters                     counts of everything
 GET  /_sim/wait?for=published>=10&for=requests.GetFindings>=3&timeout=30     200 when all hold, 408 when time is up
 POST /_sim/reset                        empties all but the keys of the command line
"""
import asyncio
import json
import re
from urllib.parse import parse_qs

from . import instants, rawjson
from .wire import Answer

_CONDITION = re.compile(r"^([\w.:/?-]+?)\s*(>=|==|<=)\s*(\d+)$")


class Waiter:
    """Conditions on counters that someone waits for."""

    def __init__(self, conditions):
        self.conditions = []
        for text in conditions:
            found = _CONDITION.match(text)
            if not found:
                raise ValueError("condition %r: wanted is NAME>=NUMBER" % text)
            self.conditions.append((found.group(1), found.group(2), int(found.group(3))))
        self.done = asyncio.get_running_loop().create_future()

    def look(self, counters):
        if self.done.done():
            return
        tests = {">=": int.__ge__, "==": int.__eq__, "<=": int.__le__}
        if all(tests[op](counters[name], number) for name, op, number in self.conditions):
            self.done.set_result(True)


def _answer(value, status=200):
    return Answer(status, [(b"Content-Type", b"application/json")], [json.dumps(value).encode()])


class Control:
    def __init__(self, app):
        self.app = app

    def handle(self, req):
        verb = getattr(self, "%s_%s" % (req.method.lower(), req.path[len("/_sim/"):]), None)
        if verb is None:
            return _answer({"error": "no such control call: %s %s" % (req.method, req.path)}, 404)
        try:
            return verb(req, parse_qs(req.query, keep_blank_values=True))
        except (ValueError, KeyError, TypeError, OSError) as bad:
            return _answer({"error": "%s: %s" % (type(bad).__name__, bad)}, 400)

    def post_findings(self, req, args):
        one = {name: values[0] for name, values in args.items()}
        account, region, service = one["account"], one["region"], one["service"]
        if service not in ("guardduty", "securityhub"):
            raise ValueError("service %r" % service)
        gate = self.app.world.gate(one.get("tag", ""), one.get("after_op"), int(one.get("after", 0)))
        if "id" in one:
            key = one["id"] if service == "guardduty" else (one.get("product_arn", ""), one["id"])
            self.app.world.add_finding(account, region, service, req.body, gate=gate, key=key,
                                       updated=instants.parse(one["updated"]))
            return _answer({"added": 1})
        found = rawjson.slices(req.body)
        for raw, doc in found:
            self.app.world.add_finding(account, region, service, raw, doc, gate=gate)
        self.app.bump("findings", len(found))
        return _answer({"added": len(found)})

    def post_release(self, _req, args):
        opened = 0
        for gate in self.app.world.gates:
            if gate.tag == args["tag"][0] and not gate.open:
                gate.open = True
                opened += 1
        return _answer({"opened": opened})

    def post_remove(self, req, _args):
        what = json.loads(req.body)
        shelf = self.app.world.region(what["account"], what["region"]).shelves[what["service"]]
        gone = [shelf.remove(tuple(i) if isinstance(i, list) else i) for i in what["ids"]]
        return _answer({"removed": sum(g is not None for g in gone)})

    def post_state(self, req, _args):
        from .seed import apply
        return _answer(apply(self.app.world, json.loads(req.body)))

    def post_set(self, req, _args):
        app, what = self.app, json.loads(req.body)
        for name, value in what.items():
            if name == "skew":
                app.clock.skew = float(value)
            elif name == "token_life":
                app.tokens.life = float(value)
            elif name == "expire_tokens":
                app.tokens.epoch += 1
            elif name == "expire_keys":
                self._expire_keys(value)
            elif name == "quotas":
                app.quotas.on = bool(value)
            elif name == "rates":
                for key, pair in value.items():
                    app.quotas.rates[tuple(key.split(".")) if "." in key else key] = tuple(pair)
            elif name == "region":
                self._set_region(value)
            else:
                raise ValueError("nothing called %s can be set" % name)
        return _answer({})

    def _expire_keys(self, which):
        for key in self.app.world.keys.values():
            if key.token is not None if which is True else key.access_key in which:
                key.expires = self.app.clock.now() - 1.0

    def _set_region(self, what):
        place = self.app.world.region(what["account"], what["region"])
        for name in set(what) - {"account", "region"}:
            if name not in ("guardduty", "hub", "opted_in"):
                raise ValueError("a region has no %s" % name)
            setattr(place, name, bool(what[name]))

    def post_faults(self, req, _args):
        return _answer({"ids": self.app.faults.add(json.loads(req.body))})

    def get_faults(self, _req, _args):
        return _answer([f.report() for f in self.app.faults.list])

    def delete_faults(self, _req, _args):
        self.app.faults.clear()
        return _answer({})

    def get_requests(self, _req, args):
        since, limit = int(args.get("since", ["0"])[0]), int(args.get("limit", ["100000"])[0])
        found = []
        for entry in self.app.requests:
            ctx = entry[2]
            if entry[0] > since and all(getattr(ctx, n) == args[n][0] for n in ("op", "service", "region") if n in args):
                found.append(self.app.report(entry))
                if len(found) == limit:
                    break
        return _answer(found)

    def get_published(self, _req, args):
        since, limit = int(args.get("since", ["0"])[0]), int(args.get("limit", ["100000"])[0])
        topic = args.get("topic", [None])[0]
        found = [m for m in self.app.world.published[since:] if topic in (None, m["topic"])]
        return _answer(found[:limit])

    def get_counters(self, _req, _args):
        return _answer(dict(self.app.counters))

    async def get_wait(self, _req, args):
        try:
            waiter = Waiter(args["for"])
        except ValueError as bad:
            return _answer({"error": str(bad)}, 400)
        self.app.waiters.append(waiter)
        waiter.look(self.app.counters)
        try:
            await asyncio.wait_for(waiter.done, float(args.get("timeout", ["30"])[0]))
            return _answer(dict(self.app.counters))
        except asyncio.TimeoutError:
            return _answer(dict(self.app.counters), 408)
        finally:
            self.app.waiters.remove(waiter)

    def post_reset(self, _req, _args):
        app = self.app
        app.world.clear()
        app.world.roles = {}
        for access_key in [k for k, v in app.world.keys.items() if v.token is not None]:
            del app.world.keys[access_key]
        app.faults.clear()
        app.requests.clear()
        app.counters.clear()
        app.clock.skew = 0.0
        app.quotas.on = False
        return _answer({})
