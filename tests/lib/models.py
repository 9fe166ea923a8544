"""botocore's service models as a judge: of each request that the daemon makes, and of each answer that the simulator
gives.

    assert models.check_requests(sim.requests()) == []
    assert models.check_answer("securityhub", "GetFindings", 200, headers, body) == []

Both give a list of faults in words, empty when all is well. For requests: verb, path, query, members known, required
ones there, types right, sizes within bounds. For answers: parseable, members known and of the right type, required ones
there. What findings hold beyond Debian's older models is named in NEWER.
"""
import functools
import json
import re
from urllib.parse import parse_qsl, unquote

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.validate

NEWER = {       # members that AWS has added since Debian 12's botocore
    "Finding": {"associatedAttackSequenceArn"}, "Service": {"detection"}, "AwsSecurityFinding": {"AwsAccountName"},
    "Compliance": {"SecurityControlId", "AssociatedStandards", "SecurityControlParameters"},
}
SERVICES = ("guardduty", "securityhub", "sns", "sts")


@functools.lru_cache(maxsize=None)
def model(service):
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service_name=service)


def _members(shape):
    """wire name -> (member name, shape) of the members that travel in the body."""
    return {m.serialization.get("name", name): (name, m) for name, m in shape.members.items()
            if m.serialization.get("location") is None}


def _check_scalar(value, shape, where, bounds):
    kind = shape.type_name
    fits = {
        "string": lambda v: isinstance(v, str), "boolean": lambda v: isinstance(v, bool),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool) and -2**31 <= v < 2**31,
        "long": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "double": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        "timestamp": lambda v: isinstance(v, (int, float, str)), "blob": lambda v: isinstance(v, str),
    }[kind]
    faults = [] if fits(value) else ["%s: %r is no %s" % (where, value, kind)]
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        faults.append("%s: %r is none of %s" % (where, value, ", ".join(enum)))
    return faults or (_check_bounds(value, shape, where) if bounds else [])


def _check_bounds(value, shape, where):
    size = len(value) if isinstance(value, (str, list, dict)) else value
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(size, (int, float)) and (low is not None and size < low or high is not None and size > high):
        return ["%s: %r is not within %s and %s" % (where, size, low, high)]
    return []


def check_json(value, shape, where, bounds=False):
    """Faults of a JSON value against a shape, names as on the wire. bounds: lengths and ranges count (in requests; the
    services' own answers go beyond them)."""
    if value is None:
        return ["%s: null" % where]
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return ["%s: %r is no structure" % (where, value)]
        known, faults = _members(shape), []
        for name, inner in value.items():
            if name in known:
                faults += check_json(inner, known[name][1], "%s.%s" % (where, name), bounds)
            elif name not in NEWER.get(shape.name, ()):
                faults.append("%s.%s: unknown to %s" % (where, name, shape.name))
        present = {known[name][0] for name in value if name in known}
        body = {member for member, _ in known.values()}
        faults += ["%s: %s is required" % (where, name) for name in shape.required_members
                   if name in body and name not in present]
        return faults
    if shape.type_name == "list":
        if not isinstance(value, list):
            return ["%s: %r is no list" % (where, value)]
        inner = [f for n, v in enumerate(value) for f in check_json(v, shape.member, "%s[%d]" % (where, n), bounds)]
        return (_check_bounds(value, shape, where) if bounds else []) + inner
    if shape.type_name == "map":
        if not isinstance(value, dict):
            return ["%s: %r is no map" % (where, value)]
        return [f for k, v in value.items() for f in check_json(v, shape.value, "%s{%s}" % (where, k), bounds)]
    return _check_scalar(value, shape, where, bounds)


# requests

def _template(uri):
    """(pattern of the path, label names, fixed query) of a requestUri."""
    path, _, query = uri.partition("?")
    names = re.findall(r"\{(\w+)\+?\}", path)
    form = "".join("([^/]+)" if part.startswith("{") and not part.endswith("+}") else "(.+)" if part.startswith("{")
                   else re.escape(part) for part in re.split(r"(\{\w+\+?\})", path))
    return re.compile("^%s$" % form), names, query


def _split_places(shape):
    """location -> {wire name: (member name, shape)}."""
    places = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        places.setdefault(location, {})[member.serialization.get("name", name)] = (name, member)
    return places


def _typed(text, shape):
    """A query string's value as the model's type."""
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text == "true" if shape.type_name == "boolean" else text


def _rest_params(operation, record):
    """(parameters by member name, faults) of a rest-json request."""
    shape, faults, params = operation.input_shape, [], {}
    pattern, labels, _ = _template(operation.http["requestUri"])
    found = pattern.match(record["path"])
    if not found:
        return {}, ["path %s is not %s" % (record["path"], operation.http["requestUri"])]
    places = _split_places(shape) if shape else {}
    for label, value in zip(labels, found.groups()):
        name, _ = places["uri"][label]
        params[name] = unquote(value)
    for key, value in parse_qsl(record["query"], keep_blank_values=True):
        if key not in places.get("querystring", {}):
            faults.append("query string: %s is unknown" % key)
            continue
        name, member = places["querystring"][key]
        try:
            params[name] = _typed(value, member)
        except ValueError:
            faults.append("query string: %s=%r is no %s" % (key, value, member.type_name))
    return params, faults + _rest_body(operation, record, shape, params)


def _rest_body(operation, record, shape, params):
    known = _members(shape) if shape else {}
    if not known:
        return ["a body, where %s has none" % operation.name] if record["body"] else []
    if not record["body"]:
        return []
    kind = record["headers"].get("content-type", "")
    faults = [] if kind.startswith("application/json") else ["content-type is %r, not application/json" % kind]
    try:
        body = json.loads(record["body"])
    except ValueError as bad:
        return faults + ["body is no JSON: %s" % bad]
    if not isinstance(body, dict):
        return faults + ["body is no JSON object"]
    faults += [f for f in check_json(body, shape, "body", bounds=True) if " is required" not in f]
    params.update(_by_member(body, shape))
    return faults


