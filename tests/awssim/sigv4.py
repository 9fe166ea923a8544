"""Signature Version 4, from the verifying side. Rules: AWS's own signing suite; what a service answers when it fails
differs by protocol and stands here too."""
import calendar
import hashlib
import hmac
import time
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from .errors import QUERY_XMLNS, AwsError

TOLERANCE = 300.0
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE_PATH = _SAFE | {ord("/")}

CODES = {  # what went wrong -> (name in the JSON protocols, name in the query protocol)
    "missing": ("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
    "incomplete": ("IncompleteSignatureException", "IncompleteSignature"),
    "unknown": ("UnrecognizedClientException", "InvalidClientTokenId"),
    "mismatch": ("InvalidSignatureException", "SignatureDoesNotMatch"),
    "expired": ("ExpiredTokenException", "ExpiredToken"),
}
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.")
INVALID = "The security token included in the request is invalid."


def refuse(service, why, message):
    """The AwsError of a failed check, in the words of that service."""
    query = service in QUERY_XMLNS
    return AwsError(403, CODES[why][1 if query else 0], message, bare=not query)


def encode(data, safe):
    """Percent-encode bytes, upper case."""
    return "".join(chr(b) if b in safe else "%%%02X" % b for b in data)


def canonical_path(path):
    """The wire path, dot segments and double slashes removed, encoded once more (so %3A becomes %253A)."""
    parts = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    whole = "/" + "/".join(parts)
    if len(whole) > 1 and path.endswith(("/", "/.", "/..")):
        whole += "/"
    return encode(whole.encode("latin-1"), _SAFE_PATH)


def canonical_query(query):
    """Decoded, encoded the one right way, sorted by name, then value."""
    if not query:
        return ""
    pairs = []
    for item in query.split("&"):
        name, _, value = item.partition("=")
        pairs.append((encode(unquote_to_bytes(name), _SAFE), encode(unquote_to_bytes(value), _SAFE)))
    return "&".join("%s=%s" % pair for pair in sorted(pairs))


@lru_cache(maxsize=4096)
def signing_key(secret, day, region, service):
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


@lru_cache(maxsize=4096)
def parse_authorization(value):
    """{"key", "day", "region", "service", "signed": [..], "signature"} or None."""
    if not value.startswith("AWS4-HMAC-SHA256"):
        return None
    fields = {}
    for item in value[len("AWS4-HMAC-SHA256"):].split(","):
        name, _, content = item.strip().partition("=")
        fields[name] = content
    scope = fields.get("Credential", "").split("/")
    if len(scope) < 5 or scope[-1] != "aws4_request" or not fields.get("SignedHeaders") or not fields.get("Signature"):
        return None
    return {"key": "/".join(scope[:-4]), "day": scope[-4], "region": scope[-3], "service": scope[-2],
            "signed": fields["SignedHeaders"].split(";"), "signature": fields["Signature"]}


@lru_cache(maxsize=1024)
def _stamp(value):
    try:
        return calendar.timegm(time.strptime(value, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def signature(secret, auth, request, stamp):
    """The signature that the request ought to carry. request: method, path, query, headers (name -> joined value),
    body."""
    lines = []
    for name in auth["signed"]:
        lines.append("%s:%s\n" % (name, " ".join(request.headers.get(name, "").split())))
    canonical = "\n".join((request.method, canonical_path(request.path), canonical_query(request.query),
                           "".join(lines), ";".join(auth["signed"]), hashlib.sha256(request.body).hexdigest()))
    scope = "/".join((auth["day"], auth["region"], auth["service"], "aws4_request"))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode("latin-1")).hexdigest()))
    key = signing_key(secret, auth["day"], auth["region"], auth["service"])
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def _check_signed_headers(service, auth, headers):
    must = {"host"} | {n for n in headers if n.startswith("x-amz-")}
    if "x-amz-date" not in headers:
        must.add("date")
    missing = sorted(must - set(auth["signed"]))
    if missing:
        raise refuse(service, "mismatch", "'%s' must be a 'SignedHeader' in the AWS Authorization." % missing[0])
    if auth["signed"] != sorted(auth["signed"]):
        raise refuse(service, "mismatch", MISMATCH)


def _check_age(service, auth, stamp, clock):
    when = _stamp(stamp)
    if when is None:
        raise refuse(service, "incomplete", "Date must be in ISO-8601 'basic format'. Got '%s'." % stamp)
    if stamp[:8] != auth["day"]:
        raise refuse(service, "mismatch", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                     "date from HTTP: '%s' != '%s'." % (auth["day"], stamp[:8]))
    now = clock.now()
    basic = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    edge = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now - TOLERANCE if when < now else now + TOLERANCE))
    if when < now - TOLERANCE:
        raise refuse(service, "mismatch", "Signature expired: %s is now earlier than %s (%s - 5 min.)"
                     % (stamp, edge, basic))
    if when > now + TOLERANCE:
        raise refuse(service, "mismatch", "Signature not yet current: %s is still later than %s (%s + 5 min.)"
                     % (stamp, edge, basic))


def verify(request, service, auth, key, clock):
    """Returns when the request is signed right by key (a store.Key or None), else raises AwsError."""
    stamp = request.headers.get("x-amz-date", "")
    _check_signed_headers(service, auth, request.headers)
    if key is None:
        raise refuse(service, "unknown", INVALID)
    token = request.headers.get("x-amz-security-token")
    if (key.token or None) != token:
        raise refuse(service, "unknown", INVALID)
    _check_age(service, auth, stamp, clock)
    if not hmac.compare_digest(signature(key.secret, auth, request, stamp), auth["signature"]):
        raise refuse(service, "mismatch", MISMATCH)
    if key.expires is not None and key.expires <= clock.now():
        raise refuse(service, "expired", "The security token included in the request is expired")
