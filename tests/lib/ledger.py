"""The ledger: what was served and should have been told, against what each sink got.

Per sink: expected, delivered, lost, twice, repeated.
  expected   (identity, change) pairs that ought to have arrived
  lost       expected and never arrived
  twice      (identity, change) pairs that arrived under more than one message key (with the nth time that one
             identity goes through the same change expected so often, that many keys are right)
  repeated   arrivals of a message key beyond its first: what was in flight at a kill
  unexpected arrived and not expected
"""
import collections
import json

SINK_COLUMNS = ("expected", "delivered", "lost", "twice", "repeated", "unexpected")
Arrival = collections.namedtuple("Arrival", "identity change key")


def _of_findings(arrivals):
    """Without the notices of findingsd's own troubles, which are of no finding."""
    return [one for one in arrivals if one.identity]


def from_hook(deliveries):
    """Arrivals of webhook deliveries: header X-Findingsd-Finding or the body's data.finding, type or header
    X-Findingsd-Change. Refused ones (no 2xx) are attempts, not arrivals."""
    found = []
    for one in deliveries:
        if not 200 <= one.status < 300:
            continue
        identity, change = one.headers.get("x-findingsd-finding"), one.headers.get("x-findingsd-change")
        if identity is None or change is None:
            body = one.json
            data = body.get("data", {})
            identity = identity or data.get("finding") or data.get("identity")
            change = change or data.get("change") or body.get("type", "").rpartition(".")[2]
        found.append(Arrival(identity, change, one.key))
    return _of_findings(found)


def from_mail(mails):
    """Arrivals of mails, by their headers."""
    return _of_findings(Arrival((m.message["X-Findingsd-Finding"] or "").strip(), m.message["X-Findingsd-Change"], m.key)
                        for m in mails)


def from_sns(messages):
    """Arrivals of SNS messages, by their attributes; what a FIFO topic dropped as a duplicate did not arrive."""
    def value(message, name):
        return message["attributes"].get(name, {}).get("value")
    return _of_findings(Arrival(value(m, "finding"), value(m, "change"), value(m, "message_key")) for m in messages
                        if not m["deduplicated"])


def wanted(findings, predicate, identity, change="created"):
    """The expected (identity, change) counter: for each served finding (bytes or dict) that predicate(dict) takes."""
    found = collections.Counter()
    for one in findings:
        doc = json.loads(one) if isinstance(one, (bytes, str)) else one
        if predicate(doc):
            found[(identity(doc), change)] = 1
    return found


def close(expected, arrivals):
    """One sink's row: a dict of SINK_COLUMNS, and "lost_items", "twice_items", "unexpected_items" to show. expected: a
    Counter or an iterable of (identity, change)."""
    expected = collections.Counter(expected)
    keys = collections.defaultdict(list)
    for one in arrivals:
        keys[(one.identity, one.change)].append(one.key)
    lost, twice, repeated = [], [], 0
    for pair, number in expected.items():
        short = number - len(set(keys.get(pair, ())))
        lost.extend([pair] * max(0, short))
    for pair, seen in keys.items():
        distinct = len(set(seen))
        twice.extend([pair] * max(0, distinct - max(1, expected.get(pair, 1))))
        repeated += len(seen) - distinct
    unexpected = [pair for pair in keys if pair not in expected]
    return {"expected": sum(expected.values()), "delivered": sum(len(set(k)) for k in keys.values()),
            "lost": len(lost), "twice": len(twice), "repeated": repeated, "unexpected": len(unexpected),
            "lost_items": lost, "twice_items": twice, "unexpected_items": unexpected}


def table(rows):
    """A printable table of {sink name: row of close()}."""
    lines = ["%-16s" % "sink" + "".join("%12s" % c for c in SINK_COLUMNS)]
    for name, row in rows.items():
        lines.append("%-16s" % name + "".join("%12d" % row[c] for c in SINK_COLUMNS))
    return "\n".join(lines)


def is_clean(row):
    """Nothing lost, nothing twice, nothing that nobody asked for."""
    return not (row["lost"] or row["twice"] or row["unexpected"])
