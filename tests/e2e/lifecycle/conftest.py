"""What the tests of the lifecycle share."""
import pytest

from lib.daemon import rule, source, webhook
from lib.story import ALL, HUB, Story


@pytest.fixture
def story(sim, hook, make_daemon):
    def begin(pattern=ALL, sources=(HUB,), start="now", reconcile="5m", **how):
        markers = {"findingsd": {"severity": ["CRITICAL"]}}
        sim.service(hub=True, guardduty=True)
        daemon = make_daemon(sim, sources=[source(s, start=start, reconcile=reconcile) for s in sources], sinks=[webhook("hook", hook.url)],
                             rules=[rule("asked", pattern, "hook", **how), rule("markers", markers, "hook")])
        daemon.start()
        for s in sources:
            daemon.wait_log("poll.done", source={HUB: "hub"}.get(s, s))
        return Story(sim, hook, daemon)
    return begin