def _by_member(value, shape):
    """A JSON value with the wire's names replaced by the model's, for botocore's validator."""
    if shape.type_name == "structure" and isinstance(value, dict):
        known = _members(shape)
        return {known[k][0]: _by_member(v, known[k][1]) for k, v in value.items() if k in known}
    if shape.type_name == "list" and isinstance(value, list):
        return [_by_member(v, shape.member) for v in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {k: _by_member(v, shape.value) for k, v in value.items()}
    return value


def _query_value(form, prefix, shape, used):
    """A value of the query protocol below prefix, its names ticked off in used; None when there is none."""
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            inner = _query_value(form, "%s.%s" % (prefix, wire) if prefix else wire, member, used)
            if inner is not None:
                found[name] = inner
        return found or None
    if shape.type_name in ("list", "map"):
        return _query_group(form, prefix, shape, used)
    if prefix not in form:
        return None
    used.add(prefix)
    text = form[prefix]
    if shape.type_name in ("integer", "long"):
        return int(text) if re.match(r"^-?\d+$", text) else text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text.encode() if shape.type_name == "blob" else text


def _query_group(form, prefix, shape, used):
    middle = "" if shape.serialization.get("flattened") else \
        (".entry" if shape.type_name == "map" else "." + shape.member.serialization.get("name", "member"))
    many, one, number = [], {}, 1
    while any(name.startswith("%s%s.%d" % (prefix, middle, number)) for name in form):
        at = "%s%s.%d" % (prefix, middle, number)
        if shape.type_name == "list":
            many.append(_query_value(form, at, shape.member, used))
        else:
            key = _query_value(form, "%s.%s" % (at, shape.key.serialization.get("name", "key")), shape.key, used)
            one[key] = _query_value(form, "%s.%s" % (at, shape.value.serialization.get("name", "value")), shape.value,
                                    used)
        number += 1
    return (many or None) if shape.type_name == "list" else (one or None)


def _query_params(service, operation, record):
    form, faults = dict(parse_qsl(record["body"], keep_blank_values=True)), []
    pairs = parse_qsl(record["body"], keep_blank_values=True)
    if len(pairs) != len(form):
        faults.append("a form field is there twice")
    if record["path"] != "/" or record["query"]:
        faults.append("path is %s?%s, not /" % (record["path"], record["query"]))
    kind = record["headers"].get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        faults.append("content-type is %r, not a form's" % kind)
    if form.pop("Action", None) != operation.name:
        faults.append("Action is not %s" % operation.name)
    if form.pop("Version", None) != model(service).api_version:
        faults.append("Version is not %s" % model(service).api_version)
    used = set()
    params = _query_value(form, "", operation.input_shape, used) or {} if operation.input_shape else {}
    return params, faults + ["form field %s is unknown" % name for name in sorted(set(form) - used)]


def check_request(service, op, record):
    """Faults of one request (as Sim.requests() gives it) against the model."""
    if service not in SERVICES or op not in model(service).operation_names:
        return ["%s has no operation %s" % (service, op)]
    operation = model(service).operation_model(op)
    faults = []
    if record["method"] != operation.http["method"]:
        faults.append("method is %s, not %s" % (record["method"], operation.http["method"]))
    if model(service).metadata["protocol"] == "query":
        params, more = _query_params(service, operation, record)
    else:
        params, more = _rest_params(operation, record)
    faults += more
    if operation.input_shape is not None:
        report = botocore.validate.ParamValidator().validate(params, operation.input_shape)
        if report.has_errors():
            faults += report.generate_report().split("\n")
    return faults


def check_requests(records):
    """Faults of all requests in a log, each with its number and name; also unsigned or unknown ones."""
    found = []
    for record in records:
        faults = [] if record["signed"] else ["was not signed right"]
        faults += check_request(record["service"], record["op"], record) if record["op"] else ["is no known operation"]
        found += ["request %d, %s %s: %s" % (record["n"], record["service"], record["op"], f) for f in faults]
    return found


# answers

def parse_answer(service, op, status, headers, body):
    """The answer as boto3 would hand it out."""
    parser = botocore.parsers.create_parser(model(service).metadata["protocol"])
    return parser.parse({"status_code": status, "headers": headers, "body": body},
                        model(service).operation_model(op).output_shape)


def check_answer(service, op, status, headers, body):
    """Faults of an answer. headers with lower-case names."""
    try:
        parsed = parse_answer(service, op, status, headers, body)
    except botocore.parsers.ResponseParserError as bad:
        return ["cannot be parsed: %s" % bad]
    if status >= 300:
        code = parsed.get("Error", {}).get("Code")
        return [] if code and not code.isdigit() else ["an error of status %d without a code" % status]
    if model(service).metadata["protocol"] == "query":
        return _check_parsed(parsed, model(service).operation_model(op).output_shape)
    shape = model(service).operation_model(op).output_shape
    if not body:
        return [] if shape is None or not shape.members else ["an empty body"]
    return check_json(json.loads(body), shape, "body") if shape is not None else []


def _check_parsed(parsed, shape):
    """The query protocol: what the parser found, against what is required (it drops what it does not know)."""
    if shape is None:
        return []
    faults = ["%s is required" % name for name in shape.required_members if name not in parsed]
    return faults if shape.required_members or set(parsed) - {"ResponseMetadata"} or not shape.members else \
        ["nothing of %s was found" % shape.name]
