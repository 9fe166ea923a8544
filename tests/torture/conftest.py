"""The fixtures of the end-to-end tests, for the torture runs too."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from e2e.conftest import (  # noqa: E402,F401
    certs, hook, mail, make_daemon, make_hook, make_mail, make_sim, pytest_configure, sim)


@pytest.fixture
def make_world(tmp_path):
    """Starts worlds in fast time: make_world(clock, rows, hours, permille=...) (fast.py)."""
    from fast import World
    made = []

    def make(*args, **how):
        made.append(World(tmp_path, *args, **how))
        return made[-1]
    yield make
    for world in made:
        world.child.stop()
