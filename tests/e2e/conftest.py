"""Fixtures of the end-to-end tests: the simulator, a mail server, a webhook receiver, certificates, the daemon.

Each test has its own of each, made when it is first used, ended when the test ends. Long runs carry the mark `long`.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import paths  # noqa: E402
from lib.certs import Certs  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.hook import Hook  # noqa: E402
from lib.sim import Sim  # noqa: E402
from lib.smtpd import Mailbox  # noqa: E402

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; left out unless FINDINGSD_LONG is set")
    config.addinivalue_line("markers", "xdist_group(name): tests that share one worker")


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """A CA with good and bad server certificates (lib/certs.py)."""
    return Certs(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def make_sim(tmp_path):
    """Starts simulators: make_sim(seed=..., quotas=..., cert=..., ...) (lib/sim.py)."""
    made = []

    def make(**how):
        directory = tmp_path / ("sim%d" % len(made))
        directory.mkdir()
        made.append(Sim(str(directory), **how).start())
        return made[-1]
    yield make
    for sim in made:
        sim.stop()


@pytest.fixture
def sim(make_sim):
    """A simulator with one account, nothing in it."""
    return make_sim()


@pytest.fixture
def make_mail():
    """Starts mail servers: make_mail(starttls=..., users=..., ...) (lib/smtpd.py)."""
    made = []

    def make(**how):
        made.append(Mailbox(**how).start())
        return made[-1]
    yield make
    for mailbox in made:
        mailbox.stop()


@pytest.fixture
def mail(make_mail):
    """A mail server in clear, without AUTH: for sinks with tls = "none"."""
    return make_mail()


@pytest.fixture
def make_hook():
    """Starts webhook receivers: make_hook(secret=..., context=...) (lib/hook.py)."""
    made = []

    def make(**how):
        made.append(Hook(**how).start())
        return made[-1]
    yield make
    for hook in made:
        hook.stop()


@pytest.fixture
def hook(make_hook):
    """A webhook receiver that checks signatures by SECRET."""
    return make_hook(secret=SECRET)


@pytest.fixture
def make_daemon(tmp_path):
    """Makes daemons, not yet started: make_daemon(sim, sinks=[...], rules=[...], ...) (lib/daemon.py). Skips where
    findingsd has not been built."""
    if paths.program("findingsd") is None:
        pytest.skip("findingsd has not been built")
    made = []

    def make(sim=None, **how):
        made.append(Daemon(tmp_path / ("daemon%d" % len(made)), sim, **how))
        return made[-1]
    yield make
    for daemon in made:
        daemon.close()
