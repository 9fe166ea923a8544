"""A broken answer of the findings API: the daemon goes on, says what happened in one line, and the cursor stays where it was.

Each fault strikes the first answers that should have carried findings; when it is gone, everything is delivered. Nothing is lost
because the cursor moves only when a window's last page is committed.
"""
import time

import pytest

from lib import findings, ledger
from lib.daemon import rule, source, webhook

# name: (kind, settings, words of which one stands in the log line)
FAULTS = {
    "garbage": ("garbage", {}, ("not", "parse", "JSON")),
    "html": ("html", {}, ("not", "JSON", "answer", "without a code")),
    "empty": ("empty", {}, ("empty", "answer", "JSON")),
    "cut": ("cut", {"at": 700}, ("cut", "closed", "short", "ended")),
    "reset": ("reset", {"at": 700}, ("reset", "closed", "cut")),
    "wrong-length": ("wrong_content_length", {}, ("cut", "closed", "short", "ended", "JSON")),
    "200-with-an-error": ("ok_with_error", {}, ("error", "Internal", "Exception")),
    "over-the-ceiling": ("oversize", {"bytes": 70 * 1024 * 1024}, ("large", "ceiling", "over", "limit")),
    "redirect": ("redirect", {"status": 302, "location": "http://127.0.0.1:1/elsewhere"}, ("redirect", "Location", "302", "elsewhere")),
    "chunk-error": ("chunk_error", {}, ("chunk", "malformed", "cut")),
    "gzip-bomb": ("gzip_bomb", {}, ("large", "ceiling", "encoding", "JSON", "over")),
    "invalid-utf8": ("invalid_utf8", {}, ("UTF-8", "not", "JSON", "line 1")),
    "500": ("status", {"status": 500, "code": "InternalException"}, ("500", "Internal")),
    "503-html": ("html", {"status": 503}, ("503",)),
    "429": ("status", {"status": 429, "code": "TooManyRequestsException"}, ("429", "TooMany", "throttl")),
    "403": ("status", {"status": 403, "code": "AccessDeniedException"}, ("403", "AccessDenied", "denied")),
}
TIMES = 7  # more than one call's retries, so that a poll really fails


def identity(doc):
    return doc["Id"]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_goes_on_says_so_and_loses_nothing(name, sim, hook, make_daemon):
    kind, settings, words = FAULTS[name]
    docs = [findings.custom(seed="%s/%d" % (name, i), updated=time.time() - 600 + i) for i in range(20)]
    sim.add("securityhub", docs)
    fault = sim.fault(kind, op="GetFindings", count=TIMES, **settings)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("hub", {"source": ["aws.securityhub"]}, "hook")])
    daemon.start()
    line = daemon.wait_log("poll.failed", timeout=60)
    assert any(word.lower() in line["line"].lower() for word in words), line["line"]
    assert len(hook.received) == 0, "what came before the fault was over cannot be a finding"
    daemon.signal(12)  # USR2: poll and retry now
    sim.heal()
    daemon.signal(12)
    hook.wait(lambda got: len(got) >= len(docs), timeout=90)
    assert daemon.process.poll() is None
    row = ledger.close(ledger.wanted(docs, lambda d: True, identity), ledger.from_hook(hook.received))
    assert ledger.is_clean(row) and row["repeated"] == 0, row
    assert daemon.stop() == 0


def test_a_never_ending_answer_ends_at_the_deadline(sim, hook, make_daemon):
    """Both a stall and one byte a second: the deadline of the exchange, not of the next byte, ends them."""
    docs = [findings.custom(seed="slow/%d" % i, updated=time.time() - 600 + i) for i in range(5)]
    sim.add("securityhub", docs)
    sim.fault("stall", op="GetFindings", count=1)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h", timeout="2s")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("hub", {"source": ["aws.securityhub"]}, "hook")])
    daemon.start()
    hook.wait(lambda got: len(got) >= len(docs), timeout=90)
    assert daemon.stop() == 0


@pytest.mark.parametrize("kind", ["wrong_name", "expired", "unknown_ca"])
def test_a_wrong_certificate_is_refused_and_named(kind, make_sim, hook, certs, make_daemon):
    cert, key = getattr(certs, kind)
    sim = make_sim(cert=cert, key=key)
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("hub", {"source": ["aws.securityhub"]}, "hook")], env={"AWS_CA_BUNDLE": certs.ca})
    done = daemon.once()
    assert done.code == 75, done.stderr
    assert "certificate" in done.stderr, done.stderr
    assert sim.requests() == [], "nothing may be said to a server that is not proven"


def test_a_good_certificate_of_a_private_ca_is_taken(make_sim, hook, certs, make_daemon):
    cert, key = certs.good
    sim = make_sim(cert=cert, key=key)
    sim.add("securityhub", [findings.custom(seed="tls", updated=time.time() - 60)])
    daemon = make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("hub", {"source": ["aws.securityhub"]}, "hook")], env={"AWS_CA_BUNDLE": certs.ca})
    done = daemon.once()
    assert done.code == 0 and done.line["delivered"] == 1, done.stderr
