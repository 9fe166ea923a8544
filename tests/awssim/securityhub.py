"""Security Hub: findings by filters, updates by analysts (BatchUpdate) and by providers (BatchImport)."""
import re

from . import instants, rawjson
from .errors import AwsError
from .filters import SORTABLE, compile_filters, invalid, path_of
from .reply import Paged, Reply
from .tokens import BadToken, QueryChanged
from .walk import Walk

_ROUTES = {
    ("GET", "/accounts"): "DescribeHub", ("POST", "/findings"): "GetFindings",
    ("PATCH", "/findings/batchupdate"): "BatchUpdateFindings", ("POST", "/findings/import"): "BatchImportFindings",
    ("GET", "/findingAggregator/list"): "ListFindingAggregators",
}
_REQUIRED = ("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Title",
             "Description", "Resources")
_ANALYST = ("Note", "UserDefinedFields", "VerificationState", "Workflow")
_UPDATES = ("FindingIdentifiers", "Note", "Severity", "VerificationState", "Confidence", "Criticality", "Types",
            "UserDefinedFields", "Workflow", "RelatedFindings")
_NORMALIZED = {"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}
_WORKFLOW = ("NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED")
MAX_IMPORT = 240 * 1024


def route(method, path):
    op = _ROUTES.get((method, path))
    return (op, []) if op else None


def call(ctx):
    if not ctx.place.hub:
        raise AwsError(401, "InvalidAccessException",
                       "Account %s is not subscribed to AWS Security Hub" % ctx.account)
    return _OPS[ctx.op](ctx)


def _known(body, names):
    for name in body:
        if name not in names:
            raise invalid("Invalid parameter '%s'. It is not known." % name)


def _describe(ctx):
    return Reply.json({"HubArn": "arn:aws:securityhub:%s:%s:hub/default" % (ctx.region, ctx.account),
                       "SubscribedAt": "2024-03-01T08:00:00.000Z", "AutoEnableControls": True})


def _aggregators(ctx):
    home = ctx.world.home_of(ctx.account, ctx.region) or (ctx.world.aggregators.get(ctx.account) or {}).get("home")
    found = [{"FindingAggregatorArn": "arn:aws:securityhub:%s:%s:finding-aggregator/%s"
              % (home, ctx.account, "00000000-1111-4222-8333-444444444444")}] if home else []
    return Reply.json({"FindingAggregators": found})


def _sort(criteria):
    """(by, descending); by None is UpdatedAt alone."""
    if not criteria:
        return (lambda row: [0]), False
    if not isinstance(criteria, list):
        raise invalid("Invalid parameter 'SortCriteria'. It must be a list.")
    columns = []
    for one in criteria:
        if not isinstance(one, dict) or set(one) - {"Field", "SortOrder"}:
            raise invalid("Invalid parameter 'SortCriteria'.")
        if one.get("SortOrder", "asc") not in ("asc", "desc") or one.get("Field") not in SORTABLE:
            raise invalid("Invalid parameter 'SortCriteria'. Field or SortOrder is not known: %s." % one)
        columns.append((one["Field"], one.get("SortOrder", "asc") == "desc"))
    if len(columns) == 1 and columns[0][0] == "UpdatedAt":
        return None, columns[0][1]
    if len({down for _, down in columns}) > 1:
        raise invalid("Invalid parameter 'SortCriteria'. The simulator sorts all fields one way.")
    paths = [path_of(SORTABLE[name]) for name, _ in columns]
    return (lambda row: [_rank(row, path) for path in paths]), columns[0][1]


def _rank(row, path):
    found = row.values(path)
    if not found:
        return [0, 0, ""]
    value = found[0]
    if isinstance(value, (int, float)):
        return [1, value, ""]
    at = instants.parse(value)
    return [2, at, ""] if at is not None else [3, 0, str(value)]


def _get_findings(ctx):
    body = ctx.body
    _known(body, ("Filters", "SortCriteria", "NextToken", "MaxResults"))
    size = body.get("MaxResults", 100)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 100:
        raise invalid("Invalid parameter 'MaxResults'. It must be between 1 and 100.")
    low, high, ids, keep = compile_filters(body.get("Filters") or {}, ctx.clock.micros())
    by, descending = _sort(body.get("SortCriteria"))
    query = ctx.tokens.digest([ctx.account, ctx.region, "GetFindings"], body, "NextToken")
    asked = body.get("NextToken") or None
    try:
        after = ctx.tokens.read(asked, query) if asked else None
    except QueryChanged as changed:
        raise invalid("Invalid NextToken: Input Query has changed") from changed
    except BadToken as stale:
        raise invalid("Invalid parameter 'NextToken'. The token is invalid or has expired.") from stale
    walk = Walk(ctx.shelf, low, high, keep, by, descending, ids)
    return Paged(walk.page(size, after, lambda pos: ctx.tokens.make(query, pos), asked), _encode)


def _encode(page):
    tail = b'],"NextToken":"%s"}' % page.token.encode() if page.token else b"]}"
    return [b'{"Findings":[', b",".join(row.raw for row in page.rows), tail]


def _check_update(body):
    _known(body, _UPDATES)
    ids = body.get("FindingIdentifiers")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise invalid("Invalid parameter 'FindingIdentifiers'. It must hold 1 to 100 items.")
    for one in ids:
        if not isinstance(one, dict) or set(one) != {"Id", "ProductArn"}:
            raise invalid("Invalid parameter 'FindingIdentifiers'. Each needs Id and ProductArn.")
    if len(body) == 1:
        raise invalid("Invalid request. At least one field to update is needed.")
    status = body.get("Workflow", {}).get("Status")
    if "Workflow" in body and status not in _WORKFLOW:
        raise invalid("Invalid parameter 'Workflow.Status'. It must be one of %s." % ", ".join(_WORKFLOW))
    if "Severity" in body and body["Severity"].get("Label", "LOW") not in _NORMALIZED:
        raise invalid("Invalid parameter 'Severity.Label'.")
    if "Note" in body and set(body["Note"]) != {"Text", "UpdatedBy"}:
        raise invalid("Invalid parameter 'Note'. It needs Text and UpdatedBy.")
    return ids


def _updated(doc, body, now):
    """A changed copy of a finding. UpdatedAt stays: it is the provider's."""
    new = dict(doc)
    for name in ("VerificationState", "Confidence", "Criticality", "Types", "UserDefinedFields", "RelatedFindings"):
        if name in body:
            new[name] = body[name]
    if "Note" in body:
        new["Note"] = {**body["Note"], "UpdatedAt": now}
    if "Workflow" in body:
        new["Workflow"] = {**new.get("Workflow", {}), **body["Workflow"]}
    if "Severity" in body:
        severity = {**new.get("Severity", {}), **body["Severity"]}
        if "Label" in body["Severity"]:
            severity["Normalized"] = _NORMALIZED[severity["Label"]]
        new["Severity"] = severity
    return new


def _batch_update(ctx):
    done, not_done = [], []
    now = instants.text(ctx.clock.micros())
    for one in _check_update(ctx.body):
        rows = ctx.world.hub_rows(ctx.account, ctx.region, (one["ProductArn"], one["Id"]))
        for row in rows:
            row.rewrite(_updated(row.doc, ctx.body, now))
        if rows:
            done.append(one)
        else:
            not_done.append({"FindingIdentifier": one, "ErrorCode": "FindingNotFound",
                             "ErrorMessage": "Finding Not Found"})
    return Reply.json({"ProcessedFindings": done, "UnprocessedFindings": not_done})


def _import_fault(ctx, doc):
    """What is wrong with a finding to import, or None."""
    if not isinstance(doc, dict):
        return "Finding does not adhere to Amazon Finding Format."
    missing = [name for name in _REQUIRED if name not in doc]
    if missing:
        return "Finding does not adhere to Amazon Finding Format. data should have required property '%s'." % missing[0]
    if "Severity" not in doc and "FindingProviderFields" not in doc:
        return "Finding does not adhere to Amazon Finding Format. data should have required property 'Severity'."
    if instants.parse(doc["UpdatedAt"]) is None or instants.parse(doc["CreatedAt"]) is None:
        return "Finding does not adhere to Amazon Finding Format. data should match format \"date-time\"."
    if not re.match(r"^arn:[\w-]+:securityhub:%s:\d*:product/.+/.+" % re.escape(ctx.region), str(doc["ProductArn"])):
        return "Invalid ProductArn for this Region."
    if len(rawjson.compact(doc)) > MAX_IMPORT:
        return "Finding is over 240 KB."
    return None


def _imported(ctx, doc, old):
    """The finding as the hub keeps it: defaults filled in, what an analyst set kept."""
    new = dict(doc)
    new.setdefault("RecordState", "ACTIVE")
    new.setdefault("Workflow", {"Status": "NEW"})
    new.setdefault("WorkflowState", "NEW")
    new.setdefault("Region", ctx.region)
    label = new.get("Severity", {}).get("Label")
    if label in _NORMALIZED:
        new["Severity"] = {"Normalized": _NORMALIZED[label], **new["Severity"]}
    new["ProcessedAt"] = instants.text(ctx.clock.micros())
    new["ProductFields"] = {**new.get("ProductFields", {}),
                            "aws/securityhub/FindingId": "%s/%s" % (doc["ProductArn"], doc["Id"])}
    for name in _ANALYST if old else ():
        if name in old:
            new[name] = old[name]
    return new


def _batch_import(ctx):
    _known(ctx.body, ("Findings",))
    found = ctx.body.get("Findings")
    if not isinstance(found, list) or not 1 <= len(found) <= 100:
        raise invalid("Invalid parameter 'Findings'. It must hold 1 to 100 items.")
    failed = []
    for doc in found:
        fault = _import_fault(ctx, doc)
        if fault is None:
            old = ctx.shelf.rows.get((doc["ProductArn"], doc["Id"]))
            if old is not None and instants.parse(doc["UpdatedAt"]) <= old.updated:
                fault = "UpdatedAt is not later than that of the stored finding."
            else:
                new = _imported(ctx, doc, old.doc if old else None)
                ctx.world.add_finding(ctx.account, ctx.region, "securityhub", rawjson.compact(new))
        if fault is not None:
            failed.append({"Id": str(doc.get("Id", "")) if isinstance(doc, dict) else "", "ErrorCode": "InvalidInput",
                           "ErrorMessage": fault})
    return Reply.json({"FailedCount": len(failed), "SuccessCount": len(found) - len(failed), "FailedFindings": failed})


_OPS = {
    "DescribeHub": _describe, "GetFindings": _get_findings, "BatchUpdateFindings": _batch_update,
    "BatchImportFindings": _batch_import, "ListFindingAggregators": _aggregators,
}
