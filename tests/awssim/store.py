"""What the simulated AWS holds: keys, roles, regions, findings in order of their update, topics, messages."""
import bisect
import hashlib
import itertools
import secrets

from . import instants, rawjson


class Key:
    """An access key. token and expires only for temporary ones."""

    __slots__ = ("access_key", "secret", "account", "token", "expires", "arn")

    def __init__(self, access_key, secret, account, token=None, expires=None, arn=None):
        self.access_key = access_key
        self.secret = secret
        self.account = account
        self.token = token
        self.expires = expires
        self.arn = arn or "arn:aws:iam::%s:user/findingsd" % account


class Gate:
    """Keeps findings out of sight until it is opened by name, or until an operation was called often enough: so that a
    test makes a finding arrive late without a clock."""

    __slots__ = ("tag", "op", "after", "seen", "open")

    def __init__(self, tag="", op=None, after=0):
        self.tag = tag
        self.op = op
        self.after = after
        self.seen = 0
        self.open = False

    def count(self, op):
        if self.op == op:
            self.seen += 1
            self.open = self.open or self.seen >= self.after


_COMMON = tuple(tuple(path.split(".")) for path in (        # what most queries ask for, read out together
    "Id", "ProductArn", "RecordState", "Workflow.Status", "Severity.Label", "Compliance.Status", "CreatedAt",
    "service.archived", "severity", "type"))


class Row:
    """One finding: its bytes, and what filters and sorting asked of it. The parsed form is not kept: it is ten times
    the bytes, and a hundred thousand findings are a usual load."""

    __slots__ = ("key", "raw", "updated", "seq", "gate", "_facts")

    def __init__(self, key, raw, updated, seq, gate=None):
        self.key = key
        self.raw = raw
        self.updated = updated
        self.seq = seq
        self.gate = gate
        self._facts = None

    @property
    def id(self):
        return self.key if isinstance(self.key, str) else self.key[1]

    @property
    def doc(self):
        try:
            return rawjson.slices(self.raw)[0][1]
        except (ValueError, IndexError):
            return {}

    def values(self, path):
        """All scalars at a path (a tuple of names), as a tuple."""
        facts = self._facts
        if facts is None or path not in facts:
            doc = self.doc
            facts = self._facts = facts or {p: tuple(rawjson.values(doc, p)) for p in _COMMON}
            facts[path] = tuple(rawjson.values(doc, path))
        return facts[path]

    @property
    def hidden(self):
        return self.gate is not None and not self.gate.open

    def rewrite(self, doc):
        """The finding was changed by an API call: it is written anew."""
        self._facts = None
        self.raw = rawjson.compact(doc)


class Shelf:
    """The findings of one service in one account and region, by key and in order of (updated, seq)."""

    def __init__(self, service):
        self.service = service
        self.rows = {}
        self._by_id = {}
        self._order = []
        self._sorted = True
        self._seq = itertools.count(1)

    def key_of(self, doc):
        if self.service == "guardduty":
            return doc["id"]
        return (doc["ProductArn"], doc["Id"])

    def updated_of(self, doc):
        value = doc.get("updatedAt" if self.service == "guardduty" else "UpdatedAt")
        return instants.parse(value) or 0

    def put(self, raw, doc=None, gate=None, key=None, updated=None):
        """Add a finding, or replace the one of the same identity. key and updated only for bytes that hold none."""
        if doc is None:
            doc = rawjson.slices(raw)[0][1] if key is None else {}
        key = self.key_of(doc) if key is None else key
        updated = self.updated_of(doc) if updated is None else updated
        old = self.rows.get(key)
        if old is not None:
            self._forget(old)
        row = Row(key, raw, updated, old.seq if old else next(self._seq), gate)
        self.add(row)
        return row

    def add(self, row):
        self.rows[row.key] = row
        self._by_id.setdefault(row.id, {})[row.key] = row
        entry = (row.updated, row.seq, row)
        if self._order and self._order[-1][:2] > entry[:2]:
            self._sorted = False
        self._order.append(entry)

    def remove(self, key):
        row = self.rows.pop(key, None)
        if row is not None:
            self._forget(row)
            self._by_id[row.id].pop(key)
        return row

    def _forget(self, row):
        order = self.order()
        at = bisect.bisect_left(order, (row.updated, row.seq))
        if at < len(order) and order[at][2] is row:
            del order[at]

    def order(self, ids=None):
        """[(updated, seq, row)], ascending; ids: only of these."""
        if ids is not None:
            found = [row for one in set(ids) for row in self._by_id.get(one, {}).values()]
            return sorted(((row.updated, row.seq, row) for row in found), key=lambda e: e[:2])
        if not self._sorted:
            self._order.sort(key=lambda e: e[:2])
            self._sorted = True
        return self._order


