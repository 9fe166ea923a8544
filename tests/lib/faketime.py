"""The clocks of a daemon under test, set by the test while it runs (libfaketime).

    clock = Fake(tmp)                  # only the machine's clock, as `date -s` sets it; timers go on
    clock = Fake(tmp, all=True)        # boot clock and monotonic clock too: what suspension or SIGSTOP looks like from inside
    daemon.start(env=clock.env)
    clock.set("+1y"); clock.set("@2038-01-19 03:14:00"); clock.set("+0 x60")

An offset is against the true time; "@" starts a clock there. A change is seen within a tenth of a second.
"""
import glob
import os

import pytest

_LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + glob.glob("/usr/lib/faketime/libfaketimeMT.so.1")


class Fake:
    def __init__(self, directory, all=False, at="+0"):  # noqa: A002
        if not _LIBRARIES:
            pytest.skip("libfaketime is not installed (package faketime)")
        if os.environ.get("FINDINGSD_NO_PRELOAD"):
            pytest.skip("ThreadSanitizer does not see through libfaketime's waits")
        self.path = os.path.join(str(directory), "faketime")
        self.set(at)
        self.env = {"LD_PRELOAD": _LIBRARIES[0], "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "0" if all else "1",
                    # in a sanitized build its runtime does not come first then
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set(self, text):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(self.path + ".new", self.path)
