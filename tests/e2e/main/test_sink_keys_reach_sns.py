"""`ca_file` of an SNS sink is its own: AWS's other calls do not go by it."""
import time

from lib import findings
from lib.daemon import rule, source, topic

TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
ALL = {"source": ["aws.securityhub"]}


def test_an_sns_sink_takes_its_own_ca_file(make_sim, certs, make_daemon):
    sim, secure = make_sim(), make_sim(cert=certs.good[0], key=certs.good[1])
    secure.topic(TOPIC)
    sim.add("securityhub", findings.custom(seed="sns", updated=time.time() - 60))

    def run(**keys):
        daemon = make_daemon(sim, aws={"endpoints": {"sns": secure.url}}, sources=[source("securityhub", start="-24h")],
                             sinks=[topic("topic", TOPIC, **keys)], rules=[rule("all", ALL, "topic")])
        return daemon.once()
    refused = run()
    assert refused.line["delivered"] == 0 and "certificate" in refused.stderr
    assert run(ca_file=certs.ca).line["delivered"] == 1