class Region:
    """One account's part of one region."""

    def __init__(self, account, name, on):
        self.account = account
        self.name = name
        digest = hashlib.sha256(("%s/%s" % (account, name)).encode()).hexdigest()
        self.detector_id = digest[:32]
        self.guardduty = on
        self.hub = on
        self.opted_in = True
        self.shelves = {"guardduty": Shelf("guardduty"), "securityhub": Shelf("securityhub")}


class Topic:
    """An SNS topic. publishers: accounts that may publish (None: the owner's only)."""

    def __init__(self, arn, content_dedup=False, publishers=None):
        self.arn = arn
        self.region, self.account, self.name = arn.split(":")[3:6]
        self.fifo = self.name.endswith(".fifo")
        self.content_dedup = content_dedup
        self.publishers = publishers
        self.seen = {}
        self.sequence = itertools.count(10_000_000_000_000_000_000)


class World:
    """Everything. One instance per simulator; reset() empties it back to the keys of the command line."""

    def __init__(self, clock):
        self.clock = clock
        self.keys = {}
        self.roles = {}
        self.default_on = False
        self.clear()

    def clear(self):
        self.regions = {}
        self.topics = {}
        self.published = []
        self.gates = []
        self.aggregators = {}

    def add_key(self, account, access_key, secret, token=None, expires=None, arn=None):
        self.keys[access_key] = Key(access_key, secret, account, token, expires, arn)

    def issue(self, account, arn, seconds):
        """A temporary key, as AssumeRole hands out."""
        access_key = "ASIA" + secrets.token_hex(8).upper()
        key = Key(access_key, secrets.token_urlsafe(30), account, "FwoGZXIvYXdzE" + secrets.token_urlsafe(90),
                  self.clock.now() + seconds, arn)
        self.keys[access_key] = key
        return key

    def region(self, account, name):
        found = self.regions.get((account, name))
        if found is None:
            found = self.regions[(account, name)] = Region(account, name, self.default_on)
        return found

    def gate(self, tag="", op=None, after=0):
        if not tag and not op:
            return None
        made = Gate(tag, op, after)
        self.gates.append(made)
        return made

    def add_finding(self, account, region, service, raw, doc=None, **how):
        """Store a finding; where it is a linked region of a hub's aggregator, the home region gets it too. The service
        is thereby on."""
        place = self.region(account, region)
        if service == "guardduty":
            place.guardduty = True
        else:
            place.hub = True
        row = place.shelves[service].put(raw, doc, **how)
        if service == "securityhub":
            home = self.home_of(account, region)
            if home and home != region:
                self.region(account, home).hub = True
                self.region(account, home).shelves[service].put(raw, doc, **how)
        return row

    def home_of(self, account, region):
        made = self.aggregators.get(account)
        if made and (made["linked"] == "ALL_REGIONS" or region in made["linked"]):
            return made["home"]
        return None

    def hub_rows(self, account, region, key):
        """The stored copies of one hub finding that an update made in region has to reach."""
        places = {region, self.home_of(account, region) or region}
        made = self.aggregators.get(account)
        if made and made["home"] == region:
            places.update(r for (a, r) in self.regions if a == account and self.home_of(a, r) == region)
        rows = []
        for name in places:
            row = self.region(account, name).shelves["securityhub"].rows.get(key)
            if row is not None and not row.hidden:
                rows.append(row)
        return rows

    def count_gates(self, op):
        for gate in self.gates:
            gate.count(op)

    def add_topic(self, arn, content_dedup=False, publishers=None):
        topic = self.topics.get(arn)
        if topic is None:
            topic = self.topics[arn] = Topic(arn, content_dedup, publishers)
        return topic
