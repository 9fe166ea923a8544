"""Every request's signature is checked, as AWS checks it: what was signed wrong, by the wrong key, or at the wrong time
is refused in the words of the service. A daemon that signs wrong cannot pass a test here."""
import json
import time

import pytest

from lib import paths
from lib.signed import call, send, sign

BODY = b'{"MaxResults":10}'


def tampered(sim, service, change, body=BODY, path=None, method="POST"):
    """Sign, then change(parts) the dict of path, headers, body, method, and send."""
    path = path or {"securityhub": "/findings", "guardduty": "/detector"}.get(service, "/")
    parts = {"method": method, "body": body}
    parts["path"], parts["headers"] = sign(sim, service, method, path, body)
    change(parts)
    return send(sim, parts["method"], parts["path"], parts["headers"], parts["body"])


def _body(parts):
    parts["body"] = BODY.replace(b"10", b"11")


def _query(parts):
    parts["path"] += "?maxResults=3"


def _date(parts):
    parts["headers"]["X-Amz-Date"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 60))


def _host(parts):
    parts["headers"]["Host"] = "elsewhere:80"


def _extra(parts):
    parts["headers"]["X-Amz-Meta"] = "not signed"


def _region(parts):
    parts["headers"]["Authorization"] = parts["headers"]["Authorization"].replace("us-east-1", "us-west-2")


def _path(parts):
    parts["path"] = "/detector/1/findings"


@pytest.mark.parametrize("change", [_body, _query, _date, _host, _extra, _region, _path])
def test_a_changed_request_is_refused(sim, change):
    service = "guardduty" if change is _path else "securityhub"
    sim.service(hub=True, guardduty=True)
    answer = tampered(sim, service, change)
    assert (answer.status, answer.code) == (403, "InvalidSignatureException"), answer.body
    assert set(answer.json) == {"message"}
    assert [r["signed"] for r in sim.requests()] == [False]
    assert sim.counters()["unsigned"] == 1


@pytest.mark.parametrize("service, unknown, mismatch", [
    ("securityhub", "UnrecognizedClientException", "InvalidSignatureException"),
    ("guardduty", "UnrecognizedClientException", "InvalidSignatureException"),
    ("sns", "InvalidClientTokenId", "SignatureDoesNotMatch"), ("sts", "InvalidClientTokenId", "SignatureDoesNotMatch")])
def test_keys_and_clocks(sim, service, unknown, mismatch):
    sim.service(hub=True, guardduty=True)
    method = "GET" if service == "guardduty" else "POST"
    body = {"sns": {"Action": "ListTopics"}, "sts": {"Action": "GetCallerIdentity"}, "securityhub": {}}.get(service)

    def code(**how):
        answer = call(sim, service, method, body=body, **how)
        return (answer.status, answer.code)
    now = time.time()
    assert call(sim, service, method, body=body).status == 200
    assert code(key="AKIDNOBODY") == (403, unknown)
    assert code(secret="wrong") == (403, mismatch)
    assert code(token="a token where there is none") == (403, unknown)
    assert code(at=now - 400) == (403, mismatch)
    assert code(at=now + 400) == (403, mismatch)
    assert call(sim, service, method, body=body, at=now - 250).status == 200
    sim.set(skew=400)
    answer = call(sim, service, method, body=body)
    assert (answer.status, answer.code) == (403, mismatch)
    assert b"Signature expired" in answer.body
    from email.utils import parsedate_to_datetime
    ahead = parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
    assert 395 < ahead < 405, "Date is the simulator's clock"
    assert call(sim, service, method, body=body, at=time.time() + 400).status == 200


def test_nothing_is_answered_unsigned(sim):
    answer = send(sim, "POST", "/findings", {}, BODY)
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = send(sim, "POST", "/", form, b"Action=ListTopics&Version=2010-03-31")
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")
    answer = send(sim, "POST", "/findings", {"Authorization": "AWS4-HMAC-SHA256 nonsense"}, BODY)
    assert (answer.status, answer.code) == (403, "IncompleteSignatureException")


def test_awkward_paths_and_queries_verify(sim):
    sim.service(guardduty=True)
    for path in ("/detector?nextToken=a%2Fb%3D%3D&maxResults=5", "/detector?maxResults=5&nextToken="):
        assert call(sim, "guardduty", "GET", path=path).status == 200, path
    answer = call(sim, "guardduty", "GET", path="/detector/a%3Ab%20c")
    assert answer.code == "BadRequestException", "signed right, so it reached the service"


def test_golden_requests_verify():
    """The check itself, against requests that two independent signers agree on."""
    path = paths.shared("conformance", "requests", "golden-requests.json")
    if path is None:
        pytest.skip("no golden requests here (FINDINGSD_SHARED names them)")
    from urllib.parse import urlsplit

    from awssim import sigv4, wire
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)
    checked = 0
    for case in cases:
        headers = {k.lower(): v for k, v in case["headers"].items()}
        if "authorization" not in headers:
            continue
        url = urlsplit(case["url"])
        headers["host"] = url.netloc
        target = (url.path or "/") + ("?" + url.query if url.query else "")
        request = wire.Request(case["method"], target, headers, case["body"].encode())
        auth = sigv4.parse_authorization(headers["authorization"])
        secrets = ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        made = {sigv4.signature(s, auth, request, headers["x-amz-date"]) for s in secrets}
        assert auth["signature"] in made, case["name"]
        checked += 1
    assert checked >= 40
