"""GuardDuty: detectors, findings by criteria, findings by id, samples, archive."""
import re
from urllib.parse import unquote

from . import rawjson
from .errors import AwsError
from .reply import Paged, Reply
from .tokens import BadToken, QueryChanged
from .walk import Page, Walk

_INT32 = 2**31 - 1
_ROUTES = [
    ("GET", re.compile(r"^/detector$"), "ListDetectors"),
    ("GET", re.compile(r"^/detector/([^/]+)$"), "GetDetector"),
    ("POST", re.compile(r"^/detector/([^/]+)/findings$"), "ListFindings"),
    ("POST", re.compile(r"^/detector/([^/]+)/findings/get$"), "GetFindings"),
    ("POST", re.compile(r"^/detector/([^/]+)/findings/create$"), "CreateSampleFindings"),
    ("POST", re.compile(r"^/detector/([^/]+)/findings/archive$"), "ArchiveFindings"),
    ("POST", re.compile(r"^/detector/([^/]+)/findings/unarchive$"), "UnarchiveFindings"),
]
ATTRIBUTES = frozenset("""accountId region confidence id
resource.accessKeyDetails.accessKeyId resource.accessKeyDetails.principalId resource.accessKeyDetails.userName
resource.accessKeyDetails.userType resource.instanceDetails.iamInstanceProfile.id resource.instanceDetails.imageId
resource.instanceDetails.instanceId resource.instanceDetails.tags.key resource.instanceDetails.tags.value
resource.instanceDetails.networkInterfaces.ipv6Addresses
resource.instanceDetails.networkInterfaces.privateIpAddresses.privateIpAddress
resource.instanceDetails.networkInterfaces.publicDnsName resource.instanceDetails.networkInterfaces.publicIp
resource.instanceDetails.networkInterfaces.securityGroups.groupId
resource.instanceDetails.networkInterfaces.securityGroups.groupName
resource.instanceDetails.networkInterfaces.subnetId resource.instanceDetails.networkInterfaces.vpcId
resource.resourceType resource.s3BucketDetails.name resource.eksClusterDetails.name
service.action.actionType service.action.awsApiCallAction.api service.action.awsApiCallAction.callerType
service.action.awsApiCallAction.errorCode service.action.awsApiCallAction.serviceName
service.action.awsApiCallAction.remoteIpDetails.city.cityName
service.action.awsApiCallAction.remoteIpDetails.country.countryName
service.action.awsApiCallAction.remoteIpDetails.ipAddressV4
service.action.awsApiCallAction.remoteIpDetails.organization.asn
service.action.awsApiCallAction.remoteIpDetails.organization.asnOrg
service.action.dnsRequestAction.domain service.action.networkConnectionAction.blocked
service.action.networkConnectionAction.connectionDirection
service.action.networkConnectionAction.localPortDetails.port service.action.networkConnectionAction.protocol
service.action.networkConnectionAction.remoteIpDetails.country.countryName
service.action.networkConnectionAction.remoteIpDetails.ipAddressV4
service.action.networkConnectionAction.remoteIpDetails.organization.asn
service.action.networkConnectionAction.remoteIpDetails.organization.asnOrg
service.action.networkConnectionAction.remotePortDetails.port
service.additionalInfo.threatListName service.archived service.resourceRole severity type updatedAt""".split())
_SORT_ONLY = frozenset(("createdAt", "title", "service.count", "service.eventFirstSeen", "service.eventLastSeen"))
_RANGES = {  # operator -> (lower bound?, exclusive?)
    "gt": (True, True), "gte": (True, False), "lt": (False, True), "lte": (False, False),
    "greaterThan": (True, True), "greaterThanOrEqual": (True, False), "lessThan": (False, True),
    "lessThanOrEqual": (False, False),
}
_LISTS = ("eq", "equals", "neq", "notEquals")


def bad(message):
    return AwsError(400, "BadRequestException", "The request is rejected because " + message,
                    type_="InvalidInputException")


def route(method, path):
    """(operation, [path members]) or None."""
    for verb, form, op in _ROUTES:
        found = form.match(path)
        if found and verb == method:
            return op, [unquote(g) for g in found.groups()]
    return None


