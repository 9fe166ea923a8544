"""The body of the json format has the members that findingsd.conf(5) lists, no other: receivers are written from that page."""
import os
import re

from lib import findings, paths
from lib.daemon import rule, source, webhook


def listed():
    """(members that always stand there, members that may) of the page."""
    with open(os.path.join(paths.SOURCE, "man", "findingsd.conf.5"), encoding="utf-8") as page:
        text = page.read()
    part = text[text.index("whose members always stand there"):text.index("stand there when there is one")]
    always, maybe = part.split("Account has id and name")
    return [set(re.findall(r"\b[a-z_]+\b", " ".join(re.findall(r"^\.Li (.+)$", some, re.M)))) for some in (always, maybe)]


def test_json_body_is_documented(make_sim, make_hook, make_daemon):
    sim, brief, full = make_sim(), make_hook(), make_hook()
    sim.add("securityhub", findings.many("securityhub", 1))
    sim.add("guardduty", findings.many("guardduty", 1))
    daemon = make_daemon(sim, sources=[source("securityhub", start="open"), source("guardduty", start="open")],
                         sinks=[webhook("brief", brief.url), webhook("full", full.url, full=True)],
                         rules=[rule("all", {"source": [{"prefix": "aws."}]}, "brief", "full")])
    assert daemon.once().code == 0
    always, maybe = listed()
    assert len(always) > 25 and "event" in maybe
    for got, more in ((brief.received, set()), (full.received, {"event"})):
        assert len(got) == 2
        for delivery in got:
            assert set(delivery.json) == {"type", "timestamp", "data"}
            data = delivery.json["data"]
            assert set(data) - maybe == always and more <= set(data) <= always | maybe
            assert set(data["account"]) == {"id", "name"} and set(data["resource"]) == {"type", "id"}
