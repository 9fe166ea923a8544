"""regions = "enabled": those that the account has switched on are asked of EC2, polled, and known again after a restart."""
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def begin(sim, hook, make_daemon):
    for region in ("us-east-1", "eu-west-1", "sa-east-1"):
        sim.service(region=region, hub=True, opted_in=region != "sa-east-1")
        if region != "sa-east-1":
            sim.add("securityhub", findings.custom(seed=region, region=region, updated=time.time() - 60), region=region)
    return make_daemon(sim, aws={"regions": "enabled"}, sources=[source("securityhub", start="-24h")], sinks=[webhook("hook", hook.url)],
                       rules=[rule("all", ALL, "hook")], env={"AWS_REGION": "us-east-1"})


def test_once_waits_for_the_answer_and_polls_them(sim, hook, make_daemon):
    daemon = begin(sim, hook, make_daemon)
    done = daemon.once()
    assert done.code == 0 and done.line["delivered"] == 2, done.stderr
    asked = sim.requests(op="DescribeRegions")
    assert len(asked) == 1 and asked[0]["status"] == 200
    assert {r["region"] for r in sim.requests(op="GetFindings")} == {"us-east-1", "eu-west-1"}


def test_a_refusal_is_said_and_gives_75(sim, hook, make_daemon):
    daemon = begin(sim, hook, make_daemon)
    sim.fault("status", op="DescribeRegions", status=403, code="UnauthorizedOperation")
    done = daemon.once()
    assert done.code == 75 and done.line["errors"] == 1 and "regions.failed" in done.stderr


def test_a_new_region_is_polled_and_known_after_a_restart_without_asking(sim, hook, make_daemon):
    daemon = begin(sim, hook, make_daemon)
    daemon.start()
    hook.wait(lambda got: len(got) >= 2)
    assert daemon.stop() == 0
    sim.fault("status", op="DescribeRegions", status=503, code="Unavailable")
    for region in ("us-east-1", "eu-west-1"):
        sim.add("securityhub", findings.custom(seed="later/" + region, region=region, updated=time.time(), created=time.time()), region=region)
    daemon.start()
    hook.wait(lambda got: len(got) >= 4)
    assert daemon.stop() == 0
