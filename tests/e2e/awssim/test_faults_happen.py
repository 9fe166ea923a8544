"""A scripted fault does what its name says, as often as it was asked for, and nothing else.

Tests of the daemon's endurance stand on this: a reset that did not happen would let them pass for nothing. So each
fault is watched on the wire by a client without any tolerance, and each says how often it struck.
"""
import gzip
import json
import time

import pytest

from lib import findings
from lib.signed import call, raw
from lib.sim import ACCOUNT, TimeUp

TOPIC = "arn:aws:sns:us-east-1:%s:oncall" % ACCOUNT
BODY = {"SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "asc"}], "MaxResults": 10}


@pytest.fixture
def filled(sim):
    sim.add("securityhub", findings.many("securityhub", 25, start=findings.BASE))
    sim.topic(TOPIC)
    return sim


def get(sim, **more):
    return call(sim, "securityhub", body={**BODY, **more})


def whole(sim):
    """The bytes of a right answer's body."""
    return get(sim).body


@pytest.mark.parametrize("status, header, value", [(429, "retry_after", 7), (503, "retry_after", "soon"),
                                                   (500, "x_amz_retry_after", 1500), (404, None, None)])
def test_status(filled, status, header, value):
    fault = filled.fault("status", status=status, code="SomethingWrong", op="GetFindings", count=1,
                         **({header: value} if header else {}))
    answer = get(filled)
    assert (answer.status, answer.code) == (status, "SomethingWrong")
    if header:
        name = {"retry_after": "retry-after", "x_amz_retry_after": "x-amz-retry-after"}[header]
        assert answer.headers[name] == str(value)
    assert get(filled).status == 200
    assert filled.fired(fault) == 1


def test_when_and_whom(filled):
    nth = filled.fault("status", status=500, op="GetFindings", region="us-east-1", nth=3)
    skip = filled.fault("status", status=502, op="GetFindings", skip=3, count=2)
    other = filled.fault("status", status=503, op="DescribeHub")
    assert [get(filled).status for _ in range(8)] == [200, 200, 500, 200, 502, 502, 200, 200]
    assert call(filled, "securityhub", "GET", "/accounts").status == 503
    assert [filled.fired(f) for f in (nth, skip, other)] == [1, 2, 1]
    filled.heal()
    assert call(filled, "securityhub", "GET", "/accounts").status == 200
    filled.fault("status", status=500, contains='"MaxResults": 11')
    assert get(filled).status == 200
    assert get(filled, MaxResults=11).status == 500
    status, answer = filled.control("POST", "faults", [{"fault": "earthquake"}])
    assert status == 400 and "earthquake" in answer["error"]
    assert filled.control("POST", "faults", [{"fault": "slow", "match": {"opp": "x"}}])[0] == 400
    status, answer = filled.control("POST", "faults", [{"fault": "slow", "second": 1}])
    assert status == 400 and "second cannot be set" in answer["error"], "a misspelt setting must not pass for nothing"


def test_bodies(filled):
    good = whole(filled)
    filled.fault("html", nth=1, status=503)
    filled.fault("empty", nth=1)
    filled.fault("garbage", nth=1)
    filled.fault("ok_with_error", nth=1)
    filled.fault("redirect", nth=1, status=307, location="http://127.0.0.1:1/x")
    filled.fault("invalid_utf8", nth=1)
    answers = [get(filled) for _ in range(7)]
    assert (answers[0].status, answers[0].body[:6]) == (503, b"<html>")
    assert (answers[1].status, answers[1].body) == (200, b"")
    with pytest.raises(ValueError):
        json.loads(answers[2].body)
    assert answers[2].status == 200 and len(answers[2].body) == 2000
    assert answers[3].status == 200 and "Code" in answers[3].json
    assert (answers[4].status, answers[4].headers["location"]) == (307, "http://127.0.0.1:1/x")
    with pytest.raises(UnicodeDecodeError):
        answers[5].body.decode()
    assert len(json.loads(answers[5].body.decode("utf-8", "replace"))["Findings"]) == 10, "all else is as it should be"
    assert answers[6].json["Findings"] == json.loads(good)["Findings"]


def test_reset_after_so_many_bytes(filled):
    for at in (0, 50, 400):
        filled.fault("reset", nth=1, at=at)
        got, end = raw(filled, "securityhub", body=BODY)
        assert end == "reset" and len(got) in (0, at)       # RST may overtake what was sent before it
        filled.heal()


def test_cut_body(filled):
    good = whole(filled)
    filled.fault("cut", nth=1, at=100)
    got, end = raw(filled, "securityhub", body=BODY)
    head, _, body = got.partition(b"\r\n\r\n")
    assert end == "closed" and body == good[:100]
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert length > 1000


def test_wrong_length_http10_and_chunks(filled):
    filled.fault("wrong_content_length", nth=1, by=50)
    filled.fault("http10", nth=1)
    filled.fault("chunk_error", nth=1)
    got, _ = raw(filled, "securityhub", body=BODY)
    head, _, body = got.partition(b"\r\n\r\n")
    assert int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) == len(body) + 50
    got, end = raw(filled, "securityhub", body=BODY)
    assert got.startswith(b"HTTP/1.0 200") and b"Content-Length" not in got and end == "closed"
    got, _ = raw(filled, "securityhub", body=BODY)
    assert b"Transfer-Encoding: chunked" in got and b"\r\nnot-a-length\r\n" in got


