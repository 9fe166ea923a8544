"""R10, the sinks' side: a webhook receiver, SNS and STS behind a proxy that breaks every exchange in another way.

For each way: what became of the item is what the contract says (retried, buried, sink held, delivered), nothing is lost, what
repeats is only what the receiver had when its answer was lost, and it has the same message key. The loop is never stalled, a
healthy sink beside is not delayed, and memory stays bounded.
"""
import collections
import email.utils
import gzip
import json
import ssl
import time

import pytest
from lib import faulty, findings, ledger, sick, verdict
from lib.certs import Certs
from lib.daemon import rule, source, topic, webhook
from lib.hook import Hook

TORTURE = "R10"
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
ALL = {"source": ["aws.securityhub"]}
BODY = b'{"ok":true,"words":"' + b"x" * 560 + b'"}'     # so that there are 600 bytes of answer to cut
RSS_MAX_KIB = 40 * 1024
STALL_MAX_S = 0.5
# No item of the healthy sink waits for a sick exchange's second. Its delays before and beside are compared by R14, whose receivers are
# a process of their own; here they share an interpreter with the proxy.
WELL_MAX_MS = 500
STEP = 1 if verdict.is_long() else 37
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
SNS_ERROR = (b"<ErrorResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><Error><Type>Sender</Type><Code>%s</Code><Message>no"
             b"</Message></Error><RequestId>1</RequestId></ErrorResponse>")


def cuts(request_to, answer_to, taken_from):
    """taken_from: from this byte of the answer on, the sender knows that the message was taken."""
    for with_reset in (True, False):
        for at in range(0, request_to, STEP):
            yield faulty.cut_request(at, with_reset)
        for at in range(0, answer_to, STEP):
            yield faulty.cut_answer(at, with_reset, "retry" if at < taken_from else "done")


def statuses(sink):
    for status in (301, 302, 307, 308):
        yield faulty.say(status, "Location: http://127.0.0.1:1/else\r\n", want="dead" if sink == "hook" else "retry")
    for status in (400, 404, 405, 409, 422):
        yield faulty.say(status, body=b"no", want="dead")
    for status in (401, 403, 407):
        yield faulty.say(status, body=b"who are you", want="hold")
    for status in (408, 425, 429, 500, 502, 503, 504, 599):
        yield faulty.say(status, body=b"<html>later</html>", want="retry")
    for after in ("2", "0", "999999", "soon", "-1", "1, 2", email.utils.formatdate(time.time() + 120, usegmt=True),
                  email.utils.formatdate(time.time() - 120, usegmt=True)):
        yield faulty.say(429, "Retry-After: %s\r\n" % after, want="retry")


