"""The fixtures of the end-to-end tests, for the torture runs too."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from e2e.conftest import (  # noqa: E402,F401
    certs, hook, mail, make_daemon, make_hook, make_mail, make_sim, pytest_configure, sim)