def test_slow_stall_and_trickle(filled):
    filled.fault("slow", nth=1, seconds=0.3)
    before = time.monotonic()
    assert get(filled).status == 200
    assert time.monotonic() - before >= 0.3
    filled.fault("stall", nth=1)
    assert raw(filled, "securityhub", body=BODY, timeout=0.3) == (b"", "timeout")
    filled.fault("stall", nth=1, head=True)
    got, end = raw(filled, "securityhub", body=BODY, timeout=0.3)
    assert got.endswith(b"\r\n\r\n") and end == "timeout"
    filled.fault("trickle", nth=1, interval=0.01, plain=20)
    got, end = raw(filled, "securityhub", body=BODY, timeout=0.2)
    assert end in ("timeout", "closed") and 20 < len(got)
    assert get(filled).status == 200


def test_too_much(filled):
    filled.fault("oversize", nth=1, bytes=20_000_000)
    assert len(get(filled).body) == 20_000_000
    filled.fault("gzip_bomb", nth=1, bytes=50_000_000)
    bomb = get(filled)
    assert bomb.headers["content-encoding"] == "gzip" and len(bomb.body) < 100_000
    assert len(gzip.decompress(bomb.body)) == 50_000_000
    filled.fault("endless", nth=1)
    import socket
    from lib.signed import sign
    path, headers = sign(filled, "securityhub", "POST", "/findings", b"{}")
    with socket.create_connection(("127.0.0.1", filled.port), 10) as conn:
        lines = "".join("%s: %s\r\n" % pair for pair in headers.items())
        conn.sendall(("POST %s HTTP/1.1\r\n%sContent-Length: 2\r\n\r\n{}" % (path, lines)).encode())
        got = 0
        while got < 30_000_000:
            piece = conn.recv(1 << 20)
            assert piece
            got += len(piece)
    assert get(filled).status == 200, "it is not stuck with the one that went away"


def walk(sim, limit=20):
    """(ids, pages, what stopped it) of a walk that trusts every token."""
    ids, pages, token = [], 0, None
    while pages < limit:
        answer = get(sim, **({"NextToken": token} if token else {}))
        if answer.status != 200:
            return ids, pages, answer.code
        pages += 1
        ids += [f["Id"] for f in answer.json["Findings"]]
        if answer.json.get("NextToken") == token and token:
            return ids, pages, "same token"
        token = answer.json.get("NextToken")
        if not token:
            return ids, pages, None
    return ids, pages, "limit"


def test_pages_gone_wrong(filled):
    right, pages, _ = walk(filled)
    assert (len(right), len(set(right)), pages) == (25, 25, 3)
    filled.fault("repeated_token", nth=2)
    assert walk(filled)[2] == "same token"
    filled.heal()
    filled.fault("empty_page_with_token", nth=2)
    assert walk(filled) == (right, 4, None)
    filled.heal()
    filled.fault("token_on_last_page", nth=3)
    assert walk(filled) == (right, 4, None)
    filled.heal()
    filled.fault("duplicate_finding", nth=2)
    assert walk(filled)[0] == right[:20] + [right[10]] + right[20:]
    filled.heal()
    filled.fault("missing_finding", nth=1)
    assert walk(filled)[0] == right[:9] + right[10:]
    filled.heal()
    filled.fault("expired_token", nth=2)
    assert walk(filled)[1:] == (1, "InvalidInputException")
    filled.heal()
    filled.fault("expired_credentials", nth=2)
    assert walk(filled)[1:] == (1, "ExpiredTokenException")