def broken_answers(is_status_enough):
    """The receiver has the message. is_status_enough: a 2xx is all that is asked for; else the answer has to be SNS's own."""
    rest = {"want": "done"} if is_status_enough else {"want": "retry", "is_lost": True}
    for name, data in {
            "Content-Length too long": HEAD + b"Content-Length: 999\r\n\r\nshort",
            "Content-Length too short": HEAD + b"Content-Length: 2\r\n\r\nlonger than that",
            "Content-Length of a liar": HEAD + b"Content-Length: 99999999999999999999\r\n\r\nx",
            "Content-Length negative": HEAD + b"Content-Length: -5\r\n\r\nx",
            "chunk error": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnot-a-length\r\n",
            "chunk over 2^64": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
            "chunks without end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "gzip bomb": HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 50_000_000, 9),
            "garbage said to be gzip": HEAD + b"Content-Encoding: gzip\r\n\r\n\x00\x01\x02",
            "invalid UTF-8": HEAD + b'Content-Type: application/json\r\n\r\n{"ok":"\xff\xfe\xc3"}',
            "invalid JSON": HEAD + b"Content-Type: application/json\r\n\r\n{{{{[[[[",
            "empty body": HEAD + b"Content-Length: 0\r\n\r\n",
            "200 with an error inside": HEAD + b'Content-Type: application/json\r\n\r\n{"error":"not so fast"}',
            "a header of 90 kB": HEAD + b"X-Long: " + b"y" * 90_000 + b"\r\n\r\n",
            "a header of 300 kB": HEAD + b"X-Long: " + b"y" * 300_000 + b"\r\n\r\n",
            "10,000 headers": HEAD + b"X-Many: z\r\n" * 10_000 + b"\r\n",
            "NUL in a header": HEAD + b"X-Nul: a\x00b\r\n\r\n",
            "early hints before": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n",
            "terminal escapes": HEAD + b"Content-Length: 14\r\n\r\n\x1b[2J\x1b]0;x\x07\r\n\r\n"}.items():
        yield faulty.raw(name, data, hands_on=True, **rest)
    yield faulty.pour("100 MB of body", HEAD + b"Content-Length: 104857600\r\n\r\n", b"z" * 65536, 1600, **rest)
    yield faulty.pour("100 MB of chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"z" * 65536 + b"\r\n", 1600, **rest)
    for name, data in {
            "SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/0.9": b"<html>hello</html>", "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
            "half a status line": b"HTTP/1.1 20", "no status": b"HTTP/1.1 OK\r\n\r\n", "status of two digits": b"HTTP/1.1 20\r\n\r\n",
            "interim only": b"HTTP/1.1 100 Continue\r\n\r\n", "hints only": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
            "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "a megabyte without line end": b"H" * 1_000_000}.items():
        yield faulty.raw(name, data, "retry", hands_on=True, is_lost=True)
        yield faulty.raw(name + ", RST", data, "retry", hands_on=True, is_lost=True, with_reset=True)
    yield faulty.raw("a status line and no more", b"HTTP/1.1 200 OK\r\n", hands_on=True, stays=True, **rest)
    yield faulty.stall(False)
    yield faulty.stall(True)
    yield faulty.trickle()


def sns_answers():
    for code, want in ((b"InvalidParameter", "dead"), (b"AuthorizationError", "hold"), (b"NotFound", "hold"), (b"KMSDisabled", "hold"),
                       (b"InternalError", "retry"), (b"Throttled", "retry"), (b"Surprise", "dead")):
        yield faulty.say(500 if code == b"InternalError" else 400, body=SNS_ERROR % code, want=want)
    yield faulty.raw("200 with SNS's error inside", HEAD + b"\r\n" + SNS_ERROR % b"InternalError", "retry", hands_on=True, is_lost=True)
    yield faulty.raw("XML bomb", HEAD + b'\r\n<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"c" * 1000 + b'">' + b"".join(
        b'<!ENTITY b%d "%s">' % (n, b"&b%d;" % (n - 1) * 10 if n else b"&b;" * 10) for n in range(9)) + b"]><a>&b8;</a>", "retry",
        hands_on=True, is_lost=True)
    yield faulty.raw("deep XML", HEAD + b"\r\n" + b"<a>" * 20_000, "retry", hands_on=True, is_lost=True)


def spaced(cases):
    """Behind each a good exchange, so that no item has bad luck for ever; but for what is tried again within the attempt."""
    for case in cases:
        yield case
        if not case.is_silent:
            yield None


def identity(doc):
    return doc["Id"]


def check_each(daemon, name, proxy):
    """The n-th attempt that the log tells is the n-th exchange (the sink sends one at a time): was it what the case wants?"""
    told = sick.attempts(daemon, name)
    exchanges = [e for e in proxy.exchanges if not (e.case and e.case.is_silent)]
    wrong = []
    assert len(told) == len(exchanges), (name, len(told), len(exchanges))
    for attempt, exchange in zip(told, exchanges):
        want = exchange.case.want if exchange.case else "done"
        if attempt.event != want:
            wrong.append((str(exchange.case), "wanted " + want, attempt.event, attempt.answer[:200]))
        if exchange.key is not None and not attempt.key.startswith(exchange.key):
            wrong.append((str(exchange.case), "another message key", attempt.key, exchange.key))
    return wrong


def check_counts(proxy, docs, arrivals, dead):
    """(lost, repeated, what is wrong): no identity is lost, and none came more often than its answer was lost."""
    row = ledger.close(ledger.wanted(docs, lambda d: True, identity), arrivals)
    came = collections.Counter(a.key for a in arrivals)
    excuses = collections.Counter(e.key for e in proxy.exchanges if e.case and (e.case.is_lost or e.is_whole))
    wrong = [(key, n, excuses[key]) for key, n in came.items() if n > 1 + excuses[key]]
    return row["lost"] - len(dead - set(came)), row["repeated"], wrong + row["twice_items"] + row["unexpected_items"]


def dead_keys(daemon, sink):
    return {one["key"] for one in daemon.events("courier.dead", sink=sink)}


def p99(values):
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def delays(daemon, sink):
    """Milliseconds from queued to taken of one sink's items, in the order of queueing; from the database, once the daemon is gone."""
    import sqlite3
    db = sqlite3.connect("file:%s?mode=ro" % daemon.database, uri=True)
    try:
        return [row[0] for row in db.execute("SELECT finished_ms - created_ms FROM outbox JOIN sink ON sink.id = outbox.sink"
                                             " WHERE sink.name = ? AND outbox.state = 2 ORDER BY outbox.id", (sink,))]
    finally:
        db.close()


def feed(sim, daemon, well, count, seed):
    """New findings, a few at a time, the next when the healthy receiver has these: it queues no more beside the sick one than
    before; returns them."""
    docs, before = [], len(well.received)
    while len(docs) < count:
        part = [findings.custom(seed="%s/%d" % (seed, len(docs) + n), updated=time.time(), created=time.time())
                for n in range(min(10, count - len(docs)))]
        sim.add("securityhub", part)
        docs += part
        daemon.request("POST", "/v1/poll")
        well.wait(before + len(docs), timeout=60)
    return docs


@pytest.mark.parametrize("kind", ["http", "https", "sns"])
def test_every_broken_exchange_ends_as_the_contract_says(kind, sim, make_hook, certs, make_daemon):
    sim.topic(TOPIC)
    sim.service(hub=True)
    well, sick_hook = make_hook(), make_hook()
    sick_hook.answer(status=200, body=BODY)
    if kind == "sns":
        cases = [*cuts(600, 400, 10_000), *statuses("topic"), *broken_answers(False), *sns_answers()]
        proxy = faulty.Faulty(sim.port)
    else:
        cases = [*cuts(600, 600, len("HTTP/1.1 200 OK\r\n")), *statuses("hook"), *broken_answers(True),
                 faulty.say(413, is_silent=True), faulty.say(413, want="dead"), faulty.say(413, is_silent=True)]
        proxy = faulty.Faulty(sick_hook.port, context=Certs.context(certs.good) if kind == "https" else None)
    with proxy:
        ask(kind, sim, make_daemon, certs, proxy, well, sick_hook, cases)


def ask(kind, sim, make_daemon, certs, proxy, well, sick_hook, cases):
    name = "topic" if kind == "sns" else "hook"
    bad = topic(name, TOPIC, timeout="1s", max_in_flight=1) if kind == "sns" else webhook(
        name, proxy.url + "/hook", timeout="1s", max_in_flight=1, **({"ca_file": certs.ca} if kind == "https" else {}))
    daemon = make_daemon(
        sim, aws={"endpoints": {"securityhub": sim.url, "sns": proxy.url, "sts": sim.url, "guardduty": sim.url}, "endpoint_url": None},
        sources=[source("securityhub", start="-24h", interval="1h", rate="1000/s")], sinks=[bad, webhook("well", well.url, timeout="1s")],
        rules=[rule("all", ALL, name, "well")])
    # What is delivered or buried is gone: the good exchange behind it takes another finding.
    count = sum(1 if case.want in ("retry", "hold") else 2 for case in cases) + 5
    daemon.start()
    daemon.wait_log("poll.done")
    calm = feed(sim, daemon, well, 200, "calm")
    with proxy.changed:
        proxy.script = list(spaced(cases))

    def arrived():
        return ledger.from_sns(sim.published()) if kind == "sns" else ledger.from_hook(sick_hook.received)
    with sick.Nurse(daemon, [name]) as nurse, sick.Watch(daemon) as watch:
        docs = calm + feed(sim, daemon, well, count, "sick")
        until = time.monotonic() + 60 + len(cases) * 0.5
        while proxy.left or len({a.key for a in arrived()} | dead_keys(daemon, name)) < len(docs):
            assert time.monotonic() < until, "%d cases left\n%s" % (proxy.left, "\n".join(daemon.lines[-30:]))
            time.sleep(0.5)
        well.wait(len(docs))
        rss = sick.rss_kib(daemon.process.pid)
    assert daemon.stop() == 0
    assert proxy.troubles == []
    dead = dead_keys(daemon, name)
    wrong = check_each(daemon, name, proxy)
    lost, repeated, uneven = check_counts(proxy, docs, arrived(), dead)
    others = ledger.close(ledger.wanted(docs, lambda d: True, identity), ledger.from_hook(well.received))
    times = delays(daemon, "well")
    ratio = p99(times[200:]) / max(1.0, p99(times[:200]))
    worst = "%d wrong outcomes; well p99 %d ms (calm %d ms, ratio %.1f); loop held %.0f ms at most; %d MiB" % (
        len(wrong), p99(times[200:]), p99(times[:200]), ratio, 1000 * max(watch.slow, nurse.slow), rss // 1024)
    for one in wrong[:40] + uneven[:10]:
        print("WRONG", one)
    verdict.tell("R10", runs=len(cases), lost=lost + others["lost"], repeated=repeated, worst=kind + ": " + worst,
                 target="0 lost, repeats only of lost answers, outcomes as the contract says, loop under %d ms, under %d MiB" % (
                     1000 * STALL_MAX_S, RSS_MAX_KIB // 1024),
                 ok=not wrong and not uneven and lost == 0 and ledger.is_clean(others) and others["repeated"] == 0 and rss < RSS_MAX_KIB
                 and max(watch.slow, nurse.slow) < STALL_MAX_S and p99(times[200:]) < WELL_MAX_MS)


# ---- below HTTP ----

def converse(sim, make_daemon, sinks, count, **how):
    """A daemon that tells count findings to each of the sinks, started; returns (daemon, docs). Nothing has been fed yet."""
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", interval="1h", rate="1000/s")], sinks=sinks,
                         rules=[rule("all", ALL, *[s["name"] for s in sinks])], **how)
    daemon.start()
    daemon.wait_log("poll.done")
    return daemon, [findings.custom(seed="below/%d" % n, updated=time.time(), created=time.time()) for n in range(count)]


def tell_all(sim, daemon, docs):
    sim.add("securityhub", docs)
    daemon.ctl("poll")


def test_a_connection_that_ends_at_any_byte_of_the_handshake(sim, make_hook, certs, make_daemon):
    """RST and FIN after every so many bytes of TLS, of either side: the hellos, the certificate, the request, the answer."""
    hook = make_hook(context=Certs.context(certs.good))
    script = [(way, at, with_reset) for with_reset in (True, False) for way in ("out", "in") for at in range(0, 2600, STEP * 3)]
    with faulty.RawCut(hook.port, script) as cut:
        sink = webhook("hook", "https://localhost:%d/hook" % cut.port, ca_file=certs.ca, timeout="1s", max_in_flight=1)
        daemon, docs = converse(sim, make_daemon, [sink], 20)
        with sick.Nurse(daemon, ["hook"]) as nurse, sick.Watch(daemon) as watch:
            # An exchange that outlives its cut leaves an open connection: each needs more than one finding to meet them all.
            tell_all(sim, daemon, docs)
            wave = 0
            while cut.left:
                hook.wait(lambda got: len({d.key for d in got}) >= len(docs) or not cut.left, timeout=60 + len(script) * 0.2)
                wave += 1
                more = [findings.custom(seed="wave/%d/%d" % (wave, n), updated=time.time(), created=time.time()) for n in range(20)]
                docs += more
                tell_all(sim, daemon, more)
            hook.wait(lambda got: len({d.key for d in got}) >= len(docs), timeout=60)
            rss = sick.rss_kib(daemon.process.pid)
        assert daemon.stop() == 0
        row = ledger.close(ledger.wanted(docs, lambda d: True, identity), ledger.from_hook(hook.received))
    verdict.tell("R10", runs=len(script), lost=row["lost"], repeated=row["repeated"], worst="TLS cut: loop held %.0f ms; %d MiB" % (
        1000 * max(nurse.slow, watch.slow), rss // 1024), target="0 lost, at most one repeat a cut",
        ok=ledger.is_clean(row) and row["repeated"] <= cut.cuts and rss < RSS_MAX_KIB and max(nurse.slow, watch.slow) < STALL_MAX_S)


def bad_contexts(certs):
    old = Certs.context(certs.good)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    return {"expired": (Certs.context(certs.expired), "expired"), "wrong name": (Certs.context(certs.wrong_name), "another name"),
            "unknown CA": (Certs.context(certs.unknown_ca), "not from a known authority"), "TLS 1.1": (old, "TLS"), "no TLS": (None, "TLS")}


def test_tls_that_is_not_to_be_trusted_gets_nothing(sim, certs, make_daemon):
    """Nothing is said to a server that is not proven, and why stands in the log; once it is put right, all is delivered."""
    bad = {name: (Hook(context=context).start(), words) for name, (context, words) in bad_contexts(certs).items()}
    closed = Hook().start()
    closed.stop()
    bad["refused"] = (closed, "cannot connect")
    names = {name: name.replace(" ", "-").replace(".", "-") for name in bad}
    sinks = [webhook(names[name], "https://localhost:%d/hook" % hook.port, ca_file=certs.ca, timeout="2s") for name, (hook, _) in bad.items()]
    healed = {}
    try:
        daemon, docs = converse(sim, make_daemon, sinks, 10)
        tell_all(sim, daemon, docs)
        for name, (hook, words) in bad.items():
            told = daemon.wait_log("courier.failing", sink=names[name])
            assert words in told["line"], (name, told["line"])
            daemon.wait_log("courier.retry", sink=names[name])
        leaked = sum(len(hook.received) for hook, _ in bad.values())
        for name, (hook, _) in bad.items():
            hook.stop()
            healed[name] = Hook(context=Certs.context(certs.good)).start(hook.port)
            daemon.request("POST", "/v1/sinks/resume?name=" + names[name])
        for hook in healed.values():
            hook.wait(len(docs), timeout=60)
        assert daemon.stop() == 0
        rows = [ledger.close(ledger.wanted(docs, lambda d: True, identity), ledger.from_hook(hook.received)) for hook in healed.values()]
    finally:
        for hook in [*healed.values(), *(h for h, _ in bad.values())]:
            hook.stop()
    verdict.tell("R10", runs=len(rows), lost=sum(r["lost"] for r in rows), repeated=sum(r["repeated"] for r in rows),
                 worst="certificates, versions, refused: %d requests went to a server not proven" % leaked,
                 target="0 lost, 0 repeated, nothing said to a server not proven",
                 ok=leaked == 0 and all(ledger.is_clean(r) and r["repeated"] == 0 for r in rows))


def test_a_kept_connection_that_breaks(sim, make_hook, make_daemon):
    """Cuts on connections that were used before: libcurl may send once more by itself; the receiver can tell by the key."""
    hook = make_hook()
    hook.answer(status=200, body=BODY)
    script = []
    for at in range(0, 600, STEP * 3):
        for with_reset in (True, False):
            script += [None, None, faulty.cut_request(at, with_reset), None, None, faulty.cut_answer(at, with_reset)]
    with faulty.Faulty(hook.port, script, keeps_open=True) as proxy:
        daemon, docs = converse(sim, make_daemon, [webhook("hook", proxy.url + "/hook", timeout="1s", max_in_flight=4)], len(script))
        with sick.Nurse(daemon, ["hook"]):
            tell_all(sim, daemon, docs)
            hook.wait(lambda got: len({d.key for d in got}) >= len(docs), timeout=60 + len(script))
        assert daemon.stop() == 0
        lost, repeated, wrong = check_counts(proxy, docs, ledger.from_hook(hook.received), set())
    assert proxy.connections < len(proxy.exchanges), "no connection was used twice"
    verdict.tell("R10", runs=len([c for c in script if c]), lost=lost, repeated=repeated, worst="kept connections: %d too many" % len(wrong),
                 target="0 lost, repeats only of lost answers", ok=lost == 0 and not wrong)


def test_the_role_of_a_topic_that_cannot_be_had(sim, make_daemon):
    """STS: each topic has a role of its own, each attempt to have it meets the next fault; in the end all have it, and publish."""
    cases = [faulty.cut_request(at, r) for at in range(0, 600, 37 if verdict.is_long() else 149) for r in (True, False)]
    cases += [faulty.cut_answer(at, r) for at in range(0, 900, 37 if verdict.is_long() else 149) for r in (True, False)]
    cases += [faulty.say(status, body=b"no") for status in (302, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504)]
    cases += [c for c in broken_answers(False) if "100 MB" not in c.name]
    roles = 12
    arns = [sim.topic("%s-%d" % (TOPIC, n)) for n in range(roles)]
    with faulty.Faulty(sim.port, cases) as proxy:
        sinks = [topic("topic-%d" % n, arn, role_arn="arn:aws:iam::111122223333:role/r%d" % n, timeout="2s") for n, arn in enumerate(arns)]
        daemon, docs = converse(sim, make_daemon, sinks, 5, aws={"endpoint_url": sim.url, "endpoints": {"sts": proxy.url}})
        with sick.Nurse(daemon, [s["name"] for s in sinks]) as nurse, sick.Watch(daemon) as watch:
            tell_all(sim, daemon, docs)
            until = time.monotonic() + 240
            while len(sim.published()) < roles * len(docs) and time.monotonic() < until:
                for one in sinks:       # a role that cannot be had is no attempt of the sink: nobody retries but the operator
                    nurse.resume(one["name"])
                time.sleep(0.2)
        met = len(cases) - proxy.left
        assert daemon.stop() == 0
    rows = [ledger.close(ledger.wanted(docs, lambda d: True, identity), ledger.from_sns(sim.published(topic=arn))) for arn in arns]
    verdict.tell("R10", runs=met, lost=sum(r["lost"] for r in rows), repeated=sum(r["repeated"] for r in rows),
                 worst="STS: %d of %d faults met; loop held %.0f ms" % (met, len(cases), 1000 * max(watch.slow, nurse.slow)),
                 target="0 lost, 0 repeated", ok=met > roles and all(ledger.is_clean(r) and r["repeated"] == 0 for r in rows)
                 and not daemon.events("courier.dead") and max(watch.slow, nurse.slow) < STALL_MAX_S)