def call(ctx):
    """Run the operation that ctx names."""
    if ctx.op != "ListDetectors":
        _own_detector(ctx)
    return _OPS[ctx.op](ctx)


def _own_detector(ctx):
    if not ctx.place.guardduty or ctx.labels[0] != ctx.place.detector_id:
        raise bad("the input detectorId is not owned by the current account.")


def _size(value, most):
    try:
        size = int(value)
    except (TypeError, ValueError):
        size = 0
    if not 1 <= size <= most or isinstance(value, bool):
        raise bad("the parameter maxResults has an invalid value.")
    return size


def _list_detectors(ctx):
    _size(ctx.params.get("maxResults", 50), 50)
    return Reply.json({"detectorIds": [ctx.place.detector_id] if ctx.place.guardduty else [], "nextToken": ""})


def _get_detector(ctx):
    return Reply.json({
        "createdAt": "2024-03-01T08:00:00.000Z", "findingPublishingFrequency": "FIFTEEN_MINUTES",
        "serviceRole": "arn:aws:iam::%s:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"
                       % ctx.account,
        "status": "ENABLED", "updatedAt": "2024-03-01T08:00:00.000Z", "tags": {}})


def _ranges(name, condition):
    """[(lower bound?, exclusive?, value)] of a condition, checked."""
    found = []
    for op, value in condition.items():
        if op not in _RANGES:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad("the parameter %s of %s must be a number." % (op, name))
        if op in ("gt", "gte", "lt", "lte") and abs(value) > _INT32:
            raise bad("the parameter %s of %s is out of range." % (op, name))
        found.append((*_RANGES[op], value))
    return found


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _condition(name, condition):
    if not isinstance(condition, dict) or not condition:
        raise bad("the parameter criterion has an invalid value for %s." % name)
    for op, value in condition.items():
        if op not in _RANGES and op not in _LISTS:
            raise bad("the parameter criterion has an unknown operator %s." % op)
        if op in _LISTS and not (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
            raise bad("the parameter %s of %s must be a list of strings." % (op, name))
    ranges = _ranges(name, condition)
    equal = condition.get("equals", condition.get("eq"))
    unequal = condition.get("notEquals", condition.get("neq"))
    path = tuple(name.split("."))

    def keep(row):
        found = row.values(path)
        numbers = [v for v in found if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if not all(any(_within(v, *one) for v in numbers) for one in ranges):
            return False
        if equal is not None and not any(_text(v) in equal for v in found):
            return False
        return unequal is None or not any(_text(v) in unequal for v in found)
    return keep


def _within(value, lower, exclusive, bound):
    if value == bound:
        return not exclusive
    return (value > bound) == lower


def _window(condition):
    """(low, high) of updatedAt in microseconds, inclusive; instants count in whole milliseconds."""
    if not isinstance(condition, dict) or set(condition) - set(_RANGES):
        raise bad("the parameter updatedAt takes only ranges.")
    low = high = None
    for lower, exclusive, value in _ranges("updatedAt", condition):
        if lower:
            bound = (value + exclusive) * 1000
            low = bound if low is None else max(low, bound)
        else:
            bound = (value - exclusive) * 1000 + 999
            high = bound if high is None else min(high, bound)
    return low, high


def _criteria(body):
    """(low, high, keep) of findingCriteria; the bounds are those of updatedAt, in microseconds."""
    criteria = body.get("findingCriteria") or {}
    if not isinstance(criteria, dict) or set(criteria) - {"criterion"}:
        raise bad("the parameter findingCriteria has an invalid value.")
    low = high = None
    rules = []
    for name, condition in (criteria.get("criterion") or {}).items():
        if name not in ATTRIBUTES:
            raise bad("the parameter criterion has an invalid attribute %s." % name)
        if name == "updatedAt":
            low, high = _window(condition)
        else:
            rules.append(_condition(name, condition))
    return low, high, (lambda row: all(rule(row) for rule in rules)) if rules else (lambda row: True)


def _sort(body):
    """(by, descending) of sortCriteria; by None is the update instant."""
    sort = body.get("sortCriteria") or {}
    if not isinstance(sort, dict) or set(sort) - {"attributeName", "orderBy"}:
        raise bad("the parameter sortCriteria has an invalid value.")
    order, name = sort.get("orderBy", "ASC"), sort.get("attributeName")
    if order not in ("ASC", "DESC"):
        raise bad("the parameter orderBy has an invalid value.")
    if name == "updatedAt":
        return None, order == "DESC"
    if name is None:
        return (lambda row: [0]), False
    if name not in ATTRIBUTES and name not in _SORT_ONLY:
        raise bad("the parameter attributeName has an invalid value.")
    path = tuple(name.split("."))

    def by(row):
        found = row.values(path)
        number = found and isinstance(found[0], (int, float)) and not isinstance(found[0], bool)
        return [1 if number else 0, found[0] if number else _text(found[0]) if found else ""]
    return by, order == "DESC"


def _known(body, names):
    for name in body:
        if name not in names:
            raise bad("the parameter %s is unknown." % name)


def _list_findings(ctx):
    body = ctx.body
    _known(body, ("findingCriteria", "sortCriteria", "maxResults", "nextToken"))
    size = _size(body.get("maxResults", 50), 50)
    low, high, keep = _criteria(body)
    by, descending = _sort(body)
    query = ctx.tokens.digest([ctx.account, ctx.region, ctx.labels[0], "ListFindings"], body, "nextToken")
    asked = body.get("nextToken") or None
    try:
        after = ctx.tokens.read(asked, query) if asked else None
    except QueryChanged as changed:
        raise AwsError(400, "BadRequestException", "Invalid NextToken: Input Query has changed",
                       type_="InvalidInputException") from changed
    except BadToken as stale:
        raise bad("the parameter nextToken has an invalid value.") from stale
    walk = Walk(ctx.shelf, low, high, keep, by, descending)
    page = walk.page(size, after, lambda pos: ctx.tokens.make(query, pos), asked)
    return Paged(page, _encode_ids)


def _encode_ids(page):
    return [rawjson.compact({"findingIds": [row.key for row in page.rows], "nextToken": page.token or ""})]


def _ids(ctx):
    ids = ctx.body.get("findingIds")
    if not isinstance(ids, list) or len(ids) > 50 or not all(isinstance(i, str) for i in ids):
        raise bad("the parameter findingIds has an invalid value.")
    return ids


def _get_findings(ctx):
    _known(ctx.body, ("findingIds", "sortCriteria"))
    rows = ctx.shelf.rows
    found = [rows[i] for i in dict.fromkeys(_ids(ctx)) if i in rows and not rows[i].hidden]
    if ctx.body.get("sortCriteria"):
        by, descending = _sort(ctx.body)
        found.sort(key=(lambda r: [r.updated, r.seq]) if by is None else (lambda r: [*by(r), r.seq]),
                   reverse=descending)
    return Paged(Page(found), _encode_findings)


def _encode_findings(page):
    return [b'{"findings":[', b",".join(row.raw for row in page.rows), b"]}"]


def _create_samples(ctx):
    from lib import findings
    _known(ctx.body, ("findingTypes",))
    types = ctx.body.get("findingTypes") or list(findings.GUARDDUTY_TYPES)
    if not isinstance(types, list) or len(types) > 50 and "findingTypes" in ctx.body:
        raise bad("the parameter findingTypes has an invalid value.")
    for number, type_ in enumerate(types):
        doc = findings.guardduty(seed="sample/%s/%s" % (ctx.region, type_), type=type_, account=ctx.account,
                                 region=ctx.region, detector=ctx.place.detector_id, sample=True,
                                 updated=ctx.clock.now() + number / 1000)
        ctx.world.add_finding(ctx.account, ctx.region, "guardduty", rawjson.compact(doc))
    return Reply.json({})


def _archive(flag):
    def run(ctx):
        _known(ctx.body, ("findingIds",))
        for one in _ids(ctx):
            row = ctx.shelf.rows.get(one)
            if row is not None and not row.hidden:
                doc = dict(row.doc)
                doc["service"] = {**doc.get("service", {}), "archived": flag}
                row.rewrite(doc)
        return Reply.json({})
    return run


_OPS = {
    "ListDetectors": _list_detectors, "GetDetector": _get_detector, "ListFindings": _list_findings,
    "GetFindings": _get_findings, "CreateSampleFindings": _create_samples, "ArchiveFindings": _archive(True),
    "UnarchiveFindings": _archive(False),
}
