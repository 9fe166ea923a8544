"""The query protocol: a form in, XML out (SNS and STS)."""
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from .errors import QUERY_XMLNS, AwsError
from .reply import Reply


def read_form(body):
    """name -> value of a form, as sent; a name twice or broken UTF-8 is refused."""
    form = {}
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict")
    except (UnicodeDecodeError, ValueError) as bad:
        raise AwsError(400, "MalformedQueryString", "The query string is not valid UTF-8.") from bad
    for name, value in pairs:
        if name in form:
            raise AwsError(400, "MalformedQueryString", "The parameter %s is given twice." % name)
        form[name] = value
    return form


def members(form, prefix):
    """The numbered groups below prefix, in order: [{rest of the name: value}]."""
    groups = {}
    for name, value in form.items():
        if name.startswith(prefix + "."):
            number, _, rest = name[len(prefix) + 1:].partition(".")
            if number.isdigit():
                groups.setdefault(int(number), {})[rest] = value
    return [groups[number] for number in sorted(groups)]


def xml(value, name):
    """An element of nested dicts, lists (as member) and strings."""
    if isinstance(value, dict):
        inner = "".join(xml(v, k) for k, v in value.items() if v is not None)
    elif isinstance(value, list):
        inner = "".join(xml(v, "member") for v in value)
    else:
        inner = escape(str(value))
    return "<%s>%s</%s>" % (name, inner, name)


def answer(ctx, result):
    """The Reply of an operation that went well."""
    inside = xml(result, ctx.op + "Result") if result is not None else ""
    return Reply.xml('<%sResponse xmlns="%s">%s<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>\n'
                     % (ctx.op, QUERY_XMLNS[ctx.service], inside, ctx.request_id, ctx.op))
