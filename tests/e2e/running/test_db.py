"""findingsctl db: the store is checked, copied while in use, and made anew of what can be read, without anything told twice that is still
remembered or silently forgotten."""
import glob
import os
import sqlite3
import time

from lib import findings
from lib.daemon import rule, source, webhook

ALL = {"source": ["aws.securityhub"]}


def start(sim, make_daemon, hook, **keys):
    sim.service(hub=True)
    daemon = make_daemon(sim, sources=[source("securityhub", start="now")], sinks=[webhook("hook", hook.url)],
                         rules=[rule("all", ALL, "hook")], **keys)
    daemon.start()
    daemon.wait_log("poll.done")
    return daemon


def tell(sim, hook, *seeds):
    before = len(hook.received)
    sim.add("securityhub", [findings.custom(seed=s, updated=time.time(), created=time.time()) for s in seeds])
    hook.wait(lambda got: len(got) == before + len(seeds))


def spoil(path, table):
    """The first page of a table is not one any more."""
    base = sqlite3.connect(path)
    root = base.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    base.close()
    with open(path, "r+b") as file:
        file.seek((root - 1) * 16384)
        file.write(b"\xff" * 64)


def test_a_backup_of_a_running_daemon_restores(sim, make_daemon, make_hook, tmp_path):
    """What was told after it was made is told again when it is restored, under the same keys; nothing else is."""
    hook = make_hook()
    daemon = start(sim, make_daemon, hook)
    tell(sim, hook, "one", "two")
    daemon.wait_log("courier.delivered")
    copy = str(tmp_path / "copy.db")
    done = daemon.ctl("db", "backup", copy)
    assert done.returncode == 0, done.stderr
    assert os.stat(copy).st_mode & 0o777 == 0o600
    assert daemon.events("store.backup_done")[0]["path"] == copy
    again = daemon.ctl("db", "backup", copy)
    assert again.returncode == 1 and "never replaces" in again.stderr
    check = daemon.ctl("db", "check")
    assert check.returncode == 0 and "outbox" in check.stdout, check
    tell(sim, hook, "three")
    assert daemon.stop() == 0
    path = os.path.join(daemon.state, "findingsd.db")
    os.rename(path, path + ".old")
    os.rename(copy, path)
    assert daemon.ctl("db", "check").returncode == 0
    daemon.start()
    hook.wait(lambda got: len(got) == 4)
    daemon.wait_log("poll.done", count=3)
    assert daemon.stop() == 0
    keys = [d.key for d in hook.received]
    assert len(keys) == 4 and keys[3] == keys[2], "told again: what the backup did not know, under its key"
    # without a daemon
    assert daemon.ctl("db", "backup", copy).returncode == 0
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM outbox").fetchone()[0] == 3


def test_a_damaged_store_is_checked_refused_and_repaired(sim, make_daemon, make_hook):
    """The cursor is lost with its page: sources are read from the time that the operator names, not from `now`."""
    hook = make_hook()
    daemon = start(sim, make_daemon, hook)
    tell(sim, hook, "one", "two", "three")
    daemon.wait_log("courier.delivered")
    assert daemon.ctl("db", "repair", "--since", "1h").returncode == 75, "a daemon holds it"
    assert daemon.stop() == 0
    sound = daemon.ctl("db", "repair", "--since", "1h")
    assert sound.returncode == 1 and "nothing needs a repair" in sound.stderr
    path = os.path.join(daemon.state, "findingsd.db")
    spoil(path, "cursor")
    check = daemon.ctl("db", "check")
    assert check.returncode == 74 and "db repair" in check.stderr, check
    assert daemon.run("--once").returncode == 74
    # what happens while it is down
    sim.add("securityhub", findings.custom(seed="four", updated=time.time(), created=time.time()))
    assert daemon.ctl("db", "repair").returncode == 64, "from when on? only a person can know"
    done = daemon.ctl("db", "repair", "--since", "1h")
    assert done.returncode == 0, done.stderr
    assert len(glob.glob(path + ".damaged-*")) >= 1 and "is kept as" in done.stdout
    assert daemon.ctl("db", "check").returncode == 0
    daemon.start()
    hook.wait(lambda got: len(got) == 4)
    daemon.wait_log("poll.done", count=3)
    assert daemon.stop() == 0
    assert len(hook.received) == len({d.key for d in hook.received}) == 4, "the remembered ones are not told again"


def test_an_empty_file_is_no_first_start(sim, make_daemon, make_hook):
    """Everything is lost but the time that the operator names: what was updated since is told, under the keys that it had."""
    hook = make_hook()
    daemon = start(sim, make_daemon, hook)
    tell(sim, hook, "one", "two")
    daemon.wait_log("courier.delivered")
    assert daemon.stop() == 0
    path = os.path.join(daemon.state, "findingsd.db")
    os.truncate(path, 0)
    assert daemon.run("--once").returncode == 74
    assert os.path.getsize(path) == 0, "never replaced in silence"
    assert daemon.ctl("db", "repair", "--since", "1h").returncode == 0
    daemon.start()
    hook.wait(lambda got: len(got) == 4)
    assert daemon.stop() == 0
    keys = [d.key for d in hook.received]
    assert sorted(keys[:2]) == sorted(keys[2:])