def test_pages_of_guardduty_gone_wrong(sim):
    sim.add("guardduty", findings.many("guardduty", 25))
    path = "/detector/%s/findings" % findings.detector_id()

    def page(token=""):
        return call(sim, "guardduty", path=path, body={"maxResults": 10, "nextToken": token}).json
    sim.fault("repeated_token", op="ListFindings", skip=1)
    sim.fault("missing_finding", op="GetFindings", nth=1)
    first = page()
    assert page(first["nextToken"])["nextToken"] == first["nextToken"]
    got = call(sim, "guardduty", path=path + "/get", body={"findingIds": first["findingIds"]}).json["findings"]
    assert [f["id"] for f in got] == first["findingIds"][:-1]


def test_a_lost_answer_of_publish_leaves_the_message(filled):
    form = {"Action": "Publish", "TopicArn": TOPIC, "Message": "kept"}
    filled.fault("reset", op="Publish", nth=1, at=0)
    with pytest.raises(OSError):
        call(filled, "sns", body=form)
    assert [m["message"] for m in filled.published()] == ["kept"]
    filled.fault("reset", op="Publish", nth=1, at=0, before=True)
    with pytest.raises(OSError):
        call(filled, "sns", body={**form, "Message": "never done"})
    assert len(filled.published()) == 1


def test_errors_of_sns_are_xml(filled):
    filled.fault("status", service="sns", status=429, code="Throttled", nth=1)
    answer = call(filled, "sns", body={"Action": "ListTopics"})
    assert (answer.status, answer.code) == (429, "Throttled")
    assert answer.headers["content-type"] == "text/xml"


def test_one_entry_of_a_batch_fails(filled):
    filled.fault("entry", op="PublishBatch", entry="2", code="InternalError")
    form = {"Action": "PublishBatch", "TopicArn": TOPIC}
    for n in (1, 2, 3):
        form["PublishBatchRequestEntries.member.%d.Id" % n] = str(n)
        form["PublishBatchRequestEntries.member.%d.Message" % n] = "m%d" % n
    answer = call(filled, "sns", body=form)
    assert answer.status == 200
    assert b"<Failed><member><Id>2</Id><Code>InternalError</Code>" in answer.body
    assert [m["message"] for m in filled.published()] == ["m1", "m3"]


def test_clock_of_one_answer(filled):
    from email.utils import parsedate_to_datetime
    filled.fault("skew", nth=1, seconds=7200)
    off = [parsedate_to_datetime(get(filled).headers["date"]).timestamp() - time.time() for _ in range(2)]
    assert 7190 < off[0] < 7210 and -10 < off[1] < 10


def test_quotas_throttle_per_account_region_and_call(filled):
    filled.set(quotas=True, rates={"securityhub.GetFindings": [0.001, 6]})
    assert [get(filled).status for _ in range(8)] == [200] * 6 + [429] * 2
    assert get(filled).code == "TooManyRequestsException"
    assert call(filled, "securityhub", body={}, region="eu-west-1").status == 401, "another region's bucket is full"
    assert call(filled, "securityhub", "GET", "/accounts").status == 200
    assert filled.counters()["throttled"] == 3


def test_waiting_for_counts(filled):
    with pytest.raises(TimeUp, match="requests.GetFindings>=1"):
        filled.wait("requests.GetFindings>=1", timeout=0.2)
    get(filled)
    assert filled.wait("requests.GetFindings>=1", "requests.status.200==1")["served.securityhub"] == 10
    assert filled.control("GET", "wait", **{"for": "nonsense"})[0] == 400


def test_it_ends_in_order_and_comes_back_at_its_port(filled):
    port = filled.port
    assert filled.stop() == 0
    filled.start(port=port)
    assert filled.port == port
    assert filled.counters() == {}
